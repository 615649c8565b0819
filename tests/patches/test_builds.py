"""Building: what is installed is what was built just now, or it is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from patches.fake import FILES, make_tree
from verifying.builds import (
    MARKER,
    Copies,
    Wheels,
    installed_source,
    locked,
    make_interpreter,
    requirements,
    site_packages,
)
from verifying.series import PatchError
from verifying.tree import Change, Failure, Tree

PYTHON = Path(sys.executable)
FLOW = Change("anuga/flow.py", 1, 1)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return make_tree(tmp_path / "tree")


@pytest.fixture
def wheels(tree: Tree, tmp_path: Path) -> Wheels:
    return Wheels(tree, tmp_path / "build", PYTHON)


def change(tree: Tree, name: str, text: str) -> None:
    (tree.folder / name).write_text(text)


def imported(python: Path, expression: str) -> str:
    code = f"import anuga, anuga.flow; print({expression})"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True,
                          cwd="/").stdout.strip()


def test_a_wheel_and_the_next_one(wheels: Wheels, tree: Tree, tmp_path: Path) -> None:
    stock = wheels.make(tmp_path / "stock", [], None)
    tree.reset()
    change(tree, "anuga/flow.py", FILES["anuga/flow.py"].replace("1.0e-3", "0.5"))
    patched = wheels.make(tmp_path / "patched", [FLOW], stock)
    assert ["0.001", "0.5"] == [imported(python, "anuga.flow.DRY") for python in (stock, patched)]
    markers = [imported(python, f"anuga.{MARKER}") for python in (stock, patched)]
    assert 2 == len(set(markers)) and all(len(marker) == 32 for marker in markers)
    # what lies beside: pytest, and of ANUGA this one alone
    assert imported(patched, "__import__('pytest').__name__ + anuga.__file__") == \
        f"pytest{site_packages(patched) / 'anuga' / '__init__.py'}"


def test_a_build_that_fails(wheels: Wheels, tree: Tree, tmp_path: Path) -> None:
    change(tree, "anuga/flow.py", "def depth(:\n")
    with pytest.raises(Failure, match=r"^the build fails: SyntaxError: invalid syntax"):
        wheels.make(tmp_path / "patched", [FLOW], None)


def test_a_stale_wheel_is_refused(wheels: Wheels, tree: Tree, tmp_path: Path) -> None:
    change(tree, "stale", "")
    wheels.make(tmp_path / "stock", [], None)
    change(tree, "anuga/flow.py", "DRY = 0.5\n")
    with pytest.raises(Failure, match="the installed anuga/flow.py is not that of the tree"):
        wheels.make(tmp_path / "patched", [FLOW], None)
    with pytest.raises(Failure, match="^a stale ANUGA was installed: .* has the marker .*, this"):
        wheels.make(tmp_path / "patched", [], None)


def test_a_new_file_that_is_not_installed(wheels: Wheels, tree: Tree, tmp_path: Path) -> None:
    change(tree, "anuga/left.py", "new = 1\n")
    with pytest.raises(Failure, match="anuga/left.py .* its folder's meson.build has to list it"):
        wheels.make(tmp_path / "patched", [Change("anuga/left.py", 1, 0)], None)


def test_compiled_code_that_was_not_built_anew(wheels: Wheels, tree: Tree, tmp_path: Path) -> None:
    stock = wheels.make(tmp_path / "stock", [], None)
    kernel = Change("anuga/kernel.c", 1, 1)
    change(tree, "anuga/kernel.c", "int steps(void) { return 2; }\n")
    with pytest.raises(Failure, match="all 1 compiled modules are those of stock"):
        wheels.make(tmp_path / "patched", [kernel], stock)
    change(tree, "anuga/kernel.so", "compiled anew\n")
    wheels.make(tmp_path / "patched", [kernel], stock)


def test_what_cannot_be_imported(wheels: Wheels, tree: Tree, tmp_path: Path) -> None:
    change(tree, "anuga/__init__.py", "import no_such_module\n")
    with pytest.raises(Failure, match="cannot be imported: ModuleNotFoundError: No module named"):
        wheels.make(tmp_path / "patched", [], None)


def test_a_copy_of_what_is_installed(tree: Tree, wheels: Wheels, tmp_path: Path) -> None:
    base = wheels.make(tmp_path / "base", [], None)
    copied = Tree.of(installed_source(tmp_path / "source", base))
    change(copied, "anuga/flow.py", "DRY = 0.25\n")
    patched = Copies(copied, base).make(tmp_path / "patched", [FLOW], None)
    assert ["0.001", "0.25"] == [imported(python, "anuga.flow.DRY") for python in (base, patched)]
    with pytest.raises(Failure, match="anuga/kernel.c is compiled: leave out --installed"):
        Copies(copied, base).make(tmp_path / "other", [Change("anuga/kernel.c", 1, 1)], None)


def test_no_anuga_to_copy(tmp_path: Path) -> None:
    bare, packages = make_interpreter(tmp_path / "bare", PYTHON)
    assert packages == site_packages(bare)
    with pytest.raises(PatchError, match="has no ANUGA beside it: leave out --installed"):
        installed_source(tmp_path / "source", bare)


def test_requirements_are_those_of_the_sdist(tmp_path: Path) -> None:
    (tmp_path / "PKG-INFO").write_text(
        "Metadata-Version: 2.1\nName: anuga\nRequires-Dist: numpy>=2.0.0\n"
        'Requires-Dist: mpi4py; extra == "parallel"\n'
        'Requires-Dist: tomli; python_version < "3.11" and extra == "data"\n'
        'Requires-Dist: sphinx; extra == "docs"\n\nWords.\n')
    found = requirements(tmp_path / "PKG-INFO")
    assert {"meson-python", "numpy>=2.0.0", "mpi4py", 'tomli; python_version < "3.11"'} < set(found)
    assert "sphinx" not in " ".join(found)


def test_who_finds_another_one_building_waits_and_says_so(tmp_path: Path) -> None:
    code = ("import fcntl, sys; lock = open('lock', 'w'); fcntl.flock(lock, fcntl.LOCK_EX); "
            "print('held', flush=True); sys.stdin.read()")
    said: list[str] = []
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdin is not None
        assert "held\n" == other.stdout.readline()

        def progress(line: str) -> None:
            said.append(line)
            assert other.stdin is not None
            other.stdin.close()

        with locked(tmp_path, progress):
            assert 0 == other.wait()
    assert [f"wait for another verify, which builds in {tmp_path}"] == said
