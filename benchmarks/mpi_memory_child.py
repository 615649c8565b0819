"""What `mpi_memory.py` starts: one of two ranks that send, or a model that evolves.

Imports nothing of anuga_lean before it is asked to, as that import is what is measured.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def memory(name: str) -> float:
    """Return VmRSS or VmHWM of this process, MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def send(messages: int, kib: int, rounds: int, wait: float) -> None:
    """Send and receive as one of two ranks; rank 0 prints its growth after each round, MiB."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    if world.size != 2:
        raise SystemExit(f"{world.size} ranks see each other instead of 2: mpiexec and mpi4py are "
                         "of two libraries")
    message = bytearray(kib * 1024)
    world.Barrier()
    before, grown = memory("VmRSS"), []
    for _ in range(rounds):
        if world.rank == 0:
            MPI.Request.Waitall([world.Isend(message, 1) for _ in range(messages)])
            grown.append(memory("VmRSS") - before)
        else:
            time.sleep(wait)
            for _ in range(messages):
                world.Recv(message, 0)
        world.Barrier()
    if world.rank == 0:
        library = MPI.Get_library_version().split(",")[0].strip("\0\n ")
        print(json.dumps({"library": library, "grown": grown}), flush=True)


def evolve(triangles: int) -> None:
    """Evolve a dam break and print RSS at its end and its peak, MiB."""
    from anuga_lean import scenarios

    domain = scenarios.build("dam_break", triangles=triangles, store=False)
    for _ in domain.evolve(yieldstep=0.01, finaltime=0.03):
        pass
    print(json.dumps({"rss": memory("VmRSS"), "peak": memory("VmHWM")}), flush=True)


if __name__ == "__main__":
    kind, *given = sys.argv[1:]
    if kind == "evolve":
        evolve(int(given[0]))
    else:
        if kind == "import":
            import anuga_lean  # noqa: F401  before MPI starts
        send(int(given[0]), int(given[1]), int(given[2]), float(given[3]))
