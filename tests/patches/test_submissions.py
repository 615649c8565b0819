"""A user's own patch: whether it fits, which hunk does not, and for which release it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from patches.fake import FILES, make_tree
from verifying import report
from verifying.series import Patch, PatchError
from verifying.submissions import given, of_files, put
from verifying.tree import Change, Failure, Tree
from verifying.verdicts import Verdict
from verifying.verifier import PLAN, Verifier, rule

FLOW = "anuga/flow.py"
DIFF = ("--- a/anuga/flow.py\n+++ b/anuga/flow.py\n@@ -2,4 +2,4 @@\n     return stage - bed\n \n \n"
        "-DRY = 1.0e-3\n+DRY = 1.0e-4\n")
MAIL = ("From " + "0" * 40 + " Mon Sep 17 00:00:00 2001\nFrom: A <a@b.c>\nSubject: [PATCH 1/2] Dry"
        "\n earlier\n\nWhy.\n---\n\n" + DIFF + "-- \n2.39\n\n")
NEXT = MAIL.replace("-DRY = 1.0e-3", "-DRY = 1.0e-4").replace("+DRY = 1.0e-4", "+DRY = 1.0e-5")
OTHER = {**FILES, FLOW: FILES[FLOW].replace("1.0e-3", "7.0e-3")}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return make_tree(tmp_path / "tree")


@pytest.fixture
def submit(tree: Tree, tmp_path: Path) -> Callable[..., list[Change]]:
    def act(*texts: str, others: dict[str, bool | None] | None = None) -> list[Change]:
        paths = [tmp_path / f"x{number}.patch" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text.encode())
        return put(of_files(paths, "ANUGA 4.2.0"), tree, lambda patch: others or {})
    return act


def test_one_that_fits(submit: Callable[..., list[Change]], tree: Tree) -> None:
    assert [Change(FLOW, 1, 1)] == submit(DIFF)
    assert "DRY = 1.0e-4" in (tree.folder / FLOW).read_text()


@pytest.mark.parametrize("texts", [(MAIL + NEXT,), (MAIL, NEXT)])
def test_several_go_on_one_after_the_other(submit: Callable[..., list[Change]], tree: Tree,
                                           texts: tuple[str, ...]) -> None:
    assert [Change(FLOW, 2, 2)] == submit(*texts)
    assert "DRY = 1.0e-5" in (tree.folder / FLOW).read_text()


def test_it_has_a_name_a_subject_and_a_digest(tmp_path: Path) -> None:
    path = tmp_path / "../x/..fix;rm.patch"
    (tmp_path.parent / "x").mkdir(exist_ok=True)
    path.write_text(MAIL)
    found = of_files([path], "ANUGA 4.2.0")
    assert ("fix-rm", "Dry earlier") == (found.name, found.subject)
    assert 64 == len(found.origin["files"]["..fix;rm.patch"])


@pytest.mark.parametrize("texts, others, message", [
    ((DIFF.replace("1.0e-3", "2.0e-3"),), {},
     "x0 does not fit ANUGA 4.2.0: hunk 1 of 1 in anuga/flow.py, line 2; make it anew on that, or"),
    ((DIFF.replace("1.0e-3", "2.0e-3"),), {"4.1.0": True},
     "line 2; it fits ANUGA 4.1.0: --release 4.1.0 verifies it there"),
    ((DIFF.replace("1.0e-3", "2.0e-3"),), {"4.1.0": None}, r"\(4.1.0 was not tried: no verify"),
    ((DIFF.replace("flow", "ebb"),), {}, "there is no anuga/ebb.py in it"),
    ((DIFF.replace("-DRY = 1.0e-3\n+DRY = 1.0e-4", "-DRY = 0.0\n+DRY = 1.0e-3"),), {},
     "x0 is in ANUGA 4.2.0 already"),
    (("--- a/examples/run.py\n+++ b/examples/run.py\n@@ -1,2 +1,2 @@\n one = 1\n-two = 2\n"
      "+two = 3\n",), {}, "the file ends its lines with carriage returns and the patch does not"),
    ((MAIL, MAIL), {}, "hunk 1 of 1 in anuga/flow.py"),
])
def test_why_it_does_not_fit(submit: Callable[..., list[Change]], tree: Tree, message: str,
                             texts: tuple[str, ...], others: dict[str, bool | None]) -> None:
    with pytest.raises(Failure, match=message) as caught:
        submit(*texts, others=others)
    assert "\n" not in str(caught.value)
    assert "" == tree.git("status", "--porcelain")
    assert FILES[FLOW] == (tree.folder / FLOW).read_text()


def test_a_name_that_leads_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "flow.py").write_text("DRY = 1.0e-3\n")
    folder = tmp_path / "linked"
    folder.mkdir()
    (folder / "anuga").symlink_to(outside)
    submission = of_files([_written(tmp_path / "x.patch", DIFF)], "ANUGA")
    with pytest.raises(Failure, match="which leads through the symbolic link anuga"):
        put(submission, Tree.of(folder), lambda patch: {})
    assert "DRY = 1.0e-3\n" == (outside / "flow.py").read_text()


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_another_release_is_left_as_it_was(tmp_path: Path) -> None:
    other = make_tree(tmp_path / "other", OTHER)
    path = _written(tmp_path / "x.diff", DIFF.replace("1.0e-3", "7.0e-3"))
    patch = Patch("x", path, "x", diffs=(path,))
    assert other.takes(patch) and not other.takes(patch, reverse=True)
    assert OTHER[FLOW] == (other.folder / FLOW).read_text()


def test_names_of_ours_and_paths_are_told_apart(tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    series = tmp_path / "4.2.0"
    series.mkdir()
    ours = _written(series / "0001-dry.patch", DIFF)
    theirs = _written(tmp_path / "x.patch", DIFF)
    monkeypatch.chdir(tmp_path)
    assert [] == given(["3", "fit-points", "series", "0001-dry.patch", str(ours)], series)
    assert [theirs] == given([str(theirs)], series)
    assert [Path("x.patch")] == given(["x.patch"], series)
    for names, message in ((["3", "x.patch"], "either names of our patches or files of your own"),
                           (["no/x.patch"], "there is no no/x.patch"),
                           (["4.2.0", "x.patch"], "is a folder: one checkout at a time")):
        with pytest.raises(PatchError, match=message):
            given(names, series)


def test_what_grows_or_slows_is_refused() -> None:
    def judged(**figures: dict[str, float]) -> list[str]:
        verdict = Verdict("x", "x", figures={
            name.replace("_of_", " "): figure for name, figure in figures.items()})
        verdict.groups = {"DE0": {"mesh/areas": {"stock": 8.0, "patched": 16.0}}}
        judge = Verifier.__new__(Verifier)
        judge.plan = PLAN
        judge._judge(verdict)
        return verdict.wrong

    assert ["arrays of DE0 grew by 8.0 bytes per triangle, from 900.0 to 908.0, most of it in "
            "mesh/areas: allow it with --allow-growth"] == judged(
        arrays_of_DE0={"stock": 900.0, "patched": 908.0})
    assert [] == judged(arrays_of_DE0={"stock": 900.0, "patched": 901.0},
                        rss_of_DE0={"stock": 800.0, "patched": 821.0},
                        rank_0={"stock": 1.0, "patched": 99.0})
    assert ["checkpoint file grew by 1.5 "] == [reason[:28] for reason in judged(
        checkpoint={"stock": 900.0, "patched": 901.5})]
    slow = {"stock": 1.0, "patched": 1.1, "ratio": 1.1}
    assert [] == judged(time_of_DE0={**slow, "uncertainty": 0.02})
    assert ["a step of DE0 takes 1.100 times that of stock, and surely more than 1.085"] == judged(
        time_of_DE0={**slow, "uncertainty": 0.005})
    assert "over 1 bytes per triangle more of arrays" in rule(PLAN, "ANUGA 4.2.0")


def test_words_of_a_patch_are_no_markup() -> None:
    verdict = Verdict("x", "<script> [a](b) | `c`", wrong=["**no** <b>"],
                      figures={"arrays DE0": {"stock": 900.0, "patched": 892.0}},
                      groups={"DE0": {"mesh/areas": {"stock": 8.0, "patched": 0.0}}})
    text = report.markdown({"base": "ANUGA 4.2.0"}, verdict, "any")
    assert "&lt;script&gt; \\[a\\](b) \\| \\`c\\`" in text and "\\*\\*no\\*\\* &lt;b&gt;" in text
    assert "| arrays, DE0 | 900.0 B/tri | 892.0 | -8.0 |" in text
    assert "|   mesh/areas | 8.0 B/tri | 0.0 | -8.0 |" in text
    shown = report.text({"base": "ANUGA 4.2.0"}, verdict, "any")
    assert "x on ANUGA 4.2.0: REFUSED" in shown and "rule: any." in shown
