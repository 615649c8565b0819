"""Keeps the record of a run: what it ran on, its memory by stage, its sets, and how it ended.

Owns the file: JSON, a line for each event, each flushed as it is written, so that a run that is
killed leaves all but its end; that the last line is missing says that it was.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from anuga_lean._package_version import __version__
from anuga_lean.checkpoint.prepared import mesh_digest
from anuga_lean.guard.limits import Level, Limits
from anuga_lean.guard.recorded import FORMAT
from anuga_lean.guard.stages import memory_of
from anuga_lean.mesh import origin
from anuga_lean.overlay import versions
from anuga_lean.stepping import features

INTERVAL = 30.0     # s at least between two samples of memory at yields


class Place(NamedTuple):
    """A rank: where it runs, and its part of the mesh with the digest of that."""

    node: str
    pid: int
    triangles: int
    boundary_edges: int
    mesh: str

    @classmethod
    def of(cls, domain: Any) -> Place:
        """Return that of this process."""
        return cls(os.uname().nodename, os.getpid(), int(domain.number_of_triangles),
                   int(domain.boundary_length), mesh_digest(domain))


class Record:
    """The record of a run, written by rank 0.

    Parameters
    ----------
    path : Path
        Its folder is made; a file that is there gets the lines of this run behind its own.
    complain : callable
        Called with a sentence, once, if the file cannot be written: the run goes on without.
    began : float
        When the run began, s of the monotonic clock.
    """

    def __init__(self, path: Path, complain: Callable[[str], None], began: float) -> None:
        self.path = path
        self._complain = complain
        self._file: IO[str] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115  open until the end
        except OSError as error:
            self._give_up(error)
        self._began = began
        self._sampled = -INTERVAL
        self._pids: list[int] = []
        self._steps = 0

    def line(self, event: str, at: float | None = None, **facts: Any) -> None:
        """Write an event of the moment `at`, now if left out, with the seconds of the run so far.

        Moments are of the monotonic clock, s.
        """
        if self._file is None:
            return
        seconds = round((time.monotonic() if at is None else at) - self._began, 3)
        try:
            self._file.write(json.dumps({"event": event, "seconds": seconds, **facts}) + "\n")
            self._file.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._file = None   # closing it would write again what cannot be written
        self._complain(f"no record of this run is kept from here on: {self.path}: "
                       f"{error.strerror or error}.")

    def begin(self, domain: Any, places: Sequence[Place], limits: Limits, scheme: str,
              command: str) -> None:
        """Write what runs where: versions, model, ranks, limits.

        Parameters
        ----------
        domain : Domain
        places : sequence of Place
            By rank.
        limits : Limits
            Of rank 0.
        scheme : str
            Of the partition; empty where there is none.
        command : str
            What to type to go on.
        """
        here = os.uname().nodename
        self._pids = [each.pid for each in places if each.node == here]
        mesh = sha256("\n".join(each.mesh for each in places).encode()).hexdigest()
        slurm = {name: value for name, value in os.environ.items()
                 if name in ("SLURM_JOB_ID", "SLURM_RESTART_COUNT", "SLURM_JOB_PARTITION")}
        self.line(
            "begin", format=FORMAT, wall=time.time(), argv=sys.argv, cwd=os.getcwd(),
            command=command,
            versions={"anuga_lean": __version__, "python": platform.python_version(),
                      "anuga": versions.judge().version, "numpy": np.__version__},
            name=domain.get_name(), algorithm=domain.get_flow_algorithm(),
            threads=int(domain.omp_num_threads or 1),
            ranks=[{"node": each.node, "pid": each.pid, "triangles": each.triangles,
                    "boundary_edges": each.boundary_edges} for each in places],
            whole_mesh=int(getattr(domain, "number_of_global_triangles", None)
                           or domain.number_of_triangles), made=origin.noted(),
            mesh=mesh, features=features.used(domain), partition_scheme=scheme,
            operators=[type(each).__name__ for each in domain.fractional_step_operators],
            store=bool(domain.store), slurm=slurm,
            limits=[{"who": each.who, "used": each.used, "limit": each.limit}
                    for each in limits.read()],
            missing=limits.missing, memory=[memory_of(pid) for pid in self._pids])

    def stage(self, name: str, at: float, ranks: Sequence[dict[str, int]]) -> None:
        """Write the memory of a stage that ended at a moment, by rank, see `StageMemory.ended`."""
        self.line("stage", at=at, stage=name,
                  ranks=[{"rank": rank, **memory} for rank, memory in enumerate(ranks)])

    def at_yield(self, domain: Any, level: Level | None) -> None:
        """Write model time, steps and the memory of this node's ranks, now and then."""
        self._steps += int(domain.number_of_steps)      # since the last yield
        now = time.monotonic()
        if now - self._sampled < INTERVAL:
            return
        self._sampled = now
        self.line("yield", time=float(domain.get_time()), steps=self._steps,
                  finaltime=float(domain.finaltime) if domain.finaltime is not None else None,
                  memory=[memory_of(pid) for pid in self._pids],
                  level=None if level is None else
                  {"who": level.who, "used": level.used, "limit": level.limit})

    def end(self, outcome: str, code: int | None, **facts: Any) -> None:
        """Write the last line, and close the file."""
        self.line("end", outcome=outcome, exit_code=code, wall=time.time(),
                  memory=[memory_of(pid) for pid in self._pids], **facts)
        if self._file is not None:
            self._file.close()
            self._file = None
