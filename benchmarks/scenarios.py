"""Lists the scenarios that the harness measures, and at which sizes: the profiles.

Owns sizes, steps and repeats.  The models themselves are `anuga_lean.scenarios`:
they run unchanged on stock, on lean and on any other build.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import anuga_lean.scenarios as models
from anuga_lean.measure.cases import Case

# 95 % wet and rippled: nothing is at rest, so nothing can be skipped.
WET = {"tailwater": -2.0}


def _triangles(*sizes: int) -> Sequence[Mapping[str, int]]:
    return [{"triangles": size} for size in sizes]


def _case(scenario: str, *sizes: int, **more: object) -> Case:
    parameters = dict(more.pop("parameters", {}))  # type: ignore[call-overload]
    if "tailwater" in models.find(scenario).parameters:
        parameters = {**WET, **parameters}
    return Case(scenario, parameters, _triangles(*sizes), **more)  # type: ignore[arg-type]


_MERIMBULA = Case("merimbula", {"store": True}, [{"refine": 1}, {"refine": 2}], steps=10,
                  allocations=False)
_DE1 = {"flow_algorithm": "DE1"}

MEMORY: Mapping[str, Sequence[Case]] = {
    "quick": [_case("dam_break", 40_000, 160_000, steps=3)],
    "nightly": [
        _case("dam_break", 60_000, 240_000, steps=5, repeats=3),
        _case("dam_break", 60_000, 240_000, steps=5, parameters=_DE1, allocations=False),
        _case("open_sides", 60_000, 240_000, steps=5, allocations=False),
        _case("regions", 20_000, 80_000, steps=5, parameters={"store": True}, allocations=False),
        _MERIMBULA,
        _case("catchment", 20_000, 80_000, steps=5, allocations=False),
        _case("structures", 20_000, 80_000, steps=5, allocations=False),
        _case("catchment_full", 20_000, 80_000, steps=5, parameters={"store": True},
              allocations=False),
    ],
    "full": [
        _case("dam_break", 250_000, 1_000_000, steps=20, allocations=False),
        _case("dam_break", 250_000, 1_000_000, steps=20, parameters={"store": True},
              allocations=False),
        _case("open_sides", 250_000, 1_000_000, steps=20, allocations=False),
    ],
}

SPEED: Mapping[str, Sequence[Case]] = {
    "quick": [_case("dam_break", 20_000, steps=5, repeats=2)],
    "nightly": [
        _case("dam_break", 10_000, steps=100, repeats=5),
        _case("dam_break", 40_000, steps=40, repeats=5),
        _case("dam_break", 160_000, steps=20, repeats=7),
        _case("open_sides", 160_000, steps=20, repeats=5),
        _case("dam_break", 160_000, steps=20, repeats=7, threads=2),
        _case("dam_break", 160_000, steps=10, repeats=5, parameters=_DE1),
        _case("unstructured", 80_000, steps=20, repeats=5),
        _case("catchment", 40_000, steps=40, repeats=5),
        _case("structures", 40_000, steps=40, repeats=5),
    ],
    "full": [
        _case("dam_break", 1_000_000, steps=8, repeats=2),
        _case("dam_break", 1_000_000, steps=8, repeats=2, threads=2),
        _case("unstructured", 1_000_000, steps=8, repeats=2),
    ],
}

# `evolve` as a whole, frames included, on one thread and on two.
EVOLVE: Mapping[str, Sequence[Case]] = {
    "quick": [_case("catchment_full", 10_000, steps=60, parameters={"store": True})],
    "nightly": [_case("catchment_full", 80_000, steps=100, repeats=3,
                      parameters={"store": True})],
    "full": [_case("catchment_full", 500_000, steps=100, repeats=5, parameters={"store": True})],
}

# Under valgrind, some forty times as slow: small meshes, few steps.
INSTRUCTIONS: Mapping[str, Sequence[Case]] = {
    "quick": [_case("dam_break", 4_000, steps=4)],
    "nightly": [
        _case("dam_break", 20_000, steps=6),
        _case("dam_break", 20_000, steps=6, parameters=_DE1),
        _case("catchment_full", 20_000, steps=6),
    ],
    "full": [],
}

CHECKPOINT: Mapping[str, Sequence[Case]] = {
    "quick": [_case("dam_break", 20_000)],
    "nightly": [_case("dam_break", 240_000, repeats=3)],
    "full": [_case("dam_break", 1_000_000, repeats=2)],
}

RANKS: Mapping[str, Sequence[Case]] = {
    "quick": [_case("parallel", 10_000, steps=3, numprocs=2)],
    "nightly": [_case("parallel", 160_000, steps=5, numprocs=count, repeats=2)
                for count in (2, 4)],
    "full": [_case("parallel", 1_000_000, steps=5, numprocs=4)],
}

# Measured beside stock and lean: the version of the first report of the problem.
OTHER_VERSIONS: Mapping[str, Sequence[str]] = {"quick": (), "nightly": ("3.3.10",), "full": ()}
# Whether the other supported releases of ANUGA are measured beside the installed one: lean on
# them in all cases but those of speed, stock too in the first of memory, both in one of speed.
OTHER_RELEASES: Mapping[str, bool] = {"quick": False, "nightly": True, "full": False}
SPEED_OF_RELEASES: Mapping[str, Case] = {"nightly": SPEED["nightly"][2]}
# Lean kernels of other instruction sets, where the machine has them.
OTHER_ISAS: Mapping[str, Sequence[str]] = {
    "quick": (), "nightly": (), "full": ("lean-baseline",)}

PROFILES = tuple(MEMORY)


def of_version(case: Case) -> Case:
    """Return a case as it is measured on another version: once, and of the same sizes."""
    return replace(case, repeats=1)
