"""ANUGA's own names of checkpoints, opened with dill, pickle and glob as runners do."""

from __future__ import annotations

import glob
import io
import os
import pickle
import pickletools
import re
import shutil
from pathlib import Path
from typing import Any

import dill
import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean import CheckpointError, CheckpointWarning
from anuga_lean.checkpoint.names import files_of
from anuga_lean.checkpoint.stubs import is_stub
from checkpoint.models import NAME, YIELDSTEP, digest, digests, inside, made
from mpirun import needs_mpi, on_ranks

FINALTIME = 6 * YIELDSTEP


@pytest.fixture(scope="module")
def whole() -> dict[float, str]:
    """The digests of the unbroken run."""
    return digests(made(6, 4), FINALTIME)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run that was broken off after its fourth yield, as the script named it."""
    with inside(tmp_path):
        domain = made(6, 4)
        domain.set_checkpointing(checkpoint_dir="sets", checkpoint_step=1)
        digests(domain, FINALTIME, at_most=4)
    return tmp_path / "sets"


def opened(path: Path, how: Any = dill) -> Any:
    """What unpickling a file gives."""
    with open(path, "rb") as file:
        return how.load(file)


def test_a_runner_restarts_where_its_user_says(folder: Path, whole: dict[float, str]) -> None:
    """It lists *.pickle, takes the time from a name and unpickles that: one for each yield."""
    found = {float(re.split("_|.pickle", path)[-2]): path
             for path in glob.glob(str(folder / "*.pickle"))}
    assert sorted(whole)[:4] == sorted(found)
    for how in (dill, pickle):
        for t, path in found.items():
            domain = opened(Path(path), how)
            assert (t, whole[t]) == (domain.get_time(), digest(domain))
            assert type(domain) is anuga.Domain and domain.lean is not None
            domain.set_checkpointing(False)
            assert {k: each for k, each in whole.items() if k > t} == digests(domain, FINALTIME)


def test_is_small_and_holds_no_code(folder: Path) -> None:
    """One call of the package with texts."""
    for path in folder.glob("*.pickle"):
        assert path.stat().st_size < 1024
        names = [arg for op, arg, _ in pickletools.genops(path.read_bytes())
                 if op.name in ("GLOBAL", "STACK_GLOBAL", "INST")]
        assert ["anuga_lean _checkpoint"] == names


def test_finds_its_set(folder: Path, tmp_path: Path, whole: dict[float, str],
                       monkeypatch: pytest.MonkeyPatch) -> None:
    """From another folder; moved, where the relative name holds; else one sentence."""
    name, t = f"{NAME}_{YIELDSTEP}.pickle", YIELDSTEP
    monkeypatch.chdir("/")
    assert whole[t] == digest(opened(folder / name))
    (tmp_path / "moved").mkdir()
    folder.rename(tmp_path / "moved" / "sets")
    monkeypatch.chdir(tmp_path / "moved")
    assert whole[t] == digest(opened(Path("sets") / name))
    monkeypatch.chdir("/")
    with pytest.raises(CheckpointError, match=r"load_checkpoint_file\(domain_name='broken_run', "
                                              r"checkpoint_dir=..., time=0.02\)"):
        opened(tmp_path / "moved" / "sets" / name)


def test_another_set_in_that_place_is_not_taken(folder: Path, tmp_path: Path) -> None:
    """The folder was copied away, and the run begun anew: the copy's stubs do not lie."""
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    with inside(tmp_path):
        domain = made(6, 4)
        domain.set_quantity("friction", 0.1)
        domain.set_checkpointing(checkpoint_dir="sets", checkpoint_step=1)
        digests(domain, FINALTIME, at_most=4)
    with pytest.raises(CheckpointError, match="or another one is"):
        opened(copy / f"{NAME}_0.02.pickle")
    assert opened(folder / f"{NAME}_0.02.pickle").get_time() == 0.02


def test_is_never_taken_for_a_set_of_anugas(folder: Path, capsys: pytest.CaptureFixture[str],
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing unpickles it: files_of, loading with trusted=False, list, verify and inspect."""
    from anuga_lean.__main__ import main

    def unpickled(*args: Any, **options: Any) -> None:
        raise AssertionError("a stub was unpickled")

    for module in (pickle, dill):
        for name in ("load", "loads", "Unpickler"):
            monkeypatch.setattr(module, name, unpickled)
    assert 4 == len(files_of(folder)) and not any(each.is_stock for each in files_of(folder))
    domain = anuga.load_checkpoint_file(NAME, str(folder), trusted=False)
    assert 0.06 == pytest.approx(domain.get_time())
    newest = max(folder.glob("*.pickle"))
    for action in (["list", str(folder)], ["verify", str(folder)], ["verify", str(newest)],
                   ["inspect", str(newest)]):
        assert 0 == main(["checkpoint", *action])
    said = capsys.readouterr().out
    assert " ANUGA" not in said and "pickle" not in said
    assert 5 == said.count(": whole, ")
    # and a set that is gone is not found by its stub
    for path in folder.glob("*.npz"):
        path.unlink()
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        anuga.load_checkpoint_file(NAME, str(folder))


def test_goes_with_its_set(tmp_path: Path) -> None:
    domain = made(6, 4)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1, keep=2)
    digests(domain, FINALTIME, at_most=5)
    sets = {path.stem for path in tmp_path.glob("*.npz") if "_mesh_" not in path.name}
    assert 2 == len(sets)
    assert sets == {path.stem for path in tmp_path.glob("*.pickle")}


def test_a_pickle_of_anugas_own_stays(folder: Path) -> None:
    """It is not replaced; one warning says that it is not the set."""
    later = folder / f"{NAME}_{0.08}.pickle"
    later.write_bytes(b"a domain of ANUGA's")
    (folder / f"{NAME}_{0.1}.pickle").write_bytes(b"another")
    domain = anuga.load_checkpoint_file(NAME, str(folder))
    domain.checkpoint_dir = str(folder)
    with pytest.warns(CheckpointWarning, match=f"{later} is one") as said:
        digests(domain, FINALTIME)
    assert 1 == len(said)
    assert b"a domain of ANUGA's" == later.read_bytes()
    assert FINALTIME == pytest.approx(anuga.load_checkpoint_file(NAME, str(folder)).get_time())


def test_the_set_counts_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half written, one warning in the whole run."""
    def full(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), os.stat(partial)) \
                and os.fstat(descriptor).st_size < 1024:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    fsync, partial = os.fsync, tmp_path / f".{NAME}.partial"
    domain = made(6, 4)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1)
    with monkeypatch.context() as patched, pytest.warns(CheckpointWarning) as said:
        patched.setattr("anuga_lean.checkpoint.stubs.os.fsync", lambda descriptor: (
            full(descriptor) if partial.exists() else fsync(descriptor)))
        digests(domain, FINALTIME, at_most=3)
    assert ["a checkpoint cannot be opened with dill"] == [
        str(each.message).partition(":")[0] for each in said]
    assert [] == list(tmp_path.glob("*.pickle")) and not partial.exists()
    assert digest(domain) == digest(anuga.load_checkpoint_file(NAME, str(tmp_path)))


def test_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x_1.0.pickle"
    for data in (b"", b"\x80\x02", pickle.dumps("points to a checkpoint of anuga_lean\n"),
                 io.BytesIO(os.urandom(99)).getvalue()):
        path.write_bytes(data)
        assert not is_stub(path)
    assert not is_stub(tmp_path) and not is_stub(tmp_path / "nowhere")


RUNNER = """
import glob, sys
import anuga, dill, numpy as np

action, target = sys.argv[1:3]
domain = None
if action == "restart":
    me = f"_P{anuga.numprocs}_{anuga.myid}" if anuga.numprocs > 1 else ""
    times = sorted(float(path[:-7].rpartition("_")[2]) for path in
                   glob.glob(f"CHECKPOINTS/ranks{me}_*.pickle"))
    assert [0.0, 1.0, 2.0, 3.0] == times[:4], times
    with open(f"CHECKPOINTS/ranks{me}_{times[1]}.pickle", "rb") as file:
        domain = dill.load(file)
    assert 1.0 == domain.get_time()
else:
    if anuga.myid == 0:
        domain = anuga.rectangular_cross_domain(12, 9, len1=700.0, len2=500.0)
        domain.set_name("ranks")
        domain.set_quantity("elevation", lambda x, y: -x / 90.0)
        domain.set_quantity("stage", lambda x, y: np.where(x < 250.0, 2.5, -4.0))
    domain = anuga.distribute(domain)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({tag: wall for tag in ("left", "right", "top", "bottom")})
    anuga.Inlet_operator(domain, [[300.0, 100.0], [300.0, 400.0]], 15.0)
    if action == "broken":
        domain.set_checkpointing(checkpoint_step=1)
for t in domain.evolve(yieldstep=1.0, finaltime=6.0):
    if action == "broken" and t == 3.0:
        break
np.savez(f"{target}_{anuga.myid}.npz", flux=domain.get_boundary_flux_integral(), **{
    name: each.centroid_values for name, each in domain.quantities.items()})
anuga.finalize()
"""


@needs_mpi
def test_a_runner_restarts_on_ranks(tmp_path: Path) -> None:
    """An unedited script on two ranks, each of which opens its own file."""
    script = tmp_path / "runner.py"
    script.write_text(RUNNER)
    for action in ("whole", "broken", "restart"):
        done = on_ranks(2, tmp_path, "-m", "anuga_lean", "run", str(script), action, action)
        assert 0 == done.returncode, done.stdout + done.stderr
    for rank in range(2):
        expected, actual = (dict(np.load(tmp_path / f"{action}_{rank}.npz"))
                            for action in ("whole", "restart"))
        assert [] == [name for name in expected
                      if not np.array_equal(expected[name], actual[name])]
        assert len(expected) > 5
    # one process may look at a rank's part; the other rank's is refused on ranks
    exchanged = tmp_path / "CHECKPOINTS" / "ranks_P2_0_1.0.pickle"
    shutil.copy(tmp_path / "CHECKPOINTS" / "ranks_P2_1_1.0.pickle", exchanged)
    done = on_ranks(2, tmp_path, "-m", "anuga_lean", "run", str(script), "restart", "restart")
    assert 0 != done.returncode
    assert "is of rank 1 of 2, this is rank 0 of 2" in done.stderr
