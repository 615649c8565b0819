"""Fills the memory of a cgroup beside a guarded run, and says how the run ends.

`python benchmarks/hog.py --rates 5,50 --tries 4` starts, for each rate in MB/s, so many guarded
runs in a cgroup of 600 MiB, and beside each a process that takes more and more of it; the kernel
is told to kill the run rather than that one.  A run that stops in time exits with 75 and leaves a
whole set; one that the kernel kills has to be called so by `anuga_lean doctor`.  Prints a line for
each try.  Needs a memory cgroup of version 1 below its own that it may write; removes what it
makes.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

MIB = 1 << 20
LIMIT = 600 * MIB
# A dam break that would go on for hours; the sums of its mesh are what a set has to be of.
MODEL = """
import anuga
import numpy as np

domain = anuga.rectangular_cross_domain(160, 156, len1=1600.0, len2=1560.0)
domain.set_name("model")
domain.store = False
domain.set_quantity("elevation", 0.0)
domain.set_quantity("stage", lambda x, y: np.where(x < 800.0, 5.0, 1.0))
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
for t in domain.evolve(yieldstep=50.0, finaltime=1e5):
    pass
"""
# Holds something at once, then more each hundredth of a second.
HOG = """
import mmap, sys, time
held, rate = int(sys.argv[1]), float(sys.argv[2])
everything = mmap.mmap(-1, 1 << 34, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
block, touched, began = b"x" * 16 * mmap.PAGESIZE, 0, time.monotonic()
while True:
    wanted = held + (time.monotonic() - began) * rate
    while touched < wanted:
        everything[touched:touched + len(block)] = block
        touched += len(block)
    time.sleep(0.01)
"""


class Try(NamedTuple):
    """How a try ended.

    Attributes
    ----------
    code : int
        Of the run; -9 if it was killed.
    seconds : float
        From the first byte of the hog to the end of the run.
    highest : int
        Bytes, the most that the cgroup has held.
    said : str
        Why the run stopped, or what doctor makes of it.
    lost : float
        Wall time from the last whole set to the end, s.
    """

    code: int
    seconds: float
    highest: int
    said: str
    lost: float


def why_not() -> str | None:
    """Say why no cgroup can be made here; None if one can."""
    own = _own_group()
    if own is None or not os.access(own, os.W_OK):
        return "no memory cgroup of version 1 that this user may write"
    return None


def _own_group() -> Path | None:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return Path("/sys/fs/cgroup/memory") / path.strip("/")
    return None


@contextmanager
def group(limit: int) -> Iterator[Path]:
    """Make a cgroup with a limit, bytes, which is gone afterwards with all that is in it."""
    own = _own_group()
    assert own is not None
    folder = own / f"anuga_lean_hog_{os.getpid()}"
    folder.mkdir()
    try:
        (folder / "memory.limit_in_bytes").write_text(str(limit))
        yield folder
    finally:
        while pids := (folder / "cgroup.procs").read_text().split():
            for pid in pids:
                os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.05)
        folder.rmdir()


def within(folder: Path, command: Sequence[str], place: Path,
           is_victim: bool = False) -> subprocess.Popen[str]:
    """Start a command inside a cgroup; the kernel kills a victim before all others there."""
    return subprocess.Popen(
        ["sh", "-c", f"echo {1000 * is_victim} >/proc/$$/oom_score_adj && "
         f'echo $$ >{folder}/cgroup.procs && exec "$@"', "sh", *command], cwd=place,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def once(rate: float, held: int, place: Path, limit: int = LIMIT,
         options: Sequence[str] = ()) -> Try:
    """Run a guarded model in a folder beside a hog of `rate` bytes/s that holds `held` at once."""
    place.mkdir(exist_ok=True)
    (place / "model.py").write_text(MODEL)
    (place / "hog.py").write_text(HOG)
    with group(limit) as folder:
        run = within(folder, [sys.executable, "-m", "anuga_lean", "run", "--guard", *options,
                              "model.py"], place, is_victim=True)
        while not list(place.glob("CHECKPOINTS/model_*.pickle")):
            if run.poll() is not None:
                raise RuntimeError(f"the run did not begin: {run.communicate()[1]}")
            time.sleep(0.05)
        time.sleep(2.0)
        began = time.monotonic()
        hog = within(folder, [sys.executable, "hog.py", str(held), str(rate)], place)
        try:
            while run.poll() is None and hog.poll() is None:
                time.sleep(0.02)
        finally:
            hog.kill()
            complaint = hog.communicate()[1]
        if run.poll() is None:
            raise RuntimeError(f"the hog ended first: {complaint}")
        said = run.communicate()[1]
        seconds = time.monotonic() - began
        ended = time.time()
        highest = int((folder / "memory.max_usage_in_bytes").read_text())
    newest = max(place.glob("CHECKPOINTS/model_*.npz"), key=os.path.getmtime)
    done = subprocess.run([sys.executable, "-m", "anuga_lean", "checkpoint", "verify",
                           str(newest)], cwd=place, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"the set is not whole: {done.stdout}{done.stderr}")
    lost = ended - newest.stat().st_mtime
    if run.returncode == 75:
        why = next(line for line in said.splitlines() if "stopped on request" in line)
        return Try(75, seconds, highest, why.partition("because ")[2].partition(": a set")[0],
                   lost)
    (record,) = (place / "anuga_lean_runs").iterdir()
    command = [sys.executable, "-m", "anuga_lean", "doctor", "--json", "-", str(record)]
    answer = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True).stdout
    found = json.loads(answer)
    return Try(run.returncode, seconds, highest, f"doctor: {found['class']}, {found['sure']}", lost)


def main() -> None:
    """Act on the command line described above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", default="5,10,20,35,50", help="MB/s")
    parser.add_argument("--tries", type=int, default=4, help="of each rate")
    parser.add_argument("--held", type=int, default=200, help="MiB that the hog takes at once")
    args = parser.parse_args()
    reason = why_not()
    if reason is not None:
        sys.exit(f"benchmarks/hog.py: {reason}")
    for rate in map(float, args.rates.split(",")):
        for _ in range(args.tries):
            with tempfile.TemporaryDirectory(prefix="anuga_lean_hog_") as folder:
                found = once(rate * 1e6, args.held * MIB, Path(folder))
            print(f"{rate:5.0f} MB/s  code {found.code:3d}  {found.seconds:5.1f} s  highest "
                  f"{found.highest / MIB:5.0f} MiB  lost {found.lost:4.1f} s  {found.said}",
                  flush=True)


if __name__ == "__main__":
    main()
