"""Several domains in one process: interleaved, in threads, in forked and spawned processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.compared import both, told

INTERLEAVED = """
from anuga.advection.advection import Advection_Domain

def advection():
    points, triangles, boundary = anuga.rectangular_cross(6, 4, len1=40.0, len2=20.0)
    domain = Advection_Domain(points, triangles, boundary, velocity=[1.0, 0.3])
    domain.set_quantity("stage", lambda x, y: np.sin(x))
    domain.set_boundary({tag: anuga.Dirichlet_boundary([0.1])
                         for tag in domain.get_boundary_tags()})
    return domain

domains = {"DE0": built(anuga), "DE1": built(anuga, "DE1"), "ader2": built(anuga, "DE_ader2"),
           "kv": built(anuga), "again": built(anuga), "advection": advection()}
domains["kv"].add_tracer("dye", initial_value=0.1)
runs = {name: domain.evolve(yieldstep=0.25, finaltime=1.5) for name, domain in domains.items()}
for turn in range(7):
    for name, run in runs.items():
        t = next(run)
        domain = domains[name]
        if name == "advection":
            tell(name, t, float(np.sum(domain.quantities["stage"].centroid_values ** 2)).hex())
        else:
            tell(name, digest(domain), domain.timestep)
"""


def test_interleaved(tmp_path: Path) -> None:
    """Lean beside domains on stock's kernels and beside another kind of domain, yield by yield."""
    stock, lean = both(tmp_path, INTERLEAVED)
    assert 42 == len(stock)
    assert stock == lean
    kinds = {line.split()[0]: line.split()[1] for line in stock}
    assert kinds["DE0"] == kinds["again"] != kinds["DE1"]


THREADS = """
import threading
from concurrent.futures import ThreadPoolExecutor

def work(seed):
    domain = built(anuga, ("DE0", "DE1")[seed % 2])
    domain.set_name(f"domain {seed}")
    domain.set_quantity("stage", lambda x, y: 0.1 * seed + 0.01 * x)
    anuga.Rate_operator(domain, rate=1.0e-3)
    for t in domain.evolve(yieldstep=0.25, duration=6.0):
        domain.quantities["stage"].edge_values[5]
        domain.get_water_volume()
    assert is_lean(domain)
    return digest(domain)

alone = [work(seed) for seed in range(6)]
with ThreadPoolExecutor(4) as pool:
    together = list(pool.map(work, range(6)))
tell(alone == together)
for line in together:
    tell(line)
results = {}
threads = [threading.Thread(target=lambda seed=seed: results.update({seed: work(seed)}))
           for seed in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
tell([results[seed] for seed in range(2)] == alone[:2])
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_domains_in_threads(tmp_path: Path, threads: str) -> None:
    """Domains evolved at the same time give what they give alone."""
    found = told("lean", tmp_path, THREADS, OMP_NUM_THREADS=threads)
    assert ["True", "True"] == [found[0], found[-1]]
    if threads == "1":
        assert told("stock", tmp_path, THREADS, OMP_NUM_THREADS=threads) == found


ONE_DOMAIN = """
import threading
domain = built(anuga)
entered, leave = threading.Event(), threading.Event()

def stop_here(t):
    if t > 0.6 and not entered.is_set():   # in the middle of the worker's first step
        entered.set()
        leave.wait(20)
    return [-0.2, 0.0, 0.0]

domain.set_boundary({"right": anuga.Time_boundary(domain, stop_here)})
worker = threading.Thread(target=lambda: evolved(domain, 1.0), name="first")
evolved(domain, 0.5)
worker.start()
assert entered.wait(20)
said = []
for attempt in (lambda: evolved(domain, 1.0), lambda: domain.compute_fluxes(),
                lambda: np.asarray(domain.quantities["stage"].edge_values)):
    try:
        attempt()
    except anuga.LeanError as error:
        said.append((type(error).__name__, isinstance(error, RuntimeError), str(error)))
leave.set()
worker.join()
tell(len(said), *said[0])
evolved(domain, 0.5)            # and at a yield another thread may have it
other = threading.Thread(target=lambda: tell(digest(evolved(domain, 0.5))))
other.start()
other.join()
twin = built(anuga)
twin.set_boundary({"right": anuga.Time_boundary(twin, lambda t: [-0.2, 0.0, 0.0])})
for duration in (0.5, 1.0, 0.5, 0.5):
    evolved(twin, duration)
tell(digest(twin))
"""


def test_one_domain_in_two_threads(tmp_path: Path) -> None:
    """Refused in one sentence in the middle of a step, and nothing is disturbed by it."""
    refused, after, alone = told("lean", tmp_path, ONE_DOMAIN)
    assert refused.startswith("3 ThreadError True the domain 'walked' is in the middle of a step")
    for part in ("'first'", "'MainThread'", "yield", "deepcopy"):
        assert part in refused
    assert alone == after


PROCESSES = """
import multiprocessing, os

def child(domain, connection):
    if domain is None:
        domain = built(anuga, "DE1")
        evolved(domain, 1.0)
    connection.send(digest(evolved(domain, 1.0)))
    connection.close()

if __name__ == "__main__":
    method = os.environ["START_METHOD"]
    context = multiprocessing.get_context(method)
    domain = built(anuga, "DE1")
    evolved(domain, 1.0)
    here, there = context.Pipe()
    given = domain if method == "fork" else None
    process = context.Process(target=child, args=(given, there))
    process.start()
    tell("answered", here.poll(60))
    tell(here.recv())
    process.join()
    tell(digest(evolved(domain, 1.0)))
"""


def test_fork_after_threads(tmp_path: Path) -> None:
    """Where stock's child hangs for good, lean's goes on with one thread."""
    answered, child, parent = told(
        "lean", tmp_path, PROCESSES, START_METHOD="fork", OMP_NUM_THREADS="2")
    assert "answered True" == answered
    assert parent == child


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(tmp_path: Path, method: str) -> None:
    """A domain made before the fork goes on in the child as in the parent."""
    stock, lean = both(tmp_path, PROCESSES, START_METHOD=method)
    assert "answered True" == stock[0]
    assert stock == lean
    assert lean[1] == lean[2]
