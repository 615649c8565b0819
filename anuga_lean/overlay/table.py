"""Lists every name of ANUGA's, and of Python's, that anuga_lean replaces, by what and why.

Owns the one list: `install` brings it in row by row, `anuga_lean features --replaced`
prints it, and tests/overlay compares it with what differs in a process.  To have one
more function of ANUGA's ask a lean domain first, name it in `KERNELS_ON_STOCK_ARRAYS`
or `KERNELS_HANDLED`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

# -- kinds of rows ------------------------------------------------------------------

CLASS = "class"                             # ours derives from it; wherever it is held
FUNCTION = "function"                       # wherever it is held
WRAPPED = "function, wrapped"               # wherever it is held
BINDING = "function, here only"             # in this module, not where others hold it
WRAPPED_BINDING = "function, wrapped here only"
METHOD = "method, wrapped"
NAMED = "named where memory runs out"         # wherever it is held; a method, in its class
ATTRIBUTE = "class attribute"
CONSTRUCTOR = "constructor"
MARK = "mark"
LATE = "late import"
PROCESS = "of the process"

# When a row comes in: with `from_domain` too, or only where ANUGA's names are to be lean.
# AROUND: put there by `import_hook` and `late_imports` themselves.
LOAD, INSTALL, AROUND = "load", "install", "around the import"

ALWAYS = ""
IF_THERE = "if ANUGA has it"
IF_LOADED = "if ANUGA has loaded it"    # it goes without modules whose packages are missing
ONCE_LOADED = "once ANUGA loads it"      # within a function
ON_RANKS = "on several ranks, in a script"
ALONE = "unless a launcher has started this process"


class Row(NamedTuple):
    """A name that is replaced.

    Attributes
    ----------
    module : str
        ANUGA's module, or `python` for what is not ANUGA's.
    name : str
        In it; `Class.attribute` for one of a class.
    own : str
        `module:name` of this package: what is put there, or what makes it of what was there.
    kind : str
    why : str
    arguments : tuple
        Of `own`, after what was there.
    phase : str
        LOAD, INSTALL or AROUND.
    when : str
        IF_THERE, IF_LOADED, ONCE_LOADED, ON_RANKS, ALONE, or nothing: always.
    """

    module: str
    name: str
    own: str
    kind: str
    why: str
    arguments: tuple[Any, ...] = ()
    phase: str = INSTALL
    when: str = ALWAYS


# -- functions that are named in more than one row -------------------------------------

_KERNELS = "anuga.shallow_water.sw_domain_openmp_ext"
_QUANTITY_KERNELS = "anuga.abstract_2d_finite_volumes.quantity_openmp_ext"
_CALLS = "anuga_lean.overlay.kernel_calls"
_QUANTITY_CALLS = "anuga_lean.quantity.kernel_calls"
_TAKES_MESH = "anuga_lean.mesh.mesh_arguments"
_HALO = "anuga_lean.mpi.halo"
_STEPS = "anuga_lean.fractional_steps"
_REGIONS = f"{_STEPS}.regions"
_READS = "anuga_lean.results.doors:loaded_when_called"

# Compiled functions that a lean domain does by itself, and the function of `kernel_calls`.
KERNELS_HANDLED = {
    "vegetation_friction_semi_implicit": "vegetation",
    "ader_ck_predictor_edge": "predict",
    "manning_friction_flat_semi_implicit": "flat_friction",
    "manning_friction_sloped_semi_implicit_edge_based": "sloped_friction",
    "evaluate_reflective_segment": "reflect",
    "update_Domain_C_struct": "update_struct",
}
# Compiled functions for which a lean domain gets ANUGA's arrays, announced.
KERNELS_ON_STOCK_ARRAYS = (
    "setup_Domain_C_struct", "apply_sediment_source", "apply_bedload", "apply_repose",
    "manning_friction_sloped_semi_implicit",
    "compute_fluxes_ext_central", "protect_new", "extrapolate_second_order_edge_sw",
    "extrapolate_second_order_sw", "distribute_to_edges", "distribute_to_edges_and_vertices",
    "distribute_edges_to_vertices", "update_conserved_quantities",
    "extrapolate_centroids_only", "kinematic_viscosity_explicit",
    "saxpy_conserved_quantities", "backup_conserved_quantities",
    "fix_negative_cells", "ader_ck_predictor", "gravity",
    "gravity_wb",
)
# Names of both lists that not every release has.
_LATELY = frozenset(("extrapolate_centroids_only", "kinematic_viscosity_explicit"))
# Compiled functions that take a quantity: those a method of the same name does, and the others.
_QUANTITY_BY_METHOD = (
    "backup_centroid_values", "saxpy_centroid_values", "update", "interpolate",
    "interpolate_from_edges_to_vertices", "interpolate_from_vertices_to_edges",
)
_QUANTITY_ON_REAL_ARRAYS = (
    "bound_vertices_below_by_constant", "bound_vertices_below_by_quantity",
    "compute_gradients", "compute_local_gradients", "extrapolate_from_gradient",
    "extrapolate_second_order_and_limit_by_edge", "extrapolate_second_order_and_limit_by_vertex",
    "limit_edges_by_all_neighbours", "limit_edges_by_neighbour", "limit_gradient_by_neighbour",
    "limit_old", "limit_vertices_by_all_neighbours", "set_vertex_values_c",
)
# What sets values: module, method, what of `set_values` writes all, what the method returns.
_SETTING = (
    ("set_quantity", "Set_quantity.__call__", "write_quantity", None),
    ("set_quantity_operator", "Set_quantity_operator.__call__", "write_quantity", None),
    ("set_stage", "Set_stage.__call__", "write_stage", None),
    ("set_stage_operator", "Set_stage_operator.__call__", "write_stage", None),
    ("set_elevation", "Set_elevation.update_quantities", "write_bed", True),
)
# What a script calls that is meant to run on several ranks.
_SHARE_A_MODEL = (
    ("anuga.parallel.parallel_api",
     ("distribute", "distribute_basic_mesh", "distribute_collaborative",
      "distribute_basic_mesh_collaborative")),
    ("anuga.parallel.sequential_distribute",
     ("sequential_distribute_load", "sequential_mesh_load")),
    ("anuga.parallel.parallel_meshes",
     ("parallel_rectangular_domain", "parallel_rectangular_cross_domain")),
)
# What reads results back: module, name, what of `anuga_lean.results` does it, why.
_BY_FRAME = "reads a frame and some places at a time"
_READING = (
    ("anuga.utilities.plot_utils", "_read_output", "vertices:read_output", _BY_FRAME),
    ("anuga.utilities.plot_utils", "_get_centroid_values", "centroids:get_centroid_values",
     _BY_FRAME),
    ("anuga.file.sww", "get_mesh_and_quantities_from_file", "stored:get_mesh_and_quantities",
     "a lean mesh, and quantities when they are asked for"),
    ("anuga.shallow_water.sww_interrogate", "get_flow_through_cross_section",
     "sections:get_flow_through_cross_section", _BY_FRAME),
    ("anuga.shallow_water.sww_interrogate", "get_maximum_inundation_data",
     "inundation:get_maximum_inundation_data", _BY_FRAME),
    ("anuga.file_conversion.sww2dem", "sww2dem", "rasters:sww2dem", "makes a grid in parts"),
    ("anuga.utilities.plot_utils", "Make_Geotif", "geotiffs:make_geotif", _BY_FRAME),
)

# What a script calls to set up, to look at or to convert, and what it is called where memory runs
# out in ANUGA's own code: module, words, names.
_NAMED = (
    ("anuga.geospatial_data.geospatial_data", "points with attributes",
     ("Geospatial_data.__init__", "Geospatial_data.__add__", "Geospatial_data.clip",
      "Geospatial_data.clip_outside", "Geospatial_data.get_data_points",
      "Geospatial_data.export_points_file", "Geospatial_data.split", "ensure_absolute")),
    ("anuga.geometry.polygon", "points and a polygon",
     ("inside_polygon", "outside_polygon", "in_and_outside_polygon", "separate_points_by_polygon",
      "polygon_area", "populate_polygon", "read_polygon")),
    ("anuga.geometry.polygon_function", "a function of polygons",
     ("Polygon_function.__init__", "Polygon_function.__call__")),
    ("anuga.abstract_2d_finite_volumes.region", "a region", ("Region.__init__",)),
    ("anuga.operators.rate_operators", "a Rate_operator", ("Rate_operator.__init__",)),
    ("anuga.operators.set_elevation_operator", "a Set_elevation_operator",
     ("Set_elevation_operator.__init__",)),
    ("anuga.operators.set_stage_operator", "a Set_stage_operator",
     ("Set_stage_operator.__init__",)),
    ("anuga.operators.set_quantity_operator", "a Set_quantity_operator",
     ("Set_quantity_operator.__init__",)),
    ("anuga.operators.erosion_operators", "an erosion operator", ("Erosion_operator.__init__",)),
    *(("anuga.parallel.parallel_operator_factory", f"a {name}", (name,))
      for name in ("Inlet_operator", "Boyd_box_operator", "Boyd_pipe_operator",
                   "Weir_orifice_trapezoid_operator", "Internal_boundary_operator")),
    ("anuga.shallow_water.shallow_water_domain", "a tracer", ("Domain.add_tracer",)),
    ("anuga.shallow_water.shallow_water_domain", "maxima of quantities",
     ("Domain.set_collect_max_quantities",)),
    *((f"anuga.file_conversion.{name}", f"converting a file ({name})", (name,))
      for name in ("asc2dem", "dem2pts", "dem2dem", "esri2sww", "llasc2pts", "sww2array",
                   "xya2pts")),
    ("anuga.abstract_2d_finite_volumes.util", "gauges of an SWW file", ("sww2csv_gauges",)),
    ("anuga.fit_interpolate.fit", "fitting points to a mesh", ("fit_to_mesh", "fit_to_mesh_file")),
    ("anuga.fit_interpolate.interpolate2d", "values of a raster",
     ("interpolate2d", "interpolate_raster")),
    ("anuga.pmesh.mesh_interface", "a mesh of regions", ("create_pmesh_from_regions",)),
    ("anuga.extras", "a mesh of regions",
     ("create_domain_from_regions", "create_basic_mesh_from_regions")),
)


def _when(name: str) -> str:
    return IF_THERE if name in _LATELY else ALWAYS


def _functions(module: str, own: str, names: tuple[str, ...], why: str) -> list[Row]:
    """Return rows of functions that have the same name on both sides."""
    return [Row(module, name, f"{own}:{name}", FUNCTION, why) for name in names]


# -- the rows, in the order in which they come in ------------------------------------------

_LOADED = [
    *(Row(_KERNELS, name, f"{_CALLS}:handled", WRAPPED, "lean kernels do it", (own,), LOAD,
          _when(name)) for name, own in KERNELS_HANDLED.items()),
    *(Row(_KERNELS, name, f"{_CALLS}:on_stock_arrays", WRAPPED, "reads and writes ANUGA's arrays",
          (name,), LOAD, _when(name)) for name in KERNELS_ON_STOCK_ARRAYS),
    Row("anuga.shallow_water.sw_domain_gpu_ext", "init_gpu_domain", f"{_CALLS}:on_stock_arrays",
        WRAPPED_BINDING, "reads and writes ANUGA's arrays",
        ("init_gpu_domain of compute mode 'unified'",), LOAD, ONCE_LOADED),
    Row("anuga.operators.kinematic_viscosity_operator_ext", "build_geo_structure",
        f"{_QUANTITY_CALLS}:on_real_mesh", WRAPPED_BINDING, "reads ANUGA's mesh arrays", (), LOAD),
    *(Row("anuga.geometry.polygon", name, f"{_REGIONS}:searching_parts", WRAPPED,
          "a search keeps no array of the mesh's size", (per,), LOAD)
      for name, per in (("inside_polygon", 1), ("line_intersect", 3), ("polygon_overlap", None))),
    Row("anuga.abstract_2d_finite_volumes.region", "Region._setup_indices_circle",
        f"{_REGIONS}:on_real_arrays", METHOD, "computes with coordinates", (), LOAD),
    *(Row("anuga.abstract_2d_finite_volumes.region", f"Region.{name}",
          f"{_REGIONS}:on_parts", METHOD, "searches a part of the mesh at a time", (), LOAD)
      for name in ("_setup_indices_line", "_setup_indices_polygon")),
    Row("anuga.utilities.system_tools", "quantity_memory_stats",
        "anuga_lean.quantity.views:counting_held", WRAPPED, "counts what is held", (), LOAD),
    Row("anuga.parallel.parallel_operator_factory", "allocate_inlet_procs",
        f"{_REGIONS}:allocating_less", WRAPPED, "takes no corners of a whole mesh", (),
        LOAD),
    Row("anuga.parallel.parallel_inlet_enquiry", "Parallel_Inlet_enquiry.compute_enquiry_index",
        f"{_REGIONS}:without_coordinates", METHOD, "asks for coordinates in vain", (),
        LOAD),
    Row("anuga.operators.set_elevation", "Set_elevation.setup_node_structures",
        f"{_REGIONS}:on_real_arrays", METHOD, "computes with mesh arrays", (), LOAD),
    *(Row(module, f"{kind}.{name}", f"{_REGIONS}:CornerCoordinate", ATTRIBUTE,
          "corner coordinates when asked for", (name, axis), LOAD)
      for module, kind in (("anuga.operators.set_elevation", "Set_elevation"),
                           ("anuga.operators.set_stage", "Set_stage"))
      for axis, name in enumerate(("v_x", "v_y"))),
    Row("anuga.operators.collect_max_quantities_operator",
        "Collect_max_quantities_operator.__call__", "anuga_lean.fractional_steps.maxima:by_kernels",
        METHOD, "a kernel on all threads", (), LOAD),
    *(Row("anuga.operators.collect_max_quantities_operator",
          f"Collect_max_quantities_operator.{name}", "anuga_lean.fractional_steps.maxima:Maximum",
          ATTRIBUTE, "quantities take it when they are read", (name,), LOAD)
      for name in ("max_stage", "max_depth", "max_speed", "max_uh")),
    Row("anuga.operators.collect_max_stage_operator", "Collect_max_stage_operator.__call__",
        "anuga_lean.fractional_steps.max_stage:by_kernels", METHOD,
        "a kernel on all threads; vertices once a yield", (), LOAD),
    Row("anuga.operators.boundary_flux_integral_operator",
        "boundary_flux_integral_operator.__call__",
        f"{_STEPS}.boundary_flux:adding_two", METHOD, "adds two numbers without a call", (), LOAD),
    Row("anuga.operators.rate_operators", "Rate_operator.__call__",
        "anuga_lean.fractional_steps.rates:by_kernels", METHOD, "kernels on all threads", (), LOAD),
    *(Row(module, f"{kind}.full_indices", "anuga_lean.fractional_steps.full_triangles:FullIndices",
          ATTRIBUTE, "a number where it would count from 0", (), LOAD)
      for module, kind in (("anuga.operators.rate_operators", "Rate_operator"),
                           ("anuga.abstract_2d_finite_volumes.region", "Region"))),
    *(Row(module, name, "anuga_lean.fractional_steps.full_triangles:counting", METHOD,
          "a number where they count from 0", (), LOAD)
      for module, name in (("anuga.operators.rate_operators", "Rate_operator.set_full_indices"),
                           ("anuga.abstract_2d_finite_volumes.region", "Region.__init__"))),
    *(Row(module, f"{kind}.get_areas", f"{_STEPS}.inlets:keeping_areas", METHOD,
          "computed once", (), LOAD)
      for module, kind in (("anuga.structures.inlet", "Inlet"),
                           ("anuga.parallel.parallel_inlet", "Parallel_Inlet"))),
    *(Row(module, f"{kind}.set_stages_evenly", f"{_STEPS}.inlets:filling_evenly", METHOD,
          "asks for everything once, all triangles together", (own,), LOAD)
      for module, kind, own in (("anuga.structures.inlet", "Inlet", "fill_evenly"),
                                ("anuga.parallel.parallel_inlet", "Parallel_Inlet",
                                 "fill_evenly_alone"))),
    Row("anuga.structures.inlet", "level_stages_to_average", f"{_STEPS}.inlets:ending_early",
        WRAPPED, "ends when nothing changes any more", (), LOAD),
    Row("anuga.parallel.parallel_inlet_operator", "Parallel_Inlet_operator.__call__",
        f"{_STEPS}.inflows:asking_once", METHOD, "asks its inlet for everything once", (), LOAD),
    Row("anuga.structures.structure_operator", "_c_culvert_type_of",
        f"{_STEPS}.culverts:remembering_types", WRAPPED, "looks at each class once", (), LOAD),
    Row("anuga.structures.structure_operator", "_call_c_culvert",
        f"{_STEPS}.culverts:asking_once", WRAPPED, "asks the inlets for everything once", (),
        LOAD),
    *(Row(f"anuga.operators.{module}", name, f"{_STEPS}.set_values:setting", METHOD,
          "coordinates where they are used, values by kernels", (write, returned), LOAD)
      for module, name, write, returned in _SETTING),
    Row("anuga.operators.erosion_operators", "Erosion_operator.update_quantities",
        f"{_STEPS}.erosion:eroding", METHOD, "a kernel on all threads", (), LOAD),
    Row("anuga.operators.erosion_operators", "Bed_shear_erosion_operator.update_quantities",
        f"{_STEPS}.erosion:shearing", METHOD, "a kernel on all threads", (), LOAD),
    Row("anuga.operators.wind_stress_operator", "Wind_stress_operator.__call__",
        f"{_STEPS}.wind:blowing", METHOD, "a kernel on all threads", (), LOAD),
    Row("anuga.operators.set_friction_operators", "Set_depth_friction_operator.__call__",
        f"{_STEPS}.friction:asking_one_by_one", METHOD, "no object for each triangle", (), LOAD),
    Row("anuga.operators.rate_operators", "Rate_operator.__init__",
        "anuga_lean.overlay.late_imports:importing_less", METHOD, "loads no xarray", (), LOAD),
    Row("anuga.parallel.distribute_mesh", "build_submesh",
        "anuga_lean.overlay.late_imports:importing_less", WRAPPED, "loads no hashlib", (), LOAD),
    *(Row("anuga.parallel.distribute_mesh", name, "anuga_lean.quantity.views:with_neighbours",
          WRAPPED, "its compiled search takes no read-only array", (), LOAD)
      for name in ("ghost_layer", "ghost_bnd_layer", "submesh_ghost")),
    Row("anuga.fit_interpolate.general_fit_interpolate", "FitInterpolate.__init__",
        f"{_TAKES_MESH}:accepting_lean_mesh", METHOD, "takes a lean mesh", (), LOAD),
    Row("anuga.fit_interpolate.fit", "_fit_to_mesh",
        f"{_TAKES_MESH}:fitting_lean_meshes", WRAPPED, "fits in less memory", (), LOAD),
    Row("anuga.pmesh.mesh_quadtree", "MeshQuadtree.__init__",
        f"{_TAKES_MESH}:accepting_lean_mesh_to_search", METHOD, "takes a lean mesh", (),
        LOAD),
    *(Row(_QUANTITY_KERNELS, name, f"{_QUANTITY_CALLS}:by_method", WRAPPED_BINDING,
          "a lean quantity does it", (name,), LOAD) for name in _QUANTITY_BY_METHOD),
    *(Row(_QUANTITY_KERNELS, name, f"{_QUANTITY_CALLS}:on_real_quantity", WRAPPED_BINDING,
          "reads and writes ANUGA's arrays", (), LOAD) for name in _QUANTITY_ON_REAL_ARRAYS),
    *(Row("anuga.parallel.parallel_generic_communications", name, f"{_HALO}:exchanging",
          WRAPPED, "requests made once", (), LOAD)
      for name in ("communicate_ghosts_non_blocking", "communicate_tracer_ghosts",
                   "communicate_flux_timestep")),
    Row("anuga.parallel.parallel_generic_communications", "communicate_bed_ghosts",
        f"{_HALO}:exchanging_bed", WRAPPED, "lean domains have computed edge values", (), LOAD,
        IF_THERE),
    Row("anuga.file.netcdf", "NetCDFFile", "anuga_lean.memory_limits:asking_for_room", WRAPPED,
        "asks for the memory without which netCDF ends the process", (), LOAD),
    Row("anuga.file.sww", "NetCDFFile", "anuga_lean.stepping.sww_header:opened_to_define",
        BINDING, "lays a new SWW file out once", (), LOAD),
    # after the rows that wrap some of these for other reasons
    *(Row(module, name, "anuga_lean.memory_limits:named", NAMED, "says what memory was for",
          (words,), LOAD, IF_THERE) for module, words, names in _NAMED for name in names),
]

# Defining module first, bases before subclasses.
_CLASSES = [
    Row("anuga.abstract_2d_finite_volumes.neighbour_mesh", "Mesh", "anuga_lean.mesh.mesh:Mesh",
        CLASS, "a mesh in blocks"),
    Row("anuga.abstract_2d_finite_volumes.quantity", "Quantity",
        "anuga_lean.quantity.quantity:Quantity", CLASS, "centroid values, the others computed"),
    Row("anuga.abstract_2d_finite_volumes.generic_domain", "Generic_Domain",
        "anuga_lean.stepping.generic_domain:Generic_Domain", CLASS, "makes lean meshes"),
    Row("anuga.structures.riverwall", "RiverWall", "anuga_lean.stepping.riverwalls:RiverWall",
        CLASS, "a list of wall edges"),
    Row("anuga.file.sww", "SWW_file", "anuga_lean.stepping.sww:SWW_file", CLASS,
        "frames written in parts"),
    Row("anuga.shallow_water.shallow_water_domain", "Domain",
        "anuga_lean.checkpoint.domain:Domain", CLASS, "stepped by lean kernels"),
    Row("anuga.operators.kinematic_viscosity_operator", "Kinematic_viscosity_operator",
        "anuga_lean.fractional_steps.kinematic_viscosity:Kinematic_viscosity_operator", CLASS,
        "arrays only while it solves"),
    Row("anuga.operators.barometric_pressure", "Barometric_pressure_operator",
        "anuga_lean.fractional_steps.barometric_pressure:Barometric_pressure_operator", CLASS,
        "coordinates only while it is called"),
]

_INSTALLED = [
    Row("anuga.abstract_2d_finite_volumes.quantity", "Quantity.__new__",
        "anuga_lean.quantity.quantity:Quantity", CONSTRUCTOR,
        "code that holds ANUGA's class gets a lean one"),
    Row("anuga.shallow_water.shallow_water_domain", "Domain.__new__",
        "anuga_lean.checkpoint.domain:Domain", CONSTRUCTOR,
        "code that holds ANUGA's class gets a lean one"),
    *_functions("anuga.shallow_water.checkpoint", "anuga_lean.checkpoint.loading",
                ("load_checkpoint_file",), "reads lean checkpoints too"),
    *_functions("anuga.abstract_2d_finite_volumes.mesh_factory", "anuga_lean.mesh.rectangles",
                ("rectangular", "rectangular_cross"), "makes no lists"),
    *_functions("anuga.extras", "anuga_lean.mesh.rectangles",
                ("rectangular_cross_mesh", "rectangular_cross_domain"), "makes a lean mesh"),
    *_functions("anuga.abstract_2d_finite_volumes.pmesh2domain", "anuga_lean.mesh.from_pmesh",
                ("pmesh_dict_to_tag_dict", "pmesh_to_mesh", "_pmesh_to_domain_instance"),
                "a triangulation without lists"),
    *_functions("anuga.abstract_2d_finite_volumes.basic_mesh", "anuga_lean.mesh.from_pmesh",
                ("basic_mesh_from_mesh_file",), "a triangulation without lists"),
    *_functions("anuga.abstract_2d_finite_volumes.basic_mesh", "anuga_lean.mesh.rectangles",
                ("rectangular_basic_mesh", "rectangular_cross_basic_mesh"), "makes no lists"),
    *_functions("anuga.extras", "anuga_lean.mesh.from_pmesh",
                ("_create_domain_from_regions", "_create_basic_mesh_from_regions"),
                "a triangulation without lists"),
    *_functions("anuga.parallel.partitioning", "anuga_lean.mpi.partitions",
                ("metis_partition", "morton_partition", "hilbert_partition"),
                "the same parts in less memory"),
    *_functions("anuga.parallel.parallel_api", "anuga_lean.mpi.distribution",
                ("distribute", "distribute_collaborative", "distribute_basic_mesh",
                 "distribute_basic_mesh_collaborative"), "the part of one rank at a time"),
    *_functions("anuga.parallel.sequential_distribute", "anuga_lean.mpi.partition_files",
                ("sequential_distribute_dump", "sequential_distribute_load",
                 "sequential_distribute_load_pickle_file", "sequential_mesh_dump",
                 "sequential_mesh_load"), "the part of one rank at a time"),
    *_functions("anuga.utilities.sww_merge", "anuga_lean.mpi.merging", ("sww_merge_parallel",),
                "merges in blocks"),
    *(Row(module, name, _READS, WRAPPED, why, (own,)) for module, name, own, why in _READING),
    # only here: others that open a file want arrays
    Row("anuga.abstract_2d_finite_volumes.file_function", "NetCDFFile",
        "anuga_lean.results.doors:opened_for_function", BINDING, "frames when they are used"),
    Row("anuga.fit_interpolate.interpolate", "Interpolation_function.__init__",
        "anuga_lean.results.doors:interpolating_stored", METHOD, _BY_FRAME),
    Row("anuga.utilities._sww_frames", "SWWSource.__init__",
        "anuga_lean.results.doors:keeping_one_frame", METHOD, "rows of one frame, not of several",
        (), INSTALL, ONCE_LOADED),
    Row("anuga.utilities.animate", "SWW_plotter.water_volume",
        "anuga_lean.results.doors:of_all_triangles", METHOD, "makes no list of all triangles",
        (), INSTALL, IF_LOADED),
    Row("anuga.utilities._sww_frames", "FrameArray._frame", _READS, METHOD,
        "computes some triangles at a time", ("plotting:frame_of",), INSTALL, ONCE_LOADED),
    Row("anuga.abstract_2d_finite_volumes.basic_mesh", "Basic_mesh._build_neighbours",
        "anuga_lean.mesh.rectangles:build_neighbours", METHOD, "those of a rectangle are known"),
    # only here: in its own module it still gives lists to a script
    Row("anuga.abstract_2d_finite_volumes.generic_domain", "pmesh_to_domain",
        "anuga_lean.mesh.from_pmesh:mesh_file_parts", BINDING, "reads a mesh file without lists"),
    # not mesh_engine's own: code that calls that one expects its arguments to be changed
    Row("anuga.pmesh.mesh", "generate_mesh", "anuga_lean.mesh.generator:generate_mesh", BINDING,
        "a process of its own gives its memory back"),
    Row("python", "sys.exit", "anuga_lean.overlay.stopping_ranks:stop_all_together", PROCESS,
        "notes that a rank leaves; exit, quit and atexit too", (), INSTALL, ON_RANKS),
    *(Row(module, name, "anuga_lean.overlay.stopping_ranks:seen_together", WRAPPED,
          "ranks that do not see each other say so")
      for module, names in _SHARE_A_MODEL for name in names),
    Row("anuga", "_anuga_lean", "anuga_lean.overlay.install:mark", MARK,
        "what is in, for a module that is reloaded"),
]

# Import statements at the top of ANUGA's modules that wait, (module, names after
# `from ... import`), and what the module adds to the RSS of a process that has numpy
# (MiB, Linux x86-64, Python 3.11).
_WAITING = (
    ("matplotlib.pyplot", (), "40 MiB"),
    ("scipy", (), "2 MiB"),
    ("scipy.interpolate", ("interp1d",), "51 MiB"),
    ("scipy.optimize", (), "49 MiB"),
    ("scipy.sparse", (), "31 MiB with the next"),
    ("scipy.sparse.linalg", (), "31 MiB with the one before"),
    ("dill", (), "4 MiB"),
    ("hashlib", (), "4 MiB: OpenSSL"),
    ("zipfile", (), "0.5 MiB"),
    ("pdb", (), "1 MiB"),
    ("shutil", ("copy",), "0.5 MiB with the next"),
    ("shutil", (), "0.5 MiB with the one before"),
    ("random", (), "0.2 MiB"),
)
# Packages of which stock ANUGA leaves modules loaded: `import matplotlib` alone is enough there
# to say matplotlib.pyplot.
COMPLETED = ("concurrent", "importlib", "matplotlib", "mpi4py", "packaging", "PIL")

# What ANUGA takes from mpi4py.MPI at its import, besides functions.
_OF_MPI = ("COMM_WORLD", "MAX", "MIN", "SUM", "PROD", "LAND", "BAND", "LOR", "BOR", "LXOR", "BXOR",
           "MAXLOC", "MINLOC", "Get_processor_name")

# What comes in by `import anuga_lean`, and while it has ANUGA imported: `import_hook` and
# `late_imports` put it there.
_IMPORTING = "anuga_lean.overlay.late_imports"
_LATE_MPI = "anuga_lean.overlay.late_mpi"
_AROUND = [
    *(Row("anuga", f"from {module} import {', '.join(names)}" if names else f"import {module}",
          f"{_IMPORTING}:importing_anuga", LATE, f"loaded at its first use: {nbytes}",
          (module, names), AROUND,
          "in whichever module says so") for module, names, nbytes in _WAITING),
    *(Row("anuga", f"from {module} import {', '.join(names)}", f"{_LATE_MPI}:stand_in", LATE,
          "MPI begins when ranks are asked for: 12 MiB", (module, names), AROUND, ALONE)
      for module, names in (("mpi4py", ("MPI",)), ("mpi4py.MPI", _OF_MPI))),
    *(Row("anuga.utilities.parallel_abstraction", name, f"{_LATE_MPI}:{name}", WRAPPED,
          "MPI begins when ranks are asked for", (), AROUND, ALONE)
      for name in ("finalize", "get_processor_name")),
    Row("python", "sys.meta_path: import_hook", "anuga_lean.overlay.import_hook:watch", PROCESS,
        "lean classes come in with `import anuga`", (), AROUND, "until ANUGA is imported"),
    Row("python", "sys.meta_path: late_imports", f"{_IMPORTING}:importing_anuga", PROCESS,
        "what is done once a module is loaded", (), AROUND),
    Row("python", "sys.meta_path: mpi_settings", "anuga_lean.overlay.mpi_settings:watch", PROCESS,
        "Open MPI 5.0.10 and 5.0.11 get OMPI_MCA_btl_sm_free_list_max", (), AROUND,
        "until MPI starts"),
    Row("python", "builtins.__import__", f"{_IMPORTING}:importing_anuga", PROCESS,
        "what ANUGA imports for a few functions waits", (), AROUND,
        "while ANUGA, a Rate_operator or a submesh is made"),
    *(Row("python", f"{package}.__getattr__", f"{_IMPORTING}:importing_anuga", PROCESS,
          "a module of it that stock ANUGA leaves loaded", (), AROUND, "once it is imported")
      for package in COMPLETED),
    Row("python", "class of ANUGA's modules", f"{_IMPORTING}:importing_anuga", PROCESS,
        "shows what a late import stands for", (), AROUND, "of modules that hold one"),
    Row("python", "bases of subclasses", "anuga_lean.overlay.rebinding:reparent_all", PROCESS,
        "they derive from the lean classes", (), AROUND),
    Row("python", "site-packages/anuga_lean.pth", "anuga_lean", PROCESS,
        "brings lean classes into what `anuga_lean run` starts", (), AROUND,
        "where ANUGA_LEAN is set"),
]

TABLE: tuple[Row, ...] = (*_LOADED, *_CLASSES, *_INSTALLED, *_AROUND)


def own_modules() -> frozenset[str]:
    """Return the modules of this package that import ANUGA at their top."""
    found = {row.own.partition(":")[0] for row in TABLE if row.kind in (CLASS, FUNCTION)}
    return frozenset(found - {"anuga_lean.checkpoint.loading"} | {_HALO})
