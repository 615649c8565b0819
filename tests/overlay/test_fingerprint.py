"""Fingerprints change with what a function says and with nothing else; the records are true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from overlay.doctored import PACKAGE, doctored, installed_version

from anuga_lean import BrokenInstallation
from anuga_lean.overlay.fingerprint import (
    compare_sources,
    known_releases,
    make_record,
    record_of,
    write_record,
)
from anuga_lean.overlay.relied import RELIED
from anuga_lean.overlay.sources import functions_of
from anuga_lean.overlay.table import AROUND, BINDING, MARK, NAMED, TABLE

SOURCE = '''\
"""Of the module."""
import math  # why

LIMIT = 3


@staticmethod  # said
def first(a, b=1):
    """What it does.

    # no comment
    """
    # why
    x = "a # b"  # after
    y = f"""{x} # {a!r}

  # in the text
"""

    return x + y + 'it''s' # end


class Kind(object):
    """What it is."""

    size = 1

    def method(self):
        "says"
        return b"#" + self.size

    @property
    def value(self):
        return 1

    @value.setter
    def value(self, new):
        self.size = new
'''
ALL = functions_of(SOURCE.encode(), ("*",))


def test_every_part_has_one() -> None:
    assert ["<body>", "first", "Kind.<body>", "Kind.method", "Kind.value"] == list(ALL)
    assert {"Kind.method"} == set(functions_of(SOURCE.encode(), ("Kind.method", "none")))
    assert {"Kind.<body>", "Kind.method", "Kind.value"} == set(
        functions_of(SOURCE.encode(), ("Kind",)))


@pytest.mark.parametrize("old, new", [
    ("  # why\n\nLIMIT", "\nLIMIT"), ("  # said", ""), ("    # why\n", ""), ("  # after", "  # so"),
    ('"""What it does.\n\n    # no comment\n    """', '"""Else."""'), (" # end", ""),
    ('"""\n\n    return', '"""\n    return'), ('        "says"\n', ""),
    ('    """What it is."""\n\n', ""), ("\n", "\r\n"), ("\n\n\nclass", "\n# so\n\n\n\nclass"),
    ('"""Of the module."""\n', ""),
], ids=range(12))
def test_what_says_nothing(old: str, new: str) -> None:
    """Comments, docstrings, blank lines, ends of lines."""
    assert old in SOURCE
    assert ALL == functions_of(SOURCE.replace(old, new).encode(), ("*",))


@pytest.mark.parametrize("old, new, changed", [
    ("import math", "import cmath", "<body>"), ("LIMIT = 3", "LIMIT = 4", "<body>"),
    ("@staticmethod", "@classmethod", "first"), ("b=1", "b=2", "first"),
    ('"a # b"', '"a # c"', "first"), ("!r}\n\n", "!r}\n", "first"),
    ("  # in the text", "  # in a text", "first"), ("'it''s'", "'it' 's'", "first"),
    ("(object)", "(dict)", "Kind.<body>"), ("size = 1\n", "size = 2\n", "Kind.<body>"),
    ('b"#"', 'b"##"', "Kind.method"), ("return 1", "return 2", "Kind.value"),
    ("@value.setter", "@value.deleter", "Kind.value"),
])
def test_what_says_something(old: str, new: str, changed: str) -> None:
    """One name, the right one."""
    assert old in SOURCE
    found = functions_of(SOURCE.replace(old, new, 1).encode(), ("*",))
    assert [changed] == [name for name in ALL if found[name] != ALL[name]]


def test_the_installed_release_has_its_record() -> None:
    """Of the release under test, whichever of the two it is."""
    assert {"4.1.0", "4.2.0"} <= set(known_releases())
    assert record_of(installed_version()) == make_record(PACKAGE)


def test_the_records_differ_as_the_releases_do() -> None:
    other = {"4.1.0": "4.2.0", "4.2.0": "4.1.0"}[installed_version()]
    found = compare_sources(PACKAGE.parent, other)
    expected = {"4.1.0": found.gone, "4.2.0": found.added}[installed_version()]
    assert "shallow_water/boundaries.py:_momentum_scale" in expected
    assert "operators/barometric_pressure.py:Barometric_pressure_operator.__call__" \
        in found.changed
    assert not any("friction.py" in each for each in found.changed)


@pytest.mark.parametrize("release", ["4.1.0", "4.2.0"])
def test_every_name_relied_on_is_there(release: str) -> None:
    """A misspelt one would never differ."""
    functions = record_of(release)["functions"]
    assert set(RELIED) == set(functions)
    missing = [f"{file}:{name}" for file, names in RELIED.items() for name in names
               if name != "*" and not {name, f"{name}.<body>"} & set(functions[file])]
    assert [] == missing


def test_everything_replaced_is_watched() -> None:
    """Each row about a function or class of ANUGA's in Python has a fingerprint."""
    functions = record_of(known_releases()[-1])["functions"]
    unwatched = []
    for row in TABLE:
        file = row.module.removeprefix("anuga.").replace(".", "/") + ".py"
        # attributes and constructors that only lean has are the class's
        names = {row.name, f"{row.name}.<body>", f"{row.name.split('.')[0]}.<body>"}
        if row.phase == AROUND:     # the module's own statements bind it
            names.add("<body>")
        # a binding of one module is of a function that is another's
        # a binding of one module is of a function that is another's, and what only gets a name
        # for where memory runs out may be any
        if row.module.startswith("anuga.") and not row.module.endswith("_ext") \
                and row.kind not in (MARK, BINDING, NAMED) \
                and not names & set(functions.get(file, ())):
            unwatched.append(f"{file}:{row.name}")
    assert [] == unwatched


def test_a_folder_of_sources(tmp_path: Path) -> None:
    """What the nightly asks of an unpacked wheel: one line, and nothing of it is run."""
    old, new = "def evaluate(self", "def evaluate(self, more"
    root = doctored(tmp_path / "wheel", "4.2.9", {"shallow_water/boundaries.py": (old, new)})
    (root / "anuga" / "__init__.py").unlink()
    (root / "anuga" / "__init__.py").write_text("raise SystemExit('run')\n")
    found = compare_sources(root, installed_version())
    assert ("4.2.9", installed_version(), 1) == (found.version, found.release, found.number)
    assert f"anuga 4.2.9 differs from {installed_version()} in 1 functions" in str(found)
    assert "boundaries.Reflective_boundary.evaluate" in str(found) and "\n" not in str(found)
    assert compare_sources(PACKAGE).is_equal
    with pytest.raises(BrokenInstallation, match="holds no package anuga"):
        compare_sources(tmp_path)
    (root / "anuga" / "file" / "sww.py").unlink()
    assert ("file/sww.py",) == compare_sources(root, installed_version()).missing


def test_the_command(tmp_path: Path) -> None:
    """Every name that differs, a line each."""
    root = doctored(tmp_path / "wheel", "4.9.0",
                    {"shallow_water/boundaries.py": ("def evaluate(self", "def evaluate( self")})
    done = subprocess.run([sys.executable, "-m", "anuga_lean.overlay.fingerprint", str(root),
                           "--against", installed_version()],
                          capture_output=True, text=True, cwd=tmp_path)
    assert (0, "") == (done.returncode, done.stderr)
    first, *names = done.stdout.splitlines()
    assert first.startswith(f"anuga 4.9.0 differs from {installed_version()} in 1 functions")
    assert ["  changed  shallow_water/boundaries.py:Reflective_boundary.evaluate"] == names
    done = subprocess.run([sys.executable, "-m", "anuga_lean.overlay.fingerprint", "nowhere"],
                          capture_output=True, text=True, cwd=tmp_path)
    assert (2, "") == (done.returncode, done.stdout)
    assert 1 == len(done.stderr.splitlines())


def test_a_written_record_is_read_back(tmp_path: Path) -> None:
    import json

    record = make_record(PACKAGE)
    path = write_record(record, tmp_path)
    assert f"{installed_version()}.json" == path.name
    assert record == json.loads(path.read_text())
