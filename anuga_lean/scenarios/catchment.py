"""Builds a dry valley under rain: most triangles never have more than a film of water."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from anuga_lean.measure.marks import mark
from anuga_lean.scenarios.dams import FILL

OUTLINE = [[0.0, 100.0], [300.0, 0.0], [1000.0, 0.0], [1200.0, 400.0], [1200.0, 460.0],
           [1000.0, 900.0], [300.0, 900.0], [0.0, 700.0]]
AREA = 951_000.0  # m2
TAGS = {"divide": [0, 1, 2, 4, 5, 6, 7], "outlet": [3]}
HEADWATERS = [[60.0, 150.0], [420.0, 60.0], [480.0, 430.0], [400.0, 820.0], [60.0, 640.0]]
CLOUDBURST = [[900.0, 330.0], [1200.0, 390.0], [1200.0, 470.0], [900.0, 540.0]]
CLOUDBURST_RATE = 5.0e-5  # m/s, 180 mm/h
DURATION = 1800.0  # s, of the rain on the headwaters


def valley(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the elevation, m: slopes of 1 in 12 to a channel that falls by 1 in 50 towards x."""
    off = np.abs(y - 430.0 - 40.0 * np.sin(x / 180.0) * (1200.0 - x) / 1200.0)
    return (1200.0 - x) / 50.0 + off / 12.0 + 0.3 * np.sin(x / 37.0) * np.sin(y / 29.0)


def hyetograph(t: float) -> float:
    """Return the rain on the headwaters, mm/h: up to 120 and down again within `DURATION`."""
    return 120.0 * max(0.0, math.sin(math.pi * t / DURATION)) if t < DURATION else 0.0


def build_catchment(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    """Build the valley, dry; rain over its upper third and a cloudburst at the outlet."""
    domain = anuga.create_domain_from_regions(
        OUTLINE,
        TAGS,
        maximum_triangle_area=AREA / (FILL * parameters["triangles"]),
        verbose=False,
    )
    mark("domain")
    domain.set_quantity("friction", 0.05)
    domain.set_quantity("elevation", valley, location="centroids")
    domain.set_quantity("stage", valley, location="centroids")
    mark("quantities")
    anuga.Rate_operator(domain, rate=hyetograph, factor=1.0 / 3.6e6, polygon=HEADWATERS)
    anuga.Rate_operator(domain, rate=CLOUDBURST_RATE, polygon=CLOUDBURST)
    domain.set_boundary({
        "divide": anuga.Reflective_boundary(domain),
        "outlet": anuga.Transmissive_boundary(domain),
    })
    return domain
