"""Runs ANUGA's Collect_max_stage_operator without values at vertices in every step.

Owns when the maxima at vertices and edges can rise: in the first step after a yield, as the
values of the stage there are those of the last yield until the next one.  The centroid values
are raised by a kernel.  `overlay` puts it in place of the operator's `__call__`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from anuga_lean import _kernels
from anuga_lean._errors import ArrayError
from anuga_lean.quantity.forms import Corners, Stored, Values, chunks
from anuga_lean.quantity.quantity import Quantity

Call = Callable[[Any], None]

# Fewer triangles a thread than this take longer to share than to look at.
_PER_THREAD = 1 << 14
_MAXIMUM = Quantity.maximum

# operator -> the stage's vertex values that it has seen, the maxima at vertices and edges then
_seen: WeakKeyDictionary[Any, tuple[Values | None, ...]] = WeakKeyDictionary()


def by_kernels(stock_call: Call) -> Call:
    """Return what the operator is called with, `stock_call` where the kernel does not do it."""

    @functools.wraps(stock_call)
    def call(self: Any) -> None:
        maxima, stage = self.max_stage, self.stage
        plain = _is_plain(maxima) and _is_plain(stage) and maxima.domain is stage.domain
        corners = stage.form("vertex") if plain else None
        past = getattr(corners.edges, "past", None) if isinstance(corners, Corners) else None
        if past is None:
            _seen.pop(self, None)
            stock_call(self)    # values that may change without a yield
            return
        seen = _seen.get(self, (None,))
        if seen[0] is not corners or not _are_as_left(maxima, seen):
            _raise_places(maxima, corners, past)
            _seen[self] = corners, maxima._vertex, maxima._edge
        _raise_centroids(maxima, stage.centroid_values)

    return call


def _is_plain(quantity: Any) -> bool:
    """Whether nothing of a user's stands in the place of what the operator calls."""
    return type(quantity) is Quantity and Quantity.maximum is _MAXIMUM \
        and "maximum" not in quantity.__dict__ and not quantity.on_stock_arrays


def _are_as_left(maxima: Any, seen: tuple[Values | None, ...]) -> bool:
    """Whether the maxima at vertices and edges are what they were."""
    forms = maxima._vertex, maxima._edge
    return all(form is before for form, before in zip(forms, seen[1:], strict=True)) and all(
        form.tight for form in forms if isinstance(form, Stored))


def _raise_places(maxima: Any, corners: Any, past: Any) -> None:
    """Raise the maxima at vertices and edges to the stage of the last yield."""
    domain, edges = maxima.domain, corners.edges
    at_vertices, at_edges = maxima.writable("vertex"), maxima.writable("edge")
    past.remember(True)
    try:
        for ks in chunks(domain):
            for array, form in zip((at_vertices, at_edges), (corners, edges), strict=True):
                np.maximum(array[ks], form.rows(domain, ks), out=array[ks])
    finally:
        past.remember(False)
    maxima.compact()


def _raise_centroids(maxima: Any, stage: Any) -> None:
    """Raise the maxima at centroids to the present stage."""
    highest = maxima.centroid_values
    wanted = len(highest) // _PER_THREAD
    threads = 1 if wanted <= 1 else min(wanted, maxima.domain.lean.usable_threads())
    try:
        zeros_met = _kernels.raise_to(threads, highest, stage,
                                      os.environ.get("ANUGA_LEAN_ISA") or None)
    except ArrayError:
        zeros_met = True    # a script's own arrays, which numpy takes
    if zeros_met:
        np.maximum(highest, stage, out=highest)
