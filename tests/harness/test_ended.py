"""Runs that end badly: how it is said, and that the others still run."""

from __future__ import annotations

from pathlib import Path

import pytest

from anuga_lean._errors import MeasurementError
from anuga_lean.measure.builds import Build, find
from anuga_lean.measure.cases import Case, memory_record, speed_records
from anuga_lean.measure.measurement import Request, measure

GRAB = """
import mmap
import time
block = mmap.mmap(-1, 200 << 20)
block.write(b"x" * (200 << 20))
time.sleep(1.0)
"""


def script(folder: Path, text: str) -> str:
    path = folder / "script.py"
    path.write_text(text)
    return str(path)


def ended(folder: Path, text: str) -> str:
    with pytest.raises(MeasurementError) as caught:
        measure(Request("stock", script(folder, text)), folder / "run")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_killed_run_is_reported_with_its_signal_and_last_peak(tmp_path: Path) -> None:
    said = ended(tmp_path, GRAB + "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert "was killed by SIGKILL, as by the kernel when memory runs out" in said
    peak = float(said.rpartition("its last peak was ")[2].removesuffix(" MiB"))
    # The block, the bytes that are copied into it, and ANUGA with its libraries.
    assert 480 < peak < 600


def test_a_run_out_of_memory_is_reported_with_the_error(tmp_path: Path) -> None:
    said = ended(tmp_path, "import resource, numpy\n"
                 "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
                 "numpy.ones(1 << 40)\n")
    assert "ended with status 1" in said and "Unable to allocate" in said
    assert "its last peak was" in said


def test_a_script_that_evolves_nothing(tmp_path: Path) -> None:
    assert "evolves no domain of ANUGA's, so there is nothing to compare" in \
        ended(tmp_path, "print(1)\n")


def test_a_script_that_exits_with_an_error(tmp_path: Path) -> None:
    assert "ended with status 3" in ended(tmp_path, "raise SystemExit(3)\n")


def test_an_unknown_mark_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match="no stage or mark 'then' in this run; there are "
                       "import, build, evolve"):
        measure(Request("lean", "dam_break", {"triangles": 100}, steps=1, memray=True, at="then"),
                tmp_path / "run")


@pytest.fixture
def broken(tmp_path: Path) -> Build:
    """A build whose every run dies by a signal."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -SEGV $$\n")
    python.chmod(0o755)
    return Build("broken", "stock", str(python))


def test_a_record_of_a_dead_run_says_so(broken: Build, tmp_path: Path) -> None:
    case = Case("dam_break", {}, [{"triangles": 100}, {"triangles": 400}], steps=1)
    record = memory_record(case, broken, tmp_path)
    assert "was killed by SIGSEGV" in str(record.error) and {} == record.figures
    assert record.command.startswith("python benchmarks/child.py memory dam_break --build broken")


def test_the_others_still_run(broken: Build, tmp_path: Path) -> None:
    case = Case("dam_break", {}, [{"triangles": 100}], steps=2, repeats=2)
    found = speed_records(case, [find("stock"), broken, find("lean")], tmp_path)
    assert [None, None] == [found[name][0].error for name in ("stock", "lean")]
    assert "SIGSEGV" in str(found["broken"][0].error)
    assert 2 <= len(found["lean"][1]) <= 6 and "stock_over_lean" in found["lean"][0].figures


def test_ranks_that_die_are_reported(tmp_path: Path) -> None:
    pytest.importorskip("mpi4py")
    path = script(tmp_path, "raise ValueError('the tide is out')\n")
    with pytest.raises(MeasurementError, match="ValueError: the tide is out"):
        measure(Request("stock", path, numprocs=2), tmp_path / "run")
