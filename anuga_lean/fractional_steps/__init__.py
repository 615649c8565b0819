"""What ANUGA's operators (its fractional steps) keep and search, in less memory.

Their physics stays ANUGA's.  The folder is not called operators: `import anuga_lean as anuga`
must leave anuga.operators to ANUGA.

kinematic_viscosity  arrays only while it solves; viscosity_matrix implicit, viscosity_explicit
barometric_pressure  coordinates only while it is called
regions              which triangles lie in a polygon, a line, a circle, in parts of the mesh
"""
