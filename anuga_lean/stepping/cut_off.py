"""Keeps apart what memory running out leaves behind: a domain at a step's end, or half a step.

Owns the error of a step, and the refusal to go on from the middle of one.  The sentence about
the limit is in `memory_limits`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anuga_lean._errors import MemoryLimitError, OrderError
from anuga_lean.memory_limits import in_no_part, limit_error, prepare
from anuga_lean.stepping.plain_steps import OWN


def _refusal(during: str) -> OrderError:
    return OrderError(
        f"memory ran out in the middle of {during}, which left the domain between two states: go "
        "on from a checkpoint (anuga.load_checkpoint_file), or build the domain anew.")


class Lost:
    """What stands for the step of a domain that has neither its lean nor ANUGA's arrays whole.

    Parameters
    ----------
    during : str
        What memory ran out in the middle of.
    """

    def __init__(self, during: str) -> None:
        self._refused = during

    def __getattr__(self, name: str) -> Any:
        raise _refusal(self._refused)


class CutOff:
    """The part of a domain that tells a step cut off by a lack of memory, to be mixed in.

    Attributes
    ----------
    _lean_half_done : float or None
        The time, s, of the step whose update has begun and whose end has not come; there only
        within `evolve`, or for good once memory has run out between the two.
    """

    _lean_half_done: float | None = None

    def evolve(self, *args: Any, **kwargs: Any) -> Iterator[float]:
        """Evolve the model, yielding at every yieldstep; see ANUGA's method."""
        if self._lean_half_done is not None:
            raise _refusal(f"the step from t={self._lean_half_done:g} s")
        yield from super().evolve(*args, **kwargs)  # type: ignore[misc]  # of what it is mixed into

    def _advance(self, steps: Iterator[float]) -> float | None:
        """Return the time of the next yield, s; None at the end."""
        is_whole = True     # as in ANUGA, nothing is known of the state after other errors
        try:
            prepare()
            t: float | None = super()._advance(steps)   # type: ignore[misc]
            return t
        except MemoryError as error:
            is_whole = False
            raise self._error_of_step(error) from error
        finally:
            if is_whole:
                self.__dict__.pop("_lean_half_done", None)

    def _error_of_step(self, error: MemoryError) -> MemoryLimitError:
        """Return what to raise for an error of memory in a step or at a yield."""
        after, began = "", self._lean_half_done
        if began is not None:
            after = (f" The step from t={began:g} s is half done, and this domain does not go on: "
                     "load a checkpoint.")
        error = in_no_part(error)
        if isinstance(error, MemoryLimitError):
            return MemoryLimitError(f"{error}{after}")
        domain: Any = self
        return limit_error(error, f"the step from t={domain.get_time():g} s",
                           domain.number_of_triangles, after)

    def _note_update(self) -> None:
        """Note that the update of a step begins."""
        if self._lean_evolving and self._lean_half_done is None:  # type: ignore[attr-defined]
            self._lean_half_done = self.get_time()      # type: ignore[attr-defined]

    def update_conserved_quantities(self) -> None:
        """Apply fluxes and friction over `timestep`; see ANUGA's method."""
        self._note_update()
        super().update_conserved_quantities()   # type: ignore[misc]

    OWN.add(update_conserved_quantities)

    def update_extrema(self) -> None:
        """Update the extrema of monitored quantities, at the end of a step; see ANUGA's method."""
        self.__dict__.pop("_lean_half_done", None)
        super().update_extrema()    # type: ignore[misc]
