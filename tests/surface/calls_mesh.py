"""A call, or several, of every public method of Mesh; `m` is the mesh of the domain."""

from __future__ import annotations

PLAIN = """
build_boundary_neighbours build_inverted_triangle_structure build_neighbour_structure
build_neighbour_structure_python build_surrogate_neighbour_structure check_integrity
compute_edge_midpoint_coordinates compute_vertex_coordinates get_area get_areas
get_boundary_tags get_disconnected_triangles get_georeference get_interpolation_object
get_lone_vertices get_normals get_number_of_nodes get_number_of_triangles get_radii
get_tagged_elements
""".split()

_ARRAYS = "[m.nodes, m.triangles, m.neighbours, m.radii, m.boundary_cells, m.tag_boundary_cells]"

CALLS: dict[str, list[str]] = {
    "build_boundary_dictionary": ["m.build_boundary_dictionary({(0, 2): 'sea'})", _ARRAYS,
                                  "m.build_boundary_dictionary()"],
    "build_tagged_elements_dictionary": ["m.build_tagged_elements_dictionary({'reeds': [1, 2]})",
                                         "m.tagged_elements"],
    "get_boundary_polygon": ["m.get_boundary_polygon()", "m.get_boundary_polygon(verbose=True)"],
    "get_centroid_coordinates": ["m.get_centroid_coordinates()",
                                 "m.get_centroid_coordinates(absolute=True)"],
    "get_edge_midpoint_coordinate": ["m.get_edge_midpoint_coordinate(3, 1)",
                                     "m.get_edge_midpoint_coordinate(3, 1, absolute=True)",
                                     "m.get_edge_midpoint_coordinate(3, 4)"],
    "get_edge_midpoint_coordinates": ["m.get_edge_midpoint_coordinates()",
                                      "m.get_edge_midpoint_coordinates(4, absolute=True)"],
    "get_edgelength": ["m.get_edgelength(3, 1)", "m.get_edgelength(3000, 1)"],
    "get_extent": ["m.get_extent()", "m.get_extent(absolute=True)"],
    "get_intersecting_segments": [
        "m.get_intersecting_segments([[1001.0, 2004.3], [1039.0, 2015.9]])",
        "m.get_intersecting_segments([[1001.0, 2004.3], [1039.0, 2015.9]], verbose=True)"],
    "get_node": ["m.get_node(3)", "m.get_node(3, absolute=True)", "m.get_node(3000)"],
    "get_nodes": ["m.get_nodes()", "m.get_nodes(absolute=True)"],
    "get_normal": ["m.get_normal(3, 1)"],
    "get_triangle_containing_point": [
        "m.get_triangle_containing_point([1013.3, 2007.1])",
        "[m.get_triangle_containing_point([1001.0 + i, 2002.2 + i]) for i in range(17)]",
        "m.get_triangle_containing_point([-10.0, 10.0])"],
    "get_triangle_near_point": ["m.get_triangle_near_point([13.3, 7.1])",
                                "m.get_triangle_near_point([-1.0, 7.1])",
                                "m.get_triangle_near_point([-1.0, 7.1], tolerance=0.1)"],
    "get_triangle_neighbours": ["m.get_triangle_neighbours(3)",
                                "m.get_triangle_neighbours(3000)"],
    "get_triangles": ["m.get_triangles()", "m.get_triangles(indices=[2, 7])"],
    "get_triangles_and_vertices_per_node": ["m.get_triangles_and_vertices_per_node()",
                                            "m.get_triangles_and_vertices_per_node(node=4)"],
    "get_triangles_inside_polygon": ["m.get_triangles_inside_polygon(P)",
                                     "m.get_triangles_inside_polygon(P, verbose=True)"],
    "get_unique_vertices": ["m.get_unique_vertices()", "m.get_unique_vertices(indices=[2, 7])"],
    "get_vertex_coordinate": ["m.get_vertex_coordinate(3, 1)",
                              "m.get_vertex_coordinate(3, 1, absolute=True)"],
    "get_vertex_coordinates": ["m.get_vertex_coordinates()",
                               "m.get_vertex_coordinates(triangle_id=5)",
                               "m.get_vertex_coordinates(absolute=True)"],
    "reorder": ["anuga.Mesh(m.nodes, m.triangles).reorder(np.arange(n)[::-1])",
                "anuga.Mesh(m.nodes, m.triangles).reorder(np.arange(n)[::-1], in_place=False)",
                "anuga.Mesh(m.nodes, m.triangles).reorder(original_method=True)",
                "anuga.Mesh(m.nodes, m.triangles).reorder(np.arange(n)[::-1], verbose=True)"],
    "save_mesh_to_tsh": ["m.save_mesh_to_tsh('walked.tsh')", "text('walked.tsh')"],
    "save_to_file": ["m.save_to_file('walked.tsh')", "text('walked.tsh')"],
    "set_georeference": ["m.set_georeference(anuga.Geo_reference(55, 5.0, 6.0))",
                         "m.get_nodes(absolute=True)"],
    "set_to_inscribed_circle": ["m.set_to_inscribed_circle()", "m.radii",
                                "m.set_to_inscribed_circle(safety_factor=0.5)", "m.radii"],
    "statistics": ["m.statistics()", "m.statistics(nbins=4)"],
}

CALLS |= {name: [f"m.{name}()", _ARRAYS] if name.startswith("build") else [f"m.{name}()"]
          for name in PLAIN}
