"""Rates in all their forms, and maxima, where kernels do them: on lists of any length."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from parity.cases import Leg, case
from parity.cases.operators import SLOPE, YARD, walled
from parity.models import channel, wall

ACCOUNT = ("local_influx", "local_max", "local_min", "cumulative_influx")


def on_kernels() -> None:
    """Let kernels take lists that are left to ANUGA's code otherwise, and share them out."""
    rates = sys.modules.get("anuga_lean.fractional_steps.rates")
    maxima = sys.modules.get("anuga_lean.fractional_steps.maxima")
    if rates is not None and maxima is not None:
        vars(rates).update(_MANY=0, _PER_THREAD=64)
        vars(maxima).update(_PER_THREAD=64)


class Watch:
    """A user's operator: writes down what it finds between two others."""

    label, logging = "watch", False

    def __init__(self, domain: Any) -> None:
        self.domain = domain
        self.found: list[float] = []
        domain.set_fractional_step_operator(self)

    def __call__(self) -> None:
        quantities = self.domain.quantities
        self.found += [float(np.cumsum(quantities[name].centroid_values)[-1])
                       for name in ("stage", "xmomentum", "ymomentum", "height")]

    def log_timestepping_statistics(self) -> None:
        """ANUGA asks every operator for this at a yield."""


def account(operators: list[Any], written: list[Any]) -> Callable[[float], None]:
    """Return what writes down the operators' accounts of water at a yield."""

    def at_yield(t: float) -> None:
        for operator in operators:
            written.append([float(np.sum(getattr(operator, name))) for name in ACCOUNT])
        written.append([float(operators[0].domain.fractional_step_volume_integral)] * 4)

    return at_yield


def every_form(anuga: ModuleType, domain: Any) -> list[Any]:
    """Operators with rates of every form, everywhere and in places, of both signs."""
    n = domain.number_of_triangles
    wave = 1.0e-3 * np.sin(np.arange(n) / 7.0)
    quantity = anuga.Quantity(domain, name="rainfall", register=True)
    quantity.set_values(lambda x, y: 1.0e-5 * x * y)
    place = {"center": [30.0, 12.0], "radius": 9.0}

    def rate(rate: Any, **options: Any) -> Any:
        return anuga.Rate_operator(domain, rate=rate, **options)

    return [
        rate(1.0e-3, factor=0.7),
        rate(-2.0e-4),
        rate(lambda t: 1.0e-3 * float(np.cos(t))),
        rate(lambda t: np.array([2.0e-4 * t])),
        rate(lambda x, y: 1.0e-5 * (x - y)),
        rate(lambda x, y, t: 1.0e-5 * (x - 3.0 * t), polygon=SLOPE),
        rate(quantity),
        rate(quantity, factor=lambda t: -0.3 * t, polygon=YARD),
        rate(wave),
        rate(np.maximum(wave, 0.0), **place),
        rate(-abs(wave) * (np.arange(n) % 3 > 0), **place),
        rate(5.0e-4, region=anuga.Region(domain, polygon=YARD)),
        rate(-5.0e-4, indices=np.arange(3, n, 5)),
        rate(1.0e-3, indices=[9, 4, 4, 7]),
        anuga.Rate_operator.rainfall(domain, 40.0, polygon=SLOPE),
        anuga.Rate_operator.inflow(domain, 2.0, **place),
    ]


def rates(algorithm: str) -> None:
    """Register the case of every form under an algorithm."""

    @case(threads=(1, 2, 3), convert=True, name=f"rates_of_every_form_{algorithm}")
    def rates_of_every_form(anuga: ModuleType) -> Any:
        on_kernels()
        domain = walled(anuga, algorithm)
        operators = every_form(anuga, domain)
        order, watch = domain.fractional_step_operators, Watch(domain)
        order.remove(watch)
        for place in (11, 5, 2):
            order.insert(place, watch)
        written: list[Any] = []
        yield domain, 1.5, 7.5, account(operators, written)
        return {"account": written, "between": watch.found,
                "flow": [operator.get_Q() for operator in operators],
                "said": [operator.timestepping_statistics() for operator in operators
                         if np.ndim(operator.local_max) == 0]}   # ANUGA prints no array


for _algorithm in ("DE0", "DE1", "DE2"):
    rates(_algorithm)


@case(min_steps=20, threads=(1, 2, 3))
def rates_on_ten_thousand_triangles(anuga: ModuleType) -> Any:
    """More numbers than are added up in one part."""
    domain = channel(anuga, "DE1", nx=90, ny=31)
    wall(anuga, domain)
    operators = every_form(anuga, domain)
    maxima = domain.set_collect_max_quantities()
    written: list[Any] = []
    yield domain, 0.5, 1.5, account(operators, written)
    return {"account": written, "max_speed": maxima.max_speed, "max_uh": maxima.max_uh}


@case()
def rates_of_users_own(anuga: ModuleType) -> Any:
    """Subclasses and patches of a class and of an instance act as they do on ANUGA's code."""
    on_kernels()
    domain = walled(anuga)

    class Alone(anuga.Rate_operator):       # type: ignore[misc, name-defined]
        def __call__(self) -> None:
            self.stage_c[self.indices] += 1.0e-4
            self.local_influx = self.local_max = self.local_min = 1.0

    class Around(anuga.Rate_operator):      # type: ignore[misc, name-defined]
        def __call__(self) -> None:
            self.stage_c[:5] += 1.0e-4
            super().__call__()
            self.local_influx *= 2.0

    class Other(anuga.Rate_operator):       # type: ignore[misc, name-defined]
        def get_factor(self, t: float | None = None) -> float:
            return 0.3 if t is None else 0.5 + t

        def get_non_spatial_rate(self, t: float | None = None) -> float:
            return 2.0e-4

    own, patched = Other(domain, rate=1.0), anuga.Rate_operator(domain, rate=-1.0e-4)
    patched.get_factor = lambda t=None: 3.0
    operators = [Alone(domain, rate=1.0, polygon=YARD), Around(domain, rate=1.0e-4), own, patched]
    written: list[Any] = []
    yield domain, 1.5, 4.5, account(operators, written)
    whole = anuga.Rate_operator.__call__

    def halved(self: Any) -> None:
        self.factor = 0.5
        whole(self)

    own.set_rate(lambda x, y, t: 1.0e-5 * x)
    anuga.Rate_operator.__call__ = halved
    try:
        yield domain, 1.5, 9.0, account(operators, written)
    finally:
        anuga.Rate_operator.__call__ = whole
    return {"account": written}


@case(threads=(1, 2, 3))
def maxima_that_a_script_keeps(anuga: ModuleType) -> Any:
    """Arrays of maxima taken at yields stay as they were, and dry land has none."""
    on_kernels()
    domain = walled(anuga, "DE1")
    maxima = domain.set_collect_max_quantities(store_to_sww=True, velocity_zero_height=0.05)
    kept: list[Any] = []
    yield domain, 1.5, 9.0, lambda t: kept.append([maxima.max_stage, maxima.max_speed])
    return {"kept": kept, "depth": maxima.max_depth, "momentum": maxima.max_uh}


@case()
def rate_that_follows_the_depth(anuga: ModuleType) -> Leg:
    """A rate in an array that the operator writes."""
    on_kernels()
    domain = walled(anuga)
    anuga.Rate_operator(domain, rate=domain.quantities["height"], factor=-1.0e-3)
    return domain, 1.5, 9.0
