"""Builds named models with parameters, the same on stock ANUGA and on lean domains.

lake       Merimbula lake under a tide   merimbula   its mesh, refined on request
dams       dam breaks on four meshes     catchment   rain on a dry valley
structures inlet, riverwalls, culverts   catchment_full  all of these, rain and maxima

This file owns the list of scenarios and the check of their parameters; running and measuring
one is measure/'s.  ANUGA is imported when a scenario is built, and not before: stock or lean.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from anuga_lean._errors import ScenarioError
from anuga_lean.measure.marks import mark
from anuga_lean.scenarios.catchment import build_catchment
from anuga_lean.scenarios.catchment_full import build_catchment_full
from anuga_lean.scenarios.dams import (
    FILL,
    INNER_AREA,
    INNER_POLYGON,
    POLYGON,
    POLYGON_AREA,
    POLYGON_TAGS,
    build_dam_break,
    build_open_sides,
    build_parallel,
    build_regions,
    build_unstructured,
    bumpy_bed,
    rain,
    rough_patches,
)
from anuga_lean.scenarios.lake import (
    LAKE_LEVEL,
    TIDE_AMPLITUDE,
    TIDE_PERIOD,
    build_merimbula,
    tide,
)
from anuga_lean.scenarios.structures import build_structures

__all__ = [
    "FILL", "FLOW_ALGORITHMS", "INNER_AREA", "INNER_POLYGON", "LAKE_LEVEL", "LOW_FROUDE",
    "OPTIONS", "POLYGON", "POLYGON_AREA", "POLYGON_TAGS", "SCENARIOS", "Scenario",
    "TIDE_AMPLITUDE", "TIDE_PERIOD", "TIMESTEPPING_METHODS", "build", "bumpy_bed", "complete",
    "find", "rain", "rough_patches", "tide",
]

FLOW_ALGORITHMS = ("DE0", "DE1", "DE2", "DE0_7", "DE1_7", "DE_ader2")
TIMESTEPPING_METHODS = ("euler", "rk2", "rk3")
LOW_FROUDE = (0, 1, 2)

OPTIONS: Mapping[str, Any] = {
    "flow_algorithm": "DE0",
    "timestepping_method": None,
    "low_froude": None,
    "sloped_mannings": False,
    "store": False,
    "name": "scenario",
    "datadir": ".",
}
"""Options every scenario takes, with their defaults."""


class Scenario(NamedTuple):
    """A model by name.

    Attributes
    ----------
    name, summary : str
    parameters : mapping of str to value
        What it takes beyond `OPTIONS`, with the defaults.
    build : callable
        ``build(anuga, parameters) -> Domain``; leaves flow algorithm, storage
        and names to `build` of this module.
    yieldstep : callable
        ``yieldstep(parameters) -> float``, s, about twenty steps of DE0; fifty of catchment_full.
    """

    name: str
    summary: str
    parameters: Mapping[str, Any]
    build: Callable[[Any, Mapping[str, Any]], Any]
    yieldstep: Callable[[Mapping[str, Any]], float]


def _yieldstep(seconds: float) -> Callable[[Mapping[str, Any]], float]:
    """Return a yieldstep of `seconds` at 10,000 triangles, which shrinks as edges do."""
    return lambda parameters: seconds * 100.0 / math.sqrt(parameters["triangles"])


DISTRIBUTED = ("parallel",)
"""Names of the scenarios that give their domain out to all ranks."""

SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "merimbula",
            "Merimbula lake, tide at its mouth, shores that wet and dry",
            {"refine": 2},
            build_merimbula,
            lambda parameters: 8.0 / 2.0 ** parameters["refine"],
        ),
        Scenario(
            "dam_break",
            "dam break over a bumpy bed on a rectangular_cross mesh",
            {"triangles": 40_000, "tailwater": -6.0},
            build_dam_break,
            _yieldstep(4.0),
        ),
        Scenario(
            "open_sides",
            "the dam break with values prescribed on three sides",
            {"triangles": 40_000, "tailwater": -6.0},
            build_open_sides,
            _yieldstep(4.0),
        ),
        Scenario(
            "regions",
            "polygon mesh with an interior region, rain and friction that varies",
            {"triangles": 40_000, "tailwater": -6.0},
            build_regions,
            _yieldstep(2.0),
        ),
        Scenario(
            "unstructured",
            "dam break on a polygon mesh in its native order",
            {"triangles": 40_000, "tailwater": -6.0},
            build_unstructured,
            _yieldstep(3.0),
        ),
        Scenario(
            "catchment",
            "rain on a dry valley, a film of water on a part of it",
            {"triangles": 40_000},
            build_catchment,
            _yieldstep(50.0),
        ),
        Scenario(
            "structures",
            "culverts, riverwalls and an inlet between three basins",
            {"triangles": 40_000},
            build_structures,
            _yieldstep(2.0),
        ),
        Scenario(
            "catchment_full",
            "a catchment in flood: rain, inlet, culvert, levee, tide, maxima",
            {"triangles": 40_000, "storm": "grid"},
            build_catchment_full,
            _yieldstep(12.0),
        ),
        Scenario(
            "parallel",
            "the dam break given out by distribute, on as many ranks as there are",
            {"triangles": 40_000, "tailwater": -6.0},
            build_parallel,
            _yieldstep(4.0),
        ),
    )
}


def find(name: str) -> Scenario:
    """Return the scenario of that name.

    Raises
    ------
    ScenarioError
        Naming the scenarios that exist.
    """
    if name not in SCENARIOS:
        raise ScenarioError(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    return SCENARIOS[name]


def complete(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options and parameters of a scenario, checked, with its defaults.

    Raises
    ------
    ScenarioError
        Unknown scenario, unknown parameter or a value out of its set.
    """
    scenario = find(name)
    known = {**OPTIONS, **scenario.parameters}
    for key in given:
        if key not in known:
            raise ScenarioError(
                f"the scenario {name} takes no {key!r}; it takes "
                f"{', '.join([*scenario.parameters, *OPTIONS])}"
            )
    values = {**known, **given}
    _check_choice(name, values, "flow_algorithm", FLOW_ALGORITHMS)
    _check_choice(name, values, "timestepping_method", (None, *TIMESTEPPING_METHODS))
    _check_choice(name, values, "low_froude", (None, *LOW_FROUDE))
    for key, least in (("refine", 0), ("triangles", 4)):
        value = values.get(key, least)
        if not isinstance(value, int) or value < least:
            raise ScenarioError(
                f"{key}={value!r} of the scenario {name} is not a whole number from {least} up"
            )
    return values


def _check_choice(name: str, values: Mapping[str, Any], key: str, choices: tuple) -> None:
    if values[key] not in choices:
        listed = ", ".join(str(choice) for choice in choices if choice is not None)
        raise ScenarioError(
            f"{key}={values[key]!r} is unknown to the scenario {name}; there are {listed}"
        )


def build(name: str, anuga: ModuleType | None = None, /, **given: Any) -> Any:
    """Build the domain of a scenario, ready to evolve.

    Parameters
    ----------
    name : str
        One of `SCENARIOS`.
    anuga : module, optional
        `anuga` or `anuga_lean`; the process's own `anuga` if left out.
    **given
        Parameters of the scenario and any of `OPTIONS`.

    Returns
    -------
    anuga.Domain

    Raises
    ------
    ScenarioError
        Unknown scenario, parameter or value.
    """
    values = complete(name, given)
    if anuga is None:
        anuga = importlib.import_module("anuga")
    domain = find(name).build(anuga, values)
    mark("boundary")
    domain.set_flow_algorithm(values["flow_algorithm"])
    if values["timestepping_method"] is not None:
        domain.set_timestepping_method(values["timestepping_method"])
    if values["low_froude"] is not None:
        domain.set_low_froude(values["low_froude"])
    if values["sloped_mannings"]:
        domain.set_sloped_mannings_function(True)
    domain.set_name(values["name"])
    domain.set_datadir(str(values["datadir"]))
    domain.set_store(values["store"])
    return domain
