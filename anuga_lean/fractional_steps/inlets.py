"""Moves water in and out of inlets without arrays of the mesh's size.

Owns the areas of an inlet's triangles, which it asks for several times in a step, and the
level that a structure fills it to.  ANUGA bisects a hundred times; here it ends when a step
of that changes nothing, as then no later one does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from anuga_lean.arrays.stock_arrays import on_stock_arrays

_MOST_STEPS = 100       # ANUGA's, so that one that does not end has its values


def _bisect(low: float, high: float, is_low: Callable[[float], bool]) -> tuple[float, float]:
    """Return the ends of the interval after ANUGA's steps."""
    for _ in range(_MOST_STEPS):
        before = low, high
        middle = 0.5 * (low + high)
        if is_low(middle):
            low = middle
        else:
            high = middle
        if (low, high) == before:
            break
    return low, high


def level_stages_to_average(stages: Any, elevations: Any, areas: Any, old_average_depth: Any,
                            new_average_depth: Any) -> NDArray[np.float64]:
    """Return the stages of an inlet that is filled, or drawn down, to another average depth.

    Parameters
    ----------
    stages, elevations : (m,) float64, m, at the centroids of its triangles
    areas : (m,) float64, m2
    old_average_depth, new_average_depth : float, m

    Returns
    -------
    (m,) float64, m

    Notes
    -----
    ANUGA 4.1.0, structures/inlet.py, level_stages_to_average: lowest triangles are filled
    first, highest drawn down first, none below its bed.
    """
    stages, elevations, areas = (np.asarray(each, float) for each in (stages, elevations, areas))
    total = float(areas.sum())
    volume = (new_average_depth - old_average_depth) * total
    if volume == 0.0 or total <= 0.0:
        return stages.copy()
    part = np.empty_like(stages)
    if volume > 0.0:
        def holds_less(level: float) -> bool:
            np.subtract(level, stages, out=part)
            np.maximum(part, 0.0, out=part)
            return float(np.dot(areas, part)) < volume

        lowest, highest = float(stages.min()), float(stages.max())
        _, level = _bisect(lowest, highest + volume / total, holds_less)
        return np.maximum(stages, level)
    wanted = -volume
    depths = np.maximum(stages - elevations, 0.0)
    if wanted >= float(np.dot(areas, depths)):
        return np.where(depths > 0.0, elevations, stages).astype(float)

    def gives_more(level: float) -> bool:
        np.subtract(stages, level, out=part)
        np.maximum(part, 0.0, out=part)
        np.minimum(depths, part, out=part)
        return float(np.dot(areas, part)) > wanted

    level, _ = _bisect(float(elevations.min()), float(stages.max()), gives_more)
    return np.maximum(elevations, np.minimum(stages, level))


def ending_early(level: Callable[..., Any]) -> Callable[..., Any]:
    """Return what takes the place of ANUGA's level_stages_to_average."""
    return functools.wraps(level)(level_stages_to_average)


# inlet -> blocks of its mesh, the bytes of its triangles' numbers, areas (m,) m2
_areas: WeakKeyDictionary[Any, tuple[Any, bytes, NDArray[np.float64]]] = WeakKeyDictionary()


def keeping_areas(method: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap the get_areas of an inlet: those of a lean mesh are computed once."""

    @functools.wraps(method)
    def get_areas(self: Any) -> Any:
        domain, triangles = self.domain, self.triangle_indices
        if on_stock_arrays(domain) or domain.mesh.overridden \
                or type(triangles) is not np.ndarray:
            return method(self)
        blocks, numbers = domain.mesh.blocks, triangles.tobytes()
        kept = _areas.get(self)
        if kept is None or kept[0] is not blocks or kept[1] != numbers:
            kept = _areas[self] = blocks, numbers, method(self)
        return kept[2].copy()

    return get_areas
