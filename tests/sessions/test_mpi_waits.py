"""MPI begins when a process asks for other ranks, and until then nothing shows that it has not."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from anuga_lean.overlay.late_mpi import is_launched

pytestmark = pytest.mark.skipif(find_spec("mpi4py") is None, reason="needs mpi4py")

START = """
import sys
import anuga_lean as anuga
anuga.Domain

def is_loaded():
    return "mpi4py.MPI" in sys.modules

def held():
    return sorted(f"{name}.{key}" for name, module in sys.modules.copy().items()
                  if name.startswith("anuga.") for key, value in vars(module).copy().items()
                  if type(value).__module__ == "anuga_lean.overlay.late_mpi")
"""

# Each in a process of its own; `pa` is the module in which ANUGA holds MPI.
SESSIONS = {
    "alone": """
from anuga import myid, numprocs, barrier, finalize
import anuga.parallel.parallel_api
domain = anuga.rectangular_cross_domain(4, 4)
domain.set_name("alone")
domain.set_boundary({tag: anuga.Reflective_boundary(domain) for tag in domain.get_boundary_tags()})
line = [[0.3, 0.3], [0.3, 0.6]]
anuga.Inlet_operator(domain, line, 0.1)
anuga.Rate_operator(domain, rate=1e-3)
for t in domain.evolve(yieldstep=0.1, finaltime=0.2):
    barrier()
assert (0, 1, True) == (myid, numprocs, anuga.pypar_available) and (1, 0) == (pa.size(), pa.rank())
assert (1, 0) == (pa.numprocs, pa.myid)
finalize()
barrier()
assert (1, 0) == (pa.size(), pa.rank())
assert not is_loaded()
assert "anuga.utilities.parallel_abstraction.MPI" in held()
""",
    "every name": """
import types
assert not is_loaded() and type(pa.MPI) is types.ModuleType
from mpi4py import MPI
assert MPI is pa.MPI and MPI.COMM_WORLD is pa.comm
for name in ("MAX", "MIN", "SUM", "PROD", "LAND", "BAND", "LOR", "BOR", "LXOR", "BXOR", "MAXLOC",
             "MINLOC"):
    assert getattr(MPI, name) is getattr(pa, name), name
assert pa.finalize is anuga.finalize is anuga.parallel.finalize is MPI.Finalize
assert pa.get_processor_name is anuga.get_processor_name is MPI.Get_processor_name
assert anuga.parallel.parallel_api.processor_name == MPI.Get_processor_name()
assert [] == held()
""",
    "a name imported": """
from anuga.utilities.parallel_abstraction import SUM
from mpi4py import MPI
assert SUM is MPI.SUM and [] == held()
""",
    "the processor": """
name = anuga.parallel.parallel_api.processor_name
assert is_loaded() and str is type(name) and name == anuga.get_processor_name()
""",
    "the function of its name": """
ask = anuga.get_processor_name
assert not is_loaded() and str is type(ask()) and is_loaded()
assert ask() == anuga.get_processor_name()
""",
    "messages to oneself": """
import numpy
assert 3.0 == pa.global_running_sum(3.0) and is_loaded() and [] == held()
total = numpy.zeros(1)
pa.allreduce(numpy.ones(1), pa.MAX, buffer=total)
pa.waitall([pa.isend("a", 0), pa.irecv(0)])
assert 1.0 == total[0]
""",
    "distribute": """
domain = anuga.rectangular_cross_domain(4, 4)
assert domain is anuga.distribute(domain) and is_loaded()
""",
    "mpi4py of the user's": """
import mpi4py
assert not is_loaded() and 1 == mpi4py.MPI.COMM_WORLD.size
anuga.barrier()
anuga.finalize()
assert mpi4py.MPI.Is_finalized() and (1, 0) == (pa.size(), pa.rank())
""",
    "ended before it began": """
end = anuga.finalize
end()
assert not is_loaded()
anuga.barrier()
assert pa.MPI.Is_finalized() and [] == held()
from mpi4py import MPI
assert MPI.Is_finalized()
""",
    "begun by the user once it had ended": """
anuga.finalize()
from mpi4py import MPI
assert not MPI.Is_finalized()
anuga.barrier()
assert MPI.COMM_WORLD is pa.comm and not MPI.Is_finalized()
""",
    "a fork": """
import os
child = os.fork()
if child == 0:
    os._exit(0 if pa.comm.allreduce(2) == 2 else 1)
assert 0 == os.waitpid(child, 0)[1] and not is_loaded()
""",
    "threads": """
import threading
found = []
threads = [threading.Thread(target=lambda: found.append(pa.comm.size)) for _ in range(8)]
[each.start() for each in threads], [each.join() for each in threads]
assert [1] * 8 == found and [] == held()
""",
    "a launcher that is not known": """
import types, mpi4py
mpi = types.ModuleType("mpi4py.MPI")
mpi.Is_initialized, mpi.Is_finalized = (lambda: True), (lambda: False)
mpi.COMM_WORLD = types.SimpleNamespace(size=4, rank=2)
sys.modules["mpi4py.MPI"] = mpi4py.MPI = mpi
for ask in (lambda: anuga.distribute(anuga.rectangular_cross_domain(2, 2)), pa.size, anuga.barrier,
            lambda: pa.MAX):
    try:
        ask()
    except anuga.LaunchError as error:
        assert "is one of 4 of MPI" in str(error) and "mpi4py import MPI" in str(error)
    else:
        assert False, ask
del sys.modules["mpi4py.MPI"]
""",
}


def run(folder: Path, *parts: str, **variables: str) -> subprocess.CompletedProcess:
    """A script of these parts, in a process of its own."""
    return subprocess.run([sys.executable, "-c", "\n".join(parts)], cwd=folder, timeout=300,
                          env=os.environ | variables, capture_output=True, text=True)


@pytest.mark.parametrize("name", SESSIONS)
def test_session(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, START, "pa = anuga.utilities.parallel_abstraction", SESSIONS[name],
               "print('done')")
    assert (0, "done") == (done.returncode, done.stdout.strip()[-4:]), done.stdout + done.stderr


FIRST = {
    "mpi4py by the user": ("from mpi4py import MPI", {}),
    "a launcher": ("", {"FLUX_TASK_RANK": "0"}),
}


@pytest.mark.parametrize("name", FIRST)
def test_at_once(tmp_path: Path, name: str) -> None:
    """MPI that is there, or is needed to know this process's number, is ANUGA's from the start."""
    before, variables = FIRST[name]
    done = run(tmp_path, before, START, "print(is_loaded(), held())", **variables)
    assert "True []" == done.stdout.strip(), done.stderr


def test_not_at_all(tmp_path: Path) -> None:
    """mpi4py without any MPI to begin fails only what asks for ranks; on stock, `import anuga`."""
    done = run(tmp_path, START, BROKEN.format(error="RuntimeError"), """
domain = anuga.rectangular_cross_domain(2, 2)
domain.set_boundary({tag: anuga.Reflective_boundary(domain) for tag in domain.get_boundary_tags()})
domain.set_store(False)
print(*domain.evolve(yieldstep=0.1, finaltime=0.1))
try:
    anuga.get_processor_name()
except RuntimeError as error:
    print(error)
""")
    assert ["0.0 0.1", "no libmpi"] == done.stdout.splitlines(), done.stderr


BROKEN = """
import sys
class Broken:
    def find_spec(self, name, path, target=None):
        if name == "mpi4py.MPI":
            raise {error}("no libmpi")
sys.meta_path.insert(0, Broken())
"""
WITHOUT = """
import {package} as anuga
anuga.Domain
name = anuga.get_processor_name()
import anuga.utilities.parallel_abstraction as pa
print(name, pa.mpiWrapper, *(each.pypar_available for each in (pa, anuga, anuga.parallel)))
print(anuga.numprocs, anuga.myid, pa.size(), pa.rank(), anuga.barrier(), anuga.finalize(),
      anuga.send(1, 0), anuga.receive(0), pa.MIN, hasattr(pa, "MAX"), hasattr(pa, "comm"))
domain = anuga.rectangular_cross_domain(2, 2)
print(domain is anuga.distribute(domain), anuga.get_processor_name())
"""


def test_without(tmp_path: Path) -> None:
    """Where mpi4py cannot be imported, ANUGA says so and goes without, as on stock."""
    found = []
    for package in ("anuga", "anuga_lean"):
        done = run(tmp_path, BROKEN.format(error="ImportError"), WITHOUT.format(package=package),
                   HOST="here")
        assert 0 == done.returncode, done.stderr
        found.append(done.stdout)
    assert "WARNING" in found[0] and found[0] == found[1]


@pytest.mark.parametrize("name", [
    "OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS",
    "HYDI_CONTROL_FD", "MV2_COMM_WORLD_RANK", "SLURM_STEP_NUM_TASKS", "SLURM_STEPID",
    "PALS_RANKID", "JSM_NAMESPACE_RANK"])
def test_launchers(name: str) -> None:
    assert is_launched(["PATH", name])


def test_no_launcher() -> None:
    """Settings for good, and what a batch script has without srun, are of no launcher."""
    assert not is_launched([
        "PATH", "OMPI_MCA_btl", "OMPI_ALLOW_RUN_AS_ROOT", "PRTE_MCA_rmaps_default_mapping_policy",
        "PMIX_MCA_gds", "I_MPI_ROOT", "SLURM_JOB_ID", "SLURM_NTASKS", "SLURM_PROCID"])
