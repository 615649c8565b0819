"""Prepares the files of a set: all of a state that is to be written, up to its last byte.

Beside its sets a rank has one mesh file, with the mesh and what else a run
leaves alone; a set's file holds what has changed.  When sets are written, and which of
them stay, is `writing`'s.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from anuga_lean._errors import CheckpointError
from anuga_lean.checkpoint.encoder import Encoder, flat_paths
from anuga_lean.checkpoint.file import HEADER, Reader, make_header, sha256, unnamed, written
from anuga_lean.checkpoint.names import SUFFIX, run_of_mesh
from anuga_lean.mpi.ranks import Ranks

GRAPH, CODE = "graph.json", "code.dill"

# Besides whole numbers, what a run leaves alone as a rule: it stands in the mesh file, and in
# the file of a set only if it has changed.
_STATIC = ("domain.mesh", "domain.quantities['elevation']", "domain.quantities['friction']")
# What follows from the blocks of a mesh, which never change.
_OF_BLOCKS = tuple(f"domain.mesh._compact[{name!r}]" for name in ("nodes", "triangles", "links"))


def partial_of(folder: Path, domain: Any) -> Path:
    """Return where a file is written until it is whole."""
    return folder / f".{domain.get_name()}.partial"


class Prepared:
    """A state that is ready to be written: from here on only the disk can fail."""

    def __init__(self, domain: Any, policy: Any) -> None:
        self.domain = domain
        self.policy = policy
        self.partial = partial_of(Path(domain.checkpoint_dir), domain)
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
        blocks, known = self.policy.of_blocks
        if blocks is not self.domain.mesh.blocks:
            known = {}
        found = {}
        for (name, parts), (path, _) in zip(self.arrays, encoder.arrays, strict=True):
            found[name] = known.get(name) or parts.digest()
            if path in _OF_BLOCKS:
                known[name] = found[name]
        self.policy.of_blocks = self.domain.mesh.blocks, known
        return found

    def _choose_mesh_file(self) -> None:
        """Keep the mesh file in use if it has the mesh, or name a new one."""
        policy, folder = self.policy, Path(self.domain.checkpoint_dir)
        self.mesh_digests = policy.digests
        self.mesh_file = policy.mesh_file
        is_own = run_of_mesh(self.mesh_file) == self.domain.get_name()
        of_mesh = {self.digests[name] for name in self.static if name.startswith("mesh/")}
        self.is_new_mesh = not (is_own and of_mesh <= set(self.mesh_digests.values())
                                and _is_whole(folder / self.mesh_file, verify=False))
        if self.is_new_mesh:
            self.mesh_digests = {name: self.digests[name] for name in self.static}
            key = sha256(json.dumps(self.mesh_digests).encode()).hexdigest()[:16]
            self.mesh_file = f"{self.domain.get_name()}_mesh_{key}{SUFFIX}"

    def give_up(self, path: Path | None) -> None:
        """Remove what was written of a set that is not whole."""
        with suppress(OSError):     # the folder is gone
            for each in (self.partial, path):
                if each is not None:
                    each.unlink(missing_ok=True)

    def write(self, folder: Path, identity: tuple[str, float], number: int) -> None:
        """Write the files of this rank; that of the set is in `partial`."""
        parts = dict(self.arrays)
        partial, domain = self.partial, self.domain
        mesh_path = folder / self.mesh_file
        _sync_sww(domain)
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
        with unnamed(partial, self.domain.checkpoint_compression) as file:
            file.add_text(HEADER, json.dumps(self._header(
                kind="state", set=identity[0], written=identity[1], number=number,
                time=float(domain.get_time()), mesh_file=self.mesh_file, mesh_sha256=mesh_sha256,
                places=where, arrays={name: digest for digest, name in here.items()},
                code=[[item.path, item.kind] for item in self.code])))
            file.add_text(GRAPH, self.graph)
            if self.pickled:
                file.add_bytes(CODE, self.pickled)
            for name in here.values():
                file.add_array(name, parts[name])

    def _header(self, **fields: Any) -> dict[str, Any]:
        import anuga

        from anuga_lean._package_version import __version__

        domain = self.domain
        return make_header(
            anuga=anuga.__version__, anuga_lean=__version__, numpy=np.__version__,
            domain=domain.get_name(), ranks=Ranks.of_domain(domain).count,
            rank=Ranks.of_domain(domain).rank,
            number_of_triangles=domain.number_of_triangles,
            number_of_nodes=domain.number_of_nodes,
            flow_algorithm=domain.get_flow_algorithm(),
            evolve=int(domain.__dict__.get("_lean_evolve_call", 1)),
            mesh=_of_mesh(self.digests), **fields)


def mesh_digest(domain: Any) -> str:
    """Return what the header of a set would say of a domain's mesh: computed, not read."""
    encoder = Encoder(domain.mesh, "domain.mesh")
    names = flat_paths([path for path, _ in encoder.arrays])
    return _of_mesh({name: parts.digest() for name, (_, parts) in zip(
        names, encoder.arrays, strict=True)})


def _of_mesh(digests: dict[str, str]) -> str:
    mesh = sorted(f"{name} {digest}" for name, digest in digests.items()
                  if name.startswith("mesh/"))
    return str(sha256("\n".join(mesh).encode()).hexdigest())


def _is_whole(path: Path, verify: bool = True) -> bool:
    """Whether a file is there and undamaged, or at least has its end."""
    try:
        Reader(path, verify).close()
    except CheckpointError:
        return False
    return True


def _sync_sww(domain: Any) -> None:
    """Write the SWW frames that a set continues to the disk, before the set."""
    writer = getattr(domain, "writer", None)
    if domain.store and writer is not None and os.path.exists(writer.filename):
        with open(writer.filename, "rb") as file:
            os.fsync(file.fileno())
