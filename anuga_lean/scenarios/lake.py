"""Builds Merimbula lake under a tide: a real shore that wets and dries.

Owns the water and the boundaries; the mesh and its refinement live in
anuga_lean/scenarios/merimbula.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from anuga_lean.measure.marks import mark
from anuga_lean.scenarios import merimbula

TIDE_AMPLITUDE = 0.6  # m
TIDE_PERIOD = 44_714.16  # s, the principal lunar tide
LAKE_LEVEL = -0.4  # m; a third of the bed lies above it, so shores wet and dry


def tide(t: float) -> list[float]:
    """Return stage (m) and the two momenta (m2/s) at the mouth of the lake."""
    stage = TIDE_AMPLITUDE * math.sin(2.0 * math.pi * t / TIDE_PERIOD + math.pi / 6.0)
    return [stage, 0.0, 0.0]


def build_merimbula(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    """Build the lake, each triangle split into four `refine` times."""
    mesh = merimbula.load_mesh(parameters["refine"])
    mark("mesh")
    domain = anuga.Domain(mesh.nodes, mesh.triangles, mesh.boundary())
    mark("domain")
    domain.set_quantity("elevation", mesh.elevation[mesh.triangles], location="vertices")
    domain.set_quantity("friction", 0.025)
    x = domain.get_centroid_coordinates()[:, 0]
    bed = domain.get_quantity("elevation").get_values(location="centroids")
    level = np.where((x > 756_000.0) & (x < 756_500.0), 1.0, LAKE_LEVEL)
    domain.set_quantity("stage", np.maximum(level, bed), location="centroids")
    mark("quantities")
    mouth = anuga.Time_boundary(domain, function=tide)
    domain.set_boundary({"exterior": anuga.Reflective_boundary(domain), "open": mouth})
    return domain
