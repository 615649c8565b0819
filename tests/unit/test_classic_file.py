"""What is written straight into a classic file is what netCDF4 writes, or nothing."""

from __future__ import annotations

import resource
from contextlib import closing
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean._errors import StoringError
from anuga_lean.stepping import classic_file
from anuga_lean.stepping.classic_file import ClassicFile

FORMATS = ("NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA")
KINDS = ("i1", "i2", "i4", "f4", "f8")
SHAPES = {"fixed": ("n",), "pair": ("n", "two"), "frames": ("t", "n"), "times": ("t",)}
N = 7


def _made(path: Path, form: str, names: list[str]) -> None:
    """Make a file with variables such as frames_f4 and two frames of zeros."""
    with netCDF4.Dataset(path, "w", format=form) as file:
        file.title = "a"
        file.numbers = np.arange(3, dtype="i2")
        for name, length in (("n", N), ("two", 2), ("t", None)):
            file.createDimension(name, length)
        for name in names:
            shape, kind = name.split("_")
            variable = file.createVariable(name, kind, SHAPES[shape])
            variable.units = "of something"
            variable[:] = np.zeros([2 if d == "t" else len(file.dimensions[d])
                                    for d in SHAPES[shape]])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("names", [
    [f"{shape}_{kind}" for kind in KINDS for shape in SHAPES],
    ["fixed_f4", "frames_f4", "times_f8"], ["times_i2"], ["frames_i2", "times_i1"]],
    ids=["all", "frames", "alone", "padded"])
def test_the_bytes_are_those_of_netcdf4(form: str, names: list[str], tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs.nc", tmp_path / "ours.nc"
    values = {name: np.random.default_rng(k).uniform(-90, 90, (4, 2 * N))
              for k, name in enumerate(names)}
    for path in (theirs, ours):
        _made(path, form, names)
    with netCDF4.Dataset(theirs, "a") as file:
        for name in names:
            variable = file.variables[name]
            if "t" not in variable.dimensions:
                variable[:] = values[name][0, : variable.size].reshape(variable.shape)
                continue
            for frame in (1, 2, 3):
                variable[frame] = values[name][frame, : variable[0].size].reshape(
                    variable.shape[1:])
    ours_file = ClassicFile.opened(str(ours))
    assert ours_file is not None
    with closing(ours_file) as file:
        assert (2, set(names)) == (file.frames, set(file.places))
        for name, place in file.places.items():
            for frame in (1, 2, 3) if place.in_frames else (None,):
                some = values[name][frame or 0, : place.length]
                file.put(name, some[:1], frame=frame)
                file.put(name, some[1:], 1, frame=frame)
                np.testing.assert_array_equal(some.astype(place.dtype), file.get(name, frame))
        file.set_frames(4)
    with netCDF4.Dataset(theirs) as file, netCDF4.Dataset(ours) as written:
        for name in names:
            np.testing.assert_array_equal(file.variables[name][:], written.variables[name][:])
    if all(np.dtype(name.split("_")[1]).itemsize >= 4 for name in names):   # no gaps to fill
        assert theirs.read_bytes() == ours.read_bytes()


def test_many_values_go_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classic_file, "_VALUES_AT_ONCE", 3)
    _made(tmp_path / "a.nc", FORMATS[1], ["frames_f4"])
    expected = np.arange(N, dtype=float) / 3
    with closing(ClassicFile(str(tmp_path / "a.nc"))) as file:
        file.put("frames_f4", expected, frame=1)
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        np.testing.assert_array_equal(expected.astype("f4"), file["frames_f4"][1])


@pytest.mark.parametrize(("name", "start", "count", "frame"), [
    ("fixed_f4", 1, N, None), ("fixed_f4", -1, 1, None), ("fixed_f4", 0, 1, 0),
    ("frames_f4", 0, 1, None), ("frames_f4", N, 1, 0)])
def test_no_value_is_written_outside_its_variable(
        name: str, start: int, count: int, frame: int | None, tmp_path: Path) -> None:
    _made(tmp_path / "a.nc", FORMATS[1], ["fixed_f4", "frames_f4"])
    before = (tmp_path / "a.nc").read_bytes()
    with closing(ClassicFile(str(tmp_path / "a.nc"))) as file, \
            pytest.raises(ValueError, match="has no values"):
        file.put(name, np.ones(count), start, frame)
    assert before == (tmp_path / "a.nc").read_bytes()


def test_a_damaged_header_is_left_to_netcdf4(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    _made(path, FORMATS[1], [f"{shape}_f4" for shape in SHAPES])
    whole = path.read_bytes()
    header = whole.index(b"times_f4") + 60      # its last entry
    random = np.random.default_rng(3)
    unread = 0
    for length in range(header):
        path.write_bytes(whole[:length])
        assert ClassicFile.opened(str(path)) is None
    for _ in range(2000):
        damaged = bytearray(whole)
        for at in random.integers(0, header, 2):
            damaged[at] = random.integers(256)
        path.write_bytes(damaged)
        file = ClassicFile.opened(str(path))
        unread += file is None
        if file is not None:
            file.close()
    assert 200 < unread < 2000


def test_other_formats_are_left_to_netcdf4(tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.title = "HDF5"
    assert ClassicFile.opened(str(tmp_path / "a.nc")) is None
    with pytest.raises(FileNotFoundError):
        ClassicFile.opened(str(tmp_path / "b.nc"))


# -- a frame that does not arrive -------------------------------------------------------------


def _domain(folder: Path) -> Any:
    domain = anuga.rectangular_cross_domain(20, 20)
    domain.set_name("a")
    domain.set_datadir(str(folder))
    domain.set_quantity("stage", lambda x, y: 1.0 + 0.1 * x)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(),
                                      anuga.Reflective_boundary(domain)))
    for _ in domain.evolve(yieldstep=0.1, finaltime=0.2):
        pass
    return domain


def _frames(path: Path) -> list[bytes]:
    with netCDF4.Dataset(path) as file:
        return [b"".join(np.asarray(file[name][frame]).tobytes()
                         for name in ("time", "stage", "xmomentum"))
                for frame in range(len(file.dimensions["number_of_timesteps"]))]


def test_a_frame_that_breaks_off_is_not_there(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain, path = _domain(tmp_path), tmp_path / "a.sww"
    before, real = _frames(path), classic_file.os.pwrite
    assert 3 == len(before)
    domain.relative_time += 0.1
    left, broken_off = 0, 0

    def pwrite(*args: Any) -> int:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt     # as a process that is killed here
        left -= 1
        return real(*args)

    monkeypatch.setattr(classic_file.os, "pwrite", pwrite)
    while True:
        left = broken_off
        try:
            domain.store_timestep()
            break
        except KeyboardInterrupt:
            broken_off += 1
            assert before == _frames(path)
    assert broken_off >= 8      # the time, quantities at vertices and centroids, the number
    assert before == _frames(path)[:3]
    assert 4 == len(_frames(path))


def test_a_full_disk_is_said_and_leaves_the_frames_before(tmp_path: Path) -> None:
    domain, path = _domain(tmp_path), tmp_path / "a.sww"
    before, held = _frames(path), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 3000, held[1]))
    try:
        with pytest.raises(StoringError, match=r"a\.sww cannot be written at byte .* 3 frames"):
            for _ in domain.evolve(yieldstep=0.1, duration=0.1):
                pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, held)
    assert before == _frames(path)
