"""Mesh files: what ANUGA reads in them, in arrays, and its errors."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from anuga.abstract_2d_finite_volumes import pmesh2domain
from anuga.load_mesh import loadASCII

import anuga_lean as anuga
from anuga_lean._errors import MemoryWarning, MeshFileError
from anuga_lean.mesh import files, from_pmesh

SQUARE = [[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0]]
INNER = [[20.0, 20.0], [50.0, 20.0], [50.0, 50.0], [20.0, 50.0]]


def pmesh(area: float = 60.0, origin: tuple[float, float] = (0.0, 0.0)) -> Any:
    square = (np.array(SQUARE) + origin).tolist()
    regions = [((np.array(INNER) + origin).tolist(), area / 3.0)]
    made = anuga.create_pmesh_from_regions(
        square, {"south": [0], "the east": [1], "north": [2], "west": [3]},
        maximum_triangle_area=area, interior_regions=regions, use_cache=False)
    made.generate_mesh()
    return made


def with_attributes(mesh: Any) -> dict[str, Any]:
    made = mesh.mesh2io_dict()
    x, y = np.asarray(made["vertices"]).T
    made["vertex_attributes"] = np.column_stack([x * 0.1, y - 3.0]).tolist()
    made["vertex_attribute_titles"] = ["elevation", "friction"]
    made["triangle_tags"] = ["deep sea" if k % 3 else "" for k in range(len(made["triangles"]))]
    return made


def plain(mesh: Any) -> dict[str, Any]:
    return mesh.mesh2io_dict()


def outline_only(mesh: Any) -> dict[str, Any]:
    return {"points": [[0.0, 0.0], [1.0, 0.0]], "point_attributes": [[], []]}


@pytest.fixture(params=["tsh", "msh"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., str]:
    def write(make: Callable[[Any], dict[str, Any]], *arguments: Any) -> str:
        name = str(tmp_path / f"{make.__name__}.{request.param}")
        made = make(pmesh(*arguments))
        if request.param == "msh" and isinstance(made.get("vertex_attributes"), list):
            made["vertex_attributes"] = None if len(made["vertex_attributes"]) == 0 else Listed(
                made["vertex_attributes"])
        loadASCII.export_mesh_file(name, made)
        return name
    return write


class Listed(list):
    """A list that is not None, which ANUGA's writer asks of it element by element."""

    def __ne__(self, other: object) -> bool:
        return True


def parts(values: Any) -> Any:
    """Return what can be compared: arrays as bytes of one kind."""
    if isinstance(values, dict):
        return {key: parts(value) for key, value in values.items()}
    if isinstance(values, (list, np.ndarray)):
        array = np.asarray(values)
        return array.shape, array.astype(float).tobytes()
    return values


@pytest.mark.parametrize("make", [plain, with_attributes])
@pytest.mark.parametrize("rows", [1 << 14, 7])
def test_parts_are_anugas(
    make: Callable, rows: int, file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_ROWS_AT_ONCE", rows)
    name = file(make, 60.0, (300_000.0, 6_000_000.0))
    expected = pmesh2domain._pmesh_to_domain(name)
    monkeypatch.setattr(loadASCII, "import_mesh_file", None)
    found = files.mesh_parts(name)
    assert [parts(each) for each in expected[:5]] == [parts(each) for each in found[:5]]
    assert list(expected[4]) == list(found[4])
    assert expected[5].get_origin() == found[5].get_origin()
    assert 300_000.0 == found[5].get_xllcorner()


@pytest.mark.parametrize("make", [plain, with_attributes])
def test_domains_are_those_of_arrays(make: Callable, file: Callable[..., str]) -> None:
    name = file(make)
    coordinates, triangles, boundary, quantities, tagged, origin = \
        pmesh2domain._pmesh_to_domain(name)
    for domain in (anuga.Domain(name), anuga.create_domain_from_file(name),
                   pmesh2domain.pmesh_to_domain_instance(name, anuga.Domain)):
        expected = anuga.Domain(coordinates, triangles, boundary, tagged_elements=tagged,
                                geo_reference=origin)
        if quantities and domain is not None:
            expected.set_quantity_vertices_dict(quantities)
        assert expected.boundary == domain.boundary
        assert np.array_equal(expected.triangles, domain.triangles)
        assert np.asarray(expected.nodes).tobytes() == np.asarray(domain.nodes).tobytes()
        for key in expected.get_tagged_elements():
            assert np.array_equal(expected.mesh.tagged_elements[key],
                                  domain.mesh.tagged_elements[key])
        for quantity in ("elevation", "friction"):
            values = [each.quantities[quantity].centroid_values for each in (expected, domain)]
            assert values[0].tobytes() == values[1].tobytes()
            assert bool(quantities) == bool(np.ptp(values[1]) > 0.0)


@pytest.mark.parametrize("make", [plain, with_attributes])
def test_basic_meshes_are_anugas(
    make: Callable, file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = file(make)
    expected = from_pmesh._stock_basic_from_file(name)
    monkeypatch.setattr(loadASCII, "import_mesh_file", None)
    found = anuga.basic_mesh_from_mesh_file(name)
    for key in ("nodes", "triangles", "neighbours", "vertex_attributes"):
        assert parts(getattr(expected, key)) == parts(getattr(found, key))
    for key in ("boundary", "triangle_tags", "vertex_attribute_titles"):
        assert getattr(expected, key) == getattr(found, key)


def test_a_cached_domain_is_the_same(file: Callable[..., str], tmp_path: Path) -> None:
    from anuga.caching import set_option

    set_option("cachedir", str(tmp_path))
    name = file(with_attributes)
    first, second = (anuga.Domain(name, use_cache=True) for _ in range(2))
    assert first.boundary == second.boundary
    assert np.array_equal(first.triangles, second.triangles)


def test_public_pmesh_to_domain_gives_lists_as_before(file: Callable[..., str]) -> None:
    given = pmesh2domain.pmesh_to_domain(file(plain))
    assert isinstance(given[4][""], list)


# ANUGA leaves the file open when it is broken
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("damage", [
    lambda text: text[: len(text) // 2],
    lambda text: text.replace(" # <# of triangles>", "0000 # <# of triangles>"),
    lambda text: text.replace("\n3 ", "\nx y ", 2),
    lambda text: "",
    lambda text: "a b\n",
])
def test_broken_files_raise_anugas_errors(damage: Callable, tmp_path: Path) -> None:
    name = str(tmp_path / "broken.tsh")
    loadASCII.export_mesh_file(name, plain(pmesh(900.0)))
    Path(name).write_text(damage(Path(name).read_text()))
    raised = []
    for read in (loadASCII.import_mesh_file, files.read_mesh_file):
        try:
            raised.append(read(name)["vertices"])
        except Exception as error:
            raised.append((type(error), str(error)))
    assert OSError is raised[0][0]
    if MeshFileError is raised[1][0]:
        assert "room for" in raised[1][1]
    else:
        assert raised[0] == raised[1]


@pytest.mark.parametrize("name", ["missing.tsh", "missing.msh", "mesh.xyz"])
def test_missing_files_raise_anugas_errors(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing|Extension"):
        anuga.Domain(str(tmp_path / name))


def refused(name: str | Path, match: str, read: Callable[[str], Any] = anuga.Domain) -> None:
    """The file is refused with these words, as ANUGA's errors are caught, and takes no memory."""
    warnings.simplefilter("ignore")     # numpy's, of text that it reads as numbers
    tracemalloc.start()
    try:
        with pytest.raises(MeshFileError, match=match) as raised:
            read(str(name))
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
    assert isinstance(raised.value, (OSError, AssertionError))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text, words", [
    ("0 0\n#\n800000000 # triangles\n", "counts 800,000,000 triangles, .* 11,200,000,000 bytes"),
    ("0 0\n#\n5000000 # triangles\n", "counts 5,000,000 triangles"),
    ("90000000 0\n", "counts 90,000,000 vertices, .* at least 540,000,000 bytes .* room for 11"),
    ("3 40000000\n0 0 0\n0 1 0\n0 1 1\n", "counts 40,000,000 attributes"),
    ("9" * 4000 + " 0\n", "counts more than 1,000,000,000,000,000 vertices$"),
    ("0 100000000\n#\n", "counts 100,000,000 attributes"),
])
def test_a_text_file_counts_what_it_has_no_bytes_for(
    text: str, words: str, tmp_path: Path
) -> None:
    name = tmp_path / "huge.tsh"
    name.write_text(text)
    for read in (anuga.Domain, anuga.basic_mesh_from_mesh_file):
        refused(name, words, read)


@pytest.mark.parametrize("corner", [838_860_800, 2**31 - 1, -1, 10_000])
def test_a_corner_is_not_believed_before_it_is_checked(
    corner: int, file: Callable[..., str]
) -> None:
    name = file(plain, 900.0)
    if name.endswith("msh"):
        with netCDF4.Dataset(name, "a") as written:
            written["triangles"][20, 1] = corner
    else:
        lines = Path(name).read_text().split("\n")
        at = next(i for i, line in enumerate(lines) if "# of triangles" in line) + 21
        words = lines[at].split()
        words[2] = str(corner)
        Path(name).write_text("\n".join([*lines[:at], " ".join(words), *lines[at + 1:]]))
    words = rf"triangle 20 has the corners \[\d+, {corner}, \d+\], and the file has \d+ vertices"
    for read in (anuga.Domain, anuga.basic_mesh_from_mesh_file):
        refused(name, words, read)


@pytest.mark.parametrize("dtype, value", [
    ("i8", 2**32 + 1), ("i8", -2**32 + 1), ("f8", np.nan), ("f8", 2.0**32 + 1), ("u4", 2**32 - 1)])
def test_corners_of_other_types_do_not_become_others(
    dtype: str, value: float, tmp_path: Path
) -> None:
    """What does not fit int32 is no corner 1, as a cast would make of it."""
    name = handmade(tmp_path, dtype)
    assert 2 == len(anuga.Domain(name))
    with netCDF4.Dataset(name, "a") as made:
        made["triangles"][0, 1] = value
    with np.errstate(invalid="ignore"), pytest.raises(AssertionError):
        anuga.Domain(name)


@pytest.mark.parametrize("spoilt", ["vertices", "triangles", "segments", "points"])
def test_a_dimension_counts_what_is_not_in_the_file(spoilt: str, tmp_path: Path) -> None:
    """HDF5 keeps what was never written as no bytes at all."""
    name = tmp_path / "mesh.msh"
    with netCDF4.Dataset(name, "w") as made:
        for dimension, size in (("many", 10**9), ("few", 4), ("two", 2), ("three", 3)):
            made.createDimension(dimension, size)
        for each, kind, last in (("vertices", "f8", "two"), ("triangles", "i4", "three"),
                                 ("triangle_neighbors", "i4", "three"), ("segments", "i4", "two"),
                                 ("points", "f8", "two")):
            made.createVariable(each, kind, ("many" if each == spoilt else "few", last))
    refused(name, rf"counts [23],000,000,000 numbers of {spoilt}, .* where the file has room for")


def test_tags_of_a_script_with_a_corner_far_away() -> None:
    """ANUGA's function takes a dictionary as it is, and so does ours, in little memory."""
    mesh = {"triangles": [[0, 1, 838_860_800]], "segments": [[0, 1]], "segment_tags": ["sea"]}
    tracemalloc.start()
    assert {(0, 2): "sea"} == pmesh2domain.pmesh_dict_to_tag_dict(mesh)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("spoilt", ["vertices", "triangles"])
def test_a_single_number_is_no_mesh(spoilt: str, tmp_path: Path) -> None:
    name = handmade(tmp_path, tags=2)
    with netCDF4.Dataset(name, "a") as made:
        made.renameVariable(spoilt, "other")
        made.createVariable(spoilt, "i4", ())[...] = 5
    refused(name, f"its {spoilt} are a single number")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_tags_than_of_triangles(count: int, tmp_path: Path) -> None:
    name = handmade(tmp_path, tags=count)
    if count > 2:
        for read in (pmesh2domain._pmesh_to_domain, pmesh2domain.pmesh_to_domain):
            assert [0, 1, 2] == read(name)[4]["x"]      # ANUGA's domain refuses them
        refused(name, "has 3 tags of 2 triangles")
        return
    expected = {"x": [0]} if count else {}
    assert expected == pmesh2domain._pmesh_to_domain(name)[4]
    assert expected == {tag: list(ks) for tag, ks in
                        anuga.Domain(name).get_tagged_elements().items()}
    assert ["x"] * count == anuga.basic_mesh_from_mesh_file(name).triangle_tags


def handmade(folder: Path, dtype: str = "i4", tags: int | None = None) -> str:
    """A file of two triangles whose numbers have another type, or another number of tags."""
    name = folder / "mesh.msh"
    with netCDF4.Dataset(name, "w") as made:
        for dimension, size in (("n", 2), ("nodes", 4), ("two", 2), ("three", 3), ("few", tags)):
            # a dimension of size 0 is unlimited
            made.createDimension(dimension, size)
        made.createVariable("vertices", "f8", ("nodes", "two"))[:] = SQUARE
        made.createVariable("triangles", dtype, ("n", "three"))[:] = [[0, 1, 2], [0, 2, 3]]
        made.createVariable("triangle_neighbors", "i4", ("n", "three"))[:] = -1
        made.createVariable("segments", "i4", ("n", "two"))[:] = [[0, 1], [1, 2]]
        if tags is not None:
            written = made.createVariable("triangle_tags", "S1", ("few", "two"))
            written[:tags] = np.array([[b"x", b" "]] * tags, "S1").reshape(tags, 2)
    return str(name)


def test_a_file_laid_out_otherwise_is_read_by_anuga_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(tmp_path / "tabs.tsh")
    loadASCII.export_mesh_file(name, plain(pmesh()))
    expected = anuga.Domain(name)
    lines = Path(name).read_text().split("\n")
    lines[3] = lines[3].replace(" ", "\t")
    Path(name).write_text("\n".join(lines))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        anuga.Domain(name)
    monkeypatch.setattr(files, "_FEWEST_WARNED", 10)
    with pytest.warns(MemoryWarning, match="not parted by blanks.*save_mesh_to_file"):
        domain = anuga.Domain(name)
    assert np.array_equal(expected.triangles, domain.triangles)


def test_an_outline_has_no_triangles(file: Callable[..., str]) -> None:
    name = file(outline_only)
    raised = []
    for make in (lambda: pmesh2domain._pmesh_to_domain(name), lambda: anuga.Domain(name)):
        with pytest.raises(Exception) as error:  # noqa: PT011  whatever it is in ANUGA
            make()
        raised.append(error.type)
    assert raised[0] is raised[1]


@pytest.mark.parametrize("kind", ["tsh", "msh"])
def test_the_peak_of_reading(kind: str, tmp_path: Path) -> None:
    name = str(tmp_path / f"mesh.{kind}")
    mesh = pmesh(0.6)
    mesh.export_mesh_file(name)
    anuga.Domain(name)
    tracemalloc.start()
    domain = anuga.Domain(name)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * len(domain) + 4_000_000
    assert held < 130 * len(domain)
