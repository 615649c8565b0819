"""Reading a series: order, needs, names, and a sentence on whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from patches.fake import FILES, make_patch, make_tree
from verifying.series import PatchError, read_series, select


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three patches, the third of which needs the second and so the first."""
    tree, folder = make_tree(tmp_path / "tree"), tmp_path / "4.1.0"
    flow = "anuga/flow.py"
    make_patch(tree, folder, "0001-dry", {flow: ("1.0e-3", "1.0e-4")}, "none")
    make_patch(tree, folder, "0002-wet", {flow: ("1.0e-4", "1.0e-5")},
               "0001 (the line\n  is the same)")
    make_patch(tree, folder, "0003-deep", {flow: ("1.0e-5", "1.0e-6")},
               "0002-wet (its\n  lines lie beside those of this one)")
    return folder


def test_the_order_and_what_each_needs(folder: Path) -> None:
    found = read_series(folder)
    assert ["0001-dry", "0002-wet", "0003-deep"] == [patch.name for patch in found]
    assert [(), ("0001-dry",), ("0001-dry", "0002-wet")] == [patch.needs for patch in found]
    assert "Change 0002-wet" == found[1].subject


@pytest.mark.parametrize("names, chosen", [
    ([], ["0001-dry", "0002-wet", "0003-deep", "series"]),
    (["3", "dry"], ["0001-dry", "0003-deep"]),
    (["series", "0002-wet.patch", "0002"], ["0002-wet", "series"]),
])
def test_a_patch_has_several_names(folder: Path, names: list[str], chosen: list[str]) -> None:
    assert chosen == select(read_series(folder), names)


def test_a_name_that_there_is_not(folder: Path) -> None:
    with pytest.raises(PatchError, match=r"^there is no patch 'shallow'; there are 0001-dry, "
                       "0002-wet, 0003-deep, and series for all of them in order$"):
        select(read_series(folder), ["dry", "shallow"])


@pytest.mark.parametrize("change, message", [
    (lambda folder: (folder / "series").unlink(), "there is no .*series: give the folder"),
    (lambda folder: (folder / "series").write_text("# none\n"), "lists no patch"),
    (lambda folder: (folder / "series").write_text("dry.patch\n"), "no NNNN-topic.patch"),
    (lambda folder: (folder / "0002-wet.patch").unlink(), "0002-wet.patch, which is not there"),
    (lambda folder: (folder / "0009-x.patch").touch(), "does not list 0009-x.patch"),
    (lambda folder: (folder / "0001-dry.patch").write_text("diff --git a/x b/x\n"),
     "has no From: and Subject:"),
    (lambda folder: (folder / "series").write_text(
        "0003-deep.patch\n0001-dry.patch\n0002-wet.patch\n"), "which is no earlier patch"),
    (lambda folder: (folder / "0002-wet.patch").write_text(
        (folder / "0002-wet.patch").read_text().replace("Needs: 0001 (", "Needs: dry (")),
     "says 'Needs: dry': name the patches"),
])
def test_what_is_wrong_with_a_series(folder: Path, change: Callable[[Path], object],
                                        message: str) -> None:
    change(folder)
    with pytest.raises(PatchError, match=message) as caught:
        read_series(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("release", ["4.1.0", "4.2.0"])
def test_the_series_of_a_release_can_be_read(release: str) -> None:
    assert 15 == len(read_series(Path(__file__).resolve().parents[2] / "patches" / release))


def test_a_tree_is_left_as_it_was(tmp_path: Path) -> None:
    tree = make_tree(tmp_path)
    (tmp_path / "anuga" / "flow.py").write_text("other\n")
    (tmp_path / "anuga" / "new.py").write_text("new\n")
    tree.reset()
    assert FILES["anuga/flow.py"] == (tmp_path / "anuga" / "flow.py").read_text()
    assert not (tmp_path / "anuga" / "new.py").exists()
