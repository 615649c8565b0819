"""Knows into which of their arguments numpy's functions write.

Owns the list of functions that write in place; what an array-like does about it is in `view`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[..., Any]

# The first argument is written.
_FIRST = frozenset([np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask])
# Functions in C, of which numpy tells no signature in some of its releases.
_OF_C: dict[Function, tuple[str, ...]] = {
    np.concatenate: ("arrays", "axis", "out"),
    np.copyto: ("dst",),
    np.dot: ("a", "b", "out"),
    np.putmask: ("a",),
}


@functools.cache
def _parameters(function: Function) -> tuple[str, ...]:
    """Return the names of the parameters that may be given by their place."""
    if function in _OF_C:
        return _OF_C[function]
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return ()
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(each.name for each in parameters if each.kind in by_place)


def written_arguments(
    function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[list[Any], Any]:
    """Return the arguments of a call that it writes into, and one that it may spoil.

    Parameters
    ----------
    function : callable
        Of numpy's, one that knows ``__array_function__``.
    args, kwargs : tuple and dict
        Those of the call.

    Returns
    -------
    written : list
        ``out``, None where there is none, and what is written in place.
    scratch : object or None
        The input of ``overwrite_input=True``, in which numpy may leave anything.
    """
    names = _parameters(function)

    def given(name: str, default: Any) -> Any:
        if name in kwargs:
            return kwargs[name]
        at = names.index(name) if name in names else len(args)
        return args[at] if at < len(args) else default

    written = [given("out", None)]
    first = args[0] if args else given(names[0], None) if names else None
    if function in _FIRST or function is np.nan_to_num and not given("copy", True):
        written.append(first)
    return written, first if given("overwrite_input", False) else None
