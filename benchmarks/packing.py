"""Measures how a study is packed: by our account of memory, fixed slots, all at once, GNU parallel.

`python benchmarks/packing.py` runs the same members four times in a cgroup of the same limit and
prints how long each way takes until the last member has ended, beside the bound that none can beat;
`--write` puts the table into docs/studies.md.  Members take a block of memory and sleep, so that
other work on the machine changes little.  Of their needs ours is told nothing, the slots and
parallel the largest one.  Needs a memory cgroup that it may write; GNU parallel is left out where
it is not installed.  The same without any process is in tests/studies/test_makespan.py.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import NamedTuple

from members import make_cgroup
from readme import put

from anuga_lean.measure.environment import machine
from anuga_lean.measure.report import table

MIB = 1 << 20
DOCS = Path(__file__).resolve().parent.parent / "docs" / "studies.md"
BASE = 14           # MiB of a member beside its block
ROUNDS = 30         # of all that are left at once, at most
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
MEMBER = """
import json, os, sys, time
name = os.environ.get("ANUGA_LEAN_MEMBER") or sys.argv[3]
needs = json.load(open(sys.argv[1]))[name]
with open("/proc/self/oom_score_adj", "w") as file:
    file.write("1000")
block = b"x" * (needs["mib"] << 20)
time.sleep(needs["seconds"])
with open(sys.argv[2], "a") as file:
    file.write(name + chr(10))
"""


class Member(NamedTuple):
    """What a member takes."""

    name: str
    mib: int
    seconds: float


class Outcome(NamedTuple):
    """How a way of packing has done."""

    way: str
    seconds: float
    completed: int
    killed: int
    tries: int


def members_of(sets: int, replicates: int, shortest: float, longest: float) -> list[Member]:
    """Return the members: one set of ten large, one of which a single member is."""
    draw = random.Random(19)
    found = []
    for number in range(sets):
        for replicate in range(replicates):
            mib = 300 if number % 10 == 4 else 26 + number % 5 * 4
            if number == sets // 2 + 1 and replicate == replicates // 2:
                mib = 200
            found.append(Member(f"{number:0{len(str(sets - 1))}}-{replicate}", mib,
                                round(draw.uniform(shortest, longest), 2)))
    return found


def bound(members: Sequence[Member], limit: int, cores: int) -> dict[str, float]:
    """Return what no packing can beat, s: memory over its limit, cores, the longest member."""
    return {"memory": sum((each.mib + BASE) * each.seconds for each in members) / limit,
            "cores": sum(each.seconds for each in members) / cores,
            "the longest member": max(each.seconds for each in members)}


class Bench:
    """The members, the folder in which they run, and the cgroup that limits them together."""

    def __init__(self, folder: Path, members: Sequence[Member], limit: int, cores: int) -> None:
        self.folder, self.members, self.limit, self.cores = folder, members, limit, cores
        self.largest = max(each.mib for each in members) + BASE
        self.needs, self.script = folder / "needs.json", folder / "member.py"
        self.needs.write_text(json.dumps({each.name: each._asdict() for each in members}))
        self.script.write_text(MEMBER)

    def measure(self, way: str, run: Callable[[Path, Path], tuple[int, int]]) -> Outcome:
        """Run all members in one way, given a file of the ended and the cgroup."""
        ended = self.folder / f"{len(list(self.folder.iterdir()))}.ended"
        ended.touch()
        group = make_cgroup(self.limit * MIB)
        if group is None:
            raise SystemExit("packing.py: no memory cgroup can be made here; run it as root")
        began = time.time()
        try:
            killed, tries = run(ended, group)
            seconds = ended.stat().st_mtime - began
        finally:
            for _ in range(100):        # those that were killed leave it a little later
                try:
                    group.rmdir()
                    break
                except OSError:
                    time.sleep(0.1)
        return Outcome(way, seconds, len(set(ended.read_text().split())), killed, tries)

    def ours(self, ended: Path, group: Path) -> tuple[int, int]:
        """By `anuga_lean study`, which is told the cores and nothing of memory."""
        home = self.folder / "study"
        home.mkdir()
        (home / "model.py").write_text(MEMBER)
        sets = max(int(each.name.partition("-")[0]) for each in self.members) + 1
        with open(home / "sets.csv", "w", newline="") as file:
            csv.writer(file).writerows([["number"], *([k] for k in range(sets))])
        (home / "s.toml").write_text(
            f'script = "model.py"\ntable = "sets.csv"\nreplicates = {len(self.members) // sets}\n'
            f'guard = false\npass_by = "json"\narguments = ["{self.needs}", '
            f'"{ended}"]\n')
        subprocess.run([sys.executable, "-m", "anuga_lean", "study", "run", str(home / "s.toml"),
                        "--cores", str(self.cores)], check=True, stdout=subprocess.DEVNULL,
                       preexec_fn=lambda: _enter(group), env=ENVIRONMENT)
        records = [json.loads(each.read_text())["tries"]
                   for each in (home / "s.study" / "members").glob("*/record.json")]
        ends = [each["end"] for tries in records for each in tries]
        names = ended.read_text().split()
        twice = sorted({each for each in names if names.count(each) > 1})
        if twice:
            raise SystemExit(f"packing.py: {', '.join(twice)} came to its end twice")
        return ends.count("memory"), len(ends)

    def slots(self, ended: Path, group: Path) -> tuple[int, int]:
        """In slots that are each as large as the largest member."""
        count = min(self.cores, self.limit // self.largest)
        with ThreadPoolExecutor(count) as pool:
            codes = list(pool.map(lambda each: self._start(each, ended, group).wait(),
                                  self.members))
        return sum(code != 0 for code in codes), len(codes)

    def at_once(self, ended: Path, group: Path) -> tuple[int, int]:
        """All at the same time, and again those that the kernel has killed."""
        left, killed, tries = list(self.members), 0, 0
        for _ in range(ROUNDS):
            started = [(each, self._start(each, ended, group)) for each in left]
            tries += len(started)
            left = [each for each, process in started if process.wait() != 0]
            killed += len(left)
            if not left:
                break
        return killed, tries

    def parallel(self, ended: Path, group: Path) -> tuple[int, int]:
        """By GNU parallel, which starts none while less than the largest needs is free."""
        log = self.folder / "parallel.log"
        subprocess.run(
            ["parallel", "--will-cite", "-j", str(self.cores), "--memfree", f"{self.largest}M",
             "--retries", str(ROUNDS), "--joblog", str(log), sys.executable, str(self.script),
             str(self.needs), str(ended), "{}", ":::", *(each.name for each in self.members)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT,
            preexec_fn=lambda: _enter(group))
        # The log has a line for each end, those that are tried again too.
        ends = [line.split("\t") for line in log.read_text().splitlines()[1:]]
        return sum(each[6] != "0" or each[7] != "0" for each in ends), len(ends)

    def _start(self, member: Member, ended: Path, group: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, str(self.script), str(self.needs), str(ended), member.name],
            stderr=subprocess.DEVNULL, preexec_fn=lambda: _enter(group), env=ENVIRONMENT)


def _enter(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))


def rows(outcomes: Sequence[Outcome], least: float, count: int) -> list[tuple[str, ...]]:
    """Return the table: its heading, and a row for each way."""
    return [("packed by", "makespan, s", "over the bound", "completed", "killed for memory",
             "tries"),
            *((each.way, f"{each.seconds:.0f}", f"{100 * (each.seconds / least - 1):.0f} %",
               f"{each.completed} of {count}", str(each.killed), str(each.tries))
              for each in outcomes)]


def markdown(found: Sequence[tuple[str, ...]], says: str) -> str:
    """Return the table as docs/studies.md has it, and what it is of."""
    lines = ["| " + " | ".join(each) + " |" for each in found]
    lines.insert(1, "|---|" + "---:|" * (len(found[0]) - 1))
    return "\n".join([*lines, "", says])


def main() -> int:
    """Measure, print, write; 1 if ours is more than 15 % above the bound or lost a member."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sets", type=int, default=50)
    parser.add_argument("--replicates", type=int, default=6)
    parser.add_argument("--limit", type=int, default=1024, metavar="MIB", help="of the cgroup")
    parser.add_argument("--cores", type=int, default=8, help="members sleep: more than there are")
    parser.add_argument("--seconds", type=float, nargs=2, default=(1.0, 3.0), metavar="S",
                        help="of the shortest member and the longest")
    parser.add_argument("--only", metavar="WAY", help="ours, slots, at_once or parallel")
    parser.add_argument("--write", action="store_true", help="the table into docs/studies.md")
    options = parser.parse_args()
    members = members_of(options.sets, options.replicates, *options.seconds)
    bounds = bound(members, options.limit, options.cores)
    which = max(bounds, key=lambda name: bounds[name])
    outcomes = []
    with tempfile.TemporaryDirectory() as text:
        bench = Bench(Path(text), members, options.limit, options.cores)
        ways = {"ours": ("anuga_lean study", bench.ours),
                "slots": ("fixed slots, each of the largest member", bench.slots),
                "at_once": ("all at once, the killed again", bench.at_once),
                "parallel": (f"GNU parallel --memfree {bench.largest}M", bench.parallel)}
        for name, (way, run) in ways.items():
            if options.only not in (None, name):
                continue
            if name == "parallel" and shutil.which("parallel") is None:
                print("left out: GNU parallel is not installed (apt install parallel)")
                continue
            outcomes.append(bench.measure(way, run))
            print(f"{way}: {outcomes[-1].seconds:.1f} s", flush=True)
    found = rows(outcomes, bounds[which], len(members))
    shortest, longest = options.seconds
    says = (f"{len(members)} members of {min(each.mib for each in members) + BASE} to "
            f"{bench.largest} MiB that sleep {shortest:g} to {longest:g} s, in a cgroup of "
            f"{options.limit:,} MiB, at most {options.cores} at once. Makespan: until the last of "
            f"them has ended. The bound is {bounds[which]:.0f} s ("
            + ", ".join(f"{name} {value:.0f}" for name, value in bounds.items())
            + f"). Measured by `{' '.join(['python benchmarks/packing.py', *sys.argv[1:]])}`, "
            f"{date.today()}, {machine()['processor']}.")
    print(table(found), says, sep="\n")
    if options.write:
        DOCS.write_text(put(DOCS.read_text(), "packing", "benchmarks/packing.py",
                            lambda: markdown(found, says)))
    first = outcomes[0]
    return int(options.only in (None, "ours") and (
        first.completed < len(members) or first.seconds > 1.15 * bounds[which]))


if __name__ == "__main__":
    sys.exit(main())
