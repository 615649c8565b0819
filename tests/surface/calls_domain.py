"""A call, or several, of every public method and property of Domain.

Each expression is evaluated on stock and on lean with the names of `models.Tools`;
those of one name run one after the other on one domain.
"""

from __future__ import annotations

# Called without arguments, or read.
PLAIN = """
apply_fractional_steps apply_protection_against_isolated_degenerate_timesteps
check_integrity compute_boundary_flows compute_capabilities compute_forcing_terms
distribute_edges_to_vertices distribute_to_edges erodible_thickness get_CFL
get_active_set_stats get_algorithm_parameters get_area get_areas get_beta
get_boundary_flux_integral get_boundary_polygon get_boundary_tags get_centroid_transmissive_bc
get_cfl get_compute_fluxes_method get_compute_mode get_datadir get_disconnected_triangles
get_epsg get_evolve_max_timestep get_evolve_min_timestep get_evolve_starttime get_extent
get_flow_algorithm get_fractional_step_volume_integral get_full_nodes get_full_triangles
get_full_vertex_coordinates get_georeference get_global_max_speed get_global_name
get_hemisphere get_interpolation_object get_inv_tri_map get_lone_vertices
get_minimum_allowed_height get_minimum_storable_height get_multiprocessor_mode get_name
get_negative_volume_warning_fraction get_number_of_full_triangles get_number_of_nodes
get_number_of_triangles get_number_of_triangles_per_node get_quantity_names get_radii
get_relative_time get_sediment_names get_store get_store_centroids get_tagged_elements
get_time get_timestep get_timestepping_method get_timezone get_tracer_names get_tri_map
get_use_active_set get_using_centroid_averaging get_using_discontinuous_elevation get_zone
log_operator_timestepping_statistics print_algorithm_parameters print_operator_statistics
print_operator_timestepping_statistics print_volumetric_balance_statistics
protect_against_infinitesimal_and_negative_heights sediment_summary update_extrema
update_other_quantities update_special_conditions update_tracer_boundary_values
volumetric_balance_statistics
""".split()

READ = """
BEDLOAD_PARAMETER_SETS COMPUTE_MODES DE_LEEUW_FITS ROUSE_DSTAR_COEFFS ROUSE_LIMITS
ROUSE_ZC_COEFFS VEGETATION_FORMULATIONS VEGETATION_SEDIMENT_SHEAR flux_timestep g gpu
omp_num_threads timestep use_c_rk2_loop
""".split()

# What the methods of sediment need to be there first.
_SAND = "d.add_sediment_fraction('sand', diameter=2.0e-4)"
_DYE = "d.add_tracer('dye', initial_value=0.1)"
_STEP = ("d.update_boundary(), d.distribute_to_vertices_and_edges(), d.update_boundary(), "
         "d.compute_fluxes(), d.update_timestep(1.0, d.get_time() + 5.0)")

CALLS: dict[str, list[str]] = {
    # -- quantities
    "add_quantity": ["d.add_quantity('stage', 0.1)",
                     "d.add_quantity('stage', lambda x, y: 0.001 * x)",
                     "d.add_quantity('xmomentum', 0.1, location='centroids')",
                     "d.add_quantity('friction', 'elevation')"],
    "minimum_quantity": ["d.minimum_quantity('stage', -0.1)",
                         "d.minimum_quantity('stage', lambda x, y: -0.01 * x)",
                         "d.minimum_quantity('friction', 0.025, location='centroids')"],
    "maximum_quantity": ["d.maximum_quantity('stage', 'elevation')",
                         "d.maximum_quantity('stage', -0.2)",
                         "d.maximum_quantity('friction', 0.03)"],
    "set_quantity": [
        "d.set_quantity('stage', 0.3)",
        "d.set_quantity('stage', numeric=0.2, location='centroids')",
        "d.set_quantity('stage', lambda x, y: 0.01 * x - 0.002 * y)",
        "d.set_quantity('stage', function=lambda x, y: 0.02 * x, location='centroids')",
        "d.set_quantity('stage', np.arange(3.0 * n).reshape(n, 3))",
        "d.set_quantity('stage', np.arange(1.0 * n), location='centroids')",
        "d.set_quantity('xmomentum', np.arange(3.0 * n).reshape(n, 3), location='edges')",
        "d.set_quantity('stage', np.arange(1.0 * d.number_of_nodes), location='unique vertices')",
        "d.set_quantity('stage', 0.4, location='unique vertices')",
        "d.set_quantity('stage', 0.5, location='unique vertices', indices=[1, 4])",
        "d.set_quantity('stage', 0.6, location='vertices', indices=[2, 7])",
        "d.set_quantity('stage', [0.1, 0.2], location='centroids', indices=[2, 7])",
        "d.set_quantity('stage', lambda x, y: x, location='centroids', indices=[2, 7])",
        "d.set_quantity('stage', quantity=d.quantities['elevation'])",
        "d.set_quantity('stage', d.quantities['elevation'] + 0.3)",
        "d.set_quantity('stage', expression='elevation + 0.1 * friction')",
        "d.set_quantity('stage', 0.7, polygon=P)",
        "d.set_quantity('stage', -1.0, polygon=P, location='centroids')",
        "d.set_quantity('stage', 0.9, region=anuga.Region(d, center=[1020.0, 2010.0], radius=6.0))",
        "d.set_quantity('stage', 0.8, smooth=True)",
        "d.set_quantity('stage', np.nan)",
        "d.set_quantity('stage', 'elevation')",
        "d.set_quantity('height', 0.3)",
        "d.set_quantity('nosuch', 0.3)",
        "d.set_quantity('stage')",
        "d.set_quantity('stage', 1.0, function=lambda x, y: x)",
        "d.set_quantity('stage', 1.0, location='corners')",
        "d.set_quantity('stage', np.ones(5), location='centroids')",
        "d.set_quantity('stage', np.ones((5, 3)))",
        "d.set_quantity('elevation', lambda x, y: -0.01 * x)",
    ],
    "set_quantity_vertices_dict": ["d.set_quantity_vertices_dict({'stage': 0.2, "
                                   "'xmomentum': np.ones((n, 3)), 'friction': 0.03})"],
    "get_quantity": [
        "d.get_quantity('stage')",
        "d.get_quantity('elevation', location='centroids')",
        "d.get_quantity('xmomentum', location='edges', indices=[1, 5])",
        "d.get_quantity('nosuch')",
    ],
    "create_quantity_from_expression": [
        "d.create_quantity_from_expression('stage - elevation')",
        "d.create_quantity_from_expression('(xmomentum**2 + ymomentum**2)**0.5')",
        "d.create_quantity_from_expression('xmomentum/(stage-elevation+1.0e-6)')",
        "d.create_quantity_from_expression('2*stage')",
        "d.create_quantity_from_expression('-stage')",
        "d.create_quantity_from_expression('stage + nosuch')",
        "d.create_quantity_from_expression('3.0')",
    ],
    "get_conserved_quantities": ["d.get_conserved_quantities(3)",
                                 "d.get_conserved_quantities(3, vertex=1)",
                                 "d.get_conserved_quantities(3, edge=2)",
                                 "d.get_conserved_quantities(3, vertex=1, edge=2)",
                                 "d.get_conserved_quantities(3000)"],
    "get_evolved_quantities": ["d.get_evolved_quantities(3)",
                               "d.get_evolved_quantities(3, vertex=1)",
                               "d.get_evolved_quantities(3, edge=2)",
                               "d.get_evolved_quantities(3, vertex=1, edge=2)"],
    "conserved_values_to_evolved_values": [
        "d.conserved_values_to_evolved_values(np.array([1.0, 2.0, 3.0]), "
        "np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))"],
    "centroid_norm": ["d.centroid_norm('stage', np.max)",
                      "d.centroid_norm('xmomentum', np.linalg.norm)"],
    "quantity_statistics": ["d.quantity_statistics()",
                            "d.set_quantities_to_be_monitored(['stage', 'xmomentum'])",
                            "evolved(d)", "d.quantity_statistics()",
                            "d.quantity_statistics(precision='%.12g')"],
    "set_tag_region": ["d.set_tag_region('reeds', 'friction', 0.09)",
                       "d.set_tag_region('reeds', 'stage', 0.2, location='unique vertices')",
                       "d.set_tag_region('reeds', 'stage', lambda x, y: x)",
                       "d.set_tag_region('nosuch', 'friction', 0.09)"],
    "bed_slope_magnitude": ["d.bed_slope_magnitude()",
                            "d.bed_slope_magnitude(np.arange(1.0 * n) ** 2)"],
    # -- mesh
    "build_boundary_dictionary": ["d.build_boundary_dictionary({(0, 2): 'sea'})"],
    "build_tagged_elements_dictionary": ["d.build_tagged_elements_dictionary({'reeds': [1, 2]})",
                                         "d.build_tagged_elements_dictionary({'reeds': [1000]})"],
    "get_centroid_coordinates": ["d.get_centroid_coordinates()",
                                 "d.get_centroid_coordinates(absolute=True)"],
    "get_full_centroid_coordinates": ["d.get_full_centroid_coordinates()",
                                      "d.get_full_centroid_coordinates(absolute=True)"],
    "get_edge_midpoint_coordinate": ["d.get_edge_midpoint_coordinate(3, 1)",
                                     "d.get_edge_midpoint_coordinate(3, 1, absolute=True)"],
    "get_edge_midpoint_coordinates": ["d.get_edge_midpoint_coordinates()",
                                      "d.get_edge_midpoint_coordinates(triangle_id=4)",
                                      "d.get_edge_midpoint_coordinates(absolute=True)"],
    "get_intersecting_segments": [
        "d.get_intersecting_segments([[1001.0, 2004.3], [1039.0, 2015.9]])",
        "d.get_intersecting_segments([[1001.0, 2004.3], [1020.3, 2009.0], [1039.0, 2002.9]], "
        "verbose=True)", "d.get_intersecting_segments([[1.0, 4.3], [39.0, 15.9]])"],
    "get_nodes": ["d.get_nodes()", "d.get_nodes(absolute=True)"],
    "get_normal": ["d.get_normal(3, 1)", "d.get_normal([1, 3], [0, 2])"],
    "get_triangle_containing_point": [
        "d.get_triangle_containing_point([1013.3, 2007.1])",
        "[d.get_triangle_containing_point([1001.0 + i, 2002.2 + i]) for i in range(17)]",
        "d.get_triangle_containing_point([10.0, 10.0])"],
    "get_triangles": ["d.get_triangles()", "d.get_triangles(indices=[2, 7])"],
    "get_triangles_and_vertices_per_node": ["d.get_triangles_and_vertices_per_node()",
                                            "d.get_triangles_and_vertices_per_node(node=4)"],
    "get_triangles_inside_polygon": ["d.get_triangles_inside_polygon(P)",
                                     "d.get_triangles_inside_polygon(p)",
                                     "d.get_triangles_inside_polygon(P, verbose=True)"],
    "get_unique_vertices": ["d.get_unique_vertices()", "d.get_unique_vertices(indices=[2, 7])"],
    "get_vertex_coordinate": ["d.get_vertex_coordinate(3, 1)",
                              "d.get_vertex_coordinate(3, 1, absolute=True)",
                              "d.get_vertex_coordinate(3, 5)"],
    "get_vertex_coordinates": ["d.get_vertex_coordinates()",
                               "d.get_vertex_coordinates(absolute=True)",
                               "d.get_vertex_coordinates(triangle_id=5)",
                               "d.get_vertex_coordinates(triangle_id=5, absolute=True)"],
    "reorder": ["d.reorder(np.arange(n)[::-1])", "d.reorder(list(range(n - 1)))"],
    "save_mesh_to_file": ["d.save_mesh_to_file('walked.tsh')", "text('walked.tsh')",
                          "d.save_mesh_to_file('walked.msh')", "netcdf('walked.msh')"],
    "save_mesh_to_tsh": ["d.save_mesh_to_tsh('walked.tsh')", "text('walked.tsh')"],
    "set_georeference": ["d.set_georeference(anuga.Geo_reference(55, 5.0, 6.0))",
                         "d.get_extent(absolute=True)"],
    "statistics": ["d.statistics()", "d.statistics(nbins=4)"],
    "print_statistics": ["d.print_statistics()", "d.print_statistics(nbins=4)"],
    # -- boundaries
    "set_boundary": ["d.set_boundary({'left': anuga.Time_boundary(d, lambda t: [0.1 * t, 0, 0])})",
                     "d.set_boundary({'right': None})",
                     "d.set_boundary({'nosuch': None})", "d.boundary_map"],
    "boundary_statistics": ["d.boundary_statistics()", "d.boundary_statistics('stage')",
                            "d.boundary_statistics(['stage', 'xmomentum'], ['left', 'right'])",
                            "d.boundary_statistics(tags='left')"],
    "print_boundary_statistics": ["d.print_boundary_statistics()",
                                  "d.print_boundary_statistics(['stage'], ['left'])"],
    "write_boundary_statistics": ["d.write_boundary_statistics()",
                                  "d.write_boundary_statistics(['stage'], ['left'])"],
    "set_centroid_transmissive_bc": ["d.set_centroid_transmissive_bc(False)",
                                     "d.get_centroid_transmissive_bc()"],
    "update_boundary": ["d.update_boundary()",
                        "{k: each.boundary_values for k, each in d.quantities.items()}"],
    "update_boundary_old": ["d.update_boundary_old()"],
    "update_boundary_old_2": ["d.update_boundary_old_2()"],
    # -- water and flows
    "compute_total_volume": ["d.compute_total_volume()", "d.compute_total_volume(indices=[1, 4])"],
    "get_water_volume": [
        "d.get_water_volume()", "d.get_water_volume(indices=[1, 4, 30])",
        "d.get_water_volume(region=anuga.Region(d, polygon=P))", "d.volume_history"],
    "report_water_volume_statistics": [
        "d.report_water_volume_statistics()",
        "d.report_water_volume_statistics(verbose=False, returnStats=True)"],
    "get_flow_through_cross_section": [
        "d.get_flow_through_cross_section([[1020.3, 2001.0], [1020.4, 2019.0]])",
        "d.get_flow_through_cross_section([[1020.3, 2001.0], [1020.4, 2019.0]], verbose=True)"],
    "get_energy_through_cross_section": [
        "d.get_energy_through_cross_section([[1020.3, 2001.0], [1020.4, 2019.0]])",
        "d.get_energy_through_cross_section([[1020.3, 2001.0], [1020.4, 2019.0]], kind='specific')",
        "d.get_energy_through_cross_section([[1020.3, 2001.0], [1020.4, 2019.0]], kind='nosuch')"],
    "get_global_max_stage": ["d.get_global_max_stage()", "d.get_global_max_stage(indices=[1, 4])"],
    "get_global_wet_element_count": ["d.get_global_wet_element_count()",
                                     "d.get_global_wet_element_count(indices=[1, 4, 5])",
                                     "d.get_global_wet_element_count(minimum_height=0.1)"],
    "get_maximum_inundation_elevation": [
        "d.get_maximum_inundation_elevation()",
        "d.get_maximum_inundation_elevation(indices=[1, 4, 50])",
        "d.get_maximum_inundation_elevation(minimum_height=0.1)"],
    "get_maximum_inundation_location": ["d.get_maximum_inundation_location()",
                                        "d.get_maximum_inundation_location(indices=[1, 4, 50])"],
    "get_wet_elements": ["d.get_wet_elements()", "d.get_wet_elements(indices=[1, 4, 50])",
                         "d.get_wet_elements(minimum_height=0.1)"],
    "load_balance_statistics": ["d.load_balance_statistics()",
                                "d.load_balance_statistics(minimum_height=0.1)"],
    "print_load_balance_statistics": ["d.print_load_balance_statistics()",
                                      "d.print_load_balance_statistics(minimum_height=0.1)"],
    # -- steps by hand
    "evolve": ["[t for t in d.evolve(yieldstep=0.4, duration=0.8)]",
               "[t for t in d.evolve(yieldstep=0.3, outputstep=0.6, finaltime=d.get_time()+0.9)]",
               "[t for t in d.evolve(yieldstep=0.4, duration=0.8, skip_initial_step=True)]",
               "[t for t in d.evolve(yieldstep=0.4)]",
               "[t for t in d.evolve(yieldstep=0.4, duration=0.8, finaltime=9.0)]",
               "[t for t in d.evolve(yieldstep=0.3, outputstep=0.5, duration=0.9)]",
               "[t for t in d.evolve(yieldstep=0.4, finaltime=-3.0)]"],
    "evolve_one_euler_step": [_STEP, "d.evolve_one_euler_step(1.0, d.get_time() + 5.0)",
                              "d.quantities['stage'].centroid_values"],
    "evolve_one_rk2_step": [_STEP, "d.evolve_one_rk2_step(1.0, d.get_time() + 5.0)",
                            "d.quantities['stage'].centroid_values"],
    "evolve_one_rk3_step": [_STEP, "d.evolve_one_rk3_step(1.0, d.get_time() + 5.0)",
                            "d.quantities['stage'].centroid_values"],
    "evolve_one_ader2_step": ["d.set_flow_algorithm('DE_ader2')", _STEP,
                              "d.evolve_one_ader2_step(1.0, d.get_time() + 5.0)",
                              "d.quantities['stage'].centroid_values"],
    "evolve_to_end": ["d.evolve_to_end(finaltime=d.get_time() + 0.5)", "d.get_time()"],
    "distribute_to_vertices_and_edges": [
        "d.distribute_to_vertices_and_edges()", "q.vertex_values", "q.edge_values",
        "d.distribute_to_vertices_and_edges(distribute_to_vertices=False)", "u.edge_values"],
    "compute_fluxes": ["d.distribute_to_vertices_and_edges(), d.update_boundary()",
                       "d.compute_fluxes()", "d.flux_timestep", "u.explicit_update",
                       "q.explicit_update", "d.boundary_flux_sum"],
    "update_timestep": [_STEP, "d.timestep", "d.update_timestep(0.001, d.get_time() + 5.0)",
                        "d.timestep", "d.smallsteps"],
    "update_conserved_quantities": [_STEP, "d.update_conserved_quantities()",
                                    "[q.centroid_values, u.centroid_values]"],
    "backup_conserved_quantities": ["d.backup_conserved_quantities()", "q.centroid_backup_values"],
    "saxpy_conserved_quantities": [
        _STEP, "d.backup_conserved_quantities()", "d.update_conserved_quantities()",
        "d.saxpy_conserved_quantities(0.5, 0.5)", "[q.centroid_values, u.centroid_values]",
        "d.saxpy_conserved_quantities(2.0, 1.0, 3.0)", "[q.centroid_values, u.centroid_values]"],
    "update_ghosts": ["d.update_ghosts()", "d.update_ghosts(quantities=['stage'])"],
    "update_centroids_of_velocities_and_height": [
        "d.update_centroids_of_velocities_and_height()",
        "[d.quantities[k].centroid_values for k in ('xvelocity', 'yvelocity', 'height')]"],
    "update_centroids_of_momentum_from_velocity": [
        "d.update_centroids_of_velocities_and_height()",
        "put(d.quantities['xvelocity'].centroid_values, slice(3, 9), 0.2)",
        "d.update_centroids_of_momentum_from_velocity()", "u.centroid_values"],
    "update_domain_c_struct": ["d.set_minimum_allowed_height(0.01)",
                               "d.update_domain_c_struct()"],
    # -- settings
    "set_CFL": ["d.set_CFL(0.4)", "d.get_CFL()", "d.set_CFL(-1.0)"],
    "set_cfl": ["d.set_cfl(0.4)", "d.get_cfl()", "d.set_cfl(1.7)", "d.set_cfl(0.0)"],
    "set_beta": ["d.set_beta(0.5)", "d.get_beta()"],
    "set_betas": ["d.set_betas(0.3, 0.1, 0.4, 0.2, 0.5, 0.0)", "d.get_algorithm_parameters()"],
    "set_checkpointing": [
        "d.set_checkpointing(checkpoint=True, checkpoint_step=1)",
        "evolved(d)", "len(files())", "d.set_checkpointing(checkpoint=False)",
        "d.set_checkpointing(checkpoint_time=5.0, checkpoint_dir='Other')"],
    "set_collect_max_quantities": [
        "then(d.set_collect_max_quantities(), 'set')", "evolved(d)",
        "d.set_collect_max_quantities(update_frequency=2, collection_start_time=1.0)"],
    "set_compute_fluxes_method": ["d.set_compute_fluxes_method('DE')",
                                  "d.get_compute_fluxes_method()",
                                  "d.set_compute_fluxes_method('nosuch')"],
    "set_compute_mode": ["d.set_compute_mode('legacy')", "d.get_compute_mode()",
                         "d.set_compute_mode('nosuch')", "d.set_compute_mode('unified')"],
    "set_datadir": ["d.set_datadir('elsewhere')", "d.get_datadir()"],
    "set_default_order": ["d.set_default_order(1)", "d.set_default_order(2)",
                          "d.set_default_order(7)"],
    "set_epsg": ["d.set_epsg(32756)", "d.get_epsg()"],
    "set_evolve_max_timestep": ["d.set_evolve_max_timestep(0.05)", "d.get_evolve_max_timestep()"],
    "set_evolve_min_timestep": ["d.set_evolve_min_timestep(1.0e-7)",
                                "d.get_evolve_min_timestep()"],
    "set_evolve_starttime": ["d.set_evolve_starttime(3.0)", "d.get_evolve_starttime()"],
    "set_extrapolate_velocity": ["d.set_extrapolate_velocity()",
                                 "d.set_extrapolate_velocity(False)"],
    "set_fixed_flux_timestep": ["d.set_fixed_flux_timestep(0.05)",
                                "d.set_fixed_flux_timestep()", "d.set_fixed_flux_timestep(-1.0)"],
    "set_flow_algorithm": [f"d.set_flow_algorithm({name!r})" for name in
                           ("DE0", "DE1", "DE0_7", "DE1_7", "DE2", "1_5", "nosuch", "DE1")],
    "set_fractional_step_operator": [
        "d.set_fractional_step_operator(d.fractional_step_operators[0])",
        "len(d.fractional_step_operators)"],
    "set_gpu_interface": ["d.set_gpu_interface()"],
    "set_hemisphere": ["d.set_hemisphere('southern')", "d.get_hemisphere()",
                       "d.set_hemisphere('eastern')"],
    "set_institution": ["d.set_institution('somewhere')", "d.institution"],
    "set_low_froude": ["d.set_low_froude(1)", "d.set_low_froude(7)", "d.set_low_froude(2)"],
    "set_maximum_allowed_speed": ["d.set_maximum_allowed_speed(0.5)", "d.maximum_allowed_speed"],
    "set_minimum_allowed_height": ["d.set_minimum_allowed_height(0.02)",
                                   "d.get_minimum_allowed_height()"],
    "set_minimum_storable_height": ["d.set_minimum_storable_height(0.02)",
                                    "d.get_minimum_storable_height()"],
    "set_multiprocessor_mode": ["d.set_multiprocessor_mode(1)", "d.get_multiprocessor_mode()",
                                "d.set_multiprocessor_mode(7)", "d.set_multiprocessor_mode(2)"],
    "set_name": ["d.set_name('river')", "d.get_name()", "d.set_name('river.sww')",
                 "d.set_name()", "d.get_name()", "d.set_name(timestamp=True)"],
    "set_negative_volume_warning_fraction": ["d.set_negative_volume_warning_fraction(0.01)",
                                             "d.get_negative_volume_warning_fraction()",
                                             "d.set_negative_volume_warning_fraction(-1)"],
    "set_omp_num_threads": ["d.set_omp_num_threads(1)", "d.set_omp_num_threads()",
                            "d.set_omp_num_threads(1, verbose=False)", "d.omp_num_threads"],
    "set_points_file_block_line_size": ["d.set_points_file_block_line_size(700)",
                                        "d.points_file_block_line_size"],
    "set_quantities_to_be_monitored": [
        "d.set_quantities_to_be_monitored(['stage', 'xmomentum'])", "evolved(d)",
        "d.quantities_to_be_monitored",
        "d.set_quantities_to_be_monitored('stage-elevation')", "evolved(d)",
        "d.quantities_to_be_monitored",
        "d.set_quantities_to_be_monitored('stage', polygon=P, time_interval=[0.1, 9.0])",
        "evolved(d)", "d.quantities_to_be_monitored",
        "d.set_quantities_to_be_monitored(None)"],
    "set_quantities_to_be_stored": [
        "d.set_quantities_to_be_stored({'elevation': 2, 'stage': 2})",
        "d.set_quantities_to_be_stored(['stage', 'xmomentum'])", "d.quantities_to_be_stored",
        "d.set_quantities_to_be_stored(None)", "d.set_quantities_to_be_stored({'nosuch': 2})"],
    "set_relative_time": ["d.set_relative_time(1.5)", "d.get_time()"],
    "set_sloped_mannings_function": ["d.set_sloped_mannings_function()",
                                     "d.use_sloped_mannings"],
    "set_starttime": ["d.set_starttime(1.0)", "d.get_starttime()", "d.set_starttime(-1.0)"],
    "get_starttime": ["d.get_starttime()", "d.get_starttime(datetime=True)"],
    "get_datetime": ["d.get_datetime()", "d.get_datetime(3600.0)"],
    "set_store": ["d.set_store()", "evolved(d)", "netcdf('walked.sww')"],
    "set_store_centroids": ["d.set_store_centroids(False)", "d.get_store_centroids()"],
    "set_store_vertices_smoothly": ["d.set_store_vertices_smoothly(False)", "d.smooth",
                                    "d.set_store_vertices_smoothly(reduction=np.mean)"],
    "set_store_vertices_uniquely": ["d.set_store_vertices_uniquely()", "d.set_store()",
                                    "evolved(d)", "netcdf('walked.sww')",
                                    "d.set_store_vertices_uniquely(reduction=np.mean)"],
    "initialise_storage": ["d.set_store()", "d.initialise_storage()", "netcdf('walked.sww')"],
    "store_timestep": ["d.set_store()", "d.initialise_storage()", "d.store_timestep()",
                       "netcdf('walked.sww')"],
    "sww_merge": ["d.sww_merge()", "d.sww_merge(verbose=True)"],
    "set_time": ["d.set_time(1.2)", "d.get_time()"],
    "set_timestepping_method": [
        *[f"d.set_timestepping_method({name!r})" for name in ("euler", "rk2", "nosuch", "rk3")],
        "d.get_timestepping_method()"],
    "set_timezone": ["d.set_timezone('Australia/Sydney')", "d.get_timezone()",
                     "d.set_timezone('Nosuch/Place')", "d.set_timezone()"],
    "set_use_active_set": ["d.set_use_active_set()", "d.get_use_active_set()",
                           "d.get_active_set_stats()"],
    "set_use_kinematic_viscosity": ["d.set_use_kinematic_viscosity(False)"],
    "set_use_optimise_dry_cells": ["d.set_use_optimise_dry_cells()", "d.optimise_dry_cells"],
    "set_using_centroid_averaging": ["d.set_using_centroid_averaging(False)",
                                     "d.get_using_centroid_averaging()",
                                     "q.get_vertex_values(xy=False)"],
    "set_using_discontinuous_elevation": ["d.set_using_discontinuous_elevation(True)",
                                          "d.get_using_discontinuous_elevation()"],
    "set_zone": ["d.set_zone(55)", "d.get_zone()"],
    # -- what a script prints
    "timestepping_statistics": [
        "d.timestepping_statistics()", "d.timestepping_statistics(track_speeds=True)",
        "d.timestepping_statistics(track_speeds=True, triangle_id=5)",
        "d.timestepping_statistics(relative_time=True, time_unit='hr')",
        "d.timestepping_statistics(datetime=True)",
        "d.timestepping_statistics(time_unit='fortnight')"],
    "print_timestepping_statistics": ["d.print_timestepping_statistics()",
                                      "d.print_timestepping_statistics(track_speeds=True)"],
    "write_time": ["d.write_time()", "d.write_time(track_speeds=True)"],
    "diagnose_timestep": ["d.diagnose_timestep(verbose=False)",
                          "d.diagnose_timestep(threshold_dt=100.0, top_n=3)",
                          "d.diagnose_timestep(threshold_dt=100.0, threshold_depth=0.1)"],
    "report_cells_with_small_local_timestep": [
        "d.report_cells_with_small_local_timestep()",
        "d.report_cells_with_small_local_timestep(threshold_depth=0.1)"],
    "domain_struct_stats": ["sorted(d.domain_struct_stats())"],
    "domain_memory_stats": ["type(d.domain_memory_stats())"],
    "memory_stats": ["type(d.memory_stats())"],
    "quantity_memory_stats": ["type(d.quantity_memory_stats())"],
    "print_domain_memory_stats": ["d.print_domain_memory_stats()"],
    "print_domain_struct_stats": ["d.print_domain_struct_stats()"],
    "print_memory_stats": ["d.print_memory_stats()"],
    "print_quantity_memory_stats": ["d.print_quantity_memory_stats()"],
    # -- pictures
    "dump_triangulation": ["d.dump_triangulation('walked.png')", "files()"],
    "set_plotter": ["type(d.set_plotter())",
                    "[d.triang.x, d.triang.triangles, d.depth, d.dplotter.stage]"],
    "triplot": ["type(d.triplot())"],
    "tripcolor": ["then(d.set_plotter(), type(d.tripcolor(facecolors=d.depth)))"],
    # -- tracers
    "add_tracer": ["d.add_tracer('dye', beta=0.4, initial_value=0.2)", "d.add_tracer('dye')",
                   "d.get_tracer('dye')"],
    "get_tracer": [_DYE, "d.get_tracer('dye')", "d.get_tracer('nosuch')"],
    "get_tracer_index": [_DYE, "d.get_tracer_index('dye')", "d.get_tracer_index('nosuch')"],
    "get_tracer_mass": [_DYE, "d.get_tracer_mass('dye')"],
    "check_tracer_conservation": [_DYE, "d.check_tracer_conservation('dye')"],
    "set_tracer": [_DYE, "d.set_tracer('dye', 0.5)", "d.set_tracer('dye', np.arange(1.0 * n))",
                   "d.set_tracer('dye', lambda x, y: x)",
                   "d.get_tracer('dye')"],
    "set_tracer_boundary": [_DYE, "d.set_tracer_boundary('dye', 'left', 0.3)",
                            "d.get_tracer_boundary('dye', 'left')"],
    "get_tracer_boundary": [_DYE, "d.get_tracer_boundary('dye', 'left')"],
    "get_tracer_boundary_flux_integral": [_DYE, "d.get_tracer_boundary_flux_integral('dye')"],
    "set_tracer_source": [_DYE, "d.set_tracer_source('dye', 0.1)", "d.get_tracer('dye')"],
    # -- sediment and vegetation
    "add_sediment_fraction": [_SAND, "d.get_sediment_names()", "d.sediment_summary()"],
    "initialize_sediment_operator": [_SAND, "type(d.initialize_sediment_operator())"],
    "get_bed_composition": [_SAND, "d.set_bed_composition()", "d.get_bed_composition()",
                            "d.get_bed_composition(layer='substrate')"],
    "set_bed_composition": [_SAND, "d.set_erodible_base(depth=0.5)", "d.set_bed_composition()",
                            "d.set_bed_composition({'sand': 1.0}, active_layer=0.02)",
                            "d.get_bed_composition()"],
    "set_angle_of_repose": [_SAND, "d.set_angle_of_repose(32.0)"],
    "set_bed_material": [_SAND, "d.set_bed_material('cohesive', K_e=1.0e-4)",
                         "d.set_bed_material()"],
    "set_bedload": [_SAND, "d.set_bedload()", "d.set_bedload('nosuch')"],
    "set_deposition": [_SAND, "d.set_deposition()", "d.set_deposition(law='nosuch')"],
    "set_erodible_base": [_SAND, "d.set_erodible_base(elevation=-2.0)",
                          "d.set_erodible_base(depth=0.5)", "d.erodible_thickness()"],
    "set_erodible_region": [_SAND, "d.set_erodible_region(polygon=P)",
                            "d.set_erodible_region(indices=[1, 2], erodible=False)"],
    "set_sediment_friction": [_SAND, "d.set_sediment_friction()",
                              "d.set_sediment_friction('nosuch')"],
    "set_sediment_parameters": [_SAND, "d.set_sediment_parameters(porosity=0.4)"],
    "set_shear_amplification": [_SAND, "d.set_shear_amplification(2.0)"],
    "set_shear_closure": [_SAND, "d.set_shear_closure('depth_slope')",
                          "d.set_shear_closure('nosuch')"],
    "settling_velocity": ["d.settling_velocity(2.0e-4)",
                          "d.settling_velocity(1.0e-3, rho_s=2700.0)"],
    "rouse_centroid": ["d.rouse_centroid(0.5, 0.05)"],
    "rouse_d_star": ["d.rouse_d_star(0.5, 0.05)"],
    "set_vegetation_drag": ["d.set_vegetation_drag(density=10.0, diameter=0.01, height=0.5)",
                            "d.set_vegetation_drag()"],
}

CALLS |= {name: [f"d.{name}()"] for name in PLAIN}
CALLS |= {name: [f"d.{name}"] for name in READ}
CALLS |= {name: [f"d.{name}", f"then(d.set_plotter(), d.{name})"]
          for name in ("depth", "speed", "speed_depth", "xvel", "yvel")}
