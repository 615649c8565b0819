"""Sets belong to the name and the folder that wrote them: no run drops those of another."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from netCDF4 import Dataset

import anuga_lean as anuga
from anuga_lean import CheckpointWarning
from checkpoint.damage import with_header
from checkpoint.models import YIELDSTEP, digest, digests, inside, made

FINALTIME = 6 * YIELDSTEP


def times_in(folder: Path, name: str) -> list[float]:
    """The times of a name's sets."""
    return sorted(float(path.stem.removeprefix(name + "_")) for path in folder.glob("*.npz")
                  if "_mesh_" not in path.name and path.name.rpartition("_")[0] == name)


def content(folder: Path, name: str) -> dict[str, bytes]:
    """The files of a name: sets, stubs and mesh files."""
    return {path.name: path.read_bytes() for path in folder.iterdir()
            if path.name.rpartition("_")[0] in (name, name + "_mesh")}


@pytest.fixture
def base(tmp_path: Path) -> tuple[Path, dict[float, str]]:
    """A folder with the sets of a run that was broken off, and what the unbroken one computes."""
    domain = made(6, 4, name="base")
    domain.set_checkpointing(checkpoint_dir=str(tmp_path / "sets"), checkpoint_step=1, keep=3)
    digests(domain, FINALTIME, at_most=4)
    assert 3 == len(times_in(tmp_path / "sets", "base"))
    return tmp_path / "sets", digests(made(6, 4, name="unbroken"), FINALTIME)


def went_on(domain: Any, whole: dict[float, str]) -> float:
    """The time of a loaded domain, which goes on as the unbroken run."""
    began = domain.get_time()
    found = digests(domain, FINALTIME)
    assert {t: each for t, each in whole.items() if t > began} == found
    return float(began)


def test_branches(base: tuple[Path, dict[float, str]]) -> None:
    """Two and three branches, from the newest and an older set, leave the base's files alone."""
    sets, whole = base
    before = content(sets, "base")
    times = times_in(sets, "base")
    for name, time in (("dry", None), ("wet", None), ("base_1", times[0]), ("base", times[1])):
        domain = anuga.load_checkpoint_file("base", str(sets), time=time)
        domain.set_name(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if name == "base" else "error", CheckpointWarning)
            assert (time or times[-1]) == went_on(domain, whole)
        if name != "base":
            assert before == content(sets, "base")
            assert 3 == len(times_in(sets, name))
            again = anuga.load_checkpoint_file(name, str(sets), time=times_in(sets, name)[0])
            again.set_checkpointing(False)
            went_on(again, whole)
    # the last is the same run from an older time: its own are the newest, and the later one stays
    assert FINALTIME == pytest.approx(anuga.load_checkpoint_file("base", str(sets)).get_time())
    assert times[-1] not in times_in(sets, "base") or whole[times[-1]] == digest(
        anuga.load_checkpoint_file("base", str(sets), time=times[-1]))


def test_another_folder_and_back(base: tuple[Path, dict[float, str]], tmp_path: Path,
                                 monkeypatch: pytest.MonkeyPatch) -> None:
    """In mid-run: each folder keeps its own newest, also where a relative name is another one."""
    sets, whole = base
    before = content(sets, "base")
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
    domain = anuga.load_checkpoint_file("base", str(sets), time=times_in(sets, "base")[0])
    steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=FINALTIME)
    for place, keep in (("here", 1), ("there", 1), ("here", 1), ("there", 2)):
        monkeypatch.chdir(tmp_path / place)
        domain.set_checkpointing(checkpoint_dir="rest", checkpoint_step=1, keep=keep)
        t = next(steps)
        assert digest(anuga.load_checkpoint_file("base", "rest")) == whole[t]
    assert (1, 2) == tuple(len(times_in(tmp_path / place / "rest", "base"))
                           for place in ("here", "there"))
    assert before == content(sets, "base")


def test_another_name_in_mid_run(tmp_path: Path) -> None:
    """What it drops is of the name of now; the one before keeps its sets and its mesh file."""
    domain = made(6, 4, name="first")
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1, keep=1)
    steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
    t = next(steps)
    before, expected = content(tmp_path, "first"), digest(domain)
    domain.set_name("second")
    for _ in range(3):
        next(steps)
    assert before == content(tmp_path, "first")
    assert 1 == len(times_in(tmp_path, "second"))
    first, second = (anuga.load_checkpoint_file(name, str(tmp_path))
                     for name in ("first", "second"))
    assert (t, expected) == (first.get_time(), digest(first))
    assert digest(domain) == digest(second)


@pytest.mark.parametrize("is_needed", [True, False])
def test_a_mesh_file_goes_with_its_last_set(tmp_path: Path, is_needed: bool) -> None:
    """A set of another name that refers to it counts too."""
    domain = made(16, 12, name="shared")
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1, keep=1)
    steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
    t = next(steps)
    [mesh] = tmp_path.glob("shared_mesh_*")
    if is_needed:
        (tmp_path / f"shared_{t}.npz").rename(tmp_path / "kept_apart_0.5.npz")
    domain.set_quantity("elevation", lambda x, y: -50.0 - x)
    domain.checkpoint_sets.mesh_file = ""       # as in a run that begins: a file with that bed
    next(steps)
    assert (1 + is_needed, is_needed) == (len(list(tmp_path.glob("shared_mesh_*"))), mesh.exists())


def test_a_branch_stores_to_its_own_sww_file(tmp_path: Path) -> None:
    """The frames of the run it comes from stay; its own begin at the set."""
    with inside(tmp_path):
        domain = made(6, 4, name="stem")
        domain.set_store(True)
        domain.set_checkpointing(checkpoint_step=2)
        digests(domain, FINALTIME, at_most=6)
        before = Path("stem.sww").read_bytes()
        branch = anuga.load_checkpoint_file("stem", "CHECKPOINTS")
        assert 4 * YIELDSTEP == pytest.approx(branch.get_time())
        branch.set_name("twig")
        digests(branch, FINALTIME)
        assert before == Path("stem.sww").read_bytes()
        with Dataset("twig.sww") as file:
            assert np.allclose([0.08, 0.1, 0.12], file["time"][:])
        again = anuga.load_checkpoint_file("twig", "CHECKPOINTS")
        digests(again, FINALTIME + YIELDSTEP)
        with Dataset("twig.sww") as file:
            assert np.allclose([0.08, 0.1, 0.12, 0.14], file["time"][:])
        # the same name goes on with the file, without what came after the set
        digests(anuga.load_checkpoint_file("stem", "CHECKPOINTS", time=0.04), 0.06)
        with Dataset("stem.sww") as file:
            assert np.allclose([0.0, 0.02, 0.04, 0.06], file["time"][:])


def test_only_own_files_are_dropped(tmp_path: Path) -> None:
    """Whatever an older set says of its mesh file, and whatever links lie in the folder."""
    sets = tmp_path / "sets"
    domain = made(16, 12, name="m")
    domain.set_checkpointing(checkpoint_dir=str(sets), checkpoint_step=1)
    digests(domain, FINALTIME, at_most=5)
    others = ["../precious_mesh_0123456789abcdef.npz", "k_mesh_0123456789abcdef.npz",
              "k_mesh_m_mesh_0123456789abcdef.npz", str(tmp_path / "thesis.tex")]
    for mesh, path in zip(others, sorted(sets.glob("m_0.*.npz")), strict=False):
        (sets / mesh).write_text("precious")
        path.write_bytes(with_header(path.read_bytes(), mesh_file=mesh))
    (tmp_path / "letter").write_text("precious")
    domain = anuga.load_checkpoint_file("m", str(sets), trusted=False)
    for name in (".m.lock", ".m.partial", "m_0.1.pickle", "m_0.1.npz"):
        (sets / name).symlink_to(tmp_path / "letter")
    domain.set_checkpointing(checkpoint_dir=str(sets), checkpoint_step=1, keep=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)      # of m_0.1.pickle, which stays
        digests(domain, FINALTIME)
    assert 1 == len(times_in(sets, "m"))
    assert {"precious"} == {(sets / name).read_text() for name in [*others, "../letter"]}
