"""Reads what `plot_utils.get_centroids` holds, a frame and some triangles at a time.

Owns values at centroids where a file has none, made of those at its vertices, and the
velocities made of either, in ANUGA's order of floating-point operations.  Rows and what
becomes of them are `frames`'.
"""

from __future__ import annotations

import copy
import functools
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
        if timeSlices is None:
            timeSlices = "all" if is_file else copy.copy(p.timeSlices)  # noqa: N806
        if minimum_allowed_height is None:
            minimum_allowed_height = 0.0 if is_file else copy.copy(p.minimum_allowed_height)
        here = Centroids(file, timeSlices, velocity_extrapolation, minimum_allowed_height)
        if not here.are_read_as_asked():
            return plot_utils._get_centroid_values.__wrapped__(
                p, velocity_extrapolation, verbose, timeSlices, minimum_allowed_height)
        corners = file.xllcorner, file.yllcorner
        time = here.time()
        x, y = (here.mean(Variable(file.variables[axis])) for axis in "xy")
        stage = here.variable("stage")
        friction = here.friction()
        height = here.depths(stage)
        xmomentum, ymomentum, xvelocity, yvelocity, speed = here.moving()
        tracers = {name: here.variable(name) for name in plot_utils._tracer_names_from(file)
                   if f"{name}_c" in file.variables}
    return (time, x, y, stage, xmomentum, ymomentum, height, here.bed, here.bed_of_frames,
            friction, xvelocity, yvelocity, speed, *corners, here.frames, tracers)


def _velocity(depth: Row, minimum: float, momenta: list[Row]) -> list[Row]:
    inverse = 1.0 / (depth + _DEPTH_OFFSET)
    wet = depth > minimum
    return [each * inverse * wet for each in momenta]


class Centroids:
    """The triangles of a file, and what its variables are at their centroids.

    Parameters
    ----------
    file : netCDF4.Dataset
    wanted : 'all', 'last', 'max', int or sequence of int
        Frames.
    velocities : bool
        Where there are no values at centroids: average velocities, not momenta.
    minimum : float
        m; no velocity where the depth is not larger.

    Attributes
    ----------
    frames : list of int, or 'max'
    """

    def __init__(self, file: Any, wanted: Any, velocities: bool, minimum: float) -> None:
        self.stored = file.variables
        self.volumes = self.stored["volumes"]
        self.triangles = int(self.volumes.shape[0])
        self.count = len(self.stored["time"][:])
        self.velocities = velocities
        self.minimum = minimum
        self.choose(chosen_frames(wanted, self.count))

    def choose(self, frames: Any) -> None:
        """Take other frames; the bed stays, once it is read."""
        self.frames = frames
        self.numbered = numbered(frames, self.count)

    def time(self) -> Any:
        """Return the times of the frames, s, or the last one."""
        time = self.stored["time"][:]
        return time.max() if self.frames == MAXIMA else time[self.frames]

    @functools.cached_property
    def bed_of_frames(self) -> Row:
        """The elevations as stored, of the frames or their largest."""
        return self.variable("elevation")

    @functools.cached_property
    def bed(self) -> Row:
        """The elevations of the first of the frames, (triangles,), which ANUGA takes for all."""
        return self.bed_of_frames[0, :] if self.bed_of_frames.ndim == 2 else self.bed_of_frames

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

    def friction(self) -> Row:
        """Return friction, not a number where it is not stored."""
        if "friction_c" in self.stored or "friction" in self.stored:
            return self.variable("friction")
        return unknown(self.bed)

    def depths(self, stage: Row) -> Row:
        """Return stages above the bed, of all frames of `stage`."""
        found = Frames(*stage.shape)
        for place, row in enumerate(stage):
            for span in spans(len(row)):
                depth = row[span] + 0.0
                depth[:] = row[span] - self.bed[span]
                found.put(place, span, depth)
        return found.array()

    def _collector(self, largest: Any = Largest) -> Any:
        if self.frames == MAXIMA:
            return largest(self.triangles)
        return Frames(len(self.numbered), self.triangles)

    def moving(self, some: tuple[int, ...] = (0, 1, 2, 3, 4)) -> list[Any]:
        """Return `some` of both momenta, both velocities and speed."""
        by_nodes = "xmomentum_c" not in self.stored
        rows = self._at_vertices() if by_nodes else self._at_centroids()
        found = {each: self._collector(Largest if each == 4 else LargestMagnitude)
                 for each in some}
        for part in parts_of_mesh(self.volumes, by_nodes):
            for place, frame in self.numbered:
                moving = rows(part, frame)
                moving.append((moving[2] ** 2 + moving[3] ** 2) ** 0.5)
                for each, collector in found.items():
                    collector.put(place, part.span, moving[each])
        return [each.array() for each in found.values()]

    def _at_centroids(self) -> Callable[[Triangles, Any], list[Row]]:
        """Return what gives momenta and velocities of a file with values at centroids."""
        read = {name: Variable(each) for name, each in self.stored.items() if each.ndim}

        def rows(part: Triangles, frame: Any) -> list[Row]:
            momenta = [plain(read[name].row(frame, part.span))
                       for name in ("xmomentum_c", "ymomentum_c")]
            if "height_c" in read:
                depth = plain(read["height_c"].row(frame, part.span))
            else:
                depth = plain(read["stage_c"].row(frame, part.span) - self.bed[part.span])
            return [*momenta, *_velocity(depth, self.minimum, momenta)]

        return rows

    def _at_vertices(self) -> Callable[[Triangles, Any], list[Row]]:
        """Return what gives them of a file without; averages momenta, or velocities if asked."""
        read = {name: Variable(self.stored[name])
                for name in ("stage", "elevation", "xmomentum", "ymomentum")}

        def rows(part: Triangles, frame: Any) -> list[Row]:
            momenta = [plain(read[name].row(frame, part.window))
                       for name in ("xmomentum", "ymomentum")]
            depth = plain(read["stage"].row(frame, part.window))
            bed = read["elevation"].row(frame, part.window)
            depth[:] = depth - (plain(bed) if read["elevation"].changes else bed)
            mean = part.mean(depth)
            if self.velocities:
                moving = [part.mean(each) for each in _velocity(depth, self.minimum, momenta)]
                return [*(each * mean for each in moving), *moving]
            momenta = [part.mean(each) for each in momenta]
            return [*momenta, *_velocity(mean, self.minimum, momenta)]

        return rows
