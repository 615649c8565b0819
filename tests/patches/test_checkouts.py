"""A user's git checkout: what it is a change of, and that nothing of it runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from verifying.builds import requirements
from verifying.checkouts import IS_ANUGA, Checkout, identity, requirements_of
from verifying.series import PatchError
from verifying.tree import Tree

FLOW = "anuga/flow.py"


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-c", "init.defaultBranch=main",
         *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", f"Change {name}")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Main with a tag and a commit behind it, and a branch from between the two."""
    folder = tmp_path / "anuga_core"
    folder.mkdir()
    git(folder, "init", "-q")
    for name in IS_ANUGA:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("one = 1\n")
    commit(folder, FLOW, "DRY = 1.0e-3\n")
    git(folder, "tag", "4.2.0")
    git(folder, "checkout", "-q", "-b", "fix")
    commit(folder, FLOW, "DRY = 1.0e-4\n")
    git(folder, "checkout", "-q", "main")
    commit(folder, "README", "words\n")
    git(folder, "checkout", "-q", "fix")
    return folder


@pytest.fixture
def checkout(clone: Path, tmp_path: Path) -> Checkout:
    place = tmp_path / "place"
    place.mkdir()
    return Checkout(clone / "anuga", place)


def test_a_branch_against_where_it_left_main(checkout: Checkout, clone: Path) -> None:
    found = checkout.range(None, None, None, {})
    assert git(clone, "rev-parse", "4.2.0") == found.base
    assert git(clone, "rev-parse", "fix") == found.commit
    assert (None, "Change anuga/flow.py") == (found.release, found.subject)
    assert f"4.2.0+g{found.base[:9]}" == found.version
    assert b"-DRY = 1.0e-3\n+DRY = 1.0e-4\n" in found.diff and b"README" not in found.diff


def test_a_commit_against_another_one(checkout: Checkout) -> None:
    found = checkout.range("main", "4.2.0", None, {})
    assert b"+words" in found.diff and b"DRY" not in found.diff
    assert checkout.range("fix", None, "4.2.0", {}).diff != found.diff


def test_the_source_of_a_release_is_known_again(checkout: Checkout, tmp_path: Path) -> None:
    base = checkout.resolve("4.2.0")
    assert base is not None
    tree = Tree.of(checkout.export(base, tmp_path / "tree"))
    assert "DRY = 1.0e-3\n" == (tree.folder / FLOW).read_text()
    found = checkout.range(None, None, None, {"4.1.0": "other", "4.2.0": identity(tree)})
    assert "4.2.0" == found.release


@pytest.mark.parametrize("arguments, message", [
    (("nothing", None, None), "has no commit nothing: git branch -a"),
    (("fix", "nothing", None), "has no nothing: name with --against"),
    (("fix", None, "4.1.0"), "has no 4.1.0: name with --against"),
    (("fix", "fix", None), "is what it is compared with"),
    (("main", None, None), "does not say what main is a change of: name the commit"),
    (("--output=x", None, None), "has no commit --output=x"),
])
def test_what_cannot_be_told(checkout: Checkout, message: str,
                             arguments: tuple[str, str | None, str | None]) -> None:
    with pytest.raises(PatchError, match=message):
        checkout.range(*arguments, {})


@pytest.mark.parametrize("name", [FLOW, "anuga/new.py"])
def test_what_is_not_committed(checkout: Checkout, clone: Path, name: str) -> None:
    (clone / name).write_text("other = 1\n")
    with pytest.raises(PatchError, match=rf"not committed \({name}\): commit them, or name a com"):
        checkout.range(None, None, None, {})
    assert checkout.range("HEAD", None, None, {}).diff


def test_what_is_no_anuga(tmp_path: Path) -> None:
    with pytest.raises(PatchError, match="is no git checkout: give the clone of ANUGA that has"):
        Checkout(tmp_path, tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    commit(other, "setup.py", "one = 1\n")
    with pytest.raises(PatchError, match="is no checkout of ANUGA 4: .* has no anuga/__init__.py"):
        Checkout(other, tmp_path / "place").range(None, None, None, {})


def test_a_link_in_it(checkout: Checkout, clone: Path) -> None:
    (clone / "anuga" / "data").symlink_to("/etc")
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "Link")
    with pytest.raises(PatchError, match="has anuga/data, a symbolic link or submodule"):
        checkout.range("fix", None, None, {})


def test_nothing_of_its_configuration_runs(clone: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    program.chmod(0o755)
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        (clone / ".git" / "hooks").mkdir(exist_ok=True)
        (clone / ".git" / "hooks" / hook).write_bytes(program.read_bytes())
        (clone / ".git" / "hooks" / hook).chmod(0o755)
    commit(clone, ".gitattributes", "*.py filter=evil diff=evil\nREADME export-ignore\n")
    ran.unlink(missing_ok=True)
    (clone / FLOW).write_text("DRY = 1.0e-4\n")  # as it is, but to be looked at
    for name in ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "diff.evil.command",
                 "diff.evil.textconv", "diff.external", "core.pager", "core.sshCommand"):
        git(clone, "config", name, str(program))
    place = tmp_path / "place"
    place.mkdir()
    found = Checkout(clone, place).range(None, "main", None, {})
    tree = Checkout(clone, tmp_path / "other").export(found.base, tmp_path / "tree")
    assert "words\n" == (tree / "README").read_text()
    assert b"+DRY = 1.0e-4" in found.diff and not ran.exists()


def test_what_a_checkout_wants_to_be_installed(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text('[project]\ndependencies = ["numpy>=2.0", "x; sys_platform != \'win32\'"]\n'
                    '[project.optional-dependencies]\nparallel = ["mpi4py"]\ndocs = ["sphinx"]\n')
    metadata = tmp_path / "PKG-INFO"
    metadata.write_text("\n".join(requirements_of(path)) + "\n")
    found = requirements(metadata)
    assert {"numpy>=2.0", "mpi4py"} < set(found) and "sphinx" not in " ".join(found)
    for text, message in (("[project", "cannot be read: "), ("", "cannot be read: 'project'"),
                          ('[project]\ndependencies = ["x @ https://y/z.whl"]\n',
                           "asks for Requires-Dist: x @ https://y/z.whl, which is no plain")):
        path.write_text(text)
        with pytest.raises(PatchError, match=message):
            requirements_of(path)
