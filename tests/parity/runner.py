"""Runs parity cases on one variant of ANUGA, one process each, and writes their results.

`python -m parity.runner VARIANT FOLDER CASE...` with VARIANT one of
stock      `import anuga`
lean       `import anuga_lean as anuga`
converted  stock builds the domain, `anuga_lean.from_domain` takes it over
Every case is forked from one interpreter that has ANUGA loaded, runs in a folder
of its own, and leaves FOLDER/CASE.npz, or FOLDER/CASE.err with the traceback; what
it prints goes to FOLDER/CASE.log.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

VARIANTS = ("stock", "lean", "converted")
CENTROIDS = ("stage", "xmomentum", "ymomentum", "height", "elevation", "friction")


class Recorder:
    """A fractional-step operator that writes down every step and changes nothing."""

    logging = False
    label = description = "parity recorder"

    def __init__(self) -> None:
        self.timesteps: list[float] = []
        self.times: list[float] = []
        self.states: dict[str, list[np.ndarray]] = {name: [] for name in CENTROIDS}
        self.flux_integrals: list[float] = []

    def __call__(self) -> None:
        self.timesteps.append(self.domain.timestep)

    def attach(self, domain: Any) -> None:
        """Listen to `domain`, instead of a copy of this recorder it may have been pickled with."""
        operators = domain.fractional_step_operators
        operators[:] = [each for each in operators if each.label != self.label]
        operators.append(self)
        self.domain = domain

    def log_timestepping_statistics(self) -> None:
        """ANUGA asks every operator for this at a yield."""

    def at_yield(self) -> None:
        """Keep what a script would see now."""
        self.times.append(self.domain.get_time())
        self.flux_integrals.append(float(self.domain.get_boundary_flux_integral()))
        for name, states in self.states.items():
            states.append(np.array(self.domain.quantities[name].centroid_values))

    def results(self) -> dict[str, np.ndarray]:
        """What was recorded: steps first, then yields by quantity."""
        found = {
            "timesteps": np.array(self.timesteps),
            "times": np.array(self.times),
            "boundary_flux_integral": np.array(self.flux_integrals),
        }
        found |= {name: np.array(states) for name, states in self.states.items()}
        return found


def load(variant: str) -> ModuleType:
    """The module a script of this variant calls `anuga`, its classes in place."""
    if variant != "lean":
        # The cases import parts of anuga_lean, which would turn an ANUGA loaded before lean.
        importlib.import_module("anuga_lean.overlay.finder").unwatch()
    anuga = importlib.import_module("anuga_lean" if variant == "lean" else "anuga")
    anuga.Domain  # noqa: B018  the first ANUGA name asked of anuga_lean brings the hook in
    return anuga


def converted(domain: Any) -> Any:
    """`domain` on lean kernels, the way a user converts it."""
    anuga_lean = importlib.import_module("anuga_lean")
    return anuga_lean.from_domain(domain)


def run(anuga: ModuleType, build: Any, variant: str) -> dict[str, np.ndarray]:
    """Evolve one case to its end, every leg of it; what it computed by name."""
    legs = build(anuga)
    extra: dict[str, Any] = {}
    recorder = None
    if not inspect.isgenerator(legs):
        legs = iter([legs])
    while True:
        try:
            domain, yieldstep, finaltime, *rest = next(legs)
        except StopIteration as stop:
            extra = stop.value or {}
            break
        if variant == "converted" and recorder is None:
            domain = converted(domain)
        recorder = recorder or Recorder()
        recorder.attach(domain)
        actions = [each for each in rest if callable(each)]
        options = {
            key: value for each in rest if isinstance(each, dict) for key, value in each.items()
        }
        for t in domain.evolve(yieldstep=yieldstep, finaltime=finaltime, **options):
            recorder.at_yield()
            for action in actions:
                action(t)
    found = recorder.results()
    found |= {f"extra.{name}": np.asarray(value) for name, value in extra.items()}
    found |= stored(Path(recorder.domain.get_name() + ".sww"))
    lean = getattr(domain, "lean", None)
    found["kernels"] = np.array("stock" if lean is None else "lean")
    found["isa"] = np.array("" if lean is None else lean.run.isa)
    return found


def stored(path: Path) -> dict[str, np.ndarray]:
    """Every variable of an SWW file, nothing masked or scaled; empty if there is no file."""
    if not path.exists():
        return {}
    from netCDF4 import Dataset

    with Dataset(str(path)) as file:
        file.set_auto_mask(False)
        return {f"sww.{name}": np.array(variable[:]) for name, variable in file.variables.items()}


def write(anuga: ModuleType, case: Any, variant: str, target: Path) -> None:
    """Run one case in a folder of its own and write its results to `target`."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        os.chdir(folder)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = run(anuga, case.build, variant)
            except Exception as error:
                if case.raises is None:
                    raise
                caught_as = [cls.__name__ for cls in type(error).__mro__]
                found = {"raised": np.array(
                    case.raises if case.raises in caught_as else caught_as[0])}
        os.chdir(target.parent)
    found["stock_kernel_warnings"] = np.array(
        [str(w.message) for w in caught if w.category.__name__ == "StockKernelWarning"], dtype=str
    )
    partial = target.with_suffix(".part.npz")
    np.savez(partial, **found)
    partial.rename(target)


def in_child(anuga: ModuleType, case: Any, variant: str, target: Path) -> int:
    """`write` in a forked process, its output in a log; the exit status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    status = 1
    try:
        log = os.open(target.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        write(anuga, case, variant, target)
        status = 0
    except BaseException:
        target.with_suffix(".err").write_text(traceback.format_exc())
    finally:
        sys.stdout.flush()
        os._exit(status)


def main(argv: list[str]) -> int:
    """The command line described above; non-zero when a case failed."""
    variant, folder, *names = argv
    if variant not in VARIANTS:
        raise SystemExit(f"unknown variant {variant!r}: one of {', '.join(VARIANTS)}")
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    anuga = load(variant)
    from parity.cases import CASES

    if ("anuga_lean.stepping.domain" in sys.modules) != (variant == "lean"):
        raise SystemExit(f"the {variant} variant has the wrong classes in place")
    failed = 0
    for name in names:
        target = folder / f"{name}.npz"
        status = in_child(anuga, CASES[name], variant, target)
        if status and not target.with_suffix(".err").exists():
            target.with_suffix(".err").write_text(f"the process died, wait status {status}\n")
        failed += status != 0
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
