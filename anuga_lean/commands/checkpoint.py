"""anuga_lean checkpoint: shows what checkpoint files hold and runs nothing of them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anuga_lean._errors import CheckpointError, CommandError
from anuga_lean._escapes import escaped
from anuga_lean.checkpoint.names import (
    SUFFIX,
    FoundSet,
    Name,
    as_written,
    files_of,
    path_in,
    sets_in,
)
from anuga_lean.checkpoint.reading import StateFile
from anuga_lean.checkpoint.stubs import is_stub
from anuga_lean.commands._options import add_json_option, check_json_path, printer, write_json
from anuga_lean.measure.report import table

SUMMARY = "list, verify or inspect checkpoint files"
_PLACES = ("mesh file", "this file")
_Answer = tuple[int, dict[str, Any]]    # exit code, figures


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.description = (
        "Reads names, headers and arrays of checkpoint files; code in them is listed, never "
        "loaded."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, entry, text, what in (
        ("list", _list, "the sets in a folder, the newest first", "folder"),
        ("verify", _verify, "whether every byte is as it was written; exit code 1 if not",
         "folder, or file of a set"),
        ("inspect", _inspect, "model, arrays and code of a file", "file of a set"),
    ):
        action = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        action.add_argument("path", type=Path, help=what)
        add_json_option(action)
        action.set_defaults(act=entry)


def run(args: argparse.Namespace) -> int:
    """List, verify or inspect checkpoint files; return the exit code."""
    check_json_path(args.json)
    path = args.path
    if is_stub(path):
        path = path.with_suffix(SUFFIX)     # the set that it points to
    code: int
    code, figures = args.act(path, printer(args.json))
    write_json(args.json, figures)
    return code


def _folder(path: Path) -> list[Name]:
    if not path.is_dir():
        raise CommandError(f"{path} is no folder: name the checkpoint_dir of a run")
    names = [as_written(name) for name in files_of(path)]
    if not names:
        raise CommandError(f"{path} holds no checkpoints: name the checkpoint_dir of a run", 1)
    return names


def _sets(names: list[Name]) -> list[tuple[str, FoundSet]]:
    """Return the sets of all domains, those of a domain together."""
    domains = sorted({name.domain for name in names})
    return [(domain, each) for domain in domains
            for each in sets_in([name for name in names if name.domain == domain])]


def _list(path: Path, say: Callable[[str], None]) -> _Answer:
    rows = [["domain", "time, s", "ranks", "files", "MiB", "written", "by"]]
    sets = []
    for domain, each in _sets(_folder(path)):
        files = _files(path, domain, each)
        nbytes = sum(file.stat().st_size for file in files)
        there = "all" if len(each.ranks) == each.count else f"{len(each.ranks)} of {each.count}"
        rows.append([domain, f"{each.time:g}", str(each.count), there,
                     f"{nbytes / 2**20:.1f}", _when(each.written),
                     "ANUGA" if each.is_stock else "anuga_lean"])
        sets.append({"domain": domain, "time": each.time, "ranks": each.count,
                     "files": [file.name for file in files], "nbytes": nbytes,
                     "written": each.written, "by": rows[-1][-1]})
    say(table(rows))
    return 0, {"folder": str(path), "sets": sets}


def _files(folder: Path, domain: str, found: FoundSet) -> list[Path]:
    return [path_in(folder, domain, found.count, rank, found.time, found.is_stock)
            for rank in sorted(found.ranks)]


def _verify(path: Path, say: Callable[[str], None]) -> _Answer:
    if path.is_dir():
        files = [file for domain, each in _sets(_folder(path))
                 for file in _files(path, domain, each)]
    else:
        files = [path]
    found = []
    for file in files:
        said = _verdict(file)
        found.append({"file": file.name, "wrong": said.startswith("WRONG"), "says": said})
        say(escaped(f"{file.name}: {said}"))
    return int(any(each["wrong"] for each in found)), {"path": str(path), "files": found}


def _verdict(file: Path) -> str:
    name = Name.parse(file)
    if name is not None and name.is_stock:
        return "a pickle of ANUGA's, which cannot be verified"
    try:
        with StateFile(file) as both:
            count = len(both.state.header["places"])
            for number in range(count):
                both.array(number)
            return (f"whole, {both.state.nbytes:,} bytes, with {both.mesh.path.name}, "
                    f"{both.mesh.nbytes:,} bytes; {count} arrays")
    except CheckpointError as error:
        return f"WRONG: {error}"


def _inspect(path: Path, say: Callable[[str], None]) -> _Answer:
    arrays = []
    with StateFile(path) as file:
        header = file.state.header
        facts = {label: str(value) for label, value in _facts(header)}
        say(table([["", ""], *facts.items()]))
        rows = [["array", "dtype", "shape", "in"]]
        seen = set()
        for number, (name, place) in enumerate(header["places"]):
            if (name, place) not in seen:
                seen.add((name, place))
                array = file.array(number)
                arrays.append({"name": name, "dtype": str(array.dtype), "shape": array.shape,
                               "nbytes": array.nbytes, "in": _PLACES[place == "here"]})
                rows.append([name, str(array.dtype), " x ".join(map(str, array.shape)),
                             _PLACES[place == "here"]])
        say("\n" + table(rows))
        code = file.code()
    say("\nno code" if not code else "\ncode, loaded unless trusted=False:")
    for where, kind in code:
        say(escaped(f"  {where}: {kind}"))
    return 0, {"file": str(path), "facts": facts, "arrays": arrays,
               "code": [{"in": where, "kind": kind} for where, kind in code]}


def _facts(header: dict[str, Any]) -> list[tuple[str, Any]]:
    def of(name: str) -> str:
        """Return what the header says; nothing but what a domain needs is known to be there."""
        value = header.get(name, "not there")
        return f"{value:,}" if type(value) is int else str(value)

    return [("domain", of("domain")), ("time, s", header["time"]),
            ("rank", f"{header['rank']} of {header['ranks']}"),
            ("triangles", of("number_of_triangles")), ("nodes", of("number_of_nodes")),
            ("flow algorithm", of("flow_algorithm")), ("mesh", of("mesh")[:16]),
            ("mesh file", header["mesh_file"]), ("written", _when(header["written"])),
            ("versions", f"anuga {of('anuga')}, anuga_lean {of('anuga_lean')}, "
                         f"numpy {of('numpy')}"), ("format", of("format"))]


def _when(seconds: float) -> str:
    """Return a time of the epoch in words, the number where no calendar has it."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g} s of the epoch"
