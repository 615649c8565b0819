"""Windows gets one sentence; on macOS what needs Linux says so, and the rest runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRETENCE = Path(__file__).parent / "as_macos.py"
WINDOWS = """
[binaries]
c = 'no-compiler'
[host_machine]
system = 'windows'
cpu_family = 'x86_64'
cpu = 'x86_64'
endian = 'little'
"""
SCRIPT = """
import anuga_lean as anuga
domain = anuga.rectangular_cross_domain(8, 8)
domain.set_boundary({tag: anuga.Reflective_boundary(domain) for tag in domain.get_boundary_tags()})
for t in domain.evolve(yieldstep=0.1, finaltime=0.2):
    print(f"at {t:.1f} s")
"""
STUDY = 'script = "script.py"\n[grid]\nrain = [1.0, 2.0]\n'


@pytest.mark.skipif(not shutil.which("meson"), reason="needs meson on the path")
@pytest.mark.skipif(not shutil.which("ninja"), reason="needs ninja on the path")
def test_windows_is_refused_before_a_compiler_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "windows.ini").write_text(WINDOWS)
    done = subprocess.run(
        ["meson", "setup", "--cross-file", tmp_path / "windows.ini", tmp_path / "build", ROOT],
        capture_output=True, text=True)
    errors = [line for line in done.stdout.splitlines() if "ERROR" in line]
    assert (1, 1) == (done.returncode, len(errors)), done.stdout + done.stderr
    assert "anuga_lean does not run on Windows" in errors[0] and "WSL 2" in errors[0]


def on_macos(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the command line as on macOS in a folder with a script and a study."""
    (folder / "script.py").write_text(SCRIPT)
    (folder / "rain.toml").write_text(STUDY)
    done = subprocess.run([sys.executable, PRETENCE, *arguments], cwd=folder, timeout=100,
                          capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    return done.returncode, said


def test_a_script_runs_on_macos_and_its_guard_says_what_is_not_watched(tmp_path: Path) -> None:
    code, said = on_macos(tmp_path, "run", "--guard", "script.py")
    assert (0, True) == (code, "at 0.2 s" in said), said
    assert "/proc/meminfo cannot be read: memory is not watched by it." in said
    assert "the record has no peaks of stages." in said


def test_a_plan_on_macos_asks_for_the_limit(tmp_path: Path) -> None:
    code, said = on_macos(tmp_path, "plan", "--triangles", "100000")
    assert 0 == code and "none can be read here (no /proc): give --limit" in said, said


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("watch", "1"), "is read in /proc, which this system does not have"),
    (("study", "run", "rain.toml"), "what only Linux has (prctl, /proc): run the study there"),
])
def test_what_needs_linux_says_so_on_macos(
        arguments: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    code, said = on_macos(tmp_path, *arguments)
    assert 1 <= code <= 2 and sentence in said, said


@pytest.mark.slow
def test_the_kernels_are_compared_on_macos(tmp_path: Path) -> None:
    code, said = on_macos(tmp_path, "selfcheck", "--states", "5", "--only", "boundaries")
    assert 0 == code and "SAME: " in said, said
