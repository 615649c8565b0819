"""What probe, stages and tracemalloc say of memory whose amount is known."""

from __future__ import annotations

import mmap
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MIB = 2**20
BLOCK = 24 * MIB
# Page tables are not counted in RSS; what is, beside a block, are the few pages that
# Python uses to carry out a command.
SLACK = MIB // 8
# VmHWM lags: by a batch of pages for each processor (one here, the process is pinned)
# and kind of page; see probe.Memory.
LAG = SLACK + 2 * mmap.PAGESIZE * max(32, 2 * (os.cpu_count() or 1))

GROWTH = ("rss", "pss", "uss")
# Libraries that other processes map too count in PSS by share, which grows when one of those
# ends between two readings: 6 MiB of code, of which one in four becomes one in three.
SHARES = MIB


def about(nbytes: float, slack: int = SLACK) -> Any:
    return pytest.approx(nbytes, abs=slack)


def known(nbytes: float, slack: int = SLACK) -> list[Any]:
    """What RSS, PSS and USS have to grow by where all of it is the process's own."""
    return [about(nbytes, slack), about(nbytes, max(slack, SHARES)), about(nbytes, slack)]


def test_reserved_memory_is_nowhere_before_it_is_touched(process: Any) -> None:
    process.trace()
    found = process.growth("mapping", "block", BLOCK)
    assert known(0) == [found[key] for key in GROWTH]
    assert about(0) == found["allocated"]


def test_touched_memory_counts_page_by_page(process: Any) -> None:
    process.trace()
    process.mapping("block", BLOCK)
    found = process.growth("touch", "block", BLOCK // 3)
    assert known(BLOCK // 3) == [found[key] for key in GROWTH]
    found = process.growth("touch", "block")
    assert known(BLOCK - BLOCK // 3) == [found[key] for key in GROWTH]
    # tracemalloc knows only what Python and numpy allocate.
    assert about(0) == found["allocated"]
    assert about(0) == found["shared"]


def test_unmapped_memory_is_gone_and_stays_in_the_peak(process: Any) -> None:
    before = process.read()
    process.mapping("block", BLOCK)
    process.touch("block")
    process.drop("block")
    after = process.read()
    assert about(before["rss"]) == after["rss"]
    assert about(before["rss"] + BLOCK, LAG) == after["peak_rss"]


def test_a_reset_peak_begins_again_at_what_is_held(process: Any) -> None:
    process.mapping("gone", BLOCK)
    process.touch("gone")
    process.drop("gone")
    if not process.reset_peak():
        pytest.skip("this kernel does not let a process reset its peak")
    reset = process.read()
    assert about(reset["rss"], LAG) == reset["peak_rss"]
    process.mapping("block", BLOCK // 2)
    process.touch("block")
    process.drop("block")
    assert about(reset["rss"] + BLOCK // 2, LAG) == process.read()["peak_rss"]


def test_the_peak_is_never_below_what_is_held(process: Any) -> None:
    for number in range(12):
        process.mapping(str(number), MIB)
        process.touch(str(number))
        found = process.read()
        assert found["peak_rss"] >= found["rss"]


def test_a_large_block_of_malloc_comes_and_goes(process: Any) -> None:
    process.trace()
    found = process.growth("malloc", "block", BLOCK)
    assert known(BLOCK) == [found[key] for key in GROWTH]
    assert about(0) == found["allocated"]
    found = process.growth("free", "block")
    assert known(-BLOCK) == [found[key] for key in GROWTH]


def test_small_blocks_stay_resident_until_malloc_hands_them_back(process: Any) -> None:
    count = BLOCK // 65536
    process.trim()  # what the heap has free already would be used first
    found = process.growth("malloc", "blocks", 65536, count)
    assert known(BLOCK) == [found[key] for key in GROWTH]
    # The last block keeps the heap from shrinking.
    kept = process.growth("free", "blocks", 1)["rss"]
    before = process.read()["rss"]
    if not process.trim():
        pytest.skip("this libc has no malloc_trim")
    assert about(0) == kept
    assert about(65536 - BLOCK) == process.read()["rss"] - before


@pytest.mark.parametrize("kind", ["python", "array"])
def test_tracemalloc_counts_what_is_allocated_not_what_is_resident(
    kind: str, process: Any
) -> None:
    getattr(process, kind)("warm", MIB)  # imports numpy
    process.drop("warm")
    process.trace()
    found = process.growth(kind, "block", BLOCK)
    assert about(BLOCK) == found["allocated"]
    # Python writes the zeros of a bytearray; those of an array exist once it is written.
    # numpy asks for huge pages, whose ends may lie outside of the array.
    at_once, later, slack = (BLOCK, 0, SLACK) if kind == "python" else (0, BLOCK, 2 * MIB + SLACK)
    assert known(at_once) == [found[key] for key in GROWTH]
    found = process.growth("touch", "block")
    assert about(0) == found["allocated"]
    assert known(later, slack) == [found[key] for key in GROWTH]
    found = process.growth("drop", "block")
    assert about(-BLOCK) == found["allocated"]
    assert known(-BLOCK, slack) == [found[key] for key in GROWTH]


def test_a_mapped_file_is_resident_and_the_page_cache_is_not(
    process: Any, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(BLOCK))
    process.trace()
    found = process.growth("read_file", str(path))
    assert known(0) == [found[key] for key in GROWTH]
    process.file("block", str(path))
    found = process.growth("look", "block")
    # No other process has mapped it, so it counts as private.
    assert known(BLOCK) == [found[key] for key in GROWTH]
    assert about(0) == found["allocated"]


def test_two_processes_share_ten_megabytes(start: Callable[..., Any]) -> None:
    """RSS counts them twice, PSS once, USS not at all."""
    nbytes = 10 * MIB
    descriptor = os.memfd_create("block")
    try:
        os.ftruncate(descriptor, nbytes)
        pair = [start(descriptor), start(descriptor)]
        found = [_shared_growth(pair, descriptor, nbytes) for _ in range(5)]
    finally:
        os.close(descriptor)
    # PSS has the libraries in it, and changes with any Python that starts or ends meanwhile.
    growth = {key: statistics.median(each[key] for each in found) for key in found[0]}
    assert about(2 * nbytes, 2 * SLACK) == growth["rss"]
    assert about(nbytes, 2 * SLACK) == growth["pss"]
    assert about(0, 2 * SLACK) == growth["uss"]
    assert about(2 * nbytes, 2 * SLACK) == growth["shared"]


def _shared_growth(pair: list[Any], descriptor: int, nbytes: int) -> dict[str, int]:
    """By figure, the sum over two processes with a shared block less that without."""
    before = [each.read() for each in pair]
    for each in pair:
        each.shared("block", descriptor, nbytes)
        each.touch("block")
    after = [each.read() for each in pair]
    for each in pair:
        each.drop("block")
    return {key: sum(late[key] - early[key] for early, late in zip(before, after, strict=True))
            for key in (*GROWTH, "shared")}


def test_one_process_alone_shares_nothing(start: Callable[..., Any]) -> None:
    descriptor = os.memfd_create("block")
    try:
        os.ftruncate(descriptor, BLOCK)
        process = start(descriptor)
        process.shared("block", descriptor, BLOCK)
        found = process.growth("touch", "block")
    finally:
        os.close(descriptor)
    assert known(BLOCK) == [found[key] for key in GROWTH]


def test_a_fork_shares_until_somebody_writes(process: Any) -> None:
    process.mapping("block", BLOCK)
    process.touch("block")
    before = process.read()
    process.fork()
    forked = process.read()
    assert about(before["rss"]) == forked["rss"]
    # All that was private is shared now, the interpreter's own memory too.
    assert forked["uss"] < before["uss"] - BLOCK + SLACK
    assert forked["pss"] < before["pss"] - BLOCK / 2 + SLACK
    assert forked["shared"] > BLOCK
    process.reap()
    process.fork("block")
    written = process.read()
    assert about(BLOCK, MIB // 2) == written["uss"] - forked["uss"]
    process.reap()
    assert about(before["uss"]) == process.read()["uss"]


def test_stages_have_a_peak_each(process: Any) -> None:
    process.trace()
    process.begin_stages()
    process.python("first", BLOCK)
    process.touch("first")
    process.drop("first")
    first = process.end_stage("first")
    process.python("second", BLOCK // 3)
    process.touch("second")
    second = process.end_stage("second")
    last = process.end_stage("last")
    if not process.reset_peak():
        pytest.skip("this kernel does not let a process reset its peak")
    assert about(BLOCK, LAG) == first["peak_rss"] - first["rss"]
    assert about(BLOCK) == first["peak_allocated"] - first["allocated"]
    assert about(BLOCK // 3) == second["rss"] - first["rss"]
    assert about(second["rss"], LAG) == second["peak_rss"]
    assert about(BLOCK // 3) == second["peak_allocated"] - first["allocated"]
    assert about(second["rss"], LAG) == last["peak_rss"]
    assert about(second["allocated"]) == last["peak_allocated"]
    assert about(second["allocated"]) == last["allocated"]
