"""Named, parametrised models that run unchanged on stock ANUGA and on lean domains.

Owns what a scenario is (mesh, bed, water, boundaries, operators) and the check
of its parameters.  Does not own how it is run or measured: that lives in
measure/.  ANUGA is never imported here before a scenario is built; the scenario
takes whatever `anuga` the process has, lean or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

import anuga_lean.merimbula as merimbula
from anuga_lean._errors import ScenarioError

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

TIDE_AMPLITUDE = 0.6  # m
TIDE_PERIOD = 44_714.16  # s, the principal lunar tide
LAKE_LEVEL = -0.4  # m; a third of the bed lies above it, so shores wet and dry

POLYGON = [[0.0, 0.0], [1000.0, 0.0], [1300.0, 600.0], [700.0, 1000.0], [0.0, 900.0]]
POLYGON_AREA = 1_055_000.0  # m2
POLYGON_TAGS = {"south": [0], "southeast": [1], "northeast": [2], "north": [3], "west": [4]}
INNER_POLYGON = [[300.0, 300.0], [600.0, 300.0], [600.0, 600.0], [300.0, 600.0]]
INNER_AREA = 90_000.0  # m2
# The generator's triangles cover 0.65 of the largest area it may use (measured
# between 27 k and 270 k triangles).
FILL = 0.65


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
        ``yieldstep(parameters) -> float``, s, about twenty steps of DE0.
    """

    name: str
    summary: str
    parameters: Mapping[str, Any]
    build: Callable[[Any, Mapping[str, Any]], Any]
    yieldstep: Callable[[Mapping[str, Any]], float]


def tide(t: float) -> list[float]:
    """Stage (m) and the two momenta (m2/s) at the mouth of the lake."""
    stage = TIDE_AMPLITUDE * math.sin(2.0 * math.pi * t / TIDE_PERIOD + math.pi / 6.0)
    return [stage, 0.0, 0.0]


def rain(t: float) -> float:
    """Rain, mm/h, heavier than any real one so that few steps show it."""
    return 300.0 + 100.0 * math.sin(t / 5.0)


def bumpy_bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Elevation, m: a slope of 1 in 100 under bumps of 4 m."""
    return -x / 100.0 + 4.0 * np.sin(y / 60.0) * np.cos(x / 50.0)


def rough_patches(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Manning friction, s/m**(1/3), between 0.02 and 0.06."""
    return 0.04 + 0.02 * np.sin(x / 90.0) * np.sin(y / 70.0)


def _fill_behind_dam(domain: Any, tailwater: float) -> None:
    """Water at 1.5 m for x < 350 m, at `tailwater` below; never under the bed."""

    def stage(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        # Ripples keep the whole surface moving, so no part of the model is at rest.
        ripple = 0.2 * np.sin(x / 23.0) * np.cos(y / 31.0)
        level = np.where(x < 350.0, 1.5, tailwater) + ripple
        return np.maximum(level, bumpy_bed(x, y))

    domain.set_quantity("elevation", bumpy_bed, location="centroids")
    domain.set_quantity("stage", stage, location="centroids")


def _build_merimbula(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    mesh = merimbula.load_mesh(parameters["refine"])
    domain = anuga.Domain(mesh.nodes, mesh.triangles, mesh.boundary())
    domain.set_quantity("elevation", mesh.elevation[mesh.triangles], location="vertices")
    domain.set_quantity("friction", 0.025)
    x = domain.get_centroid_coordinates()[:, 0]
    bed = domain.get_quantity("elevation").get_values(location="centroids")
    level = np.where((x > 756_000.0) & (x < 756_500.0), 1.0, LAKE_LEVEL)
    domain.set_quantity("stage", np.maximum(level, bed), location="centroids")
    mouth = anuga.Time_boundary(domain, function=tide)
    domain.set_boundary({"exterior": anuga.Reflective_boundary(domain), "open": mouth})
    return domain


def _build_dam_break(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    n = max(1, round(math.sqrt(parameters["triangles"] / 4.0)))
    domain = anuga.rectangular_cross_domain(n, n, len1=1000.0, len2=1000.0)
    domain.set_quantity("friction", 0.03)
    _fill_behind_dam(domain, parameters["tailwater"])
    wall = anuga.Reflective_boundary(domain)
    outlet = anuga.Dirichlet_boundary([parameters["tailwater"], 0.0, 0.0])
    domain.set_boundary({"left": wall, "right": outlet, "top": wall, "bottom": wall})
    return domain


def _build_regions(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    # Triangles are a third of the size inside the inner polygon.
    covered = POLYGON_AREA - INNER_AREA + 3.0 * INNER_AREA
    largest = covered / (FILL * parameters["triangles"])
    domain = anuga.create_domain_from_regions(
        POLYGON,
        POLYGON_TAGS,
        maximum_triangle_area=largest,
        interior_regions=[(INNER_POLYGON, largest / 3.0)],
        verbose=False,
    )
    domain.set_quantity("friction", rough_patches)
    _fill_behind_dam(domain, parameters["tailwater"])
    anuga.Rate_operator(domain, rate=rain, factor=1.0 / 3.6e6)
    anuga.Rate_operator(domain, rate=2.0e-4, polygon=INNER_POLYGON)
    wall = anuga.Reflective_boundary(domain)
    boundaries = dict.fromkeys(POLYGON_TAGS, wall)
    boundaries["southeast"] = anuga.Transmissive_boundary(domain)
    domain.set_boundary(boundaries)
    return domain


def _build_unstructured(anuga: Any, parameters: Mapping[str, Any]) -> Any:
    domain = anuga.create_domain_from_regions(
        POLYGON,
        POLYGON_TAGS,
        maximum_triangle_area=POLYGON_AREA / (FILL * parameters["triangles"]),
        verbose=False,
    )
    domain.set_quantity("friction", 0.03)
    _fill_behind_dam(domain, parameters["tailwater"])
    domain.set_boundary(dict.fromkeys(POLYGON_TAGS, anuga.Reflective_boundary(domain)))
    return domain


def _yieldstep(seconds: float) -> Callable[[Mapping[str, Any]], float]:
    """A yieldstep of `seconds` at 10,000 triangles, shrinking as edges do."""
    return lambda parameters: seconds * 100.0 / math.sqrt(parameters["triangles"])


SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "merimbula",
            "Merimbula lake, tide at its mouth, shores that wet and dry",
            {"refine": 2},
            _build_merimbula,
            lambda parameters: 8.0 / 2.0 ** parameters["refine"],
        ),
        Scenario(
            "dam_break",
            "dam break over a bumpy bed on a rectangular_cross mesh",
            {"triangles": 40_000, "tailwater": -6.0},
            _build_dam_break,
            _yieldstep(4.0),
        ),
        Scenario(
            "regions",
            "polygon mesh with an interior region, rain and friction that varies",
            {"triangles": 40_000, "tailwater": -6.0},
            _build_regions,
            _yieldstep(2.0),
        ),
        Scenario(
            "unstructured",
            "dam break on a polygon mesh in its native order",
            {"triangles": 40_000, "tailwater": -6.0},
            _build_unstructured,
            _yieldstep(3.0),
        ),
    )
}


def find(name: str) -> Scenario:
    """The scenario of that name.

    Raises
    ------
    ScenarioError
        Naming the scenarios that exist.
    """
    if name not in SCENARIOS:
        raise ScenarioError(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    return SCENARIOS[name]


def complete(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options and parameters of a scenario, checked, defaults filled in.

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
        import anuga
    domain = find(name).build(anuga, values)
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
