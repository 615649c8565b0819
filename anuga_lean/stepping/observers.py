"""Shows every step of an evolve to functions of the user's.

Owns their list and when they are called.  Code that changes the state in every step is an
operator: ANUGA's fractional steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anuga_lean._errors import SettingError
from anuga_lean.stepping.volumes_and_flows import ReportingDomain

Observer = Callable[[Any, float, float], object]


class ObservedDomain(ReportingDomain):
    """The part of LeanDomain that shows its steps."""

    _step_observers: list[Observer] = []
    _lean_unseen = False        # a step has ended that they have not seen

    def add_step_observer(self, observer: Observer) -> None:
        """Call a function after every step of `evolve`.

        Parameters
        ----------
        observer : callable
            Called as observer(domain, t, timestep): the domain, its time at the end of the
            step and the length of the step, both in s, after fractional steps and the
            exchange of ghosts.  It reads the domain; what it returns is ignored.

        Raises
        ------
        SettingError
            If it cannot be called, or is an observer of this domain already.

        Notes
        -----
        Observers are called in the order in which they were added, on ANUGA's kernels and on
        lean ones, on every rank.  What one raises ends the evolve.  In a domain that was loaded
        without trust it takes the place of the first that was not loaded.
        """
        if not callable(observer):
            raise SettingError(f"a step observer is a function of (domain, t, timestep), not "
                               f"{type(observer).__name__}.")
        if observer in self._step_observers:
            raise SettingError(f"{observer!r} observes the steps of this domain already: "
                               "remove_step_observer takes it out.")
        missing = [each for each in self._step_observers if getattr(each, "is_missing", False)]
        if missing:     # as it was when the checkpoint was written
            self._step_observers = [observer if each is missing[0] else each
                                    for each in self._step_observers]
        else:
            self._step_observers = [*self._step_observers, observer]

    def remove_step_observer(self, observer: Observer) -> None:
        """Call a function no more that `add_step_observer` was given.

        Raises
        ------
        SettingError
            If it is no observer of this domain.
        """
        if observer not in self._step_observers:
            raise SettingError(f"{observer!r} does not observe the steps of this domain.")
        self._step_observers = [each for each in self._step_observers if each != observer]

    def _show_step(self) -> None:
        """Let the observers see a step that has ended."""
        self._lean_unseen = False
        t, timestep = self.get_time(), self.timestep
        for observer in self._step_observers:
            observer(self, t, timestep)
