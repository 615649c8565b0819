"""Bad input gets one sentence that says what to do, and leaves nothing half done.

ANUGA versions, domains made too early, meshes and quantities; what the commands
refuse is in test_commands.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def command(folder: Path, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess:
    """`anuga_lean` with these arguments, in a folder; `path` goes before all packages."""
    return python(folder, "-m", "anuga_lean", *arguments, path=path)


def python(folder: Path, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess:
    """Python with these arguments, in a folder, its output kept."""
    environment = dict(os.environ)
    if path is not None:
        rest = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([str(path), *([rest] if rest else [])])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def one_sentence(done: subprocess.CompletedProcess, *named: str) -> None:
    """It failed with a single line that names these, and wrote nothing to stdout."""
    assert 0 != done.returncode
    assert "" == done.stdout
    assert 1 == len(done.stderr.splitlines()), done.stderr
    for name in named:
        assert name in done.stderr


def last_line(done: subprocess.CompletedProcess) -> str:
    """The exception a script ended with."""
    assert 1 == done.returncode, done.stdout + done.stderr
    return done.stderr.strip().splitlines()[-1]


# Which ANUGA there is, and what it has done already.


@pytest.fixture
def future_anuga(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an ANUGA of another version, which is to be refused; see tests/overlay."""
    monkeypatch.setenv("ANUGA_LEAN_STRICT", "1")
    folder = tmp_path / "future"
    (folder / "anuga").mkdir(parents=True)
    (folder / "anuga" / "__init__.py").write_text('__version__ = "4.7.3"\n')
    metadata = folder / "anuga-4.7.3.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: anuga\nVersion: 4.7.3\n")
    return folder


@pytest.mark.parametrize(
    "script",
    [
        "import anuga_lean as anuga; anuga.Domain",
        "import anuga_lean; import anuga",
        "import anuga; import anuga_lean; anuga_lean.from_domain(None)",
    ],
)
def test_unsupported_version(tmp_path: Path, future_anuga: Path, script: str) -> None:
    """The version found and the range supported, whichever door is used."""
    line = last_line(python(tmp_path, "-c", script, path=future_anuga))
    assert "UnsupportedVersion" in line
    for part in ("4.7.3", "4.1", "4.2"):
        assert part in line


def test_unsupported_version_in_a_command(tmp_path: Path, future_anuga: Path) -> None:
    """The same, without a traceback."""
    script = tmp_path / "model.py"
    script.write_text("import anuga\nanuga.Domain\n")
    one_sentence(command(tmp_path, "run", str(script), path=future_anuga), "4.7.3", "4.2")


def test_unsupported_version_is_an_import_error(tmp_path: Path, future_anuga: Path) -> None:
    """A script that can do without anuga_lean may catch what it would expect."""
    script = (
        "import anuga_lean\n"
        "try:\n    anuga_lean.Domain\n"
        "except ImportError as error:\n    print(type(error).__name__)\n"
    )
    done = python(tmp_path, "-c", script, path=future_anuga)
    assert (0, "UnsupportedVersion") == (done.returncode, done.stdout.strip())


EARLY = """
import anuga
domain = anuga.rectangular_cross_domain(3, 3)
domain.set_name("early_bird")
import anuga_lean
import json
try:
    anuga_lean.Domain
except anuga_lean.HookError as error:
    said = str(error)
later = anuga.rectangular_cross_domain(2, 2)
stays = [type(each) is anuga.Domain and not hasattr(each, "lean") for each in (domain, later)]
print(json.dumps([said, stays]))
"""


def test_domain_created_before_the_hook(tmp_path: Path) -> None:
    """Which domain, and what to move; ANUGA's classes stay as they were."""
    done = python(tmp_path, "-c", EARLY)
    assert 0 == done.returncode, done.stderr
    # Above it stands what ANUGA prints when it finds no mpi4py.
    said, stays = json.loads(done.stdout.splitlines()[-1])
    for part in ("early_bird", "import anuga_lean", "from_domain"):
        assert part in said
    assert [True, True] == stays


# Meshes and quantities.  Each line: name, the expression, what the sentence has to name,
# and whether stock raises as well (it does not check everything).
SQUARE = "[[0., 0.], [1., 0.], [1., 1.], [0., 1.]]"
MESHES = {
    "repeated node": (f"{SQUARE}, [[0, 1, 1], [0, 2, 3]]", ["0", "twice"], True),
    "nodes at one place": (f"{SQUARE} + [[1., 0.]], [[0, 1, 4], [0, 2, 3]]", ["0", "area"], True),
    "clockwise": (f"{SQUARE}, [[0, 1, 2], [0, 3, 2]]", ["1", "counter-clockwise"], True),
    "in a line": (f"{SQUARE} + [[2., 0.]], [[0, 1, 4], [0, 2, 3]]", ["0", "area"], True),
    "NaN node": (f"{SQUARE} + [[float('nan'), 2.]], [[0, 1, 4], [0, 2, 3]]", ["nan"], True),
    "index too large": (f"{SQUARE}, [[0, 1, 2], [0, 2, 4]]", ["1", "4"], True),
    "index negative": (f"{SQUARE}, [[0, 1, 2], [0, 2, -1]]", ["1", "-1"], True),
    "four nodes": (f"{SQUARE}, [[0, 1, 2, 3]]", ["(1, 4)"], True),
    "one dimension": (f"{SQUARE}, [0, 1, 2]", ["(3,)"], True),
    "three coordinates": (
        "[[0., 0., 0.], [1., 0., 0.], [1., 1., 0.]], [[0, 1, 2]]",
        ["(3, 3)"],
        True,
    ),
    "edge twice": (f"{SQUARE}, [[0, 1, 2], [0, 1, 3]]", ["Edge", "duplicating"], True),
    "no triangles": (f"{SQUARE}, []", ["(0,)"], True),
    "tag on edge 3": (f"{SQUARE}, [[0, 1, 2], [0, 2, 3]], {{(0, 3): 'sea'}}", ["(0, 3)"], True),
    "tag on triangle 7": (f"{SQUARE}, [[0, 1, 2], [0, 2, 3]], {{(7, 0): 'sea'}}", ["(7, 0)"], True),
    "tag on triangle -1": (
        f"{SQUARE}, [[0, 1, 2], [0, 2, 3]], {{(-1, 0): 'sea'}}",
        ["(-1, 0)"],
        False,
    ),
    "tagged elements": (
        f"{SQUARE}, [[0, 1, 2], [0, 2, 3]], None, {{'reeds': [5]}}",
        ["elements"],
        True,
    ),
}

TRY_MESHES = """
import gc, importlib, json, sys
anuga = importlib.import_module(sys.argv[1])
anuga.Domain
from anuga.abstract_2d_finite_volumes.generic_domain import Generic_Domain
found = {}
for name, (arguments, _, _) in json.loads(sys.argv[2]).items():
    try:
        eval(f"anuga.Domain({arguments})")
    except Exception as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        found[name] = {"kinds": kinds, "message": str(error)}
        del error
    gc.collect()
    left = [each for each in gc.get_objects() if isinstance(each, (Generic_Domain, anuga.Mesh))]
    found.setdefault(name, {})["left"] = len(left)
    left.clear()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def mesh_errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict]]:
    """What each bad mesh raises, on stock and on lean."""
    folder = tmp_path_factory.mktemp("meshes")
    found = {}
    for module in ("anuga", "anuga_lean"):
        done = python(folder, "-c", TRY_MESHES, module, json.dumps(MESHES))
        assert 0 == done.returncode, done.stderr
        found[module] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", MESHES)
def test_meshes(mesh_errors: dict[str, dict[str, dict]], name: str) -> None:
    """A MeshError, one sentence, caught by code that catches what stock raises."""
    _, named, raised_by_stock = MESHES[name]
    stock, lean = mesh_errors["anuga"][name], mesh_errors["anuga_lean"][name]
    assert raised_by_stock == ("kinds" in stock)
    assert "MeshError" in lean["kinds"]
    if raised_by_stock:
        assert stock["kinds"][0] in lean["kinds"]
    assert 1 == len(lean["message"].splitlines())
    for part in named:
        assert part in lean["message"]
    assert 0 == lean["left"]


TRY_QUANTITIES = """
import importlib, json, sys
import numpy as np
anuga = importlib.import_module(sys.argv[1])
found = {}
def attempt(name, *arguments, **options):
    domain = anuga.rectangular_cross_domain(3, 3)
    domain.set_quantity("stage", lambda x, y: x + y)
    before = domain.quantities["stage"].centroid_values.copy()
    try:
        domain.set_quantity(*arguments, **options)
    except Exception as error:
        found[name] = [type(error).__name__, str(error)]
    stage = domain.quantities["stage"]
    unchanged = np.array_equal(before, stage.centroid_values)
    vertices = np.asarray(stage.get_values(location="vertices")).tolist()
    found.setdefault(name, []).extend([bool(unchanged), vertices])
attempt("unknown quantity", "stagge", 1.0)
attempt("wrong length", "stage", np.ones(7), location="centroids")
attempt("unknown location", "stage", 1.0, location="corners")
attempt("missing file", "stage", filename="missing.pts")
attempt("function of one argument", "stage", lambda x: x)
attempt("function that raises", "stage", lambda x, y: 1 / 0)
attempt("function of the wrong size", "stage", lambda x, y: np.ones(5))
print(json.dumps(found))
"""


def test_quantities_fail_as_on_stock_and_stay_as_they_were(tmp_path: Path) -> None:
    """The same exception with the same words, the quantity untouched."""
    found = []
    for module in ("anuga", "anuga_lean"):
        done = python(tmp_path, "-c", TRY_QUANTITIES, module)
        assert 0 == done.returncode, done.stderr
        found.append(json.loads(done.stdout.splitlines()[-1]))
    stock, lean = found
    assert stock == lean
    for name, (_, _, unchanged, _) in lean.items():
        assert unchanged, name
