"""Counting arrays by owner, on objects shaped like a domain; and on a stock domain."""

from __future__ import annotations

import functools
from array import array
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from anuga_lean.arrays.census import Census, census
from anuga_lean.measure.measurement import Request, measure

N = 100


class Thing(SimpleNamespace):
    """Any object with attributes."""


class Rate_operator(Thing):
    pass


class Kernels:
    """Reports memory of its own, and must not be asked for properties."""

    __slots__ = ("work", "unset")

    def __init__(self) -> None:
        self.work = np.zeros(3 * N)

    @property
    def trap(self) -> np.ndarray:
        raise AssertionError("the census read a property")

    def census_nbytes(self) -> dict[str, int]:
        return {"scratch": 4096}


def domain(**extra: Any) -> Thing:
    """A domain of N triangles with two quantities, a mesh and a back reference."""
    made = Thing(number_of_triangles=N, quantities={})
    for name in ("stage", "elevation"):
        quantity = Thing(domain=made, centroid_values=np.zeros(N))
        made.quantities[name] = quantity
    made.mesh = Thing(nodes=np.zeros((N, 2)), triangles=np.zeros((N, 3), np.int64))
    made.__dict__.update(extra)
    return made


def groups(found: Thing) -> dict[str, int]:
    return census(found).groups()


def test_groups_are_owners() -> None:
    expected = {
        "quantities/stage": 8 * N,
        "quantities/elevation": 8 * N,
        "mesh/nodes": 16 * N,
        "mesh/triangles": 24 * N,
    }
    assert expected == groups(domain())
    assert 56.0 == census(domain()).bytes_per_triangle


def test_an_alias_counts_once_and_for_its_first_owner() -> None:
    made = domain()
    made.nodes = made.mesh.nodes
    operator = Rate_operator(domain=made, stage_c=made.quantities["stage"].centroid_values)
    made.fractional_step_operators = [operator]
    assert groups(domain()) == groups(made)


def test_a_view_counts_as_its_whole_base() -> None:
    base = np.zeros(10 * N)
    made = domain(first=base[:5], second=base[5:10].reshape(5, 1), third=base)
    assert 80 * N == groups(made)["domain/first"]
    assert "domain/second" not in groups(made) and "domain/third" not in groups(made)


def test_a_buffer_under_several_views_counts_once() -> None:
    buffer = bytearray(8 * N)
    made = domain(one=np.frombuffer(buffer), two=np.frombuffer(buffer, np.int32)[3:], three=buffer)
    assert 8 * N == groups(made)["domain/one"]
    assert not {"domain/two", "domain/three"} & set(groups(made))


def test_a_broadcast_array_is_as_large_as_what_it_repeats() -> None:
    made = domain(flags=np.broadcast_to(np.ones(1, np.int64), (N,)))
    assert 8 == groups(made)["domain/flags"]


def test_pools_of_blocks_are_groups_of_their_own() -> None:
    made = domain()
    made.mesh.blocks = Thing(member=np.zeros(N, np.int32), vertex=np.zeros(N, np.uint16))
    assert 4 * N == groups(made)["mesh/blocks/member"]
    assert 2 * N == groups(made)["mesh/blocks/vertex"]


def test_kernel_memory_is_what_an_object_reports() -> None:
    found = census(domain(lean=Kernels()))
    assert 4096 == found.kernel_nbytes == found.groups()["kernels/scratch"]
    assert 24 * N == found.groups()["kernels/work"]


def test_operators_are_numbered_by_kind() -> None:
    operators = [
        Rate_operator(full_indices=np.zeros(N, np.int64)),
        Thing(label="x", held=np.zeros(3)),
        Rate_operator(region=Thing(indices=np.zeros(N, np.int64))),
    ]
    found = groups(domain(fractional_step_operators=operators))
    assert 8 * N == found["operators/rate_0"] == found["operators/rate_1"]
    assert 24 == found["operators/thing_0"]


def test_boundaries_are_listed_by_tag() -> None:
    shared = Thing(normals=np.zeros((N, 6)))
    made = domain(boundary_map={"left": shared, "right": shared, "top": None})
    assert 48 * N == groups(made)["boundaries/left"]
    assert "boundaries/right" not in groups(made)


def test_arrays_in_closures_partials_and_methods_are_found() -> None:
    hidden = [np.zeros(N) for _ in range(4)]

    def function(t: float, kept: np.ndarray = hidden[1]) -> float:
        return hidden[0][0]

    made = domain(
        function=function,
        partial=functools.partial(max, hidden[2]),
        method=Thing(array=hidden[3], __call__=None).__eq__,
        buffer=array("d", [0.0] * N),
    )
    found = groups(made)
    # The closure holds the list of all four, so it owns them.
    assert 32 * N == found["domain/function"]
    assert 8 * N == found["domain/buffer"]


def test_long_containers_are_told_apart_from_arrays() -> None:
    made = domain()
    made.mesh.tagged_elements = {"": list(range(5000))}
    found = census(made)
    assert 56 * N == found.nbytes
    # 8 bytes for each item and 28 for each int that CPython has not made beforehand.
    assert 5000 * 8 + (5000 - 257) * 28 <= found.python_nbytes <= 1.2 * 5000 * 36


def test_modules_classes_and_loops_end_the_walk() -> None:
    made = domain(module=np, kind=np.ndarray)
    made.myself = made
    made.quantities["stage"].mesh = made.mesh
    assert groups(domain()) == groups(made)


def test_the_walk_does_not_recurse() -> None:
    chain = Thing(array=np.zeros(N))
    for _ in range(5000):
        chain = Thing(next=chain)
    assert 8 * N == groups(domain(chain=chain))["domain/chain"]


def test_the_json_form_holds_every_entry() -> None:
    found = census(domain(lean=Kernels()))
    assert isinstance(found, Census)
    figures = found.as_dict()
    assert figures["nbytes"] == sum(entry["nbytes"] for entry in figures["entries"])
    assert figures["nbytes"] == sum(figures["groups"].values())


@pytest.mark.parametrize("variant", ["stock", "lean"])
def test_the_census_agrees_with_tracemalloc(variant: str, tmp_path: Path) -> None:
    parameters = {"triangles": 20_000, "flow_algorithm": "DE1"}
    request = Request(variant, "dam_break", parameters, steps=5, trace=True, arrays=False)
    result = measure(request, tmp_path)
    found = result["census"]
    allocated = result["allocated_arrays"] + found["kernel_nbytes"]
    assert allocated == pytest.approx(found["nbytes"], rel=0.05)


def test_a_stock_domain_holds_what_is_known_of_it(tmp_path: Path) -> None:
    request = Request("stock", "dam_break", {"triangles": 10_000}, steps=2, arrays=False)
    found = measure(request, tmp_path)["census"]
    # 965 B/tri at a million triangles; here boundary arrays add a few.
    assert 960 < found["bytes_per_triangle"] < 975
    # Centroid, edge and vertex values, update, backup: 80; boundary values on top.
    assert 80 <= found["groups"]["quantities/stage"] / 10_000 < 81
