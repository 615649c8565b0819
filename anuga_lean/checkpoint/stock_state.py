"""Checks a restored domain on stock arrays before ANUGA's kernels see it.

Those take lengths from the mesh and indices from the arrays, and check nothing.  Owns the
list of the arrays of such a domain that a checkpoint holds; those of a lean domain are
checked where they are bound to a run, the tables of the mesh by the mesh.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Attributes of a domain, each with its dtype, and its length by what it belongs to.
_ARRAYS = {
    "_grad_workspace_x": (float, "triangle"), "_grad_workspace_y": (float, "triangle"),
    "_phi_workspace": (float, "triangle"), "max_speed": (float, "triangle"),
    "x_centroid_work": (float, "triangle"), "y_centroid_work": (float, "triangle"),
    "tri_full_flag": (int, "triangle"), "boundary_limit_mask": (int, "triangle"),
    "boundary_cells": (int, "boundary edge"), "boundary_edges": (int, "boundary edge"),
    "boundary_flux_type": (int, "boundary edge"), "boundary_flux_sum": (float, "substep"),
    "edge_flux_type": (int, "edge"), "edge_river_wall_counter": (int, "edge"),
    "tracer_conserved_values": (float, "tracer and triangle"),
    "tracer_centroid_values": (float, "tracer and triangle"),
    "tracer_explicit_update": (float, "tracer and triangle"),
    "tracer_backup_values": (float, "tracer and triangle"),
    "tracer_boundary_flux": (float, "tracer and triangle"),
    "tracer_external_source": (float, "tracer and triangle"),
    "tracer_edge_values": (float, "tracer and edge"),
    "tracer_boundary_values": (float, "tracer and boundary edge"),
    "tracer_boundary_flux_sum": (float, "substep and tracer"),
    "tracer_speed_factor": (float, "tracer and triangle"),
    **{f"sediment_{name}": (float, "class") for name in (
        "settling_velocity", "d_star", "diameter", "R", "tau_c_star", "reference_height")},
    **{f"sediment_{name}": (float, "class and triangle") for name in (
        "source_limited", "bed_active", "bed_substrate")},
    **{f"sediment_{name}": (float, "triangle") for name in (
        "slope_work", "qbx", "qby", "qba", "repose_dz", "z_base", "shear_factor")},
    "sediment_bed_exhausted": (int, "triangle"),
    "sediment_bedload_open": (int, "boundary edge"),
    "sediment_bedload_supply": (float, "boundary edge"),
}
# Of the sediment's: what the kernels read wherever there is a class of grains, and what they
# read where another attribute says so.  The rest is None in many models.
_OF_EVERY_CLASS = tuple(name for name, (_, what) in _ARRAYS.items() if what == "class") + (
    "sediment_source_limited", "sediment_slope_work")
_WHERE_SAID = {"sediment_bed_active": "sediment_bed_composition",
               "sediment_bed_substrate": "sediment_bed_composition",
               "sediment_z_base": "sediment_has_z_base",
               "sediment_bed_exhausted": "sediment_has_z_base",
               "sediment_qbx": "sediment_bedload_mode", "sediment_qby": "sediment_bedload_mode",
               "sediment_qba": "sediment_bedload_mode"}
# Quantities whose values at vertices and edges the kernels read, and those that they change:
# where one has no array, they are given none and look all the same.
_AT_EDGES = ("stage", "xmomentum", "ymomentum", "elevation", "height")
_CHANGED = _AT_EDGES[:3]
_UPDATES = ("explicit_update", "semi_implicit_update", "centroid_backup_values")
_MADE_LATER = ("max_speed", "x_centroid_work", "y_centroid_work")     # before the first step
_SUBSTEPS = 3       # for which ANUGA has room


def check(domain: Any) -> None:
    """Raise ValueError unless every array has the length and the indices that kernels expect."""
    n, edges, count = domain.number_of_triangles, domain.boundary_length, domain.number_of_tracers
    calls = domain.timestep_fluxcalls
    if type(count) is not int or count < 0 or type(calls) is not int \
            or not 1 <= calls <= _SUBSTEPS:
        raise ValueError(f"{count} tracers, and {calls} substeps")
    classes = domain.__dict__.get("n_sediment_classes", 0)      # ANUGA 4.1 has no sediment
    if type(classes) is not int or not 0 <= classes <= count:
        raise ValueError(f"{classes} classes of sediment, and {count} tracers")
    shapes = {"triangle": (n,), "edge": (3 * n,), "boundary edge": (edges,),
              "substep": (_SUBSTEPS,), "tracer and triangle": (count, n),
              "tracer and edge": (count, 3 * n), "tracer and boundary edge": (count, edges),
              "substep and tracer": (_SUBSTEPS * count,), "class": (classes,),
              "class and triangle": (classes, n)}
    for name, (dtype, what) in _ARRAYS.items():
        found = domain.__dict__.get(name)
        if name in domain.__dict__ and not (found is None and _may_be_none(domain, name)):
            _check_array(name, found, shapes[what], dtype)
    _check_range("boundary_cells", domain.boundary_cells, n)
    _check_range("boundary_edges", domain.boundary_edges, 3)
    for tag, ids in domain.tag_boundary_cells.items():
        if not isinstance(ids, (list, np.ndarray)):
            raise ValueError(f"edges of the boundary {tag!r} that are a {type(ids).__name__}")
        _check_range(f"edges of the boundary {tag!r}", np.array(ids, int), edges)
    for name, quantity in domain.quantities.items():
        _check_quantity(name, quantity, n)
    if domain.number_of_riverwall_edges:
        _check_walls(domain, n)


def _may_be_none(domain: Any, name: str) -> bool:
    if name in _MADE_LATER:
        return True
    if name.startswith("sediment"):
        held = domain.__dict__
        needed = name in _OF_EVERY_CLASS or held.get(_WHERE_SAID.get(name, ""))
        return not held.get("n_sediment_classes") or not needed
    if name == "tracer_speed_factor":       # ANUGA makes it in the first step with sediment
        return True
    if name.startswith("tracer"):
        return bool(domain.number_of_tracers == 0)
    return name.startswith("edge") and bool(domain.number_of_riverwall_edges == 0)


def _check_quantity(name: str, quantity: Any, n: int) -> None:
    from anuga_lean.quantity.forms import Stored

    held = quantity.__dict__
    updates = held.get("_updates", {})
    if held.get("on_stock_arrays") is not True or type(updates) is not dict:
        raise ValueError(f"a quantity {quantity.name} that is not on stock arrays")
    for place in ("_vertex", "_edge"):
        form = held.get(place)
        if form is not None or name in _AT_EDGES:
            if not isinstance(form, Stored):
                raise ValueError(f"{place} of {quantity.name} that are a {type(form).__name__}")
            _check_array(f"{place} of {quantity.name}", form.array, (n, 3), float)
    rows = {each: held.get(each) for each in ("_x_gradient", "_y_gradient", "_phi")}
    rows |= {each: updates.get(each) for each in _UPDATES} | updates
    for each, array in rows.items():
        if array is not None or name in _CHANGED and each in _UPDATES:
            _check_array(f"{each} of {quantity.name}", array, (n,), float)


def _check_walls(domain: Any, n: int) -> None:
    walls, count = domain.riverwallData, domain.number_of_riverwall_edges
    if type(count) is not int or count < 0:
        raise ValueError(f"{count} edges on walls")
    _check_array("edge_flux_type", domain.edge_flux_type, (3 * n,), int)
    _check_range("edge_river_wall_counter", domain.edge_river_wall_counter, count + 1)
    _check_array("riverwall_elevation", walls.riverwall_elevation, (count,), float)
    _check_array("the lines of walls", walls.hydraulic_properties_rowIndex, (count,), int)
    columns = walls.ncol_hydraulic_properties
    table = walls.hydraulic_properties
    if type(columns) is not int or columns < 5:
        raise ValueError(f"{columns} columns of hydraulic properties")
    _check_array("hydraulic_properties", table, (len(table), columns), float)
    _check_range("the lines of walls", walls.hydraulic_properties_rowIndex, len(table))


def _check_array(name: str, found: Any, shape: tuple[int, ...], dtype: type) -> None:
    if not isinstance(found, np.ndarray) or found.shape != shape or found.dtype != dtype:
        raise ValueError(f"{name} that are not {shape} {np.dtype(dtype)}")


def _check_range(name: str, found: Any, end: int) -> None:
    if not isinstance(found, np.ndarray) or found.dtype != int \
            or found.size and not 0 <= found.min() <= found.max() < end:
        raise ValueError(f"{name} that are not integers from 0 to below {end}")
