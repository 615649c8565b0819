"""Every way to make a mesh or a domain: what ANUGA makes, with less at the peak."""

from __future__ import annotations

import copy
import gc
import importlib
import io
import os
import subprocess
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from anuga.abstract_2d_finite_volumes import mesh_factory, pmesh2domain
from anuga.mesh_engine import mesh_engine
from hypothesis import given
from hypothesis import strategies as st

import anuga_lean as anuga
from anuga_lean._errors import MemoryWarning, MeshGeneratorError
from anuga_lean.mesh import from_pmesh, generator, generator_child, rectangles
from anuga_lean.mesh.mesh import StockMesh
from anuga_lean.mesh.tables import TABLES

SQUARE = [[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0]]
SIDES = {"south": [0], "east": [1], "north": [2], "west": [3]}
INNER = [[20.0, 20.0], [50.0, 20.0], [50.0, 50.0], [20.0, 50.0]]
HOLE = [[70.0, 70.0], [80.0, 70.0], [80.0, 80.0], [70.0, 80.0]]
LINE = [[60.0, 10.0], [60.0, 55.0], [90.0, 55.0]]

LENGTHS = st.floats(0.1, 1e4)
ORIGINS = st.tuples(st.floats(-1e7, 1e7), st.floats(-1e7, 1e7))
CELLS = st.integers(1, 9)


def assert_same_arrays(expected: np.ndarray, actual: np.ndarray) -> None:
    assert (expected.dtype, expected.shape) == (actual.dtype, actual.shape)
    assert expected.tobytes() == np.ascontiguousarray(actual).tobytes()


def assert_same_mesh(expected: StockMesh, mesh: Any) -> None:
    for name in TABLES:
        assert_same_arrays(getattr(expected, name), np.asarray(getattr(mesh, name)))
    for name in ("boundary", "boundary_enumeration", "tag_boundary_cells"):
        assert list(getattr(expected, name).items()) == list(getattr(mesh, name).items()), name
    assert list(expected.tagged_elements) == list(mesh.tagged_elements)
    for tag, triangles in expected.tagged_elements.items():
        assert_same_arrays(triangles, mesh.tagged_elements[tag])
    assert expected.geo_reference == mesh.geo_reference


# -- rectangles -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rectangular", "rectangular_cross"])
@given(m=CELLS, n=CELLS, len1=LENGTHS, len2=LENGTHS, origin=ORIGINS)
def test_factories_give_stocks_arrays(
    name: str, m: int, n: int, len1: float, len2: float, origin: tuple[float, float]
) -> None:
    expected = getattr(rectangles, "_stock_" + name)(m, n, len1, len2, origin)
    made = getattr(mesh_factory, name)(m, n, len1, len2, origin)
    for one, other in zip(expected[:2], made[:2], strict=True):
        assert_same_arrays(one, other)
    assert list(expected[2].items()) == list(made[2].items())


@pytest.mark.parametrize("name", ["rectangular", "rectangular_cross"])
@pytest.mark.parametrize("cells", [(1, 40_000), (40_000, 1), (300, 70)])
def test_factories_write_cells_in_parts(name: str, cells: tuple[int, int]) -> None:
    expected = getattr(rectangles, "_stock_" + name)(*cells)
    made = getattr(mesh_factory, name)(*cells)
    for one, other in zip(expected[:2], made[:2], strict=True):
        assert_same_arrays(one, other)


@pytest.mark.parametrize("arguments", [
    (0, 3), (3, 0), (-1, 2), ("x", 2), (2, 2, "wide"), (2, 2, 1.0, 1.0, (0.0,)), (2.9, "3"),
], ids=str)
@pytest.mark.parametrize("name", ["rectangular", "rectangular_cross"])
def test_odd_calls_are_answered_as_stock_does(name: str, arguments: tuple) -> None:
    def answer(factory: Callable[..., Any]) -> Any:
        try:
            points, triangles, boundary = factory(*arguments)
        except Exception as error:
            return type(error), str(error)
        return np.nan_to_num(points).tolist(), triangles.tolist(), list(boundary.items())

    assert answer(getattr(rectangles, "_stock_" + name)) == answer(getattr(mesh_factory, name))


def test_rectangular_cross_mesh_and_domain_are_stocks() -> None:
    extras = importlib.import_module("anuga.extras")
    arguments = (7, 5, 30.0, 20.0, (1000.0, -3.0))
    points, triangles, boundary, *links = mesh_factory.rectangular_cross_with_neighbours(*arguments)
    expected = StockMesh(points, triangles, boundary, triangle_neighbours=links[0],
                         triangle_neighbour_edges=links[1])
    assert_same_mesh(expected, extras.rectangular_cross_mesh(*arguments, verbose=False))
    assert_same_mesh(expected, anuga.rectangular_cross_domain(*arguments, verbose=False).mesh)
    with pytest.raises(TypeError, match=r"rectangular_cross_with_neighbours\(\) missing"):
        anuga.rectangular_cross_domain(3)


def test_a_mesh_with_too_many_triangles_is_refused_before_it_is_made() -> None:
    with pytest.raises(ValueError, match="at most 715,827,882 triangles"):
        anuga.rectangular_cross_domain(20_000, 20_000)


# -- regions --------------------------------------------------------------------------


def pmesh(area: float = 40.0) -> Any:
    return anuga.create_pmesh_from_regions(
        SQUARE, SIDES, maximum_triangle_area=area, interior_regions=[(INNER, area / 5)],
        interior_holes=[HOLE], hole_tags=[{"pile": [0, 1], "pier": [2, 3]}], breaklines=[LINE],
        regionPtArea=[[95.0, 5.0, area / 2]])


@pytest.fixture(scope="module")
def made() -> Any:
    found = pmesh()
    found.generate_mesh()
    return found


def test_boundary_tags_are_stocks(made: Any) -> None:
    io_dict = made.mesh2io_dict()
    expected = from_pmesh._stock_tag_dict(io_dict)
    found = pmesh2domain.pmesh_dict_to_tag_dict(io_dict)
    assert set(found.values()) >= {"south", "pile", "pier"}
    assert list(expected.items()) == list(found.items())
    assert all(type(part) is int for edge in found for part in edge)
    assert all(type(tag) is str for tag in found.values())


@given(data=st.data())
def test_boundary_tags_of_any_segments_are_stocks(data: st.DataObject) -> None:
    triangles = mesh_factory.rectangular(3, 3)[1]
    node = st.integers(-1, 17)
    segments = data.draw(st.lists(st.tuples(node, node), min_size=1, max_size=30))
    tags = data.draw(st.lists(st.sampled_from(["", "a", "b", "c\0d", "é"]),
                              min_size=len(segments), max_size=len(segments)))
    io_dict = {"triangles": triangles.tolist(), "segments": segments, "segment_tags": tags}
    expected = from_pmesh._stock_tag_dict(io_dict)
    assert list(expected.items()) == list(pmesh2domain.pmesh_dict_to_tag_dict(io_dict).items())


@pytest.mark.parametrize("io_dict", [
    {"triangles": [[0, 1, 2], [0, 1, 3]], "segments": [[0, 1]], "segment_tags": ["x"]},
    {"triangles": [[0, 1, 2]], "segments": [], "segment_tags": []},
    {"triangles": [], "segments": [[0, 1]], "segment_tags": ["x"]},
    {"triangles": [[0, 1, 2]], "segments": [[0, 1]], "segment_tags": [7]},
    {"triangles": [[-1, 1, 2]], "segments": [[-1, 1]], "segment_tags": ["x"]},
], ids=["an edge twice", "no segments", "no triangles", "no text", "a negative node"])
def test_tags_that_stock_refuses(io_dict: dict[str, Any]) -> None:
    def answer(convert: Callable[..., Any]) -> Any:
        try:
            return convert(copy.deepcopy(io_dict))
        except Exception as error:
            return type(error), str(error)

    assert answer(from_pmesh._stock_tag_dict) == answer(pmesh2domain.pmesh_dict_to_tag_dict)


@pytest.mark.parametrize("tags", [None, [], ["", "", ""], ["b", "a", "b", ""]])
def test_triangles_by_tag_are_stocks(tags: list[str] | None) -> None:
    count = 3 if tags is None else len(tags)
    io_dict = {"triangle_tags": tags, "triangles": [[0, 1, 2]] * count}
    expected = pmesh2domain.build_tagged_elements_dictionary(io_dict)
    found = from_pmesh.triangles_by_tag(tags, count)
    assert list(expected) == list(found)
    for tag, triangles in expected.items():
        assert_same_arrays(np.array(triangles, int), found[tag])


def test_a_domain_from_regions_is_stocks(made: Any) -> None:
    io_dict = made.mesh2io_dict()
    expected = StockMesh(
        io_dict["vertices"], io_dict["triangles"],
        boundary=from_pmesh._stock_tag_dict(io_dict),
        tagged_elements=pmesh2domain.build_tagged_elements_dictionary(io_dict),
        geo_reference=io_dict["geo_reference"],
        triangle_neighbours=io_dict["triangle_neighbors"])
    domain = anuga.create_domain_from_regions(
        SQUARE, SIDES, 40.0, interior_regions=[(INNER, 8.0)], interior_holes=[HOLE],
        hole_tags=[{"pile": [0, 1], "pier": [2, 3]}], breaklines=[LINE],
        regionPtArea=[[95.0, 5.0, 20.0]], verbose=False)
    assert_same_mesh(expected, domain.mesh)
    assert_same_mesh(expected, anuga.Domain(made).mesh)


# -- the generator's process -----------------------------------------------------------


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Generate every mesh in a process; return the processes that were started."""
    started: list[int] = []
    start = generator._start

    def counted(arguments: tuple) -> Any:
        process, answer = start(arguments)
        started.append(process.pid)
        return process, answer

    monkeypatch.setattr(generator, "_start", counted)
    monkeypatch.setattr(generator, "_FEWEST_TRIANGLES", 0)
    return started


TRIANGULATION = ("triangles", "triangle_neighbors", "segments", "vertices")


def test_a_mesh_from_the_process_is_the_same_to_the_last_bit(apart: list[int], made: Any) -> None:
    for again in (pmesh(), made):
        before = {name: getattr(again.tri_mesh, name, None) for name in TRIANGULATION}
        again.generate_mesh()
        assert again is not made or before["triangles"] is not again.tri_mesh.triangles
    assert 2 == len(apart)
    in_process = pmesh()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generator, "_FEWEST_TRIANGLES", np.inf)
        in_process.generate_mesh()
    assert 2 == len(apart)
    for name in TRIANGULATION:
        for again in (made, in_process):
            assert_same_arrays(getattr(in_process.tri_mesh, name), getattr(again.tri_mesh, name))
    for name in ("triangle_tags", "segment_tags", "vertex_attributes", "vertex_attribute_titles"):
        assert getattr(in_process.tri_mesh, name) == getattr(made.tri_mesh, name)


def test_a_pmesh_goes_on_after_it(apart: list[int], tmp_path: Path) -> None:
    mesh = pmesh()
    mesh.generate_mesh(maximum_triangle_area=60.0)
    few = len(mesh.tri_mesh.triangles)
    mesh.tri_mesh.vertices += 0.0       # the arrays are the caller's to write
    mesh.export_mesh_file(str(tmp_path / "mesh.msh"))
    assert few == len(anuga.Domain(str(tmp_path / "mesh.msh")))
    mesh.generate_mesh(maximum_triangle_area=10.0)
    assert few < len(mesh.tri_mesh.triangles)
    assert 2 == len(apart)


def test_what_the_generator_prints_is_printed(
    apart: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for fewest in (0, np.inf):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(generator, "_FEWEST_TRIANGLES", fewest)
            pmesh().generate_mesh(verbose=True)
        printed.append(capsys.readouterr().out)
    assert 1 == len(apart)
    assert "TRIANGLE (meshpy):" in printed[0]
    assert printed[1] == printed[0]


@pytest.mark.parametrize("arguments", [
    ([[0.0, 0.0, 0.0]], [], [], [], None, None, "pz", None, False),
    ([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [["a", "b"]], [], [], None, None, "pz", None, False),
    ([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[0, 1], [1, 2], [2, 0]], [[0.1, 0.1]], [], None, None,
     "pzQnA", None, False),
], ids=["a bad shape", "bad segments", "no triangles"])
def test_errors_are_those_of_the_generator(arguments: tuple) -> None:
    with pytest.raises(Exception) as expected:
        mesh_engine.generate_mesh(*copy.deepcopy(arguments))
    with pytest.raises(Exception) as found:
        generator._generate_apart(arguments)
    assert (expected.type, expected.value.args) == (found.type, found.value.args)


def test_warnings_are_given_in_the_process_that_asked() -> None:
    def warn(*_: Any) -> dict[str, Any]:
        warnings.warn("thin", UserWarning, stacklevel=1)
        print("printed")
        return {}

    reply, mesh = generator_child._generate(SimpleNamespace(generate_mesh=warn), ())
    assert ({}, "printed\n") == (mesh, reply["printed"])
    with pytest.warns(UserWarning, match="thin"):
        generator._mesh_of(reply | {"mesh": [], "arrays": [], "printed": ""}, None)


def test_an_error_that_cannot_be_pickled_is_named() -> None:
    class Odd(Exception):
        pass

    stream = io.BytesIO()
    generator_child._write(stream, {"raised": Odd("left"), "printed": "", "warned": []}, {})
    assert b"Odd: left" in stream.getvalue()


def script(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the process run `text` once it has read its request."""
    path = folder / "script.py"
    path.write_text(
        f"import os, signal, sys, time\nsys.stdin.buffer.read()\n"
        f"os.write(int(sys.argv[1]), {generator_child.READY!r})\n{text}\n")
    monkeypatch.setattr(generator, "_SCRIPT", path)


def test_the_death_of_the_process_is_described(
    apart: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "time.sleep(0.5); os.kill(os.getpid(), signal.SIGKILL)", monkeypatch)
    with pytest.raises(MeshGeneratorError) as died:
        pmesh().generate_mesh(maximum_triangle_area=75.0)
    message = str(died.value)
    assert "was ended by SIGKILL" in message
    assert "at most 75, 40, 8, 20 m2 by region over an extent of 100 m by 100 m" in message
    assert "up to 1,250 of the smallest" in message
    assert not sys.platform.startswith("linux") or ", having taken 0.0" in message


@pytest.mark.parametrize("text, how", [
    ("sys.exit(3)", "ended with status 3 and no mesh"),
    ("os.write(int(sys.argv[1]), (99).to_bytes(8, 'little') + b'torn')",
     "ended with status 0 and no mesh"),
], ids=["exit", "torn"])
def test_an_end_without_a_mesh_is_described(
    text: str, how: str, apart: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, text, monkeypatch)
    with pytest.raises(MeshGeneratorError, match=how):
        pmesh().generate_mesh()


def test_interrupting_ends_the_process(
    apart: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "time.sleep(60)", monkeypatch)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(generator._Answer, "_look", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pmesh().generate_mesh()
    assert not Path(f"/proc/{apart[0]}").exists()


def test_without_a_process_the_mesh_is_generated_here(
    apart: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(generator.sys, "executable", str(tmp_path / "no_python"))
    mesh = pmesh()
    with pytest.warns(MemoryWarning, match="in this process.*no_python cannot be started"):
        mesh.generate_mesh()
    assert [] == apart
    assert len(mesh.tri_mesh.triangles) > 100


def test_a_process_that_cannot_load_the_generator_is_done_without(
    apart: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "script.py"
    path.write_text("raise SystemExit(1)\n")
    monkeypatch.setattr(generator, "_SCRIPT", path)
    mesh = pmesh()
    with pytest.warns(MemoryWarning, match="because one of its own cannot load it"):
        mesh.generate_mesh()
    assert 1 == len(apart)
    assert len(mesh.tri_mesh.triangles) > 100


def test_a_size_field_is_called_in_this_process(apart: list[int]) -> None:
    asked = []

    def field(x: float, y: float) -> float:
        asked.append(x)
        return 30.0

    mesh = pmesh()
    mesh.generate_mesh(size_field=field)
    assert [] == apart
    assert asked


def test_small_meshes_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "_start", None)
    pmesh().generate_mesh()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux to do it")
def test_the_process_dies_with_its_parent() -> None:
    code = ("import subprocess, sys; process = subprocess.Popen(sys.argv[1:]); "
            "print(process.pid, flush=True); process.wait()")
    wanted = [sys.executable, "-I", "-S", str(generator._SCRIPT), "1"]
    end, request = os.pipe()    # kept open, so that it waits for its request
    with subprocess.Popen([sys.executable, "-c", code, *wanted], stdin=end,
                          stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        time.sleep(1.0)     # it has said what is to happen to it
        assert is_running(pid)
        parent.kill()
    deadline = time.monotonic() + 10.0
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid)
    os.close(end)
    os.close(request)


def is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("mode, regions, expected", [
    ("Qpzq28.0aanA", [(0.0, 0.0, 1), (0.0, 0.0, 2, 8.0), (0.0, 0.0, 3, 0.0)], [8.0]),
    ("pzq28.0a0.5anA", [], [0.5]),
    ("pzq28.0a1e-05anA", None, [1e-5]),
    (None, None, []),
])
def test_areas_are_read_from_switches_and_regions(
    mode: str | None, regions: Any, expected: list[float]
) -> None:
    assert expected == generator.maximum_areas(regions, mode)
    assert (generator.estimated_triangles(SQUARE, regions, mode) > 81.0) == bool(expected)


# -- other ranks ------------------------------------------------------------------------


def test_ghosts_are_flagged_as_stock_flags_them() -> None:
    from anuga.abstract_2d_finite_volumes.generic_domain import Generic_Domain

    stock = Generic_Domain.__mro__[1]._init_parallel
    sends = {1: [np.arange(4), np.arange(4)]}
    receives = {1: [np.array([5, 9]), np.array([5, 9])], 2: [np.array([30]), np.array([30])]}
    domains = [anuga.rectangular_cross_domain(4, 3) for _ in range(2)]
    arguments = [copy.deepcopy((sends, receives, 0, 3, 2, False)) for _ in range(2)]
    stock(domains[0], *arguments[0])
    domains[1]._init_parallel(*arguments[1])
    for name in ("tri_full_flag", "node_full_flag"):
        assert_same_arrays(*(np.asarray(getattr(domain, name)) for domain in domains))
    for name in ("number_of_full_triangles", "number_of_full_nodes", "number_of_elements", "nsys",
                 "processor", "numproc", "ghost_layer_width", "parallel",
                 "number_of_global_triangles", "number_of_global_nodes", "multiprocessor_mode"):
        assert getattr(domains[0], name) == getattr(domains[1], name), name
    for name in ("full_send_dict", "ghost_recv_dict"):
        for rank, message in getattr(domains[0], name).items():
            for one, other in zip(message, getattr(domains[1], name)[rank], strict=True):
                assert_same_arrays(one, other)


# -- memory -----------------------------------------------------------------------------


def _crossed() -> Any:
    return anuga.rectangular_cross_domain(125, 125)


def _from_arrays() -> Any:
    return anuga.Domain(*anuga.rectangular_cross(125, 125))


def _from_regions() -> Any:
    return anuga.create_domain_from_regions(SQUARE, SIDES, 1e4 / 45_000, verbose=False)


# Of numpy and Python, untouched pages of quantities included: 152, 184 and 160.  With ANUGA's
# factories and index arrays they are 272, 224 and 280, and the generator's heap comes on top.
@pytest.mark.parametrize("make, most", [(_crossed, 160), (_from_arrays, 195),
                                        (_from_regions, 175)])
def test_the_peak_of_construction(make: Callable[[], Any], most: float) -> None:
    anuga.create_domain_from_regions(SQUARE, SIDES, 100.0, verbose=False)   # what is loaded late
    gc.collect()
    tracemalloc.start()
    try:
        domain = make()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(domain) > 60_000
    assert peak < most * len(domain)
