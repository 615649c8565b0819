"""Observers of steps: when they are called, with what, and that they cost no bits."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.between_models import build

import anuga_lean as anuga
from anuga_lean._errors import LeanError


def watched(folder: Path, algorithm: str = "DE1", stock: bool = False) -> tuple[Any, list]:
    domain = build(anuga, "cross", folder)
    domain.set_flow_algorithm(algorithm)
    if stock:
        with pytest.warns(anuga.StockKernelWarning):
            domain.use_stock_kernels("a test")
    seen: list = []
    domain.add_step_observer(lambda d, t, timestep: seen.append(
        (t, timestep, d.quantities["stage"].centroid_values.copy())))
    return domain, seen


def evolve(domain: Any, duration: float = 2.0) -> None:
    for _ in domain.evolve(yieldstep=0.5, duration=duration):
        pass


@pytest.mark.parametrize("algorithm", ["DE0", "DE1", "DE2", "DE_ader2"])
def test_each_step_is_seen_once_and_changes_nothing(algorithm: str, tmp_path: Path) -> None:
    domain, seen = watched(tmp_path, algorithm)
    start = domain.get_time()
    plain = copy.deepcopy(domain)
    plain._step_observers = []
    evolve(domain)
    evolve(plain)
    assert not domain.on_stock_arrays
    assert start + np.cumsum([timestep for _, timestep, _ in seen]) == pytest.approx(
        [t for t, _, _ in seen])
    assert domain.get_time() == pytest.approx(seen[-1][0])
    for name in ("stage", "xmomentum", "ymomentum"):
        assert domain.quantities[name].centroid_values.tobytes() \
            == plain.quantities[name].centroid_values.tobytes()


def test_the_same_is_seen_on_stock_arrays(tmp_path: Path) -> None:
    (_, lean), (_, stock) = results = [watched(tmp_path, stock=stock) for stock in (False, True)]
    for domain, _ in results:
        evolve(domain)
    assert len(lean) == len(stock) > 3
    for (t, timestep, stage), other in zip(lean, stock, strict=True):
        assert (t, timestep, stage.tobytes()) == (other[0], other[1], other[2].tobytes())


def test_order_and_removal(tmp_path: Path) -> None:
    domain, _ = watched(tmp_path)
    calls: list[str] = []

    def first(*_: Any) -> None:
        calls.append("first")

    def second(*_: Any) -> None:
        calls.append("second")
        domain.remove_step_observer(second)

    domain.add_step_observer(first)
    domain.add_step_observer(second)
    evolve(domain)
    assert ["first", "second", "first", "first"] == calls[:4]
    assert 1 == calls.count("second")


def test_what_one_raises_ends_the_evolve_after_a_whole_step(tmp_path: Path) -> None:
    domain, seen = watched(tmp_path)

    def stop(*_: Any) -> None:
        if len(seen) == 3:
            raise RuntimeError("enough")

    domain.add_step_observer(stop)
    with pytest.raises(RuntimeError, match="enough"):
        evolve(domain)
    assert seen[2][0] == domain.get_time()
    evolve(domain)
    assert np.all(np.diff([t for t, _, _ in seen]) > 0)


def test_a_copy_has_them_too(tmp_path: Path) -> None:
    domain, seen = watched(tmp_path)
    evolve(copy.deepcopy(domain))
    assert len(seen) > 3


@pytest.mark.parametrize("call", [
    lambda domain, f: domain.add_step_observer("stage"),
    lambda domain, f: domain.add_step_observer(f),
    lambda domain, f: domain.remove_step_observer(print),
])
def test_mistakes_are_named(call: Any, tmp_path: Path) -> None:
    domain, _ = watched(tmp_path)
    with pytest.raises(LeanError, match="step observer|observe"):
        call(domain, domain._step_observers[0])


def test_the_warning_says_the_bytes_and_what_to_use(tmp_path: Path) -> None:
    domain, _ = watched(tmp_path)
    update = domain.update_conserved_quantities
    domain.update_conserved_quantities = lambda: update()
    with pytest.warns(anuga.StockKernelWarning, match=(
            r"holds \d\.\d MiB \(\d+ bytes per triangle\) instead of \d\.\d MiB \(\d+\); "
            r"domain.add_step_observer\(f\) calls f after every step")):
        evolve(domain)
