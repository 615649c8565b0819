"""Meshes as ANUGA's Mesh and ours take them, and how two of them are compared."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import anuga
import numpy as np
from anuga.abstract_2d_finite_volumes.mesh_factory import rectangular, rectangular_cross
from anuga.abstract_2d_finite_volumes.pmesh2domain import (
    build_tagged_elements_dictionary,
    pmesh_dict_to_tag_dict,
    pmesh_to_domain,
)
from anuga.coordinate_transforms.geo_reference import Geo_reference

from anuga_lean.mesh.mesh import Mesh, StockMesh
from anuga_lean.mesh.tables import TABLES

MERIMBULA = Path(anuga.__file__).parent / "parallel" / "data" / "merimbula_10785_1.tsh"
GEO = Geo_reference(56, 1000.0, 2.0e6)

Arguments = dict[str, Any]


def cross(**more: Any) -> Arguments:
    nodes, triangles, boundary = rectangular_cross(9, 7, 3.0, 7.0)[:3]
    return dict(coordinates=nodes, triangles=triangles, boundary=boundary, **more)


def strip() -> Arguments:
    x = 0.7 * np.arange(201)
    nodes = np.concatenate([np.c_[x, 0 * x], np.c_[x, 0 * x + 1.3]])
    i = np.arange(200)
    triangles = np.concatenate([np.c_[i, i + 1, i + 201], np.c_[i + 1, i + 202, i + 201]])
    return dict(coordinates=nodes, triangles=triangles)


def interior() -> Arguments:
    made = cross(tagged_elements={"dry": [1, 2, 3]})
    made["boundary"] |= {(5, 0): "wall", (40, 0): "wall", (41, 2): "other", (40, 2): "wall"}
    return made


def shuffled() -> Arguments:
    nodes, triangles = rectangular(40, 40, 3.0, 7.0)[:2]
    random = np.random.default_rng(1)
    place = random.permutation(len(nodes))
    moved = np.empty_like(nodes)
    moved[place] = np.asarray(nodes)
    return dict(coordinates=moved, triangles=place[random.permutation(np.asarray(triangles))])


def merimbula() -> Arguments:
    nodes, triangles, boundary, _, tagged, geo = pmesh_to_domain(file_name=str(MERIMBULA))
    return dict(coordinates=nodes, triangles=triangles, boundary=boundary,
                tagged_elements=tagged, geo_reference=geo)


def regions() -> Arguments:
    square = [[0, 0], [100, 0], [100, 100], [0, 100]]
    inner = [[20, 20], [50, 20], [50, 50], [20, 50]]
    made = anuga.create_pmesh_from_regions(
        square, {"south": [0], "east": [1], "north": [2], "west": [3]},
        maximum_triangle_area=30.0, interior_regions=[(inner, 5.0)])
    made.generate_mesh()
    io = made.mesh2io_dict()
    return dict(
        coordinates=io["vertices"], triangles=io["triangles"],
        boundary=pmesh_dict_to_tag_dict(io), geo_reference=io["geo_reference"],
        tagged_elements=build_tagged_elements_dictionary(io),
        triangle_neighbours=io["triangle_neighbors"])


def given_neighbours() -> Arguments:
    made = shuffled()
    stock = StockMesh(**made)
    neighbours = np.where(stock.neighbours < 0, -1, stock.neighbours)
    return dict(made, triangle_neighbours=neighbours,
                triangle_neighbour_edges=stock.neighbour_edges)


def disconnected() -> Arguments:
    nodes, triangles = (np.asarray(a) for a in rectangular(4, 3)[:2])
    return dict(coordinates=nodes[triangles.ravel()],
                triangles=np.arange(triangles.size).reshape(-1, 3))


MESHES = {
    "cross": cross,
    "inscribed circle": lambda: cross(use_inscribed_circle=True),
    "georeferenced": lambda: cross(geo_reference=GEO),
    "single triangle": lambda: dict(
        coordinates=[[0, 0], [1.0, 0], [0, 1]], triangles=[[0, 1, 2]]),
    "lone nodes": lambda: dict(
        coordinates=[[0, 0], [5, 5], [1.0, 0], [0, 1], [9, 9]], triangles=[[0, 2, 3]]),
    "strip": strip,
    "interior segments": interior,
    "shuffled": shuffled,
    "merimbula": merimbula,
    "regions": regions,
    "given neighbours": given_neighbours,
    "disconnected": disconnected,
}


def on_both(arguments: Arguments) -> tuple[Any, Mesh]:
    return StockMesh(**copy.deepcopy(arguments)), Mesh(**copy.deepcopy(arguments))


def assert_same(expected: Any, mesh: Any) -> None:
    """Compare everything two meshes show."""
    for name in TABLES:
        table, lean = getattr(expected, name), getattr(mesh, name)
        assert (table.shape, table.dtype) == (lean.shape, lean.dtype), name
        values = np.asarray(lean)
        assert (table.shape, table.dtype) == (values.shape, values.dtype), name
        assert np.array_equal(table, values), name
    for name in ("boundary", "boundary_enumeration", "boundary_length", "tag_boundary_cells",
                 "lone_vertices", "number_of_nodes", "number_of_triangles"):
        assert getattr(expected, name) == getattr(mesh, name), name
    assert list(expected.boundary) == list(mesh.boundary)
    for name in ("boundary_cells", "boundary_edges", "xy_extent"):
        assert getattr(expected, name).dtype == getattr(mesh, name).dtype
        assert np.array_equal(getattr(expected, name), getattr(mesh, name)), name
    assert expected.tagged_elements.keys() == mesh.tagged_elements.keys()
    for tag, triangles in expected.tagged_elements.items():
        assert np.array_equal(triangles, mesh.tagged_elements[tag])
