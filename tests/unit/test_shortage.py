"""Whatever runs out of memory, wherever: one sentence, no signal, a domain that knows its state."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.memory

BEGIN = """
import gc, hashlib, os, resource, sys, warnings
import numpy as np
import anuga_lean as anuga
from anuga_lean import MemoryLimitError
from anuga_lean._errors import OrderError
warnings.simplefilter("ignore")
KIND, FIELD = {"AS": (resource.RLIMIT_AS, "VmSize"),
               "DATA": (resource.RLIMIT_DATA, "VmData")}[sys.argv[1]]

def used():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(FIELD))

def limit(nbytes):
    resource.setrlimit(KIND, (used() + nbytes, resource.RLIM_INFINITY))

def lift():
    resource.setrlimit(KIND, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

def made(n=60, store=False):
    domain = anuga.rectangular_cross_domain(n, n, len1=40.0, len2=40.0)
    domain.set_name(f"m{os.getpid()}")
    domain.set_store(store)
    domain.set_quantity("elevation", lambda x, y: -x / 40.0)
    domain.set_quantity("stage", lambda x, y: 0.3 * (x < 20.0))
    wall = anuga.Reflective_boundary(domain)
    tide = anuga.Time_boundary(domain, lambda t: [0.1, 0.0, 0.0])
    domain.set_boundary({"left": wall, "right": tide, "top": wall, "bottom": wall})
    anuga.Rate_operator(domain, rate=1e-3)
    return domain

def run(domain, until):
    for _ in domain.evolve(yieldstep=0.02, finaltime=until):
        pass

def state(domain):
    found = hashlib.sha256(repr(domain.get_time()).encode())
    for name in ("stage", "xmomentum", "ymomentum", "elevation"):
        found.update(domain.quantities[name].centroid_values.tobytes())
    return found.hexdigest()

def forked(action):
    '''Return what a fork says, or the signal that it ends by.'''
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        try:
            said = action()
        except BaseException as error:
            lift()
            said = f"! {type(error).__name__}: {error}"
        os.write(write, said.encode()[:4000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    status = os.waitpid(pid, 0)[1]
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else said

def tried(domain, act, then, nbytes):
    '''Act under a limit, go on without it; return the outcome and the state.'''
    gc.collect()
    if domain is not None:
        domain.set_name(f"m{os.getpid()}")      # a fork leaves the lock of its SWW file
    holes = []      # of the heap, which no limit counts
    limit(0)
    for size in (1 << 20, 1 << 16, 1 << 14):
        try:
            while True:
                holes.append(bytes(size))
        except MemoryError:
            pass
    lift()
    limit(nbytes)
    try:
        act(domain)
        outcome = "ok"
    except MemoryLimitError as error:
        outcome = str(error)
    lift()
    try:
        then(domain)
        return outcome + "|" + state(domain)
    except OrderError as error:
        return outcome + "|" + str(error)

def sweep(domain, act, then, most, count=24):
    said = forked(lambda: tried(domain, act, then, 1 << 40))
    assert said.startswith("ok|"), said
    whole = said.split("|")[1]
    none = forked(lambda: tried(domain, lambda domain: None, then, 1 << 40)).split("|")[1]
    for k in range(count):
        said = forked(lambda: tried(domain, act, then, k * most // count))
        outcome, _, after = said.partition("|")
        known = {whole: "same", none: "unchanged"}.get(after)
        print(outcome.partition(":")[0], "|", known or after or said, flush=True)
run(made(3, True), 0.02)
"""


def lines_of(script: str, folder: Path, kind: str, **variables: str) -> list[tuple[str, str]]:
    """Return (outcome, state after it) of each limit that a script has tried."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", BEGIN + script, kind], cwd=folder, capture_output=True,
        text=True, env=os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"} | variables)
    assert (0, "") == (done.returncode, done.stderr)
    return [tuple(line.split(" | ")) for line in done.stdout.splitlines()]  # type: ignore[misc]


CASES = {
    "setup": "sweep(None, lambda _: made(100), lambda _: None, 16 << 20)",
    "first step": "sweep(made(100), lambda d: run(d, 0.02), lambda d: run(d, 0.04), 4 << 20)",
    "frames": "sweep(made(60, True), lambda d: run(d, 0.02), lambda d: run(d, 0.04), 16 << 20)",
    "function": "sweep(made(100), lambda d: d.set_quantity('elevation', lambda x, y: x * y),"
                " lambda d: run(d, 0.02), 4 << 20)",
    "stock arrays": "d = made(100); run(d, 0.02)\n"
                    "sweep(d, lambda d: d.use_stock_kernels('this'), lambda d: run(d, 0.04),"
                    " 40 << 20)",
    "viscosity": "sweep(made(100), anuga.Kinematic_viscosity_operator,"
                 " lambda d: run(d, 0.02), 8 << 20)",
    "walls": "sweep(made(100), lambda d: d.riverwallData.create_riverwalls("
             "{'w': [[5.0, 1.0, 0.2], [30.0, 39.0, 0.2]]}, verbose=False),"
             " lambda d: run(d, 0.02), 8 << 20)",
    "loading": "d = made(100); d.set_checkpointing(checkpoint_dir='c', checkpoint_step=1)\n"
               "run(d, 0.02); name = d.get_name()\n"
               "sweep(d, lambda _: anuga.load_checkpoint_file(name, 'c'), lambda _: None, 8 << 20)",
}
STATES = {"same", "unchanged"}
HALF = "memory ran out in the middle of "


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["AS", "DATA"])
@pytest.mark.parametrize("case", CASES)
def test_a_limit_is_told_and_the_state_known(tmp_path: Path, case: str, kind: str) -> None:
    script = CASES[case]
    if case == "setup":
        script = "state = lambda domain: ''\n" + script.replace("lambda _: None,", "lambda _: 0,")
    found = lines_of(script, tmp_path, kind)
    assert 24 == len(found)
    for outcome, after in found:
        assert outcome == "ok" or outcome.startswith("not enough memory for "), (outcome, after)
        assert after in STATES or after.startswith(HALF), (outcome, after)
    assert "ok" != found[0][0]


BUFFERS = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
a, b, out = np.ones((10, 1600)), np.ones(1600), np.empty((10, 1600))
more, true = np.ones((10, 1)), np.ones((10, 1600), bool)
for one, other in ((a, b), (a, more), (a, true), (a.astype("f4"), b)):
    def act(one=one, other=other):
        limit(1 << 20)
        made(2)
        limit(0)
        for nbytes in (1 << 20, 1 << 17, 1 << 16, 1 << 15, 1 << 14, 1 << 13):
            while libc.malloc(nbytes):
                pass
        np.add(one, other, out=out)
        lift()
        return "ok | " + str(out.tobytes() == (one.astype(float) + other).tobytes())
    print(forked(act), flush=True)
"""


@pytest.mark.parametrize("kind", ["AS", "DATA"])
def test_numpy_has_buffers_where_it_could_not_tell(tmp_path: Path, kind: str) -> None:
    assert 4 * [("ok", "True")] == lines_of(BUFFERS, tmp_path, kind)


THREADS = """
one, four = made(20), made(20)
run(one, 0.04)
getattr(anuga, "set_omp_num_threads", four.set_omp_num_threads)(4, verbose=False)
limit(12 << 20)
try:
    run(four, 0.02)
    said = "ok"
except MemoryLimitError as error:
    said = str(error)
lift()
run(four, 0.02)
run(four, 0.04)
print(said.partition(":")[0], "|", state(one) == state(four))
"""


@pytest.mark.parametrize("kind", ["AS", "DATA"])
def test_threads_that_do_not_fit_are_told(tmp_path: Path, kind: str) -> None:
    assert [("not enough memory for 4 OpenMP threads of 1,600 triangles", "True")] == lines_of(
        THREADS, tmp_path, kind)


FAILING = """
import ctypes
shim = ctypes.CDLL(os.environ["LD_PRELOAD"])
def each(name, act, unharmed):
    held, n = shim.lean_held(), 0
    while True:
        n += 1
        shim.lean_fail_at(n)
        try:
            act()
            said = "ok"
        except MemoryLimitError as error:
            said = str(error).partition(" of ")[0]
        calls = shim.lean_calls()
        shim.lean_fail_at(0)
        gc.collect()
        if not unharmed() or shim.lean_held() != held:
            said = f"harm at {n}"
        if said == "ok":
            assert calls < n
            print(name, "|", n - 1, flush=True)
            return
        assert said.startswith("not enough memory for "), said

domain = made(12)
run(domain, 0.02)
before = state(domain)
each("mesh", lambda: made(12), lambda: state(domain) == before)
nodes, triangles, _ = anuga.rectangular_cross(9, 9)
each("tables", lambda: anuga.Domain(nodes, triangles), lambda: state(domain) == before)
fine = made(12)
run(fine, 0.02)
fine.distribute_to_vertices_and_edges()
def again():
    fine.set_quantity("stage", -5.0)
    fine.set_quantity("stage", lambda x, y: 0.3 * (x < 20.0))
    fine.distribute_to_vertices_and_edges(False)
each("undo", again, lambda: True)
"""


def test_every_allocation_of_the_kernels_may_fail(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to build the failing malloc with")
    source = Path(__file__).parents[1] / "harness" / "failing_malloc.c"
    shim = tmp_path / "failing_malloc.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True)
    found = dict(lines_of(FAILING, tmp_path, "AS", LD_PRELOAD=str(shim)))
    assert {"mesh", "tables", "undo"} == set(found)
    # two tables of the neighbours, one of the order, and six in each pass over the blocks
    assert int(found["mesh"]) >= 3 and int(found["tables"]) >= 3
