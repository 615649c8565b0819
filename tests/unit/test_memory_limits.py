"""A setup that runs out of memory says in which stage, for what, and whose limit it was."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from anuga_lean import MemoryLimitError
from anuga_lean.memory_limits import bytes_asked, describe, stage

BEGIN = """
import os, resource
import numpy as np
import anuga_lean as anuga
from anuga_lean import MemoryLimitError

def limit(mib):
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (mib << 20), resource.RLIM_INFINITY))

def built(m, n):
    domain = anuga.rectangular_cross_domain(m, n)
    domain.set_name(f"memory{os.getpid()}")
    domain.set_quantity("elevation", lambda x, y: -x)
    return domain

def bounded(domain):
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"),
                                      anuga.Reflective_boundary(domain)))

def run(domain):
    bounded(domain)
    for _ in domain.evolve(yieldstep=1e-4, duration=1e-4):
        pass

run(built(3, 3))     # imports whatever a run imports
"""

SWEEP = BEGIN + """
for mib in range(0, 400, 4):
    if os.fork() == 0:
        status = 1
        try:
            limit(mib)
            run(built(250, 250))
            status = 0
        except MemoryLimitError as error:
            print(error, flush=True)
        finally:
            os._exit(status)
    if os.wait()[1] == 0:
        print("done", flush=True)
        break
"""

LATER = BEGIN + """
import traceback
from anuga_lean import _kernels
from anuga_lean.memory_limits import bytes_asked, stage

def refused(action, domain):
    if os.fork() == 0:
        try:
            limit(1)
            action(domain)
            print("nothing was refused", flush=True)
        except MemoryLimitError as error:
            print(error, flush=True)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.wait()

@stage("every byte", lambda domain: domain.number_of_triangles)
def fill(domain):
    global chain
    for nbytes in (1 << 16, 1 << 10, 64, 0):    # to the last hole of the heap
        try:
            while True:
                chain = (chain, bytes(nbytes))
        except MemoryError:
            pass
    raise MemoryError

chain = None
refused(fill, built(3, 3))
strip = built(50000, 1)
refused(bounded, strip)
field = built(500, 100)  # of few boundary edges, whose arrays the heap would keep
bounded(field)
refused(lambda domain: domain.distribute_to_vertices_and_edges(), field)
nodes, triangles, _ = anuga.rectangular_cross(500, 500)
triangles = triangles.astype(np.int32)
limit(12)
try:
    _kernels.hilbert_order(nodes, triangles)
except MemoryError as error:
    print("kernel", bytes_asked(error), error)
"""


def lines_of(script: str, folder: Path) -> list[str]:
    """What a script prints that runs with one arena and one thread, which reserve nothing."""
    variables = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, env=variables,
                          capture_output=True, text=True)
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.splitlines()


@pytest.mark.memory
def test_whatever_the_limit_is_a_stage_is_named(tmp_path: Path) -> None:
    *said, last = lines_of(SWEEP, tmp_path)
    assert "done" == last
    found = [re.fullmatch(
        r"not enough memory for (.*) of 250,000 triangles: ([\d,]+) bytes \([\d.]+ MiB\) more was "
        r"asked for while (\d+) of the (\d+) MiB of RLIMIT_AS \(ulimit -v\) are taken; take a mesh "
        r"of fewer triangles, more ranks, or raise that limit\.", line) for line in said]
    assert None not in found, said
    stages = [each[1] for each in found]
    assert {"the nodes and corners", "the mesh", "the blocks of the mesh", "the domain"} \
        <= set(stages) <= {"the nodes and corners", "the mesh", "the blocks of the mesh",
                           "the quantities", "the domain", "setting the quantity 'elevation'",
                           "the boundary", "preparing the first step", "creating the SWW file"}
    for each in found:
        asked, held, limit = (int(each[group].replace(",", "")) for group in (2, 3, 4))
        assert held <= limit
        # held: when what the stage had made so far, another 2 MB of quantities say, is free again
        assert asked > (limit - held - 3) << 20


@pytest.mark.memory
def test_later_stages_and_the_kernels(tmp_path: Path) -> None:
    full, boundary, step, kernel = lines_of(LATER, tmp_path)
    for stage_, line in (("every byte of 36", full), ("the boundary of 200,000", boundary),
                         ("preparing the first step of 200,000", step)):
        assert line.startswith(f"not enough memory for {stage_} triangles: "), line
    assert f"kernel {16 * 1_000_001} the mesh needs {16 * 1_000_001} bytes more to be built" \
        == kernel


def test_the_innermost_stage_speaks() -> None:
    @stage("all of it", lambda n: None)
    def outer(n: int) -> None:
        inner(n)

    @stage(lambda n: f"part {n}", lambda n: 10 * n)
    def inner(n: int) -> None:
        raise MemoryError

    with pytest.raises(MemoryLimitError, match=r"^not enough memory for part 7 of 70 triangles: "
                       r"more was asked for while .* MiB.*, more ranks") as caught:
        outer(7)
    assert isinstance(caught.value.__cause__, MemoryError)


def test_bytes_of_numpy() -> None:
    with pytest.raises(MemoryError) as caught:
        np.zeros((1 << 42, 3), np.int16)
    assert 6 << 42 == bytes_asked(caught.value)
    assert None is bytes_asked(MemoryError())
    assert "for the mesh: 26,388,279,066,624 bytes (25165824.0 MiB) more was asked for" in describe(
        caught.value, "the mesh", None)
