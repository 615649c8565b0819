"""Moves water in and out of inlets without arrays of the mesh's size.

Owns the areas of an inlet's triangles, which it asks for several times in a step, what else
it asks for more often than it needs, and the level that a structure fills it to.  ANUGA
bisects a hundred times.  Here kernels/levels.c takes the steps that no rounding decides, some
forty, and the rest ends when one changes nothing, as then no later one does.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from anuga_lean import _kernels
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.fractional_steps.methods import Methods
from anuga_lean.fractional_steps.regions import without_coordinates

_NO_STAGE = np.finfo(np.float32).max     # m, ANUGA's
_MOST_STEPS = 100       # ANUGA's, so that one that does not end has its values


def _bisect(stages: Any, depths: Any, areas: Any, volume: float, low: float, high: float,
            is_low: Callable[[float], bool]) -> tuple[float, float]:
    """Return the ends of an interval of levels, m, after ANUGA's steps.

    Parameters
    ----------
    stages, areas : (m,) float64, m and m2
    depths : (m,) float64, m, or None
        Given where water is drawn down to the level, None where it is filled up to it.
    volume : float, m3
    low, high : float, m
    is_low : callable
        Whether the level is to be higher than its argument.
    """
    steps = 0
    if stages.ndim == 1 and all(each is None or each.shape == stages.shape
                                for each in (depths, areas)):
        low, high, steps = _kernels.narrow_level(
            np.ascontiguousarray(stages), depths, np.ascontiguousarray(areas), volume, low, high,
            _MOST_STEPS)
    for _ in range(steps, _MOST_STEPS):
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
    stages, elevations = np.asarray(stages, float), np.asarray(elevations, float)
    areas = np.asarray(areas, float)
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

        _, level = _bisect(stages, None, areas, volume, float(stages.min()),
                           float(stages.max()) + volume / total, holds_less)
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

    level, _ = _bisect(stages, depths, areas, wanted, float(elevations.min()),
                       float(stages.max()), gives_more)
    return np.maximum(elevations, np.minimum(stages, level))


def ending_early(level: Callable[..., Any]) -> Callable[..., Any]:
    """Return what takes the place of ANUGA's level_stages_to_average."""
    return functools.wraps(level)(level_stages_to_average)


_Kept = tuple[Any, Any, bytes, NDArray[np.float64]]
# by the id of an inlet: itself, blocks of its mesh, the bytes of its triangles' numbers, areas
# (m,) m2
_areas: dict[int, _Kept] = {}


def keeping_areas(method: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap the get_areas of an inlet: those of a lean mesh are computed once."""

    @functools.wraps(method)
    def get_areas(self: Any) -> Any:
        mesh, triangles = self.domain.mesh, self.triangle_indices
        if on_stock_arrays(mesh) or mesh.overridden or type(triangles) is not np.ndarray:
            return method(self)
        kept = _areas.get(id(self))
        if kept is not None and kept[0]() is self and kept[1] is mesh.blocks \
                and kept[2] == triangles.tobytes():
            return kept[3].copy()
        key = id(self)
        inlet = ref(self, functools.partial(_drop, key))
        kept = _areas[key] = inlet, mesh.blocks, triangles.tobytes(), method(self)
        return kept[3].copy()

    return get_areas


def _drop(key: int, inlet: Any) -> None:
    """Forget an inlet that is gone, if none has taken its id since."""
    if key in _areas and _areas[key][0] is inlet:
        del _areas[key]


@functools.cache
def _as_in_anuga(module: str, name: str) -> Methods:
    return Methods(getattr(sys.modules[module], name), "get_areas", "get_stages", "get_depths",
                   "get_elevations", "set_stages")


def filling_evenly(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Wrap set_stages_evenly of an inlet: what ANUGA's asks for in vain is not asked for.

    Parameters
    ----------
    method : callable
    name : str
        The function of this module that does the same.
    """
    own: Callable[..., Any] = globals()[name]
    kind = method.__module__, method.__qualname__.partition(".")[0]
    otherwise = without_coordinates(method)

    @functools.wraps(method)
    def set_stages_evenly(self: Any, volume: Any) -> Any:
        if _as_in_anuga(*kind).are_of(self) and own(self, volume):
            return None
        return otherwise(self, volume)

    return set_stages_evenly


def _ordered(stages: Any, areas: Any) -> tuple[Any, ...]:
    """Return what filling an inlet goes by, (m,) each, in ascending order of stages.

    Parameters
    ----------
    stages, areas : (m,) float64, m and m2

    Returns
    -------
    order, ascending, area_below, volume_below
        Places; stages, m; the area up to each, m2, and the water that lies between the lowest
        and it once all below are level with it, m3.
    """
    order = stages.argsort()
    ascending = stages[order]
    area_below = areas[order].cumsum()
    volume_below = np.zeros_like(area_below)
    volume_below[1:] = (area_below[:-1] * (ascending[1:] - ascending[:-1])).cumsum()
    return order, ascending, area_below, volume_below


def fill_evenly(inlet: Any, volume: Any) -> bool:
    """Fill an inlet from its lowest stage on, to one level.

    Parameters
    ----------
    volume : float, at least 0, m3

    Notes
    -----
    ANUGA 4.1.0, structures/inlet.py, Inlet.set_stages_evenly.
    """
    if not volume >= 0.0:
        return False
    stages = inlet.get_stages()
    order, ascending, area_below, volume_below = _ordered(stages, inlet.get_areas())
    last = (volume_below <= volume).nonzero()[0][-1]
    depth = (volume - volume_below[last]) / area_below[last]
    stages[order[:last + 1]] = ascending[last] + depth
    inlet.set_stages(stages)
    return True


def fill_evenly_alone(inlet: Any, volume: Any) -> bool:
    """Fill an inlet that lies on one rank as ANUGA does where it may lie on several.

    Returns
    -------
    bool
        False, with nothing done, where it lies on several, or ANUGA finds no lowest stage.
    """
    if inlet.procs != [inlet.myid] or inlet.master_proc != inlet.myid:
        return False
    stages = stages_filled_alone(inlet.get_stages(), inlet.get_areas(), volume)
    if stages is None:
        return False
    inlet.set_stages(stages)
    return True


def stages_filled_alone(stages: Any, areas: Any, volume: Any) -> Any:
    """Return the stages of an inlet on one rank, (m,) m, once a volume, m3, is in it.

    `stages`, (m,), are written.  None, and nothing done, where ANUGA finds no lowest stage.
    """
    if len(stages) == 0:
        return None
    order, ascending, area_below, volume_below = _ordered(stages, areas)
    if not ascending[-1] < _NO_STAGE:
        return None
    filled = (volume_below[1:] >= volume).nonzero()[0]
    last = filled[0] if len(filled) else len(stages) - 1    # the next one stays as it is
    stages[order[:last + 1]] = ascending[last] + (volume - volume_below[last]) / area_below[last]
    return stages
