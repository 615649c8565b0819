"""The GitHub Action: its program on a repository with a base and a change, and its YAML."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ACTION = Path(__file__).resolve().parent.parent.parent / "action"
MODEL = """
import sys
import anuga
domain = anuga.rectangular_cross_domain(SIZE, 10)
domain.set_store(False)
domain.set_quantity("stage", float(sys.argv[1]))
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
for _ in domain.evolve(yieldstep=0.01, finaltime=0.01):
    pass
"""


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=x", "-c", "user.email=x@y"]
    return subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, text=True,
                          capture_output=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: a script of 400 triangles, and of 800."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for size in ("10", "20"):
        (folder / "model.py").write_text(MODEL.replace("SIZE", size))
        git(folder, "add", "model.py")
        git(folder, "commit", "--quiet", "-m", size)
    return folder


def run(folder: Path, **settings: str) -> tuple[int, str]:
    """Exit code and summary of the program that the action runs."""
    summary = folder.parent / "summary.md"
    environment = {"PATH": os.environ["PATH"], "SCRIPT": "model.py",
                   "ARGUMENTS": "'1.5'", "GITHUB_STEP_SUMMARY": str(summary), **settings}
    done = subprocess.run([sys.executable, str(ACTION / "measure.py")], cwd=folder, text=True,
                          env=environment, capture_output=True)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, summary.read_text()


def test_a_pull_request(repository: Path) -> None:
    code, text = run(repository, BASE=git(repository, "rev-parse", "HEAD~1"),
                     FAIL_IF="arrays > 1\n\npeak_rss > 9 GiB\n")
    assert 3 == code
    assert "| triangles | 400 | 800 | +100.0% |" in text
    assert re.search(r"\| peak_rss, MiB \| [\d.]+ \| [\d.]+ \| [+-][\d.]+% \|", text)
    assert '`--fail-if "arrays > 1"` **fails**' in text
    assert '`--fail-if "peak_rss > 9 GiB"` passes' in text
    assert str(repository) == git(repository, "worktree", "list").split()[0]
    assert 1 == len(git(repository, "worktree", "list").splitlines())


def test_without_a_base(repository: Path) -> None:
    code, text = run(repository)
    assert 0 == code and "| triangles | - | 800 |  |" in text
    assert "No pull request: there is nothing to compare with." in text


def test_a_script_that_is_new(repository: Path) -> None:
    git(repository, "mv", "model.py", "other.py")
    git(repository, "commit", "--quiet", "-m", "other")
    code, text = run(repository, SCRIPT="other.py", BASE=git(repository, "rev-parse", "HEAD~1"))
    assert 0 == code and " has no other.py." in text


@pytest.mark.parametrize("settings, message", [
    ({"SCRIPT": "nothing.py"}, "there is no script nothing.py"),
    ({"FAIL_IF": "arrays > 1 GiB"}, "arrays has B/tri, not GiB"),
])
def test_what_cannot_be_measured(repository: Path, settings: dict[str, str], message: str) -> None:
    code, text = run(repository, **settings)
    assert 2 == code and "could not be measured: " in text and message in text


def test_the_yaml_hands_every_input_on_through_the_environment() -> None:
    """An input within the text of a command would be run as a command."""
    text = (ACTION / "action.yml").read_text()
    inputs = re.findall(r"^  ([\w-]+):$", text.partition("runs:")[0], re.MULTILINE)
    assert ["script", "args", "fail-if", "python", "package"] == inputs
    for name in inputs:
        assert f"${{{{ inputs.{name} }}}}" in text
    commands = re.findall(r"run: (.*)", text)
    assert 2 == len(commands) and not any("${{" in each for each in commands)
