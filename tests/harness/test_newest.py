"""The newest ANUGA: found by pip, its sources compared, what cannot be known said in one line."""

from __future__ import annotations

import re
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from newest import newest_release

from anuga_lean.overlay.fingerprint import known_releases, record_of

PLACE = Path(str(find_spec("anuga").submodule_search_locations[0]))  # type: ignore[union-attr]


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for all there is."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


def publish(folder: Path, version: str, old: str = "", new: str = "") -> None:
    """Put a wheel of an ANUGA into a folder, with the functions that count of the one here.

    `old` is written as `new` in the file of the boundaries.
    """
    info = f"anuga-{version}.dist-info"
    files = dict.fromkeys([*record_of(known_releases()[-1])["files"], "_version.py"])
    with zipfile.ZipFile(folder / f"anuga-{version}-py3-none-any.whl", "w") as wheel:
        for file in files:
            text = (PLACE / file).read_text()
            if file == "_version.py":
                text = re.sub("__version__ =.*", f"__version__ = {version!r}", text)
            elif file == "shallow_water/boundaries.py":
                text = text.replace(old, new, 1)
            wheel.writestr(f"anuga/{file}", text)
        wheel.writestr(f"{info}/METADATA",
                       f"Metadata-Version: 2.1\nName: anuga\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL",
                       "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_a_known_release(index: Path) -> None:
    known = known_releases()[-1]
    publish(index, known)
    found = newest_release()
    assert (known, True, f"the newest ANUGA is {known}, which is known") == found


def test_a_new_release_is_named_with_what_it_changes(index: Path) -> None:
    publish(index, "4.0.9")
    new = "    def evaluate_segment(self, domain, segment_edges, more=None)"
    publish(index, "94.0.1", new.replace(", more=None", ""), new)
    found = newest_release()
    assert ("94.0.1", False) == found[:2]
    assert found.line.startswith("ANUGA 94.0.1 has appeared, which is not known: anuga 94.0.1 "
                                 f"differs from {known_releases()[-1]} in ")
    assert "\n" not in found.line
    publish(index, "94.0.2", "import", "import (")
    found = newest_release()
    start = "ANUGA 94.0.2 has appeared, which is not known: its fingerprints cannot be taken: "
    assert found.line.startswith(start) and "boundaries.py is no Python" in found.line


def test_no_answer_is_said_and_is_no_failure() -> None:
    found = newest_release()
    assert (None, False) == found[:2]
    assert f"newer ANUGA than {known_releases()[-1]} is not known: pip finds none" in found.line
