"""Reads what `plot_utils.get_output` holds, at vertices, a frame and some places at a time.

Owns the depths and velocities made of stored stages and momenta, in ANUGA's order of
floating-point operations.  Values at centroids are `centroids`'.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from anuga_lean.results.frames import (
    MAXIMA,
    Frames,
    Largest,
    LargestMagnitude,
    Places,
    Row,
    Variable,
    chosen_frames,
    numbered,
    opened,
    plain,
    read_variable,
    spans,
)

_DEPTH_OFFSET = 1.0e-12     # m, ANUGA's guard against a division by nothing


def read_output(filename: str, minimum_allowed_height: float, timeSlices: Any  # noqa: N803
                ) -> tuple[Any, ...]:
    """Return the arrays of a `get_output`, in ANUGA's order of them.

    Parameters
    ----------
    filename : str
    minimum_allowed_height : float
        m; no velocity where the depth is not larger.
    timeSlices : 'all', 'last', 'max', int or sequence of int

    Notes
    -----
    ANUGA 4.1.0, utilities/plot_utils.py, `_read_output`.  Held over what is returned: some
    rows of `frames.PLACES` places.
    """
    from anuga.utilities import plot_utils

    with opened(filename) as file:
        stored = file.variables
        time = stored["time"][:]
        count = len(time)
        frames = chosen_frames(timeSlices, count)
        time = time.max() if frames == MAXIMA else time[frames]
        corners = file.xllcorner, file.yllcorner
        starttime = file.starttime
        x, y = stored["x"][:], stored["y"][:]
        stage, elevation = (read_variable(stored[name], frames, count)
                            for name in ("stage", "elevation"))
        volumes = stored["volumes"][:]
        if "friction" in stored:
            friction = read_variable(stored["friction"], frames, count)
        else:
            friction = unknown(elevation)
        moving = _Moving(stored, frames, count, minimum_allowed_height, elevation)
        height, xmomentum, ymomentum, xvelocity, yvelocity, speed = moving.read()
        tracers = {name: read_variable(stored[f"{name}_c"], frames, count)
                   for name in plot_utils._tracer_names_from(file) if f"{name}_c" in stored}
    return (x, y, time, volumes, stage, height, elevation, friction, xmomentum, ymomentum,
            xvelocity, yvelocity, speed, minimum_allowed_height, *corners, copy.copy(frames),
            starttime, tracers)


def unknown(elevation: Row) -> Row:
    """Return the friction of a file that has none: not a number, of the elevation's shape."""
    if elevation.ndim == 2:
        found: Frames = Frames(*elevation.shape)
        for frame, row in enumerate(elevation):
            for span in spans(len(row)):
                found.put(frame, span, row[span] * 0.0 + np.nan)
        return found.array()
    one = Places(len(elevation))
    for span in spans(len(elevation)):
        one.put(0, span, elevation[span] * 0.0 + np.nan)
    return one.array()


class _Moving:
    """Depth, momenta and velocities, row by row."""

    def __init__(self, stored: Any, frames: Any, count: int, minimum: float,
                 elevation: Row) -> None:
        self.frames = numbered(frames, count)
        self.most = frames == MAXIMA
        self.minimum = minimum
        self.elevation = elevation
        self.stage = Variable(stored["stage"])
        self.momenta = [Variable(stored[name]) for name in ("xmomentum", "ymomentum")]
        self.height = None
        if "height" in stored:
            self.height = Variable(stored["height"])
            stored["height"][[number for _, number in self.frames], :1]     # as ANUGA asks

    def read(self) -> list[Any]:
        """Return depth, both momenta, both velocities and speed, as arrays."""
        places = self.stage.places
        kinds: list[Any] = [Frames] * 6
        if self.most:
            kinds = [Largest, *[LargestMagnitude] * 4, Largest]
        found = [kind(places) if self.most else kind(len(self.frames), places)
                 for kind in kinds]
        for span in spans(places):
            for place, frame in self.frames:
                for each, row in zip(found, self._rows(place, frame, span), strict=True):
                    each.put(place, span, row)
        return [each.array() for each in found]

    def _depth(self, place: int, frame: Any, span: slice) -> Row:
        if self.height is not None:
            return self.height.row(frame, span)
        depth = plain(self.stage.row(frame, span))
        if self.elevation.ndim == 2:
            return depth - self.elevation[0 if self.most else place, span]
        depth[:] = depth - self.elevation[span]
        return depth

    def _rows(self, place: int, frame: Any, span: slice) -> tuple[Row, ...]:
        depth = self._depth(place, frame, span)
        depth = depth * (depth > 0.0)
        xmomentum, ymomentum = (plain(each.row(frame, span)) for each in self.momenta)
        inverse = 1.0 / (depth + _DEPTH_OFFSET)
        wet = depth > self.minimum
        return (depth, xmomentum, ymomentum, xmomentum * inverse * wet, ymomentum * inverse * wet,
                (xmomentum**2 + ymomentum**2) ** 0.5 * inverse * wet)
