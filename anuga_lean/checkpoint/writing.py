"""Writes sets, whole on every rank or not at all, and removes those that are too many.

Owns which sets are a run's own, their order, and what is said of a disk that fails.  What is
in a file is `prepared`'s.
"""

from __future__ import annotations

import errno
import math
import os
import time as clock
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anuga_lean._errors import CheckpointError, CheckpointWarning
from anuga_lean.checkpoint import ranges
from anuga_lean.checkpoint.file import Reader, publish
from anuga_lean.checkpoint.locks import acquire, release
from anuga_lean.checkpoint.names import (
    STOCK_SUFFIX,
    SUFFIX,
    as_written,
    check_name,
    files_of,
    number_in,
    prefix_of,
    run_of_mesh,
    whole_name,
)
from anuga_lean.checkpoint.prepared import Prepared, partial_of
from anuga_lean.checkpoint.schedule import kept
from anuga_lean.checkpoint.stubs import is_stub, write_stub
from anuga_lean.memory_limits import count_of, naming
from anuga_lean.mpi.ranks import Ranks, tried

_MARGIN = 1 << 20       # bytes left free on the disk
_FEWER = ", or begin with set_checkpointing(keep=2), which keeps two sets"

Age = tuple[int, float, float]      # number, seconds of the epoch and of the model


class Checkpointing:
    """The sets that a rank has written.

    They belong to the name and the folder they were written under: a run that goes on under
    another name, in another folder or on other ranks neither counts nor drops those of before.
    How many are kept and whether they are compressed are attributes of the
    domain, checkpoint_keep and checkpoint_compression.
    """

    def __init__(self) -> None:
        self.sets: list[tuple[Path, str]] = []      # this rank's files and their mesh files
        self.mesh_file = ""                         # in use, and the digests of its arrays
        self.digests: dict[str, str] = {}
        self.of_blocks: tuple[Any, dict[str, str]] = (None, {})     # digests by name
        # When the time to the next set began: by the wall and by the monotonic clock, s.
        self.interval = math.nan, 0.0
        self._place: tuple[Path, str] | None = None     # folder and name of a run under way
        self._number = 0                                # of the newest set there
        self._before: tuple[Path, Age] | None = None    # the set that the run continues from
        self._said: set[str] = set()
        self._said_of: set[Path] = set()

    # -- a run -------------------------------------------------------------------

    def begin(self, domain: Any) -> None:
        """Make sure, before a run computes, that its sets can be written; collective.

        Raises
        ------
        CheckpointError
            No file can have the name, or another process or other sets have these names.
        """
        kept(domain)
        ranks = Ranks.of_domain(domain)
        said = _unloadable(ranks, domain) or self._enter(domain, ranks)
        if said is not None:
            raise CheckpointError(said + ".")

    def end(self) -> None:
        """Let other processes write under this name."""
        if self._place is not None:
            release(_lock_of(*self._place))
            self._place = None

    def _enter(self, domain: Any, ranks: Ranks) -> str | None:
        """Go to the domain's folder and name, if they have changed, or say why not; collective."""
        place = _resolved(Path(domain.checkpoint_dir)), domain.get_name()
        if not any(ranks.allgather(place != self._place)):
            return None
        self.end()
        number, said = tried(ranks, lambda: self._try_to_enter(place, domain, ranks))
        if said is not None:
            self.end()
            return said
        self._number = max(ranks.allgather(number))
        return None

    def _try_to_enter(self, place: tuple[Path, str], domain: Any, ranks: Ranks) -> int:
        """Take the lock; return the number of the newest set."""
        folder, name = place
        check_name(name, folder)
        who = acquire(_lock_of(folder, name))
        if who is not None:
            raise CheckpointError(
                f"{who} is writing checkpoints of {name!r} into {folder}, and two runs would mix "
                "their sets: give this one a name of its own with set_name, or another "
                "checkpoint_dir")
        self._place = place
        try:
            return _newest_number(folder, whole_name(domain), ranks)
        except OSError as error:
            self.end()
            if isinstance(error, CheckpointError):
                raise
            return 0        # the folder is gone or closed: writing the set says so

    def write(self, domain: Any) -> bool:
        """Write a set of the present state; collective.

        Returns
        -------
        bool
            False if there is no room or a disk failed: the older sets are as
            they were, and a CheckpointWarning says why.

        Raises
        ------
        CheckpointError
            The domain holds something that no checkpoint can.
        """
        ranks = Ranks.of_domain(domain)
        said = self._enter(domain, ranks)
        number = self._number + 1
        identity = ranks.from_first((os.urandom(16).hex(), clock.time()))
        folder = Path(domain.checkpoint_dir)
        path = folder / f"{domain.get_name()}_{domain.get_time()}{SUFFIX}"
        failure = None
        try:
            with naming("writing a checkpoint", count_of, (domain,)):
                prepared = Prepared(domain, self)
        except CheckpointError as error:
            failure = error
        failures = [each for each in ranks.allgather(failure and str(failure)) if each]
        if failures:
            raise CheckpointError(failures[0]) from failure
        said = said or _unloadable(ranks, domain) or self._check_room(ranks, folder, prepared)
        with naming("writing a checkpoint", count_of, (domain,)):
            said = _done(ranks, said, lambda: prepared.write(folder, identity, number), path)
        is_new = not os.path.exists(path)
        said = _done(ranks, said, lambda: publish(prepared.partial, path), path)
        if said is not None:
            prepared.give_up(path if is_new else None)
            warnings.warn(f"no checkpoint at t={domain.get_time()} s: {said}; {self._older()}",
                          CheckpointWarning, stacklevel=3)
            return False
        self._number = number
        self._point_to(path, domain, identity[0])
        self._take_note(path, prepared.mesh_file, domain)
        return True

    def _check_room(self, ranks: Ranks, folder: Path, prepared: Prepared) -> str | None:
        """Say how much room is missing on a disk for the files of the ranks that use it."""
        import shutil

        try:
            disk = (os.uname().nodename, os.stat(folder).st_dev)
            free = shutil.disk_usage(folder).free
        except OSError as error:
            disk, free = (os.uname().nodename, -1), 0
            said = f"the folder {folder} cannot be used: {error.strerror}"
        needs = ranks.allgather((disk, prepared.nbytes))
        if disk[1] == -1:
            return said
        need = sum(nbytes for each, nbytes in needs if each == disk) + _MARGIN
        if need <= free:
            return None
        return (f"it needs {need / 2**20:,.1f} MiB in {folder}, where {free / 2**20:,.1f} MiB "
                f"are free: make room or choose another checkpoint_dir{_FEWER}")

    def _older(self) -> str:
        older = self.sets[-1][:1] if self.sets else self._before
        return f"the older {older[0].name} is untouched" if older else "there is no older one"

    def _warn_once(self, text: str) -> None:
        what = text.partition(":")[0]
        if what not in self._said:
            self._said.add(what)
            warnings.warn(text, CheckpointWarning, stacklevel=6)

    def _point_to(self, path: Path, domain: Any, identity: str) -> None:
        """Write the stub that ANUGA's own name of the set is."""
        import anuga_lean

        stub = path.with_suffix(STOCK_SUFFIX)
        if stub.exists() and not is_stub(stub):
            self._warn_once(f"checkpoints of ANUGA's own stay: {stub} is one, and unpickled it "
                            f"is not {path.name}; load that with load_checkpoint_file.")
            return
        try:
            write_stub(stub, partial_of(path.parent, domain), anuga_lean._checkpoint,
                       str(path.absolute()), str(path), identity)
        except OSError as error:
            self._warn_once(
                f"a checkpoint cannot be opened with dill: {stub} cannot be written "
                f"({error.strerror or error}); load_checkpoint_file loads it.")

    # -- what stays --------------------------------------------------------------

    def adopt(self, state: Reader, mesh: Reader) -> None:
        """Adopt a set, its mesh file, and the sets before it, as those of the run it continues."""
        self.mesh_file, self.digests = mesh.path.name, dict(mesh.header["arrays"])
        self._before = _resolved(state.path.parent) / state.path.name, _age_of(state)

    def _take_note(self, path: Path, mesh_file: str, domain: Any) -> None:
        """Add a set that is whole to the list, and remove those that are too many."""
        path = _resolved(path.parent) / path.name
        keep = kept(domain)
        self.sets = [each for each in self.sets if each[0] != path] + [(path, mesh_file)]
        if keep == "all":
            return
        if self._before is not None:
            self.sets = [each for each in _sets_until(*self._before)
                         if each[0] not in dict(self.sets)] + self.sets
            self._before = None
        own = [each for each in self.sets if _place_of(each[0]) == _place_of(path)]
        self._warn_of_others(path, {each for each, _ in own}, domain)
        dropped, own = own[:-keep], own[-keep:]
        self.sets = [each for each in self.sets if each not in dropped]
        for old, _ in dropped:
            self._remove(old.with_suffix(STOCK_SUFFIX), is_stub)
            self._remove(old)
        for mesh in {mesh for _, mesh in dropped} - {mesh for _, mesh in own}:
            if run_of_mesh(mesh) == domain.get_name() and not _is_needed(path.parent / mesh):
                self._remove(path.parent / mesh)

    def _remove(self, path: Path, is_ours: Callable[[Path], bool] = Path.exists) -> None:
        try:
            if is_ours(path):
                path.unlink(missing_ok=True)
        except OSError as error:
            self._warn_once(f"old checkpoints stay: {path} cannot be removed "
                            f"({error.strerror or error}).")

    def _warn_of_others(self, path: Path, own: set[Path], domain: Any) -> None:
        """Warn that sets of other runs are in the folder, which are never removed."""
        if path.parent in self._said_of:
            return
        self._said_of.add(path.parent)
        ranks = Ranks.of_domain(domain)
        others = [name.path.name for name in files_of(path.parent, whole_name(domain))
                  if name.path not in own and as_written(name) is name
                  # files of the other ranks are of the same sets
                  and not (name.count == ranks.count and name.rank != ranks.rank)]
        if others and ranks.rank == 0:
            warnings.warn(
                f"{path.parent} holds other checkpoints of {domain.get_name()!r} "
                f"({len(others)}, e.g. {others[-1]}) that another run has written, or that are "
                "later than the one this run continues from: it neither counts nor drops them, "
                "remove what is not needed.", CheckpointWarning, stacklevel=5)


def _unloadable(ranks: Ranks, domain: Any) -> str | None:
    """Say which number of a domain no set may hold: a set that is written loads; collective."""
    def check() -> None:
        try:
            ranges.check(domain, None)
        except ValueError as error:
            raise CheckpointError(f"no checkpoint of this domain would load: domain.{error}, set "
                                  "it to one") from error
    return tried(ranks, check)[1]


def _resolved(folder: Path) -> Path:
    """Return the folder itself: a script may change its current one, or a link."""
    return Path(os.path.realpath(folder))


def _lock_of(folder: Path, name: str) -> Path:
    return folder / f".{name}.lock"


def _place_of(path: Path) -> tuple[Path, str]:
    return path.parent, prefix_of(path)


def _done(ranks: Ranks, said: str | None, action: Callable[[], None], path: Path) -> str | None:
    """Do a part of writing a set unless something is said against it; collective."""
    if said is None:
        try:
            action()
        except OSError as error:
            said = f"{path}: {error.strerror or error}"
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                said += _FEWER
    return next((each for each in ranks.allgather(said) if each), None)


def _newest_number(folder: Path, name: str, ranks: Ranks) -> int:
    """Return the number of the newest set of a name that this rank knows of.

    Raises
    ------
    CheckpointError
        Files there have the names of this run's and are of another rank.
    OSError
        The folder cannot be read.
    """
    os.listdir(folder)
    newest = 0
    for each in files_of(folder, name):
        is_own = (each.count, each.rank) == (ranks.count, ranks.rank)
        # of other numbers of ranks one file of each set tells
        if each.is_stock or not (is_own or each.count != ranks.count
                                 and ranks.rank == each.rank == 0):
            continue
        try:
            with Reader(each.path, verify=False) as reader:
                header = reader.header
        except CheckpointError:
            continue
        newest = max(newest, number_in(header))
        written_by = header.get("ranks"), header.get("rank")
        if is_own and written_by != (ranks.count, ranks.rank):
            raise CheckpointError(
                f"{each.path} is of rank {written_by[1]} of {written_by[0]} of another run, and "
                f"rank {ranks.rank} of {ranks.count} of this run would replace it: choose another "
                "name with set_name, or another checkpoint_dir")
    return newest


def _age_of(reader: Reader) -> Age:
    """Return what sorts sets, the newest last."""
    header = reader.header
    return number_in(header), float(header["written"]), float(header["time"])


def _sets_until(last: Path, age: Age) -> list[tuple[Path, str]]:
    """Return the sets of a name, up to the last of them, with their mesh files."""
    found = []
    for name in files_of(last.parent):
        if name.is_stock or _place_of(name.path) != _place_of(last):
            continue
        try:
            with Reader(name.path, verify=False) as reader:
                each, mesh = _age_of(reader), str(reader.header.get("mesh_file"))
        except (CheckpointError, KeyError, TypeError, ValueError, OverflowError):
            continue
        if each <= age and each[-1] <= age[-1]:
            found.append((each, name.path, mesh))
    return [(path, mesh) for _, path, mesh in sorted(found)]


def _is_needed(mesh_file: Path) -> bool:
    """Whether a set refers to a mesh file."""
    for name in files_of(mesh_file.parent):
        if not name.is_stock:
            try:
                with Reader(name.path, verify=False) as reader:
                    if reader.header.get("mesh_file") == mesh_file.name:
                        return True
            except CheckpointError:
                continue
    return False
