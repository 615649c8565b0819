"""Turns a lean domain to stock arrays and back.

Owns `turn_to_stock_arrays` (a feature without a lean kernel), `stock_arrays` (ANUGA's
own code on real arrays for a moment) and `from_domain` (a domain made by ANUGA's own
classes turned lean in place).
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from anuga.abstract_2d_finite_volumes.neighbour_mesh import Mesh as _AnyMesh
from anuga.abstract_2d_finite_volumes.quantity import Quantity as _AnyQuantity
from anuga.shallow_water.shallow_water_domain import Domain as _AnyDomain
from anuga.shallow_water.sw_domain_openmp_ext import (
    compute_fluxes_ext_central,
    setup_Domain_C_struct,
)

from anuga_lean._errors import NotADomain, StockKernelWarning
from anuga_lean.arrays.census import census
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.arrays.view import ArrayView, elements_of
from anuga_lean.memory_limits import count_of, naming
from anuga_lean.mesh.mesh import Mesh
from anuga_lean.mesh.stored_state import check_tables
from anuga_lean.mesh.tables import ON_DOMAIN, TABLES
from anuga_lean.overlay.capabilities import capabilities
from anuga_lean.overlay.later_attributes import complete
from anuga_lean.quantity.forms import Stored
from anuga_lean.quantity.quantity import Quantity
from anuga_lean.stepping.bound_state import CONSERVED
from anuga_lean.stepping.cut_off import Lost
from anuga_lean.stepping.riverwalls import RiverWall
from anuga_lean.stepping.step import Step
from anuga_lean.stepping.tracers import DERIVED as _TRACER_ARRAYS
from anuga_lean.stepping.user_methods import advice
from anuga_lean.stepping.wall_edges import ATTRIBUTES as _WALL_ARRAYS
from anuga_lean.stepping.wall_edges import SparseEdges

# Quantities whose vertex values ANUGA's C struct allocates.
_IN_C_STRUCT = ("stage", "xmomentum", "ymomentum", "elevation", "friction", "height",
                "xvelocity", "yvelocity")
_UPDATES = ("explicit_update", "semi_implicit_update", "centroid_backup_values")


def is_lean_mesh(mesh: Any) -> bool:
    """Whether `mesh` is held as blocks."""
    return isinstance(mesh, Mesh) and not mesh.on_stock_arrays


def _array_bytes(domain: Any) -> int:
    """Return the bytes of the arrays that the kernels of this domain need."""
    return census(domain).nbytes


def turn_to_stock_arrays(domain: Any, feature: str) -> None:
    """Give `domain` all of ANUGA's arrays and let ANUGA's kernels step it.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    feature : str
        What has no lean kernel; named once in a StockKernelWarning together with the bytes
        that the arrays take, counted before and after, and what can be done instead.

    Raises
    ------
    InvalidMesh
        If a script has written a table of the mesh that ANUGA's kernels would follow out
        of their arrays.
    """
    with naming("ANUGA's own arrays", count_of, (domain,)):
        check_tables(domain.mesh, domain.mesh.real_arrays)
        before = _array_bytes(domain)
    parameters, substeps = domain.lean.parameters.values, domain.lean.substeps.computed()
    with _whole_or_lost(domain):
        _build_arrays(domain)
        _build_c_struct(domain, parameters)
        _count_flux_calls(domain, substeps)
    n = domain.number_of_triangles
    with naming("ANUGA's own arrays", count_of, (domain,)):
        after = _array_bytes(domain)
    warnings.warn(
        f"{feature} has no lean kernel: this domain of {n} triangles now runs on ANUGA's "
        f"own kernels and holds {after / 2**20:.1f} MiB ({after / n:.0f} bytes per triangle) "
        f"instead of {before / 2**20:.1f} MiB ({before / n:.0f}); {advice(feature, domain)}.",
        StockKernelWarning, stacklevel=4)


def _build_c_struct(domain: Any, parameters: dict[str, Any] | None) -> None:
    """Let ANUGA's kernels continue with the parameters that were taken earlier, if they were.

    ANUGA reads them once, when its first kernel runs: what a script has changed
    since counts only after `update_domain_c_struct` or the like.
    """
    if parameters is None:
        return
    present = {name: getattr(domain, name) for name in parameters}
    changed = {name: value for name, value in parameters.items() if value != present[name]}
    if not changed:
        return
    for name, value in changed.items():
        setattr(domain, name, value)
    try:
        setup_Domain_C_struct(domain)
    finally:
        for name in changed:
            setattr(domain, name, present[name])


def _count_flux_calls(domain: Any, substeps: int) -> None:
    """Set the count of calls in ANUGA's flux kernel to the substeps that are done already.

    A kernel that took the second substep for the first would take the time step
    of the next step from a substep that does not compute one.
    """
    if substeps == 0:
        return
    written = [domain.quantities[name].explicit_update for name in CONSERVED]
    written += [domain.max_speed, domain.boundary_flux_sum]
    if domain.number_of_tracers:
        written += [domain.tracer_explicit_update, domain.tracer_boundary_flux]
    before = [array.copy() for array in written]
    for _ in range(substeps):
        compute_fluxes_ext_central(domain, domain.evolve_max_timestep)
    for array, values in zip(written, before, strict=True):
        array[:] = values


def _build_arrays(domain: Any) -> None:
    """Make every array real and drop the lean storage."""
    step = domain.lean
    step.write_deferred()
    for quantity in domain.quantities.values():
        if isinstance(quantity, Quantity):
            quantity.take_stock_arrays()
    speeds = step.speeds.max_speed
    full = domain.tri_full_flag.copy()
    node_full = domain.node_full_flag
    others = {name: getattr(domain, name) for name in (*_TRACER_ARRAYS, *_WALL_ARRAYS)}
    if capabilities().prescribed_limiter:
        others["boundary_limit_mask"] = domain.boundary_limit_mask
    domain.mesh.take_stock_arrays()
    domain.mesh.blocks = None
    domain.lean = None
    for name, array in others.items():
        if isinstance(array, SparseEdges):
            array = array.hold()
        domain.__dict__[name] = elements_of(array)
    for name in ("_full_flags", "_limit_masks"):
        domain.__dict__.pop(name, None)
    domain.tri_full_flag = full
    domain.node_full_flag = node_full
    for name in ("_grad_workspace_x", "_grad_workspace_y", "_phi_workspace"):
        domain.__dict__.setdefault(name, np.zeros(domain.number_of_triangles))
    domain.__dict__["_Domain_C_struct"] = None
    domain._ensure_work_arrays()
    if speeds is not None:
        domain.max_speed = speeds
    for name in _IN_C_STRUCT:
        _ = domain.quantities[name].vertex_values


@contextmanager
def _whole_or_lost(domain: Any) -> Iterator[None]:
    """Have a domain refuse everything that memory has left without its lean half."""
    try:
        with naming("ANUGA's own arrays", count_of, (domain,)):
            yield
    except MemoryError:
        if domain.lean is None:
            domain.lean = Lost("the change to ANUGA's own arrays")
        raise


@contextmanager
def stock_arrays(domain: Any) -> Iterator[None]:
    """Give a lean domain ANUGA's arrays within a `with` block."""
    with _whole_or_lost(domain):
        _build_arrays(domain)
    try:
        yield
    finally:
        _compact(domain)


def _compact(domain: Any) -> None:
    """Turn a domain with ANUGA's arrays lean; its centroid arrays stay the same objects."""
    mesh = domain.mesh
    if isinstance(mesh, Mesh):
        mesh._cut_real_arrays()
        mesh.real_arrays.clear()
        mesh.overridden.clear()
        mesh.on_stock_arrays = False
    else:
        state = dict(mesh.__dict__)
        mesh.__dict__.clear()
        mesh.__class__ = Mesh
        mesh.__setstate__(state)
        del state
    _compact_domain(domain)


def _compact_domain(domain: Any) -> None:
    """Turn a domain on a lean mesh lean."""
    attributes = domain.__dict__
    full = np.asarray(attributes.pop("tri_full_flag"))
    for name in (*ON_DOMAIN, "node_full_flag", "_grad_workspace_x", "_grad_workspace_y",
                 "_phi_workspace", "max_speed", "x_centroid_work", "y_centroid_work"):
        attributes.pop(name, None)
    attributes["x_centroid_work"] = attributes["y_centroid_work"] = None
    attributes["_Domain_C_struct"] = None
    held = {name: attributes.pop(name, None)
            for name in (*_WALL_ARRAYS, "tracer_external_source")}
    for name in _TRACER_ARRAYS:
        attributes.pop(name, None)
    mask = attributes.pop("boundary_limit_mask", None)      # absent before ANUGA 4.2
    domain.lean = Step(domain)
    if mask is not None:
        domain.boundary_limit_mask = mask
    for name, array in held.items():
        setattr(domain, name, array)
    domain.riverwallData.__class__ = RiverWall
    if not full.all():
        domain.tri_full_flag = full
    for quantity in domain.quantities.values():
        _compact_quantity(quantity)


def _compact_quantity(quantity: Any) -> None:
    attributes = quantity.__dict__
    if isinstance(quantity, Quantity) and "centroid_values" not in attributes:
        quantity.on_stock_arrays = False
        quantity._updates = {}
        quantity.compact()
        return
    centroid = attributes.pop("centroid_values")
    edge = attributes.pop("edge_values", None)      # which is a property in some releases
    edge = attributes.pop("_edge_values", edge)
    vertex = attributes.pop("_vertex_values")
    for name in _UPDATES:
        attributes.pop(name, None)
    boundary, beta, name = quantity.boundary_values, quantity.beta, quantity.name
    gradients = quantity._x_gradient, quantity._y_gradient, quantity._phi
    quantity.__class__ = Quantity
    quantity._updates = {}
    counter = type(quantity).counter
    quantity._start(name)
    type(quantity).counter = counter
    quantity.boundary_values, quantity.beta = boundary, beta
    quantity._x_gradient, quantity._y_gradient, quantity._phi = gradients
    if quantity._qty_type != "coordinate" and name not in ("xvelocity", "yvelocity") \
            or centroid.any() and name in ("xvelocity", "yvelocity"):
        attributes["_centroid_values"] = np.ascontiguousarray(centroid, float)
    if quantity._qty_type != "coordinate":
        if vertex is not None:
            quantity._vertex = Stored(vertex)
        if edge is not None:
            quantity._edge = Stored(edge)
        quantity.compact()


def from_domain(domain: Any, lean: type) -> Any:
    """See `anuga_lean.from_domain`.

    Parameters
    ----------
    domain : anuga.Domain
    lean : type
        What ANUGA's own Domain becomes.
    """
    if not isinstance(domain, _AnyDomain):
        raise NotADomain(
            f"from_domain needs a shallow water anuga.Domain, not {type(domain).__name__}.")
    if not on_stock_arrays(domain):
        return domain
    mixin, stock = lean.__bases__
    old = _known_arrays(domain)
    if not isinstance(domain, mixin):
        cls = type(domain)
        bases = (lean,) if cls is stock else (mixin, cls)
        domain.__class__ = bases[0] if len(bases) == 1 else type(
            cls.__name__, bases, {"__module__": cls.__module__, "__qualname__": cls.__qualname__})
    _compact(domain)
    _replace_held_arrays(domain, old)
    _turn_operators(domain)
    complete(domain)
    gc.collect()
    return domain


def adopt(domain: Any) -> None:
    """Turn a domain lean whose attributes are those of a domain that ANUGA has pickled.

    Its class and that of its mesh and quantities are lean already, by their names.
    """
    old = _known_arrays(domain)
    _compact_domain(domain)
    _replace_held_arrays(domain, old)
    _turn_operators(domain)


def _turn_operators(domain: Any) -> None:
    """Make ANUGA's operators lean where there is a lean kind of them, and what they hold."""
    from anuga_lean.fractional_steps.barometric_pressure import Barometric_pressure_operator
    from anuga_lean.fractional_steps.kinematic_viscosity import Kinematic_viscosity_operator

    for operator in domain.fractional_step_operators:
        for own in list(vars(operator).values()):
            if isinstance(own, _AnyQuantity) and "centroid_values" in vars(own):
                _compact_quantity(own)      # one that the domain does not know
        for kind in (Barometric_pressure_operator, Kinematic_viscosity_operator):
            if type(operator) is kind.__mro__[1]:
                operator.__class__ = kind
        if isinstance(operator, Kinematic_viscosity_operator):
            operator.forget_arrays()


def _known_arrays(domain: Any) -> dict[int, tuple[Any, str, Any]]:
    """Return the arrays that ANUGA's objects may hold: id -> (owner, name, array)."""
    known: dict[int, tuple[Any, str, Any]] = {}
    for name in TABLES:
        own = domain.__dict__.get(
            "edge_coordinates" if name == "edge_midpoint_coordinates" else name)
        for array in (getattr(domain.mesh, name), own):
            if isinstance(array, np.ndarray):
                known[id(array)] = (domain.mesh, name, array)
    for quantity in domain.quantities.values():
        for name in ("edge_values", "_edge_values", "_vertex_values", *_UPDATES):
            array = quantity.__dict__.get(name)
            if isinstance(array, np.ndarray):
                known[id(array)] = (quantity, name.lstrip("_"), array)
    flags = domain.tri_full_flag
    known[id(flags)] = (domain, "tri_full_flag", flags)
    return known


def _replace_held_arrays(domain: Any, known: dict[int, tuple[Any, str, Any]]) -> None:
    """Make operators, boundaries and structures hold views where they held those arrays."""
    # a quantity keeps its own: a view of it in their place would read itself
    seen = {id(each) for each in (domain, domain.mesh, *domain.quantities.values())}
    users = [*domain.fractional_step_operators, *(domain.boundary_map or {}).values(),
             *domain.forcing_terms]
    todo = [*users, domain.boundary_flux_integral, domain.riverwallData]
    while todo:
        holder = todo.pop()
        attributes = getattr(holder, "__dict__", None)
        if attributes is None or id(holder) in seen or isinstance(holder, (type, _AnyMesh)) \
                or not (type(holder).__module__.startswith("anuga")
                        or any([holder is user for user in users])):
            continue
        seen.add(id(holder))
        for key, value in list(attributes.items()):
            if isinstance(value, np.ndarray):
                owner, name, _ = known.get(id(value), (None, "", None))
                if owner is not None:
                    view = getattr(owner, name)
                    attributes[key] = view if isinstance(view, ArrayView) else value
            elif isinstance(value, (list, tuple)):
                todo.extend(value)
            else:
                todo.append(value)
