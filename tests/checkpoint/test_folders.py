"""Full disks, folders that are missing, go away or are closed: said, and nothing half written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

import anuga_lean as anuga
from anuga_lean import CheckpointError, CheckpointWarning
from checkpoint.models import NAME, YIELDSTEP, made
from sessions.compared import told


def loaded(folder: Path, **options: Any) -> Any:
    """Return the domain of a folder's newest set."""
    return anuga.load_checkpoint_file(NAME, str(folder), **options)


# -- a full disk -----------------------------------------------------------------

FULL = """
import os, random, resource
from checkpoint.models import made, digest, write_sets, NAME, YIELDSTEP
from pathlib import Path

def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}

def limit(nbytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, resource.RLIM_INFINITY))

domain = made()
folder = Path("CHECKPOINTS")
domain.set_checkpointing(checkpoint_step=1)
whole = resource.RLIM_INFINITY
#   None: no limit; the first are for the mesh file, the others for a set
limits = [0, 500, 8000, None, None, 0, 1, 100, 5000, 30000, 45000, None, 200, None]
steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
for each in limits:
    before = content(folder)
    limit(whole if each is None else each)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        t = next(steps)
    limit(whole)
    after = content(folder)
    assert not any("partial" in name for name in after), after.keys()
    failed = after == before
    assert failed == (each is not None), (each, after.keys())
    assert len(said) == failed, [str(w.message) for w in said]
    if failed:
        assert said[0].category is anuga.CheckpointWarning
        assert f"{NAME}_{t}.npz" in str(said[0].message), str(said[0].message)
        assert "File too large" in str(said[0].message)
        assert ("untouched" if before else "no older") in str(said[0].message)
    states = [name for name in after if name.endswith(".npz") and "_mesh_" not in name]
    if states:
        twin = anuga.load_checkpoint_file(NAME, str(folder))
        tell(twin.get_time() == max(float(name[:-4].rpartition("_")[2]) for name in states))
        if not failed:
            tell(digest(twin) == digest(domain))
"""


def test_file_size_limit(tmp_path: Path) -> None:
    """A disk that takes a part of a file: one warning a set, no partial file, the run goes on."""
    assert {"True"} == set(told("lean", tmp_path, FULL))


TMPFS = """
import os, shutil
from checkpoint.models import made, digest, NAME, YIELDSTEP
from pathlib import Path

folder = Path(os.environ["FULL_DISK"])
domain = made()
domain.set_checkpointing(checkpoint_step=1, checkpoint_dir=str(folder))
steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)

def step():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        t = next(steps)
    return t, [str(each.message) for each in said]

t, said = step()
assert 0 == len(said), said
before = {path.name: path.read_bytes() for path in folder.iterdir()}
filler = folder / "filler"
with open(filler, "wb") as file:
    file.write(bytes(shutil.disk_usage(folder).free - (20 << 10)))
t, said = step()
tell(said)          # noticed before
usage = shutil.disk_usage
shutil.disk_usage = lambda path: usage("/")
t, said = step()
tell(said)          # noticed while writing
filler.unlink()
assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
shutil.disk_usage = usage
t, said = step()
assert 0 == len(said), said
tell(anuga.load_checkpoint_file(NAME, str(folder)).get_time() == t)
"""


def test_full_disk(tmp_path: Path) -> None:
    """A disk that is full before or while a set is written."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ("unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--mount",
             "sh", "-c", f'mount -t tmpfs -o size=2m none "{disk}" && exec "$@"', "sh")
    if shutil.which("unshare") is None or subprocess.run(
            [*mount, "true"], capture_output=True).returncode != 0:
        pytest.skip("no tmpfs can be mounted here: unshare and mount are not permitted")
    before, during, at_end = told("lean", tmp_path, TMPFS, before=mount, FULL_DISK=str(disk))
    assert re.search(r"it needs 1\.\d MiB in .*, where 0\.0 MiB are free", before)
    assert "No space left on device" in during
    assert 1 == before.count("no checkpoint at") == during.count("no checkpoint at")
    assert "set_checkpointing(keep=2)" in before and "set_checkpointing(keep=2)" in during
    assert "True" == at_end


# -- odd folders and files -------------------------------------------------------


def test_no_folder(tmp_path: Path) -> None:
    """A folder that is missing, empty, or a file is named."""
    empty = tmp_path / "empty"
    empty.mkdir()
    file = tmp_path / "file"
    file.write_text("no folder")
    for folder, said in ((tmp_path / "missing", "cannot be read: No such file"),
                         (empty, "holds no checkpoint"),
                         (file, "cannot be read: Not a directory")):
        with pytest.raises(CheckpointError, match=said) as caught:
            loaded(folder)
        assert str(folder) in str(caught.value)
        with pytest.raises(CheckpointError, match=re.escape(str(folder))):
            loaded(folder, time=1.0)
    domain = made(4, 3)
    with pytest.raises(CheckpointError, match=f"{file} cannot be made: File exists"):
        domain.set_checkpointing(checkpoint_dir=str(file))
    with pytest.raises(CheckpointError, match="cannot be made: Not a directory"):
        domain.set_checkpointing(checkpoint_dir=str(file / "below"))
    assert not domain.checkpoint


def test_folder_goes_away(tmp_path: Path) -> None:
    """A folder that is removed, or becomes a file, while the run goes on: a warning each time."""
    folder = tmp_path / "sets"
    domain = made(4, 3)
    domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1)
    steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
    next(steps)
    shutil.rmtree(folder)
    with pytest.warns(CheckpointWarning, match="No such file or directory") as said:
        next(steps)
    assert 1 == len(said)
    folder.write_text("no folder")
    with pytest.warns(CheckpointWarning, match="Not a directory") as said:
        next(steps)
    assert 1 == len(said)
    folder.unlink()
    folder.mkdir()
    next(steps)
    assert domain.get_time() == loaded(folder).get_time()


PERMISSIONS = """
import os
from checkpoint.models import made, digest, write_sets, NAME, YIELDSTEP
from pathlib import Path

warm = write_sets(Path("warm"))     # what is imported late may want permissions
anuga.load_checkpoint_file(NAME, "warm")
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)

def said_by(call):
    try:
        call()
    except anuga.CheckpointError as error:
        return str(error)
    return "nothing"

def warned_by(call):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        call()
    return [(each.category.__name__, str(each.message)) for each in said]

folder = Path(os.environ["SETS"])
domain = made()
domain.set_checkpointing(checkpoint_step=1, checkpoint_dir=str(folder))
steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
t = domain.get_time()
assert [] == warned_by(lambda: next(steps))
load = lambda: anuga.load_checkpoint_file(NAME, str(folder))
before = {path.name: path.read_bytes() for path in folder.iterdir()}
os.chmod(folder, 0o500)
tell(warned_by(lambda: next(steps)))
os.chmod(folder, 0)
tell(warned_by(lambda: next(steps)))
tell(said_by(load))
tell(said_by(lambda: made().set_checkpointing(checkpoint_dir=str(folder))))
tell(said_by(lambda: made().set_checkpointing(checkpoint_dir=str(folder / "below"))))
os.chmod(folder, 0o700)
assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
[state] = [path for path in folder.glob("*.npz") if "_mesh_" not in path.name]
os.chmod(state, 0)
tell(said_by(load))
os.chmod(state, 0o600)
tell(load().get_time() == t)
"""


def test_permissions(tmp_path: Path) -> None:
    """A folder or a file without permissions is named, and the run goes on."""
    with tempfile.TemporaryDirectory() as place:     # pytest's folders are closed to others
        os.chmod(place, 0o755)
        folder = Path(place) / "sets"
        folder.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        unwritable, unreadable, load, use, below, state, at_end = told(
            "lean", tmp_path, PERMISSIONS, SETS=str(folder))
    for warned in (unwritable, unreadable):
        assert 1 == warned.count("CheckpointWarning")
        assert "Permission denied" in warned and "is untouched" in warned
    assert f"{folder} cannot be read: Permission denied" in load
    assert f"{folder} cannot be read and written" in use
    assert "cannot be made: Permission denied" in below
    assert "cannot be opened: Permission denied" in state and NAME in state
    assert "True" == at_end
