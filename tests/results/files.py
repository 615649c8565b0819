"""Writes the SWW files that the tests read back, by ANUGA's own classes: `files.py FOLDER`."""

from __future__ import annotations

import shutil
import sys
from typing import Any

import numpy as np

FRAMES = 6
# Options of a model: unique vertices, no values at centroids, a bed that changes, nodes all
# over the file, an origin, friction and heights stored, the number of tracers.
MODELS: dict[str, dict[str, Any]] = {
    "smooth": {"origin": True},
    "unique": {"unique": True, "origin": True},
    "nodes": {"centroids": False, "shuffled": True},
    "corners": {"centroids": False, "unique": True},
    "eroded": {"bed": 2, "extra": True},
    "eroded_nodes": {"bed": 2, "centroids": False},
    "tracers": {"tracers": 2, "extra": True, "unique": True},
}
# Copies with numbers that are none, zeros of both signs and values that netCDF takes for none.
DOCTORED = ("smooth", "nodes", "eroded", "eroded_nodes", "unique")


def build(name: str, unique: bool = False, centroids: bool = True, bed: int = 1,
          shuffled: bool = False, origin: bool = False, extra: bool = False,
          tracers: int = 0) -> None:
    """Run a model."""
    import anuga

    points, triangles, boundary = anuga.rectangular_cross(9, 7, 90.0, 70.0)
    points, triangles = np.array(points), np.array(triangles)
    if shuffled:
        new = np.random.default_rng(3).permutation(len(points))
        triangles, places = new[triangles], np.empty_like(points)
        places[new] = points
        points = places
    reference = anuga.Geo_reference(56, 300_000.0, 6_000_000.0) if origin else None
    domain = anuga.Domain(points, triangles, boundary, geo_reference=reference)
    domain.set_name(name)
    domain.set_store_vertices_uniquely(unique)
    domain.set_store_centroids(centroids)
    stored = {"elevation": bed, "stage": 2, "xmomentum": 2, "ymomentum": 2}
    if extra:
        stored |= {"friction": 1, "height": 2}
    domain.set_quantities_to_be_stored(stored)
    domain.set_quantity("elevation", lambda x, y: np.sin(x / 7.0) * 0.4 + y / 90.0)
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: np.where(x < 40.0, 1.3, 0.2))
    for each in range(tracers):
        domain.add_tracer(f"dye{each}", initial_value=0.5 + each)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    for t in domain.evolve(yieldstep=0.7, finaltime=0.7 * (FRAMES - 1)):
        if bed == 2 and t > 1.0:
            domain.set_quantity("elevation", location="centroids",
                                function=lambda x, y, t=t: np.sin(x / 7.0) * 0.4 + y / 90 - t / 9)


def doctor(name: str) -> None:
    """Write a copy of a file with numbers that a run seldom stores."""
    from netCDF4 import Dataset

    shutil.copy(f"{name}.sww", f"odd_{name}.sww")
    random = np.random.default_rng(5)
    with Dataset(f"odd_{name}.sww", "a") as file:
        file.set_auto_mask(False)
        for each, variable in file.variables.items():
            if variable.dimensions[-1] not in ("number_of_points", "number_of_volumes") \
                    or each in ("x", "y", "volumes"):
                continue
            values = variable[:]
            kind = random.random(values.shape)
            values[kind < 0.3] = np.float32(-0.0)
            values[kind > 0.7] = 0.0
            values[(0.4 < kind) & (kind < 0.42)] = np.nan
            values[(0.5 < kind) & (kind < 0.52)] = np.float32(9.969209968386869e36)
            if values.ndim == 2:
                values[:, 5] = np.float32(9.969209968386869e36)
            variable[:] = values


def main(folder: str) -> None:
    """Write all."""
    import os

    os.chdir(folder)
    for name, options in MODELS.items():
        build(name, **options)
    for name in DOCTORED:
        doctor(name)


if __name__ == "__main__":
    main(sys.argv[1])
