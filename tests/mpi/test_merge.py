"""Merged SWW files are stock's whatever the size of the buffer, and bad parts are named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from netCDF4 import Dataset

from anuga_lean import MergeError
from mpi.sww_contents import contents, differences
from mpirun import needs_mpi

RANKS = 3
MODELS = ("DE0_2", "DE0_4", "DE1_2", "DE1_4")
STOCK = """
import sys
import anuga
assert "anuga.utilities.sww_merge" == anuga.sww_merge.__module__
for name in sys.argv[1:]:
    anuga.sww_merge(name, 3, chunk_size=2)
"""

pytestmark = needs_mpi


@pytest.fixture
def parts(on_stock: Callable[[int], Path], tmp_path: Path) -> Path:
    """A folder with the files of the ranks, not merged yet."""
    for path in on_stock(RANKS).glob("*_P3_*.sww"):
        shutil.copy(path, tmp_path)
    return tmp_path


def merge(folder: Path, model: str, **how: object) -> None:
    """Merge the files of a model."""
    import anuga_lean as anuga

    anuga.sww_merge(str(folder / model), RANKS, **how)


@pytest.mark.parametrize("nbytes", [1200, 1 << 14])
def test_any_buffer_gives_the_same_file(
        nbytes: int, parts: Path, on_stock: Callable[[int], Path],
        monkeypatch: pytest.MonkeyPatch) -> None:
    """The models have 357 nodes and 1428 triangles: windows of a frame, and some frames."""
    from anuga_lean.mpi import merging, rank_files

    monkeypatch.setattr(merging, "AT_ONCE", nbytes)
    monkeypatch.setattr(rank_files, "AT_ONCE", nbytes)
    for model in MODELS if nbytes > 1200 else MODELS[:2]:
        merge(parts, model)
        assert [] == differences(on_stock(RANKS) / f"{model}.sww", parts / f"{model}.sww")


def test_some_frames_at_once_with_numbers_that_are_none(parts: Path) -> None:
    """A NaN makes stock pass over the range of the frames it has read with it."""
    for path in parts.glob("*_P3_1.sww"):
        with Dataset(path, "a") as file:
            file["stage"][3, 40:60] = np.nan
            file["xmomentum"][2, :] = -np.inf
            file["ymomentum"][1, 7] = 9.969209968386869e36  # what netCDF takes for no value
    (parts / "stock").mkdir()
    for path in parts.glob("*_P3_*.sww"):
        shutil.copy(path, parts / "stock")
    subprocess.run([sys.executable, "-c", STOCK, *MODELS], cwd=parts / "stock", check=True)
    for model in MODELS:
        merge(parts, model, chunk_size=2)
        assert [] == differences(parts / "stock" / f"{model}.sww", parts / f"{model}.sww")
        whole = contents(parts / f"{model}.sww")["stage_range"]
        merge(parts, model)
        assert whole != contents(parts / f"{model}.sww")["stage_range"]


def test_parts_are_deleted_once_all_is_merged(parts: Path) -> None:
    merge(parts, "DE0_2", delete_old=True)
    assert ["DE0_2.sww"] == [path.name for path in sorted(parts.glob("DE0_2*"))]
    with pytest.raises(MergeError, match=r"of the 3 files to merge 3 are not there, first \S*DE0_2"
                       r"_P3_0.sww: give the name"):
        merge(parts, "DE0_2")
    assert (parts / "DE0_2.sww").exists()


def change(path: Path, how: Callable[[Dataset], None]) -> None:
    """Change something in a file."""
    with Dataset(path, "a") as file:
        how(file)


def put(name: str, place: object, value: object) -> Callable[[Dataset], None]:
    """A change of a variable."""
    def change(file: Dataset) -> None:
        file[name][place] = value
    return change


@pytest.mark.parametrize(("how", "said"), [
    (put("time", 2, 4.5), "P3_2.sww is of another run than .*its frame 2 is of 4.5 s, not 4 s"),
    (put("time", 5, 10.0), "P3_2.sww is of another run than .*it has 6 frames, not 5"),
    (lambda file: file.setncattr("number_of_global_triangles", np.int32(1432)),
     "number_of_global_triangles is 1432, not 1428"),
    (lambda file: file.setncattr("xllcorner", 7.0), "xllcorner is 7.0, not 0.0"),
    (lambda file: file.renameVariable("ymomentum", "depth"), "only one has depth, ymomentum"),
    (put("tri_full_flag", slice(None), 1), r"have \d+ full triangles of a mesh of 1428"),
    (put("tri_l2g", 0, 5000), "numbers its triangles up to 5000 in a mesh of 1428"),
    (lambda file: file.renameVariable("tri_l2g", "numbers"), "P3_2.sww has no tri_l2g"),
])
def test_a_part_of_another_run_is_named(
        how: Callable[[Dataset], None], said: str, parts: Path) -> None:
    merge(parts, "DE0_2")
    before = (parts / "DE0_2.sww").read_bytes()
    change(parts / "DE0_2_P3_2.sww", how)
    with pytest.raises(MergeError, match=said):
        merge(parts, "DE0_2", delete_old=True)
    assert before == (parts / "DE0_2.sww").read_bytes()
    assert 3 == len(list(parts.glob("DE0_2_P3_*")))


def test_node_numbers_are_needed_where_nodes_are_stored(
        parts: Path, on_stock: Callable[[int], Path]) -> None:
    """Stock reads none where vertices are stored uniquely."""
    for path in parts.glob("*.sww"):
        change(path, lambda file: file.renameVariable("node_l2g", "numbers"))
    merge(parts, "DE1_2")
    assert [] == differences(on_stock(RANKS) / "DE1_2.sww", parts / "DE1_2.sww")
    with pytest.raises(MergeError, match="P3_0.sww has no node_l2g"):
        merge(parts, "DE0_2")


def test_a_number_where_the_merged_file_takes_its_text(parts: Path) -> None:
    """ANUGA too looks at the description of the first rank only."""
    change(parts / "DE0_2_P3_1.sww", lambda file: file.setncattr("description", 7.0))
    merge(parts, "DE0_2")
    change(parts / "DE0_2_P3_0.sww", lambda file: file.setncattr("description", 7.0))
    with pytest.raises(MergeError, match=r"P3_0.sww has description=\S*7.0\)?, which is no text"):
        merge(parts, "DE0_2")


def test_unreadable_parts_and_bad_arguments(parts: Path) -> None:
    (parts / "DE0_2_P3_1.sww").write_bytes(b"CDF")
    with pytest.raises(MergeError, match=r"P3_1.sww cannot be read"):
        merge(parts, "DE0_2")
    with pytest.raises(FileNotFoundError, match=r"of the 3 files to merge 3 are not there"):
        merge(parts, "nosuch")
    with pytest.raises(ValueError, match="chunk_size=0: at least 1"):
        merge(parts, "DE0_4", chunk_size=0)
    assert [] == list(parts.glob("*.part"))


def test_a_merge_that_fails_leaves_what_was_there(
        parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from anuga_lean.mpi import merging

    merge(parts, "DE0_2")
    before = (parts / "DE0_2.sww").read_bytes()

    def fail(*arguments: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(merging._Merged, "_widen_range", fail)
    with pytest.raises(OSError, match="no space left"):
        merge(parts, "DE0_2", delete_old=True)
    assert before == (parts / "DE0_2.sww").read_bytes()
    assert 4 == len(list(parts.glob("DE0_2*")))


LARGE = """
import sys
import numpy as np
from netCDF4 import Dataset
from anuga_lean.measure import probe
import anuga_lean as anuga

NODES, TRIANGLES, FRAMES = 300_000, 590_000, 100
rng = np.random.default_rng(6)
values = rng.random((FRAMES, NODES), np.float32)
for rank in range(2):
    with Dataset(f"large_P2_{rank}.sww", "w", format="NETCDF3_64BIT") as file:
        file.setncatts({name: np.int32(value) for name, value in (
            ("order", 1), ("starttime", 0), ("zone", -1),
            ("number_of_global_triangles", 2 * TRIANGLES), ("number_of_global_nodes", 2 * NODES))})
        file.setncatts({"description": "made by a test", "xllcorner": 0.0, "yllcorner": 0.0,
                        "false_easting": 500000, "false_northing": 10000000, "datum": "wgs84",
                        "projection": "UTM", "units": "m"})
        for name, count in (("number_of_volumes", TRIANGLES), ("number_of_points", NODES),
                            ("number_of_triangle_vertices", NODES), ("number_of_vertices", 3),
                            ("number_of_timesteps", None)):
            file.createDimension(name, count)
        for name, kind, place, dimensions in (
                ("x", "f", values[0], ("number_of_points",)),
                ("y", "f", values[1], ("number_of_points",)),
                ("volumes", "i", (np.arange(3 * TRIANGLES) % NODES).reshape(-1, 3),
                 ("number_of_volumes", "number_of_vertices")),
                ("tri_l2g", "i", np.arange(TRIANGLES)[::-1] * 2 + rank, ("number_of_volumes",)),
                ("node_l2g", "i", np.arange(NODES)[::-1] * 2 + rank,
                 ("number_of_triangle_vertices",)),
                ("tri_full_flag", "i", np.ones(TRIANGLES), ("number_of_volumes",)),
                ("time", "d", np.arange(FRAMES), ("number_of_timesteps",)),
                ("stage", "f", values, ("number_of_timesteps", "number_of_points"))):
            file.createVariable(name, kind, dimensions)[:] = place
last = values[-1].copy()
del values
anuga.sww_merge
before = probe.read_memory().rss
assert probe.reset_peak_rss()
anuga.sww_merge("large", 2)
print("MiB", (probe.read_memory().peak_rss - before) >> 20)
with Dataset("large.sww") as file:
    for rank in range(2):
        assert np.array_equal(file["stage"][-1, 2 * NODES - 2 + rank::-2], last)
"""


def test_memory_is_bounded(tmp_path: Path) -> None:
    """240 MB of a quantity, which stock holds at once, pass through 32 MiB."""
    done = subprocess.run([sys.executable, "-c", LARGE], cwd=tmp_path, capture_output=True,
                          text=True)
    assert 0 == done.returncode, done.stderr
    assert int(done.stdout.split()[-1]) < 64
