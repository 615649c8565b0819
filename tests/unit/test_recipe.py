"""The conda recipe: what rattler-build makes of it, and that it says what pyproject.toml says."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import rattler_build
import yaml

import anuga_lean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "release" / "conda" / "recipe.yaml"
PLATFORMS = ("linux-64", "linux-aarch64", "osx-arm64")


def bounds(needs: list[str]) -> dict[str, str]:
    """Return the lower bound of each name, as conda spells the names."""
    found = {}
    for each in needs:
        name, bound = re.fullmatch(r"([\w-]+) ?(?:>=([\d.]+))?", each.lower()).groups("")
        found["msgspec-python" if name == "msgspec" else name] = bound
    return found


def rendered(path: Path, platform: str) -> dict[str, Any]:
    variants = rattler_build.VariantConfig({
        "python": ["3.12.* *_cpython"], "numpy": ["2"], "c_compiler": ["gcc"],
        "c_stdlib": ["sysroot"]})
    config = rattler_build.RenderConfig(rattler_build.PlatformConfig(
        target_platform=platform, build_platform=platform, host_platform=platform))
    (only,) = rattler_build.Stage0Recipe.from_file(path).render(variants, config)
    return only.recipe.to_dict()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_recipe_names_the_needs_of_the_package(platform: str) -> None:
    recipe = rendered(RECIPE, platform)
    package, needs = recipe["package"], recipe["requirements"]
    assert {"name": "anuga_lean", "version": anuga_lean.__version__} == package
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    beside = {"python": "", "libgomp": ""} if "linux" in platform else {"python": ""}
    assert bounds(project["project"]["dependencies"]) | beside == bounds(needs["run"])
    beside = {"python": "", "pip": ""} | ({"llvm-openmp": ""} if "osx" in platform else {})
    assert bounds(project["build-system"]["requires"]) | beside == bounds(needs["host"])
    assert f"gcc_{platform}" in needs["build"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_arm64_is_not_promised_the_bits_of_condas_anuga(platform: str) -> None:
    (script,) = [each["script"] for each in rendered(RECIPE, platform)["tests"]
                 if "script" in each]
    assert (platform == "linux-64") == ("anuga_lean selfcheck --states 400" in script)


def test_windows_is_skipped() -> None:
    assert "win" == yaml.safe_load(RECIPE.read_text())["build"]["skip"]


def test_the_feedstock_gets_the_sdist_by_its_checksum(tmp_path: Path) -> None:
    sdist = tmp_path / f"anuga_lean-{anuga_lean.__version__}.tar.gz"
    sdist.write_bytes(b"a release")
    printed = subprocess.run([sys.executable, "release/feedstock.py", sdist], cwd=ROOT,
                             capture_output=True, text=True, check=True).stdout
    expected = yaml.safe_load(RECIPE.read_text()) | {
        "source": {"url": "https://pypi.org/packages/source/a/${{ name }}/"
                          "${{ name }}-${{ version }}.tar.gz",
                   "sha256": hashlib.sha256(b"a release").hexdigest()},
        "extra": {"recipe-maintainers": ["anuga-lean"]}}
    assert expected == yaml.safe_load(printed)


def test_an_sdist_of_another_version_is_refused(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "release/feedstock.py", "dist/anuga_lean-9.9.9.tar.gz"],
                          cwd=ROOT, capture_output=True, text=True)
    assert (1, "") == (done.returncode, done.stdout)
    assert (f"the recipe is of version {anuga_lean.__version__} and the sdist is "
            "anuga_lean-9.9.9.tar.gz") in done.stderr
