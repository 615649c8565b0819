"""Writes sets, whole on every rank or not at all, and removes the older ones.

Beside its sets a rank has one mesh file, with the mesh and what else a run
leaves alone; a set's file holds what has changed.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import time as clock
import uuid
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from anuga_lean._errors import CheckpointError, CheckpointWarning
from anuga_lean.checkpoint.encoder import Encoder, flat_paths
from anuga_lean.checkpoint.file import HEADER, Reader, make_header, sha256, written
from anuga_lean.checkpoint.names import SUFFIX, files_of
from anuga_lean.memory_limits import count_of, naming
from anuga_lean.mpi.ranks import Ranks

GRAPH, CODE = "graph.json", "code.dill"

# Besides whole numbers, what a run leaves alone as a rule: it stands in the mesh file, and in
# the file of a set only if it has changed.
_STATIC = ("domain.mesh", "domain.quantities['elevation']", "domain.quantities['friction']")
# What follows from the blocks of a mesh, which never change.
_OF_BLOCKS = tuple(f"domain.mesh._compact[{name!r}]" for name in ("nodes", "triangles", "links"))
_MARGIN = 1 << 20       # bytes left free on the disk


class Checkpointing:
    """The sets that a rank has written.

    How many are kept and whether they are compressed are attributes of the
    domain, checkpoint_keep and checkpoint_compression.
    """

    def __init__(self) -> None:
        self.sets: list[tuple[Path, str]] = []      # this rank's files and their mesh files
        self.mesh_file = ""                         # in use, and the digests of its arrays
        self.digests: dict[str, str] = {}
        self.of_blocks: tuple[Any, dict[str, str]] = (None, {})     # digests by name
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
            with naming("writing a checkpoint", count_of, (domain,)):
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
                with naming("writing a checkpoint", count_of, (domain,)):
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
        """Say how much room is missing on a disk for the files of the ranks that use it."""
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
        """Add a set that is whole to the list, and remove those that are too many."""
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
        """Whether a set of another run refers to a mesh file."""
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
        """Warn that sets of other runs are in the folder, which are never removed."""
        self._warned_of_others = True
        own = {each for each, _ in self.sets}
        others = [name.path.name for name in files_of(path.parent)
                  if name.path.name.startswith(domain.get_name() + "_") and name.path not in own]
        if others and Ranks.of_domain(domain).rank == 0:
            warnings.warn(
                f"{path.parent} holds {len(others)} checkpoints of {domain.get_name()!r} (e.g. "
                f"{others[-1]}) that another run has written, or that are later than the one this "
                "run goes on from: it neither counts nor drops them, remove what is not needed.",
                CheckpointWarning, stacklevel=5)

    def adopt(self, path: Path, time: float, mesh: Reader) -> None:
        """Adopt the sets that a run continues as its own, with their mesh file."""
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
    """Whether sets in a folder are the run's own; it may have been loaded from a copy of it."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _sync_sww(domain: Any) -> None:
    """Write the SWW frames that a set continues to the disk, before the set."""
    writer = getattr(domain, "writer", None)
    if domain.store and writer is not None and os.path.exists(writer.filename):
        with open(writer.filename, "rb") as file:
            os.fsync(file.fileno())


class _Prepared:
    """A state that is ready to be written: from here on only the disk can fail."""

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
        """Return the digest of each array by name; those that blocks give are computed once."""
        blocks, kept = self.policy.of_blocks
        if blocks is not self.domain.mesh.blocks:
            kept = {}
        found = {}
        for (name, parts), (path, _) in zip(self.arrays, encoder.arrays, strict=True):
            found[name] = kept.get(name) or parts.digest()
            if path in _OF_BLOCKS:
                kept[name] = found[name]
        self.policy.of_blocks = self.domain.mesh.blocks, kept
        return found

    def _choose_mesh_file(self) -> None:
        """Keep the mesh file in use if it has the mesh, or name a new one."""
        policy, folder = self.policy, Path(self.domain.checkpoint_dir)
        self.mesh_digests = policy.digests
        self.mesh_file = policy.mesh_file
        of_mesh = {self.digests[name] for name in self.static if name.startswith("mesh/")}
        self.is_new_mesh = not (self.mesh_file and of_mesh <= set(self.mesh_digests.values())
                                and _is_whole(folder / self.mesh_file, verify=False))
        if self.is_new_mesh:
            self.mesh_digests = {name: self.digests[name] for name in self.static}
            key = sha256(json.dumps(self.mesh_digests).encode()).hexdigest()[:16]
            self.mesh_file = f"{self.domain.get_name()}_mesh_{key}{SUFFIX}"

    def write(self, path: Path, identity: tuple[str, float]) -> str:
        """Write the files of this rank; return the name of the mesh file."""
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
        where: list[list[str]] = []
        here: dict[str, str] = {}
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

        from anuga_lean._package_version import __version__

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
            mesh=sha256("\n".join(mesh).encode()).hexdigest(), **fields)


def _is_whole(path: Path, verify: bool = True) -> bool:
    """Whether a file is there and undamaged, or at least has its end."""
    try:
        Reader(path, verify).close()
    except CheckpointError:
        return False
    return True
