"""The images: what they copy is there, and their versions are those of the project.

Nothing is built here: that takes Docker or Apptainer, and a registry.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import anuga_lean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
DOCKER = (ROOT / "release" / "containers" / "Dockerfile").read_text()
APPTAINER = (ROOT / "release" / "containers" / "anuga_lean.def").read_text()
BOTH = pytest.mark.parametrize("text", [DOCKER, APPTAINER], ids=["Dockerfile", "anuga_lean.def"])
VERSION = "org.opencontainers.image.version"


def copied(text: str) -> list[str]:
    """Return what is taken from the checkout."""
    found = [name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
             for name in line.split()]
    return found + re.findall(r"^    (\S+) /source/\S+$", text, re.MULTILINE)


def lines(text: str) -> set[str]:
    """Return the commands of both stages, each without its place in the file."""
    return {re.sub(r"^(RUN|&&|export|ENV) |[\\\s]+$", "", line.strip())
            for line in text.splitlines()}


@BOTH
def test_the_label_is_the_version_of_the_package(text: str) -> None:
    assert [anuga_lean.__version__] == re.findall(rf'{VERSION}[= ]"?([\w.]+)"?', text)


@BOTH
def test_anuga_is_the_newest_that_every_change_is_tested_on(text: str) -> None:
    newest = re.search(r"^NEWEST := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert newest is not None
    assert [newest[1]] == re.findall(r"^ *(?:ARG )?ANUGA=(.+)$", text, re.MULTILINE)


@BOTH
def test_what_a_wheel_is_built_from_is_copied(text: str, tmp_path: Path) -> None:
    names = copied(text)
    assert [] == [name for name in names if not (ROOT / name).exists()]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a checkout of git")
    meson = (ROOT / "meson.build").read_text()
    read = {"pyproject.toml", "meson.build", "meson.options", "README.md", "LICENSE"}
    read |= set(re.findall(r"install_sources\('([^']+)'\)", meson)) | {"anuga_lean"}
    assert read == set(names)


@BOTH
def test_the_extras_are_the_packages(text: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (extras,) = re.findall(r"whl\)\[([\w,]+)\]", text)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


@BOTH
def test_mpi_starts_as_root(text: str) -> None:
    assert {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"} <= lines(text)


@BOTH
def test_the_second_stage_has_no_compiler(text: str) -> None:
    first, last = re.split(r"^(?:FROM|From:) .*$", text, flags=re.MULTILINE)[1:]
    compilers = re.compile(r"\b(g\+\+|gcc|clang|build-essential|python3-dev)(?= |$)", re.MULTILINE)
    assert compilers.search(first) and not compilers.search(last)


def test_both_do_the_same() -> None:
    same = [line for line in lines(DOCKER) if line.startswith(("apt-get install", "pip "))]
    assert 5 == len(same)
    expected = {line.replace("${ANUGA}", "{{ ANUGA }}") for line in same}
    assert expected <= lines(APPTAINER)
    debian = re.search(r"^ARG DEBIAN=(.+)$", DOCKER, re.MULTILINE)
    assert debian is not None
    assert 2 * [f"debian:{debian[1]}-slim"] == re.findall(r"^From: (.+)$", APPTAINER, re.MULTILINE)
