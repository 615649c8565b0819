"""The arrays of a step move into huge pages, where Linux gives them, with what they hold."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean.stepping import huge_pages

MIB = 1 << 20
MAPPED = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(huge_pages.NUMPYS_SWITCH, raising=False)
    huge_pages._page_size.cache_clear()


def filled(nbytes: int) -> np.ndarray:
    """An array on small pages, every one of them written."""
    room = mmap.mmap(-1, nbytes, MAPPED)
    room.madvise(mmap.MADV_NOHUGEPAGE)
    array = np.frombuffer(room, np.float64)
    array[:] = np.arange(len(array))
    room.madvise(mmap.MADV_HUGEPAGE)        # takes the one above back
    return array


def in_huge_pages(array: np.ndarray) -> int:
    """Bytes of the mapping of an array that are in huge pages."""
    at, found, inside = array.ctypes.data, 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            begin, end = (int(each, 16) for each in words[0].split("-"))
            inside = begin <= at < end
        elif inside and words[0] == "AnonHugePages:":
            found += int(words[1]) * 1024
    return found


def needs_huge_pages() -> None:
    if huge_pages.move([filled(32 * MIB)]) == 0:
        pytest.skip("this machine gives no huge pages on request")


def test_what_was_written_before_is_moved() -> None:
    needs_huge_pages()
    array = filled(32 * MIB)
    before = in_huge_pages(array)
    moved = huge_pages.move([array])
    assert 0 < moved <= 32 * MIB            # not all of them, where memory is in pieces
    assert in_huge_pages(array) >= before + moved
    assert np.array_equal(array, np.arange(len(array)))


def test_arrays_side_by_side_are_moved_together() -> None:
    needs_huge_pages()
    array = filled(32 * MIB)
    parts = np.split(array, 32)             # of 1 MiB each: none is a whole huge page
    assert 0 < huge_pages.move(parts) <= 32 * MIB


def test_where_nothing_is_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    array = filled(32 * MIB)
    assert 0 == huge_pages.move([])
    assert 0 == huge_pages.move([None, 3, array[:1000], array[::2], "text"])
    monkeypatch.setenv(huge_pages.NUMPYS_SWITCH, "0")
    assert 0 == huge_pages.move([array])
    monkeypatch.delenv(huge_pages.NUMPYS_SWITCH)
    monkeypatch.setattr(huge_pages, "_SYSTEM", tmp_path)
    for enabled in (None, "always madvise [never]"):
        if enabled is not None:
            (tmp_path / "enabled").write_text(enabled)
        (tmp_path / "hpage_pmd_size").write_text("2097152")
        huge_pages._page_size.cache_clear()
        assert 0 == huge_pages.move([array])
    monkeypatch.undo()
    huge_pages._page_size.cache_clear()


def test_what_linux_refuses_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huge_pages, "_madvise", lambda: lambda *given: -1)
    array = filled(32 * MIB)
    assert 0 == huge_pages.move([array])
    assert np.array_equal(array, np.arange(len(array)))


@pytest.mark.parametrize("algorithm", ["DE0", "DE1", "DE2", "DE_ader2"])
def test_once_in_a_run_whatever_the_algorithm(algorithm: str,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[object]] = []
    monkeypatch.setattr(huge_pages, "move", given.append)
    domain = anuga.rectangular_cross_domain(10, 10)
    domain.set_flow_algorithm(algorithm)
    domain.set_store(False)
    domain.set_quantity("stage", lambda x, y: 1.0 + 0.1 * x)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    for _ in domain.evolve(yieldstep=0.1, finaltime=0.3):
        pass
    (arrays,) = given
    addresses = {each.ctypes.data for each in arrays if isinstance(each, np.ndarray)}
    stage = domain.quantities["stage"].centroid_values
    assert {stage.ctypes.data, domain.mesh.blocks.vertex.ctypes.data} <= addresses
