"""Registers short names of every class and function that a checkpoint may hold.

Owns which module of ANUGA's has what, and the way from a name to an object and back. A name
is for ever, its module is not: what a release of ANUGA moves gets a second row, below the
first. Our own classes, lean.NAME, are in `anuga_lean._class_names`. All that is not here is
code, which `encoder` leaves to dill and `decoder` loads only from trusted files.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

import numpy as np

from anuga_lean import _class_names

# A file may name what a model is made of and nothing else: importing a module runs it, and
# ANUGA has modules that are scripts (fit_interpolate.run_long_benchmark starts a shell).

# Classes whose methods a file may bind to their instances: none of these writes a file. A row
# without a name is for methods of a class of ANUGA's that ours derives from.
_OF_MODELS = {
    "anuga.abstract_2d_finite_volumes.basic_mesh": "Basic_mesh",
    "anuga.abstract_2d_finite_volumes.general_mesh": "General_mesh",
    "anuga.abstract_2d_finite_volumes.generic_boundary_conditions":
        "AWI_boundary Boundary Compute_fluxes_boundary Dirichlet_boundary File_boundary "
        "Time_boundary Time_space_boundary Transmissive_boundary",
    "anuga.abstract_2d_finite_volumes.generic_domain": "Generic_Domain",
    "anuga.abstract_2d_finite_volumes.neighbour_mesh": "Triangle_intersection",
    "anuga.abstract_2d_finite_volumes.quantity": "Conserved_quantity",
    "anuga.abstract_2d_finite_volumes.region": "Centroid_field Region",
    "anuga.abstract_2d_finite_volumes.tag_region":
        "Add_quantities Add_value_to_region Set_tag_region Stage_no_less_than_elevation "
        "Tag_region",
    "anuga.operators.barometric_pressure": "Barometric_pressure_operator",
    "anuga.operators.base_operator": "Operator",
    "anuga.operators.boundary_flux_integral_operator": "boundary_flux_integral_operator",
    "anuga.operators.collect_max_quantities_operator": "Collect_max_quantities_operator",
    "anuga.operators.collect_max_stage_operator": "Collect_max_stage_operator",
    "anuga.operators.elliptic_operator": "Elliptic_operator",
    "anuga.operators.erosion_operators":
        "Bed_shear_erosion_operator Circular_erosion_operator Erosion_operator "
        "Flat_fill_slice_erosion_operator Flat_slice_erosion_operator "
        "Polygonal_erosion_operator",
    "anuga.operators.kinematic_viscosity_operator": "Kinematic_viscosity_operator",
    "anuga.operators.mannings_operator": "Mannings_operator",
    "anuga.operators.rate_operators":
        "Circular_rate_operator Polygonal_rate_operator Rate_operator",
    "anuga.operators.sanddune_erosion_operator": "Sanddune_erosion_operator",
    "anuga.operators.sediment_operator": "Sediment_transport_operator",
    "anuga.operators.set_elevation": "Set_elevation",
    "anuga.operators.set_elevation_operator":
        "Circular_set_elevation_operator Polygonal_set_elevation_operator "
        "Set_elevation_operator",
    "anuga.operators.set_friction_operators": "Set_depth_friction_operator",
    "anuga.operators.set_quantity": "Set_quantity",
    "anuga.operators.set_quantity_operator":
        "Circular_set_quantity_operator Polygonal_set_quantity_operator Set_quantity_operator",
    "anuga.operators.set_stage": "Set_stage",
    "anuga.operators.set_stage_operator":
        "Circular_set_stage_operator Polygonal_set_stage_operator Set_stage_operator",
    "anuga.operators.set_w_uh_vh_operator": "Set_w_uh_vh_operator",
    "anuga.operators.tracer_flux_integral_operator": "tracer_flux_integral_operator",
    "anuga.operators.wind_stress_operator": "Wind_stress_operator",
    "anuga.parallel.parallel_boyd_box_operator": "Parallel_Boyd_box_operator",
    "anuga.parallel.parallel_boyd_pipe_operator": "Parallel_Boyd_pipe_operator",
    "anuga.parallel.parallel_inlet": "Parallel_Inlet",
    "anuga.parallel.parallel_inlet_enquiry": "Parallel_Inlet_enquiry",
    "anuga.parallel.parallel_inlet_operator": "Parallel_Inlet_operator",
    "anuga.parallel.parallel_internal_boundary_operator": "Parallel_Internal_boundary_operator",
    "anuga.parallel.parallel_shallow_water": "Parallel_domain",
    "anuga.parallel.parallel_structure_operator": "Parallel_Structure_operator",
    "anuga.parallel.parallel_weir_orifice_trapezoid_operator":
        "Parallel_Weir_orifice_trapezoid_operator",
    "anuga.shallow_water.boundaries":
        "Absorbing_wave_boundary Characteristic_stage_boundary Characteristic_wave_boundary "
        "Dirichlet_discharge_boundary Field_boundary "
        "Flather_external_stage_zero_velocity_boundary Inflow_boundary Reflective_boundary "
        "Time_stage_zero_momentum_boundary Transmissive_momentum_set_stage_boundary "
        "Transmissive_n_momentum_zero_t_momentum_set_stage_boundary "
        "Transmissive_stage_zero_momentum_boundary",
    "anuga.shallow_water.forcing": "Cross_section",
    "anuga.shallow_water.shallow_water_domain": "Domain",
    "anuga.structures.boyd_box_operator": "Boyd_box_operator",
    "anuga.structures.boyd_pipe_operator": "Boyd_pipe_operator",
    "anuga.structures.gpu_culvert_manager": "GPUCulvertManager",
    "anuga.structures.inlet": "Inlet",
    "anuga.structures.inlet_enquiry": "Inlet_enquiry",
    "anuga.structures.inlet_operator": "Inlet_operator",
    "anuga.structures.inlet_tracers": "InletTracers RateTracers StructureTracers",
    "anuga.structures.internal_boundary_functions":
        "hecras_internal_boundary_function pumping_station_function",
    "anuga.structures.internal_boundary_operator": "Internal_boundary_operator",
    "anuga.structures.riverwall": "",
    "anuga.structures.structure_operator": "Structure_operator",
    "anuga.structures.weir_orifice_trapezoid_operator": "Weir_orifice_trapezoid_operator",
}
# Classes that are data: their methods are called by ANUGA's own code only.
_HELD = {
    "anuga.coordinate_transforms.geo_reference": "Geo_reference",
    "anuga.file.sww": "Data_format Read_sww SWW_file Write_sww",
    "anuga.fit_interpolate.general_fit_interpolate": "FitInterpolate",
    "anuga.fit_interpolate.interpolate": "CSV_files Interpolate Interpolation_function",
    "anuga.geometry.aabb": "AABB",
    "anuga.geometry.polygon_function": "Polygon_function",
    "anuga.geometry.quad": "Cell",
    "anuga.rain.arr_hub_rain": "Single_pattern",
    "anuga.rain.calibrated_radar_rain": "Calibrated_radar_rain",
    "anuga.rain.raster_rate_operator": "ARR_rate_operator Raster_rate_operator",
    "anuga.rain.raster_time_slice_data": "Raster_time_slice_data",
    "anuga.utilities.cg_solve": "Stats",
    "anuga.utilities.sparse": "Sparse Sparse_CSR",
}
# Functions that may be called when a domain evolves.
_FUNCTIONS = {
    "anuga.operators.erosion_operators": "lineno stage_elev_info",
    "anuga.shallow_water.friction":
        "depth_dependent_friction linear_friction manning_friction_semi_implicit",
    "anuga.shallow_water.shallow_water_domain": "my_update_special_conditions",
    "anuga.structures.boyd_box_operator": "boyd_box_function smooth_discharge total_energy",
    "anuga.structures.boyd_pipe_operator": "boyd_pipe_function circular_critical_depth",
    "anuga.structures.inlet": "level_stages_to_average",
    "anuga.structures.weir_orifice_trapezoid_operator": "weir_orifice_trapezoid_function",
    "anuga.utilities.numerical_tools":
        "angle anglediff corr cov create_bins ensure_numeric err get_machine_precision "
        "gradient2_python gradient_python histogram is_num_float is_num_int is_scalar mean norm "
        "normal_vector safe_acos sign",
}
_CALLED = frozenset((*_OF_MODELS, *_FUNCTIONS))
_BOUND = frozenset((*_OF_MODELS, *_class_names.NAMES_BY_MODULE))


def _modules_by_name() -> dict[str, tuple[str, ...]]:
    """Return the modules in which each name may be, in the order of ANUGA's releases."""
    found: dict[str, tuple[str, ...]] = {}
    for rows in (_OF_MODELS, _HELD, _FUNCTIONS):
        for module, names in rows.items():
            for name in names.split():
                found[name] = (*found.get(name, ()), module)
    return found


MODULES = _modules_by_name()


def find(name: Any) -> Any:
    """Return the object of a name: anuga.NAME, with attributes of a class after it, or lean.NAME.

    Raises
    ------
    ValueError
        The register does not have it, or the installed ANUGA has something else there.
    """
    house, _, path = name.partition(".") if isinstance(name, str) else ("", "", "")
    if house == "lean":
        return _class_names.class_of(name)
    if house == "numpy":
        return _ufunc(path)
    modules = MODULES.get(path.partition(".")[0], ()) if house == "anuga" else ()
    for module in modules:
        found = _defined_in(module, path)
        if found is not None:
            return found
    raise ValueError(f"{_shown(name)} is not among what a checkpoint may name" if not modules else
                     f"{_shown(name)} is not what the installed anuga has in {modules[-1]}")


def _shown(name: Any) -> str:
    text = str(name)
    return text if len(text) <= 100 else text[:97] + "..."


def _ufunc(name: str) -> np.ufunc:
    found = vars(np).get(name)
    if not isinstance(found, np.ufunc):
        raise ValueError(f"numpy.{_shown(name)} is no ufunc")
    return found


def _defined_in(module: str, path: str) -> Any:
    """Return what a module defines itself, not what it imports; None if it defines nothing."""
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        return None     # of another release
    for part in path.split("."):
        if not isinstance(found, type) and found is not sys.modules[module] \
                or part not in vars(found):
            return None
        found = vars(found)[part]
        if isinstance(found, (staticmethod, classmethod)):
            found = found.__func__
    is_own = (getattr(found, "__module__", None), getattr(found, "__qualname__", None)) \
        == (module, path)
    return found if is_own else None


def name_of(value: Any) -> str | None:
    """Return the name of a class or function, None if the register does not have it."""
    own = _class_names.name_of(value)
    if own is not None:
        return own
    if isinstance(value, np.ufunc):
        word = str(value.__name__)
        return f"numpy.{word}" if vars(np).get(word) is value else None
    module, path = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(path, str) or module not in MODULES.get(path.partition(".")[0], ()):
        return None
    return f"anuga.{path}" if _defined_in(module, path) is value else None


def class_of(name: Any) -> type:
    """Return a class that may be restored from its attributes."""
    found = find(name)
    if not isinstance(found, type):
        raise ValueError(f"{_shown(name)} is no class")
    return found


def function_of(name: Any) -> Any:
    """Return a function that may be called when a domain evolves."""
    found = find(name)
    if not is_function(found):
        raise ValueError(f"{_shown(name)} is no function that a checkpoint may name")
    return found


def is_function(value: Any) -> bool:
    """Whether something that the register has is a function which may be called."""
    return isinstance(value, np.ufunc) or value.__module__ in _CALLED and isinstance(
        value, (types.FunctionType, types.BuiltinFunctionType))


def is_bound(function: Any) -> bool:
    """Whether a function is a method that a file may bind to an instance of its class."""
    return isinstance(function, types.FunctionType) and function.__module__ in _BOUND
