"""What pip brings: the newest ANUGA into a clean environment, none where one is that will do."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

PROJECT = (Path(__file__).parents[2] / "pyproject.toml").read_text()
REQUIRED = ast.literal_eval(re.search(r"^dependencies = (\[.*\])$", PROJECT, re.M)[1])  # type: ignore[index]


def publish(index: Path, name: str, version: str, requires: list[str]) -> None:
    """Put an empty package into a folder that pip takes for an index."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(index / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "\n".join([
            "Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}",
            *(f"Requires-Dist: {each}" for each in requires)]))
        wheel.writestr(f"{info}/WHEEL",
                       "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.mark.parametrize("there, brought", [
    (None, "9.9.0"), ("4.0.1", "9.9.0"), ("4.1.0", None), ("4.2.0", None), ("9.8.0", None),
    ("4.3.0.dev12", None),
])
def test_pip_brings_an_anuga_where_none_is_that_will_do(
        there: str | None, brought: str | None, tmp_path: Path) -> None:
    for version in ("4.0.1", "4.1.0", "4.2.0", "9.9.0", "9.9.1rc1"):
        publish(tmp_path, "anuga", version, [])
    publish(tmp_path, "numpy", "2.4.0", [])
    publish(tmp_path, "msgspec", "0.19.0", [])
    publish(tmp_path, "anuga_lean", "0.1.0", REQUIRED)
    venv.create(tmp_path / "environment")
    (site,) = (tmp_path / "environment").glob("lib/*/site-packages")
    if there is not None:
        (site / f"anuga-{there}.dist-info").mkdir()
        (site / f"anuga-{there}.dist-info" / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: anuga\nVersion: {there}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(tmp_path / "environment"), "install",
         "--dry-run", "--quiet", "--report", "-", "--no-index", "--find-links", str(tmp_path),
         "anuga_lean"], capture_output=True, text=True)
    assert 0 == done.returncode, done.stderr
    found = {each["metadata"]["name"]: each["metadata"]["version"]
             for each in json.loads(done.stdout)["install"]}
    assert brought == found.get("anuga")
    assert "anuga_lean" in found or "anuga-lean" in found
