"""Reading /proc, on fixture folders and on this very process."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from anuga_lean._errors import ProbeError
from anuga_lean.measure.probe import Memory, family, read_available, read_memory, reset_peak_rss

STATUS = "Name:\tpython\nVmPeak:\t  900 kB\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\nThreads:\t1\n"
ROLLUP = (
    "55d0-7ffe ---p 00000000 00:00 0    [rollup]\n"
    "Rss:      200 kB\nPss:      150 kB\nShared_Clean:  80 kB\n"
    "Private_Clean:  20 kB\nPrivate_Dirty:  100 kB\n"
)


def fixture(root: Path, status: str = STATUS, rollup: str | None = ROLLUP) -> Path:
    folder = root / "proc" / "17"
    folder.mkdir(parents=True)
    (folder / "status").write_text(status)
    if rollup is not None:
        (folder / "smaps_rollup").write_text(rollup)
    return root


def test_every_figure_is_in_bytes(tmp_path: Path) -> None:
    expected = Memory(rss=204_800, pss=153_600, uss=122_880, peak_rss=307_200)
    assert expected == read_memory(17, fixture(tmp_path))


def test_without_smaps_rollup_only_rss_is_known(tmp_path: Path) -> None:
    assert Memory(204_800, None, None, 307_200) == read_memory(17, fixture(tmp_path, rollup=None))


def test_the_sum_over_page_tables_overrules_the_counters(tmp_path: Path) -> None:
    """Since Linux 6.2 VmRSS and VmHWM may lag."""
    rollup = ROLLUP.replace("Rss:      200 kB", "Rss:      340 kB")
    found = read_memory(17, fixture(tmp_path, rollup=rollup))
    assert Memory(348_160, 153_600, 122_880, peak_rss=348_160) == found
    assert 348_160 - 122_880 == found.shared


def test_what_is_shared_is_not_known_without_smaps_rollup(tmp_path: Path) -> None:
    assert read_memory(17, fixture(tmp_path, rollup=None)).shared is None


def test_a_kernel_thread_has_no_memory_to_read(tmp_path: Path) -> None:
    root = fixture(tmp_path, status="Name:\tkthreadd\nThreads:\t1\n")
    with pytest.raises(ProbeError, match="no VmRSS"):
        read_memory(17, root)


def test_a_missing_process_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Linux only"):
        read_memory(18, fixture(tmp_path))


def test_reset_writes_the_one_value_that_clears_the_peak(tmp_path: Path) -> None:
    root = fixture(tmp_path)
    assert reset_peak_rss(17, root)
    assert "5" == (root / "proc" / "17" / "clear_refs").read_text()


def test_reset_says_when_it_is_not_allowed(tmp_path: Path) -> None:
    assert not reset_peak_rss(19, tmp_path)


@pytest.mark.memory
def test_this_process_sees_an_array_come_and_go() -> None:
    nbytes = 64 * 1024 * 1024
    before = read_memory()
    array = np.ones(nbytes, np.uint8)
    held = read_memory()
    # Whatever else this process allocates meanwhile: pytest, a buffer of read_memory.
    assert nbytes == pytest.approx(held.rss - before.rss, abs=2**18)
    assert held.peak_rss >= held.rss
    del array
    if not reset_peak_rss():
        pytest.skip("this kernel does not let a process reset its peak")
    assert read_memory().peak_rss < held.peak_rss - nbytes // 2


def test_what_processes_can_still_take(tmp_path: Path) -> None:
    assert read_available(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal:  900 kB\nMemAvailable:  700 kB\n")
    assert 716_800 == read_available(tmp_path)
    assert 2**26 < read_available() < 2**45


def test_a_family_of_which_one_ends_meanwhile(tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    thread = fixture(tmp_path) / "proc" / "17" / "task" / "17"
    thread.mkdir(parents=True)
    (thread / "children").write_text("18 19 ")
    (tmp_path / "proc" / "19" / "task" / "19").mkdir(parents=True)      # no children: it ends
    listed = os.listdir

    def ending(path: Path) -> list[str]:
        if "18" in path.parts:
            raise ProcessLookupError(3, "No such process", str(path))
        return listed(path)

    monkeypatch.setattr(os, "listdir", ending)
    assert [17, 19, 18] == family(17, tmp_path)
