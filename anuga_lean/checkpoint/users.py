"""Keeps the plain state of a user's own operators and boundaries as data, beside their code.

Owns which of their attributes are plain, and giving them back to the objects that a script has
built anew: code is never loaded for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from anuga_lean.checkpoint.allowed import hides_code
from anuga_lean.checkpoint.encoder import NUMBERS, is_key
from anuga_lean.checkpoint.register import name_of

STATES = "_lean_of_users"       # of a domain's state: attributes by object
_DEPTH = 4      # of containers within each other


def states_of_users(domain: Any) -> dict[str, dict[str, Any]]:
    """Return the plain attributes of each object of a user's class, by where it hangs."""
    found = {}
    for where, each in _of_users(domain):
        plain = {name: value for name, value in vars(each).items() if _is_plain(value, _DEPTH)}
        if plain:
            found[where] = plain
    return found


def give_back(domain: Any, states: Any) -> None:
    """Give the objects of a script the attributes that those of the run had.

    Raises
    ------
    ValueError
        The file does not hold plain attributes by object.
    """
    if type(states) is not dict:
        raise ValueError("states of a user's objects that are no table")
    for where, each in _of_users(domain):
        state = states.get(where, {})
        if type(state) is not dict or not _is_plain(state, _DEPTH + 1) \
                or any(hides_code(type(each), str(name)) for name in state):
            raise ValueError(f"a state of {where} that is not plain")
        vars(each).update(state)


def _of_users(domain: Any) -> Iterator[tuple[str, Any]]:
    """Yield operators, boundaries and forcing terms of classes that are not ANUGA's."""
    held = {f"operator {place + 1}": each
            for place, each in enumerate(domain.fractional_step_operators)}
    held |= {f"boundary {tag!r}": each for tag, each in (domain.boundary_map or {}).items()}
    held |= {f"forcing term {place + 1}": each
             for place, each in enumerate(domain.forcing_terms)}
    for where, each in held.items():
        if name_of(type(each)) is None and type(getattr(each, "__dict__", None)) is dict \
                and not isinstance(each, type) and not hasattr(each, "__code__"):
            yield where, each


def _is_plain(value: Any, depth: int) -> bool:
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, str, bytes):
        return True
    if isinstance(value, np.generic) or kind is np.ndarray:
        return value.dtype.kind in NUMBERS
    if kind in (list, tuple):
        return depth > 0 and all(_is_plain(each, depth - 1) for each in value)
    if kind is dict:
        return depth > 0 and all(is_key(key) and _is_plain(each, depth - 1)
                                 for key, each in value.items())
    return False
