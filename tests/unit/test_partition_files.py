"""Files of parts whose numbers are no triangles, nodes or ranks are refused as they are loaded."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from anuga.parallel import sequential_distribute as files

import anuga_lean as anuga
from anuga_lean._errors import MergeError, MeshError, PartitionError

RANKS = 2


def whole() -> Any:
    domain = anuga.rectangular_cross_domain(4, 4)
    domain.set_name("part")
    domain.set_quantity("stage", lambda x, y: x)
    return domain


@pytest.fixture(scope="module")
def dumped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    files.sequential_distribute_dump(whole(), RANKS, partition_dir=str(folder))
    files.sequential_mesh_dump(whole(), RANKS, partition_dir=str(folder))
    return folder


@pytest.fixture
def load(dumped: Path, tmp_path: Path) -> Callable[[Callable[[list], None]], Any]:
    """Loads the part of rank 1 with something of it changed."""
    def act(change: Callable[[list], None]) -> Any:
        content = list(pickle.loads((dumped / "part_P2_1.pickle").read_bytes()))
        change(content)
        path = tmp_path / "part_P2_1.pickle"
        path.write_bytes(pickle.dumps(tuple(content)))
        return files.sequential_distribute_load_pickle_file(str(path), RANKS)
    return act


def test_what_was_dumped_is_loaded(load: Callable) -> None:
    assert 0 < load(lambda content: None).number_of_full_triangles


def messages(content: list, name: str) -> list[np.ndarray]:
    [message] = content[0][name].values()
    return message


@pytest.mark.parametrize("digits", [300, 5000])
def test_a_number_of_many_digits_is_not_written_out(load: Callable, digits: int) -> None:
    with pytest.raises(PartitionError, match="number_of_global_nodes=(1000|a number)") as raised:
        load(lambda content: content[0].update(number_of_global_nodes=10**digits))
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("value", [10**6, -1, 2**33])
@pytest.mark.parametrize("change, words", [
    (lambda c, v: messages(c, "full_send_dict")[0].__setitem__(0, v), r"full_send_dict\[0\]"),
    (lambda c, v: messages(c, "ghost_recv_dict")[0].__setitem__(2, v), r"ghost_recv_dict\[0\]"),
    (lambda c, v: messages(c, "ghost_recv_dict")[1].__setitem__(0, v), r"ghost_recv_dict\[0\]"),
    (lambda c, v: c[0].update(tri_l2g=np.full(len(c[0]["tri_l2g"]), v)), "tri_l2g"),
    (lambda c, v: c[0].update(node_l2g=np.full(len(c[0]["node_l2g"]), v)), "node_l2g"),
    (lambda c, v: c[0].update(number_of_full_triangles=v), "number_of_full_triangles="),
    (lambda c, v: c[0].update(number_of_full_nodes=v), "number_of_full_nodes"),
])
def test_numbers_out_of_range(load: Callable, change: Callable, words: str, value: int) -> None:
    with pytest.raises(PartitionError, match=rf"part_P2_1.pickle has {words}.*dump the parts"):
        load(lambda content: change(content, value))


@pytest.mark.parametrize("change", [
    lambda c: c[0].update(full_send_dict={-1: [[0], [0]]}),
    lambda c: c[0].update(full_send_dict={0: [[0.5], [0]]}),
    lambda c: c[0].update(full_send_dict={0: [[0, 1], [0]]}),
    lambda c: c[0].update(tri_l2g=c[0]["tri_l2g"][:-1]),
    lambda c: c[0].update(number_of_full_triangles=1.5),
    lambda c: c.pop(), lambda c: c.append(1), lambda c: c.__setitem__(0, []),
    lambda c: c.__setitem__(3, [(0, 0)]), lambda c: c.__setitem__(4, None),
    lambda c: c.__setitem__(5, []),
])
def test_things_of_another_kind(load: Callable, change: Callable) -> None:
    with pytest.raises(PartitionError, match=r"part_P2_1\.pickle"):
        load(change)


@pytest.mark.parametrize("change", [
    lambda c: c[2].__setitem__((0, 0), 10**6), lambda c: c[2].__setitem__((0, 0), -1),
    lambda c: c[3].__setitem__((10**6, 0), "x"), lambda c: c[3].__setitem__((0.5, 0), "x"),
    lambda c: c[1].__setitem__((0, 0), np.nan)])
def test_meshes_that_are_none(load: Callable, change: Callable) -> None:
    with pytest.raises(MeshError):
        load(change)


@pytest.mark.parametrize("name, value", [
    ("send_local", 10**6), ("recv_local", -1), ("recv_global", 10**6), ("tri_l2g", -5),
    ("node_l2g", 10**6)])
def test_netcdf(dumped: Path, tmp_path: Path, name: str, value: int) -> None:
    path = tmp_path / "part_mesh_P1_0.nc"     # of a run of one rank, which is this process
    path.write_bytes((dumped / "part_mesh_P2_1.nc").read_bytes())
    assert len(files.sequential_mesh_load("part", str(tmp_path)))
    with netCDF4.Dataset(path, "a") as file:
        file[name][0] = value
    with pytest.raises(PartitionError, match="part_mesh_P1_0.nc has .*: dump the parts again"):
        files.sequential_mesh_load("part", str(tmp_path))


# -- SWW files of ranks --------------------------------------------------------------


@pytest.fixture
def ranks(tmp_path: Path) -> Path:
    """The SWW files of two ranks, each with every second triangle as its own."""
    domain = whole()
    domain.set_datadir(str(tmp_path))
    domain.set_name("run")
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    for _ in domain.evolve(yieldstep=0.1, finaltime=0.1):
        pass
    data = (tmp_path / "run.sww").read_bytes()
    (tmp_path / "run.sww").unlink()
    n, nodes = len(domain), domain.number_of_nodes
    for rank in range(2):
        (tmp_path / f"run_P2_{rank}.sww").write_bytes(data)
        with netCDF4.Dataset(tmp_path / f"run_P2_{rank}.sww", "a") as file:
            file.number_of_global_triangles, file.number_of_global_nodes = n, nodes
            for name, axis, values in (
                    ("tri_l2g", "number_of_volumes", np.arange(n)),
                    ("tri_full_flag", "number_of_volumes", np.arange(n) % 2 == rank),
                    ("node_l2g", "number_of_points", np.arange(nodes))):
                file.createVariable(name, "i4", (axis,))[:] = values
    return tmp_path


def merge(folder: Path) -> None:
    anuga.sww_merge(str(folder / "run"), 2)


@pytest.mark.parametrize("change, words", [
    (lambda file: file["tri_l2g"].__setitem__(3, 10**6), "numbers its triangles up to 1000000"),
    (lambda file: file["node_l2g"].__setitem__(3, -1), "numbers its nodes from -1"),
    (lambda file: file["volumes"].__setitem__((0, 1), 10**6), "numbers its corners up to 1000000"),
    (lambda file: file["tri_full_flag"].__setitem__(3, -2), "not 0 or 1"),
    (lambda file: file.setncattr("number_of_global_nodes", 2**31 - 2), "nodes, which the files"),
    (lambda file: file.setncattr("number_of_global_triangles", 0.5), "number_of_global_triangles="),
    (lambda file: file.setncattr("starttime", np.inf), "has starttime="),
    (lambda file: file.setncattr("xllcorner", "x"), "has xllcorner="),
    (lambda file: file.delncattr("order"), "has no order"),
    (lambda file: file.renameVariable("x", "z"), "has no x"),
    (lambda file: file.renameVariable("time", "z"), "has no time"),
    (lambda file: (file.renameVariable("stage", "z"), file.createVariable("stage", "f4", ())),
     r"has stage of the shape \(\)"),
])
def test_files_of_ranks(change: Callable, words: str, ranks: Path) -> None:
    merge(ranks)
    before = (ranks / "run.sww").read_bytes()
    for rank in range(2):
        with netCDF4.Dataset(ranks / f"run_P2_{rank}.sww", "a") as file:
            change(file)
    with pytest.raises(MergeError, match=words):
        merge(ranks)
    assert before == (ranks / "run.sww").read_bytes()
    assert not list(ranks.glob("*.part"))
