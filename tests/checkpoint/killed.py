"""Kills a run again and again, and looks each time at what it has left: python killed.py MODE SEED.

Run in an empty folder; MODE is 'clock' (killed from outside, after a random
time) or 'writing' (kills itself at a random call inside of writing a set).
Prints one JSON object a kill.  It forks from one process, so that ANUGA is
imported once.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from netCDF4 import Dataset

import anuga_lean as anuga
from anuga_lean.checkpoint import file as checkpoint_file
from checkpoint.models import NAME, YIELDSTEP, digests, inside, made

KILLS = 50
FINALTIME = 400 * YIELDSTEP
SETS = Path("CHECKPOINTS")


def stored(name: str = NAME) -> Any:
    """A run that stores and checkpoints at every yield."""
    domain = made(name=name)
    domain.set_store(True)
    domain.set_checkpointing(checkpoint_step=1, keep=2)
    return domain


def loaded() -> Any:
    """The run as its newest set has it."""
    return anuga.load_checkpoint_file(NAME, str(SETS))


def frames() -> dict[str, Any]:
    """What the SWW file holds of each time, and of the mesh."""
    with Dataset(f"{NAME}.sww") as file:
        file.set_auto_mask(False)
        return {name: np.array(variable[:]) for name, variable in file.variables.items()
                if not name.endswith("_range")}


def same_frames(found: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Whether these are the first frames of the uninterrupted run, to the bit."""
    count = len(found["time"])
    return set(found) == set(whole) and all(
        found[name].tobytes() == (
            whole[name][:count] if name == "time" or np.ndim(whole[name]) == 2
            and len(whole[name]) == len(whole["time"]) else whole[name]).tobytes()
        for name in whole)


def kill_at(count: int) -> None:
    """Kill this process at one of the calls that change a file, or half-way through it."""
    left = [count]

    def killing(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                if call is write and len(args[1]) > 1:
                    args[0]._file.write(bytes(args[1])[:len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args)
        return called

    write = checkpoint_file._Stream.write
    checkpoint_file._Stream.write = killing(write)  # type: ignore[method-assign]
    for name in ("fsync", "replace", "unlink"):
        setattr(os, name, killing(getattr(os, name)))


def run_until_killed(mode: str, moment: random.Random) -> bool:
    """Go on in a child from the newest set, or begin, and kill it; False if it ended first."""
    begun, begin = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            domain = loaded() if SETS.exists() and list(SETS.glob("*.npz")) else stored()
            if mode == "writing":
                kill_at(moment.randrange(1, 200))
            for _ in domain.evolve(yieldstep=YIELDSTEP, finaltime=FINALTIME):
                os.write(begin, b".")
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(begin)
    if mode == "clock":
        os.read(begun, 1)
        time.sleep(moment.uniform(0.0, 0.1))
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    os.close(begun)
    if os.WIFEXITED(status):
        assert 0 == os.WEXITSTATUS(status), "the run has failed"
        return False
    return True


def main(mode: str, seed: int) -> None:
    """Make the uninterrupted run, then one that is killed again and again."""
    with inside(Path("whole")):
        whole = digests(stored(), FINALTIME)
        whole_frames = frames()
    moment = random.Random(seed)
    killed = 0
    while killed < KILLS:
        with inside(Path("killed")):
            moment.random()     # the children inherit the state: another one each
            is_killed = run_until_killed(mode, moment)
            names = sorted(os.listdir(SETS)) if SETS.exists() else []
        if not is_killed:       # it came to its end: from the start again
            shutil.rmtree("killed")
            continue
        killed += 1
        if not any(name.endswith(".npz") and "_mesh_" not in name for name in names):
            print(json.dumps({"names": names, "time": None}))
            continue
        shutil.copytree("killed", "looked_at")
        with inside(Path("looked_at")):
            domain = loaded()
            domain.checkpoint = False
            first = domain.get_time()
            found = digests(domain, FINALTIME, at_most=3)
            print(json.dumps({
                "names": names, "time": first,
                "same": all(whole[t] == each for t, each in found.items()),
                "yields": len(found), "same_frames": same_frames(frames(), whole_frames)}))
        shutil.rmtree("looked_at")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
