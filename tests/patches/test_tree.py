"""Applying: what goes on, what does not and is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from patches.fake import make_patch, make_tree
from verifying.series import read_series
from verifying.tree import Change, Failure, Tree

FLOW = "anuga/flow.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two patches of one line, the second on top of the first."""
    tree = make_tree(tmp_path / "tree")
    make_patch(tree, tmp_path / "4.1.0", "0001-dry", {
        FLOW: ("1.0e-3", "1.0e-4"), "anuga/tests/test_dry.py": ("", "def test():\n    pass\n")})
    make_patch(tree, tmp_path / "4.1.0", "0002-wet", {
        FLOW: ("1.0e-4", "1.0e-5"), "anuga/kernel.c": ("return 1", "return 2")}, "0001-dry")
    tree.reset()
    return tmp_path


def test_one_and_all(folder: Path) -> None:
    tree, patches = Tree.of(folder / "tree"), read_series(folder / "4.1.0")
    tree.apply(patches[:1])
    assert "DRY = 1.0e-4" in (folder / "tree" / FLOW).read_text()
    assert (folder / "tree" / "anuga/tests/test_dry.py").exists()
    tree.apply(patches)
    assert "DRY = 1.0e-5" in (folder / "tree" / FLOW).read_text()
    tree.reset()
    assert "DRY = 1.0e-3" in (folder / "tree" / FLOW).read_text()
    assert not (folder / "tree" / "anuga/tests/test_dry.py").exists()


def test_what_changes(folder: Path) -> None:
    tree, patches = Tree.of(folder / "tree"), read_series(folder / "4.1.0")
    assert {Change(FLOW, 1, 1), Change("anuga/tests/test_dry.py", 2, 0)} == \
        set(tree.changes(patches[0]))
    assert [True, False] == [change.compiled for change in sorted(
        tree.changes(patches[1]), key=lambda change: not change.compiled)]


def test_a_patch_that_needs_another_one_does_not_apply_alone(folder: Path) -> None:
    tree, patches = Tree.of(folder / "tree"), read_series(folder / "4.1.0")
    with pytest.raises(Failure, match="^0002-wet.patch does not apply: error: patch failed: "
                       "anuga/flow.py:2$"):
        tree.apply(patches[1:])
    tree.apply(patches)  # and nothing of it is left behind


def test_a_torn_patch(folder: Path) -> None:
    path = folder / "4.1.0" / "0001-dry.patch"
    text = path.read_text()
    path.write_text(text[: text.index("DRY = 1.0e-4")])
    with pytest.raises(Failure, match="^0001-dry.patch is no patch: error: corrupt patch"):
        Tree.of(folder / "tree").apply(read_series(folder / "4.1.0")[:1])


def test_patch_has_to_make_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = folder / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    for script, message in (
            ("echo 'patch: **** no'; exit 1", r"with patch -p1: patch: \*\*\*\* no"),
            ("exit 0", "makes another anuga/flow.py with patch -p1 than")):
        (programs / "patch").write_text(f"#!/bin/sh\n{script}\n")
        (programs / "patch").chmod(0o755)
        with pytest.raises(Failure, match=message):
            Tree.of(folder / "tree").apply(read_series(folder / "4.1.0")[:1])


def test_carriage_returns_stay(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    make_patch(tree, tmp_path / "4.1.0", "0001-two", {"examples/run.py": ("two = 2", "two = 3")})
    tree.apply(read_series(tmp_path / "4.1.0"))
    assert b"one = 1\r\ntwo = 3\r\n" == (tmp_path / "tree" / "examples/run.py").read_bytes()
