"""Small models with a dry part, on meshes of several kinds, as functions of `anuga`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

MODELS = ("cross", "scattered", "holes", "island")


def delaunay() -> tuple[np.ndarray, np.ndarray]:
    """Return the points and triangles of 700 m x 300 m, irregular inside."""
    from scipy.spatial import Delaunay

    x, y = (each.ravel() for each in np.meshgrid(np.linspace(0, 700, 36), np.linspace(0, 300, 16)))
    points = np.stack([x, y], axis=1)
    inside = (x > 0) & (x < 700) & (y > 0) & (y < 300)
    points[inside] += np.random.default_rng(11).uniform(-6.0, 6.0, (inside.sum(), 2))
    triangles = Delaunay(points).simplices
    d1, d2 = (points[triangles[:, i]] - points[triangles[:, 0]] for i in (1, 2))
    area = d1[:, 0] * d2[:, 1] - d1[:, 1] * d2[:, 0]
    triangles[area < 0] = triangles[area < 0][:, ::-1]
    return points, triangles[abs(area) > 1e-6]


def without(points: np.ndarray, triangles: np.ndarray, inside: Any) -> tuple[Any, Any]:
    left = triangles[~inside(*points[triangles].mean(axis=1).T)]
    used = np.unique(left)
    return points[used], np.searchsorted(used, left)


def build(anuga: Any, model: str, folder: Path) -> Any:
    """Return a domain a third of which is dry, evolved for some steps."""
    geo = anuga.Geo_reference(56, 300000.0, 6180000.0)
    if model == "cross":
        domain = anuga.rectangular_cross_domain(28, 20, 700.0, 300.0)
    else:
        points, triangles = delaunay()
        if model == "holes":
            points, triangles = without(
                points, triangles, lambda x, y: np.hypot((x % 350) - 170, y - 150) < 60)
        elif model == "island":  # in two parts that share nothing
            points, triangles = without(points, triangles, lambda x, y: abs(x - 450) < 40)
        domain = anuga.Domain(points, triangles, geo_reference=geo)
    domain.set_name(model)
    domain.set_datadir(str(folder))
    domain.set_store(False)
    return flooded(anuga, domain)


def flooded(anuga: Any, domain: Any) -> Any:
    """Return the domain with a bed, water and walls."""
    domain.set_quantity("elevation", lambda x, y: 2.0 * np.sin(x / 90.0) + y / 150.0)
    domain.set_quantity("friction", lambda x, y: 0.03 + 0.01 * np.sin(x / 40.0))
    domain.set_quantity("stage", lambda x, y: np.where(x > 300.0, 1.2, 0.4))
    domain.quantities["stage"].maximum(domain.quantities["elevation"])
    wall = anuga.Reflective_boundary(domain)
    tags = dict.fromkeys(domain.get_boundary_tags(), wall)
    if "left" in tags:
        tags["left"] = anuga.Dirichlet_boundary([1.0, 0.4, 0.0])
    domain.set_boundary(tags)
    return domain


def evolve(domain: Any) -> None:
    for _ in domain.evolve(yieldstep=1.0, duration=2.0):
        pass


def lone_nodes(anuga: Any) -> Any:
    """A mesh with nodes that belong to no triangle, one of them the last."""
    domain = anuga.rectangular_cross_domain(6, 5, 60.0, 50.0)
    nodes = np.insert(np.array(domain.nodes), 9, (1.0, 2.0), axis=0)
    nodes = np.append(nodes, [[3.0, 3.0]], axis=0)
    triangles = np.array(domain.triangles)
    return anuga.Domain(nodes, triangles + (triangles >= 9))
