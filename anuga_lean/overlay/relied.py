"""Lists the sources of ANUGA's that the lean classes replace, extend or do over.

Owns the list alone; how a source becomes a fingerprint is `fingerprint`'s.  A whole
file stands here where lean classes derive from its classes, or do what most of its
functions do; single functions where one is replaced, wrapped or relied on.
"""

from __future__ import annotations

ALL = ("*",)

# File below the package anuga: names in it, `Class` with all its methods, or `*`.
RELIED = {
    # the state, the mesh and the order of a step, which lean classes derive from
    "abstract_2d_finite_volumes/general_mesh.py": ALL,
    "abstract_2d_finite_volumes/generic_domain.py": ALL,
    "abstract_2d_finite_volumes/neighbour_mesh.py": ALL,
    "abstract_2d_finite_volumes/quantity.py": ALL,
    "abstract_2d_finite_volumes/tag_region.py": ALL,
    "shallow_water/shallow_water_domain.py": ALL,
    "config.py": ALL,
    # boundaries: what a step lets them read and write, and which read nothing else
    "abstract_2d_finite_volumes/generic_boundary_conditions.py": ALL,
    "shallow_water/boundaries.py": ALL,
    # friction, walls and operators that are done over
    "shallow_water/friction.py": ALL,
    "structures/riverwall.py": ALL,
    "operators/base_operator.py": ALL,
    "operators/kinematic_viscosity_operator.py": ALL,
    "operators/elliptic_operator.py": ALL,
    "operators/barometric_pressure.py": ALL,
    "utilities/cg_solve.py": ALL,
    "utilities/function_utils.py": ("evaluate_file_function_all_points",),
    "operators/boundary_flux_integral_operator.py": ALL,
    "operators/collect_max_quantities_operator.py": ("Collect_max_quantities_operator",),
    "operators/collect_max_stage_operator.py": ALL,
    "operators/erosion_operators.py": ALL,
    "operators/set_elevation.py": ("Set_elevation",),
    "operators/set_stage.py": ("Set_stage",),
    "operators/set_friction_operators.py": ("Set_depth_friction_operator",),
    "operators/set_quantity.py": ("Set_quantity",),
    "operators/set_quantity_operator.py": ("Set_quantity_operator",),
    "operators/set_stage_operator.py": ("Set_stage_operator",),
    "operators/wind_stress_operator.py": ALL,
    "structures/inlet.py": ("level_stages_to_average", "Inlet"),
    "structures/inlet_enquiry.py": ("Inlet_enquiry",),
    "structures/structure_operator.py": ("_c_culvert_type_of", "_call_c_culvert",
                                         "_get_c_culvert_funcs"),
    "operators/rate_operators.py": ("Rate_operator",),
    # meshes: factories, files, regions, the generator
    "abstract_2d_finite_volumes/basic_mesh.py": ALL,
    "abstract_2d_finite_volumes/mesh_factory.py": ("rectangular", "rectangular_cross"),
    "abstract_2d_finite_volumes/pmesh2domain.py": ALL,
    "abstract_2d_finite_volumes/region.py": ("Region",),
    "extras.py": ("rectangular_cross_mesh", "rectangular_cross_domain",
                  "create_domain_from_regions", "_create_domain_from_regions",
                  "create_basic_mesh_from_regions", "_create_basic_mesh_from_regions"),
    "load_mesh/loadASCII.py": ("import_mesh_file", "_read_tsh_file", "_read_triangulation",
                               "_read_msh_file"),
    "mesh_engine/mesh_engine.py": ALL,
    "pmesh/mesh.py": ("Pmesh.generate_mesh",),
    "pmesh/mesh_interface.py": ("create_pmesh_from_regions", "_create_pmesh_from_regions"),
    "geometry/polygon.py": ("inside_polygon", "is_inside_polygon", "line_intersect",
                            "polygon_overlap", "polygon_area", "separate_points_by_polygon"),
    # fits and look-ups
    "fit_interpolate/fit.py": ALL,
    "fit_interpolate/general_fit_interpolate.py": ALL,
    "fit_interpolate/interpolate.py": ("Interpolate", "interpolate", "Interpolation_function"),
    "geometry/quad.py": ALL,
    "pmesh/mesh_quadtree.py": ALL,
    "utilities/sparse.py": ALL,
    "utilities/system_tools.py": ("quantity_memory_stats",),
    # files, and what reads them back
    "abstract_2d_finite_volumes/file_function.py": ("get_netcdf_file_function",),
    "file/netcdf.py": ("NetCDFFile",),
    "file/sts.py": ("Write_sts",),
    "file/sww.py": ("Data_format", "SWW_file", "Write_sww", "acquire_sww_lock",
                    "get_mesh_and_quantities_from_file", "release_sww_lock", "weed"),
    "file_conversion/sww2dem.py": ("sww2dem",),
    "shallow_water/sww_interrogate.py": (
        "get_flow_through_cross_section", "get_interpolated_quantities_at_polyline_midpoints",
        "get_interpolated_quantities_at_multiple_polyline_midpoints",
        "get_maximum_inundation_data"),
    "utilities/_sww_frames.py": ("FrameArray", "SWWSource"),
    "utilities/animate.py": ("SWW_plotter.__init__", "SWW_plotter.water_volume"),
    "utilities/plot_utils.py": (
        "get_output", "getInds", "_read_tracers", "_read_output", "get_centroids", "_getCentVar",
        "_get_centroid_values", "_tracer_names_from", "make_grid", "Make_Geotif"),
    "shallow_water/checkpoint.py": ALL,
    "utilities/sww_merge.py": ALL,
    # ranks
    "parallel/distribute_mesh.py": ALL,
    "parallel/parallel_api.py": ALL,
    "parallel/parallel_generic_communications.py": ALL,
    "parallel/parallel_inlet.py": ("Parallel_Inlet",),
    "parallel/parallel_inlet_enquiry.py": ("Parallel_Inlet_enquiry",),
    "parallel/parallel_inlet_operator.py": ("Parallel_Inlet_operator",),
    "parallel/parallel_meshes.py": ("parallel_rectangular_domain",
                                    "parallel_rectangular_cross_domain"),
    "parallel/parallel_operator_factory.py": ("allocate_inlet_procs",),
    "parallel/parallel_shallow_water.py": ALL,
    "parallel/partitioning.py": ALL,
    "parallel/sequential_distribute.py": ALL,
    "utilities/parallel_abstraction.py": ALL,
}
