"""Holds a mesh of triangles in blocks: what it is made from, and what is asked of it.

mesh          ANUGA's Mesh on blocks        blocks        the arrays the kernels work on
stored_state  what files hold of a mesh
tables        normals, areas, neighbours, ... computed when they are read
lookup        points and lines in a mesh    statistics    ANUGA's text about a mesh
interpolation values at points              fitting       a surface through points
mesh_arguments  functions of ANUGA's that take a mesh     region_tags   triangles by tag
input_checks  checks before a mesh is made  rectangles    meshes of rectangles
files         .msh and .tsh files           from_pmesh    a triangulation as a mesh
origin        how meshes came about
generator     Triangle, in a process of its own, which runs generator_child
messages      what ANUGA prints while it builds a mesh
"""
