"""The notes of a release, and the one place of the version."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import yaml
from packaging.requirements import Requirement

import anuga_lean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]


def notes(*tag: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "release/release_notes.py", *tag], cwd=ROOT,
                          capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_the_notes_are_those_of_the_version() -> None:
    code, out, _ = notes(f"v{anuga_lean.__version__}")
    assert 0 == code and out.strip() in (ROOT / "CHANGELOG.md").read_text()


def test_a_tag_of_another_version_is_refused() -> None:
    code, out, error = notes("v9.9.9")
    assert (1, "") == (code, out)
    assert f"the tag is v9.9.9 and the package v{anuga_lean.__version__}" in error


def test_the_citation_has_the_version_of_the_package() -> None:
    assert f"\nversion: {anuga_lean.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_the_oldest_of_each_dependency_is_what_the_bounds_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {}
    for extra in (project["dependencies"], *project["optional-dependencies"].values()):
        for need in map(Requirement, extra):
            for bound in need.specifier:
                wanted[need.name.lower()] = bound.version
    del wanted["anuga"]     # by the job's own option
    oldest = [Requirement(line) for line in (ROOT / "release/oldest.txt").read_text().splitlines()
              if not line.startswith("#")]
    assert wanted.keys() == {need.name for need in oldest}
    for need in oldest:
        (version,) = [each.version for each in need.specifier if each.operator == "=="]
        # The first patch that was released: 2.0.0 for >=2.
        assert f"{version}.".startswith(f"{wanted[need.name]}."), need


def test_the_oldest_anuga_is_tested_with_them() -> None:
    oldest = re.search(r"^OLDEST := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert oldest is not None
    assert (f"make quick ANUGA={oldest[1]} CONSTRAINTS=release/oldest.txt"
            in (ROOT / ".github/workflows/tests.yml").read_text())


def test_every_list_of_pythons_is_the_same() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    classified = re.findall(r"Python :: (3\.\d+)", text)
    built = re.search(r'^build = "(.+)"$', text, re.MULTILINE)
    assert built is not None
    assert [f"cp{each.replace('.', '')}-*" for each in classified] == built[1].split()
    assert tuple(classified) == runpy.run_path(str(ROOT / "release/wheels.py"))["PYTHONS"]
    tests = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    assert classified == tests["jobs"]["quick"]["strategy"]["matrix"]["python"]


def test_make_matrix_runs_the_tests_of_the_workflow() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]
    wheels = runpy.run_path(str(ROOT / "release/wheels.py"))
    assert settings["test-requires"] == list(wheels["BESIDE"])
    assert settings["test-command"][-1] == " ".join(("python -m pytest -q", *wheels["FIRST"]))


def test_only_the_wheels_of_x86_64_can_stop_a_release() -> None:
    job = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]["wheels"]
    assert "${{ matrix.runner != 'ubuntu-24.04' }}" == job["continue-on-error"]
    assert "ubuntu-24.04" in job["strategy"]["matrix"]["runner"]


def test_anuga_is_built_without_fma_where_compilers_fuse() -> None:
    """Where it is not, the tests of those wheels would compare with an ANUGA of other bits."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]
    assert {"*-manylinux_aarch64", "*-macosx_*"} == {
        each["select"] for each in settings["overrides"]
        if each["environment"]["CFLAGS"] == "-ffp-contract=off"
        and each["environment"]["PIP_NO_BINARY"] == "anuga"
        and "anuga" not in each["environment"]["PIP_ONLY_BINARY"]}
