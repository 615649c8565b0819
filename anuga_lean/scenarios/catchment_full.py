"""Builds a catchment in flood with all that a modeller's run has, on a polygon mesh.

Rain from a radar grid, a cloudburst on a polygon, an inlet, a culvert under a road, a levee
as a riverwall, a tide at the outlet, maxima, and a finer region along the channel.  Films of
water between dry patches wet and dry.  The valley itself is in catchment.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from anuga_lean._errors import ScenarioError
from anuga_lean.measure.marks import mark
from anuga_lean.scenarios.catchment import (
    AREA,
    CLOUDBURST,
    CLOUDBURST_RATE,
    OUTLINE,
    TAGS,
    valley,
)
from anuga_lean.scenarios.dams import FILL

CORRIDOR = [[100.0, 340.0], [1150.0, 340.0], [1150.0, 520.0], [100.0, 520.0]]
CORRIDOR_AREA = 189_000.0  # m2
FINER = 4.0  # times smaller are triangles in it
ROAD = (800.0, 830.0)  # m, its two sides
ROAD_HEIGHT = 12.0  # m, of an embankment across the channel
POND = 10.0  # m, level above the road
LEVEE = [[850.0, 423.5, 7.7], [950.0, 428.0, 5.7], [1100.0, 434.5, 2.7]]
"""Crest of the riverwall: x, y, elevation, m."""
INLET = [[130.0, 440.0], [130.0, 470.0]]
STORMS = ("grid", "function")
CELL = 25.0  # m, of the radar grid
PEAK = 90.0  # mm/h


def channel(x: np.ndarray) -> np.ndarray:
    """Return the y of the channel's bottom, m."""
    return 430.0 + 40.0 * np.sin(x / 180.0) * (1200.0 - x) / 1200.0


def bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the elevation, m: the valley, and an embankment across its channel."""
    ground = valley(x, y)
    road = (x > ROAD[0]) & (x < ROAD[1])
    return np.where(road, np.maximum(ground, ROAD_HEIGHT), ground)


def water(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the stage at the start, m: channel, pond, and a film of up to 6 mm in patches."""
    ground = bed(x, y)
    film = 0.008 * (np.sin(x / 53.0) * np.cos(y / 41.0) - 0.2)
    stream = np.where(x < ROAD[0] - 100.0, 1.2, 0.8) - np.abs(y - channel(x)) / 12.0
    stream = np.where((x > ROAD[0]) & (x < ROAD[1]), 0.0, stream)
    pond = np.where((x > ROAD[0] - 110.0) & (x < ROAD[0]), POND - ground, 0.0)
    return ground + np.maximum(np.maximum(film, 0.0), np.maximum(stream, pond))


def friction(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Manning friction, s/m**(1/3): 0.03 in the channel, up to 0.07 on the slopes."""
    return np.where(np.abs(y - channel(x)) < 15.0, 0.03, 0.05 + 0.02 * np.sin(x / 70.0))


def storm(t: float) -> float:
    """Return how strong the storm is, 0 to 1."""
    return 0.6 + 0.4 * math.sin(t / 300.0)


def radar(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the rain of the grid's cell at each place, mm/h; some cells are dry."""
    x, y = (CELL * np.floor(places / CELL) for places in (x, y))
    return PEAK * np.maximum(0.0, np.sin(x / 190.0) * np.cos(y / 230.0) + 0.1)


def moving_storm(x: np.ndarray, y: np.ndarray, t: float) -> np.ndarray:
    """Return the rain, mm/h, of a front that moves downstream at 5 m/s."""
    return PEAK * np.maximum(0.0, np.sin((x - 5.0 * t) / 190.0) + 0.4)


def inflow(t: float) -> float:
    """Return the inflow at the inlet, m3/s."""
    return 15.0 + 5.0 * math.sin(t / 60.0)


def tide(t: float) -> float:
    """Return the level at the outlet, m."""
    return 1.0 + 0.3 * math.sin(t / 100.0)


def build_catchment_full(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    """Build the catchment with all its operators."""
    if parameters["storm"] not in STORMS:
        raise ScenarioError(f"storm={parameters['storm']!r} is unknown to the scenario "
                            f"catchment_full; there are {', '.join(STORMS)}")
    covered = AREA - CORRIDOR_AREA + FINER * CORRIDOR_AREA
    largest = covered / (FILL * parameters["triangles"])
    domain = anuga.create_domain_from_regions(
        OUTLINE,
        TAGS,
        maximum_triangle_area=largest,
        interior_regions=[(CORRIDOR, largest / FINER)],
        breaklines=[[point[:2] for point in LEVEE]],
        verbose=False,
    )
    mark("domain")
    domain.set_quantity("friction", friction, location="centroids")
    domain.set_quantity("elevation", bed, location="centroids")
    domain.set_quantity("stage", water, location="centroids")
    mark("quantities")
    domain.riverwallData.create_riverwalls({"levee": LEVEE}, verbose=False)
    _rain(anuga, domain, parameters["storm"])
    anuga.Inlet_operator(domain, INLET, Q=inflow)
    anuga.Boyd_box_operator(
        domain, width=4.0, height=2.0, losses=1.5, apron=1.0, enquiry_gap=25.0, manning=0.013,
        end_points=[[x, float(channel(np.array(x)))] for x in (ROAD[0] - 5.0, ROAD[1] + 5.0)],
        use_velocity_head=False, verbose=False)
    domain.set_collect_max_quantities()
    domain.set_boundary({
        "divide": anuga.Reflective_boundary(domain),
        "outlet": anuga.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(
            domain, function=tide),
    })
    return domain


def _rain(anuga: Any, domain: Any, kind: str) -> None:
    """Rain everywhere, and a cloudburst at the outlet."""
    if kind == "grid":
        xy = np.asarray(domain.get_centroid_coordinates())
        anuga.Rate_operator(domain, rate=radar(xy[:, 0], xy[:, 1]),
                            factor=lambda t: storm(t) / 3.6e6)
    else:
        anuga.Rate_operator(domain, rate=moving_storm, factor=1.0 / 3.6e6)
    anuga.Rate_operator(domain, rate=CLOUDBURST_RATE, polygon=CLOUDBURST)
