"""Compares what stock and lean make of spoilt input files: python driver.py FIRST COUNT.

In a folder of its own.  Prints a JSON object: counts by kind and outcome, and what must not be;
those files stay.  One number, or three and more, are those of the files to read.
"""

from __future__ import annotations

import builtins
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fuzz.mutations import spoilt
from fuzz.seeds import write_seeds

UNDER_SANITIZER = "libasan" in os.environ.get("LD_PRELOAD", "")
TESTS = Path(__file__).resolve().parent.parent
AT_ONCE = 50        # files that the servers have before them
MOST_MORE = 16 << 20    # bytes that lean may take beyond stock
# How often each kind is chosen: what lean reads by itself is read more often.
WEIGHTS = {"tsh": 20, "msh": 24, "pickle": 10, "partition": 10, "points": 8, "raster": 8,
           "tif": 3, "riverwall": 6, "polygon": 5, "series": 4, "ranks": 8, "scenario": 2,
           "figures": 5}


class Server:
    """A process that reads files as one of the two does."""

    def __init__(self, variant: str, folder: Path, seeds: Path) -> None:
        folder.mkdir()
        environment = os.environ | {"FUZZ_SEEDS": str(seeds), "PYTHONPATH": os.pathsep.join(
            each for each in (str(TESTS), os.environ.get("PYTHONPATH")) if each)}
        self.process = subprocess.Popen(
            [sys.executable, str(TESTS / "fuzz" / "server.py"), variant], cwd=folder,
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, kind: str, path: Path) -> None:
        assert self.process.stdin is not None
        print(json.dumps([kind, str(path)]), file=self.process.stdin, flush=True)

    def answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def kind_of(error: list[str]) -> str:
    """The built-in error that a class is, or is nearest to."""
    return next(name for name in error if hasattr(builtins, name))


# What lean refuses though stock makes something of it, and why that is broken.
BY_DESIGN = {
    "of another run than": "ANUGA merges frames of different times or origins",
    "full triangles of a mesh": "ANUGA leaves values of triangles that no rank has",
    "it is damaged": "ANUGA merges values into places that no triangle has",
    "dump the parts again": "ANUGA exchanges values of other triangles, or ends in the first step",
    "tags edges 0 to 2": "ANUGA takes edge -1 for the last one, which then has two tags",
    "a fit needs an x and a y": "ANUGA's compiled code reads beyond the points",
    "it is no whole SWW file": "ANUGA does not look whether the other files are of its run",
    "and the file has": "ANUGA keeps corners without vertices until its compiled code reads there",
}
# What stock refuses though it means a mesh.
ALSO_FINE = ("not C-contiguous",)


def judged(stock: dict[str, Any] | None, lean: dict[str, Any]) -> tuple[str, str]:
    """The outcome in a word, and what is wrong with it; the empty text if nothing is."""
    if lean.get("signal") == "SIGALRM" and stock is not None and \
            3 * stock["seconds"] > lean["seconds"]:
        return "slow in both", ""
    if "signal" in lean:
        both = stock is not None and "signal" in stock
        return f"signal{' in both' if both else ''}", f"lean ended by {lean['signal']}"
    if stock is None:       # only lean reads such files
        refused = "error" in lean and "LeanError" in lean["error"]
        if refused or "value" in lean:
            return ("refused" if refused else "read"), ""
        return "error", f"lean: {lean['error'][0]}: {lean['said']} {lean['where']}"
    more = lean["peak"] - stock.get("peak", lean["peak"])
    if more > MOST_MORE:
        return "memory", f"lean took {more >> 20} MiB more than stock"
    if "signal" in stock:
        return "stock died", ""
    if "value" in stock:
        if "error" in lean and any(reason in lean["said"] for reason in BY_DESIGN):
            return "refused by design", ""
        if "value" in lean:
            places = [i for i, both in enumerate(zip(stock["value"], lean["value"], strict=False))
                      if both[0] != both[1]]
            same = stock["value"] == lean["value"]
            return "read", "" if same else f"values {places} differ"
        return "refused", f"only lean refuses: {lean['error'][0]}: {lean['said']} {lean['where']}"
    if "value" in lean:
        if any(reason in stock["said"] for reason in ALSO_FINE):
            return "accepted by design", ""
        return "accepted", f"only stock refuses: {stock['error'][0]}: {stock['said']}"
    if "LeanError" in lean["error"] or kind_of(stock["error"]) in lean["error"]:
        return "error", ""
    return "other error", f"stock: {stock['error'][0]}: {stock['said']}; lean: " \
        f"{lean['error'][0]}: {lean['said']} {lean['where']}"


def written(number: int, seeds: dict[str, list[Path]], folder: Path) -> tuple[str, Path]:
    """Write the file of a number; return its kind and path."""
    moment = random.Random(number)
    kinds = [kind for kind in WEIGHTS if seeds[kind]]   # rasterio need not be there
    kind = moment.choices(kinds, [WEIGHTS[each] for each in kinds])[0]
    seed = moment.choice(seeds[kind])
    path = folder / f"{number}_{seed.name}"
    path.write_bytes(spoilt(kind, seed, moment, folder))
    if seed.suffix == ".asc":
        path.with_suffix(".prj").write_bytes(seed.with_suffix(".prj").read_bytes())
    return kind, path


def main(numbers: Iterable[int]) -> None:
    """Read the files of these numbers."""
    here = Path.cwd()
    seeds = write_seeds(here / "seeds")
    # ANUGA's own faults are no matter of the sanitizers'
    servers = {variant: Server(variant, here / variant, here / "seeds")
               for variant in ("stock", "lean") if variant == "lean" or not UNDER_SANITIZER}
    for variant, server in servers.items():
        wrong = server.answer()
        if wrong:
            raise SystemExit(f"{variant} cannot read good files: {wrong}")
    counts: Counter[str] = Counter()
    wrong = []
    todo = list(numbers)
    for start in range(0, len(todo), AT_ONCE):
        asked = []
        for number in todo[start : start + AT_ONCE]:
            kind, path = written(number, seeds, here)
            variants = [each for each in servers if each == "lean" or kind != "figures"]
            for variant in variants:
                servers[variant].ask(kind, path)
            asked.append((number, kind, path, variants))
        for number, kind, path, variants in asked:
            both = {variant: servers[variant].answer() for variant in variants}
            word, said = judged(both.get("stock"), both["lean"])
            if UNDER_SANITIZER and both["lean"].get("signal") in (None, "SIGALRM"):
                word, said = "ended", ""    # or was too slow there
            counts[f"{kind}: {word}"] += 1
            if said:
                wrong.append([number, path.name, said])
                print(number, path.name, said, file=sys.stderr, flush=True)
            else:
                path.unlink()
    for server in servers.values():
        server.close()
    print(json.dumps({"counts": counts, "wrong": wrong}))


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(range(given[0], given[0] + given[1]) if len(given) == 2 else given)
