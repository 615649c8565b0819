"""Describes what a measuring process is asked to run.

Apart from measurement.py because it is loaded inside that process, whose
memory must hold as little as can be of the harness: see child.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anuga_lean._errors import ScenarioError

VARIANTS = ("stock", "lean")
ISAS = ("baseline", "v3", "v4")
PROGRESS_PIPE = "progress"  # in the folder of a run: ranks write lines, `RANK what it does`


@dataclass(frozen=True)
class Request:
    """A request to one process, or to the ranks of one run: what to run and to measure.

    Attributes
    ----------
    variant : "stock" or "lean"
    scenario : str
        A name of `anuga_lean.scenarios`, or the path of a script (``.py``).
    parameters : mapping
        Parameters and options of the scenario; storage under ``store``.
    steps : int or None
        Stop after exactly so many steps; either this or `finaltime`, neither
        with a script.
    finaltime : float or None
        s.
    yieldstep : float or None
        s; the scenario's own if None.
    threads : int
        OpenMP threads, of each rank.
    isa : str or None
        ``baseline``, ``v3`` or ``v4`` for the lean kernels; the best if None.
    trace : bool
        Count allocations with tracemalloc; makes the run slower and its RSS
        larger, so times and RSS of such a run mean little.
    arrays : bool
        Write the centroid arrays beside the result.
    memray : bool
        Record every allocation with memray, from the import of ANUGA on, into
        ``memray.bin``; times and RSS of such a run mean nothing.
    at : str or None
        End memray's recording at this stage or mark instead of at the end.
    numprocs : int
        Ranks under mpiexec.
    python : str or None
        Interpreter of another environment that has a stock ANUGA; ours if None.
    arguments : sequence of str
        Of a script.
    small_pages : bool
        Keep numpy from asking for huge pages.  Whether one of 2 MiB is at hand
        is the machine's affair: with them RSS differs by 1 % from run to run,
        without by 0.1 %.
    stages : bool
        Note memory within the stages of a scenario, too: at its marks (mesh,
        domain, quantities, boundary), at the first yield (``store``, or
        ``start`` if nothing is stored) and after the first step.
    checkpoint : bool
        Write a checkpoint at the end of the last step, into ``CHECKPOINTS`` of the
        folder: a stage of its own.  Lean, and a scenario, only.
    cwd : str or None
        Folder that a script works in; the present one if None.
    split : bool
        Split the wall time of `evolve` by what it is spent on (split.py).
    """

    variant: str
    scenario: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    steps: int | None = None
    finaltime: float | None = None
    yieldstep: float | None = None
    threads: int = 1
    isa: str | None = None
    trace: bool = False
    arrays: bool = True
    memray: bool = False
    at: str | None = None
    numprocs: int = 1
    python: str | None = None
    arguments: Sequence[str] = ()
    small_pages: bool = False
    stages: bool = False
    checkpoint: bool = False
    cwd: str | None = None
    split: bool = False

    @property
    def is_script(self) -> bool:
        """Whether a user's script is run and not a scenario."""
        return self.scenario.endswith(".py")

    def check(self) -> None:
        """Raise ScenarioError for anything a child could not run."""
        if self.variant not in VARIANTS:
            raise ScenarioError(f"there is no variant {self.variant!r}; there are stock, lean")
        if self.is_script:
            self._check_script()
        else:
            import anuga_lean.scenarios as scenarios

            scenarios.complete(self.scenario, self.parameters)
            if self.numprocs > 1 and self.scenario not in scenarios.DISTRIBUTED:
                raise ScenarioError(
                    f"each of {self.numprocs} ranks would run all of the scenario {self.scenario}: "
                    f"take {' or '.join(scenarios.DISTRIBUTED)}, or a script that distributes")
            if (self.steps is None) == (self.finaltime is None):
                raise ScenarioError("a run ends after steps or at finaltime: give one of the two")
        if self.isa is not None and self.isa not in ISAS:
            raise ScenarioError(f"there is no ISA {self.isa!r}; there are {', '.join(ISAS)}")
        if self.checkpoint and (self.variant != "lean" or self.is_script):
            raise ScenarioError("a checkpoint after the last step is measured of a scenario on "
                                "lean: leave out checkpoint=True")
        for name in ("steps", "finaltime", "yieldstep", "threads", "numprocs"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ScenarioError(f"{name}={value} is not above zero")

        if self.arguments and not self.is_script:
            raise ScenarioError(f"the scenario {self.scenario} takes no arguments: "
                                f"{' '.join(self.arguments)}")

    def _check_script(self) -> None:
        if not Path(self.scenario).is_file():
            raise ScenarioError(f"there is no script {self.scenario}")
        given = [*self.parameters, *(name for name in ("steps", "finaltime", "yieldstep")
                                     if getattr(self, name) is not None)]
        if given:
            raise ScenarioError(f"a script decides itself about {', '.join(given)}: leave "
                                f"{'it' if len(given) == 1 else 'them'} out, or name a scenario")


def result_name(rank: int) -> str:
    """Return the name of the file that a rank writes."""
    return "result.json" if rank == 0 else f"result_{rank}.json"
