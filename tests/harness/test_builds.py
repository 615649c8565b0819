"""Finding the ANUGA that is to be measured: what there is not is said in one sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from anuga_lean._errors import BuildError
from anuga_lean.measure.builds import MEASURED_WITH, UNDECLARED, Build, find


def test_stock_and_lean_are_of_this_environment() -> None:
    assert [Build("stock", "stock", sys.executable), Build("lean", "lean", sys.executable)] == \
        [find(name) for name in ("stock", "lean")]
    assert Build("lean-v3", "lean", sys.executable, "v3") == find("lean-v3")


def test_an_interpreter_with_anuga_is_a_build() -> None:
    found = find(f"patched={sys.executable}")
    assert ("patched", "stock", sys.executable) == (found.label, found.variant, found.python)


@pytest.mark.parametrize("name, message", [
    ("fat", "there is no build 'fat': give stock, lean, a version of ANUGA such as 3.3.10"),
    ("lean-v9", "there is no build 'lean-v9'"),
    ("lean-v9@4.1.0", "there is no build 'lean-v9@4.1.0'"),
    ("lean@", "there is no build 'lean@'"),
    ("stock@4.1.0", "there is no build 'stock@4.1.0'"),
    ("lean@newest", "there is no build 'lean@newest'"),
    ("patched=/no/such/python", "'/no/such/python' is no interpreter that can be run"),
    ("=/usr/bin/python3", "is no interpreter that can be run: give LABEL=PATH"),
])
def test_what_is_not_there(name: str, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        find(name)


def test_an_interpreter_without_anuga(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f"#!/bin/sh\nexec {sys.executable} -I -S \"$@\"\n")
    bare.chmod(0o755)
    with pytest.raises(BuildError, match="has no anuga: install one there"):
        find(f"bare={bare}")


def test_a_version_that_does_not_exist_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"no environment with anuga 0\.0\.99, because .* failed"):
        find("0.0.99", tmp_path)
    assert [] == [path.name for path in tmp_path.iterdir() if path.is_dir()]


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / f"anuga-1.2.3-cp{sys.version_info[0]}{sys.version_info[1]}"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    (folder / "complete").write_text("\n".join(["anuga==1.2.3", *MEASURED_WITH, *UNDECLARED]))
    python = str(folder / "bin" / "python")
    assert Build("1.2.3", "stock", python, None, "1.2.3") == find("1.2.3", tmp_path)
    assert Build("lean@1.2.3", "lean", python, None, "1.2.3") == find("lean@1.2.3", tmp_path)
    assert Build("lean-v3@1.2.3", "lean", python, "v3", "1.2.3") == find("lean-v3@1.2.3", tmp_path)
