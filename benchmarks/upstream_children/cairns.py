"""Runs Cairns of ANUGA's examples: `cairns.py fit FILE SCALE` or `evolve FILE SCALE TIME`.

Follows examples/cairns/runcairns.py of the sdist, in a copy of its folder, but for
the `mesh_filename` that create_domain_from_regions no longer takes: `fit` fits the
bed to the points and saves it, `evolve` loads it and runs the fixed wave, so that
its memory is the model's and not the fit's.  SCALE is project.py's base_scale: m2.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import anuga
import numpy as np
import project


def build(scale: float) -> Any:
    """Return the domain with stage and friction, without a bed."""
    finer = scale / project.base_scale
    regions = [[polygon, area * finer] for polygon, area in project.interior_regions]
    domain = anuga.create_domain_from_regions(
        project.bounding_polygon,
        boundary_tags={"top": [0], "ocean_east": [1], "bottom": [2], "onshore": [3]},
        maximum_triangle_area=project.default_res * finer,
        interior_regions=regions,
        use_cache=False,
        verbose=False,
    )
    domain.set_name("cairns_fixed_wave")
    domain.set_datadir(".")
    domain.set_minimum_storable_height(0.01)
    domain.set_flow_algorithm("DE0")
    domain.set_quantity("stage", project.tide)
    domain.set_quantity("friction", 0.0)
    return domain


def fit(path: Path, scale: float) -> None:
    """Fit the bed to the points and save it at nodes and centroids."""
    stem = project.name_stem
    with zipfile.ZipFile(f"{stem}.zip") as archive:
        archive.extract(f"{stem}.asc")
    anuga.asc2dem(f"{stem}.asc", use_cache=False, verbose=False)
    anuga.dem2pts(f"{stem}.dem", use_cache=False, verbose=False)
    domain = build(scale)
    domain.set_quantity("elevation", filename=f"{stem}.pts", use_cache=False, verbose=False,
                        alpha=0.1)
    elevation = domain.quantities["elevation"]
    np.savez(path, nodes=elevation.get_values(location="unique vertices"),
             centroids=elevation.centroid_values)


def evolve(path: Path, scale: float, finaltime: float) -> None:
    """Run the wave over the saved bed."""
    domain = build(scale)
    with np.load(path) as saved:
        domain.set_quantity("elevation", saved["nodes"], location="unique vertices")
    sea = anuga.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(
        domain=domain, function=lambda t: [(60 < t < 3660) * 10, 0, 0])
    neutral = anuga.Transmissive_stage_zero_momentum_boundary(domain)
    still = anuga.Dirichlet_boundary([project.tide, 0, 0])
    domain.set_boundary(
        {"ocean_east": sea, "bottom": neutral, "onshore": still, "top": neutral})
    for _ in domain.evolve(yieldstep=finaltime / 2, finaltime=finaltime):
        print(domain.timestepping_statistics(), flush=True)


if __name__ == "__main__":
    {"fit": fit, "evolve": evolve}[sys.argv[1]](Path(sys.argv[2]), *map(float, sys.argv[3:]))
