"""A domain and its time steps.

domain         ANUGA's Domain on lean kernels    step        the order of a time step
edge_values, forcing, yield_state, prescribed    parts of a step
boundary, wall_edges, riverwalls, tracers, flux_parameters, threads    what a step takes
features       what has a lean kernel            user_methods    a user's own steps
conversion     to ANUGA's arrays and back        domain_attributes    arrays that are views
volumes_and_flows, sww, ghosts, whole_domains    between steps
"""
