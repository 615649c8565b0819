"""Makes small random meshes and states of water, harder than those of any model.

Knows nothing of ANUGA: a mesh is points (n_nodes, 2) in m, triangles (n, 3) counter-clockwise,
and tags by (triangle, edge), edge i facing vertex i.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CELL = 10.0     # m, side of the squares
KINDS = ("grid", "cross", "strip", "cloud", "cut", "islands")
EXTENT = 200.0  # m, within which every mesh lies: the longest strip
TAGS = ("a", "b", "c")


class Mesh(NamedTuple):
    """The arguments of ANUGA's Domain: points, triangles and boundary tags.

    Attributes
    ----------
    points : (n_nodes, 2) float64, m
    triangles : (n, 3) int64
    boundary : dict of (triangle, edge) to tag
    columns : int
        Squares in x of a grid, whose lines are edges; 0 for other meshes.
    rows : int
        Squares in y.
    """

    points: NDArray[np.float64]
    triangles: NDArray[np.int64]
    boundary: dict[tuple[int, int], str]
    columns: int = 0
    rows: int = 0


def mesh(rng: np.random.Generator, kind: str, interior: bool = False) -> Mesh:
    """Return a random mesh of a kind, its boundary edges tagged a, b and c.

    Parameters
    ----------
    rng : numpy.random.Generator
    kind : str
        One of KINDS, or ``single``.
    interior : bool
        Tag some edges inside the mesh too, from one side or both.
    """
    columns = rows = 0
    if kind == "single":
        points, triangles = np.array([[0.0, 0.0], [7.0, 1.0], [2.0, 5.0]]), np.array([[0, 1, 2]])
    elif kind in ("grid", "cross", "strip"):
        columns, rows = (int(each) for each in rng.integers(2, 8, 2))
        if kind == "strip":
            columns, rows = int(rng.integers(1, int(EXTENT / CELL) + 1)), 1
        points, triangles = grid(columns, rows, kind == "cross" or rng.random() < 0.3)
    else:
        points, triangles = _cloud(rng, kind == "cut")
        if kind == "islands":
            points, triangles = _split_off(rng, points, triangles)
    return Mesh(points, triangles, tags(rng, triangles, interior), columns, rows)


def grid(m: int, n: int, cross: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return a mesh of squares cut in two or in four."""
    x, y = np.meshgrid(np.arange(m + 1.0), np.arange(n + 1.0), indexing="ij")
    points = CELL * np.column_stack([x.ravel(), y.ravel()])
    i, j = (each.ravel() for each in np.meshgrid(np.arange(m), np.arange(n), indexing="ij"))
    sw, nw = i * (n + 1) + j, i * (n + 1) + j + 1
    se, ne = sw + n + 1, nw + n + 1
    if cross:
        middle = len(points) + np.arange(m * n)
        points = np.concatenate([points, points[sw] + CELL / 2.0])
        parts = [(sw, se, middle), (se, ne, middle), (ne, nw, middle), (nw, sw, middle)]
    else:
        parts = [(nw, sw, se), (se, ne, nw)]
    triangles = np.stack([np.column_stack(part) for part in parts], axis=1).reshape(-1, 3)
    return points, triangles


def _cloud(rng: np.random.Generator, cut: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return Delaunay triangles of random points in random order, without slivers.

    What is cut out leaves triangles with two and three boundary edges.
    """
    from scipy.spatial import Delaunay

    points = rng.uniform(0.0, 60.0, (int(rng.integers(6, 60)), 2))
    triangles = Delaunay(points).simplices.astype(np.int64)
    a, b, c = points[triangles].transpose(1, 0, 2)
    area = 0.5 * ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    triangles = np.where((area > 0.0)[:, None], triangles, triangles[:, ::-1])
    keep = np.abs(area) > 0.5
    if cut:
        keep &= rng.random(len(keep)) < 0.6
    keep[np.argmax(np.abs(area))] = True
    triangles = triangles[keep][rng.permutation(int(keep.sum()))]
    used, inverse = np.unique(triangles, return_inverse=True)
    return points[used], inverse.reshape(-1, 3)


def _split_off(rng: np.random.Generator, points: np.ndarray, triangles: np.ndarray
               ) -> tuple[np.ndarray, np.ndarray]:
    """Give one triangle in three nodes of its own: it has no neighbour left."""
    alone = np.flatnonzero(rng.random(len(triangles)) < 1.0 / 3.0)
    corners = points[triangles[alone]]
    shrunk = corners + 0.1 * (corners.mean(axis=1, keepdims=True) - corners)
    triangles = triangles.copy()
    triangles[alone] = len(points) + np.arange(3 * len(alone)).reshape(-1, 3)
    points = np.concatenate([points, shrunk.reshape(-1, 2)])
    used, inverse = np.unique(triangles, return_inverse=True)
    return points[used], inverse.reshape(-1, 3)


def tags(rng: np.random.Generator, triangles: np.ndarray, interior: bool
          ) -> dict[tuple[int, int], str]:
    """Tag every boundary edge, in runs of one tag and singly."""
    ends = np.sort(np.stack([triangles[:, [1, 2]], triangles[:, [2, 0]], triangles[:, [0, 1]]],
                            axis=1).reshape(-1, 2), axis=1)
    _, which, count = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    single = count[which.ravel()] == 1
    edges = np.flatnonzero(single)
    shares = rng.dirichlet([1.0, 0.5, 0.5])
    tag = rng.choice(len(TAGS), len(edges), p=shares)
    if rng.random() < 0.5:
        tag.sort()
    tag[rng.integers(len(tag))] = 0
    found = {(int(edge // 3), int(edge % 3)): TAGS[i] for edge, i in zip(edges, tag, strict=True)}
    if interior:
        inside = np.flatnonzero(~single)
        inside = inside[rng.random(len(inside)) < 0.1]
        found |= {(int(edge // 3), int(edge % 3)): TAGS[rng.integers(len(TAGS))]
                  for edge in inside}
    return found


def state(rng: np.random.Generator, points: np.ndarray, minimum_allowed_height: float
          ) -> dict[str, np.ndarray]:
    """Return random water: negative, dry, thin, wet, and each next to the other.

    Parameters
    ----------
    rng : numpy.random.Generator
    points : (n, 2) float64, m
        Centroids.
    minimum_allowed_height : float, m

    Returns
    -------
    dict of str to (n,) float64
        Centroid values of stage and elevation (m), xmomentum and ymomentum (m2/s), friction.
    """
    n = len(points)
    height = rng.choice([0.0, 0.1, 1.0, 10.0], p=[0.2, 0.3, 0.4, 0.1])
    elevation = height * rng.uniform(-1.0, 1.0, n)
    if rng.random() < 0.3:  # a slope, up to one in one
        slope = rng.uniform(-1.0, 1.0, 2)   # no product of matrices: it rounds as it likes
        elevation += ((points[:, 0] * slope[0] + points[:, 1] * slope[1])
                      * rng.choice([0.01, 0.1, 1.0]))
    depths = np.array([-0.5, -1.0e-3, 0.0, 0.5 * minimum_allowed_height, minimum_allowed_height,
                       1.5 * minimum_allowed_height, 1.0e-3, 1.0])
    shares = rng.dirichlet(np.full(len(depths), rng.choice([0.2, 1.0, 5.0])))
    depth = depths[rng.choice(len(depths), n, p=shares)] * rng.choice(
        [1.0, rng.uniform(0.2, 1.0)], n)
    if rng.random() < 0.25:  # level water, so that its differences cancel
        depth = np.maximum(rng.uniform(-0.5, 1.0) - elevation, 0.0)
    momentum = rng.normal(size=(2, n)) * rng.choice([0.0, 0.1, 1.0, 5.0], (2, n))
    if rng.random() < 0.2:
        momentum *= 0.0
    if rng.random() < 0.7:  # else momenta of thin water leave no time step to speak of
        momentum *= np.maximum(depth, 0.0)
    return {
        "stage": elevation + depth,
        "elevation": elevation,
        "xmomentum": momentum[0],
        "ymomentum": momentum[1],
        "friction": rng.choice([0.0, 0.03, 0.1], n) * (rng.random() < 0.8),
    }
