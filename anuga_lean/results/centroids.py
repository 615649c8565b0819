"""Reads what `plot_utils.get_centroids` holds, a frame and some triangles at a time.

Owns values at centroids where a file has none, made of those at its vertices, and the
velocities made of either, in ANUGA's order of floating-point operations.  Rows and what
becomes of them are `frames`'.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from anuga_lean.results.frames import (
    MAXIMA,
    Frames,
    Largest,
    LargestMagnitude,
    Places,
    Row,
    Triangles,
    Variable,
    chosen_frames,
    numbered,
    opened,
    parts_of_mesh,
    plain,
    read_variable,
    spans,
)
from anuga_lean.results.vertices import _DEPTH_OFFSET, unknown


def get_centroid_values(
    p: Any, velocity_extrapolation: bool, verbose: bool, timeSlices: Any,  # noqa: N803
    minimum_allowed_height: float | None,
) -> tuple[Any, ...]:
    """Return the arrays of a `get_centroids`, in ANUGA's order of them.

    Parameters
    ----------
    p : str or get_output
        A file's name, or what has one and a choice of frames.
    velocity_extrapolation : bool
        Where a file has no values at centroids: average velocities, not momenta.
    timeSlices : 'all', 'last', 'max', int, sequence of int or None
    minimum_allowed_height : float or None
        m; no velocity where the depth is not larger.

    Notes
    -----
    ANUGA 4.1.0, utilities/plot_utils.py, `_get_centroid_values`.  Held over what is returned:
    some rows of `frames.PLACES` triangles and their nodes; where these are all over the file,
    of a quarter of the mesh.
    """
    from anuga.utilities import plot_utils

    is_file = isinstance(p, str)
    with opened(p if is_file else p.filename) as file:
        stored = file.variables
        time = stored["time"][:]
        if timeSlices is None:
            timeSlices = "all" if is_file else copy.copy(p.timeSlices)  # noqa: N806
        if minimum_allowed_height is None:
            minimum_allowed_height = 0.0 if is_file else copy.copy(p.minimum_allowed_height)
        frames = chosen_frames(timeSlices, len(time))
        here = _Centroids(file, frames, len(time))
        if not here.are_read_as_asked():
            return plot_utils._get_centroid_values.__wrapped__(
                p, velocity_extrapolation, verbose, timeSlices, minimum_allowed_height)
        corners = file.xllcorner, file.yllcorner
        time = time.max() if frames == MAXIMA else time[frames]
        x, y = (here.mean(Variable(stored[axis])) for axis in "xy")
        stage, bed_of_frames = here.variable("stage"), here.variable("elevation")
        bed = bed_of_frames[0, :] if bed_of_frames.ndim == 2 else bed_of_frames
        if "friction_c" in stored or "friction" in stored:
            friction = here.variable("friction")
        else:
            friction = unknown(bed)
        height = _depths(stage, bed)
        minimum: float = minimum_allowed_height
        if "xmomentum_c" in stored:
            moving = here.moving(here.at_centroids(bed, minimum), by_nodes=False)
        else:
            moving = here.moving(here.at_vertices(bool(velocity_extrapolation), minimum),
                                 by_nodes=True)
        xmomentum, ymomentum, xvelocity, yvelocity, speed = moving
        tracers = {name: here.variable(name) for name in plot_utils._tracer_names_from(file)
                   if f"{name}_c" in stored}
    return (time, x, y, stage, xmomentum, ymomentum, height, bed, bed_of_frames, friction,
            xvelocity, yvelocity, speed, *corners, frames, tracers)


def _depths(stage: Row, bed: Row) -> Row:
    """Return stages above the bed, of all frames."""
    found = Frames(*stage.shape)
    for place, row in enumerate(stage):
        for span in spans(len(row)):
            depth = row[span] + 0.0
            depth[:] = row[span] - bed[span]
            found.put(place, span, depth)
    return found.array()


def _velocity(depth: Row, minimum: float, momenta: list[Row]) -> list[Row]:
    inverse = 1.0 / (depth + _DEPTH_OFFSET)
    wet = depth > minimum
    return [each * inverse * wet for each in momenta]


class _Centroids:
    """The triangles of a file, and what its variables are at their centroids."""

    def __init__(self, file: Any, frames: Any, count: int) -> None:
        self.stored = file.variables
        self.volumes = self.stored["volumes"]
        self.triangles = int(self.volumes.shape[0])
        self.frames = frames
        self.count = count
        self.numbered = numbered(frames, count)

    def are_read_as_asked(self) -> bool:
        """Return whether ANUGA finds the bed of each frame; it looks for one of all frames."""
        return "xmomentum_c" in self.stored or self.stored["elevation"].ndim == 1 \
            or len(self.numbered) == self.count

    def mean(self, variable: Variable) -> Row:
        """Return the chosen frames of a variable at nodes, or the largest, at centroids."""
        found = Places(self.triangles) if not variable.changes else self._collector()
        for part in parts_of_mesh(self.volumes, by_nodes=True):
            for place, frame in self.numbered if variable.changes else ((0, 0),):
                row = variable.row(frame, part.window)
                if variable.changes and self.frames != MAXIMA:
                    row = plain(row)
                found.put(place, part.span, part.mean(row))
        return found.array()

    def variable(self, name: str) -> Row:
        """Return the chosen frames of a quantity, or the largest values."""
        if f"{name}_c" in self.stored:
            return read_variable(self.stored[f"{name}_c"], self.frames, self.count)
        return self.mean(Variable(self.stored[name]))

    def _collector(self, largest: Any = Largest) -> Any:
        if self.frames == MAXIMA:
            return largest(self.triangles)
        return Frames(len(self.numbered), self.triangles)

    def moving(self, rows: Callable[[Triangles, Any], list[Row]], by_nodes: bool) -> list[Any]:
        """Return both momenta, both velocities and speed.

        Parameters
        ----------
        rows : callable
            `rows(part, frame)` gives both momenta and both velocities.
        """
        found = [*(self._collector(LargestMagnitude) for _ in range(4)), self._collector()]
        for part in parts_of_mesh(self.volumes, by_nodes):
            for place, frame in self.numbered:
                moving = rows(part, frame)
                moving.append((moving[2] ** 2 + moving[3] ** 2) ** 0.5)
                for each, row in zip(found, moving, strict=True):
                    each.put(place, part.span, row)
        return [each.array() for each in found]

    def at_centroids(self, bed: Row, minimum: float) -> Callable[[Triangles, Any], list[Row]]:
        """Return what gives rows of a file with values at centroids."""
        read = {name: Variable(each) for name, each in self.stored.items()}

        def rows(part: Triangles, frame: Any) -> list[Row]:
            momenta = [plain(read[name].row(frame, part.span))
                       for name in ("xmomentum_c", "ymomentum_c")]
            if "height_c" in read:
                depth = plain(read["height_c"].row(frame, part.span))
            else:
                depth = plain(read["stage_c"].row(frame, part.span) - bed[part.span])
            return [*momenta, *_velocity(depth, minimum, momenta)]

        return rows

    def at_vertices(self, velocities: bool,
                    minimum: float) -> Callable[[Triangles, Any], list[Row]]:
        """Return what gives rows of a file without; averages momenta, or velocities if asked."""
        read = {name: Variable(self.stored[name])
                for name in ("stage", "elevation", "xmomentum", "ymomentum")}

        def rows(part: Triangles, frame: Any) -> list[Row]:
            momenta = [plain(read[name].row(frame, part.window))
                       for name in ("xmomentum", "ymomentum")]
            depth = plain(read["stage"].row(frame, part.window))
            bed = read["elevation"].row(frame, part.window)
            depth[:] = depth - (plain(bed) if read["elevation"].changes else bed)
            mean = part.mean(depth)
            if velocities:
                moving = [part.mean(each) for each in _velocity(depth, minimum, momenta)]
                return [*(each * mean for each in moving), *moving]
            momenta = [part.mean(each) for each in momenta]
            return [*momenta, *_velocity(mean, minimum, momenta)]

        return rows
