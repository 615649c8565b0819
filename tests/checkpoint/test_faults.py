"""Kills, torn and damaged files, strange sets: an older whole set always remains."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import anuga_lean as anuga
from anuga_lean import CheckpointError, CheckpointWarning
from anuga_lean.checkpoint.reading import StateFile
from checkpoint.damage import (
    FOOTER_NBYTES,
    FORMAT,
    members_of,
    sections,
    signed,
    with_header,
)
from checkpoint.models import NAME, YIELDSTEP, digest, digests, write_sets
from sessions.compared import TESTS

SEED = 4


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two sets and their mesh file, which no test writes to."""
    folder = tmp_path_factory.mktemp("kept")
    write_sets(folder)
    return folder


@pytest.fixture
def sets(kept: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return Path(shutil.copytree(kept, tmp_path / "sets"))


def states(folder: Path) -> list[Path]:
    """The files of the sets, the oldest first."""
    return sorted(folder.glob(f"{NAME}_[0-9]*.npz"),
                  key=lambda path: float(path.stem.rpartition("_")[2]))


def mesh_file(folder: Path) -> Path:
    """The one mesh file."""
    [path] = folder.glob("*_mesh_*.npz")
    return path


def time_of(path: Path) -> float:
    """The time in the name of a file."""
    return float(path.stem.rpartition("_")[2])


def loaded(folder: Path, **options: Any) -> Any:
    """The domain of the newest set, or of a time."""
    return anuga.load_checkpoint_file(NAME, str(folder), **options)


def refused(path: Path, *named: str) -> str:
    """What is said when a set is refused: one sentence with these words, or its name."""
    with pytest.raises(CheckpointError) as caught:
        with StateFile(path) as file:
            file.restore(trusted=False)
    said = str(caught.value)
    assert "\n" not in said
    for each in named or (path.name,):
        assert each in said
    return said


def falls_back(folder: Path, damaged: str) -> None:
    """Loading passes to the older set and names the file; with a time it offers that set."""
    older, newest = states(folder)
    with pytest.warns(CheckpointWarning, match=re.escape(damaged)) as said:
        domain = loaded(folder)
    assert 1 == len(said)
    assert time_of(older) == domain.get_time()
    with pytest.raises(CheckpointError, match=re.escape(damaged)) as caught:
        loaded(folder, time=time_of(newest))
    assert f"pass time={time_of(older)}" in str(caught.value)


# -- kills -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["clock", "writing"])
def test_killed_runs(tmp_path: Path, mode: str) -> None:
    """Of 50 kills each leaves a newest set that goes on as the uninterrupted run."""
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(
        each for each in (str(TESTS), environment.get("PYTHONPATH")) if each)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(TESTS / "checkpoint" / "killed.py"), mode, str(SEED)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert 0 == done.returncode, done.stdout + done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert 50 == len(found)
    with_set = [each for each in found if each["time"] is not None]
    assert len(with_set) >= 45      # the others were killed before their first set
    assert [] == [each for each in with_set
                  if not (each["same"] and each["same_frames"] and each["yields"] >= 1)]
    times = [max(float(name[:-4].rpartition("_")[2]) for name in each["names"]
                 if name.endswith(".npz") and "_mesh_" not in name) for each in with_set]
    assert times == [each["time"] for each in with_set]
    # two sets and one that was just written, each with its stub, the mesh file, what was being
    # written, and a lock
    assert 9 >= max(len(each["names"]) for each in found)
    if mode == "writing":
        assert 20 <= sum(f".{NAME}.partial" in each["names"] for each in found)


# -- torn and damaged files ------------------------------------------------------


def test_torn_at_every_section(sets: Path) -> None:
    """A file that ends, or lacks a byte, at any boundary of its sections is refused."""
    for path, check in ((states(sets)[-1], falls_back), (mesh_file(sets), None)):
        whole = path.read_bytes()
        cuts = sorted({max(0, at + off) for at in sections(whole).values()
                       for off in (-1, 0, 1)} | {0, 1, len(whole) - 1} - {len(whole)})
        assert len(cuts) >= 20
        for cut in cuts:
            path.write_bytes(whole[:cut])
            refused(states(sets)[-1], path.name)
            if check is not None:
                check(sets, path.name)
        path.write_bytes(whole)
    assert time_of(states(sets)[-1]) == loaded(sets).get_time()


def test_torn_at_random_bytes(sets: Path) -> None:
    """A file cut anywhere, or with a hole of zeros as a disk leaves it, is refused."""
    moment = random.Random(SEED)
    for path in (states(sets)[-1], mesh_file(sets)):
        whole = path.read_bytes()
        for turn in range(200):
            cut = moment.randrange(len(whole))
            end = min(len(whole), cut + moment.choice((1, 512, 4096, len(whole))))
            torn = whole[:cut] + b"\0" * (end - cut) + whole[end:]
            path.write_bytes(whole[:cut] if turn % 2 or torn == whole else torn)
            refused(states(sets)[-1], path.name)
        falls_back_if_state(sets, path)
        path.write_bytes(whole)


def falls_back_if_state(folder: Path, path: Path) -> None:
    """A damaged mesh file takes both sets with it, and is named."""
    if path != mesh_file(folder):
        falls_back(folder, path.name)
        return
    with pytest.raises(CheckpointError, match=re.escape(path.name)):
        loaded(folder)


def test_flipped_bits(sets: Path) -> None:
    """One bit changed anywhere is noticed: every byte of both files but part of the JSON."""
    moment = random.Random(SEED)
    flips = 0
    newest = states(sets)[-1]
    for path in (newest, mesh_file(sets)):
        whole = path.read_bytes()
        graph = sections(whole).get("data of graph.json", len(whole))
        with open(path, "r+b", buffering=0) as file:
            for at in range(len(whole)):
                if at > graph + 200 and whole[at:at + 1].isascii() and at % 5 \
                        and at < sections_end(whole):
                    continue
                os.pwrite(file.fileno(), bytes([whole[at] ^ 1 << moment.randrange(8)]), at)
                try:
                    StateFile(newest)
                except CheckpointError as error:
                    assert path.name in str(error)
                else:
                    raise AssertionError(f"a flipped bit at {at} of {path} is not noticed")
                os.pwrite(file.fileno(), whole[at:at + 1], at)
                flips += 1
        assert whole == path.read_bytes()
    assert flips >= 10_000


def sections_end(data: bytes) -> int:
    """Where graph.json ends, 0 if there is none."""
    return sections(data).get("end of graph.json", 0)


def test_flipped_bits_when_loading(sets: Path) -> None:
    """A flipped bit in any section makes loading pass to the older set."""
    moment = random.Random(SEED)
    newest = states(sets)[-1]
    whole = newest.read_bytes()
    places = [(at, name) for name, at in sections(whole).items() if at < len(whole)]
    places += [(at + moment.randrange(1, FOOTER_NBYTES), name) for at, name in places]
    header = sections(whole)["data of header.json"]
    places += [(header + whole[header:].index(f'"{field}"'.encode()) + len(field) + off, field)
               for field in ("written", "time", "set", "mesh_file") for off in (4, 5, 7)]
    for at, _ in places:
        at = min(at, len(whole) - 1)
        newest.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << moment.randrange(8)])
                           + whole[at + 1:])
        falls_back(sets, newest.name)


def test_all_sets_damaged(sets: Path) -> None:
    """If no set is whole the newest is named and nothing is offered."""
    for path in states(sets):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=re.escape(states(sets)[-1].name)) as caught:
        loaded(sets)
    assert "pass time=" not in str(caught.value)


# -- folders that are not as expected ---------------------------------------------


def test_room_is_checked_first(sets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the need in MiB, the folder, what is free, and the older set."""
    domain = loaded(sets)
    domain.checkpoint_dir = str(sets)
    newest = states(sets)[-1]
    before = {path: path.read_bytes() for path in sets.glob("*")}
    usage = shutil.disk_usage(sets)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=700_000))
    steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
    with pytest.warns(CheckpointWarning) as said:
        next(steps)
    [text] = [str(each.message) for each in said]
    assert re.search(rf"needs 1\.\d MiB in {re.escape(str(sets))}, where 0\.7 MiB are free", text)
    assert f"the older {newest.name} is untouched" in text
    assert before == {path: path.read_bytes() for path in sets.glob("[!.]*")}
    monkeypatch.undo()
    next(steps)
    assert time_of(newest) < loaded(sets).get_time()


def test_other_mesh(sets: Path, tmp_path: Path) -> None:
    """The mesh file of another run under the same name, whole as it is, is refused."""
    other = tmp_path / "other"
    write_sets(other, columns=8)
    shutil.copy(mesh_file(other), mesh_file(sets))
    for path in states(sets):
        refused(path, path.name, mesh_file(sets).name, "belongs to the mesh")
    with pytest.raises(CheckpointError, match="bring the one that it was written with"):
        loaded(sets)


def test_no_mesh_file(sets: Path) -> None:
    """Without its mesh file a set is refused, and the file that is needed is named."""
    mesh = mesh_file(sets)
    mesh.rename(sets.parent / mesh.name)
    said = refused(states(sets)[-1], mesh.name, "copy it from where")
    with pytest.raises(CheckpointError, match=re.escape(mesh.name)):
        loaded(sets)
    with pytest.raises(CheckpointError, match=re.escape(said[:80])):
        loaded(sets, time=time_of(states(sets)[-1]))


@pytest.mark.parametrize("spoil, named", [
    (lambda data: with_header(data, anuga="3.3.10"), "written with anuga 3.3.10"),
    (lambda data: with_header(data, anuga=None), "names None as the version"),
    (lambda data: signed(data[:-FOOTER_NBYTES], FORMAT + 1),
     f"has the format {FORMAT + 1}, this anuga_lean reads formats 1, 2"),
    (lambda data: b"PK" + bytes(4000), "is torn"),
    (lambda data: b"", "is torn"),
], ids=["version", "no version", "format", "zeros", "empty"])
def test_other_versions(sets: Path, spoil: Callable[[bytes], bytes], named: str) -> None:
    """A file of an unknown ANUGA or format is refused, whether or not it is whole."""
    newest = states(sets)[-1]
    newest.write_bytes(spoil(newest.read_bytes()))
    refused(newest, newest.name, named)
    falls_back(sets, newest.name)


def test_state_and_mesh_exchanged(sets: Path) -> None:
    """A mesh file named as a set, and a set named as a mesh file."""
    newest, mesh = states(sets)[-1], mesh_file(sets)
    state = newest.read_bytes()
    shutil.copy(mesh, newest)
    refused(newest, newest.name, "no state")
    falls_back(sets, newest.name)
    newest.write_bytes(state)
    mesh.write_bytes(state)
    refused(newest, mesh.name, "belongs to the mesh")


def test_other_rank_count_without_mesh(sets: Path) -> None:
    """The files of three ranks without their mesh files are refused by name."""
    newest = states(sets)[-1]
    data = newest.read_bytes()
    mesh = json.loads(members_of(data)["header.json"])["mesh_file"]
    for path in sets.iterdir():
        path.unlink()
    for rank in range(3):
        (sets / f"{NAME}_P3_{rank}_7.5.npz").write_bytes(with_header(
            data, ranks=3, rank=rank, time=7.5,
            mesh_file=mesh.replace("_mesh", f"_P3_{rank}_mesh")))
    with pytest.raises(CheckpointError, match=f"{NAME}_P3_0_7.5.npz needs the mesh file"):
        loaded(sets)
    (sets / f"{NAME}_P3_1_7.5.npz").unlink()
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        loaded(sets)


def test_stray_names(sets: Path) -> None:
    """Files and folders that only look like sets do not matter, nor do they go."""
    newest = states(sets)[-1]
    stray = [f"{NAME}_9.0.npz", f"{NAME}_x_10.0.npz", f"other_{NAME}_11.0.npz", f"{NAME}_12.npy",
             f"{NAME}.npz", f"{NAME}_.npz", f"{NAME}_P2_0_13.0.npz", f".{NAME}.partial",
             f"{NAME}_13.0.npz.partial", "notes.txt", f"{NAME}_1_14.0.npz", f"{NAME}_nan.npz",
             f"{NAME}_inf.npz", f"{NAME}_mesh_0123456789abcdef.npz", f"{NAME}_1e400.npz.bak"]
    (sets / stray[0]).mkdir()
    (sets / stray[0] / "inside.npz").write_text("a folder")
    for name in stray[1:]:
        (sets / name).write_bytes(newest.read_bytes() if "other" in name else b"stray")
    (sets / f"{NAME}_15.0.npz").symlink_to("nowhere")
    domain = loaded(sets)
    assert time_of(newest) == domain.get_time()
    assert isinstance(domain, anuga.Domain)
    domain.checkpoint_dir = str(sets)
    with pytest.warns(CheckpointWarning, match=rf"'{NAME}' \(1, e.g. {NAME}_P2_0_13.0.npz"):
        digests(domain, finaltime=1.0, at_most=3)
    left = {path.name for path in sets.iterdir()}
    assert set(stray) - {f".{NAME}.partial"} <= left
    assert 2 == len([name for name in left if re.fullmatch(rf"{NAME}_0\.\d+\.npz", name)])


def test_copies_are_not_dropped(kept: Path, tmp_path: Path) -> None:
    """A run that goes on from a copy of its folder drops nothing of the copy."""
    copied = Path(shutil.copytree(kept, tmp_path / "copied"))
    before = {path.name: path.read_bytes() for path in copied.iterdir()}
    domain = loaded(copied)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path / "new"), checkpoint_step=1)
    expected = digests(domain, finaltime=1.0, at_most=5)
    assert before == {path.name: path.read_bytes() for path in copied.iterdir()}
    twin = loaded(tmp_path / "new")
    assert expected[twin.get_time()] == digest(twin)
