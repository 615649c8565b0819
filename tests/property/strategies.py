"""Hypothesis strategies: small meshes of every shape, and states of any kind of water.

`requests` joins them; a new boundary, algorithm or mesh joins there.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.spatial import Delaunay

Mesh = tuple[np.ndarray, np.ndarray, dict[tuple[int, int], str] | None]

STATES = 25  # per mesh
# Boundaries whose values bound the reconstruction from ANUGA 4.2 on.
PRESCRIBING = ("dirichlet", "time", "set_stage", "set_stage_normal", "time_stage")
TANGENTIAL_UPWIND = getattr(importlib.import_module("anuga_lean").config,
                            "LOW_FROUDE_TANGENTIAL_UPWIND", 0)


def grid(m: int, n: int, cross: bool) -> Mesh:
    """Squares of 10 m cut in two or in four, tags on three sides."""
    x, y = np.meshgrid(np.arange(m + 1.0), np.arange(n + 1.0), indexing="ij")
    points = np.column_stack([x.ravel(), y.ravel()]) * 10.0
    i, j = (each.ravel() for each in np.meshgrid(np.arange(m), np.arange(n), indexing="ij"))
    sw, nw = i * (n + 1) + j, i * (n + 1) + j + 1
    se, ne = sw + n + 1, nw + n + 1
    if cross:
        middle = len(points) + np.arange(m * n)
        points = np.concatenate([points, points[sw] + 5.0])
        parts = [(sw, se, middle), (se, ne, middle), (ne, nw, middle), (nw, sw, middle)]
    else:
        parts = [(nw, sw, se), (se, ne, nw)]
    triangles = np.stack([np.column_stack(part) for part in parts], axis=1).reshape(-1, 3)
    return points, triangles, None


@st.composite
def cloud(draw: st.DrawFn) -> Mesh:
    """Delaunay triangles of random points, slivers left out, some of them taken away.

    What is taken away leaves triangles with two and three boundary edges.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points = rng.uniform(0.0, 60.0, (draw(st.integers(4, 60)), 2))
    triangles = Delaunay(points).simplices.astype(int)
    a, b, c = points[triangles].transpose(1, 0, 2)
    area = 0.5 * ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    triangles = np.where((area > 0)[:, None], triangles, triangles[:, ::-1])
    keep = np.abs(area) > 0.5
    if draw(st.booleans()):
        keep &= rng.random(len(keep)) < 0.6
    if not keep.any():
        keep[np.argmax(np.abs(area))] = True
    triangles = triangles[keep][rng.permutation(int(keep.sum()))]
    used, inverse = np.unique(triangles, return_inverse=True)
    return points[used], inverse.reshape(-1, 3), None


def tagged_inside(triangles: np.ndarray, rng: np.random.Generator) -> dict[tuple[int, int], str]:
    """Some edges between two triangles, tagged on one side or on both."""
    found: dict[tuple[int, int], str] = {}
    sides = {(int(t[(i + 1) % 3]), int(t[(i + 2) % 3])): (k, i)
             for k, t in enumerate(triangles) for i in range(3)}
    for (a, b), edge in sides.items():
        if (b, a) in sides and a < b and rng.random() < 0.1:
            found[edge] = "inside"
            if rng.random() < 0.7:
                found[sides[b, a]] = "inside"
    return found


def single() -> st.SearchStrategy[Mesh]:
    """One triangle, three boundary edges."""
    points = np.array([[0.0, 0.0], [7.0, 1.0], [2.0, 5.0]])
    return st.just((points, np.array([[0, 1, 2]]), None))


def grids(rows: st.SearchStrategy[int], columns: st.SearchStrategy[int]) -> st.SearchStrategy[Mesh]:
    """Grids of these sizes, of both kinds."""
    return st.builds(grid, rows, columns, st.booleans())


def meshes() -> st.SearchStrategy[Mesh]:
    """Any of them; a strip is one square wide."""
    return st.one_of(
        grids(st.integers(2, 7), st.integers(2, 7)),
        grids(st.just(1), st.integers(1, 20)),
        cloud(),
        single(),
    )


def state(rng: np.random.Generator, n: int, minimum_allowed_height: float) -> dict[str, np.ndarray]:
    """Random water on n triangles: negative, dry, thin, wet, and each next to the other."""
    elevation = rng.uniform(-1.0, 1.0, n) * rng.choice([0.0, 0.1, 1.0])
    depths = np.array(
        [
            -1.0e-3,
            0.0,
            0.5 * minimum_allowed_height,
            minimum_allowed_height,
            1.5 * minimum_allowed_height,
            1.0e-3,
            1.0,
        ]
    )
    shares = rng.dirichlet(np.full(len(depths), rng.choice([0.2, 1.0, 5.0])))
    depth = depths[rng.choice(len(depths), n, p=shares)] * rng.choice(
        [1.0, rng.uniform(0.2, 1.0)], n
    )
    if rng.random() < 0.25:  # level water, so that its differences cancel
        depth = np.maximum(rng.uniform(-0.5, 1.0) - elevation, 0.0)
    if rng.random() < 0.35:  # deep and smooth: where prescribed values bound the reconstruction
        depth = rng.uniform(0.01, 1.0) * rng.uniform(1.0, rng.choice([1.0, 1.2, 1.6]), n)
    momentum = rng.normal(size=(2, n)) * rng.choice([0.0, 0.1, 1.0, 5.0], (2, n))
    if rng.random() < 0.6:  # no torrents in thin water, whose steps would be too small to tell
        momentum *= np.maximum(depth, 0.0)
    if rng.random() < 0.2:
        momentum *= 0.0
    return {
        "stage": elevation + depth,
        "elevation": elevation,
        "xmomentum": momentum[0],
        "ymomentum": momentum[1],
        "friction": rng.choice([0.0, 0.03, 0.1], n) * (rng.random() < 0.8),
    }


@st.composite
def requests(draw: st.DrawFn, algorithm: str) -> dict[str, Any]:
    """What the worker takes but for the states: a mesh, how to treat it, and a seed."""
    points, triangles, boundary = draw(meshes())
    kinds = st.sampled_from(["reflective", "transmissive", *PRESCRIBING])
    seed = draw(st.integers(0, 2**32 - 1))
    if draw(st.integers(0, 3)) == 0:
        boundary = tagged_inside(triangles, np.random.default_rng(seed))
    modes = [0, 0, 0, 1, 2]
    if TANGENTIAL_UPWIND:
        modes += [mode | TANGENTIAL_UPWIND for mode in (0, 1, 2)]
    return {
        "points": points,
        "triangles": triangles,
        "boundary": boundary,
        "algorithm": algorithm,
        "edges": draw(st.lists(kinds, min_size=1, max_size=4)),
        "prescribed": draw(st.lists(st.sampled_from(
            [[0.4, 0.1, -0.2], [0.9, 0.0, 0.0], [-0.3, 1.0, 2.0], [0.05, -0.5, 0.0]]),
            min_size=1, max_size=2)),
        "low_froude": draw(st.sampled_from(modes)),
        "sloped": draw(st.sampled_from([False, False, True])),
        # Mostly the algorithm's own; dry betas above zero make the result depend on the
        # order of the triangles, and lean has to take stock's.
        "betas": draw(
            st.none() | st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=6, max_size=6)
        ),
        "minimum_allowed_height": draw(st.sampled_from([None, None, 1.0e-3])),
        "block_size": draw(st.sampled_from([16, 5, 64, 1024])),
        "seed": seed,
    }


def states(request: dict[str, Any]) -> list[dict[str, np.ndarray]]:
    """The states a request's seed stands for."""
    rng = np.random.default_rng(request["seed"])
    lowest = request["minimum_allowed_height"] or (
        1.0e-5 if request["algorithm"] in ("DE1", "DE2") else 1.0e-12
    )
    return [state(rng, len(request["triangles"]), lowest) for _ in range(STATES)]
