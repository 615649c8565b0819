"""Under MPI every rank imports mpi4py as on stock, and little else."""

from __future__ import annotations

from pathlib import Path

from mpirun import needs_mpi, on_ranks

RANKS = 4
CEILING = 40  # MiB of PSS on each of the ranks, after the import

SCRIPT = """
import sys
import anuga_lean as anuga
assert 4 == anuga.numprocs and "mpi4py.MPI" in sys.modules
anuga.barrier()
from anuga_lean.measure import probe
pss = probe.read_memory().pss
anuga.barrier()
waiting = [name for name in ("matplotlib", "scipy", "dill") if name in sys.modules]
print(f"rank {anuga.myid} {pss} {waiting}\\n", end="", flush=True)
anuga.finalize()
"""


@needs_mpi
def test_pss_of_each_rank(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = on_ranks(RANKS, tmp_path, "script.py")
    assert 0 == done.returncode, done.stdout + done.stderr
    found = [line.split(maxsplit=3) for line in done.stdout.splitlines() if line.startswith("rank")]
    assert sorted(map(str, range(RANKS))) == sorted(rank for _, rank, _, _ in found)
    assert ["[]"] * RANKS == [waiting for *_, waiting in found]
    assert max(int(pss) for _, _, pss, _ in found) < CEILING * 2**20


CACHED = """
import os, sys
import anuga_lean as anuga
for parameters in (None, {"cache_dir": "cache"}, {"cache_dir": "cache"}):
    domain = anuga.rectangular_cross_domain(8, 8) if anuga.myid == 0 else None
    domain = anuga.distribute(domain, parameters=parameters)
    if parameters is None:
        assert "hashlib" not in sys.modules
if anuga.myid == 0:
    assert "hashlib" in sys.modules
    print("cached", len(os.listdir("cache")))
anuga.finalize()
"""


@needs_mpi
def test_cache_of_distribute(tmp_path: Path) -> None:
    """The hash that names its files is loaded when there is one to name."""
    (tmp_path / "script.py").write_text(CACHED)
    done = on_ranks(2, tmp_path, "script.py")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "cached 1" in done.stdout.splitlines()
