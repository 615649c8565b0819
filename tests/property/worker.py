"""Takes single time steps on one variant of ANUGA for as long as requests come in.

`python -m property.worker VARIANT` with VARIANT stock or lean reads pickled requests
from stdin and writes pickled answers to stdout, each after its length in eight
bytes; what ANUGA prints goes to stderr.  A request is a mesh, an algorithm and
many states; the answer holds the state after one step from each of them.
"""

from __future__ import annotations

import importlib
import math
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
    blocks = importlib.import_module("anuga_lean.mesh.blocks").Blocks
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
    tags = sorted(domain.get_boundary_tags())
    kinds, values = request["edges"] * len(tags), request["prescribed"] * len(tags)
    domain.set_boundary({
        tag: boundary(anuga, domain, kind, prescribed)
        for tag, kind, prescribed in zip(tags, kinds, values, strict=False)
    })
    domain.evolve_min_timestep = 1.0e-300
    domain.finaltime = domain.relative_finaltime = NEVER
    domain.yieldstep = domain.relative_yieldtime = NEVER
    return domain


def boundary(anuga: ModuleType, domain: Any, kind: str, values: list[float]) -> Any:
    """A boundary of some kind; those that prescribe something do it with these values."""
    stage, momentum = values[0], values[1:]

    def rising(t: float) -> float:
        return stage + 0.1 * math.sin(t)

    def all_rising(t: float) -> list[float]:
        return [rising(t), *momentum]

    return {
        "reflective": lambda: anuga.Reflective_boundary(domain),
        "transmissive": lambda: anuga.Transmissive_boundary(domain),
        "dirichlet": lambda: anuga.Dirichlet_boundary(values),
        "time": lambda: anuga.Time_boundary(domain, function=all_rising),
        "set_stage": lambda: anuga.Transmissive_momentum_set_stage_boundary(
            domain, function=rising),
        "set_stage_normal": lambda: (
            anuga.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(
                domain, function=rising)),
        "time_stage": lambda: anuga.Time_stage_zero_momentum_boundary(domain, function=rising),
    }[kind]()


def step(domain: Any, state: dict[str, np.ndarray], time: float) -> dict[str, np.ndarray]:
    """One time step from a state at a time (s); what follows, or the exception instead.

    The edge values are those of the distribute after the step.
    """
    for name in STATE:
        domain.quantities[name].centroid_values[:] = state[name]
    domain.relative_time = time
    domain.boundary_flux_sum[:] = 0.0
    take = getattr(domain, f"evolve_one_{domain.timestepping_method}_step")
    try:
        take(NEVER, NEVER)
    except Exception as error:
        return {"error": np.array(f"{type(error).__name__}: {error}")}
    found = {name: domain.quantities[name].centroid_values.copy() for name in RESULT}
    found["timestep"] = np.array(domain.timestep)
    found["boundary_flux_sum"] = domain.boundary_flux_sum.copy()
    if all(np.isfinite(values).all() for values in found.values()):
        domain.distribute_to_vertices_and_edges()
        found |= {f"{name} at edges": np.array(domain.quantities[name].edge_values)
                  for name in (*RESULT, "elevation")}
    return found


def answer(anuga: ModuleType, variant: str, request: dict[str, Any]) -> list[dict[str, np.ndarray]]:
    """Every step a request asks for."""
    if variant == "lean":
        cut_smaller(request["block_size"])
    domain = build(anuga, request)
    found = [step(domain, state, 0.7 * number) for number, state in enumerate(request["states"])]
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
