"""Builds dam breaks over a bumpy bed, on meshes of three origins, and a distributed one.

The surface is rippled, so that no part of these models is at rest: timings are
made on them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from anuga_lean.measure.marks import mark

POLYGON = [[0.0, 0.0], [1000.0, 0.0], [1300.0, 600.0], [700.0, 1000.0], [0.0, 900.0]]
POLYGON_AREA = 1_055_000.0  # m2
POLYGON_TAGS = {"south": [0], "southeast": [1], "northeast": [2], "north": [3], "west": [4]}
INNER_POLYGON = [[300.0, 300.0], [600.0, 300.0], [600.0, 600.0], [300.0, 600.0]]
INNER_AREA = 90_000.0  # m2
# The generator's triangles cover 0.65 of the largest area it may use (measured
# between 27 k and 270 k triangles).
FILL = 0.65


def rain(t: float) -> float:
    """Return rain, mm/h, heavier than any real one so that few steps show it."""
    return 300.0 + 100.0 * math.sin(t / 5.0)


def surge(t: float) -> float:
    """Return a level, m, that rises and falls."""
    return 0.2 * math.sin(t / 4.0)


def bumpy_bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the elevation, m: a slope of 1 in 100 under bumps of 4 m."""
    return -x / 100.0 + 4.0 * np.sin(y / 60.0) * np.cos(x / 50.0)


def rough_patches(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Manning friction, s/m**(1/3), between 0.02 and 0.06."""
    return 0.04 + 0.02 * np.sin(x / 90.0) * np.sin(y / 70.0)


def build_dam_break(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    """Build the dam break on a square of crossed rectangles."""
    domain = _square(anuga, parameters)
    _close_square(anuga, domain, parameters["tailwater"])
    return domain


def build_open_sides(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    """Build the dam break with prescribed values on three sides, which bound the reconstruction."""
    domain = _square(anuga, parameters)
    domain.set_boundary({
        "left": anuga.Time_boundary(domain, function=lambda t: [1.5 + surge(t), 0.1, 0.0]),
        "right": anuga.Dirichlet_boundary([parameters["tailwater"], 0.0, 0.0]),
        "top": anuga.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(
            domain, function=lambda t: 1.0 + surge(t)),
        "bottom": anuga.Reflective_boundary(domain),
    })
    return domain


def build_parallel(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    """Build the dam break on rank 0 and distribute it; `dam_break` itself on one rank."""
    domain = _square(anuga, parameters) if anuga.myid == 0 else None
    domain = anuga.distribute(domain)
    mark("distribute")
    # A rank's part has boundaries of its own, and may miss some tags altogether.
    _close_square(anuga, domain, parameters["tailwater"])
    return domain


def build_regions(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    """Build a polygon with finer triangles inside another one, and rain."""
    # Triangles are a third of the size inside the inner polygon.
    covered = POLYGON_AREA - INNER_AREA + 3.0 * INNER_AREA
    largest = covered / (FILL * parameters["triangles"])
    domain = anuga.create_domain_from_regions(
        POLYGON,
        POLYGON_TAGS,
        maximum_triangle_area=largest,
        interior_regions=[(INNER_POLYGON, largest / 3.0)],
        verbose=False,
    )
    mark("domain")
    domain.set_quantity("friction", rough_patches)
    _fill_behind_dam(domain, parameters["tailwater"])
    mark("quantities")
    anuga.Rate_operator(domain, rate=rain, factor=1.0 / 3.6e6)
    anuga.Rate_operator(domain, rate=2.0e-4, polygon=INNER_POLYGON)
    wall = anuga.Reflective_boundary(domain)
    boundaries = dict.fromkeys(POLYGON_TAGS, wall)
    boundaries["southeast"] = anuga.Transmissive_boundary(domain)
    domain.set_boundary(boundaries)
    return domain


def build_unstructured(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    """Build a polygon of triangles of one size, in the order the generator gives them."""
    domain = anuga.create_domain_from_regions(
        POLYGON,
        POLYGON_TAGS,
        maximum_triangle_area=POLYGON_AREA / (FILL * parameters["triangles"]),
        verbose=False,
    )
    mark("domain")
    domain.set_quantity("friction", 0.03)
    _fill_behind_dam(domain, parameters["tailwater"])
    mark("quantities")
    domain.set_boundary(dict.fromkeys(POLYGON_TAGS, anuga.Reflective_boundary(domain)))
    return domain


def _square(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    n = max(1, round(math.sqrt(parameters["triangles"] / 4.0)))
    domain = anuga.rectangular_cross_domain(n, n, len1=1000.0, len2=1000.0)
    if anuga.numprocs == 1:  # a mark is for all ranks: one alone would wait for the others
        mark("domain")
    domain.set_quantity("friction", 0.03)
    _fill_behind_dam(domain, parameters["tailwater"])
    if anuga.numprocs == 1:
        mark("quantities")
    return domain


def _close_square(anuga: Any, domain: Any, tailwater: float) -> None:
    wall = anuga.Reflective_boundary(domain)
    outlet = anuga.Dirichlet_boundary([tailwater, 0.0, 0.0])
    domain.set_boundary({"left": wall, "right": outlet, "top": wall, "bottom": wall})


def _fill_behind_dam(domain: Any, tailwater: float) -> None:
    """Set water at 1.5 m for x < 350 m, at `tailwater` below; never under the bed."""

    def stage(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        ripple = 0.2 * np.sin(x / 23.0) * np.cos(y / 31.0)
        level = np.where(x < 350.0, 1.5, tailwater) + ripple
        return np.maximum(level, bumpy_bed(x, y))

    domain.set_quantity("elevation", bumpy_bed, location="centroids")
    domain.set_quantity("stage", stage, location="centroids")
