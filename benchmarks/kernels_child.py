"""Runs steps of a model on the anuga_lean of a given folder, and times them, as it is told.

The process that `kernels_against.py` starts once for each side: it builds the model, then for
every line of standard input steps it so many times and answers with one line of JSON.  Imports
nothing of this tree: the folder may hold an older anuga_lean.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# What a step calls of its kernels, in every anuga_lean so far; the first is the sweep.
TIMED = ("compute_fluxes", "update", "backup_conserved", "average", "distribute")


def build(anuga: Any, algorithm: str, side: int, polygons: bool) -> Any:
    """Return a model in motion: rippled water over a rippled bed, some of it dry."""
    import numpy as np

    if polygons:
        length = float(side)
        domain = anuga.create_domain_from_regions(
            [[0.0, 0.0], [length, 0.0], [length, length], [0.0, length]],
            boundary_tags={"exterior": [0, 1, 2, 3]}, maximum_triangle_area=0.31,
            use_cache=False, verbose=False)
    else:
        domain = anuga.rectangular_cross_domain(side, side, len1=float(side), len2=float(side))
    domain.set_flow_algorithm(algorithm)
    domain.set_store(False)
    domain.set_quantity("elevation", lambda x, y: 0.4 * np.sin(0.31 * x) * np.cos(0.23 * y))
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: 0.35 + 0.2 * np.sin(0.11 * x + 0.07 * y))
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    return domain


def time_calls(kind: type, seconds: dict[str, float]) -> None:
    """Add the CPU seconds of the methods TIMED of a class to `seconds`."""
    def timed(name: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            start = time.thread_time()
            try:
                return inner(*args, **more)
            finally:
                seconds[name] += time.thread_time() - start
        return call

    for name in TIMED:
        setattr(kind, name, timed(name, getattr(kind, name)))


def digest(domain: Any) -> str:
    """Return a hash of the state, every bit of it."""
    found = hashlib.sha256()
    for name in ("stage", "xmomentum", "ymomentum"):
        found.update(domain.quantities[name].centroid_values.tobytes())
    return found.hexdigest()


def main() -> None:
    """Build, say so, and answer until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="has anuga_lean, with its compiled kernels")
    parser.add_argument("algorithm")
    parser.add_argument("side", type=int, help="the model has four times its square triangles")
    parser.add_argument("--polygons", action="store_true", help="an irregular mesh instead")
    args = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr
    sys.path.insert(0, str(args.folder))
    import anuga_lean as anuga

    assert Path(anuga.__file__).is_relative_to(args.folder.resolve()), anuga.__file__
    domain = build(anuga, args.algorithm, args.side, args.polygons)
    steps = domain.evolve(yieldstep=1.0e9, finaltime=1.0e9)     # prepares, steps below
    next(steps)
    step = {"euler": domain.evolve_one_euler_step, "rk2": domain.evolve_one_rk2_step}[
        domain.get_timestepping_method()]
    seconds = dict.fromkeys(TIMED, 0.0)
    time_calls(type(domain.lean), seconds)
    print(json.dumps({"triangles": domain.number_of_triangles, "isa": domain.lean.run.isa}),
          file=answers, flush=True)
    for line in sys.stdin:
        found: dict[str, list[float]] = {name: [] for name in TIMED}
        for _ in range(int(line)):
            seconds.update(dict.fromkeys(TIMED, 0.0))
            step(1.0e9, 1.0e9)
            for name in TIMED:
                found[name].append(seconds[name])
            domain.distribute_to_vertices_and_edges()
            domain.update_boundary()
            domain.relative_time += domain.timestep
        print(json.dumps({"seconds": found, "digest": digest(domain)}), file=answers, flush=True)


if __name__ == "__main__":
    main()
