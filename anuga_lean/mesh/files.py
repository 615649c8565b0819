"""Reads mesh files (.tsh, .msh) into arrays, a part at a time.

Owns the reading of what a domain or a basic mesh needs of them.  ANUGA makes lists
of numbers and a string for every triangle: a domain of a .tsh file peaks at 1,060 bytes
per triangle, here at 141.
The outline, which is small, the origin and every error are ANUGA's; a file that is
laid out in another way than ANUGA writes it is ANUGA's to read as well.
"""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TextIO

import numpy as np
from anuga.abstract_2d_finite_volumes import basic_mesh, pmesh2domain
from anuga.file import netcdf
from anuga.load_mesh import loadASCII
from anuga.utilities import log
from numpy.typing import NDArray

from anuga_lean._errors import LeanError, MemoryWarning, MeshFileError
from anuga_lean._kernels import release_free_memory
from anuga_lean.mesh import origin
from anuga_lean.mesh.input_checks import check_number_of_triangles
from anuga_lean.mesh.region_tags import triangles_by_number

_ROWS_AT_ONCE = 1 << 12
# A file that ANUGA reads in some MB is not worth a warning.
_FEWEST_WARNED = 50_000
_OTHER_SPACE = re.compile(r"[^\S \n]")
# Bytes of the shortest lines: "0 0 0\n" of a vertex or segment, "0 0 0 0 0 0 0\n" of a triangle;
# each attribute of a vertex takes two more, each title of one its end.
_LEAST_ROW, _LEAST_TRIANGLE, _LEAST_NUMBER = 6, 14, 2
_MOST_WRITTEN = 10**15      # a larger count is not written out digit by digit
# zlib, which is what HDF5 packs with, makes at best 1,032 bytes of one.
_MOST_UNPACKED = 1 << 11


class _Tags:
    """The tags of triangles: a number for each, (n,) int32, and the tag of each number."""

    def __init__(self, n: int) -> None:
        self.number: dict[str, int] = {}
        self.each = np.zeros(n, np.int32)

    def put(self, start: int, tags: list[str]) -> None:
        number = self.number
        self.each[start : start + len(tags)] = [
            number.setdefault(tag, len(number)) for tag in tags]

    def by_tag(self) -> dict[str, NDArray[np.int64]]:
        """Return the triangles of each tag, tags as they first occur."""
        return triangles_by_number(list(self.number), self.each)

    def listed(self) -> list[str]:
        """Return the tag of each triangle; triangles share the strings."""
        tags = list(self.number)
        return [tags[i] for i in self.each]


def read_mesh_file(name: str) -> dict[str, Any]:
    """Return what ANUGA's import_mesh_file does, as arrays, without the outline.

    Parameters
    ----------
    name : str
        Ends in .tsh or .msh.

    Returns
    -------
    dict
        `vertices` (number_of_nodes, 2) float64, m; `vertex_attributes`
        (number_of_nodes, a) or None; `triangles` (n, 3) int32; `segments` and
        `segment_tags`; `tags`, a `_Tags`; `vertex_attribute_titles`; `geo_reference`.

    Raises
    ------
    MeshFileError
        If it counts more than it has bytes for, before anything of that size is made; or if a
        triangle has a corner that is no vertex of the file.
    InvalidMesh
        If it has more triangles than can be numbered, before they are read.
    OSError
        As ANUGA's, for a file that cannot be read.
    """
    origin.note(origin.FILE)
    reader = {".tsh": _read_tsh, ".msh": _read_msh}.get(name[-4:])
    if reader is not None:
        try:
            mesh = reader(name)
            _check_corners(name, mesh)
            return mesh
        except (LeanError, MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # ANUGA says what is wrong with it, or can read it
            unusual = error
    mesh = loadASCII.import_mesh_file(name)
    n = _length(name, mesh, "triangles")
    check_number_of_triangles(n)
    if n >= _FEWEST_WARNED:
        warnings.warn(
            f"{name} was read by ANUGA, which takes some 1,000 bytes per triangle, because it is "
            f"not laid out as ANUGA writes it ({unusual}): write it again with "
            "domain.save_mesh_to_file.", MemoryWarning, stacklevel=3)
    _check_corners(name, mesh)
    listed = mesh["triangle_tags"]
    if len(listed) > n:
        raise MeshFileError(
            f"{name} cannot be read: it has {len(listed):,} tags of {n:,} triangles")
    mesh["tags"] = tags = _Tags(len(listed))
    tags.put(0, listed)
    return mesh


def _check_corners(name: str, mesh: dict[str, Any]) -> None:
    """Raise MeshFileError if a triangle has a corner beyond the vertices.

    What is made of the mesh sizes tables by the largest corner.
    """
    triangles, count = np.asarray(mesh["triangles"]), _length(name, mesh, "vertices")
    if triangles.ndim != 2 or triangles.dtype.kind not in "iu" or not triangles.size:
        return      # the mesh says what is wrong with these
    if triangles.min() < 0 or triangles.max() >= count:
        row = int(np.flatnonzero(((triangles < 0) | (triangles >= count)).any(axis=1))[0])
        raise MeshFileError(
            f"{name} cannot be read: triangle {row} has the corners {triangles[row].tolist()}, "
            f"and the file has {count:,} vertices")


def _length(name: str, mesh: dict[str, Any], what: str) -> int:
    try:
        return len(mesh[what])
    except TypeError:
        raise MeshFileError(f"{name} cannot be read: its {what} are a single number") from None


def _check_room(name: str, what: str, count: int, least: int, room: int) -> None:
    """Raise MeshFileError if `count` things of at least `least` bytes are not in `room` bytes."""
    if count > _MOST_WRITTEN:
        raise MeshFileError(f"{name} cannot be read: it counts more than {_MOST_WRITTEN:,} {what}")
    if count * least > room:
        raise MeshFileError(
            f"{name} cannot be read: it counts {count:,} {what}, which take at least "
            f"{count * least:,} bytes where the file has room for {room:,}")


# -- .tsh ------------------------------------------------------------------------------


def _read_tsh(name: str) -> dict[str, Any]:
    room = os.path.getsize(name)
    with open(name) as file:
        mesh = _read_vertices(file, name, room)
        n = int(file.readline().split()[0])
        _check_room(name, "triangles", n, _LEAST_TRIANGLE, room)
        check_number_of_triangles(n)
        mesh["triangles"] = triangles = np.empty((n, 3), np.int32)
        mesh["tags"] = tags = _Tags(n)
        for start, rows in _rows(file, n, 7):
            numbers = [[int(word) for word in row[1:7]] for row in rows]
            triangles[start : start + len(rows)] = np.array(numbers, np.int32)[:, :3]
            tags.put(start, [row[7].strip() if len(row) > 7 else "" for row in rows])
        segments: list[list[int]] = []
        mesh["segments"], mesh["segment_tags"] = segments, []
        for _, rows in _rows(file, int(file.readline().split()[0]), 3):
            segments += [[int(row[1]), int(row[2])] for row in rows]
            mesh["segment_tags"] += [row[3].strip() if len(row) > 3 else "" for row in rows]
        mesh["geo_reference"] = loadASCII._read_outline(file)["geo_reference"]
    return mesh


def _read_vertices(file: TextIO, name: str, room: int) -> dict[str, Any]:
    words = file.readline().split()
    count, columns = (int(words[0]), int(words[1])) if words else (0, 0)
    _check_room(name, "attributes", columns, 1, room)
    _check_room(name, "vertices", count, _LEAST_ROW + _LEAST_NUMBER * max(0, columns), room)
    vertices = np.empty((count, 2))
    attributes = np.empty((count, columns)) if columns and count else None
    for start, rows in _rows(file, count, None):
        numbers = np.array([[float(word) for word in row[1:]] for row in rows])
        if numbers.shape != (len(rows), 2 + columns):
            raise ValueError(f"not every vertex has {columns} attributes")
        vertices[start : start + len(rows)] = numbers[:, :2]
        if attributes is not None:
            attributes[start : start + len(rows)] = numbers[:, 2:]
    file.readline()     # the heading of the titles
    return {"vertices": vertices, "vertex_attributes": attributes,
            "vertex_attribute_titles": [file.readline().strip() for _ in range(columns)]}


def _rows(file: TextIO, count: int, words: int | None) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield `count` lines in parts, split after `words` words: the rest is the last."""
    for start in range(0, count, _ROWS_AT_ONCE):
        # not islice(file): reading the origin later needs file.tell()
        lines = list(islice(iter(file.readline, ""), min(_ROWS_AT_ONCE, count - start)))
        if len(lines) < min(_ROWS_AT_ONCE, count - start):
            raise ValueError(f"it ends after {start + len(lines):,} of {count:,} rows")
        # ANUGA finds the tag by counting blanks
        if _OTHER_SPACE.search("".join(lines)):
            raise ValueError("its columns are not parted by blanks")
        rows = [line.split(None, -1 if words is None else words) for line in lines]
        if words is not None and any(len(row) < words for row in rows):
            raise ValueError(f"a row has fewer than {words} columns")
        yield start, rows


# -- .msh ------------------------------------------------------------------------------

# How many dimensions each variable has; the tags among them are of characters.
_DIMENSIONS = {
    "vertices": 2, "vertex_attributes": 2, "vertex_attribute_titles": 2, "triangles": 2,
    "triangle_neighbors": 2, "triangle_tags": 2, "segments": 2, "segment_tags": 2, "points": 2,
    "point_attributes": 2, "outline_segments": 2, "outline_segment_tags": 2, "holes": 2,
    "regions": 2, "region_tags": 2, "region_max_areas": 1}
_OUTLINE_TAGS = ("outline_segment_tags", "region_tags")


def _read_msh(name: str) -> dict[str, Any]:
    open(name).close()      # netCDF prints where a file is missing
    room = os.path.getsize(name)
    file = netcdf.NetCDFFile(name)
    try:
        found = file.variables
        _check_layout(name, file, room)
        mesh: dict[str, Any] = {
            "vertices": _array(found["vertices"], np.float64),
            "vertex_attributes": None, "vertex_attribute_titles": []}
        if "vertex_attributes" in found:
            mesh["vertex_attributes"] = found["vertex_attributes"][:]
        if "vertex_attribute_titles" in found:
            mesh["vertex_attribute_titles"] = _strings(found["vertex_attribute_titles"][:])
        check_number_of_triangles(len(found["triangles"]))
        mesh["triangles"] = _array(found["triangles"], np.int32)
        mesh["segments"] = found["segments"][:]
        mesh["segment_tags"] = (
            _strings(found["segment_tags"][:]) if "segment_tags" in found
            else [""] * len(mesh["segments"]))
        mesh["tags"] = _read_tags(found.get("triangle_tags"), len(mesh["triangles"]))
        try:
            mesh["geo_reference"] = loadASCII.Geo_reference(NetCDFObject=file)
        except AttributeError:
            mesh["geo_reference"] = None
    finally:
        file.close()
    return mesh


def _check_layout(name: str, file: Any, room: int) -> None:
    """Raise MeshFileError for what cannot be there, ValueError for what ANUGA has to judge."""
    if not file.data_model.startswith("NETCDF3"):
        room *= _MOST_UNPACKED
    found = file.variables
    for each, variable in found.items():
        dtype = np.dtype(variable.dtype)
        _check_room(name, f"numbers of {each}", math.prod(variable.shape), dtype.itemsize, room)
        kind = "S" if each.endswith(("_tags", "_titles")) else "iuf"
        if len(variable.shape) != _DIMENSIONS.get(each, len(variable.shape)) \
                or each in _DIMENSIONS and dtype.kind not in kind:
            raise ValueError(f"its {each} are {dtype} of {len(variable.shape)} dimensions")
    if "triangle_neighbors" not in found:
        raise ValueError("it has no neighbours of triangles")
    for each in _OUTLINE_TAGS:
        if each in found:       # not used, but ANUGA refuses what is no text
            _strings(found[each][:])


def _array(variable: Any, dtype: Any) -> NDArray[Any]:
    values = np.empty(variable.shape, dtype)
    for start in range(0, len(values), _ROWS_AT_ONCE):
        part = variable[start : start + _ROWS_AT_ONCE]
        # an integer of another size or a number that is none would become another corner
        if dtype is np.int32 and not np.can_cast(part.dtype, dtype):
            raise ValueError(f"{variable.name} are {part.dtype}, no int32")
        values[start : start + _ROWS_AT_ONCE] = part
    return values


def _read_tags(variable: Any, n: int) -> _Tags:
    tags = _Tags(n)
    if variable is None:
        tags.put(0, [""])
        return tags
    if len(variable) != n:
        raise ValueError(f"it has {len(variable):,} tags of {n:,} triangles")
    for start in range(0, n, _ROWS_AT_ONCE):
        tags.put(start, _strings(variable[start : start + _ROWS_AT_ONCE]))
    return tags


def _strings(rows: Any) -> list[str]:
    """Return the string of each row of characters, as ANUGA reads one."""
    raw = np.ascontiguousarray(np.ma.getdata(rows))
    hidden = np.ascontiguousarray(np.ma.getmaskarray(rows))
    both = np.concatenate([raw.view(np.uint8), hidden.view(np.uint8)], axis=1)
    known: dict[bytes, str] = {}
    strings = []
    for i, key in enumerate(both.view(f"V{both.shape[1]}").ravel().tolist()):
        if key not in known:
            known[key] = rows[i].tobytes().decode().strip()
        strings.append(known[key])
    return strings


# -- what is made of them ---------------------------------------------------------------


def mesh_parts(
    file_name: str, use_cache: bool = False, verbose: bool = False
) -> tuple[Any, ...]:
    """Return coordinates, triangles, boundary, attributes, triangles by tag and origin.

    As ANUGA's pmesh_to_domain, for a domain that is made of a mesh file.
    """
    if verbose:
        log.info("Pmesh_to_Domain: Initialising")
    if use_cache is True:
        from anuga.caching import cache

        parts = cache(_mesh_parts, (file_name,), dependencies=[file_name], verbose=verbose)
    else:
        parts = _mesh_parts(file_name)
    if verbose:
        log.info("Pmesh_to_Domain: Done")
    return parts


def _mesh_parts(file_name: str) -> tuple[Any, ...]:
    mesh = read_mesh_file(file_name)
    attributes = mesh["vertex_attributes"]
    quantities = {} if attributes is None else dict(
        zip(mesh["vertex_attribute_titles"], np.transpose(attributes), strict=False))
    return (mesh["vertices"], mesh["triangles"], _boundary_of(file_name, mesh),
            quantities, mesh["tags"].by_tag(), mesh["geo_reference"])


def _boundary_of(name: str, mesh: dict[str, Any]) -> Any:
    """Return the tags of the edges, as ANUGA's function gives them."""
    with _naming(name):
        return pmesh2domain.pmesh_dict_to_tag_dict(mesh)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Turn what is said of a mesh into an error about its file."""
    try:
        yield
    except AssertionError as error:
        raise MeshFileError(f"{name} cannot be read: {error}") from None


def make_domain(source: str, DomainClass: type) -> Any:  # noqa: N803
    """Return a domain of that class, made of a mesh file, as ANUGA makes it."""
    coordinates, triangles, boundary, quantities, tagged, origin = mesh_parts(source)
    domain = DomainClass(coordinates=coordinates, vertices=triangles, boundary=boundary,
                         tagged_elements=tagged, geo_reference=origin)
    if "elevation" in quantities and "stage" not in quantities:
        quantities["stage"] = quantities["elevation"]   # dry, as in ANUGA
    domain.set_quantity_vertices_dict(quantities)
    return domain


def make_basic_mesh(mesh_filename: Any) -> Any:
    """Return a Basic_mesh with what else is in the file, as ANUGA makes it."""
    mesh = read_mesh_file(str(mesh_filename))
    made = basic_mesh.Basic_mesh(
        mesh["vertices"], mesh["triangles"],
        boundary=_boundary_of(str(mesh_filename), mesh), geo_reference=mesh["geo_reference"])
    attributes = mesh["vertex_attributes"]
    has_any = attributes is not None and len(attributes) > 0
    made.vertex_attributes = np.array(attributes, float) if has_any else None
    made.vertex_attribute_titles = list(mesh["vertex_attribute_titles"]) if has_any else []
    made.triangle_tags = mesh["tags"].listed()
    del mesh, attributes
    release_free_memory()
    return made
