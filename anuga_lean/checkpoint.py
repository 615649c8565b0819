"""Sets of checkpoint files: written whole or not at all, found again, loaded.

A set is one file per rank for one moment, beside one mesh file per rank that
the sets of a run share.  Owns their names and headers, when a set counts, which
are dropped, and how a domain goes on from one.  What a file looks like is
`checkpoint_file`'s, what of a domain is in it `object_graph`'s, what ranks of
another number make of it `regroup`'s.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import socket
import time as clock
import uuid
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anuga_lean._errors import CheckpointError, CheckpointWarning
from anuga_lean.checkpoint_file import (
    HEADER,
    ArrayParts,
    Damaged,
    Reader,
    check_compression,
    make_header,
    written,
)
from anuga_lean.object_graph import Decoder, Encoder, Missing, flat_paths
from anuga_lean.ranks import Ranks

GRAPH, CODE = "graph.json", "code.dill"
SUFFIX, STOCK_SUFFIX = ".npz", ".pickle"
KEEP = 2

_TIME = r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
_RANK = r"(?:_P(\d+)_(\d+))?"
_MESH_FILE = re.compile(r"[^/]+_mesh_[0-9a-f]{16}\.npz")
# Besides whole numbers, what a run leaves alone as a rule: it stands in the mesh file, and in
# the file of a set only if it has changed.
_STATIC = ("domain.mesh", "domain.quantities['elevation']", "domain.quantities['friction']")
_MARGIN = 1 << 20       # bytes left free on the disk
# Most bytes of arrays that files are read into, and per byte of them: zeros compress so well
# that a small file could fill the memory.
_ROOM, _ROOM_PER_BYTE = 32 << 20, 64


@dataclass(frozen=True)
class Name:
    """The name of a file of a set: DOMAIN[_PRANKS_RANK]_TIME.npz, or .pickle as ANUGA writes."""

    path: Path
    domain: str
    count: int
    rank: int
    time: float
    is_stock: bool

    @classmethod
    def parse(cls, path: Path, domain: str | None = None) -> Name | None:
        """Return what a file is called; None if it is none of a set, or of another domain."""
        stem = "(.+?)" if domain is None else f"({re.escape(domain)})"
        found = re.fullmatch(rf"{stem}{_RANK}_{_TIME}({re.escape(SUFFIX)}|"
                             rf"{re.escape(STOCK_SUFFIX)})", path.name)
        if found is None:
            return None
        name, count, rank, time, suffix = found.groups()
        return cls(path, name, int(count or 1), int(rank or 0), float(time),
                   suffix == STOCK_SUFFIX)


def files_of(folder: Path, domain: str | None = None) -> list[Name]:
    """Return the files of sets in a folder; other files and folders in it do not matter.

    Raises
    ------
    CheckpointError
        There is no such folder, or it cannot be read.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise CheckpointError(f"the checkpoint folder {folder} cannot be read: "
                              f"{error.strerror}.") from error
    found = [Name.parse(path, domain) for path in paths if not _MESH_FILE.fullmatch(path.name)]
    return [name for name in found if name is not None and name.path.is_file()]


# -- writing -------------------------------------------------------------------


class Checkpointing:
    """What a rank knows of the sets it has written.

    How many are kept and whether they are compressed are attributes of the
    domain, checkpoint_keep and checkpoint_compression.
    """

    def __init__(self) -> None:
        self.sets: list[tuple[Path, str]] = []      # this rank's files and their mesh files
        self.mesh_file = ""                         # in use, and the digests of its arrays
        self.digests: dict[str, str] = {}
        self.of_mesh: tuple[Any, dict[str, str]] = (None, {})   # blocks, digests by name
        self._warned_of_others = False

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
        identity = ranks.from_first((uuid.uuid4().hex, clock.time()))
        folder = Path(domain.checkpoint_dir)
        path = folder / f"{domain.get_name()}_{domain.get_time()}{SUFFIX}"
        failure, mesh_file = None, ""
        try:
            prepared = _Prepared(domain, self)
        except CheckpointError as error:
            failure = error
        failures = [each for each in ranks.allgather(failure and str(failure)) if each]
        if failures:
            raise CheckpointError(failures[0]) from failure
        said = self._check_room(ranks, folder, prepared)
        if said is None:
            try:
                _sync_sww(domain)
                mesh_file = prepared.write(path, identity)
            except OSError as error:
                said = f"{path}: {error.strerror or error}"
        said = next((each for each in ranks.allgather(said) if each), None)
        if said is not None:
            if mesh_file and path not in [each for each, _ in self.sets]:
                path.unlink(missing_ok=True)    # of a set that is not whole
            warnings.warn(f"no checkpoint at t={domain.get_time()} s: {said}; {self._older()}",
                          CheckpointWarning, stacklevel=3)
            return False
        self._take_note(path, mesh_file, domain)
        return True

    def _check_room(self, ranks: Ranks, folder: Path, prepared: _Prepared) -> str | None:
        """Say what is missing if a disk has no room for the files of the ranks that use it."""
        try:
            disk = (socket.gethostname(), os.stat(folder).st_dev)
            free = shutil.disk_usage(folder).free
        except OSError as error:
            disk, free = (socket.gethostname(), -1), 0
            said = f"the folder {folder} cannot be used: {error.strerror}"
        needs = ranks.allgather((disk, prepared.nbytes))
        if disk[1] == -1:
            return said
        need = sum(nbytes for each, nbytes in needs if each == disk) + _MARGIN
        if need <= free:
            return None
        return (f"it needs {need / 2**20:,.1f} MiB in {folder}, where {free / 2**20:,.1f} MiB "
                "are free: make room or choose another checkpoint_dir")

    def _older(self) -> str:
        if not self.sets:
            return "there is no older one"
        return f"the older {self.sets[-1][0].name} is untouched"

    def _take_note(self, path: Path, mesh_file: str, domain: Any) -> None:
        """Count a set that is whole, and drop those that are too many."""
        self.sets = [(path.parent / each.name, mesh) for each, mesh in self.sets
                     if each.name != path.name and _is_same_folder(each.parent, path.parent)]
        self.sets.append((path, mesh_file))
        if not self._warned_of_others:
            self._warn_of_others(path, domain)
        keep = domain.checkpoint_keep
        dropped, self.sets = self.sets[:-keep], self.sets[-keep:]
        for old, _ in dropped:
            old.unlink(missing_ok=True)
        for mesh in {mesh for _, mesh in dropped} - {mesh for _, mesh in self.sets}:
            if not self._is_needed(path.parent / mesh, domain):
                (path.parent / mesh).unlink(missing_ok=True)

    @staticmethod
    def _is_needed(mesh_file: Path, domain: Any) -> bool:
        """Whether a set that somebody else has left stands on a mesh file."""
        for name in files_of(mesh_file.parent):
            if not name.is_stock and name.path.name.startswith(domain.get_name() + "_"):
                try:
                    with Reader(name.path, verify=False) as reader:
                        if reader.header.get("mesh_file") == mesh_file.name:
                            return True
                except CheckpointError:
                    continue
        return False

    def _warn_of_others(self, path: Path, domain: Any) -> None:
        """Say that sets of another run are in the folder, which nobody drops."""
        self._warned_of_others = True
        own = {each for each, _ in self.sets}
        others = [name.path.name for name in files_of(path.parent)
                  if name.path.name.startswith(domain.get_name() + "_") and name.path not in own]
        if others and Ranks.of_domain(domain).rank == 0:
            warnings.warn(
                f"{path.parent} holds {len(others)} checkpoints of another run of "
                f"{domain.get_name()!r} (e.g. {others[-1]}), which this run neither counts nor "
                "drops: remove them if they are not needed.", CheckpointWarning, stacklevel=5)

    def adopt(self, path: Path, time: float, mesh: Reader) -> None:
        """Count the sets that a run goes on from as its own, and go on with their mesh file."""
        self.mesh_file, self.digests = mesh.path.name, dict(mesh.header["arrays"])
        prefix = path.name.removesuffix(SUFFIX).rpartition("_")[0]
        self.sets = []
        for name in sorted(files_of(path.parent), key=lambda name: name.time):
            if name.is_stock or name.time > time \
                    or name.path.name.rpartition("_")[0] != prefix:
                continue
            try:
                with Reader(name.path, verify=False) as reader:
                    self.sets.append((name.path, str(reader.header.get("mesh_file"))))
            except CheckpointError:
                continue


def _is_same_folder(one: Path, other: Path) -> bool:
    """Whether sets in a folder are the run's own: it may have been loaded from a copy of it."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _sync_sww(domain: Any) -> None:
    """Have the frames that a set goes on from on the disk before it."""
    writer = getattr(domain, "writer", None)
    if domain.store and writer is not None and os.path.exists(writer.filename):
        with open(writer.filename, "rb") as file:
            os.fsync(file.fileno())


class _Prepared:
    """A state that is ready to be written: nothing more can be wrong with it but the disk."""

    def __init__(self, domain: Any, policy: Checkpointing) -> None:
        self.domain = domain
        self.policy = policy
        encoder = Encoder(domain, first={"domain.mesh": domain.mesh,
                                         "domain.quantities": domain.quantities})
        self.code = encoder.code
        self.pickled = encoder.pickled_code()
        self.arrays = [(name, parts) for name, (_, parts) in zip(
            flat_paths([path for path, _ in encoder.arrays]), encoder.arrays, strict=True)]
        self.digests = self._digested(encoder)
        self.static = [
            name for name, (path, parts) in zip(self.digests, encoder.arrays, strict=True)
            if parts.dtype.kind in "biu" or path.startswith(_STATIC)]
        self.graph = json.dumps(encoder.objects, separators=(",", ":"))
        self._choose_mesh_file()
        known = set(self.mesh_digests.values())
        self.own = [name for name, _ in self.arrays if self.digests[name] not in known]
        parts = dict(self.arrays)
        self.nbytes = len(self.graph) + len(self.pickled) + sum(
            parts[name].nbytes for name in self.own + self.static * self.is_new_mesh)

    def _digested(self, encoder: Encoder) -> dict[str, str]:
        """Return the digest of each array by name; those of the mesh are computed once."""
        blocks, kept = self.policy.of_mesh
        if blocks is not self.domain.mesh.blocks:
            kept = {}
        found = {}
        for (name, parts), (path, _) in zip(self.arrays, encoder.arrays, strict=True):
            of_mesh = path.startswith("domain.mesh") and not isinstance(
                self.domain.mesh.blocks, type(None))
            found[name] = kept.get(name) or parts.digest() if of_mesh else parts.digest()
            if of_mesh:
                kept[name] = found[name]
        self.policy.of_mesh = self.domain.mesh.blocks, kept
        return found

    def _choose_mesh_file(self) -> None:
        """Go on with the mesh file in use if it has the mesh, or name a new one."""
        policy, folder = self.policy, Path(self.domain.checkpoint_dir)
        self.mesh_digests = policy.digests
        self.mesh_file = policy.mesh_file
        of_mesh = {self.digests[name] for name in self.static if name.startswith("mesh/")}
        self.is_new_mesh = not (self.mesh_file and of_mesh <= set(self.mesh_digests.values())
                                and _is_whole(folder / self.mesh_file, verify=False))
        if self.is_new_mesh:
            self.mesh_digests = {name: self.digests[name] for name in self.static}
            key = hashlib.sha256(json.dumps(self.mesh_digests).encode()).hexdigest()[:16]
            self.mesh_file = f"{self.domain.get_name()}_mesh_{key}{SUFFIX}"

    def write(self, path: Path, identity: tuple[str, float]) -> str:
        """Write the files of this rank; the name of the mesh file."""
        parts = dict(self.arrays)
        folder, domain = path.parent, self.domain
        partial = folder / f".{domain.get_name()}.partial"
        mesh_path = folder / self.mesh_file
        if self.is_new_mesh and not _is_whole(mesh_path):
            distinct = list({self.mesh_digests[name]: name for name in self.static}.values())
            with written(mesh_path, partial, self.domain.checkpoint_compression) as file:
                file.add_text(HEADER, json.dumps(self._header(
                    kind="mesh", arrays={name: self.digests[name] for name in distinct})))
                for name in distinct:
                    file.add_array(name, parts[name])
        self.policy.mesh_file, self.policy.digests = self.mesh_file, self.mesh_digests
        with Reader(mesh_path, verify=False) as mesh:
            mesh_sha256, there = mesh.sha256, {
                digest: name for name, digest in mesh.header["arrays"].items()}
        where, here = [], {}
        for name, _ in self.arrays:
            digest = self.digests[name]
            if digest in there:
                where.append([there[digest], "mesh"])
            else:
                where.append([here.setdefault(digest, name), "here"])
        with written(path, partial, self.domain.checkpoint_compression) as file:
            file.add_text(HEADER, json.dumps(self._header(
                kind="state", set=identity[0], written=identity[1],
                time=float(domain.get_time()), mesh_file=self.mesh_file, mesh_sha256=mesh_sha256,
                places=where, arrays={name: digest for digest, name in here.items()},
                code=[[item.path, item.kind] for item in self.code])))
            file.add_text(GRAPH, self.graph)
            if self.pickled:
                file.add_bytes(CODE, self.pickled)
            for name in here.values():
                file.add_array(name, parts[name])
        return self.mesh_file

    def _header(self, **fields: Any) -> dict[str, Any]:
        import anuga

        from anuga_lean import __version__

        domain = self.domain
        mesh = sorted(f"{name} {digest}" for name, digest in self.digests.items()
                      if name.startswith("mesh/"))
        return make_header(
            anuga=anuga.__version__, anuga_lean=__version__, numpy=np.__version__,
            domain=domain.get_name(), ranks=Ranks.of_domain(domain).count,
            rank=Ranks.of_domain(domain).rank,
            number_of_triangles=domain.number_of_triangles,
            number_of_nodes=domain.number_of_nodes,
            flow_algorithm=domain.get_flow_algorithm(),
            mesh=hashlib.sha256("\n".join(mesh).encode()).hexdigest(), **fields)


def _is_whole(path: Path, verify: bool = True) -> bool:
    """Whether a file is there and undamaged, or at least has its end."""
    try:
        Reader(path, verify).close()
    except CheckpointError:
        return False
    return True


# -- reading -------------------------------------------------------------------


class StateFile:
    """The file of one rank with its mesh file: all that is needed of a domain.

    Parameters
    ----------
    path : Path
    verify : bool
        Whether the bytes of both files are compared with their SHA-256.

    Raises
    ------
    CheckpointError
        One of them is missing, damaged, or not of this version or mesh.
    """

    def __init__(self, path: Path, verify: bool = True) -> None:
        self.state = Reader(path, verify)
        try:
            _check_header(path, self.state.header)
            self.mesh = self._open_mesh(verify)
        except BaseException:
            self.state.close()
            raise
        self._room = _ROOM + _ROOM_PER_BYTE * (self.state.nbytes + self.mesh.nbytes)

    def __enter__(self) -> StateFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.state.close()
        self.mesh.close()

    def _open_mesh(self, verify: bool) -> Reader:
        from anuga_lean import hook

        header, path = self.state.header, self.state.path
        version = str(header.get("anuga"))
        if tuple(version.split(".")[:2]) != tuple(map(str, hook.SUPPORTED)):
            raise CheckpointError(
                f"checkpoint {path} was written with anuga {version}, this anuga_lean goes on "
                f"with {hook.SUPPORTED_RANGE} only")
        name = header.get("mesh_file")
        if not isinstance(name, str) or not _MESH_FILE.fullmatch(name):
            raise Damaged(f"checkpoint {path} names no mesh file")
        if not (path.parent / name).exists():
            raise CheckpointError(
                f"checkpoint {path} needs the mesh file {name} beside it, which is not there: "
                "copy it from where the checkpoint was written")
        mesh = Reader(path.parent / name, verify)
        if mesh.header.get("kind") != "mesh" or mesh.sha256 != header.get("mesh_sha256") \
                or mesh.header.get("mesh") != header.get("mesh") \
                or not _is_text_by_text(mesh.header.get("arrays")):
            mesh.close()
            raise CheckpointError(
                f"checkpoint {path} belongs to the mesh {str(header.get('mesh'))[:12]}, the file "
                f"{name} beside it to the mesh {str(mesh.header.get('mesh'))[:12]} or to another "
                "run: bring the one that it was written with")
        return mesh

    def array(self, number: int) -> np.ndarray:
        """Return the array of a number, as the graph counts them."""
        name, place = self.state.header["places"][number]
        found = {"here": self.state, "mesh": self.mesh}[place].read_array(name, self._room)
        self._room -= found.nbytes
        return found

    def code(self) -> list[tuple[str, str]]:
        """Return path and kind of each piece of code."""
        return [(str(path), str(kind)) for path, kind in self.state.header["code"]]

    def restore(self, trusted: bool = True) -> tuple[Any, list[Missing]]:
        """Return the domain, and what of it was left out for want of trust.

        Raises
        ------
        CheckpointError
            The files are whole but hold no domain that this version can make.
        """
        path = self.state.path
        try:
            pickled: bytes | None = b""
            if self.code():
                pickled = self.state.read_bytes(CODE) if trusted else None
            decoder = Decoder(self.state.read_json(GRAPH), self.array, self.code(), pickled)
            domain = decoder.root
            _check(domain)
        except CheckpointError as error:
            if str(path) in str(error):
                raise
            raise CheckpointError(f"checkpoint {path}: {error}") from error
        except Exception as error:
            raise CheckpointError(f"checkpoint {path} holds no domain that can be restored "
                                  f"({type(error).__name__}: {error})") from error
        return domain, decoder.missing


def _is_text_by_text(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _is_list_of_texts(value: Any, length: int) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, list) and len(each) == length
        and all(isinstance(text, str) for text in each) for each in value)


def _check_header(path: Path, header: dict[str, Any]) -> None:
    """Raise CheckpointError unless a header has the fields that `_Prepared.write` gives it."""
    if header.get("kind") != "state":
        raise CheckpointError(f"{path} holds the mesh of a run and no state: name a file with a "
                              "time")
    wrong = [name for name, is_right in (
        ("set", isinstance(header.get("set"), str)),
        *[(name, type(header.get(name)) is float and math.isfinite(header[name]))
          for name in ("written", "time")],
        *[(name, type(header.get(name)) is int) for name in ("ranks", "rank")],
        ("arrays", _is_text_by_text(header.get("arrays"))),
        *[(name, _is_list_of_texts(header.get(name), 2)) for name in ("places", "code")],
    ) if not is_right]
    if wrong:
        raise Damaged(f"checkpoint {path} has a header without {', '.join(wrong)} as they are "
                      "written")


def _check(domain: Any) -> None:
    """Raise ValueError unless the arrays that the kernels read have the sizes of the mesh."""
    from anuga.abstract_2d_finite_volumes.quantity import Quantity
    from anuga.shallow_water.shallow_water_domain import Domain

    from anuga_lean.quantity_state import DERIVED_CENTROIDS

    if not isinstance(domain, Domain):
        raise ValueError(f"a {type(domain).__name__}")
    n = domain.number_of_triangles
    if type(n) is not int or n != len(domain.mesh) or type(domain.boundary_length) is not int:
        raise ValueError(f"{n} triangles on a mesh of {len(domain.mesh)}")
    if not isinstance(domain.checkpoint_dir, str) or not isinstance(domain.datadir, str) \
            or not isinstance(domain.simulation_name, str):
        raise ValueError("folders and a name that are no texts")
    _check_writer(domain)
    for name, quantity in domain.quantities.items():
        if not isinstance(quantity, Quantity) or quantity.__dict__.get("domain") is not domain:
            raise ValueError(f"a quantity {name} of another domain")
        for key, shape in (("_centroid_values", (n,)),
                           ("boundary_values", (domain.boundary_length,))):
            values = quantity.__dict__.get(key)     # those of x and y come when asked for
            if values is None and key == "_centroid_values" and name in DERIVED_CENTROIDS:
                continue
            if not isinstance(values, np.ndarray) or values.dtype != float \
                    or values.shape != shape:
                raise ValueError(f"{key} of {name} that are not {shape} float64")
    flags = domain.__dict__.get("_full_flags")
    if flags is not None and (flags.shape, flags.dtype) != ((n,), np.dtype(np.uint8)):
        raise ValueError("flags of full triangles that are not one byte each")


def _check_writer(domain: Any) -> None:
    """Raise ValueError if the SWW file that a run goes on with lies outside of its datadir."""
    writer = domain.__dict__.get("writer")
    filename = "" if writer is None else writer.__dict__.get("filename")
    if writer is not None and not (
            isinstance(filename, str) and filename.endswith(".sww")
            and os.path.normpath(os.path.dirname(filename)) == os.path.normpath(domain.datadir)):
        raise ValueError(f"an SWW file {filename!r} outside of {domain.datadir!r}")


@dataclass
class FoundSet:
    """A set in a folder, as far as names and headers say.

    Attributes
    ----------
    identity : str or None
        The same in every file of a set; None: unknown.
    written : float
        When, in seconds of the epoch.
    ranks : set of int
        Whose files are there.
    """

    time: float
    count: int
    is_stock: bool
    identity: str | None
    written: float
    ranks: set[int]

    @property
    def key(self) -> tuple:
        """What must agree between ranks."""
        return self.time, self.count, self.is_stock, self.identity


def sets_in(names: list[Name]) -> list[FoundSet]:
    """Return the sets that files belong to, the newest first."""
    found: dict[tuple, FoundSet] = {}
    for name in names:
        identity, when = None, os.path.getmtime(name.path)
        if not name.is_stock:
            try:
                with Reader(name.path, verify=False) as reader:
                    identity, when = reader.header.get("set"), float(reader.header["written"])
            except (CheckpointError, KeyError, TypeError, ValueError):
                pass        # it is still there to be named when it is tried
        key = (name.time, name.count, name.is_stock, identity)
        each = found.setdefault(key, FoundSet(*key, when, set()))
        each.ranks.add(name.rank)
    return sorted(found.values(), key=lambda each: (each.written, each.time), reverse=True)


def path_in(folder: Path, domain: str, count: int, rank: int, time: float,
            is_stock: bool = False) -> Path:
    """Return the file of a rank."""
    own = domain if count == 1 else f"{domain}_P{count}_{rank}"
    return folder / f"{own}_{time}{STOCK_SUFFIX if is_stock else SUFFIX}"


def load_checkpoint_file(domain_name: str = "domain", checkpoint_dir: str = ".",
                         time: float | None = None, *, trusted: bool = True) -> Any:
    """Return the domain of the newest set that is whole on every rank, or of a time.

    Parameters
    ----------
    domain_name : str
        As given to `set_name`, without the number of a rank.
    checkpoint_dir : str
    time : float, optional
        Of the set, s; by default the set that was written last, and if that is
        damaged the one before it, with a CheckpointWarning.
    trusted : bool
        False: nothing that the files contain is run.  All else is restored and
        a CheckpointWarning lists what has to be set again.

    Returns
    -------
    anuga.Domain
        As it was when the set was written; evolve goes on to the same bits as
        the run that wrote it.  A set of another number of ranks is distributed
        anew: boundaries and operators have to be set again, as after
        `anuga.distribute`.

    Raises
    ------
    CheckpointError
        No set is whole, or not the one of `time`.
    """
    from anuga_lean import hook

    hook.install()
    ranks = Ranks.of_process()
    folder = Path(checkpoint_dir)
    candidates = _candidates(ranks, folder, domain_name)
    wanted = [each for each in candidates
              if time is None or math.isclose(each.time, float(time), rel_tol=1e-12)]
    if not wanted:
        raise CheckpointError(_nothing_there(folder, domain_name, time, ranks, candidates))
    passed: list[str] = []
    for each in wanted:
        domain, reason = tried(ranks, lambda each=each: _load_set(
            each, ranks, folder, domain_name, trusted))
        if reason is None:
            if passed:
                _warn(ranks, f"{passed[0]}; loaded the older set at t={each.time} s instead.")
            return domain
        passed.append(reason)
        if time is not None:
            break
    raise CheckpointError(passed[0] + _offer(ranks, folder, domain_name, candidates, wanted))


def _warn(ranks: Ranks, text: str) -> None:
    if ranks.rank == 0:
        warnings.warn(text, CheckpointWarning, stacklevel=4)


def tried(ranks: Ranks, action: Callable[[], Any]) -> tuple[Any, str | None]:
    """Return what an action gives, and why it failed on some rank; the same on all."""
    result, reason = None, None
    try:
        result = action()
    except CheckpointError as error:
        reason = str(error).rstrip(".")
    except Exception as error:      # the other ranks wait for an answer
        if ranks.count == 1:
            raise
        reason = f"{type(error).__name__}: {error}"
    reason = next((each for each in ranks.allgather(reason) if each is not None), None)
    return (result, None) if reason is None else (None, reason)


def _candidates(ranks: Ranks, folder: Path, domain: str) -> list[FoundSet]:
    """Return the sets that every rank has its file of, and those whole sets of other ranks."""
    names, reason = tried(ranks, lambda: files_of(folder, domain))
    if reason is not None:
        raise CheckpointError(reason + ".")
    own = {each.key: each for each in sets_in(
        [name for name in names if (name.count, name.rank) == (ranks.count, ranks.rank)])}
    common = set.intersection(*map(set, ranks.allgather(set(own))))
    # a torn file of one rank has no identity: the set is still named when it is tried
    torn = {key[:3] for keys in ranks.allgather(
        {key for key in own if key[3] is None}) for key in keys}
    for key in own:
        if key[:3] in torn and key not in common:
            common.add(key)
    others = [each for each in sets_in([n for n in names if n.count != ranks.count])
              if each.ranks == set(range(each.count)) and not each.is_stock]
    others = ranks.from_first(others)
    found = [each for key, each in own.items() if key in common] + others
    times = ranks.from_first([(each.key[:3], each.written, each.time) for each in found])
    order = {key: place for place, (key, _, _) in enumerate(
        sorted(times, key=lambda each: each[1:], reverse=True))}
    unique = {each.key[:3]: each for each in reversed(found)}
    return sorted([each for key, each in unique.items() if key in order],
                  key=lambda each: order[each.key[:3]])


def _nothing_there(folder: Path, domain: str, time: float | None, ranks: Ranks,
                   candidates: list[FoundSet]) -> str:
    where = f"{folder} holds no checkpoint of {domain!r}"
    if ranks.count > 1:
        where += f" that all {ranks.count} ranks have"
    if time is None or not candidates:
        return where + ": check domain_name and checkpoint_dir."
    others = ", ".join(str(each.time) for each in candidates[:5])
    return f"{where} at t={time} s: there are sets at {others} s."


def _offer(ranks: Ranks, folder: Path, domain: str, candidates: list[FoundSet],
           failed: list[FoundSet]) -> str:
    """Name an older set that is whole, if there is one."""
    for each in candidates:
        if any(each is other for other in failed) or each.is_stock:
            continue
        whole = tried(ranks, lambda each=each: [
            StateFile(path_in(folder, domain, each.count, rank, each.time)).__exit__()
            for rank in ([ranks.rank] if each.count == ranks.count else range(each.count))])
        if whole[1] is None:
            return f"; the set at t={each.time} s is whole: pass time={each.time}."
    return "."


def _load_set(found: FoundSet, ranks: Ranks, folder: Path, domain_name: str,
              trusted: bool) -> Any:
    if found.count != ranks.count:
        from anuga_lean.regroup import regrouped

        files = [path_in(folder, domain_name, found.count, rank, found.time)
                 for rank in range(found.count)]
        return _go_on(regrouped(files, domain_name, ranks))
    path = path_in(folder, domain_name, ranks.count, ranks.rank, found.time, found.is_stock)
    if found.is_stock:
        return _go_on(_load_stock(path, trusted))
    with StateFile(path) as file:
        domain, missing = file.restore(trusted)
        domain.checkpoint_sets.adopt(path, found.time, file.mesh)
    if missing:
        warnings.warn(
            f"checkpoint {path} was loaded without its code; set again: "
            + ", ".join(f"{each.path} ({each.kind})" for each in missing) + ".",
            CheckpointWarning, stacklevel=5)
    return _go_on(domain)


def _load_stock(path: Path, trusted: bool) -> Any:
    """Return the domain that ANUGA's own classes have pickled, lean."""
    import dill

    if not trusted:
        raise CheckpointError(f"checkpoint {path} is a pickle of ANUGA's, which cannot be read "
                              "without running what it contains: pass trusted=True")
    try:
        with open(path, "rb") as file:
            domain = dill.load(file)
        domain.yieldstep_counter += 1       # ANUGA counts after the yield
        return domain
    except Exception as error:
        raise CheckpointError(f"checkpoint {path} cannot be unpickled "
                              f"({type(error).__name__}: {error})") from error


def set_checkpointing(domain: Any, checkpoint: bool, checkpoint_dir: str, checkpoint_step: int,
                      checkpoint_time: float | None, keep: int, compression: str | None) -> None:
    """See `anuga_lean.domain.LeanDomain.set_checkpointing`."""
    if not checkpoint:
        domain.checkpoint = False
        return
    if keep < 1:
        raise CheckpointError(f"keep={keep} sets of checkpoints: give 1 or more.")
    if checkpoint_time is None and checkpoint_step < 1:
        raise CheckpointError(f"checkpoint_step={checkpoint_step} yieldsteps: give 1 or more.")
    check_compression(compression)
    ranks = Ranks.of_domain(domain)
    _, reason = tried(ranks, lambda: _use_folder(Path(checkpoint_dir)))
    if reason is not None:
        raise CheckpointError(reason + ".")
    domain.checkpoint_dir = checkpoint_dir
    domain.checkpoint_keep = keep
    domain.checkpoint_compression = compression
    if checkpoint_time is not None:
        domain.walltime_prev = clock.time()
        domain.checkpoint_time = checkpoint_time
        domain.checkpoint_step = 0
    else:
        domain.checkpoint_step = checkpoint_step
    domain.checkpoint = True


def _use_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"the checkpoint folder {folder} cannot be made: "
                              f"{error.strerror}") from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise CheckpointError(f"the checkpoint folder {folder} cannot be read and written: "
                              "change its permissions or choose another checkpoint_dir")


def is_due(domain: Any) -> bool:
    """Whether a checkpoint is to be written at this yield; collective."""
    if domain.checkpoint_step != 0:
        return domain.yieldstep_counter % domain.checkpoint_step == 0
    ranks = Ranks.of_domain(domain)
    return ranks.from_first(clock.time() - domain.walltime_prev > domain.checkpoint_time)


def _go_on(domain: Any) -> Any:
    """Set what belongs to the process and not to the model."""
    domain.last_walltime = domain.walltime_prev = clock.time()
    domain.communication_time = 0.0
    domain.communication_reduce_time = 0.0
    domain.communication_broadcast_time = 0.0
    domain.mark_resumed()
    return domain
