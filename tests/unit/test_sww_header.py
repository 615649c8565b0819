"""A new SWW file: laid out and filled once, with the bytes of ANUGA's."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import anuga_lean as anuga

WAYS = ("plain", "unique", "located", "monitored", "texture")
STOCK = """
import sys
import threading
import anuga
sys.path.insert(0, sys.argv[1])
from unit.test_sww_header import WAYS, create, model
for way in WAYS:
    create(model(anuga, way, sys.argv[2]))
"""


def model(anuga: Any, way: str, folder: str | Path, cells: int = 6) -> Any:
    domain = anuga.rectangular_cross_domain(cells, cells, 100.0, 100.0)
    domain.set_name(way)
    domain.set_datadir(str(folder))
    domain.set_quantity("elevation", lambda x, y: x / 50.0)
    domain.set_quantity("stage", 1.0)
    if way == "unique":
        domain.set_store_vertices_uniquely(True)
    elif way == "located":
        domain.geo_reference = anuga.Geo_reference(56, 308500.0, 6189000.0)
        domain.set_quantities_to_be_stored({"elevation": 2, "stage": 3, "friction": 4})
    elif way == "monitored":
        domain.set_quantities_to_be_monitored(
            ["stage", "stage-elevation"], polygon=[[0, 0], [50, 0], [0, 50]],
            time_interval=[0.0, 4.0])
    elif way == "texture":
        domain.texture = "sand"
    return domain


def create(domain: Any) -> Path:
    """The SWW file, without a frame."""
    domain.initialise_storage()
    return Path(domain.get_datadir(), f"{domain.get_name()}.sww")


def written() -> int:
    """The bytes that this process has written so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("stock")
    subprocess.run([sys.executable, "-W", "ignore", "-c", STOCK,
                    str(Path(__file__).parents[1]), str(folder)], check=True, cwd=folder)
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_bytes_are_anugas(way: str, stock: Path, tmp_path: Path) -> None:
    domain = model(anuga, way, tmp_path)
    assert (stock / f"{way}.sww").read_bytes() == create(domain).read_bytes()
    assert not domain.on_stock_arrays


@pytest.mark.parametrize("way", WAYS)
def test_a_netcdf4_of_other_methods_lays_out_as_always(
        way: str, stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anuga_lean.stepping.sww_header._can_define", lambda: False)
    path = create(model(anuga, way, tmp_path))
    assert (stock / f"{way}.sww").read_bytes() == path.read_bytes()


def test_a_file_is_written_once(tmp_path: Path) -> None:
    """netCDF alone lays out, moves and fills five times as many."""
    domain = model(anuga, "plain", tmp_path, cells=100)
    create(model(anuga, "texture", tmp_path))   # loads netCDF4
    before = written()
    path = create(domain)
    assert written() - before <= 1.2 * path.stat().st_size + 100_000


def test_another_file_is_not_put_off(tmp_path: Path) -> None:
    """What a script opens itself is laid out at once."""
    import anuga.file.sww as sww

    file = sww.NetCDFFile(str(tmp_path / "a.nc"), "wl")
    file.createDimension("n", 3)
    file.createVariable("v", "f8", ("n",))[:] = [1.0, 2.0, 3.0]
    file.sync()
    assert [1.0, 2.0, 3.0] == list(sww.NetCDFFile(str(tmp_path / "a.nc")).variables["v"][:])
    file.close()


@pytest.mark.parametrize(("threads", "way", "expected"), [
    (1, "plain", []), (2, "plain", ["other"]), (2, "unique", [])])
def test_corners_are_sorted_meanwhile(
    threads: int, way: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another thread, where there is one and frames need it; without memory, later."""
    domain = model(anuga, way, tmp_path)
    domain.set_omp_num_threads(threads)
    sorted_in: list[str] = []
    sort = type(domain.mesh).compute_vertex_value_indices

    def compute(mesh: Any) -> Any:
        is_main = threading.current_thread() is threading.main_thread()
        sorted_in.append("main" if is_main else "other")
        if not is_main:
            raise MemoryError
        return sort(mesh)

    monkeypatch.setattr(type(domain.mesh), "compute_vertex_value_indices", compute)
    create(domain)
    domain.set_omp_num_threads(1)       # of the process, for all tests after this one
    assert [*expected, *(["main"] if way == "plain" else [])] == sorted_in
