"""A mesh of triangles in blocks: what it is made from, where it is kept, what is asked of it.

mesh          ANUGA's Mesh on blocks        blocks        the arrays the kernels work on
tables        normals, areas, neighbours, ... computed when they are read
lookup        points, lines and trees       statistics    ANUGA's text about a mesh
interpolation values at points              fitting       and back
mesh_arguments  what of ANUGA takes a mesh     region_tags   triangles by tag
input_checks  what a mesh is made from      rectangles    meshes of rectangles
files         .msh and .tsh files           from_pmesh    a triangulation as a mesh
generator     Triangle, in a process of its own, which runs generator_child
"""
