"""Lets ANUGA's operators (its fractional steps) run on kernels and keep less memory.

Their physics stays ANUGA's.  The folder is not called operators: `import anuga_lean as anuga`
must leave anuga.operators to ANUGA.

kinematic_viscosity  ANUGA's operator, with arrays only while it solves
viscosity_matrix     the systems of its implicit steps, made chunk by chunk
viscosity_explicit   its explicit steps
rates                Rate_operator on kernels
rate_changes         its arrays, bound to them
zeros                what numpy makes of zeros of both signs, and kernels with it
boundary_flux        the integral of the flux over the boundary
maxima               Collect_max_quantities_operator on a kernel
max_stage            Collect_max_stage_operator on a kernel
full_triangles       a number in place of 0, 1, 2, ... as the places of full triangles
barometric_pressure  coordinates only while it is called
regions              which triangles lie in a polygon, a line, a circle, in parts of the mesh
set_values           stage, bed or a quantity of all triangles
coordinates          of centroids, for functions of place: those that they read
inlets               the level to which an inlet is filled
inflows, culverts    steps of these, which ask an inlet for everything once
wind, friction, erosion  some triangles at a time, or by kernels
methods              whether an operator runs ANUGA's code
"""
