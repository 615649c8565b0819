"""What one measuring process is asked to run.

Apart from measurement.py because it is loaded inside that process, whose
memory must hold as little as can be of the harness: see child.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anuga_lean._errors import LeanError, ScenarioError

VARIANTS = ("stock", "lean")
ISAS = ("baseline", "v3", "v4")


class MeasurementError(LeanError, RuntimeError):
    """A measuring process ended without a result."""


@dataclass(frozen=True)
class Request:
    """What one process has to run and to measure.

    Attributes
    ----------
    variant : "stock" or "lean"
    scenario : str
        A name of `anuga_lean.scenarios`.
    parameters : mapping
        Parameters and options of the scenario; storage under ``store``.
    steps : int or None
        Stop after exactly so many steps; either this or `finaltime`.
    finaltime : float or None
        s.
    yieldstep : float or None
        s; the scenario's own if None.
    threads : int
        OpenMP threads.
    isa : str or None
        ``baseline``, ``v3`` or ``v4`` for the lean kernels; the best if None.
    trace : bool
        Count allocations with tracemalloc; makes the run slower and its RSS
        larger, so times and RSS of such a run mean little.
    arrays : bool
        Write the centroid arrays beside the result.
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

    def check(self) -> None:
        """Raise ScenarioError for anything a child could not run."""
        import anuga_lean.scenarios as scenarios

        scenarios.complete(self.scenario, self.parameters)
        if self.variant not in VARIANTS:
            raise ScenarioError(f"there is no variant {self.variant!r}; there are stock, lean")
        if (self.steps is None) == (self.finaltime is None):
            raise ScenarioError("a run ends after steps or at finaltime: give one of the two")
        if self.isa is not None and self.isa not in ISAS:
            raise ScenarioError(f"there is no ISA {self.isa!r}; there are {', '.join(ISAS)}")
        for name in ("steps", "finaltime", "yieldstep", "threads"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ScenarioError(f"{name}={value} is not above zero")
