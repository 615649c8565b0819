"""Finds the highest ground that was wet in an SWW file, a frame at a time.

Owns `get_maximum_inundation_data`; rows and parts of a mesh are `frames`'.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean.results.frames import Row, Triangles, Variable, opened, parts_of_mesh, spans


def get_maximum_inundation_data(
    filename: str, polygon: Any = None, time_interval: Any = None,
    use_centroid_values: bool = True, return_time: bool = False, verbose: bool = False,
) -> tuple[Any, ...]:
    """Return the highest bed that was wet, m, and where, m, absolute; None where none was.

    Parameters
    ----------
    filename : str
    polygon : sequence of [x, y], optional
        m, absolute; places outside do not count.
    time_interval : two floats, optional
        s; frames before and after do not count.
    use_centroid_values : bool
        Values at centroids, where others are stored too.
    return_time : bool
        The time of that frame as well, s.
    verbose : bool
        Print and read as ANUGA does, all frames at once.

    Notes
    -----
    ANUGA 4.1.0, shallow_water/sww_interrogate.py.
    """
    from anuga.shallow_water import sww_interrogate

    path = os.path.join(os.path.split(filename)[0], filename[:-4] + ".sww")
    with opened(path) as file:
        search = _Search(file, use_centroid_values is True)
        if not verbose and search.is_known():
            return search.find(polygon, time_interval)[: 3 if return_time else 2]
    return sww_interrogate.get_maximum_inundation_data.__wrapped__(
        filename, polygon, time_interval, use_centroid_values, return_time, verbose)


class _Search:
    """The places of a file, and their stages and bed as float64."""

    def __init__(self, file: Any, centroids: bool) -> None:
        from anuga.coordinate_transforms.geo_reference import Geo_reference

        self.stored = file.variables
        self.volumes = self.stored["volumes"]
        try:
            reference = Geo_reference(NetCDFObject=file)
        except AttributeError:      # a file may have none, as ANUGA takes it
            reference = Geo_reference()
        self.corner = reference.get_xllcorner(), reference.get_yllcorner()
        self.centroids = centroids
        self.has_centroids = "elevation_c" in self.stored and "stage_c" in self.stored
        suffix = "_c" if self.has_centroids else ""
        self.bed, self.stage = (self.stored[name + suffix] for name in ("elevation", "stage"))

    def is_known(self) -> bool:
        """Return whether the values are at the places that are asked for, and the bed is one.

        Of others ANUGA makes errors.
        """
        return (self.centroids or not self.has_centroids) and self.bed.ndim == 1

    def row(self, variable: Any, frame: Any) -> NDArray[np.float64]:
        """Return a frame, (places,) float64."""
        if not self.centroids or self.has_centroids:
            return np.array(variable[frame] if variable.ndim == 2 else variable[:], float)
        read = Variable(variable)
        found = np.empty(len(self.volumes))
        for part in parts_of_mesh(self.volumes, by_nodes=True):
            found[part.span] = part.mean(np.array(read.row(frame, part.window), float))
        return found

    def places(self, span: slice) -> Row:
        """Return x and y of some places, (m, 2), m, absolute."""
        axes = []
        for axis, corner in zip("xy", self.corner, strict=True):
            if self.centroids:
                part = Triangles(self.volumes, span)
                axes.append(part.mean(self.stored[axis][part.window] + corner))
            else:
                axes.append(self.stored[axis][span] + corner)
        return np.ascontiguousarray(
            np.concatenate([each[:, np.newaxis] for each in axes], axis=1))

    def _inside(self, polygon: Any) -> NDArray[np.int64]:
        from anuga.geometry.polygon import inside_polygon

        assert len(polygon[0]) == 2, "polygon must be a sequence of points."
        count = len(self.volumes) if self.centroids else len(self.stored["x"])
        return np.concatenate([np.zeros(0, np.int64), *(
            span.start + np.asarray(inside_polygon(self.places(span), polygon), np.int64)
            for span in spans(count))])

    def _frames(self, time: Any, interval: Any) -> Any:
        """Return the frames in an interval of time."""
        every = np.arange(len(time))
        if interval is None:
            return every
        assert len(interval) == 2, "time_interval must be a sequence of length 2."
        assert interval[1] >= interval[0], f"time_interval {interval} must not be decreasing."
        if interval[1] < time[0] or interval[0] > time[-1]:
            raise ValueError(
                f"Specified time interval [{interval[0]:.8f}:{interval[1]:.8f}] must does not "
                f"match model time interval: [{time[0]:.8f}, {time[-1]:.8f}]\n")
        found = np.compress((interval[0] <= time) & (time <= interval[1]), every)
        assert not np.all(found == 0), \
            f"time_interval {interval} did not include any model timesteps."
        return found

    def find(self, polygon: Any, interval: Any) -> tuple[Any, Any, Any]:
        """Return the highest bed that was wet, its place and the time."""
        chosen = None if polygon is None else self._inside(polygon)
        bed = self.row(self.bed, 0)
        bed = bed if chosen is None else bed[chosen]
        time = self.stored["time"][:]
        highest, k, when = None, 0, None
        for frame in self._frames(time, interval):
            stage = self.row(self.stage, frame)
            wet = np.where((stage if chosen is None else stage[chosen]) - bed > 0.0)[0]
            found: Any = None
            if not np.all(wet == 0):
                of_wet = bed[wet]
                at = np.argmax(of_wet)
                found = max(of_wet) if np.isnan(of_wet[at]) else of_wet[at]
                assert of_wet[at] == found
            if highest is None and found is None:
                continue
            if highest is None or found > highest:
                highest, k, when = found, int(wet[at]), time[frame]
        if highest is None:
            return None, None, None
        k = k if chosen is None else int(chosen[k])
        return highest, self._location(k, polygon is not None), when

    def _location(self, k: int, is_plain: bool) -> list[Any]:
        """Return x and y of a place; of points that a polygon was asked about plain ones."""
        place = self.places(slice(k, k + 1))
        if is_plain:
            place = np.asarray(place)
        return [place[0, 0], place[0, 1]]
