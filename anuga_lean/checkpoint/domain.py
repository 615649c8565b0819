"""Defines the class that replaces `anuga.Domain`: lean steps and lean checkpoints.

Owns the methods by which a domain is written and restored.  How it is stepped is in
`stepping.domain`, when a set is due in `schedule`, what of it goes into a file in `writing`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from inspect import signature
from typing import Any

from anuga.config import epsilon
from anuga.shallow_water import shallow_water_domain as _swd

from anuga_lean._errors import CheckpointWarning
from anuga_lean.arrays.signatures import documented_as
from anuga_lean.checkpoint import ranges, releases, schedule
from anuga_lean.checkpoint.schedule import Keep
from anuga_lean.checkpoint.users import STATES, states_of_users
from anuga_lean.checkpoint.writing import Checkpointing
from anuga_lean.mesh.mesh import StockMesh
from anuga_lean.stepping import conversion, guarding
from anuga_lean.stepping.cut_off import CutOff
from anuga_lean.stepping.domain import LeanDomain
from anuga_lean.stepping.step import Step

_BETWEEN = "_lean_between_yields"   # of a set that was written there: the arguments of evolve


class CheckpointedDomain(CutOff, LeanDomain):
    """The lean half of a Domain, to be mixed in before ANUGA's class."""

    checkpoint_keep: Keep | None = None     # None: as the environment says
    checkpoint_compression: str | None = None

    def _at_yield(self) -> None:
        """Write a set of checkpoint files if one is due."""
        if self.checkpoint and schedule.is_due(self):
            self.checkpoint_sets.write(self)
            schedule.begin_interval(self)

    def evolve(self, *args: Any, **kwargs: Any) -> Iterator[float]:
        """Evolve the model, yielding at every yieldstep; see ANUGA's method."""
        guard = guarding.guard()
        if guard is not None:
            given = guard.begin(self, args, kwargs)
            if given is None:
                return
            args, kwargs = given
        if self._has_ended(args, kwargs):
            return
        try:
            if self.checkpoint:
                self.checkpoint_sets.begin(self)
            yield from super().evolve(*args, **kwargs)
        finally:
            self.checkpoint_sets.end()

    def _has_ended(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether nothing is left of a run that continues from a set; its SWW file stays.

        ANUGA would take a step of no length, by which its inlets divide, and yield once more
        what was yielded before the set was loaded.
        """
        if self._lean_resumed is None or self._lean_resumed[0] != self.relative_time:
            return False
        try:
            given = signature(_swd.Domain.evolve).bind(self, *args, **kwargs).arguments
            ends = [float(given["finaltime"])] if given.get("finaltime") is not None else []
            ends += [self.get_time() + float(given["duration"])] \
                if given.get("duration") is not None else []
        except (TypeError, ValueError):
            return False        # ANUGA's evolve says what is wrong
        if len(ends) != 1 or not ends[0] - self.starttime <= self.relative_time + epsilon:
            return False
        if ends[0] - self.starttime < self.relative_time - epsilon:
            warnings.warn(
                f"nothing is left to evolve to finaltime={ends[0]:g} s: the checkpoint is of "
                f"t={self.get_time():g} s; give a later one, or load an earlier set with time=.",
                CheckpointWarning, stacklevel=3)
        return True

    def set_checkpointing(
        self,
        checkpoint: bool = True,
        checkpoint_dir: str = "CHECKPOINTS",
        checkpoint_step: int = 10,
        checkpoint_time: float | None = None,
        *,
        keep: Keep | None = None,
        compression: str | None = None,
    ) -> None:
        """Write a set of checkpoint files now and then while evolving.

        Parameters
        ----------
        checkpoint : bool
            False ends it.
        checkpoint_dir : str
            Made if it is not there.
        checkpoint_step : int
            Yieldsteps between two sets.
        checkpoint_time : float, optional
            Instead of that, s of wall time between two sets.
        keep : int or 'all', optional
            The newest sets to keep; older ones of this name and folder are
            removed once a newer one is whole on every rank.  By default what
            ANUGA_LEAN_KEEP_CHECKPOINTS says, or all.
        compression : None or 'zstd'
            Smaller files, written slower; needs the package zstandard.

        Raises
        ------
        CheckpointError
            The folder or the name of the domain cannot be used, or there is no
            such compression.
        """
        schedule.set_checkpointing(self, checkpoint, checkpoint_dir, checkpoint_step,
                                   checkpoint_time, keep, compression)

    set_checkpointing.__signature__ = signature(set_checkpointing)  # type: ignore[attr-defined]

    @property
    def checkpoint_sets(self) -> Checkpointing:
        """Return what this process knows of the sets it has written."""
        found = self.__dict__.get("_checkpoint_sets")
        if found is None:
            found = self.__dict__["_checkpoint_sets"] = Checkpointing()
        return found

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the state that `evolve` writes before a yield, as it continues after it.

        Between two steps it is the state as it is, with the arguments of that evolve.
        """
        state = self.__getstate__()
        del state["_lean_written_with"]     # the header of the file says it
        between = self.arguments_of_evolve()
        if between is None:
            state["yieldstep_counter"] += 1
        else:
            state[_BETWEEN] = between
        of_users = states_of_users(self)
        if of_users:
            state[STATES] = of_users
        return state

    def take_checkpoint_state(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint file, of which nothing may be trusted."""
        mesh, lean = state["mesh"], state["lean"]
        if not isinstance(mesh, StockMesh) or not isinstance(lean, (Step, type(None))) \
                or "normals" in state and conversion.is_lean_mesh(mesh):
            raise ValueError("no mesh and no step of a lean domain")
        between = state.pop(_BETWEEN, None)
        if between is not None:
            ranges.check_call(between)
        self.__setstate__(state | {"_lean_written_with": releases.installed()})
        if between is not None:
            self.mark_between_yields(between)

    # -- pickles -------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Return what the rest follows from: some 70 bytes per triangle."""
        state = super().__getstate__()
        state.pop("_checkpoint_sets", None)
        state["_lean_written_with"] = releases.installed()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state of a lean domain, or of one of ANUGA's own, which becomes lean."""
        if "_lean_written_with" in state:
            releases.say(releases.check("a pickle of a domain", state.pop("_lean_written_with")))
        else:
            releases.say(releases.check_stock_state(state))
        super().__setstate__(state)


@documented_as(_swd.Domain)
class Domain(CheckpointedDomain, _swd.Domain):  # type: ignore[misc]  # ANUGA has no types
    """ANUGA's shallow water Domain in a fraction of the memory."""


Domain.__module__ = _swd.Domain.__module__
Domain.__qualname__ = _swd.Domain.__qualname__
