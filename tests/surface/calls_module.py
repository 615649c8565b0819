"""A call of every public name of the module that makes or takes a domain, mesh or quantity.

The other names are compared by kind and signature, and have to be the very
objects that stock has.
"""

from __future__ import annotations

_SQUARE = "[[0.0, 0.0], [30.0, 0.0], [30.0, 20.0], [0.0, 20.0]]"
_TAGS = "{'south': [0], 'east': [1], 'north': [2], 'west': [3]}"
_LINE_X = "[[1010.3, 2004.1], [1010.4, 2015.8]]"
_ACROSS = "[[1025.3, 2004.1], [1025.4, 2015.8]]"
_ENDS = "[[1010.3, 2010.1], [1026.4, 2010.8]]"
_WALLED = "d.set_boundary({'right': %s})"
_AREA = "maximum_triangle_area=20.0, verbose=False"
_CULVERT = f"losses=1.5, end_points={_ENDS}, manning=0.013, enquiry_gap=1.0, verbose=False"
_GAUGE = "name, easting, northing\\ng1, 1012.0, 2003.0\\ng2, 1025.0, 2011.0\\n"
_RAIN = "np.full(n, 1.0e-3)"
_SIZED = "20.0, streams=[(60.0, 3.0)], floodplain=[(0.1, 60.0, 6.0)]"


def _boundary(name: str, arguments: str) -> list[str]:
    return [_WALLED % f"anuga.{name}({arguments})", f"repr(anuga.{name}({arguments}))"]


def _operator(name: str, arguments: str, *more: str) -> list[str]:
    return [f"type(put(d, 'operator', anuga.{name}(d, {arguments})))", *more,
            "d.operator.statistics()", "d.operator.timestepping_statistics()"]


_LEVEL = "lambda t: -0.1 + 0.05 * t"
_THREE = "lambda t: [-0.1 + 0.05 * t, 0.1, 0.0]"

BOUNDARIES = {
    "Absorbing_wave_boundary": _boundary("Absorbing_wave_boundary", f"d, {_LEVEL}"),
    "Characteristic_stage_boundary": _boundary("Characteristic_stage_boundary", f"d, {_LEVEL}"),
    "Characteristic_wave_boundary": _boundary("Characteristic_wave_boundary", f"d, {_LEVEL}"),
    "Compute_fluxes_boundary": _boundary("Compute_fluxes_boundary", ""),
    "Dirichlet_boundary": _boundary("Dirichlet_boundary", "[-0.2, 0.1, 0.0]"),
    "Field_boundary": ["sww()", _WALLED % "anuga.Field_boundary('stored.sww', d, mean_stage=0.1)"],
    "File_boundary": ["sww()", _WALLED % "anuga.File_boundary('stored.sww', d)"],
    "Flather_external_stage_zero_velocity_boundary": _boundary(
        "Flather_external_stage_zero_velocity_boundary", f"d, {_LEVEL}"),
    "Reflective_boundary": _boundary("Reflective_boundary", "d"),
    "Time_boundary": _boundary("Time_boundary", f"d, {_THREE}"),
    "Time_space_boundary": _boundary("Time_space_boundary",
                                     "d, lambda t, x, y: [-0.2 + 0.001 * x, 0.0, 0.0]"),
    "Time_stage_zero_momentum_boundary": _boundary("Time_stage_zero_momentum_boundary",
                                                   f"d, {_LEVEL}"),
    "Transmissive_boundary": _boundary("Transmissive_boundary", "d"),
    "Transmissive_momentum_set_stage_boundary": _boundary(
        "Transmissive_momentum_set_stage_boundary", f"d, {_LEVEL}"),
    "Transmissive_n_momentum_zero_t_momentum_set_stage_boundary": _boundary(
        "Transmissive_n_momentum_zero_t_momentum_set_stage_boundary", f"d, {_LEVEL}"),
    "Transmissive_stage_zero_momentum_boundary": _boundary(
        "Transmissive_stage_zero_momentum_boundary", "d"),
}

OPERATORS = {
    "Barometric_pressure_operator": _operator("Barometric_pressure_operator",
                                              "pressure=lambda t, x, y: 101000.0 + x"),
    "Bed_shear_erosion_operator": _operator("Bed_shear_erosion_operator", "polygon=P"),
    "Flat_fill_slice_erosion_operator": _operator("Flat_fill_slice_erosion_operator",
                                                  "polygon=P, elevation=-0.3"),
    "Flat_slice_erosion_operator": _operator("Flat_slice_erosion_operator",
                                             "polygon=P, elevation=-0.3"),
    "Sanddune_erosion_operator": _operator("Sanddune_erosion_operator", "polygon=P"),
    "Boyd_box_operator": _operator("Boyd_box_operator", f"width=2.0, height=1.0, {_CULVERT}"),
    "Boyd_pipe_operator": _operator("Boyd_pipe_operator", f"diameter=1.2, {_CULVERT}"),
    "Weir_orifice_trapezoid_operator": _operator(
        "Weir_orifice_trapezoid_operator", f"width=2.0, height=1.0, z1=1.0, z2=1.0, {_CULVERT}"),
    "Internal_boundary_operator": [
        "anuga.Internal_boundary_operator(d, lambda hw, tw: 0.1 * (hw - tw), width=2.0, "
        f"height=1.0, end_points={_ENDS}, apron=1.0, enquiry_gap=1.0, verbose=False)"],
    "Create_culvert_bridge_Operator": [
        "anuga.Create_culvert_bridge_Operator(d, write('culvert.txt', "
        f"'exchange_lines = [{_LINE_X}, {_ACROSS}]\\nlosses = 1.5\\nheight = 1.0\\nwidth = 2.0\\n"
        "manning = 0.013\\napron = 0.1\\nenquiry_gap = 1.0\\nz1 = 1.0\\nz2 = 1.0\\n"
        "invert_elevations=None\\nblockage=0.0\\nbarrels=1.0\\n'))"],
    "Structure_operator": [f"type(anuga.Structure_operator(d, end_points={_ENDS}, width=2.0, "
                           "height=1.0, manning=0.013, apron=1.0, enquiry_gap=1.0))"],
    "Inlet_operator": _operator("Inlet_operator", f"{_LINE_X}, Q=0.5"),
    "Kinematic_viscosity_operator": [
        "d.set_boundary({each: anuga.Dirichlet_boundary([-0.2, 0, 0]) for each in "
        "d.get_boundary_tags()})", "type(anuga.Kinematic_viscosity_operator(d))"],
    "Operator": ["put(d, 'operator', anuga.Operator(d))", "d.operator.statistics()"],
    "Raster_rate_operator": ["anuga.Raster_rate_operator(d, 'missing.nc')"],
    "ARR_rate_operator": ["anuga.ARR_rate_operator(d, None, None)"],
    "Rate_operator": _operator("Rate_operator", "rate=1.0e-3, polygon=P") + [
        "anuga.Rate_operator(d, rate=lambda t: 1.0e-3 * t)",
        "anuga.Rate_operator(d, rate=lambda x, y, t: 1.0e-5 * x)",
        "anuga.Rate_operator(d, rate=d.quantities['friction'], factor=1.0e-3)",
        f"anuga.Rate_operator(d, rate={_RAIN})"],
    "Region": ["put(d, 'here', anuga.Region(d, polygon=P))", "d.here.get_indices()",
               "anuga.Region(d, center=[1020.0, 2010.0], radius=6.0)",
               "anuga.Region(d, indices=[1, 2])", f"anuga.Region(d, line={_LINE_X})",
               "anuga.Region(d, polygon=P, expand_polygon=True)"],
    "Sediment_transport_operator": ["d.add_sediment_fraction('sand', diameter=2.0e-4)",
                                    "type(anuga.Sediment_transport_operator(d))"],
    "Set_depth_friction_operator": _operator("Set_depth_friction_operator",
                                             "friction=lambda h: 0.02 + 0.01 * h"),
    "Set_elevation": ["anuga.Set_elevation(d, elevation=-0.2, polygon=P)()",
                      "anuga.Set_elevation(d, elevation=lambda x, y: -0.01 * (x - 1000))()"],
    "Set_elevation_operator": _operator("Set_elevation_operator",
                                        "elevation=lambda t: -0.2 - 0.1 * t, polygon=P"),
    "Set_quantity": ["anuga.Set_quantity(d, 'friction', 0.05, polygon=P)()",
                     "anuga.Set_quantity(d, 'stage', lambda x, y: 0.1, "
                     "center=[1020.0, 2010.0], radius=6.0)()"],
    "Set_quantity_operator": _operator("Set_quantity_operator",
                                       "'xmomentum', lambda t: 0.1 * t, polygon=P"),
    "Set_stage": ["anuga.Set_stage(d, stage=0.2, polygon=P)()"],
    "Set_stage_operator": _operator("Set_stage_operator", "stage=lambda t: 0.1 * t, polygon=P"),
    "Wind_stress_operator": _operator("Wind_stress_operator",
                                      "speed=lambda t, x, y: 20.0 + 0 * x, phi=30.0"),
    "pumping_station_function": [
        "put(d, 'pump', anuga.pumping_station_function(d, 1.0, 0.2, 0.1, verbose=False))",
        "[d.pump(0.3, 0.1), d.pump(0.1, 0.3)]"],
}

FACTORIES = {
    "Domain": [
        "anuga.Domain(*anuga.rectangular_cross(3, 2))",
        "anuga.Domain([[0., 0.], [1., 0.], [0., 1.]], [[0, 1, 2]])", "anuga.Domain()",
        "then(d.save_mesh_to_tsh('walked.tsh'), anuga.Domain('walked.tsh'))",
        "anuga.Domain('missing.tsh')",
        "anuga.Domain(*anuga.rectangular_cross(3, 2), ghost_recv_dict={}, verbose=True)"],
    "Generic_Domain": [
        "anuga.Generic_Domain(*anuga.rectangular_cross(3, 2), conserved_quantities=['c'])"],
    "Mesh": ["anuga.Mesh([[0., 0.], [1., 0.], [0., 1.]], [[0, 1, 2]])",
             "anuga.Mesh(*anuga.rectangular_cross(3, 2), use_inscribed_circle=True)",
             "anuga.Mesh([[0., 0.], [1., 0.], [0., 1.]], [[0, 2, 1]])", "str(m)", "repr(m)"],
    "Quantity": ["anuga.Quantity(d)", "anuga.Quantity(d, name='dye', register=True)",
                 "anuga.Quantity(d, np.ones((n, 3)), 'salt')", "sorted(d.quantities)",
                 "anuga.Quantity(d, name='mud', qty_type='centroid_only').centroid_values",
                 "anuga.Quantity(3)", "anuga.Quantity(d, np.ones((3, 3)))",
                 "anuga.Quantity(d, name='foam', qty_type='edge_diagnostic').edge_values"],
    "Basic_mesh": ["anuga.Basic_mesh(*anuga.rectangular(3, 2)[:2])",
                   "anuga.rectangular_cross_basic_mesh(3, 2)"],
    "basic_mesh_from_mesh_file": ["d.save_mesh_to_tsh('walked.tsh')",
                                  "anuga.basic_mesh_from_mesh_file('walked.tsh')"],
    "create_basic_mesh_from_regions": [
        f"anuga.create_basic_mesh_from_regions({_SQUARE}, {_TAGS}, {_AREA})"],
    "create_domain_from_file": ["d.save_mesh_to_tsh('walked.tsh')",
                                "anuga.create_domain_from_file('walked.tsh')"],
    "create_domain_from_regions": [
        f"anuga.create_domain_from_regions({_SQUARE}, {_TAGS}, {_AREA})",
        f"anuga.create_domain_from_regions({_SQUARE}, {_TAGS}, {_AREA}, "
        "interior_regions=[([[2.0, 2.0], [9.0, 2.0], [9.0, 9.0]], 4.0)], "
        "breaklines=[[[12.0, 1.0], [12.0, 18.0]]])"],
    "create_mesh_from_regions": [
        f"anuga.create_mesh_from_regions({_SQUARE}, {_TAGS}, filename='r.msh', {_AREA})",
        "anuga.create_domain_from_file('r.msh')"],
    "create_pmesh_from_regions": [
        f"anuga.pmesh_to_mesh(anuga.create_pmesh_from_regions({_SQUARE}, {_TAGS}, {_AREA}))"],
    "pmesh_to_basic_mesh": [
        f"put(d, 'p', anuga.create_pmesh_from_regions({_SQUARE}, {_TAGS}, {_AREA})) and 0",
        "anuga.pmesh_to_basic_mesh(d.p)"],
    "pmesh_to_domain_instance": ["d.save_mesh_to_tsh('walked.tsh')",
                                 "anuga.pmesh_to_domain_instance('walked.tsh', anuga.Domain)"],
    "pmesh_to_mesh": [
        f"anuga.pmesh_to_mesh(anuga.create_pmesh_from_regions({_SQUARE}, {_TAGS}, {_AREA}))"],
    "rectangular_basic_mesh": ["anuga.rectangular_basic_mesh(3, 2)"],
    "rectangular_cross_basic_mesh": ["anuga.rectangular_cross_basic_mesh(3, 2)"],
    "rectangular_cross_domain": ["anuga.rectangular_cross_domain(3, 2)",
                                 "anuga.rectangular_cross_domain(3, 2, len1=4.0, "
                                 "origin=(10.0, 20.0), verbose=False)"],
    "reorder_domain": [f"anuga.reorder_domain(d, method={name!r})"
                       for name in ("hilbert", "rcm", "morton", "nosuch")],
    "uniform_refine_domain": ["anuga.uniform_refine_domain(d)"],
    "create_domain_from_dem": [
        f"evolved(walled(anuga.create_domain_from_dem(dem(), {_SIZED}, pits={pits!r}, "
        "pit_outlets=['left'], verbose=False)))" for pits in (None, "fill", "breach")],
    "create_pmesh_from_dem": [
        f"anuga.pmesh_to_mesh(anuga.create_pmesh_from_dem(dem(), {_SIZED}, verbose=False))"],
    "size_field_from_dem": [f"anuga.size_field_from_dem(dem(), {_SIZED})"],
    "drainage_area_from_dem": ["anuga.drainage_area_from_dem(dem())",
                               "anuga.drainage_area_from_dem(dem(), bounding_polygon=P)"],
    "remove_mesh_pits": [
        "anuga.remove_mesh_pits(d, ['right'])", "bed.centroid_values",

        "d.set_quantity('elevation', lambda x, y: -0.02 * x + 0.4 * np.cos(x) * np.sin(y))",
        "anuga.remove_mesh_pits(d, ['right'], 'breach', max_depth=0.5, "
        "where=d.centroid_coordinates[:, 0] < 30.0)", "bed.centroid_values",
        "anuga.remove_mesh_pits(d, [3, 8], epsilon=0.01)"],
    "load_checkpoint_file": [
        "d.set_checkpointing(checkpoint_step=1)", "evolved(d)",
        "evolved(anuga.load_checkpoint_file('walked', 'CHECKPOINTS'))",
        "anuga.load_checkpoint_file('nosuch', 'CHECKPOINTS')"],
    "tsh2sww": ["d.save_mesh_to_tsh('walked.tsh')", "anuga.tsh2sww('walked.tsh')", "files()"],
    "Simulation": ["type(anuga.Simulation)"],
}

PARALLEL = {
    "distribute": ["anuga.distribute(d)", "anuga.distribute(d, verbose=True)"],
    "distribute_collaborative": ["anuga.distribute_collaborative(d)"],
    "distribute_basic_mesh": [
        "anuga.distribute_basic_mesh(anuga.rectangular_cross_basic_mesh(3, 2))"],
    "distribute_basic_mesh_collaborative": [
        "anuga.distribute_basic_mesh_collaborative(anuga.rectangular_cross_basic_mesh(3, 2))"],
    "sequential_distribute_dump": ["anuga.sequential_distribute_dump(d, 2)", "files()",
                                   "anuga.sequential_distribute_dump(d, 1, verbose=True)"],
    "sequential_distribute_load": ["anuga.sequential_distribute_dump(d, 1)",
                                   "anuga.sequential_distribute_load('walked')"],
    "sequential_mesh_dump": ["anuga.sequential_mesh_dump(d, 2)", "files()"],
    "sequential_mesh_load": ["anuga.sequential_mesh_dump(d, 1)",
                             "anuga.sequential_mesh_load('walked')"],
    "sequential_mesh_refine": ["anuga.sequential_mesh_dump(d, 1)",
                               "anuga.sequential_mesh_refine('walked', 1)", "files()"],
    "create_parallel_mesh": ["anuga.create_parallel_mesh(d, 2)", "files()"],
}

OF_A_DOMAIN = {
    "Domain_plotter": ["type(anuga.Domain_plotter(d))",
                       "[anuga.Domain_plotter(d).depth, anuga.Domain_plotter(d).triang.x]"],
    "SWW_plotter": ["type(anuga.SWW_plotter(sww()))", "anuga.SWW_plotter('stored.sww').stage"],
    "domain_memory_stats": ["type(anuga.domain_memory_stats(d))"],
    "domain_struct_stats": ["type(anuga.domain_struct_stats(d))"],
    "quantity_memory_stats": ["type(anuga.quantity_memory_stats(d))"],
    "print_domain_memory_stats": ["anuga.print_domain_memory_stats(d)"],
    "print_domain_struct_stats": ["anuga.print_domain_struct_stats(d)"],
    "print_quantity_memory_stats": ["anuga.print_quantity_memory_stats(d)"],
    "estimate_time_mem": ["anuga.estimate_time_mem(d, 1.0, 2.0, use_test_constants=True)"],
    "file_function": ["anuga.file_function(sww(), d, ['stage'], [[1012.0, 2003.0]])(0.5, 0)"],
    "fit_to_mesh": [
        "anuga.fit_to_mesh([[1.0, 1.0], [39.0, 1.0], [1.0, 19.0], [39.0, 19.0]], mesh=m, "
        "point_attributes=[1.0, 2.0, 3.0, 4.0])",
        "anuga.fit_to_mesh([[1.0, 1.0], [39.0, 1.0], [1.0, 19.0]], vertex_coordinates=m.nodes, "
        "triangles=m.triangles, point_attributes=[1.0, 2.0, 3.0])"],
    "fit_to_mesh_file": [
        "d.save_mesh_to_tsh('walked.tsh')",
        "anuga.fit_to_mesh_file('walked.tsh', write('p.csv', "
        "'x, y, level\\n1,1,1.0\\n39,1,2.0\\n1,19,3.0\\n39,19,4.0\\n'), 'fitted.tsh')",
        "text('fitted.tsh')"],
    "get_flow_through_cross_section": [
        "anuga.get_flow_through_cross_section(sww(), [[1020.3, 2001.0], [1020.4, 2019.0]])"],
    "slide_tsunami": ["d.set_quantity('stage', anuga.slide_tsunami(600.0, 150.0, 9.0, "
                      "thickness=15.0, x0=20.0, y0=10.0, domain=d))"],
    "slump_tsunami": ["d.set_quantity('stage', anuga.slump_tsunami(10.0, 5.0, 6.0, width=4.0, "
                      "thickness=1.0, radius=20.0, x0=20.0, y0=10.0, domain=d))"],
    "Polygon_function": [
        "d.set_quantity('friction', anuga.Polygon_function([(p, 0.05)], default=0.02))",
        "d.set_quantity('friction', anuga.Polygon_function([(P, 0.06)], default=0.02, "
        "geo_reference=d.geo_reference), location='centroids')"],
    "Geospatial_data": ["d.set_quantity('stage', anuga.Geospatial_data([[1.0, 1.0], [39.0, 1.0], "
                        "[1.0, 19.0], [39.0, 19.0]], [0.1, 0.2, 0.3, 0.1]))"],
    "sww2array": ["anuga.sww2array(sww(), quantity='stage', cellsize=5.0)"],
    "sww2csv_gauges": [f"anuga.sww2csv_gauges(sww(), write('g.csv', '{_GAUGE}'))",
                       "text('gauge_g1.csv')"],
    "sww2dem": ["anuga.sww2dem(sww(), 'out.asc', quantity='stage', cellsize=5.0)",
                "text('out.asc')"],
    "sww2obj": ["anuga.sww2obj(sww(), 5)"],
    "sww_merge": ["anuga.sww_merge('nosuch', 2)"],
}

CALLS: dict[str, list[str]] = BOUNDARIES | OPERATORS | FACTORIES | PARALLEL | OF_A_DOMAIN

# What neither makes nor takes a domain, mesh or quantity: stock's own objects.
STOCKS_OWN = """
abstract_2d_finite_volumes acos advection alpha_shape anuga_exceptions Arr_grd Arr_hub_rain
Arr_ifd_rain ARR_point_rainfall_patterns asc2dem barrier building_csv2gpkg cache caching
close_logfile collect_value config coordinate_transforms copy_code_files create_standard_parser
create_sts_boundary csv2timeseries_graphs dem2dem dem2pts EnquiryPointWarning epsg_to_ll
esri2sww extras ferret2sww file file_conversion file_length file_only finalize fit_interpolate g
Geo_reference geometry geospatial_data get_args get_host_name get_omp_num_threads
get_polygon_dictionary get_polygon_from_single_file get_polygon_list_from_files
get_polygon_value_list get_polygons_from_Mid_Mif get_processor_name get_revision_date
get_revision_number get_user_name get_version get_WCC_2002_Blockage_factor
get_WCC_2016_Blockage_factor gpkg2building_csv gpkg2polygon_csv_files gpkg2polygons gpkg_layers
gpu_offload_enabled gpu_offload_supported indent inside_polygon join ll_to_epsg llasc2pts
LLtoUTM load_csv_as_building_polygons load_csv_as_polygons load_mesh load_ungenerate log
log_verbose LOW_FROUDE_1 LOW_FROUDE_2 LOW_FROUDE_OFF LOW_FROUDE_TANGENTIAL_UPWIND memory_stats
mesh_engine mpi_extra_options mpicmd MULTIPROCESSOR_GPU MULTIPROCESSOR_OPENMP myid numprocs
operators parallel parse_standard_args parse_time plot_polygons plot_utils pmesh polygon_area
polygon_csv_files2gpkg polygons2gpkg print_memory_stats pypar_available rain
read_hole_dir_multi_files_with_single_poly read_hole_dir_single_file_with_multi_poly
read_multi_poly_file read_multi_poly_file_value read_polygon read_polygon_dir receive
rectangular rectangular_cross reduce reload run_anuga_script seconds_to_hhmmss send
set_gpu_offload set_logfile set_omp_num_threads shallow_water simulation Single_pattern
Size_field size_field_from_regions structures sww2dem_batch sww2timeseries sys TeeStream test
timefile2netcdf tsunami_source urs2nc urs2sts urs2sww utilities UTMtoLL velocity_protection
xya2pts
""".split()

# Names that came with ANUGA 4.2, by part: an older release need not have them.
LATER = {
    "module": """create_domain_from_dem create_pmesh_from_dem drainage_area_from_dem
                 LOW_FROUDE_TANGENTIAL_UPWIND remove_mesh_pits size_field_from_dem""".split(),
    "Domain": """get_tangential_upwind set_tangential_upwind sync_elevation_to_device
                 sync_friction_to_device""".split(),
    "Mesh": [],
    "Quantity": ["edge_values"],
}
