"""What ANUGA's operators keep and search, in less memory; their physics stays ANUGA's.

kinematic_viscosity  arrays only while it solves; viscosity_matrix implicit, viscosity_explicit
barometric_pressure  coordinates only while it is called
regions              which triangles lie in a polygon, a line, a circle, in parts of the mesh
"""
