"""Reads forged files under watch: python reader.py FIRST COUNT, in a folder of its own.

Every 500 files are read by a child, so that one which crashes is seen and the
files that it read last are kept.  Prints a JSON object a batch.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import random
import resource
import signal
import sys
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from anuga_lean import CheckpointError
from anuga_lean.checkpoint import encoder
from anuga_lean.checkpoint.file import Reader
from anuga_lean.checkpoint.reading import StateFile
from checkpoint.damage import members_of
from checkpoint.forge import Files, forged
from checkpoint.models import NAME, write_sets

BATCH = 500
SECONDS = 60        # for one file; far more than any takes
WATCHED = ("exec", "compile", "import", "os.", "subprocess.", "socket.", "shutil.", "ctypes.",
           "pickle.", "marshal.loads", "tempfile.", "open")
HARMLESS = ("os.scandir", "os.listdir", "os.fspath")


def read_every_module_of_a_model() -> None:
    """Import what a file may name, so that no import has to be let pass later."""
    for package in ("operators", "structures", "abstract_2d_finite_volumes"):
        found = importlib.import_module(f"anuga.{package}")
        for each in pkgutil.iter_modules(found.__path__):
            if each.name not in ("tests", "setup", "conftest"):
                importlib.import_module(f"anuga.{package}.{each.name}")
    for name in ("Europe/Nowhere", ""):
        try:
            ZoneInfo(name)
        except Exception:
            continue


class Watch:
    """Notes what a process does besides reading."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._note)

    def _note(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on or not event.startswith(WATCHED) or event in HARMLESS:
            return
        if event == "open" and not (isinstance(args[1], str) and set(args[1]) & set("wax+")
                                    or args[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        self.on = False
        self.seen.append(f"{event} {args!r:.200} {''.join(traceback.format_stack()[-4:-2]):.500}")
        self.on = True


def address_space() -> int:
    """Bytes of address space in use."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def outcome(path: Path, mesh: Path, watch: Watch) -> str:
    """'domain', 'refused', or what must not be."""
    room = (32 << 20) + 64 * (path.stat().st_size + mesh.stat().st_size)
    resource.setrlimit(resource.RLIMIT_AS, (address_space() + room, resource.RLIM_INFINITY))
    signal.alarm(SECONDS)
    watch.on = True
    try:
        with Reader(path) as reader:
            for name, _ in reader.members():
                if ".npy" in name:
                    try:
                        reader.read_array(name.rpartition(".npy")[0], room)
                    except CheckpointError:
                        pass
        with StateFile(path) as file:
            file.restore(trusted=False)
        found = "domain"
    except CheckpointError as error:
        causes = [error, error.__cause__, error.__context__]
        found = "refused"
        if any(isinstance(each, MemoryError) for each in causes):
            found = f"memory beyond {room:,} bytes: {error}"
    except BaseException as error:
        watch.on = False
        found = f"{type(error).__name__}: {error} {traceback.format_exc()[-600:]}"
    finally:
        watch.on = False
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return found


def read_batch(files: Files, folder: Path, first: int, count: int) -> dict[str, Any]:
    """Read the forgeries of these numbers; how many there were of each kind and outcome."""
    state, mesh = folder / "state.npz", folder / mesh_name(files)
    watch = Watch()
    counts: Counter[str] = Counter()
    wrong = []
    for number in range(first, first + count):
        kind, found = forged(files, random.Random(number))
        state.write_bytes(found[0])
        mesh.write_bytes(found[1])
        said = outcome(state, mesh, watch)
        if watch.seen:
            said = "; ".join(watch.seen)
            watch.seen.clear()
        counts[f"{kind} {said if said in ('domain', 'refused') else 'WRONG'}"] += 1
        if said not in ("domain", "refused"):
            wrong.append([number, kind, said])
    return {"counts": counts, "wrong": wrong}


def mesh_name(files: Files) -> str:
    """The name that the state gives its mesh file."""
    return json.loads(members_of(files[0])["header.json"])["mesh_file"]


def base_files(compression: str | None) -> Files:
    """A set of a mesh of 16 triangles that has arrays all the same."""
    encoder._SMALL = 64
    folder = Path(f"base_{compression}")
    state = write_sets(folder, compression=compression, columns=2, rows=2)[-1]
    [mesh] = folder.glob(f"{NAME}_mesh_*.npz")
    return state.read_bytes(), mesh.read_bytes()


def in_child(files: Files, first: int, count: int) -> dict[str, Any]:
    """The result of a batch, or the signal that ended it."""
    folder = Path(f"batch_{first}")
    folder.mkdir()
    child = os.fork()
    if child == 0:
        try:
            Path(f"{folder}.json").write_text(json.dumps(read_batch(files, folder, first, count)))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    if status != 0:
        return {"counts": {}, "wrong": [[first, "crash", f"status {status}, files in {folder}"]]}
    return json.loads(Path(f"{folder}.json").read_text())


def main(first: int, count: int) -> None:
    """Read `count` forgeries from number `first` on."""
    warnings.simplefilter("ignore")
    bases = [base_files(each) for each in (None, "zstd")]
    read_every_module_of_a_model()
    for place, files in enumerate(bases):   # what a good file needs
        folder = Path(f"whole_{place}")
        folder.mkdir()
        (folder / "state.npz").write_bytes(files[0])
        (folder / mesh_name(files)).write_bytes(files[1])
        with StateFile(folder / "state.npz") as file:
            file.restore(trusted=False)
    for begin in range(first, first + count, BATCH):
        files = bases[begin // BATCH % 4 == 3]      # a quarter is compressed
        print(json.dumps(in_child(files, begin, min(BATCH, first + count - begin))), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
