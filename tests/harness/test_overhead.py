"""What the harness adds to the processes that it measures: less than 1 MB."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from anuga_lean.measure.measurement import Request, measure

BARE = Path(__file__).with_name("bare.py")
MB = 1_000_000
TRIANGLES, FINALTIME, YIELDSTEP = 2000, 2.0, 1.0
# Which pages of a library are resident depends on what else the machine does: an
# overhead that is there is there every time.
TRIES = 3


def bare(variant: str, folder: Path) -> tuple[int, int, int]:
    """RSS of the script after import and evolution, and its peak."""
    folder.mkdir(exist_ok=True)
    arguments = [variant, str(TRIANGLES), str(FINALTIME), str(YIELDSTEP)]
    done = subprocess.run(
        [sys.executable, str(BARE), *arguments], cwd=folder, check=True, capture_output=True,
        text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    imported, evolved, peak = map(int, done.stderr.splitlines()[-1].split())
    return imported, evolved, peak


def measured(variant: str, folder: Path) -> tuple[int, int, int]:
    """The same of a measuring process."""
    request = Request(variant, "dam_break", {"triangles": TRIANGLES}, finaltime=FINALTIME,
                      yieldstep=YIELDSTEP)
    stages = measure(request, folder)["stages"]
    if stages["import"]["pss"] is None:
        pytest.skip("this kernel does not show smaps_rollup")
    peak = max(stage["peak_rss"] for stage in stages.values())
    return stages["import"]["rss"], stages["evolve"]["rss"], peak


@pytest.mark.parametrize("variant", ["stock", "lean"])
def test_the_harness_adds_less_than_a_megabyte(variant: str, tmp_path: Path) -> None:
    tries = []
    for _ in range(TRIES):
        without = bare(variant, tmp_path / "bare")
        added = [ours - theirs for ours, theirs in
                 zip(measured(variant, tmp_path / "measured"), without, strict=True)]
        tries.append(dict(zip(("imported", "evolved", "peak"), added, strict=True)))
        if all(-MB < nbytes < MB for nbytes in added):
            return
    pytest.fail(f"the harness changes the RSS of a {variant} process by {tries}")


def test_a_measuring_process_loads_nothing_that_can_wait(tmp_path: Path) -> None:
    """Before its first reading; what the harness loads itself it would measure."""
    code = "import sys, anuga_lean.measure.child; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True,
                          capture_output=True, text=True)
    late = {"anuga_lean.arrays.census", "anuga_lean.measure.measurement", "anuga_lean.scenarios",
            "argparse", "numpy", "statistics", "subprocess", "tracemalloc"}
    assert set() == late & set(done.stdout.split())
