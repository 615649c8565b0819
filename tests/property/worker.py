"""Takes single time steps on one variant of ANUGA for as long as requests come in.

`python -m property.worker VARIANT` with VARIANT stock or lean reads pickled requests
from stdin and writes pickled answers to stdout, each after its length in eight
bytes; what ANUGA prints goes to stderr.  A request is a mesh, an algorithm and
many states; the answer holds the state after one step from each of them.
"""

from __future__ import annotations

import importlib
import os
import pickle
import sys
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

STATE = ("stage", "xmomentum", "ymomentum", "elevation", "friction")
RESULT = ("stage", "xmomentum", "ymomentum", "height")
NEVER = 1.0e9  # s, later than any step


def read(stream: BinaryIO) -> Any:
    """The next message, None at the end of the stream."""
    length = stream.read(8)
    if len(length) < 8:
        return None
    return pickle.loads(stream.read(int.from_bytes(length, "little")))


def write(stream: BinaryIO, message: Any) -> None:
    """Send a message."""
    data = pickle.dumps(message, protocol=5)
    stream.write(len(data).to_bytes(8, "little") + data)
    stream.flush()


def cut_smaller(block_size: int) -> None:
    """Make lean meshes of blocks of this many triangles, so that small meshes have many."""
    blocks = importlib.import_module("anuga_lean.blocks").Blocks
    build = getattr(blocks, "_build_as_shipped", None)
    if build is None:
        build = blocks._build_as_shipped = blocks.__dict__["build"].__func__
    blocks.build = classmethod(
        lambda cls, *args, **options: build(cls, *args, **(options | {"block_size": block_size}))
    )


def build(anuga: ModuleType, request: dict[str, Any]) -> Any:
    """The domain a request describes, ready to take steps of any size."""
    domain = anuga.Domain(request["points"], request["triangles"], request["boundary"])
    domain.set_name("step")
    domain.set_store(False)
    domain.set_flow_algorithm(request["algorithm"])
    if request["betas"] is not None:
        domain.set_betas(*request["betas"])
    if request["minimum_allowed_height"] is not None:
        domain.set_minimum_allowed_height(request["minimum_allowed_height"])
    domain.set_low_froude(request["low_froude"])
    domain.set_sloped_mannings_function(request["sloped"])
    edges = {
        "reflective": anuga.Reflective_boundary(domain),
        "transmissive": anuga.Transmissive_boundary(domain),
        "dirichlet": anuga.Dirichlet_boundary([0.4, 0.1, -0.2]),
    }
    tags = sorted(domain.get_boundary_tags())
    domain.set_boundary(
        {tag: edges[kind] for tag, kind in zip(tags, request["edges"] * len(tags), strict=False)}
    )
    domain.evolve_min_timestep = 1.0e-300
    domain.finaltime = domain.relative_finaltime = NEVER
    domain.yieldstep = domain.relative_yieldtime = NEVER
    return domain


def step(domain: Any, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """One time step from a state; the state after it, or the exception instead."""
    for name in STATE:
        domain.quantities[name].centroid_values[:] = state[name]
    domain.relative_time = 0.0
    domain.boundary_flux_sum[:] = 0.0
    take = getattr(domain, f"evolve_one_{domain.timestepping_method}_step")
    try:
        take(NEVER, NEVER)
    except Exception as error:
        return {"error": np.array(f"{type(error).__name__}: {error}")}
    found = {name: domain.quantities[name].centroid_values.copy() for name in RESULT}
    found["timestep"] = np.array(domain.timestep)
    found["boundary_flux_sum"] = domain.boundary_flux_sum.copy()
    return found


def answer(anuga: ModuleType, variant: str, request: dict[str, Any]) -> list[dict[str, np.ndarray]]:
    """Every step a request asks for."""
    if variant == "lean":
        cut_smaller(request["block_size"])
    domain = build(anuga, request)
    found = [step(domain, state) for state in request["states"]]
    if (getattr(domain, "lean", None) is not None) != (variant == "lean"):
        raise RuntimeError(f"the {variant} worker runs on the other kernels")
    return found


def main(variant: str) -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    anuga = importlib.import_module("anuga_lean" if variant == "lean" else "anuga")
    anuga.Domain  # noqa: B018  the first ANUGA name asked of anuga_lean brings the hook in
    while (request := read(sys.stdin.buffer)) is not None:
        try:
            write(answers, answer(anuga, variant, request))
        except Exception as error:
            write(answers, f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(sys.argv[1])
