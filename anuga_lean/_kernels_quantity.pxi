# The door to average.c: one value per node from the triangles around it; included by _kernels.pyx.

cdef extern from "average.h" nogil:
    void lean_average_at_nodes(int64_t n_entry, const int32_t *order,
                               int64_t n_node, const int32_t *count, int32_t per,
                               const double *value, double *mean)


cdef int _average(const int32_t[::1] order, const int32_t[::1] count, int32_t per,
                  const double[::1] values, double[::1] out) except -1:
    cdef int64_t n_entry = order.shape[0]
    cdef int64_t n_node = min(count.shape[0], out.shape[0])
    if values.shape[0] * per != n_entry:
        raise ArrayError(
            f"{values.shape[0]} values cannot be averaged over {n_entry} triangle corners."
        )
    if n_entry == 0 or n_node == 0:
        return 0
    _check_aligned(&order[0], sizeof(int32_t), "vertex_value_indices")
    _check_aligned(&count[0], sizeof(int32_t), "number_of_triangles_per_node")
    _check_aligned(&values[0], sizeof(double), "the values to average")
    _check_aligned(&out[0], sizeof(double), "out")
    _check_range(&order[0], n_entry, 0, n_entry, "vertex_value_indices")
    _check_range(&count[0], n_node, 0, n_entry + 1, "number_of_triangles_per_node")
    with nogil:
        lean_average_at_nodes(n_entry, &order[0], n_node, &count[0], per,
                              &values[0], &out[0])
    return 0


def average_centroids(const int32_t[::1] vertex_value_indices not None,
                      const int32_t[::1] number_of_triangles_per_node not None,
                      const double[::1] centroid_values not None, double[::1] out not None):
    """Average at each node the centroid values of the triangles around it.

    Parameters
    ----------
    vertex_value_indices : (3*number_of_triangles,) int32
        Places in the flattened triangles, grouped by node.
    number_of_triangles_per_node : (number_of_nodes,) int32
    centroid_values : (number_of_triangles,) float64, any unit
    out : (number_of_nodes or fewer,) float64
        Filled in place; a node without triangles keeps its value.
    """
    _average(vertex_value_indices, number_of_triangles_per_node, 3, centroid_values, out)


def average_vertices(const int32_t[::1] vertex_value_indices not None,
                     const int32_t[::1] number_of_triangles_per_node not None,
                     const double[::1] vertex_values not None, double[::1] out not None):
    """Average at each node the values of the triangles around it at that vertex.

    Parameters
    ----------
    vertex_value_indices : (3*number_of_triangles,) int32
        Places in the flattened triangles, grouped by node.
    number_of_triangles_per_node : (number_of_nodes,) int32
    vertex_values : (3*number_of_triangles,) float64, any unit
    out : (number_of_nodes or fewer,) float64
        Filled in place; a node without triangles keeps its value.
    """
    _average(vertex_value_indices, number_of_triangles_per_node, 1, vertex_values, out)
