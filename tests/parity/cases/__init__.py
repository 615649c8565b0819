"""Every parity case, by name: what it builds and what is expected of it.

A case is a plain function that takes the module a script calls `anuga` and
returns a leg (domain, yieldstep, finaltime), followed if need be by a function to
call at every yield or a dict of further arguments of evolve; or a generator that
yields such legs one after the other and may return further results by name.  The
modules of this package each own the cases of one subject and register them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

Leg = tuple[Any, ...]
Build = Callable[[ModuleType], Any]

ISAS = ("baseline", "v3", "v4")


@dataclass(frozen=True)
class Case:
    """One script, and where it has to give stock's results."""

    name: str
    build: Build
    min_steps: int
    threads: tuple[int, ...]
    isas: tuple[str, ...]
    stock_kernels: str | None  # the feature that has no lean kernel, None if all have
    convert: bool  # also run through from_domain
    raises: str | None  # the exception stock ends with, None if it runs
    nan: bool  # whether stock computes NaN


CASES: dict[str, Case] = {}


def case(
    *,
    min_steps: int = 40,
    threads: tuple[int, ...] = (1,),
    isas: tuple[str, ...] = (),
    stock_kernels: str | None = None,
    convert: bool = False,
    raises: str | None = None,
    nan: bool = False,
    name: str | None = None,
) -> Callable[[Build], Build]:
    """Register a case under its function's name; no isas means the machine's best."""

    def register(build: Build) -> Build:
        label = name or build.__name__
        if label in CASES:
            raise ValueError(f"two parity cases are called {label}")
        CASES[label] = Case(
            label, build, min_steps, threads, isas, stock_kernels, convert, raises, nan
        )
        return build

    return register


for _module in (
    "flow",
    "boundaries",
    "prescribed",
    "operators",
    "rates",
    "walls_tracers_forcing",
    "viscosity",
    "beds",
    "monitors",
    "forces",
    "fallbacks",
    "lifecycle",
    "quantities",
    "factories",
    "by_hand",
    "overrides",
):
    import_module(f"parity.cases.{_module}")
