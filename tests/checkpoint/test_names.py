"""Names of domains, and who writes under them: each works, or is refused before a run computes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import anuga_lean as anuga
from anuga_lean import CheckpointError
from anuga_lean.__main__ import main
from anuga_lean.checkpoint.names import MESH_FILE, Name
from checkpoint.models import YIELDSTEP, digest, digests, made
from mpirun import needs_mpi, on_ranks

FINALTIME = 4 * YIELDSTEP
GOOD = ("", " ", ".", "..", "a b", "\u00fc", "\u6d2a\u6c34", "new\nline", "tab\t", "m_1.0",
        "m_P2_1", "m_P2", "m_-1e-05", "%s", "-rf", "[m]*", "m?", "m", "m_", "m_1", "_", "m_mesh",
        "m_mesh_0123456789abcdef", "m.npz", "m.pickle", "\udcff", "$HOME", "~", "\\", "x" * 222)
BAD = (("a/b", "holds a path"), ("/tmp/m", "holds a path"), ("../m", "holds a path"),
       ("m\0n", "holds a NUL"), ("\ud800", "cannot be part of a file's"),
       ("x" * 223, "has 223 bytes, and checkpoint files add up to 33"),
       ("\u00fc" * 112, "has 224 bytes"), ("x" * 255, "has 255 bytes"))


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder with the sets of all good names, two of each, by runs that were broken off."""
    folder = tmp_path_factory.mktemp("names")
    for name in GOOD:
        domain = made(4, 3, name=name)
        domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1, keep=2)
        digests(domain, FINALTIME, at_most=3)
    return folder


@pytest.fixture(scope="module")
def whole() -> dict[float, str]:
    """The digests of the unbroken run."""
    return digests(made(4, 3), FINALTIME)


@pytest.mark.parametrize("name", GOOD)
def test_goes_on_beside_all_others(sets: Path, whole: dict[float, str], name: str) -> None:
    """No name's sets are taken, dropped, replaced or counted for another's."""
    before = {path.name for path in sets.iterdir()}
    domain = anuga.load_checkpoint_file(name, str(sets))
    assert (2 * YIELDSTEP, name) == (domain.get_time(), domain.get_name())
    rest = digests(domain, FINALTIME)
    assert {t: each for t, each in whole.items() if t > 2 * YIELDSTEP} == rest
    after = {path.name for path in sets.iterdir()}
    again = anuga.load_checkpoint_file(name, str(sets))
    assert (FINALTIME, whole[FINALTIME]) == (pytest.approx(again.get_time()), digest(again))
    own = {f"{name}_{t}{suffix}" for t in (YIELDSTEP, 2 * YIELDSTEP)
           for suffix in (".npz", ".pickle")}
    assert own == before - after
    assert 4 == len(after - before)
    assert 2 == len([each for each in after if each.endswith(".npz")
                     and each.rpartition("_")[0] == name and not MESH_FILE.fullmatch(each)])
    assert f"{name}_mesh" in {each.rpartition("_")[0] for each in after}


def test_all_are_listed(sets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line each, whatever is in a name."""
    assert 0 == main(["checkpoint", "list", str(sets)])
    lines = capsys.readouterr().out.split("\n")
    assert 1 + 2 * len(GOOD) + 1 == len(lines)
    assert all(line.isprintable() for line in lines)
    assert 2 == sum(line.startswith("new\\nline ") for line in lines)
    assert 2 == sum(line.startswith("m_P2_1 ") for line in lines)
    assert {"1"} == {line[len(line.rstrip()) - 80:].split()[-6] for line in lines[1:-1]}


@pytest.mark.parametrize("name, said", BAD)
def test_is_refused_before_the_run_computes(tmp_path: Path, name: str, said: str) -> None:
    domain = made(4, 3, name=name)
    with pytest.raises(CheckpointError, match=said) as caught:
        domain.set_checkpointing(checkpoint_dir=str(tmp_path / "sets"))
    assert 1 == len(str(caught.value).splitlines())
    domain = made(4, 3)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path / "sets"), checkpoint_step=1)
    domain.set_name(name)
    with pytest.raises(CheckpointError, match=said):
        next(domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0))
    assert 0.0 == domain.get_time() and [] == list((tmp_path / "sets").iterdir())


def test_a_bad_name_in_mid_run_does_not_end_it(tmp_path: Path) -> None:
    domain = made(4, 3)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1)
    steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
    next(steps)
    domain.set_name("a/b")
    for _ in range(2):
        with pytest.warns(anuga.CheckpointWarning, match="no checkpoint at .*holds a path") as said:
            next(steps)
        assert 1 == len(said)
    domain.set_name("ab")
    next(steps)
    assert domain.get_time() == anuga.load_checkpoint_file("ab", str(tmp_path)).get_time()


def test_parsed_names() -> None:
    for name in GOOD:
        found = Name.parse(Path(f"sets/{name}_1.5e-05.npz"), name)
        assert found is not None and (name, 1, 1.5e-05) == (found.domain, found.count, found.time)


PARTS = """
import sys
import anuga
domain = None
if anuga.myid == 0:
    domain = anuga.rectangular_cross_domain(8, 6)
    domain.set_name("m")
    domain.set_store(False)
domain = anuga.distribute(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"),
                                  anuga.Reflective_boundary(domain)))
domain.set_checkpointing(checkpoint_dir="sets", checkpoint_step=1)
for t in domain.evolve(yieldstep=0.1, finaltime=0.2):
    print("computed")
anuga.finalize()
"""


@needs_mpi
def test_a_name_that_another_runs_ranks_have(tmp_path: Path) -> None:
    """Serial m_P2_1, then m on two ranks into the same folder, and the other way round."""
    (tmp_path / "parts.py").write_text(PARTS)
    run = ("-m", "anuga_lean", "run", "parts.py")
    serial = made(4, 3, name="m_P2_1")
    serial.set_checkpointing(checkpoint_dir=str(tmp_path / "sets"), checkpoint_step=1)
    digests(serial, FINALTIME, at_most=1)
    before = {path.name: path.read_bytes() for path in (tmp_path / "sets").iterdir()}
    done = on_ranks(2, tmp_path, *run)
    assert 0 != done.returncode and "computed" not in done.stdout
    assert "m_P2_1_0.0.npz is of rank 0 of 1 of another run, and rank 1 of 2" in done.stderr
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "sets").glob("[!.]*")}
    for path in (tmp_path / "sets").iterdir():
        path.unlink()
    done = on_ranks(2, tmp_path, *run)
    assert 0 == done.returncode, done.stderr
    serial = made(4, 3, name="m_P2_1")
    serial.set_checkpointing(checkpoint_dir=str(tmp_path / "sets"), checkpoint_step=1)
    with pytest.raises(CheckpointError, match="is of rank 1 of 2 of another run, and rank 0 of 1"):
        digests(serial, FINALTIME)


# -- two at once -------------------------------------------------------------------

OTHER = """
import sys, time, warnings
from checkpoint.models import made, YIELDSTEP
domain = made(4, 3, name=sys.argv[1])
domain.set_checkpointing(checkpoint_dir="sets", checkpoint_step=1)
for t in domain.evolve(yieldstep=YIELDSTEP, finaltime=1e9):
    print(t, flush=True)
    time.sleep(60)
"""


@contextmanager
def other(folder: Path, name: str) -> Iterator[int]:
    """The number of a process that has written a set and is still running, killed at the end."""
    tests = str(Path(__file__).resolve().parent.parent)
    with subprocess.Popen([sys.executable, "-c", OTHER, name], cwd=folder, text=True,
                          stdout=subprocess.PIPE,
                          env=os.environ | {"PYTHONPATH": tests}) as process:
        try:
            assert process.stdout is not None and "0.0\n" == process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


def test_two_at_once(tmp_path: Path) -> None:
    """The second under a name is refused before it computes; what a kill leaves locks nothing."""
    folder = tmp_path / "sets"
    with other(tmp_path, "m") as process:
        domain = made(4, 3, name="m")
        domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1)
        for _ in range(2):
            with pytest.raises(CheckpointError, match=f"process {process} on .* is writing "
                                                      "checkpoints of 'm' into"):
                next(domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0))
        for name, place in (("m_1", folder), ("m", tmp_path / "other")):
            apart = made(4, 3, name=name)
            apart.set_checkpointing(checkpoint_dir=str(place), checkpoint_step=1)
            digests(apart, FINALTIME)
        mid = made(4, 3, name="apart")
        mid.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1)
        steps = mid.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
        next(steps)
        mid.set_name("m")
        with pytest.warns(anuga.CheckpointWarning, match=f"no checkpoint .* {process} on"):
            next(steps)
    assert (folder / ".m.lock").exists()
    next(steps)
    steps.close()
    assert not (folder / ".m.lock").exists()
    domain = anuga.load_checkpoint_file("m", str(folder))
    assert 2 * YIELDSTEP == domain.get_time()


def test_one_process_may_go_on_after_itself(tmp_path: Path) -> None:
    """A domain that is loaded while the one before still hangs in its loop; the lock stays."""
    first = made(4, 3, name="m")
    first.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1)
    steps = first.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
    next(steps)
    second = anuga.load_checkpoint_file("m", str(tmp_path))
    digests(second, FINALTIME)
    assert (tmp_path / ".m.lock").exists()
    steps.close()
    assert [] == list(tmp_path.glob(".*"))


def test_a_forked_process_is_another(tmp_path: Path) -> None:
    domain = made(4, 3, name="m")
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1)
    steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
    next(steps)
    child = os.fork()
    if child == 0:
        try:
            twin = made(4, 3, name="m")
            twin.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1)
            next(twin.evolve(yieldstep=YIELDSTEP, finaltime=1.0))
        except CheckpointError:
            os._exit(7)
        os._exit(0)
    assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    next(steps)
    assert YIELDSTEP == anuga.load_checkpoint_file("m", str(tmp_path)).get_time()
