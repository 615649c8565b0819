"""Values prescribed at boundaries, which bound the reconstruction from ANUGA 4.2 on.

ANUGA reconstructs before it evaluates its boundaries, so the bounds are a substep old.
Under 4.1 the cases run too, where nothing is bounded.
"""

from __future__ import annotations

import copy
import pickle
from types import ModuleType
from typing import Any

import numpy as np

from parity.cases import ISAS, case
from parity.models import channel, hump, tide, wall

EDGES = ("stage", "xmomentum", "ymomentum", "height", "elevation")


def level(t: float) -> list[float]:
    """A tide with a current."""
    return [0.6 + tide(t), -0.4 + 0.1 * t, 0.05]


def deep(anuga: ModuleType, algorithm: str = "DE0", nx: int = 20, ny: int = 8) -> Any:
    """The channel under deeper water, so that depths vary little and bounds are in force."""
    domain = channel(anuga, algorithm, nx=nx, ny=ny)
    domain.set_quantity("stage", lambda x, y: 0.7 + 0.5 * (hump(x, y) + 0.4).clip(0.0, 1.0))
    return domain


def sides(anuga: ModuleType, domain: Any) -> None:
    """Another kind of prescribed values on each side, so that corners have two."""
    domain.set_boundary({
        "left": anuga.Time_boundary(domain, function=level),
        "right": anuga.Dirichlet_boundary([0.5, 0.3, 0.1]),
        "top": anuga.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(
            domain, lambda t: 0.9 + 0.5 * tide(2.0 * t)),
        "bottom": anuga.Transmissive_momentum_set_stage_boundary(domain, lambda t: 0.6 + tide(t)),
    })


def across(domain: Any) -> None:
    """A riverwall along a line of edges from boundary to boundary."""
    domain.riverwallData.create_riverwalls(
        {"wall": [[35.0, 0.0, 0.9], [35.0, 25.0, 0.7]]}, verbose=False)


def at_edges(domain: Any) -> np.ndarray:
    """Edge and vertex values of all that is reconstructed."""
    quantities = [domain.quantities[name] for name in EDGES]
    return np.array([[each.edge_values, each.vertex_values] for each in quantities])


def _on_all_sides(algorithm: str) -> None:
    @case(name=f"prescribed_on_all_sides_{algorithm}", threads=(1, 2), isas=ISAS, convert=True)
    def build(anuga: ModuleType) -> Any:
        domain = deep(anuga, algorithm)
        sides(anuga, domain)
        seen: list[np.ndarray] = []
        yield domain, 1.0, 8.0, lambda t: seen.append(at_edges(domain))
        return {"edges": np.array(seen)}


for _algorithm in ("DE0", "DE1", "DE2", "DE_ader2"):
    _on_all_sides(_algorithm)


@case()
def prescribed_under_rk3(anuga: ModuleType) -> Any:
    """Three substeps, each with the values of the one before."""
    domain = deep(anuga, "DE1")
    domain.set_timestepping_method("rk3")
    sides(anuga, domain)
    return domain, 1.0, 8.0


@case(min_steps=20)
def prescribed_across_blocks(anuga: ModuleType) -> Any:
    """Several blocks, whose rings hold triangles with prescribed edges of others."""
    domain = deep(anuga, "DE0", nx=60, ny=40)
    sides(anuga, domain)
    return domain, 0.5, 2.0


@case(min_steps=20, threads=(1, 2))
def prescribed_wakes_still_water(anuga: ModuleType) -> Any:
    """Level water in many blocks that nothing is computed for, until a boundary's value moves."""
    domain = anuga.rectangular_cross_domain(60, 60, len1=600.0, len2=600.0)
    domain.set_name("case")
    domain.set_quantity("elevation", -2.0)
    domain.set_quantity("stage", 0.0)
    wall(anuga, domain, left=anuga.Time_boundary(
        domain, lambda t: [0.0 if t < 12.0 else 0.1 * (t - 12.0), 0.0, 0.0]))
    return domain, 4.0, 60.0


@case()
def prescribed_changes_at_yields(anuga: ModuleType) -> Any:
    """Boundaries are set anew, and the mask by hand; edges are those of the distribute before."""
    domain = deep(anuga)
    sides(anuga, domain)
    seen: list[np.ndarray] = []

    def change(t: float) -> None:
        if t == 2.0:
            wall(anuga, domain, top=anuga.Dirichlet_boundary([0.6, 0.0, 0.1]))
        if t == 4.0:
            sides(anuga, domain)
        if t == 5.0:
            domain.set_boundary({"left": anuga.Reflective_boundary(domain)})
        if t == 6.0 and hasattr(domain, "boundary_limit_mask"):
            domain.boundary_limit_mask[domain.boundary_limit_mask > 7] &= 7
        seen.append(at_edges(domain))

    yield domain, 1.0, 8.0, change
    return {"edges": np.array(seen),
            "mask": np.array(getattr(domain, "boundary_limit_mask", np.zeros(1)))}


@case()
def prescribed_by_users_boundaries(anuga: ModuleType) -> Any:
    """A user's class and a single object say themselves what they prescribe."""
    domain = deep(anuga)

    class Gate(anuga.Dirichlet_boundary):
        limiter_prescribes = (False, True)

    own, none = Gate([0.5, -0.3, 0.0]), anuga.Dirichlet_boundary([0.6, 0.2, 0.0])
    none.limiter_prescribes = (False, False)
    still = anuga.Transmissive_stage_zero_momentum_boundary(domain)
    still.limiter_prescribes = (False, True)
    wall(anuga, domain, left=own, right=none, top=still)
    none.limiter_prescribes = (True, True)      # too late for the mask
    yield domain, 1.0, 8.0
    return {"mask": np.array(getattr(domain, "boundary_limit_mask", np.zeros(1)))}


@case()
def prescribed_at_tagged_edges_inside(anuga: ModuleType) -> Any:
    """A segment inside the mesh with values on either side."""
    points, triangles, boundary = anuga.rectangular_cross(14, 6, 70.0, 25.0)
    points, triangles = np.array(points), np.array(triangles)
    middle = {(k, i): "inside" for k, t in enumerate(triangles) for i in range(3)
              if np.all(points[t[[(i + 1) % 3, (i + 2) % 3]]][:, 0] == 35.0)}
    domain = anuga.Domain(points, triangles, boundary | middle)
    domain.set_name("case")
    domain.set_quantity("elevation", lambda x, y: -1.0 + 0.01 * x)
    domain.set_quantity("stage", lambda x, y: 0.2 * np.exp(-((x - 20.0) ** 2) / 50.0))
    wall(anuga, domain, inside=anuga.Time_boundary(domain, lambda t: [0.5 * tide(t), 0.1, 0.0]))
    seen: list[np.ndarray] = []
    yield domain, 1.0, 8.0, lambda t: seen.append(at_edges(domain))
    return {"edges": np.array(seen)}


@case()
def prescribed_beside_what_reads_past_levels(anuga: ModuleType) -> Any:
    """Erosion and monitored expressions see the vertex values of the last yield."""
    domain = deep(anuga)
    sides(anuga, domain)
    domain.set_store(False)
    domain.set_quantities_to_be_monitored(["stage - elevation", "xmomentum*ymomentum"])
    anuga.Bed_shear_erosion_operator(
        domain, base=-3.0, shear_factor=2.0e3, polygon=[[0.0, 0.0], [70.0, 0.0], [70.0, 12.0]])
    yield domain, 1.0, 6.0
    return {name: np.array([each["min"], each["max"]])
            for name, each in domain.quantities_to_be_monitored.items()}


@case()
def prescribed_beside_tracers_and_walls(anuga: ModuleType) -> Any:
    """Tracers are not bounded; riverwalls stand on the bounded edges of their triangles."""
    domain = deep(anuga, "DE1")
    sides(anuga, domain)
    across(domain)
    x = np.asarray(domain.centroid_coordinates)[:, 0]
    domain.add_tracer("salt", beta=1.2, initial_value=x / 70.0)
    yield domain, 1.0, 6.0
    return {"salt": domain.get_tracer("salt"), "edges": domain.tracer_edge_values}


def _went_through(name: str, through: Any) -> None:
    @case(name=f"prescribed_{name}")
    def build(anuga: ModuleType) -> Any:
        """A copy goes on at a yield, its edges as they were."""
        domain = deep(anuga)
        domain.set_boundary({tag: anuga.Dirichlet_boundary([0.55, 0.3, 0.1])
                             for tag in domain.get_boundary_tags()})
        yield domain, 1.0, 4.0
        domain.set_boundary({"left": anuga.Reflective_boundary(domain)})
        again = through(domain)
        edges = at_edges(again)
        again.set_store(False)
        yield again, 1.0, 8.0, {"skip_initial_step": True}
        return {"edges": edges}


_went_through("copied", copy.deepcopy)
_went_through("pickled", lambda domain: pickle.loads(pickle.dumps(domain)))
_went_through("went_on", lambda domain: domain)


@case(stock_kernels="radii")
def prescribed_when_the_kernels_change(anuga: ModuleType) -> Any:
    """On ANUGA's kernels from a yield on: mask and edges go with it."""
    domain = deep(anuga)
    sides(anuga, domain)

    def tighten(t: float) -> None:
        if t == 4.0:
            domain.radii[:50] *= 0.9

    return domain, 1.0, 8.0, tighten


@case()
def prescribed_on_renumbered_triangles(anuga: ModuleType) -> Any:
    """`reorder` after the boundary was set: 4.2 makes the mask anew."""
    domain = deep(anuga)
    sides(anuga, domain)
    domain.reorder(np.random.default_rng(3).permutation(domain.number_of_triangles))
    sides(anuga, domain)
    yield domain, 1.0, 6.0
    return {"mask": np.array(getattr(domain, "boundary_limit_mask", np.zeros(1)))}


def _tangential(algorithm: str, mode: int) -> None:
    @case(name=f"tangential_upwind_{algorithm}_{mode}", min_steps=20, isas=ISAS)
    def build(anuga: ModuleType) -> Any:
        """The bit of low_froude that 4.2 has, beside walls of every kind."""
        domain = deep(anuga, algorithm)
        domain.set_low_froude(mode)
        if hasattr(domain, "set_tangential_upwind"):
            domain.set_tangential_upwind()
        across(domain)
        sides(anuga, domain)
        return domain, 0.5, 2.0  # later the steps of DE1 in mode 1 vanish under 4.1


for _algorithm in ("DE0", "DE1", "DE_ader2"):
    for _mode in (0, 1, 2):
        _tangential(_algorithm, _mode)


@case()
def tangential_upwind_switched_at_a_yield(anuga: ModuleType) -> Any:
    """Like every parameter it counts once the C struct is updated."""
    domain = deep(anuga)
    wall(anuga, domain)

    def switch(t: float) -> None:
        if t == 3.0 and hasattr(domain, "set_tangential_upwind"):
            domain.set_tangential_upwind()
        if t == 5.0:
            domain.update_domain_c_struct()

    return domain, 1.0, 8.0, switch
