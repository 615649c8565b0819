"""Starts the workers of a self-check and compares what they answer with stock.

Owns the processes, and what counts as compared, as different and as not compared.  The
words for it are verdict.py's.
"""

from __future__ import annotations

import json
import os
import resource
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from anuga_lean.measure.comparison import same_bits
from anuga_lean.measure.environment import cores
from anuga_lean.measure.measurement import child_environment, how_it_ended
from anuga_lean.selfcheck.boundaries import MAKERS
from anuga_lean.selfcheck.cases import MODEL_GROUP, Case

SILENCE = 120.0     # s without a word after which a worker is ended; a case takes below one
STOCK = "stock"

Progress = Callable[[str], None]


@dataclass
class Worker:
    """A process and how it ended.

    Attributes
    ----------
    variant : str
        "stock" or "lean".
    isa : str
        Of the lean kernels; '' for stock.
    folder : Path
        Holds its request, its answers and ``output.log``.
    failure : str
        How it died, '' if it did not.
    """

    variant: str
    isa: str
    folder: Path
    failure: str = ""

    @property
    def name(self) -> str:
        """Return the name that a report uses."""
        return "ANUGA's own worker" if self.variant == STOCK else f"the lean worker on {self.isa}"


@dataclass
class Difference:
    """The first bit of a case that is not stock's.

    Attributes
    ----------
    case : str
        GROUP/ROW/NUMBER.
    isa : str
    state : int or None
        Which of the case's states; None if there are none (models) or it is about all.
    quantity : str
    index : list of int
        Within the array: the triangle, for models after the yield.
    stock, lean : str
        The values, floats as float.hex writes them.
    count : int
        Values of this quantity that differ, of all states of the case.
    """

    case: str
    isa: str
    state: int | None
    quantity: str
    index: list[int]
    stock: str
    lean: str
    count: int


@dataclass
class Row:
    """The outcome of the cases of one row.

    Attributes
    ----------
    group, row : str
    states : int
        One-step states; steps, for models.
    compared : int
        Those of them that lean kernels took on every instruction set.
    on_stock : int
        Those that ran on ANUGA's kernels on lean too, which proves nothing.
    refused : int
        Those in which ANUGA itself raised, and lean the same.
    reason : str
        What ANUGA raised first.
    different : int
        Those with another bit on any instruction set.
    """

    group: str
    row: str
    states: int = 0
    compared: int = 0
    on_stock: int = 0
    refused: int = 0
    reason: str = ""
    different: int = 0


@dataclass
class Outcome:
    """All that a self-check found."""

    seed: int
    isas: list[str]
    rows: list[Row] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unknown_boundaries: list[str] = field(default_factory=list)
    values: int = 0             # compared, bit by bit
    seconds: float = 0.0
    cpu_seconds: float = 0.0    # of the workers

    @property
    def verdict(self) -> str:
        """Return "different", "incomplete" (a worker died, or nothing was compared) or "same"."""
        if self.differences:
            return "different"
        if self.failures or not any(row.compared for row in self.rows):
            return "incomplete"
        return "same"

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {**asdict(self), "verdict": self.verdict}


def selfcheck(cases: Sequence[Case], seed: int, isas: Sequence[str], folder: Path,
              progress: Progress) -> Outcome:
    """Run all cases on stock and on lean with each instruction set, and compare.

    Parameters
    ----------
    cases : sequence of Case
    seed : int
    isas : sequence of str
    folder : Path
        Empty; every worker has a folder of its own in it.
    progress : callable
    """
    began, cpu = time.monotonic(), _cpu_of_children()
    workers = [Worker(STOCK, "", folder / STOCK),
               *(Worker("lean", isa, folder / f"lean_{isa}") for isa in isas)]
    run_workers(workers, cases, seed, progress)
    outcome = Outcome(seed, list(isas), seconds=time.monotonic() - began,
                      cpu_seconds=_cpu_of_children() - cpu)
    outcome.failures = [worker.failure for worker in workers if worker.failure]
    outcome.unknown_boundaries = _unknown_boundaries(workers[0])
    for position, case in enumerate(cases):
        compare_case(outcome, case, position, workers)
    return outcome


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# -- processes -----------------------------------------------------------------


def run_workers(workers: Sequence[Worker], cases: Sequence[Case], seed: int,
                progress: Progress) -> None:
    """Run all workers to their end, as many at a time as there are cores."""
    alive: list[subprocess.Popen] = []
    with ThreadPoolExecutor(min(len(workers), cores())) as pool:
        done = [pool.submit(run_worker, worker, cases, seed, progress, alive)
                for worker in workers]
        try:
            for each in done:
                each.result()
        except BaseException:
            for each in done:
                each.cancel()
            for child in alive:
                child.kill()
            raise


def command(folder: Path, descriptor: int) -> list[str]:
    """Return the command that starts a worker."""
    return [sys.executable, "-m", "anuga_lean.selfcheck.worker", str(folder), str(descriptor)]


def run_worker(worker: Worker, cases: Sequence[Case], seed: int, progress: Progress,
               alive: list[subprocess.Popen]) -> None:
    """Run one worker to its end and note how it died, if it did."""
    worker.folder.mkdir()
    request = {"variant": worker.variant, "seed": seed, "cases": cases}
    (worker.folder / "request.json").write_text(json.dumps(request))
    log = worker.folder / "output.log"
    reading, writing = os.pipe()
    try:
        with log.open("w") as output:
            child = subprocess.Popen(
                command(worker.folder, writing), cwd=worker.folder, env=_environment(worker),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                pass_fds=(writing,))
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    alive.append(child)
    last, silent = _listen(reading, Told(worker, len(cases), progress))
    if silent:
        child.kill()
    status = child.wait()
    alive.remove(child)
    if silent:
        worker.failure = (f"{worker.name} said nothing for {SILENCE:.0f} s in {last} and was "
                          f"ended; its last words: {_last_words(log)}")
    elif status != 0 or last != "end":
        worker.failure = f"{worker.name} {how_it_ended(status, log)} (in {last or 'its start'})"
        if status < 0:
            worker.failure += f"; its last words: {_last_words(log)}"


class Told:
    """Passes the names of cases on as progress."""

    def __init__(self, worker: Worker, cases: int, progress: Progress) -> None:
        self.worker, self.cases, self.progress = worker, cases, progress
        self.number = 0     # the import comes before the first

    def __call__(self, line: str) -> None:
        self.progress(f"{self.worker.name}: step {self.number}/{self.cases}, {line}")
        self.number = min(self.number + 1, self.cases)


def _listen(reading: int, hear: Progress) -> tuple[str, bool]:
    """Return the last line of a worker, and whether silence and not its end came after it."""
    last, rest = "", b""
    with open(reading, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], SILENCE)[0]:
            found = os.read(pipe.fileno(), 65536)
            if not found:
                return last, False
            *lines, rest = (rest + found).split(b"\n")
            for line in lines:
                last = line.decode(errors="replace")
                hear(last)
    return last, True


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    return next(filter(None, reversed(lines)), "none")


def _environment(worker: Worker) -> dict[str, str]:
    """Return an environment of one thread, this instruction set and no setting of the user's."""
    found = child_environment(None, 1, worker.isa or None, worker.folder)
    for name in ("ANUGA_DEFAULT_COMPUTE_MODE", "PYTHONWARNINGS"):
        found.pop(name, None)
    return found


def _unknown_boundaries(stock: Worker) -> list[str]:
    """Return ANUGA's boundary classes that this package does not know how to make."""
    path = stock.folder / "classes.json"
    return sorted({*json.loads(path.read_text())} - {*MAKERS}) if path.exists() else []


# -- comparing -----------------------------------------------------------------


def compare_case(outcome: Outcome, case: Case, position: int, workers: Sequence[Worker]) -> None:
    """Compare the answers to a case and add the case to the outcome."""
    stock, *lean = (read_answer(worker, position) for worker in workers)
    row = next((each for each in outcome.rows if (each.group, each.row) == case[:2]), None)
    if row is None:
        row = Row(*case[:2])
        outcome.rows.append(row)
    if stock is None:
        return  # its worker died before; outcome.failures says so
    is_model = case.group == MODEL_GROUP
    states = len(stock["error"])
    weight = stock["value.timesteps"].size if is_model and "value.timesteps" in stock else 1
    refused = stock["error"] != ""
    on_lean = np.ones(states, bool)
    different = np.zeros(states, bool)
    for worker, found in zip(workers[1:], lean, strict=True):
        if found is None:
            continue
        on_lean &= found["lean"]
        differs, first = differences(stock, found, case, worker.isa)
        different |= differs
        if first is not None:
            outcome.differences.append(first)
        isa = str(found["isa"])
        if found["lean"].any() and isa and isa != worker.isa:
            outcome.failures.append(f"{worker.name} ran {case.name} on {isa}")
    if any(found is None for found in lean):
        return  # as above: such a case counts only if it differs
    if stock["lean"].any():
        outcome.failures.append(f"{workers[0].name} ran {case.name} on lean kernels")
    row.states += weight * states
    row.refused += weight * int((refused & ~different).sum())
    row.on_stock += weight * int((~refused & ~on_lean & ~different).sum())
    row.compared += weight * int((~refused & on_lean).sum())
    row.different += weight * int(different.sum())
    if refused.any():
        row.reason = row.reason or " ".join(str(stock["error"][refused][0]).split())
    if not refused.all():
        outcome.values += len(lean) * sum(int(values[~refused & on_lean].size)
                                          for name, values in stock.items()
                                          if name.startswith("value."))


def read_answer(worker: Worker, position: int) -> dict[str, np.ndarray] | None:
    """Return what a worker answered to the case at a position; None if it did not."""
    path = worker.folder / f"{position}.npz"
    if not path.exists():
        return None
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def differences(stock: dict[str, np.ndarray], lean: dict[str, np.ndarray], case: Case, isa: str
                ) -> tuple[np.ndarray, Difference | None]:
    """Compare two answers to a case bit by bit.

    Returns
    -------
    different : (states,) bool
    first : Difference or None
        In the first state that differs; of stage before momenta and so on.
    """
    states = len(stock["error"])
    different = np.zeros(states, bool)
    if not np.array_equal(stock["inputs"], lean["inputs"]):
        return ~different, Difference(case.name, isa, None, "what was drawn", [],
                                      str(stock["inputs"]), str(lean["inputs"]), states)
    found: list[Difference] = []
    kinds = [[str(error).partition(":")[0] for error in each["error"]] for each in (stock, lean)]
    for state, (ours, theirs) in enumerate(zip(*kinds, strict=True)):
        if ours != theirs:
            different[state] = True
            found.append(Difference(case.name, isa, state, "error", [],
                                    str(stock["error"][state]) or "none",
                                    str(lean["error"][state]) or "none", 1))
    names = [name for name in {**stock, **lean} if name.startswith("value.")]
    for name in names:
        one = _compare_arrays(name, stock.get(name), lean.get(name), case, isa, different)
        found += [] if one is None else [one]
    found.sort(key=lambda each: -1 if each.state is None else each.state)
    first = found[0] if found else None
    if first is not None and case.group == MODEL_GROUP:
        first.state = None
    return different, first


def _compare_arrays(name: str, ours: np.ndarray | None, theirs: np.ndarray | None, case: Case,
                    isa: str, different: np.ndarray) -> Difference | None:
    """Return the first difference of one quantity; mark the states that differ."""
    quantity = name.removeprefix("value.")
    if ours is None or theirs is None or (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
        different[:] = True
        stock, lean = ("none" if each is None else f"{each.dtype} {each.shape[1:]}"
                       for each in (ours, theirs))
        return Difference(case.name, isa, 0, quantity, [], stock, lean, len(different))
    if same_bits(ours, theirs):
        return None
    unequal = unequal_bits(ours, theirs)
    different |= unequal.reshape(len(unequal), -1).any(axis=1)
    place = tuple(int(i) for i in np.argwhere(unequal)[0])
    return Difference(case.name, isa, place[0], quantity, list(place[1:]), _hex(ours[place]),
                      _hex(theirs[place]), int(unequal.sum()))


def unequal_bits(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return where two arrays of one shape and dtype differ, by the rule of `same_bits`."""
    if ours.dtype.kind != "f":
        return ours != theirs
    nan = np.isnan(ours) & np.isnan(theirs)
    return ~nan & ((ours != theirs) | (np.signbit(ours) != np.signbit(theirs)))


def _hex(value: Any) -> str:
    return float(value).hex() if np.asarray(value).dtype.kind == "f" else repr(value.item())
