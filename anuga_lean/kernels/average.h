/* One value per node from the values of the triangles around it. */
#ifndef LEAN_AVERAGE_H
#define LEAN_AVERAGE_H

#include <stdint.h>

/* Average at each node the values its triangles have there.
 *
 * IN  n_entry   entries of order, 3 per triangle
 *     order     (n_entry) places 3*k + i in the list of triangles, grouped by
 *               node in ascending node number, all within range
 *     n_node    entries of count and mean to fill; fewer than the mesh has
 *               nodes if the last ones are ghosts
 *     count     (n_node) triangles at each node
 *     per       consecutive places that share a value: 3 for values at
 *               centroids, 1 for values at vertices
 *     value     (3*n/per) float64, any unit
 * OUT mean      (n_node) float64; a node without triangles is left as it is
 *
 * The sum runs in the order of `order` and is divided once: the bits are those
 * of ANUGA 4.1.0, quantity_openmp.c, _average_centroid_values.  That includes
 * its slip after a node without triangles: one entry of `order` is lost there,
 * so every later mean is taken over a shifted group, and the last is not set.
 */
void lean_average_at_nodes(int64_t n_entry, const int32_t *order,
                           int64_t n_node, const int32_t *count, int32_t per,
                           const double *value, double *mean);

#endif
