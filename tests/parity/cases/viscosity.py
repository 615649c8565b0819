"""Kinematic viscosity: what it makes of the flow, at walls and at open boundaries."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from anuga_lean.overlay.capabilities import capabilities
from parity.cases import ISAS, Leg, case
from parity.models import channel, tide, wall

SEEN = ("xvelocity", "yvelocity", "elevation", "stage", "xmomentum")


def safe(anuga: ModuleType) -> None:
    """Keep 4.1.0 from writing into freed memory: reflective walls write to an array it drops."""
    if anuga.__name__ != "anuga":
        return

    def in_place(self: Any) -> None:
        place = 3 * self.domain.boundary_cells + self.domain.boundary_edges
        self.boundary_values[:] = self.edge_values.ravel()[place]

    quantity = import_module("anuga.abstract_2d_finite_volumes.quantity")
    quantity.Quantity.set_boundary_values_from_edges = in_place


def viscous(anuga: ModuleType, algorithm: str = "DE0", **mesh: int) -> Any:
    """The channel with viscosity, its boundary still to be set."""
    safe(anuga)
    domain = channel(anuga, algorithm, **mesh)
    domain.set_use_kinematic_viscosity(True)
    return domain


def seen(domain: Any) -> dict[str, Any]:
    """What viscosity leaves in the quantities besides the state."""
    found = {}
    for name in SEEN:
        quantity = domain.quantities[name]
        found[f"{name}.centroids"] = quantity.centroid_values
        found[f"{name}.edges"] = quantity.edge_values
        found[f"{name}.vertices"] = quantity.vertex_values
        found[f"{name}.boundary"] = quantity.boundary_values
    return found


@case(convert=True)
def kinematic_viscosity_open(anuga: ModuleType) -> Any:
    """Open ends and still sides."""
    domain = viscous(anuga)
    open_end = anuga.Transmissive_boundary(domain)
    still = anuga.Dirichlet_boundary([-0.4, 0.0, 0.0])
    domain.set_boundary({"left": still, "right": open_end, "top": still, "bottom": open_end})
    yield domain, 1.0, 9.0
    return seen(domain)


def _walled_case(algorithm: str) -> None:
    @case(name=f"kinematic_viscosity_walls_{algorithm}", min_steps=25)
    def build(anuga: ModuleType) -> Any:
        domain = viscous(anuga, algorithm)
        wall(anuga, domain, right=anuga.Time_boundary(domain, lambda t: [tide(t), 0.0, 0.0]))
        anuga.Rate_operator(domain, rate=1.0e-3)
        yield domain, 1.0, 6.0
        return seen(domain)


for _algorithm in ("DE0", "DE1", "DE2", "DE_ader2"):
    _walled_case(_algorithm)


@case(min_steps=100)
def kinematic_viscosity_crash(anuga: ModuleType) -> Leg:
    """The 40 by 40 mesh between walls on which 4.1.0 as it is dies."""
    domain = viscous(anuga, nx=40, ny=40)
    wall(anuga, domain)
    return domain, 1.0, 2.5


@case(min_steps=25)
def kinematic_viscosity_for_a_while(anuga: ModuleType) -> Any:
    """Switched off, then replaced by an operator with a diffusivity of its own."""
    domain = viscous(anuga, "DE1")
    wall(anuga, domain)
    yield domain, 1.0, 3.0
    domain.set_use_kinematic_viscosity(False)
    yield domain, 1.0, 5.0
    anuga.Kinematic_viscosity_operator(domain, diffusivity=0.2, use_triangle_areas=False)
    yield domain, 1.0, 7.0
    return seen(domain)


@case(min_steps=25)
def kinematic_viscosity_matrices(anuga: ModuleType) -> Any:
    """The operator's own products and solver, which a script may call."""
    domain = viscous(anuga)
    wall(anuga, domain)
    kv = domain.kv_operator
    kv.update_elliptic_matrix(domain.quantities["friction"])
    product = kv.elliptic_multiply(domain.quantities["stage"].centroid_values)
    kv.dt = 0.5
    kv.set_parabolic_solve(True)
    inverse = kv.parabolic_solve(domain.quantities["stage"], domain.quantities["elevation"],
                                 domain.quantities["friction"])
    found = {
        "product": product,
        "quantity": (kv * domain.quantities["stage"]).centroid_values,
        "inverse": inverse.centroid_values,
        "indices": kv.geo_structure_indices,
        "values": kv.geo_structure_values,
        "data": kv.operator_data.copy(),
        "areas": kv.triangle_areas.data,
    }
    kv.dt = 0.0
    yield domain, 1.0, 6.0
    found["rows"] = kv.elliptic_matrix.row_ptr
    found["statistics"] = str(kv.timestepping_statistics())
    return found


def _eddies(anuga: ModuleType, domain: Any, form: str, scheme: str, **options: Any) -> Any:
    """An operator of ANUGA 4.2, with an eddy viscosity of 0.4 m2/s if none is given."""
    options.setdefault("diffusivity", 0.4)
    return anuga.Kinematic_viscosity_operator(domain, form=form, scheme=scheme, **options)


def _found(domain: Any, kv: Any) -> dict[str, Any]:
    """What is left behind in the quantities and in the operator."""
    numbers = [getattr(kv, name, -1.0) for name in ("dt", "nu", "substeps", "stability_G")]
    return seen(domain) | {"numbers": numbers, "said": str(kv.timestepping_statistics())}


def _threads(scheme: str) -> tuple[int, ...]:
    """The conjugate gradients add up in an order that depends on the number of threads."""
    return (1, 2) if scheme == "explicit" else (1,)


def _form_case(form: str, scheme: str, algorithm: str) -> None:
    @case(name=f"viscosity_{form}_{scheme}_{algorithm}", min_steps=20, convert=True,
          threads=_threads(scheme))
    def build(anuga: ModuleType) -> Any:
        domain = channel(anuga, algorithm)
        wall(anuga, domain, top=anuga.Transmissive_boundary(domain),
             right=anuga.Time_boundary(domain, lambda t: [tide(t), 0.1, 0.0]))
        anuga.Rate_operator(domain, rate=1.0e-3)
        kv = _eddies(anuga, domain, form, scheme)
        yield domain, 1.0, 5.0
        return _found(domain, kv)


def _forms_case(form: str, scheme: str) -> None:
    how = f"{form}_{scheme}"

    @case(name=f"viscosity_of_many_triangles_{how}", min_steps=20, threads=_threads(scheme))
    def many(anuga: ModuleType) -> Leg:
        """More than two blocks and chunks, a third of them dry, and strong eddies."""
        domain = channel(anuga, "DE0", nx=60, ny=24)
        wall(anuga, domain)
        _eddies(anuga, domain, form, scheme, diffusivity=2.0)
        return domain, 0.5, 1.0

    @case(name=f"viscosity_of_new_boundaries_{how}", min_steps=25)
    def changing(anuga: ModuleType) -> Any:
        """Walls become open ends and walls again; beside a second operator."""
        domain = channel(anuga, "DE1")
        wall(anuga, domain)
        kv = _eddies(anuga, domain, form, scheme)
        still = anuga.Dirichlet_boundary([-0.4, 0.0, 0.0])
        yield domain, 1.0, 2.0
        wall(anuga, domain, left=still, right=anuga.Transmissive_boundary(domain))
        anuga.Kinematic_viscosity_operator(domain, 0.1, form="velocity")
        yield domain, 1.0, 4.0
        wall(anuga, domain, bottom=still)
        yield domain, 1.0, 6.0
        return _found(domain, kv)


def _options_case(form: str) -> None:
    @case(name=f"viscosity_with_options_{form}", min_steps=25)
    def options(anuga: ModuleType) -> Any:
        """A diffusivity that varies, made safe, not by areas, and every other step only."""
        safe(anuga)
        domain = channel(anuga)
        wall(anuga, domain, right=anuga.Transmissive_boundary(domain))
        nu = anuga.Quantity(domain)
        nu.set_values(lambda x, y: 0.01 * x)
        nu.set_boundary_values(0.3)
        kv = _eddies(anuga, domain, form, "implicit", diffusivity=nu, add_safety=True)
        yield domain, 1.0, 2.0
        kv.set_triangle_areas(False)
        yield domain, 1.0, 3.0
        kv.set_triangle_areas(True)
        kv.dt_apply = 0.3
        yield domain, 1.0, 5.0
        found = _found(domain, kv)
        rows, columns, values = kv._rhs_bdry
        return found | {"rows": rows, "columns": columns, "values": values}

    @case(name=f"viscosity_by_hand_{form}", min_steps=15)
    def by_hand(anuga: ModuleType) -> Any:
        """What scripts may call: products, solvers, arrays, before and between steps."""
        domain = channel(anuga)
        wall(anuga, domain, right=anuga.Transmissive_boundary(domain))
        kv = _eddies(anuga, domain, form, "implicit")
        found = _products(domain, kv, "before")
        yield domain, 1.0, 2.0
        found |= _products(domain, kv, "between")
        yield domain, 1.0, 3.0
        found["geometry"] = kv.geo_structure_values.copy()
        return found | _found(domain, kv)


def _products(domain: Any, kv: Any, when: str) -> dict[str, Any]:
    """Results of the operator's public methods."""
    stage, bed, friction, height = (
        domain.quantities[name] for name in ("stage", "elevation", "friction", "height"))
    kv.update_elliptic_matrix(height)
    kv.dt = 0.2
    found = {
        "elliptic": kv.elliptic_multiply(stage.centroid_values),
        "parabolic": kv.parabolic_multiply(bed).centroid_values,
        "times": (kv * stage).centroid_values,
    }
    for mass in (None, height.centroid_values + 0.5):
        for close_dry in (False, True):
            solved = kv.parabolic_solve(stage, bed, mass=mass, close_dry=close_dry,
                                        update_matrix=False)
            place = f"solved_{mass is None}_{close_dry}"
            found[place] = solved.centroid_values
            found[f"{place}_mass"] = kv._row_mass
            found[f"{place}_data"] = kv._P.data
            found[f"{place}_fixed"] = kv._rhs_fixed[2]
    kv.update_elliptic_matrix(friction)
    kv.update_elliptic_boundary_term(stage)
    kv.dt = 0.0
    found |= {"term": kv.boundary_term, "geometry": kv.geo_structure_values}
    return {f"{when}_{name}": np.array(value) for name, value in found.items()}


if capabilities().viscosity_forms:
    for _form, _scheme in (("velocity", "implicit"), ("momentum", "implicit"),
                           ("momentum", "explicit")):
        for _algorithm in ("DE0", "DE1", "DE_ader2"):
            _form_case(_form, _scheme, _algorithm)
        _forms_case(_form, _scheme)
    for _form in ("velocity", "momentum"):
        _options_case(_form)

    @case(min_steps=20, isas=ISAS)
    def viscosity_in_many_substeps(anuga: ModuleType) -> Any:
        """Eddies so strong that an explicit step is split, and none at all."""
        domain = channel(anuga, "DE1")
        wall(anuga, domain, left=anuga.Dirichlet_boundary([-0.2, 0.3, 0.0]))
        kv = _eddies(anuga, domain, "momentum", "explicit", diffusivity=40.0)
        yield domain, 1.0, 3.0
        found = {f"strong_{name}": value for name, value in _found(domain, kv).items()}
        kv.nu = 0.0
        yield domain, 1.0, 4.0
        return found | _found(domain, kv)
