"""Mesh files: what ANUGA reads in them, in arrays, and its errors."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from anuga.abstract_2d_finite_volumes import pmesh2domain
from anuga.load_mesh import loadASCII

import anuga_lean as anuga
from anuga_lean._errors import MemoryWarning, MeshError
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
    assert raised[0] == raised[1]
    assert OSError is raised[0][0]


@pytest.mark.parametrize("name", ["missing.tsh", "missing.msh", "mesh.xyz"])
def test_missing_files_raise_anugas_errors(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing|Extension"):
        anuga.Domain(str(tmp_path / name))


def test_too_many_triangles_are_refused_at_once(tmp_path: Path) -> None:
    name = tmp_path / "huge.tsh"
    name.write_text("0 0 # vertices\n# titles\n800000000 # triangles\n")
    tracemalloc.start()
    with pytest.raises(MeshError, match=r"at most 715,827,882.*800,000,000"):
        anuga.Domain(str(name))
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


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
