"""Counts the instructions of a time step, which are the same in every run and on every machine.

Owns running a case under valgrind's callgrind and reading its files.  They depend on the
compiler of the kernels, what Python does on its version: both go into the record, and the gate
compares what is alike.
"""

from __future__ import annotations

import platform
import re
import shutil
from collections import Counter
from pathlib import Path

from anuga_lean._errors import LeanError, MeasurementError
from anuga_lean.measure.builds import Build
from anuga_lean.measure.cases import Case, describe
from anuga_lean.measure.environment import kernel_compiler, machine
from anuga_lean.measure.measurement import Progress, measure
from anuga_lean.measure.records import Figure, Record

NO_VALGRIND = ("there is no valgrind, which counts instructions: apt install valgrind; until then "
               "there are no such figures")
LEAST_STEPS = 4
_UNIT = "instr/tri"
_LIBRARIES = {"libpython": "Python", "python": "Python", "_multiarray": "numpy",
              "_kernels": "kernels"}
_POSITION = re.compile(r"(fn|ob|cfn|cob)=\((\d+)\)(?: (.*))?$")
_COST = re.compile(r"[+*\-\d]\S* (\d+)$")

Counted = Counter[tuple[str, str]]      # instructions by object file and function


def has_valgrind() -> bool:
    """Whether valgrind is on the search path."""
    return shutil.which("valgrind") is not None


def instructions_record(case: Case, build: Build, folder: Path, name: str | None = None,
                        progress: Progress | None = None) -> Record:
    """Count the instructions per triangle and step of a lean build, whole and by function.

    The first step and the last one are left out, and so is what comes before and after.
    """
    record = case.record("instructions", [name or build.label], build.label)
    if progress is not None:
        progress(f"{case.scenario} {build.label}: instructions")
    try:
        _count_into(record, case, build, folder / "instructions")
    except LeanError as error:
        record.error = str(error)
    return record


def _count_into(record: Record, case: Case, build: Build, folder: Path) -> None:
    if build.variant != "lean" or build.isa is None:
        raise MeasurementError(f"instructions are counted for lean kernels of one instruction set, "
                               f"not for {build.label}: give lean-baseline or lean-v3")
    if build.isa == "v4":
        raise MeasurementError("valgrind does not know AVX-512: give lean-v3 or lean-baseline")
    if not has_valgrind():
        raise MeasurementError(NO_VALGRIND)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    out = folder / "callgrind.out"
    sweep = f"lean_sweep_{build.isa}"
    under = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
             f"--dump-before={sweep}"]
    result = measure(case.request(build, case.sizes[-1], small_pages=True), folder / "run",
                     under=under)
    steps, triangles = int(result["steps"]), int(result["number_of_triangles"])
    found = Counter[tuple[str, str]]()
    for path in _of_whole_steps(out, sweep, steps):
        found.update(read(path))
    each = 1.0 / (triangles * (steps - 2))
    kernels = sum(count for (library, _), count in found.items() if library == "kernels")
    describe(record, [result])
    record.figures = {
        "kernel_instructions": Figure(kernels * each, _UNIT, None, "kernel instructions"),
        "instructions": Figure(found.total() * each, _UNIT, None, "instructions"),
    }
    by_name = Counter[str]()
    for (library, function), count in found.items():
        by_name[function if library == "kernels" else f"({library})"] += count
    record.functions = {function: count * each for function, count in by_name.most_common()}
    record.toolchain = {"compiler": kernel_compiler() or "unknown",
                        "architecture": platform.machine(),
                        **{name: str(result["versions"][name]) for name in ("python", "numpy")}}


def usable_builds() -> list[str]:
    """Return the builds whose instructions can be counted on this machine."""
    return ["lean-baseline", *(["lean-v3"] if machine()["avx2"] else [])]


def _of_whole_steps(out: Path, sweep: str, steps: int) -> list[Path]:
    """Return the files of the steps between the first and the last: one ends before each sweep."""
    dumps = len(list(out.parent.glob(f"{out.name}.*")))
    if steps < LEAST_STEPS or dumps == 0 or dumps % steps:
        raise MeasurementError(f"callgrind saw {dumps} calls of {sweep} in {steps} steps: it needs "
                               f"kernels with symbols and at least {LEAST_STEPS} steps")
    sweeps = dumps // steps
    return [out.with_name(f"{out.name}.{number}")
            for number in range(sweeps + 2, sweeps * (steps - 1) + 2)]


def read(path: Path) -> Counted:
    """Return the instructions of a file of callgrind's, by library and function.

    Notes
    -----
    Callgrind Format Specification, version 1: a cost line is a position and a count, the line
    after ``calls=`` is what the called function took, which is its own.
    """
    names: dict[tuple[str, str], str] = {}
    found = Counter[tuple[str, str]]()
    library = function = ""
    of_call = False
    with open(path) as lines:
        for line in lines:
            cost = _COST.match(line)
            if cost:
                if not of_call:
                    found[library, function] += int(cost[1])
                of_call = False
                continue
            of_call = line.startswith("calls=")
            position = _POSITION.match(line)
            if position:
                kind, number, name = position.groups()
                key = kind[-2:], number
                if name is not None:
                    names[key] = name
                if kind == "fn":
                    function = re.sub(r"'\d+$", "", names[key])
                elif kind == "ob":
                    library = _library(names[key])
    return found


def _library(path: str) -> str:
    """Return how the figures name an object file."""
    name = Path(path).name
    return next((known for begin, known in _LIBRARIES.items() if name.startswith(begin)), "others")
