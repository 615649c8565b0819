"""Steps a domain: ANUGA's Domain on lean kernels, the parts of a time step, the SWW file.

domain         ANUGA's Domain on lean kernels    step        the order of a time step
parameters, kernel_run, bound_state    before a step: constants, kernels, arrays they have
edge_values, prescribed, walls, wave_speeds, undo_record    parts that distribute and fluxes need
forcing, runge_kutta, quiet_blocks, tracers, yield_state    parts from the fluxes to the yield
boundary, wall_edges, riverwalls    boundaries   features, user_methods    what runs lean
conversion     to stock arrays and back          domain_attributes    arrays that are views
volumes_and_flows, sww, ghosts, whole_domains, threads    between steps, and around them
generic_domain   other kinds of domains, on ANUGA's kernels
"""
