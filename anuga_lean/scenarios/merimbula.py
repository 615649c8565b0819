"""Reads the Merimbula lake mesh that ships inside the anuga wheel, and refines it.

Owns reading the .tsh file and conforming refinement, in plain numpy.  The water
on it is in lake.py.
"""

from __future__ import annotations

import importlib.machinery
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from anuga_lean._errors import ScenarioError

MESH_FILE = "parallel/data/merimbula_10785_1.tsh"


class RawMesh(NamedTuple):
    """A mesh and its bathymetry as plain arrays.

    Attributes
    ----------
    nodes : (number_of_nodes, 2) float64, m
    triangles : (number_of_triangles, 3) int64, node indices, counter-clockwise
    edge_tags : (number_of_triangles, 3) int8
        Position in `tags` plus one of the boundary tag of edge i, which lies
        opposite vertex i; 0 for an interior edge.
    elevation : (number_of_nodes,) float64, m
    tags : tuple of str
    """

    nodes: np.ndarray
    triangles: np.ndarray
    edge_tags: np.ndarray
    elevation: np.ndarray
    tags: tuple[str, ...]

    def boundary(self) -> dict[tuple[int, int], str]:
        """Return boundary tags as ANUGA takes them, keyed by (triangle, edge)."""
        rows, edges = np.nonzero(self.edge_tags)
        codes = self.edge_tags[rows, edges]
        return {
            (k, i): self.tags[code - 1]
            for k, i, code in zip(rows.tolist(), edges.tolist(), codes.tolist(), strict=True)
        }


def read_tsh(path: str | Path) -> RawMesh:
    """Read a triangle mesh file (.tsh) whose one vertex attribute is elevation."""
    with open(path, encoding="ascii") as lines:
        count = int(next(lines).split()[0])
        vertices = np.array([next(lines).split()[1:4] for _ in range(count)], dtype=float)
        next(lines)  # heading of the attribute titles
        next(lines)
        count = int(next(lines).split()[0])
        triangles = np.array([next(lines).split()[1:4] for _ in range(count)], dtype=np.int64)
        count = int(next(lines).split()[0])
        segments = [next(lines).split()[1:4] for _ in range(count)]
    tags = tuple(sorted({tag for _, _, tag in segments}))
    ends = np.array([(int(a), int(b)) for a, b, _ in segments], dtype=np.int64)
    codes = np.array([tags.index(tag) + 1 for _, _, tag in segments], dtype=np.int8)
    edge_keys, number_of_nodes = _edge_keys(triangles), len(vertices)
    keys = edge_keys[0] * number_of_nodes + edge_keys[1]
    segment_keys = ends.min(axis=1) * number_of_nodes + ends.max(axis=1)
    order = np.argsort(segment_keys)
    at = np.searchsorted(segment_keys[order], keys).clip(max=len(order) - 1)
    tagged = segment_keys[order][at] == keys
    edge_tags = np.where(tagged, codes[order][at], 0).astype(np.int8)
    return RawMesh(vertices[:, :2].copy(), triangles, edge_tags, vertices[:, 2].copy(), tags)


def refine(mesh: RawMesh) -> RawMesh:
    """Split every triangle in four at the midpoints of its edges.

    Triangle k becomes triangles 4k to 4k+3 (the three corners, then the
    middle), all counter-clockwise; midpoints are shared between neighbours,
    their elevation is the mean of the two ends, and both halves of a tagged
    edge keep its tag.
    """
    low, high = _edge_keys(mesh.triangles)
    count = len(mesh.nodes)
    unique, inverse = np.unique(low * count + high, return_inverse=True)
    low, high = unique // count, unique % count
    middle = count + inverse.reshape(-1, 3)
    nodes = np.concatenate([mesh.nodes, 0.5 * (mesh.nodes[low] + mesh.nodes[high])])
    elevation = np.concatenate(
        [mesh.elevation, 0.5 * (mesh.elevation[low] + mesh.elevation[high])]
    )
    a, b, c = mesh.triangles.T
    ma, mb, mc = middle.T
    children = np.stack([a, mc, mb, mc, b, ma, mb, ma, c, ma, mb, mc], axis=1)
    ta, tb, tc = mesh.edge_tags.T
    none = np.zeros_like(ta)
    tags = np.stack([none, tb, tc, ta, none, tc, ta, tb, none, none, none, none], axis=1)
    return RawMesh(nodes, children.reshape(-1, 3), tags.reshape(-1, 3), elevation, mesh.tags)


def load_mesh(rounds: int = 0) -> RawMesh:
    """Return the mesh of Merimbula lake from the installed anuga wheel, refined `rounds` times."""
    path = _anuga_folder() / MESH_FILE
    if not path.is_file():
        raise ScenarioError(f"the installed anuga lacks the Merimbula mesh {path}")
    mesh = read_tsh(path)
    for _ in range(rounds):
        mesh = refine(mesh)
    return mesh


def _anuga_folder() -> Path:
    """Return the folder of the installed ANUGA without importing it."""
    if "anuga" in sys.modules:
        return Path(str(sys.modules["anuga"].__file__)).parent
    # Not importlib.util.find_spec: that would ask anuga_lean's own finder, which
    # takes it for the import that brings the lean classes in.
    spec = importlib.machinery.PathFinder.find_spec("anuga")
    if spec is None or spec.origin is None:
        raise ScenarioError("the scenario merimbula needs anuga, which is not installed here")
    return Path(spec.origin).parent


def _edge_keys(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the higher node of edge i of every triangle, each (n, 3)."""
    first, second = triangles[:, [1, 2, 0]], triangles[:, [2, 0, 1]]
    return np.minimum(first, second), np.maximum(first, second)
