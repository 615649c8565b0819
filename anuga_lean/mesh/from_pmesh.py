"""Turns ANUGA's Pmesh into a lean mesh, by arrays.

Owns the boundary tags by triangle and edge, which ANUGA makes with a hash table of
every edge (460 bytes per triangle).  Triangles by region tag are in `region_tags`; the
triangulation itself is `generator`'s.
"""

from __future__ import annotations

from functools import wraps
from inspect import signature
from typing import Any

import numpy as np
from anuga import extras
from anuga.abstract_2d_finite_volumes import (
    basic_mesh,
    generic_domain,
    neighbour_mesh,
    pmesh2domain,
)
from anuga.geometry.polygon import polygon_area
from numpy.typing import NDArray

from anuga_lean import _kernels
from anuga_lean._errors import MeshError
from anuga_lean.mesh import origin
from anuga_lean.mesh.input_checks import MOST_NODES, MOST_TRIANGLES, check_number_of_triangles
from anuga_lean.mesh.region_tags import triangles_by_tag

Boundary = dict[tuple[int, int], str]

_stock_tag_dict = pmesh2domain.pmesh_dict_to_tag_dict
_REGIONS = signature(extras._create_domain_from_regions)
_stock_instance = pmesh2domain._pmesh_to_domain_instance
_stock_basic_from_file = basic_mesh.basic_mesh_from_mesh_file
_stock_basic_from_regions = extras._create_basic_mesh_from_regions
_BASIC_REGIONS = signature(_stock_basic_from_regions)
_ROWS_PER_CHUNK = 1 << 16


@wraps(_stock_tag_dict)
def pmesh_dict_to_tag_dict(mesh_dict: dict[str, Any]) -> Boundary:
    triangles = np.asarray(mesh_dict["triangles"])
    segments = np.array(mesh_dict["segments"], int)
    # tables below have a place for each node: a number beyond these is not believed
    most = min(MOST_NODES, max(3 * len(triangles), len(mesh_dict.get("vertices", ()))))
    if not _is_table(triangles, 3) or not _is_table(segments, 2) \
            or len(triangles) > MOST_TRIANGLES \
            or triangles.min() < 0 or triangles.max() >= most:
        return _stock_tag_dict(mesh_dict)
    # ANUGA's C reads a tag up to its first NUL
    tags = [tag.encode().split(b"\0", 1)[0] for tag in mesh_dict["segment_tags"]]
    _check_edges_once(triangles)
    tagged = [k for k, tag in enumerate(tags[:len(segments)]) if tag]
    ends = segments[tagged]
    sides = _sides_between(triangles, ends)
    found: Boundary = {}
    for k, (a, b) in zip(tagged, ends.tolist(), strict=True):
        for side in ((a, b), (b, a)):
            if side in sides:
                found[divmod(sides[side], 3)] = tags[k].decode()
    return found


def _is_table(values: np.ndarray, columns: int) -> bool:
    return values.dtype.kind in "iu" and values.ndim == 2 and values.shape[1] == columns \
        and len(values) > 0


def _check_edges_once(triangles: np.ndarray) -> None:
    """Raise ANUGA's error if two triangles have an edge in the same direction."""
    corners = np.ascontiguousarray(triangles, np.int32)
    try:
        _kernels.find_neighbours(corners, int(corners.max()) + 1)
    except MeshError:
        raise AssertionError(
            "pmesh2domain.c: build_boundary_dictionary Duplicate segments") from None


def _sides_between(
    triangles: np.ndarray, ends: NDArray[np.int64]
) -> dict[tuple[int, int], int]:
    """Return 3*k + i of the edges, by their nodes, whose nodes are both among `ends`."""
    marked = np.zeros(int(triangles.max()) + 1, bool)
    marked[ends[(ends >= 0) & (ends < len(marked))]] = True
    sides = {}
    for start in range(0, len(triangles), _ROWS_PER_CHUNK):
        corners = triangles[start : start + _ROWS_PER_CHUNK]
        at = marked[corners]
        for i in range(3):      # edge i runs from corner i+1 to i+2
            a, b = (i + 1) % 3, (i + 2) % 3
            rows = np.flatnonzero(at[:, a] & at[:, b])
            nodes = corners[rows][:, [a, b]].tolist()
            for k, (p, q) in zip((rows + start).tolist(), nodes, strict=True):
                sides[p, q] = 3 * k + i
    return sides


@wraps(pmesh2domain.pmesh_to_mesh)
def pmesh_to_mesh(pmesh_instance: Any, verbose: bool = False) -> Any:
    if pmesh_instance.tri_mesh is None:
        pmesh_instance.generate_mesh(verbose=verbose)
    made = pmesh_instance.mesh2io_dict()
    boundary = pmesh2domain.pmesh_dict_to_tag_dict(made)
    return neighbour_mesh.Mesh(
        made["vertices"], made["triangles"],
        boundary=boundary,
        tagged_elements=triangles_by_tag(made["triangle_tags"], len(made["triangles"])),
        geo_reference=made["geo_reference"],
        triangle_neighbours=made.get("triangle_neighbors"),
        verbose=verbose)


# Mesh files: what reads them is loaded where there is one.


def mesh_file_parts(*args: Any, **kwargs: Any) -> Any:
    """Return what a domain is made of, as ANUGA's pmesh_to_domain: see `files.mesh_parts`."""
    from anuga_lean.mesh.files import mesh_parts

    return mesh_parts(*args, **kwargs)


@wraps(pmesh2domain._pmesh_to_domain_instance)
def _pmesh_to_domain_instance(source: Any, DomainClass: type) -> Any:  # noqa: N803
    if type(source).__name__ != "str" or not issubclass(
            DomainClass, generic_domain.Generic_Domain):
        return _stock_instance(source, DomainClass)
    from anuga_lean.mesh.files import make_domain

    return make_domain(source, DomainClass)


@wraps(basic_mesh.basic_mesh_from_mesh_file)
def basic_mesh_from_mesh_file(mesh_filename: Any, verbose: bool = False) -> Any:
    if verbose:     # ANUGA says what it does
        return _stock_basic_from_file(mesh_filename, verbose)
    from anuga_lean.mesh.files import make_basic_mesh

    return make_basic_mesh(mesh_filename)


@wraps(extras._create_domain_from_regions)
def _create_domain_from_regions(
    bounding_polygon: Any, boundary_tags: Any, *args: Any, **kwargs: Any
) -> Any:
    # ANUGA's holds the Pmesh, 65 bytes per triangle, until the domain is made of the mesh
    mesh, verbose = _mesh_from_regions(bounding_polygon, boundary_tags, *args, **kwargs)
    return extras.Domain(mesh, use_cache=False, verbose=verbose)


@wraps(extras._create_basic_mesh_from_regions)
def _create_basic_mesh_from_regions(
    bounding_polygon: Any, boundary_tags: Any, *args: Any, **kwargs: Any
) -> Any:
    given = _BASIC_REGIONS.bind(bounding_polygon, boundary_tags, *args, **kwargs)
    given.apply_defaults()
    _check_areas(**given.arguments)
    made = _stock_basic_from_regions(*given.args, **given.kwargs)
    _kernels.release_free_memory()
    return made


def _mesh_from_regions(
    bounding_polygon: Any, boundary_tags: Any, *args: Any, **kwargs: Any
) -> tuple[Any, bool]:
    """Return the mesh of ANUGA's arguments, and whether ANUGA is to say what it does."""
    from anuga.pmesh.mesh_interface import create_pmesh_from_regions

    given = _REGIONS.bind(bounding_polygon, boundary_tags, *args, **kwargs)
    given.apply_defaults()
    _check_areas(**given.arguments)
    mesh_filename = given.arguments.pop("mesh_filename", None)     # not of every release
    pmesh = create_pmesh_from_regions(**given.arguments, use_cache=False)
    mesh = extras.pmesh_to_mesh(pmesh)
    if mesh_filename is not None:
        pmesh.export_mesh_file(mesh_filename)
    return mesh, given.arguments["verbose"]


def _fewest_in(polygon: Any, largest: Any) -> float:
    """Return how many triangles of a largest area cover a polygon; 0.0 where none is given."""
    return float(polygon_area(polygon)) / float(largest) if largest else 0.0


def _check_areas(
    bounding_polygon: Any, maximum_triangle_area: float | None = None,
    interior_regions: Any = None, interior_holes: Any = None, **others: Any,
) -> None:
    """Raise InvalidMesh if triangles of that area outside the regions are too many to number.

    Who expects a mesh is told how many triangles it will have.
    """
    if not maximum_triangle_area or others.get("regionPtArea"):
        return
    inside = [region[0] for region in interior_regions or ()] + list(interior_holes or ())
    try:
        area = polygon_area(bounding_polygon) - sum(polygon_area(each) for each in inside)
        fewest = area / float(maximum_triangle_area)
    except (TypeError, ValueError, IndexError):
        return      # ANUGA says what is wrong with it
    if origin.expecting:
        origin.expect(fewest + sum(_fewest_in(*region[:2]) for region in interior_regions or ()))
    if fewest > MOST_TRIANGLES:
        check_number_of_triangles(int(fewest))
