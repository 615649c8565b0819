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
from anuga_lean.memory_limits import prepare
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
    limit(1 << 40)
    prepare()       # as from the first call of a process with a limit
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
        [sys.executable, "-c", BEGIN + script, kind], cwd=folder, capture_output=True,
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


# What a script calls, and ANUGA's own code allocates in.
CALLS = """
import contextlib, io
from anuga.geometry import polygon
round = [[20 + 15 * np.cos(a), 20 + 15 * np.sin(a)] for a in np.linspace(0, 6.28, 5000)]
P = np.random.default_rng(1).random((100000, 2)) * 40
G = anuga.Geospatial_data(P[:20000], {"elevation": P[:20000, 0]})
open("r.asc", "w").write("ncols 300\\nnrows 300\\nxllcorner -1\\nyllcorner -1\\ncellsize 0.15\\n"
                         "NODATA_value -9999\\n" + ("0.5 " * 300 + "\\n") * 300)
open("r.prj", "w").write("Projection UTM\\nZone 56\\nDatum WGS84\\nZunits NO\\nUnits METERS\\n"
                         "Spheroid WGS84\\nXshift 0.0\\nYshift 0.0\\nParameters\\n")
G.export_points_file("p.csv")
line = [[1.1, 1.2], [38.2, 39.3]]
square = [[0, 0], [40, 0], [40, 40], [0, 40]]
def regions(area):
    return lambda d: anuga.create_domain_from_regions(
        square, {"a": [0, 1, 2, 3]}, maximum_triangle_area=area)
calls = {
    "points": lambda d: anuga.Geospatial_data(P, {"elevation": P[:, 0]}),
    "points file": lambda d: anuga.Geospatial_data("p.csv").get_data_points(),
    "points of both": lambda d: (G + G).clip(round),
    "inside": lambda d: anuga.inside_polygon(P, round),
    "outside": lambda d: polygon.outside_polygon(P, round),
    "raster": lambda d: d.set_quantity("elevation", filename="r.asc"),
    "dem": lambda d: anuga.asc2dem("r.asc", "r.dem"),
    "region": lambda d: anuga.Region(d, polygon=round),
    "rain": lambda d: anuga.Rate_operator(d, rate=1e-3, polygon=round),
    "inlet": lambda d: anuga.Inlet_operator(d, line, Q=0.5),
    "box": lambda d: anuga.Boyd_box_operator(d, losses=1.5, width=3.0, apron=0.5,
                                             end_points=[[10.0, 10.0], [30.0, 10.0]]),
    "bed": lambda d: anuga.Set_elevation_operator(d, elevation=lambda t: 1.0, polygon=round),
    "maxima": lambda d: d.set_collect_max_quantities(),
    "tracer": lambda d: d.add_tracer("salt") if hasattr(d, "add_tracer") else bytes(1 << 24),
    "sum": lambda d: d.quantities["stage"] * 2.0 + 1.0,
    "added": lambda d: d.add_quantity("stage", lambda x, y: x),
    "volume": lambda d: d.get_water_volume(),
    "wet": lambda d: d.get_wet_elements(),
    "section": lambda d: d.get_flow_through_cross_section(line),
    "triangle": lambda d: d.get_triangle_containing_point([20.1, 20.2]),
    "few regions": regions(1.0),
    "regions": regions(0.05),
}
domain = made(60)
run(domain, 0.02)
for name, call in calls.items():
    with contextlib.redirect_stdout(io.StringIO()):
        call(made(20))
    said = []
    for nbytes in (0, 1 << 18, 1 << 19, 1 << 20, 3 << 19, 2 << 20, 3 << 20, 4 << 20, 6 << 20):
        def act():
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            return tried(domain, call, lambda d: None, nbytes).partition("|")[0]
        found = forked(act)
        if found == "ok":
            break
        said.append(found)
    print(name, "|", [each for each in said
                      if not each.startswith("not enough memory for ")] if said else "no limit")
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["AS", "DATA"])
def test_what_anuga_allocates_is_told(tmp_path: Path, kind: str) -> None:
    found = dict(lines_of(CALLS, tmp_path, kind))
    assert 22 == len(found)
    assert dict.fromkeys(found, "[]") == found
