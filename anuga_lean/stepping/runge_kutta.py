"""Counts the substeps of Runge-Kutta, and keeps the arrays that they need.

Owns the count of flux calls, the work arrays with the fluxes, and the state kept from the
beginning of a step.  Under rk2 the first update exchanges: the work arrays take the old state
while the new one takes its place, and the second sweep updates and averages at once, so that
two sets of conserved values are enough.  Tracers keep theirs in `tracers`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean._errors import OrderError
from anuga_lean.stepping import undo_record
from anuga_lean.stepping.bound_state import CONSERVED
from anuga_lean.stepping.quiet_blocks import QuietBlocks


class Substeps:
    """Counts flux calls, as ANUGA's flux kernel does.

    Attributes
    ----------
    per_step : int
        Flux calls that make a step, as of when the parameters were taken.
    """

    def __init__(self) -> None:
        self.per_step = 1
        self._calls = 0
        self._first = 1             # the call that is the first of a step
        self._per_step_seen = 1     # at the last call

    def next(self) -> int:
        """Count a flux call; return which substep it is, 0 for the first."""
        self._calls += 1
        if self.per_step != self._per_step_seen:
            self._per_step_seen = self.per_step
            self._first = self._calls
        return (self._calls - self._first) % self.per_step

    def take_back(self) -> None:
        """Forget the last call, which a signal has stopped."""
        self._calls -= 1

    def computed(self) -> int:
        """Return how many substeps of the present step have their fluxes already."""
        if self.per_step != self._per_step_seen:
            return 0
        return (self._calls + 1 - self._first) % self.per_step

    def have_begun(self) -> bool:
        """Whether any fluxes were computed since the kernels were prepared."""
        return self._calls > 0

    def stored(self) -> dict[str, int]:
        """Return what a checkpoint holds of them."""
        return {"_calls": self._calls, "_base_call": self._first,
                "_fluxcalls_seen": self._per_step_seen, "_fluxcalls": self.per_step}

    def restore(self, state: dict[str, Any]) -> None:
        """Take what `stored` has returned; what is absent stays as it is."""
        self._calls = state.get("_calls", self._calls)
        self._first = state.get("_base_call", self._first)
        self._per_step_seen = state.get("_fluxcalls_seen", self._per_step_seen)
        self.per_step = state.get("_fluxcalls", self.per_step)


class Stages:
    """Keeps the fluxes of a substep and the state from before the first one.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    substeps : Substeps
    quiet : QuietBlocks

    Attributes
    ----------
    work : (3, number_of_triangles) float64 or None
        Rates of change of the conserved quantities by the fluxes of the last sweep, m/s and
        m2/s2; under rk2, from the first update to the second, the remembered state, m and
        m2/s.  None before the first kernel.
    backup : (3, number_of_triangles) float64 or None
        The remembered state where `work` cannot hold it, m and m2/s; kept once it was needed.
    lifted : (int, float) or None
        Count, and volume in m3, of the depths that the second stage of rk2 has lifted, from
        the sweep that does it to `finish_second`.
    """

    def __init__(self, domain: Any, substeps: Substeps, quiet: QuietBlocks) -> None:
        self._domain = domain
        self._substeps = substeps
        self._quiet = quiet
        self.work: np.ndarray | None = None
        self.backup: Any = None
        self.lifted: tuple[int, float] | None = None
        self._has_fluxes = False        # the work arrays, those of the last sweep
        self._remembered = "none"       # none, wanted, exchanged (in `work`) or copied

    def start(self, run: _kernels.Run) -> None:
        """Give the kernels of a new run work arrays."""
        self.work = np.zeros((3, self._domain.number_of_elements))
        run.bind_work(*self.work)

    # -- the remembered state ------------------------------------------------

    def back_up(self, run: _kernels.Run, shared: bool) -> None:
        """Keep the conserved quantities for `average`; whether others act in this step."""
        self.lifted = None
        if self._domain.timestepping_method == "rk2" and not shared:
            self._remembered = "wanted"
        else:
            self.copy_state(run)

    def copy_state(self, run: _kernels.Run) -> None:
        """Copy the conserved quantities to arrays of their own."""
        if self.backup is None:
            self.backup = np.empty((3, self._domain.number_of_elements))
        for row, name in zip(self.backup, CONSERVED, strict=True):
            np.copyto(row, run.bound(name))
        self._remembered = "copied"

    def copy_wanted(self, run: _kernels.Run) -> None:
        """Copy the state now, if the update was going to: forcing terms act before it."""
        if self._remembered != "wanted":
            return
        self.copy_state(run)
        if run.n_undo:
            changed, before = undo_record.values_before(run)
            self.backup[:, changed] = before.T

    def backup_rows(self, name: str) -> np.ndarray | None:
        """Return what is kept of a conserved quantity, (n,) float64, or None."""
        if name not in CONSERVED:
            return None
        if self._remembered == "wanted":
            return self._domain.quantities[name].centroid_values.copy()
        remembered = self.work if self._remembered == "exchanged" else self.backup
        return None if remembered is None else remembered[CONSERVED.index(name)]

    def average(self, run: _kernels.Run, a: float, b: float, c_inverse: float) -> None:
        """Set the conserved quantities to (a * present + b * kept) * c_inverse."""
        remembered = self.work if self._remembered == "exchanged" else self.backup
        if remembered is None:
            raise OrderError("saxpy_conserved_quantities before backup_conserved_quantities")
        for row, name in zip(remembered, CONSERVED, strict=True):
            run.average(run.bound(name), row, a, b, c_inverse)
        self._quiet.wake_all()

    # -- fluxes and updates --------------------------------------------------

    def fluxes(self, name: str) -> np.ndarray | None:
        """Return the live fluxes of a conserved quantity, (n,) float64 per second, or None."""
        if self.work is None or name not in CONSERVED or not self._has_fluxes:
            return None
        return self.work[CONSERVED.index(name)]

    def is_exchanged(self) -> bool:
        """Whether the work arrays hold the kept state."""
        return self._remembered == "exchanged"

    def may_fuse(self, substep: int) -> bool:
        """Whether the sweep of this substep may update and average by itself."""
        return self._remembered == "exchanged" and substep == 1 \
            and self._domain.timestepping_method == "rk2"

    def take_fluxes(self, run: _kernels.Run) -> None:
        """Give the kernels work arrays for fluxes other than those with the kept state."""
        if self._remembered == "exchanged":
            self.backup = self.work
            self.work = np.zeros_like(self.backup)
            run.bind_work(*self.work)
            self._remembered = "copied"
            self._quiet.wake_all()
        self._has_fluxes = True

    def take_second(self, count: int, volume: float) -> None:
        """Note that a sweep has done the second stage of rk2, up to `finish_second`."""
        self.lifted = (count, volume)
        self._has_fluxes = False

    def update_mode(self) -> int:
        """Return what the next update does with the old state, for `_kernels.Run.update`."""
        if self._remembered != "wanted":
            return _kernels.REPLACE
        self._remembered = "exchanged"
        self._has_fluxes = False
        return _kernels.EXCHANGE

    def finish_second(self, run: _kernels.Run) -> None:
        """Move the averages of the second stage from the work arrays to the quantities."""
        self.lifted = None
        self._remembered = "none"
        run.finish_second_stage()
        run.clear_undo()

    def stage_after_update(self) -> np.ndarray:
        """Return the stage at centroids after the last update, before any averaging: (n,) m."""
        where = "stage" if self.lifted is None else "height"
        return self._domain.quantities[where].centroid_values

    def warn_of_not_kept(self, array: str, name: str) -> None:
        """Warn that an array that is shown as zeros is not that of the last substep."""
        if self._substeps.have_begun() and name in CONSERVED \
                and self._domain.timestepping_method == "rk2":
            warnings.warn(
                f"{array} of {name} is not kept beyond a step of rk2 and reads as zeros until "
                "the next one begins: read it in a step.", UserWarning, stacklevel=4)
