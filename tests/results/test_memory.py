"""What reading takes over what it returns does not grow with the frames of a file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TRIANGLES, FRAMES = 102_400, 12
# Bytes per triangle over what is returned, and what stock takes; rows are 65,536 places long, so
# that fixed amounts are two thirds of it here.
MOST = {
    "get_output": 45,                           # 66
    "get_output, 'max'": 60,                    # 191
    "get_centroids": 100,                       # 185
    "get_centroids, 'max'": 110,                # 424
    "Make_Geotif, 'max'": 130,                  # 498
    "Make_Geotif, 'all'": 130,                  # 550
    "file_function": 210,                       # 1059
    "get_flow_through_cross_section": 190,      # 637
    "get_energy_through_cross_section": 210,    # 1365
    "SWW_plotter: max_speed": 90,               # 104
}


@pytest.mark.slow
@pytest.mark.memory
def test_frames_are_not_held(tmp_path: Path) -> None:
    """Measured as benchmarks/reading_results.py measures it, with some room."""
    script = Path(__file__).resolve().parents[2] / "benchmarks" / "reading_results.py"
    cases = [each for name in MOST for each in ("--case", name)]
    subprocess.run(
        [sys.executable, str(script), "--triangles", str(TRIANGLES), "--frames", str(FRAMES),
         "--variant", "lean", "--json", "found.json", *cases],
        cwd=tmp_path, check=True, capture_output=True, text=True, timeout=300)
    found = json.loads((tmp_path / "found.json").read_text())["cases"]
    over = {name: figures["lean"]["peak"] - figures["lean"]["returned"]
            for name, figures in found.items()}
    assert {} == {name: round(nbytes) for name, nbytes in over.items() if nbytes > MOST[name]}
