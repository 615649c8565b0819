"""Lets forcing terms read and write between the fluxes and the update of a step.

Owns the semi-implicit rates, which exist only for a step in which something needs them, the
friction rate of sloped beds, and the rules of a step that others act in: nothing deferred,
every block computed, the update taken from the arrays just as they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean.stepping.bound_state import CONSERVED
from anuga_lean.stepping.quiet_blocks import QuietBlocks
from anuga_lean.stepping.runge_kutta import Stages


class Forcing:
    """Holds what acts on the state besides fluxes.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    ready : callable
        Returns the run, with the present arrays bound.
    stages : Stages
    quiet : QuietBlocks
    rates : dict of str to (number_of_triangles,) float64
        Semi-implicit rates to begin with.

    Attributes
    ----------
    rates : dict of str to (number_of_triangles,) float64
        Semi-implicit rates by conserved quantity, its unit per s; until the update.
    friction_rate : (number_of_triangles,) float64 or None
        Friction rate that the sweep computes for sloped Manning, 1/s; None for flat Manning.
    is_open : bool
        Fluxes are computed and the update is still to come, so that what is
        written to the updates counts.
    is_shared : bool
        In this step others act between fluxes and update.
    friction_is_due : bool
        The update is to add friction.
    """

    def __init__(self, domain: Any, ready: Callable[[], _kernels.Run], stages: Stages,
                 quiet: QuietBlocks, rates: dict[str, np.ndarray]) -> None:
        self._domain = domain
        self._ready = ready
        self._stages = stages
        self._quiet = quiet
        self._run: Any = None       # the kernels' Run, from the first one on
        self.rates = rates
        self.friction_rate: np.ndarray | None = None
        self.is_open = False
        self.is_shared = False
        self.friction_is_due = False
        self._is_deferred = False       # the last distribution, to the sweep
        self._is_touched = False        # others wrote, or may have written, since the sweep

    # -- the order of a step -------------------------------------------------

    def start(self, run: _kernels.Run) -> None:
        """Begin a run with other arrays."""
        self._run = run

    def on_distribute(self, deferred: bool, shared: bool) -> None:
        """Note a distribution, whether it is left to the sweep, and whether others act too."""
        self.is_open = False
        self.is_shared = shared
        self._is_deferred = deferred

    def friction_rate_of_step(self) -> np.ndarray | None:
        """Return the array that the sweep writes the friction rate to, if beds are sloped."""
        if not self._domain.use_sloped_mannings:
            self.friction_rate = None
        elif self.friction_rate is None:
            self.friction_rate = np.zeros(self._domain.number_of_elements)
        return self.friction_rate

    def on_fluxes(self) -> None:
        """Note the fluxes: forcing terms may act until the update."""
        self.is_open = True

    def on_update(self) -> bool:
        """Note the update: nothing acts any more; return whether a script may have written."""
        touched, self._is_touched = self._is_touched, False
        self.is_open = False
        return touched

    def take_friction(self) -> bool:
        """Return whether an update that takes the sweep's own fluxes and state is to add friction.

        Nothing is due or deferred afterwards.
        """
        due, self.friction_is_due = self.friction_is_due, False
        self._is_deferred = False
        return due

    def update(self, run: _kernels.Run) -> tuple[int, float]:
        """Update from what forcing terms have left, then drop their arrays.

        Returns
        -------
        count : int
        volume : float
            Number, and volume in m3, of the depths that were lifted.
        """
        if self.friction_is_due:
            self.open_semi_implicit("xmomentum")
        elif self.rates:
            self.settle()
        run.bind_semi_implicit(*[self.rates.get(name) for name in CONSERVED])
        result = run.update(_kernels.AS_IT_STANDS, self._domain.timestep, False)
        run.bind_semi_implicit(None, None, None)
        self.rates = {}
        self._is_deferred = False
        return result

    # -- what is asked -------------------------------------------------------

    def explicit_rows(self, name: str) -> np.ndarray | None:
        """Return the live fluxes of a conserved quantity, (n,) float64, or None.

        Code that has them may write: quiet blocks would keep what was written, so
        that all are computed in the next sweep.
        """
        fluxes = self._stages.fluxes(name)
        if fluxes is not None:
            self._is_touched = True
            self._quiet.wake_all()
        return fluxes

    def semi_implicit_rows(self, name: str) -> np.ndarray | None:
        """Return the semi-implicit rate of a conserved quantity, (n,) per second; None: zeros.

        Of momenta it holds friction from the moment friction is due.
        """
        if name in self.rates:
            return self.rates[name]
        if not self.is_open or name not in CONSERVED[1:] or not self.friction_is_due:
            return None
        return self.open_semi_implicit(name)

    def holds_last_fluxes(self) -> bool:
        """Whether an update without a distribute before it finds the fluxes ANUGA's would.

        With more substeps than one the last fluxes have gone into the state.
        """
        return not self.friction_is_due and (
            self._run is None or self._domain.timestep_fluxcalls == 1)

    # -- what is added -------------------------------------------------------

    def open_semi_implicit(self, name: str) -> np.ndarray:
        """Return the live semi-implicit rate of a conserved quantity, (n,) per second."""
        self.settle()
        if name not in self.rates:
            self.rates[name] = np.zeros(self._domain.number_of_elements)
        if self.friction_is_due:
            self.friction_is_due = False
            self._run.add_friction(*self._momentum_rates())
        return self.rates[name]

    def on_update_written(self, name: str, update: str) -> None:
        """Note a write to an update array: it counts if the update is still to come."""
        if self.is_open and name in CONSERVED and not self._stages.is_exchanged():
            if update == "semi_implicit_update":
                self.open_semi_implicit(name)
            return
        self._domain.use_stock_kernels(f"writing to the update arrays of {name}")

    def on_state_written(self) -> None:
        """Note that a script writes to the state between fluxes and update."""
        self._is_touched = True

    def add_friction(self) -> None:
        """Add Manning friction in this step, once more if it was due already."""
        if self.friction_is_due:
            self.open_semi_implicit("xmomentum")
        self.friction_is_due = True
        by_script = not (self.is_open or self._stages.lifted)
        if self.is_shared or by_script:
            self._ready()
            self.open_semi_implicit("xmomentum")

    def add_vegetation(self) -> None:
        """Add the drag of stems in this step."""
        self.settle()
        domain = self._domain
        stems = [domain.quantities[name].centroid_values
                 for name in ("veg_density", "veg_diameter", "veg_height")]
        self._run.add_vegetation(*stems, domain.vegetation_Cd, domain.vegetation_bed_chezy,
                                 *self._momentum_rates())

    def settle(self) -> None:
        """Write the distributed state and copy the backup: code outside is going to read both."""
        self._is_touched = True
        self._stages.copy_wanted(self._run)
        if self._is_deferred:
            self._is_deferred = False
            self._run.clear_undo()
            self._run.distribute(False)

    def _momentum_rates(self) -> tuple[np.ndarray, np.ndarray]:
        for name in CONSERVED[1:]:
            if name not in self.rates:
                self.rates[name] = np.zeros(self._domain.number_of_elements)
        return self.rates["xmomentum"], self.rates["ymomentum"]
