"""Between the fluxes and the update of a step: what forcing terms read and add.

Owns the semi-implicit rates, which exist only for a step in which somebody
wants them, and the rules of a step that is open to others: nothing deferred,
every block computed, the update taken from the arrays just as they stand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anuga_lean import _kernels

CONSERVED = ("stage", "xmomentum", "ymomentum")


class OpenUpdates:
    """The part of `step.Step` that forcing terms meet.

    Attributes
    ----------
    is_open : bool
        Fluxes are computed and the update is still to come, so that what is
        written to the updates counts.
    is_shared : bool
        In this step others act between fluxes and update.
    """

    domain: Any
    run: Any
    ready: Any
    _second_stage: tuple[int, float] | None
    work: np.ndarray | None
    backup: np.ndarray | None

    def _forget_updates(self) -> None:
        self.is_open = False
        self.is_shared = False
        self.friction_due = False
        self.fluxes_kept = False    # in the work arrays, since the last sweep
        self._deferred = False
        self._touched = False       # somebody wrote, or may have written, since the sweep
        self._semi: dict[str, np.ndarray] = {}
        self._backup_state = "none"     # none, wanted, exchanged, copied

    def explicit_rows(self, name: str) -> np.ndarray | None:
        """The live fluxes of a conserved quantity, (n,) float64, or None.

        Whoever has them may write: quiet blocks would keep what was written, so
        that all are computed in the next sweep.
        """
        if self.work is None or name not in CONSERVED or not self.fluxes_kept:
            return None
        self._touched = True
        self._activate()
        return self.work[CONSERVED.index(name)]

    def backup_rows(self, name: str) -> np.ndarray | None:
        """What is remembered of a conserved quantity for `average`, (n,) float64, or None."""
        if name not in CONSERVED:
            return None
        if self._backup_state == "wanted":
            return self.domain.quantities[name].centroid_values.copy()
        remembered = self.work if self._backup_state == "exchanged" else self.backup
        return None if remembered is None else remembered[CONSERVED.index(name)]

    def semi_implicit_rows(self, name: str) -> np.ndarray | None:
        """The semi-implicit rate of a conserved quantity, (n,) per second; None: zeros.

        Of momenta it holds friction from the moment friction is due.
        """
        if name in self._semi:
            return self._semi[name]
        if not self.is_open or name not in CONSERVED[1:] or not self.friction_due:
            return None
        return self.open_semi_implicit(name)

    def open_semi_implicit(self, name: str) -> np.ndarray:
        """Return the live semi-implicit rate of a conserved quantity, (n,) per second."""
        self._settle()
        n = self.domain.number_of_elements
        if name not in self._semi:
            self._semi[name] = np.zeros(n)
        if self.friction_due:
            self.friction_due = False
            self.run.add_friction(*self._momentum_rates())
        return self._semi[name]

    def on_update_written(self, name: str, update: str) -> None:
        """A user writes to an update array: it counts if the update is still to come."""
        if self.is_open and name in CONSERVED and self._backup_state != "exchanged":
            if update == "semi_implicit_update":
                self.open_semi_implicit(name)
            return
        self.domain.use_stock_kernels(f"writing to the update arrays of {name}")

    def holds_last_fluxes(self) -> bool:
        """Whether an update without a distribute before it finds the fluxes ANUGA's would.

        With more stages than one the last fluxes have gone into the state.
        """
        return not self.friction_due and (
            self.run is None or self.domain.timestep_fluxcalls == 1)

    def add_friction(self) -> None:
        """Let Manning friction act in this step, once more if it was due already."""
        if self.friction_due:
            self.open_semi_implicit("xmomentum")
        self.friction_due = True
        if self.is_shared or not (self.is_open or self._second_stage):  # a script's own call
            self.ready()
            self.open_semi_implicit("xmomentum")

    def add_vegetation(self) -> None:
        """Let the drag of stems act in this step."""
        self._settle()
        domain = self.domain
        stems = [domain.quantities[name].centroid_values
                 for name in ("veg_density", "veg_diameter", "veg_height")]
        self.run.add_vegetation(*stems, domain.vegetation_Cd, domain.vegetation_bed_chezy,
                                *self._momentum_rates())

    def _momentum_rates(self) -> tuple[np.ndarray, np.ndarray]:
        n = self.domain.number_of_elements
        for name in CONSERVED[1:]:
            if name not in self._semi:
                self._semi[name] = np.zeros(n)
        return self._semi["xmomentum"], self._semi["ymomentum"]

    def _settle(self) -> None:
        """Write the distributed state and keep the backup aside: others are to see both."""
        self._touched = True
        if self._backup_state == "wanted":
            self._copy_backup(raw=True)
        if self._deferred:
            self._deferred = False
            self.run.clear_undo()
            self.run.distribute(False)

    def _copy_backup(self, raw: bool = False) -> None:
        """Remember the conserved quantities in arrays of their own."""
        if self.backup is None:
            self.backup = np.empty((3, self.domain.number_of_elements))
        for row, name in zip(self.backup, CONSERVED, strict=True):
            np.copyto(row, self.run.bound(name))
        if raw and self.run.n_undo:
            changed = self.run.bound("undo_index")[:self.run.n_undo]
            value = self.run.bound("undo_value")[:3 * self.run.n_undo].reshape(-1, 3)
            self.backup[:, changed] = value.T
        self._backup_state = "copied"

    def _update_as_it_stands(self) -> tuple[int, float]:
        """Update from what forcing terms have left; their arrays go afterwards."""
        if self.friction_due:
            self.open_semi_implicit("xmomentum")
        elif self._semi:
            self._settle()
        self.run.bind_semi_implicit(*[self._semi.get(name) for name in CONSERVED])
        result = self.run.update(_kernels.AS_IT_STANDS, self.domain.timestep, False)
        self.run.bind_semi_implicit(None, None, None)
        self._semi = {}
        self._deferred = False
        return result
