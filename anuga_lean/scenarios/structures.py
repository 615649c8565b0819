"""Builds a river with an inlet, riverwalls under and above water, culverts through a road.

Water falls from left to right through three basins: over a riverwall into the
second, and through a box and a pipe under a dry road into the third, which a
second riverwall divides lengthwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from anuga_lean.measure.marks import mark
from anuga_lean.scenarios.dams import FILL

LENGTH, WIDTH = 400.0, 200.0  # m
OUTLINE = [[0.0, 0.0], [LENGTH, 0.0], [LENGTH, WIDTH], [0.0, WIDTH]]
TAGS = {"bottom": [0], "right": [1], "top": [2], "left": [3]}
ROAD = (250.0, 280.0)  # m, its two sides
ROAD_HEIGHT = 4.0  # m
REGIONS = (60.0, 180.0, 265.0, 390.0)  # m, a place before, between and behind them
STAGES = (2.2, 1.5, 0.4)  # m, in the three basins

WEIR = [[120.0, 0.0, 2.8], [120.0, 60.0, 1.8], [120.0, 140.0, 1.8], [120.0, 200.0, 2.8]]
LEVEE = [[300.0, 110.0, 0.3], [340.0, 110.0, 0.6], [380.0, 110.0, 0.3]]
"""Crests of the riverwalls: x, y, elevation, m."""
INLET = [[20.0, 60.0], [20.0, 140.0]]


def bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the elevation, m: a slope of 1 in 400, flat bumps, and the road across it."""
    river = -x / 400.0 + 0.1 * np.sin(x / 17.0) * np.cos(y / 13.0)
    return np.where((x > ROAD[0]) & (x < ROAD[1]), ROAD_HEIGHT, river)


def water(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the stage at the start, m: rippled, one level a basin, never under the bed."""
    ripple = 0.1 * np.sin(x / 9.0) * np.cos(y / 12.0)
    level = np.where(x < WEIR[0][0], STAGES[0], np.where(x < ROAD[1], STAGES[1], STAGES[2]))
    return np.maximum(level + ripple, bed(x, y))


def inflow(t: float) -> float:
    """Return the inflow at the inlet, m3/s."""
    return 6.0 + 2.0 * math.sin(t / 4.0)


def build_structures(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    """Build the river with all structures."""
    walls = {"weir": WEIR, "levee": LEVEE}
    # Riverwalls must lie on edges of the mesh; the sides of the road had better.
    lines = [[point[:2] for point in wall] for wall in walls.values()]
    lines += [[[x, 0.0], [x, WIDTH]] for x in ROAD]
    largest = LENGTH * WIDTH / (FILL * parameters["triangles"])
    domain = anuga.create_domain_from_regions(
        OUTLINE,
        TAGS,
        maximum_triangle_area=largest,
        breaklines=lines,
        # Lines from side to side make regions of their own.
        regionPtArea=[[x, 0.5 * WIDTH, largest] for x in REGIONS],
        verbose=False,
    )
    mark("domain")
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("elevation", bed, location="centroids")
    domain.set_quantity("stage", water, location="centroids")
    mark("quantities")
    domain.riverwallData.create_riverwalls(walls, {"levee": {"Qfactor": 0.9}}, verbose=False)
    anuga.Inlet_operator(domain, INLET, Q=inflow)
    _culverts(anuga, domain)
    domain.set_boundary({
        "left": anuga.Reflective_boundary(domain),
        "right": anuga.Transmissive_boundary(domain),
        "top": anuga.Reflective_boundary(domain),
        "bottom": anuga.Reflective_boundary(domain),
    })
    return domain


def _culverts(anuga: Any, domain: Any) -> None:
    given = {"losses": 1.5, "apron": 1.0, "enquiry_gap": 15.0, "manning": 0.013,
             "use_velocity_head": False, "verbose": False}
    start, end = ROAD[0] - 5.0, ROAD[1] + 5.0
    anuga.Boyd_box_operator(domain, width=4.0, height=1.5,
                            end_points=[[start, 60.0], [end, 60.0]], **given)
    anuga.Boyd_pipe_operator(domain, diameter=1.5,
                             end_points=[[start, 150.0], [end, 150.0]], **given)
