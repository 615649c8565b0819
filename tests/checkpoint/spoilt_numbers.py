"""Loads checkpoints whose arrays and numbers are others than a run writes, and steps them.

`python -m checkpoint.spoilt_numbers MODEL COUNT`, in a folder of its own, prints a line of
JSON for each case: what was changed and what became of it.  Each case runs in a fork, so that
a crash is told; the digests of the files agree with what is in them.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import anuga_lean as anuga
from anuga_lean.checkpoint import encoder
from checkpoint.damage import file_of, members_of
from checkpoint.models import NAME, YIELDSTEP, made

FOLDER = Path("SETS")
NUMBERS = (-1, 0, 1, 3, 5, 100, 10**6, 2**31 - 1, 2**31, 2**40, -2**31, -2**63, 0.5, None, True,
           "x", ["tuple"], ["ref", 0])
DTYPES = ("<f4", "<i4", "<i8", "<f8", "|u1", "|b1")
TOO_SLOW = 30       # s, of a case: absurd values make time steps absurdly short


def written(model: str) -> tuple[Path, dict[str, bytes]]:
    """Write one set of a model with all arrays in its graph; the state file and its members."""
    encoder._SMALL = 1 << 20
    domain = made(2, 2)
    if model == "walls and tracers":
        domain.riverwallData.create_riverwalls(
            {"bank": [[20.0, 0.0, 0.1], [20.0, 20.0, 0.1]]}, verbose=False)
        domain.add_tracer("dye", initial_value=1.0)
    elif model == "ghosts":
        domain.tri_full_flag[:5] = 0
    elif model == "stock":
        domain.use_stock_kernels("a test")
    domain.set_checkpointing(checkpoint_dir=str(FOLDER), checkpoint_step=1, keep=1)
    next(iter(domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)))
    [state] = [path for path in FOLDER.glob("*.npz") if "_mesh_" not in path.name]
    return state, members_of(state.read_bytes())


def changed(array: np.ndarray, moment: random.Random) -> tuple[str, np.ndarray]:
    """An array with another number, length, shape or dtype, and what is other."""
    what = moment.choice(("number", "number", "all", "length", "dtype", "shape", "order"))
    if what in ("number", "all") and array.size:
        limits = (np.iinfo if array.dtype.kind in "iu" else np.finfo)(array.dtype) \
            if array.dtype.kind in "iuf" else None
        some = [0, 1] if limits is None else \
            [limits.max, limits.min, -1, moment.randrange(300)]
        number = moment.choice(some if array.dtype.kind != "u" else [0, 1, 255])
        array.reshape(-1)[moment.randrange(array.size) if what == "number"
                          else slice(None)] = number
        what = f"{what} {number}"
    elif what == "length":
        array = moment.choice((array[:-1], array[:0], np.concatenate([array] * 2)))
    elif what == "dtype":
        array = array.astype(moment.choice(DTYPES))
    elif what == "shape":
        array = moment.choice((array.reshape(-1), array.T, array[..., :1], array[..., None]))
    elif what == "order":
        array = array[::-1]
    return f"{what} {array.dtype} {array.shape}", np.ascontiguousarray(array)


def places(value: Any, at: tuple = ()) -> list[tuple]:
    """Where numbers stand in a part of the graph."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [each for key, inner in items for each in places(inner, (*at, key))]
    return [at] if value is None or isinstance(value, (int, float)) else []


def spoil(graph: list[dict[str, Any]], moment: random.Random) -> str:
    """Change an array or a number of the graph; what was done."""
    arrays = [entry for entry in graph if "small" in entry and 0 not in entry["small"][1]]
    if moment.random() < 0.7:
        entry = moment.choice(arrays)
        dtype, shape, digits = entry["small"]
        array = np.frombuffer(bytes.fromhex(digits), dtype).reshape(shape).copy()
        what, array = changed(array, moment)
        entry["small"] = [array.dtype.str, list(array.shape), array.tobytes().hex()]
        return f"array {graph.index(entry)}: {what}"
    at = moment.choice([each for i, entry in enumerate(graph) if "small" not in entry
                        for each in places(entry, (i,))])
    holder: Any = graph
    for key in at[:-1]:
        holder = holder[key]
    holder[at[-1]] = moment.choice(NUMBERS)
    return f"{'.'.join(map(str, at))} = {holder[at[-1]]}"


def step() -> str:
    """Load the set and take two steps; what became of it."""
    try:
        domain = anuga.load_checkpoint_file(NAME, str(FOLDER), trusted=False)
    except anuga.CheckpointError:
        return "refused"
    except Exception as error:
        return f"{type(error).__name__} while it is loaded: {error}"
    try:
        steps = domain.evolve(yieldstep=YIELDSTEP / 2, duration=YIELDSTEP)
        for _ in zip(range(2), steps, strict=False):
            pass
    except Exception as error:
        return f"stopped by {type(error).__name__}"
    return "went on"


def main(model: str, count: int) -> None:
    """Try `count` cases and print them."""
    warnings.simplefilter("ignore")
    state, whole = written(model)
    kept = set(FOLDER.iterdir())
    for number in range(count):
        moment = random.Random(number)
        graph = json.loads(whole["graph.json"])
        what = spoil(graph, moment) if number else "nothing"
        for path in set(FOLDER.iterdir()) - kept:
            path.unlink()
        state.write_bytes(file_of({**whole, "graph.json": json.dumps(graph).encode()}))
        sys.stdout.flush()
        ends = os.pipe()
        process = os.fork()
        if process == 0:
            signal.alarm(TOO_SLOW)
            os.write(ends[1], step()[:400].encode())
            os._exit(0)
        os.close(ends[1])
        with os.fdopen(ends[0]) as origin:
            outcome = origin.read()
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if status == -signal.SIGALRM:
            outcome = "too slow"
        elif status:
            outcome = f"died of {status}"
        print(json.dumps({"what": what, "outcome": outcome}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
