"""Checkpoints of another ANUGA: an older one's go on as runs of the installed, a newer one's not.

The sets of 4.1.0 and 4.2.0 in `data` are of `make_older`, so that one environment is enough.
All that are lean's are of format 1, which names classes by the modules of its day.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tarfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean import CheckpointError, CheckpointWarning
from anuga_lean._errors import NewerCheckpoint
from anuga_lean.checkpoint import releases
from anuga_lean.checkpoint.file import Reader
from checkpoint.damage import FOOTER_NBYTES, file_of, members_of, signed, with_header
from checkpoint.make_older import DATA
from checkpoint.models import NAME, digests, inside, made, write_sets
from checkpoint.older_models import FINALTIME, FORMAT_1, MODELS, PARTED, WRITTEN_AT
from mpirun import needs_mpi, on_ranks

TESTS = Path(__file__).resolve().parent.parent
STORED = sorted(path.name.removeprefix("anuga_").removesuffix(".tar.xz")
                for path in DATA.glob("anuga_*"))
INSTALLED = metadata.version("anuga")
Results = dict[str, np.ndarray]
# Python knows filters since 3.11.4, Debian 12 has 3.11.2
SAFE: dict = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def run(folder: Path, *arguments: str) -> None:
    """Run `checkpoint.go_on` on one thread, whose sums are the same each time."""
    path = [str(TESTS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    done = subprocess.run(
        [sys.executable, "-m", "checkpoint.go_on", *arguments], cwd=folder, timeout=300,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(each for each in path if each),
                          "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True)
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def gone_on(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str, str], Results]:
    """What a run shows: of a stored release, a way to go on, and a model."""
    root = tmp_path_factory.mktemp("releases")
    done: set[tuple[str, str]] = set()

    def read(release: str, way: str, model: str) -> Results:
        folder = root / release
        if not folder.exists():
            with tarfile.open(DATA / f"anuga_{release}.tar.xz") as archive:
                archive.extractall(folder, **SAFE)
        if (release, way) not in done:
            run(folder, str(folder), str(folder), way, ",".join(MODELS))
            done.add((release, way))
        with np.load(folder / f"{way}_{model}.npz") as arrays:
            return {name: arrays[name] for name in arrays.files}

    return read


def numbers(version: str) -> list[int]:
    return [int(each) for each in version.split(".")]


def rest_of(results: Results) -> Results:
    """What yields after the stored one show."""
    return {name: value for name, value in results.items()
            if float(name.partition(" ")[0]) > WRITTEN_AT}


def different(expected: Results, actual: Results) -> list[str]:
    assert 40 < len(expected)
    return [name for name, value in expected.items()
            if name not in actual or value.tobytes() != actual[name].tobytes()]


def test_what_is_stored() -> None:
    assert ["4.1.0", "4.2.0"] == STORED


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("way", ["lean", "lean-stock"])
@pytest.mark.parametrize("release", STORED)
def test_goes_on(gone_on: Callable[[str, str, str], Results], release: str, way: str,
                 model: str) -> None:
    """A lean set, and one of ANUGA's own: every value and edge value of the rest of the run.

    An older release's are those of the installed ANUGA that goes on from the same pickle, to
    which the test gives by hand what it lacks, and without prescribed values those of its own
    unbroken run; the same release's are those of the unbroken run.
    """
    found = gone_on(release, way, model)
    if numbers(release)[:2] > numbers(INSTALLED)[:2]:
        text = str(found["refused"])
        assert text.startswith("NewerCheckpoint: ")
        for word in (f"{model}_1.0", "written with anuga 4.2", f"older {INSTALLED}",
                     "pip install 'anuga>=4.2"):
            assert word in text
        assert 1 == len(text.splitlines()) == text.count("that is installed")
        return
    said = found.pop("said").tolist()
    assert "lean" == str(found.pop("kernels"))
    is_older = numbers(release)[:2] < numbers(INSTALLED)[:2]
    assert [is_older] == [len(said) == 1] and len(said) < 2
    for text in said:
        assert text.startswith("CheckpointWarning: ") and model in text
        assert text.endswith(f"the run goes on with {INSTALLED}'s arithmetic.")
        assert "written with anuga 4.1.0" in text or "written with an anuga before 4.2" in text
    whole = rest_of(gone_on(release, "whole", model))
    if is_older:
        stock = gone_on(release, "stock", model)
        assert [] == different(stock, found)
        assert (model == "walls") == (different(whole, found) == [])
    else:
        assert [] == different(whole, found)


@pytest.mark.parametrize("release", STORED)
def test_format_1_goes_on(release: str, tmp_path: Path) -> None:
    """Walls, tracers, structures, a moving shore; a user's objects that hold views and classes.

    Nothing is prescribed and there is no viscosity: the bits are those of the unbroken run of
    ANUGA's classes, on every release.
    """
    with tarfile.open(DATA / f"format_1_{release}.tar.xz") as archive:
        archive.extractall(tmp_path, **SAFE)
    for model in FORMAT_1:
        members = members_of((tmp_path / "lean" / f"{model}_{WRITTEN_AT}.npz").read_bytes())
        assert (model == "users") == (b"anuga_lean.quantity_views" in members.get("code.dill", b""))
        assert b'"anuga_lean.step"' in members["graph.json"]
    for way in ("lean", "whole"):
        run(tmp_path, str(tmp_path), str(tmp_path), way, ",".join(FORMAT_1))
    for model in FORMAT_1:
        found, whole = (dict(np.load(tmp_path / f"{way}_{model}.npz")) for way in ("lean", "whole"))
        if numbers(release)[:2] > numbers(INSTALLED)[:2]:
            assert str(found["refused"]).startswith("NewerCheckpoint: ")
            continue
        assert (release != INSTALLED) == bool(found.pop("said").tolist())
        assert "lean" == str(found.pop("kernels"))
        assert [] == different(rest_of(whole), found)


def test_a_run_from_format_1_writes_the_present_one(tmp_path: Path) -> None:
    """Beside the mesh file of format 1, which it goes on with; both are read again."""
    if INSTALLED not in STORED:
        pytest.skip(f"there is no set of {INSTALLED}")
    with tarfile.open(DATA / f"format_1_{INSTALLED}.tar.xz") as archive:
        archive.extractall(tmp_path, **SAFE)
    folder = tmp_path / "lean"
    meshes = sorted(folder.glob("rivers_mesh_*"))
    domain = anuga.load_checkpoint_file("rivers", str(folder))
    domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1, keep=9)
    expected = digests(domain, FINALTIME, yieldstep=0.5)
    with Reader(folder / "rivers_1.5.npz") as state, Reader(meshes[0]) as mesh:
        assert (2, 1) == (state.format, mesh.format)
    assert meshes == sorted(folder.glob("rivers_mesh_*"))
    twin = anuga.load_checkpoint_file("rivers", str(folder), 1.5)
    twin.set_checkpointing(False)
    assert {t: value for t, value in expected.items() if t > 1.5} == digests(
        twin, FINALTIME, yieldstep=0.5)


def test_format_1_that_is_known_no_more(tmp_path: Path) -> None:
    """A class of ours that is not where it was: one sentence, which names it."""
    with tarfile.open(DATA / f"format_1_{STORED[0]}.tar.xz") as archive:
        archive.extractall(tmp_path, **SAFE)
    path = tmp_path / "lean" / f"rivers_{WRITTEN_AT}.npz"
    members = members_of(path.read_bytes())
    members["graph.json"] = members["graph.json"].replace(b"anuga_lean.step", b"anuga_lean.stop")
    path.write_bytes(signed(file_of(members)[:-FOOTER_NBYTES], 1))
    with pytest.raises(CheckpointError, match="anuga_lean.stop.Step is not among what") as caught:
        anuga.load_checkpoint_file("rivers", str(tmp_path / "lean"))
    assert "\n" not in str(caught.value)


def on_two(folder: Path, way: str) -> list[Results]:
    """What two ranks show that go on in some way."""
    path = [str(TESTS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(each for each in path if each)
    done = on_ranks(2, folder, "-m", "checkpoint.go_on", str(folder), str(folder), way, PARTED)
    assert 0 == done.returncode, done.stdout + done.stderr
    return [dict(np.load(folder / f"{way}_{PARTED}_P2_{rank}.npz")) for rank in range(2)]


@needs_mpi
@pytest.mark.parametrize("release", STORED)
def test_goes_on_on_two_ranks(release: str, tmp_path: Path,
                              monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank 0 alone says it; a refusal is one of both."""
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    with tarfile.open(DATA / f"anuga_{release}.tar.xz") as archive:
        archive.extractall(tmp_path, **SAFE)
    found = {way: on_two(tmp_path, way) for way in ("lean", "lean-stock")}
    if numbers(release)[:2] > numbers(INSTALLED)[:2]:
        for one, other in found.values():
            assert str(one["refused"]) == str(other["refused"])
            assert "written with anuga 4.2" in str(one["refused"])
            assert str(one["refused"]).startswith("NewerCheckpoint: ")
        return
    expected = on_two(tmp_path, "stock")
    is_older = numbers(release)[:2] < numbers(INSTALLED)[:2]
    for way, ranks in found.items():
        assert [1 if is_older else 0, 0] == [len(each.pop("said")) for each in ranks], way
        assert ["lean", "lean"] == [str(each.pop("kernels")) for each in ranks], way
        for one, other in zip(expected, ranks, strict=True):
            assert [] == different(one, other), way


@pytest.mark.parametrize("release", STORED)
def test_loads_on_another_number_of_ranks(release: str, tmp_path: Path) -> None:
    """A set of two ranks on one, where its release may go on."""
    with tarfile.open(DATA / f"anuga_{release}.tar.xz") as archive:
        archive.extractall(tmp_path, **SAFE)
    if numbers(release)[:2] > numbers(INSTALLED)[:2]:
        with pytest.raises(NewerCheckpoint, match=f"written with anuga {release}"):
            anuga.load_checkpoint_file(PARTED, str(tmp_path / "lean"))
        return
    with pytest.warns(CheckpointWarning) as caught:
        domain = anuga.load_checkpoint_file(PARTED, str(tmp_path / "lean"))
    said = [str(each.message) for each in caught]
    is_older = numbers(release)[:2] < numbers(INSTALLED)[:2]
    assert is_older == any("'s arithmetic." in each for each in said)
    assert (2 if is_older else 1) == len(said)
    assert 48 == domain.number_of_triangles
    with pytest.raises(CheckpointError, match="set it again"):
        list(domain.evolve(yieldstep=0.5, duration=0.5))


def test_pickles_of_lean_domains(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a script pickles itself names the release too."""
    domain = made()
    list(domain.evolve(yieldstep=0.02, finaltime=0.02))
    domain.fractional_step_operators[1:] = []       # they hold what pickle cannot
    monkeypatch.setattr(releases, "installed", lambda: "4.1.0")
    data = pickle.dumps(domain)
    assert 0.02 == pickle.loads(data).get_time()
    monkeypatch.setattr(releases, "installed", lambda: "4.2.0")
    with pytest.warns(CheckpointWarning, match="a pickle of a domain was written with anuga 4.1.0"):
        pickle.loads(data)
    monkeypatch.setattr(releases, "installed", lambda: "4.0.9")
    with pytest.raises(NewerCheckpoint, match="written with anuga 4.1.0"):
        pickle.loads(data)


def test_order_of_versions() -> None:
    versions = ("4.1.0.dev1", "4.1.0.dev12", "4.1.0a1", "4.1.0b1.dev2", "4.1.0b1", "4.1.0rc1",
                "4.1.0", "4.1.0.post1", "4.1.1.dev0", "4.1.1", "4.2", "4.2.0.1", "4.10.0", "10.0")
    orders = [releases._order(each) for each in versions]
    assert orders == sorted(orders) and len(set(orders)) == len(orders)
    assert releases._order("4.2") == releases._order("4.2.0") == releases._order("4.2.0+local.1")


def said_of(written: object, present: str, monkeypatch: pytest.MonkeyPatch) -> str | None:
    monkeypatch.setattr(releases, "installed", lambda: present)
    return releases.check("checkpoint X", written)


@pytest.mark.parametrize(("written", "present"), [
    ("4.2.0", "4.2.0"), ("4.2.0", "4.2.3"), ("4.2.3", "4.2.0"), ("4.3.0.dev12", "4.3.0.dev12"),
    ("unknown", "unknown")])
def test_same_arithmetic_is_quiet(written: str, present: str,
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    assert said_of(written, present, monkeypatch) is None


@pytest.mark.parametrize(("written", "present"), [
    ("4.1.0", "4.2.0"), ("4.1.7", "4.2.0"), ("4.2.0", "4.3.0.dev12"), ("4.3.0.dev3", "4.3.0.dev12"),
    ("4.3.0.dev3", "4.3.0"), ("4.3.0rc1", "4.3.0"), ("4.2.0", "5.0"), ("4.9.0", "4.10.0")])
def test_older_goes_on_and_is_said(written: str, present: str,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"checkpoint X was written with anuga {written}, the run goes on with {present}'s " \
        "arithmetic." == said_of(written, present, monkeypatch)


@pytest.mark.parametrize(("written", "present"), [
    ("4.2.0", "4.1.0"), ("4.2.0.dev1", "4.1.9"), ("4.3.0", "4.3.0rc2"), ("4.10.0", "4.9.0"),
    ("9.9", "4.2.0"), ("4.2.0", "unknown")])
def test_newer_is_refused(written: str, present: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NewerCheckpoint, match=f"pip install 'anuga>={written}'") as caught:
        said_of(written, present, monkeypatch)
    for each in (written, present):
        assert each in str(caught.value)


@pytest.mark.parametrize("written", [
    "4.2.0; rm -rf /", "4", "four", "", "4.2.0\n", "\u0664.\u0662.0", "x" * 10_000_000,
    "4." * 5_000_000, "99999.1", "4.1.0.0.0", "4.2.0'", "4.2.0+" + "a" * 41, 4.2, 42, None, True,
    ["4", "2"], {"4": 2}], ids=lambda value: repr(value)[:20])
def test_forged_versions(written: object, tmp_path: Path) -> None:
    """Whatever stands there is one short sentence, and a reason to take the older set."""
    with inside(tmp_path):
        older, newest = write_sets(Path("sets"))
        newest.write_bytes(with_header(newest.read_bytes(), anuga=written))
        with pytest.raises(CheckpointError, match=newest.name) as caught:
            anuga.load_checkpoint_file(NAME, "sets", time=float(newest.stem.rpartition("_")[2]))
        text = str(caught.value)
        assert "which is none" in text and len(text) < 400 and "\n" not in text
        with pytest.warns(CheckpointWarning, match="loaded the older set"):
            domain = anuga.load_checkpoint_file(NAME, "sets", trusted=False)
        assert older.stem.endswith(f"_{domain.get_time()}")


@pytest.mark.parametrize("written", ["9.9", "4.9.0.dev1+g12ab"])
def test_no_older_set_stands_in_for_a_newer_release(written: str, tmp_path: Path) -> None:
    """Going on from it would cut the SWW file off; asked for by its time it loads."""
    with inside(tmp_path):
        older, newest = write_sets(Path("sets"))
        newest.write_bytes(with_header(newest.read_bytes(), anuga=written))
        before = {path.name: path.read_bytes() for path in Path("sets").iterdir()}
        for trusted in (True, False):
            with pytest.raises(NewerCheckpoint, match=newest.name):
                anuga.load_checkpoint_file(NAME, "sets", trusted=trusted)
        assert before == {path.name: path.read_bytes() for path in Path("sets").iterdir()}
        time = float(older.stem.rpartition("_")[2])
        assert time == anuga.load_checkpoint_file(NAME, "sets", time=time).get_time()


def test_before_4_1_is_refused(tmp_path: Path) -> None:
    with inside(tmp_path):
        newest = write_sets(Path("sets"))[-1]
        newest.write_bytes(with_header(newest.read_bytes(), anuga="3.3.10"))
        with pytest.raises(CheckpointError, match="goes on with 4.1 and later only"):
            anuga.load_checkpoint_file(NAME, "sets", time=float(newest.stem.rpartition("_")[2]))


def test_edges_are_those_before_it_was_written(tmp_path: Path) -> None:
    """At prescribed boundaries too, whose values are those of the last distribute."""
    names = ("stage", "xmomentum", "ymomentum", "height", "elevation")
    with inside(tmp_path):
        domain = made()
        domain.set_checkpointing(checkpoint_dir="sets", checkpoint_step=1)
        for t in domain.evolve(yieldstep=0.02, finaltime=0.06):
            expected = {name: np.array(domain.quantities[name].edge_values) for name in names}
            found = anuga.load_checkpoint_file(NAME, "sets", time=t)
            assert found.lean is not None
            for name in names:
                assert expected[name].tobytes() == \
                    np.array(found.quantities[name].edge_values).tobytes(), (t, name)
            if hasattr(domain, "boundary_limit_mask"):
                mask = np.asarray(domain.boundary_limit_mask)
                assert mask.any()
                assert np.array_equal(mask, np.asarray(found.boundary_limit_mask))


MARK = b"\x8c\x13boundary_limit_mask"


@pytest.mark.parametrize("at", [0, 7, (1 << 20) - 5, (1 << 20) - 21, 1 << 20, (3 << 20) - 1])
def test_a_mark_is_found_wherever_it_stands(at: int, tmp_path: Path) -> None:
    """In a pickle that is read a block at a time."""
    path = tmp_path / "domain_1.0.pickle"
    path.write_bytes(bytes(at) + MARK + bytes(100))
    assert releases._holds(path, "boundary_limit_mask")
    path.write_bytes(bytes(at) + MARK[:-1] + bytes(100))
    assert not releases._holds(path, "boundary_limit_mask")
