"""Which ANUGA runs lean, which runs as it is, and which is refused: doctored copies of this one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from overlay.doctored import PACKAGE, bare, doctored, installed_version, list_as, python

from mpirun import needs_mpi, on_ranks

VERSION = installed_version()
MINOR = ".".join(VERSION.split(".")[:2])
BOUNDARIES = "shallow_water/boundaries.py"
CHANGED = {BOUNDARIES: ("def evaluate(self", "def evaluate(self, *more")}
SAID = "shallow_water/shallow_water_domain.py"
COMMENTED = {SAID: ('"""', '"""Another text. \n\n'), BOUNDARIES: ("\nclass ", "\n# said\n\nclass ")}

MODEL = """
import hashlib, json, sys, warnings
warnings.simplefilter("always")
{first}
domain = anuga.rectangular_cross_domain(6, 4, len1=12.0, len2=8.0)
domain.set_store(False)
domain.set_quantity("elevation", lambda x, y: x / 10)
domain.set_quantity("stage", lambda x, y: 1.0 + (x < 4))
wall, sea = anuga.Reflective_boundary(domain), anuga.Dirichlet_boundary([1.2, 0.0, 0.0])
domain.set_boundary(dict(left=wall, right=sea, top=wall, bottom=wall))
{then}
for t in domain.evolve(yieldstep=0.5, finaltime=1.0):
    pass
state = b"".join(domain.quantities[name].centroid_values.tobytes()
                 for name in ("stage", "xmomentum", "ymomentum"))
import anuga as stock
kernels = sys.modules["anuga.shallow_water.sw_domain_openmp_ext"]
print(json.dumps([
    getattr(domain, "lean", None) is not None, stock.__version__, stock.__file__,
    hasattr(kernels.compute_fluxes_ext_central, "__wrapped__"), hashlib.sha256(state).hexdigest()]))
"""
DROP_IN = "import anuga_lean as anuga"
STOCK = "import anuga"

Make = Callable[..., Path]


@pytest.fixture
def site(tmp_path: Path) -> Make:
    """Make a folder with a doctored ANUGA."""
    return lambda *args, **kwargs: doctored(tmp_path / "site", *args, **kwargs)


def model(first: str = DROP_IN, then: str = "") -> str:
    return MODEL.format(first=first, then=then)


def ran(root: Path, cwd: Path, script: str, *before: str, **environment: str) -> tuple[Any, str]:
    """What the model found, and what was said."""
    (cwd / "script.py").write_text(script)
    done = python(root, cwd, *before, "script.py", **environment)
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def warned(said: str) -> list[str]:
    """The warnings about ANUGA, each without the line of the script it is shown with."""
    return [line for line in said.splitlines() if "StockAnugaWarning" in line]


PATCHES = [f"{VERSION}.post1", f"{MINOR}.7"]


@pytest.mark.parametrize("version, edits", [
    (VERSION, {}), (VERSION, COMMENTED), *((each, {}) for each in PATCHES),
    (PATCHES[1], COMMENTED)], ids=str)
def test_known(tmp_path: Path, site: Make, version: str, edits: dict) -> None:
    """A release, or a patch of one, with the functions that are known: lean, nothing said."""
    found, said = ran(site(version, edits), tmp_path, model())
    assert [True, version, True] == [found[0], found[1], found[3]]
    assert str(tmp_path) in found[2] and [] == warned(said)


# Version, edits, and what the warning says.
AS_IT_IS = {
    "fork": (VERSION, CHANGED, ("is not the release of that number", "boundaries.", "evaluate",
                                f"--no-deps anuga=={VERSION}")),
    "patch": (f"{MINOR}.7", CHANGED, ("changes what anuga_lean knows of", "boundaries.")),
    "minor": ("4.3.0", {}, ("4.1.0 or later, before 4.3", "'anuga>=4.1,<4.3'")),
    "minor that changes": ("4.3.0", CHANGED, ("before 4.3", "it differs from 4.2.0 in ")),
    "development": ("4.3.0.dev12", {}, ("no release",)),
    "development of a known minor": (f"{MINOR}.8.dev3+gabc", {}, ("no release",)),
    "candidate": (f"{MINOR}.8rc1", {}, ("no release",)),
    "unknown text": ("trunk", {}, ("no release",)),
    "old": ("3.3.10", {}, ("4.1.0 or later",)),
}


@pytest.mark.parametrize("name", AS_IT_IS)
def test_runs_as_it_is(tmp_path: Path, site: Make, name: str) -> None:
    """One warning that names what changed and says what to do; stock's own results."""
    version, edits, named = AS_IT_IS[name]
    root = site(version, edits)
    found, said = ran(root, tmp_path, model())
    assert [False, version, False] == [found[0], found[1], found[3]]
    (warning,) = warned(said)
    assert f"anuga {version} runs as it is" in warning and "script.py:5" in warning
    for part in (*named, "pip install", "ANUGA_LEAN_STRICT=1"):
        assert part in warning
    stock, nothing = ran(root, tmp_path, model(STOCK))
    assert stock == found and [] == warned(nothing)


def test_many_names_are_counted(tmp_path: Path, site: Make) -> None:
    """A few of what changed and how many more."""
    path = site(edits={BOUNDARIES: ("import", "import")}) / "anuga" / BOUNDARIES
    path.write_text(path.read_text().replace("(self", "( self"))
    (warning,) = warned(ran(tmp_path / "site", tmp_path, model())[1])
    assert warning.count("boundaries.") == 3 and " more" in warning


def test_nothing_is_replaced(tmp_path: Path, site: Make) -> None:
    """Every name of ANUGA's, and of the process, means what it means without anuga_lean."""
    root, found = site("4.3.0"), {}
    (tmp_path / "modules").write_text("anuga.advection.advection matplotlib")
    for variant in ("stock", "lean"):
        done = python(root, tmp_path, str(Path(__file__).with_name("names.py")), variant,
                      "modules", f"{variant}.json")
        assert 0 == done.returncode, done.stderr
        found[variant] = json.loads((tmp_path / f"{variant}.json").read_text())
    assert found["stock"] == found["lean"]
    assert 100 < len(found["stock"]["modules"])


FROM_DOMAIN = "import anuga_lean; assert anuga_lean.from_domain(domain) is domain"
DOORS = {
    "drop-in": (DROP_IN, "", (), {}),
    "anuga_lean first": ("import anuga_lean; import anuga", "", (), {}),
    "anuga first": ("import anuga; import anuga_lean", "anuga_lean.Domain", (), {}),
    "from_domain": (STOCK, f"{FROM_DOMAIN}; {FROM_DOMAIN}", (), {}),
    "run": (STOCK, "", ("-m", "anuga_lean", "run"), {}),
    "child": (STOCK, "", (), {"ANUGA_LEAN": "run"}),
    "module": ("import anuga_lean as anuga; anuga.__all__; dir(anuga)", "", (), {}),
}


@pytest.mark.parametrize("name", DOORS)
def test_every_door(tmp_path: Path, site: Make, name: str) -> None:
    """One warning and stock's results, or one sentence where ANUGA_LEAN_STRICT asks for it."""
    first, then, before, environment = DOORS[name]
    root = site("4.3.0")
    found, said = ran(root, tmp_path, model(first, then), *before, **environment)
    assert [False, "4.3.0", False] == [found[0], found[1], found[3]]
    assert 1 == len(warned(said))
    done = python(root, tmp_path, *before, "script.py", **environment, ANUGA_LEAN_STRICT="1")
    last = done.stderr.strip().splitlines()[-1]
    assert 0 != done.returncode and "" == done.stdout
    assert "anuga 4.3.0 cannot be lean, which ANUGA_LEAN_STRICT asks for, because" in last
    if name == "run":
        assert [last] == done.stderr.splitlines()
    else:
        assert "UnsupportedVersion: " in last


def test_warnings_that_are_errors(tmp_path: Path, site: Make) -> None:
    """A script that turns the warning into an error can catch it and go on."""
    first = ("warnings.simplefilter('error', RuntimeWarning)\nimport anuga_lean as anuga\n"
             "try:\n    anuga.Domain\nexcept anuga.StockAnugaWarning:\n    pass")
    found, _ = ran(site("4.3.0"), tmp_path, model(first))
    assert [False, "4.3.0", False] == [found[0], found[1], found[3]]


def test_other_ranks_say_nothing(tmp_path: Path, site: Make) -> None:
    """The launcher's number of a rank is enough; rank 0 speaks for all."""
    root = site("4.3.0")
    for rank, count in (("0", 1), ("1", 0)):
        _, said = ran(root, tmp_path, model(), MV2_COMM_WORLD_RANK=rank)
        assert count == len(warned(said))


@needs_mpi
def test_under_mpi(tmp_path: Path, site: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ranks share a model on stock's own parallel domain, and say one thing."""
    monkeypatch.setenv("PYTHONPATH", str(site("4.3.0")))
    (tmp_path / "ranks.py").write_text(
        "import anuga_lean as anuga\nimport anuga as stock\n"
        "domain = anuga.rectangular_cross_domain(6, 6) if anuga.myid == 0 else None\n"
        "domain = anuga.distribute(domain)\n"
        "print('rank', anuga.myid, hasattr(domain, 'lean'), stock.__version__, flush=True)\n"
        "anuga.finalize()\n")
    done = on_ranks(2, tmp_path, "ranks.py")
    assert 0 == done.returncode, done.stderr
    lines = sorted(line for line in done.stdout.splitlines() if line.startswith("rank"))
    assert ["rank 0 False 4.3.0", "rank 1 False 4.3.0"] == lines
    assert 1 == len(warned(done.stderr))


COMMANDS = (("compare", "dam_break", "--triangles", "100", "--steps", "2"),
            ("census", "dam_break", "--triangles", "100"), ("features", "--replaced"))


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda each: each[0])
def test_commands_that_need_lean(tmp_path: Path, site: Make, arguments: tuple) -> None:
    """One sentence, before anything is measured."""
    done = python(site("4.3.0"), tmp_path, "-m", "anuga_lean", *arguments)
    assert (2, "") == (done.returncode, done.stdout)
    (line,) = done.stderr.splitlines()
    assert "this needs lean classes, but anuga 4.3.0 runs as it is" in line


def test_lean_checkpoints(tmp_path: Path, site: Make) -> None:
    """A lean checkpoint on an ANUGA that runs as it is: one sentence."""
    written = ("import anuga_lean as anuga\n"
               "domain = anuga.rectangular_cross_domain(3, 3)\n"
               "domain.set_store(False)\n"
               "domain.set_boundary({tag: None for tag in domain.get_boundary_tags()})\n"
               "domain.set_checkpointing(checkpoint_step=1, checkpoint_dir='saved')\n"
               "for t in domain.evolve(yieldstep=0.1, duration=0.2): pass\n")
    (tmp_path / "write.py").write_text(written)
    done = python(None, tmp_path, "write.py")
    assert 0 == done.returncode, done.stderr
    done = python(site("4.3.0"), tmp_path, "-W", "ignore", "-c",
                  "import anuga_lean as anuga; anuga.load_checkpoint_file('domain', 'saved')")
    assert 1 == done.returncode
    assert "this needs lean classes, but anuga 4.3.0 runs as it is" in done.stderr.splitlines()[-1]


# -- installations that are not whole -----------------------------------------------------

_KERNELS = next(PACKAGE.rglob("sw_domain_openmp_ext*.so")).relative_to(PACKAGE)
BROKEN: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "half deleted": ({"without": ("utilities/sww_merge.py", BOUNDARIES)},
                     (BOUNDARIES, "1 more", "missing")),
    "torn": ({"edits": {BOUNDARIES: ("def evaluate(self", "def evaluate(self((")}},
             (BOUNDARIES, "is no Python", "line")),
    "no version": ({"without": ("_version.py",)}, ("_version.py is missing",)),
    "no version, not listed": ({"without": ("_version.py",), "listed": False},
                               ("_version.py is missing",)),
    "no kernels": ({"without": (str(_KERNELS),)}, ("sw_domain_openmp_ext", "cannot be imported")),
    "no package of its own": ({"without": ("shallow_water/__init__.py", str(_KERNELS))},
                              ("cannot be imported",)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken(tmp_path: Path, site: Make, name: str) -> None:
    """One sentence on what is wrong and what to type."""
    doctoring, named = BROKEN[name]
    root = site(**doctoring)
    for first in (DROP_IN, "import anuga_lean; import anuga"):
        done = python(root, tmp_path, "-W", "ignore", "-c", f"{first}; anuga.Domain")
        assert 1 == done.returncode
        last = done.stderr.strip().splitlines()[-1]
        assert "BrokenInstallation: " in last
        for part in (*named, str(root / "anuga"), "pip install --force-reinstall"):
            assert part in last


def test_a_module_of_others_is_missing(tmp_path: Path, site: Make) -> None:
    """ANUGA says that itself, in its own words."""
    root = site(edits={"shallow_water/forcing.py": ("\nimport ", "\nimport no_such; import ")}
                if (PACKAGE / "shallow_water/forcing.py").exists() else {})
    said = [python(root, tmp_path, "-c", script).stderr.strip().splitlines()[-1]
            for script in ("import anuga", "import anuga_lean; import anuga")]
    assert "ModuleNotFoundError: No module named 'no_such'" == said[0] == said[1]


def test_without_sources(tmp_path: Path, site: Make) -> None:
    """Compiled files alone cannot be told from changed ones: they run as they are."""
    import py_compile

    root = site()
    for path in [*(root / "anuga").rglob("*.py")]:
        if path.name != "_version.py":
            py_compile.compile(str(path), str(path.with_suffix(".pyc")))
            path.unlink()
    found, said = ran(root, tmp_path, model())
    assert [False, VERSION, False] == [found[0], found[1], found[3]]
    assert "it has no sources" in warned(said)[0]


def test_no_version_anywhere(tmp_path: Path) -> None:
    """A package of that name that is no ANUGA at all."""
    (tmp_path / "site" / "anuga").mkdir(parents=True)
    (tmp_path / "site" / "anuga" / "__init__.py").write_text("Domain = None\n")
    folder = bare(tmp_path / "site")
    done = python(folder, tmp_path, "-S", "-c", "import anuga_lean as anuga; print(anuga.Domain)")
    assert (0, "None") == (done.returncode, done.stdout.strip())
    assert "it does not say its version" in done.stderr


@pytest.mark.parametrize("what, named", [
    ("nothing", "there is no anuga for"),
    ("metadata", f"anuga {VERSION} is listed as installed for"),
    ("folder", "has no __init__.py, so that it is no ANUGA"),
])
def test_no_package(tmp_path: Path, what: str, named: str) -> None:
    folder = bare(tmp_path / "site")
    if what == "metadata":
        list_as(folder, VERSION)
    if what == "folder":
        (folder / "anuga").mkdir()
    done = python(folder, tmp_path, "-S", "-c", "import anuga_lean as anuga; anuga.Domain")
    assert 1 == done.returncode
    last = done.stderr.strip().splitlines()[-1]
    for part in ("BrokenInstallation: ", named, sys.executable, "pip install"):
        assert part in last


def test_a_script_without_anuga(tmp_path: Path) -> None:
    """`anuga_lean run` needs no ANUGA for a script that imports none."""
    (tmp_path / "script.py").write_text("print('ran')\n")
    folder = bare(tmp_path / "site")
    done = python(folder, tmp_path, "-S", "-m", "anuga_lean", "run", "script.py")
    assert (0, "ran") == (done.returncode, done.stdout.strip())


def test_a_broken_one_is_said_before_the_script(tmp_path: Path, site: Make) -> None:
    (tmp_path / "script.py").write_text("print('begun'); import anuga\n")
    done = python(site(without=(BOUNDARIES,)), tmp_path, "-m", "anuga_lean", "run", "script.py")
    assert (2, "") == (done.returncode, done.stdout)
    (line,) = done.stderr.splitlines()
    assert BOUNDARIES in line and os.fspath(tmp_path) in line
