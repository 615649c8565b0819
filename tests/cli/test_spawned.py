"""What a script starts under `anuga_lean run` is lean, and nothing else is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest

STARTUP_FILE = "anuga_lean.pth"

# Prints "lean" or "stock" for a domain of its own; one write, so that ranks do not mix.
CHILD = """\
import sys
import anuga
domain = anuga.rectangular_cross_domain(2, 2)
sys.stdout.write("lean\\n" if getattr(domain, "lean", None) else "stock\\n")
"""
# Starts what its arguments say, in the environment it has.
PARENT = """\
import subprocess, sys
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A folder with parent.py and child.py."""
    (tmp_path / "child.py").write_text(CHILD)
    (tmp_path / "parent.py").write_text(PARENT)
    return tmp_path


@pytest.fixture(scope="module")
def startup_line() -> str:
    """The line python reads at every start."""
    return (Path(sysconfig.get_path("platlib")) / STARTUP_FILE).read_text()


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder with python's own folder first on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120,
        env=os.environ | {"PATH": path} | variables,
    )


def lean_parent(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Start this command from a script under `anuga_lean run`."""
    return run(folder, sys.executable, "-m", "anuga_lean", "run", "parent.py", *command)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a process printed that ended well and did not complain."""
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "child.py"),
        ("python", "child.py"),
        (sys.executable, "-E", "child.py"),
        (sys.executable, "-I", "child.py"),
        (sys.executable, "-m", "anuga_lean", "run", "child.py"),
        (sys.executable, "parent.py", sys.executable, "child.py"),
    ],
    ids=["sys.executable", "python", "-E", "-I", "run in run", "grandchild"],
)
def test_what_a_script_starts_is_lean(command: tuple[str, ...], scripts: Path) -> None:
    assert "lean\n" == said(lean_parent(scripts, *command))


def test_without_run_it_is_stock(scripts: Path) -> None:
    command = (sys.executable, "parent.py", sys.executable, "child.py")
    assert "stock\n" == said(run(scripts, *command))


@pytest.mark.parametrize("value", ["", "0"])
def test_the_variable_switches_it_off(value: str, scripts: Path) -> None:
    assert "stock\n" == said(run(scripts, sys.executable, "child.py", ANUGA_LEAN=value))
    assert "lean\n" == said(run(scripts, sys.executable, "child.py", ANUGA_LEAN="run"))


@pytest.mark.skipif(find_spec("mpi4py") is None, reason="needs mpi4py")
def test_ranks_of_mpiexec_are_lean(scripts: Path) -> None:
    mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which(
        "mpiexec")
    if mpiexec is None:
        pytest.skip("mpi4py is there but no mpiexec")
    done = run(
        scripts, sys.executable, "-m", "anuga_lean", "run", "parent.py",
        mpiexec, "-n", "2", sys.executable, "child.py",
        OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
        PRTE_MCA_rmaps_default_mapping_policy=":oversubscribe",
    )
    assert (0, "lean\nlean\n") == (done.returncode, done.stdout), done.stderr


def test_multiprocessing_starts_lean_processes(scripts: Path) -> None:
    (scripts / "pool.py").write_text(
        "import multiprocessing\n"
        "def which(number):\n"
        "    import anuga\n"
        "    return anuga.rectangular_cross_domain(2, 2).lean is not None\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(which, [1]))\n"
    )
    done = run(scripts, sys.executable, "-m", "anuga_lean", "run", "pool.py")
    assert "[True]\n" == said(done)


def test_measurements_of_stock_stay_stock(tmp_path: Path) -> None:
    done = run(
        tmp_path, sys.executable, "-m", "anuga_lean", "compare", "dam_break", "--triangles", "100",
        "--steps", "5", "--json", "c.json", ANUGA_LEAN="run",
    )
    assert 0 == done.returncode, done.stderr
    found = json.loads((tmp_path / "c.json").read_text())
    assert found["identical"]
    for variant in ("stock", "lean"):
        assert variant == found[variant][0]["runs_on"]


def test_the_startup_file_is_removed_with_the_package() -> None:
    files = [str(file) for file in metadata.files("anuga_lean") or ()]
    assert STARTUP_FILE in files


# The line itself, in a python that may or may not have the package.


def start(line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A bare python whose only site folder is this one, with the line in it."""
    (folder / STARTUP_FILE).write_text(line)
    source = (
        f"import site, sys; site.addsitedir({str(folder)!r}); print('anuga_lean' in sys.modules)"
    )
    return run(folder, sys.executable, "-S", "-E", "-c", source, **variables)


def test_the_line_is_inert_without_the_variable(startup_line: str, tmp_path: Path) -> None:
    (tmp_path / "anuga_lean.py").write_text("raise SystemExit('loaded')")
    assert "False\n" == said(start(startup_line, tmp_path))


@pytest.mark.parametrize(
    "left", [None, "", "raise OSError('torn')", "import no_such_module", "x = = 1"],
    ids=["missing", "empty", "torn", "half removed", "syntax"],
)
def test_a_missing_package_is_one_sentence(
    left: str | None, startup_line: str, tmp_path: Path
) -> None:
    if left is not None:
        (tmp_path / "anuga_lean.py").write_text(left)
    done = start(startup_line, tmp_path, ANUGA_LEAN="run")
    assert 0 == done.returncode
    if left == "":
        assert ("True\n", "") == (done.stdout, done.stderr)
        return
    assert "False\n" == done.stdout
    assert 1 == len(done.stderr.splitlines()), done.stderr
    assert done.stderr.startswith("ANUGA_LEAN is set but anuga_lean cannot be loaded")


def test_run_says_when_children_cannot_become_lean(tmp_path: Path, scripts: Path) -> None:
    source = (
        "import site, sys; site.getsitepackages = lambda: []; site.ENABLE_USER_SITE = False\n"
        "from anuga_lean.__main__ import main\n"
        f"sys.exit(main(['run', 'parent.py', {sys.executable!r}, '-c', '']))\n"
    )
    done = run(scripts, sys.executable, "-c", source)
    assert 0 == done.returncode
    assert 1 == len(done.stderr.splitlines()), done.stderr
    assert "a process is started that will run stock ANUGA" in done.stderr
