"""A study file: what it says, and one sentence for one that says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from anuga_lean._errors import StudyError
from anuga_lean.studies.definition import nbytes, read
from anuga_lean.studies.members import Folder, command_line, members_of
from anuga_lean.studies.parameter_sets import sets_of
from anuga_lean.studies.sizes import by_table, triangles_of


@pytest.fixture
def write(tmp_path: Path) -> object:
    (tmp_path / "model.py").write_text("")

    def write(text: str) -> Path:
        path = tmp_path / "s.toml"
        path.write_text(text)
        return path

    return write


def test_grid(write: object) -> None:
    study = read(write('script = "model.py"\nreplicates = 2\n[grid]\na = [1, 2]\nb = [0.5]\n'))
    sets = sets_of(study)
    assert [{"a": 1, "b": 0.5}, {"a": 2, "b": 0.5}] == sets
    members = list(members_of(study, sets))
    assert ["0-0", "0-1", "1-0", "1-1"] == [each.name for each in members]
    assert 4 == len({each.seed for each in members})
    assert members == list(members_of(study, sets))
    assert (["--a", "1", "--b", "0.5"], "0-0") == (
        (found := command_line(study, members[0], Path("x")))[0], found[1]["ANUGA_LEAN_MEMBER"])


def test_table_and_function_and_sample(write: object, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,x\n2.5,y\n\n")
    assert [{"a": 1, "b": "x"}, {"a": 2.5, "b": "y"}] == sets_of(
        read(write('script = "model.py"\ntable = "t.csv"\n')))
    (tmp_path / "f.py").write_text("import numpy as np\n"
                                   "def sets():\n    for k in np.arange(2):\n"
                                   "        yield {'k': k}\n")
    assert [{"k": 0}, {"k": 1}] == sets_of(
        read(write('script = "model.py"\nfunction = "f.py:sets"\n')))
    for method in ("latin-hypercube", "sobol", "halton", "poisson-disk"):
        study = read(write(f'script = "model.py"\n[sample]\nmethod = "{method}"\ncount = 5\n'
                           '[sample.ranges]\nr = [10.0, 20.0]\nq = [-1.0, 1.0]\n'))
        found = sets_of(study)
        assert 5 == len(found) and found == sets_of(study)
        assert all(10.0 <= each["r"] <= 20.0 and -1.0 <= each["q"] <= 1.0 for each in found)


@pytest.mark.parametrize(("text", "says"), [
    ('script = "model.py"\nreplicats = 2\n', "unknown key `replicats`"),
    ('script = "other.py"\n', "there is no file"),
    ('script = 3\n', "Expected `str`, got `int` - at `script`"),
    ("nothing here", "s.toml"),
    ('script = "model.py"\n[grid]\na = []\n', "no value for a"),
    ('script = "model.py"\n[grid]\nseed = [1]\n', "'seed' is no name of a parameter"),
    ('script = "model.py"\n[grid]\n"a b" = [1]\n', "'a b' is no name of a parameter"),
    ('script = "model.py"\ntable = "no.csv"\n', "there is no file"),
    ('script = "model.py"\ntable = "model.py"\n', "is empty"),
    ('script = "model.py"\nfunction = "model.py:sets"\n', "has no function sets"),
    ('script = "model.py"\nfunction = "sets"\n', "names no function"),
    ('script = "model.py"\nreplicates = 0\n', "replicates = 0: give 1 or more"),
    ('script = "model.py"\ntimeout = -1.0\n', "give seconds above 0"),
    ('script = "model.py"\nmemory = "1GB"\ntriangles = 9\n', "has memory and triangles"),
    ('script = "model.py"\nmemory = "lots"\n', "no amount of memory"),
    ('script = "model.py"\ntable = "t"\n[grid]\na = [1]\n', "grid and table"),
    ('script = "model.py"\n[grid]\na = [nan]\n', "a finite number"),
    ('script = "model.py"\n[sample]\ncount = 2\n[sample.ranges]\nr = [2.0, 1.0]\n',
     "first bound is below"),
    ('script = "model.py"\n[sample]\nmethod = "guess"\ncount = 2\n[sample.ranges]\n'
     'r = [0.0, 1.0]\n', "Invalid enum value 'guess'"),
])
def test_one_sentence(write: object, text: str, says: str) -> None:
    with pytest.raises(StudyError) as caught:
        sets_of(read(write(text)))
    assert says in str(caught.value)


def test_arguments_name_parameters(write: object) -> None:
    study = read(write('script = "model.py"\narguments = ["{rain}", "{wind}"]\n'
                       '[grid]\nrain = [1]\n'))
    member = next(members_of(study, sets_of(study)))
    with pytest.raises(StudyError, match="the names are rain, replicate, seed"):
        command_line(study, member, Path("x"))


@pytest.mark.parametrize(("text", "count"), [
    ('2000', 2000), ('"{n}"', 30), ('"4 * {n} * ({n} + 2)"', 3840), ('"1e4 / {n}"', 333),
    ('"{n} ** 2"', 900)])
def test_triangles(write: object, text: str, count: int) -> None:
    study = read(write(f'script = "model.py"\ntriangles = {text}\n[grid]\nn = [30]\n'))
    assert count == triangles_of(study, next(members_of(study, sets_of(study))))


@pytest.mark.parametrize("text", [
    "0", "-3", "nan", "3e9", '"{m}"', '"{n}.real"', '"open(1)"', '"{n} **"', '""', '"1 / 0"',
    '"9 ** 9 ** 9"', '"{n.real.__class__}"', f'"{"(" * 900}"', '"{n:999999}"'])
def test_no_triangles(write: object, text: str) -> None:
    study = read(write(f'script = "model.py"\ntriangles = {text}\n[grid]\nn = [30]\n'))
    with pytest.raises(StudyError, match="is no number from 1 to"):
        triangles_of(study, next(members_of(study, sets_of(study))))


def test_triangles_by_the_table() -> None:
    small, large = (by_table("lean", 1, n) for n in (1000, 1_000_000))
    assert 30 << 20 < small < 100 << 20 < large < by_table("stock", 1, 1_000_000)
    assert by_table("lean", 4, 1_000_000) > large
    assert by_table("lean", 4, 3) is None


def test_a_folder_is_of_one_study(write: object, tmp_path: Path) -> None:
    study = read(write('script = "model.py"\n[grid]\na = [1]\n'))
    folder = Folder(tmp_path / "f")
    folder.claim(study, sets_of(study))
    folder.claim(study, sets_of(study))
    other = read(write('script = "model.py"\n[grid]\na = [2]\n'))
    folder.member("0-0").mkdir()
    with pytest.raises(StudyError, match="of another study"):
        folder.claim(other, sets_of(other))
    (tmp_path / "model.py").write_text("edited = True")
    with pytest.raises(StudyError, match="of another study"):
        folder.claim(study, sets_of(study))
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "thesis.tex").write_text("")
    with pytest.raises(StudyError, match="holds files and no study"):
        Folder(tmp_path / "g").claim(study, sets_of(study))
    assert ["thesis.tex"] == [each.name for each in (tmp_path / "g").iterdir()]


def test_nbytes() -> None:
    assert (300 << 20, 2 * 1000**3, 1 << 30) == (nbytes("300MiB"), nbytes("2 GB"),
                                                 nbytes("1073741824"))
