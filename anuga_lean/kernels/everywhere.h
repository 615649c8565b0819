/* What operators do to all triangles at once. See everywhere.c.
 *
 * n triangles, in the caller's order; n_threads as many as the run has.  Each value is
 * computed by itself: results do not depend on the threads.                              */
#ifndef LEAN_EVERYWHERE_H
#define LEAN_EVERYWHERE_H

#include "run.h"

/* OUT x   n, the value */
void lean_fill(double *x, int64_t n, double value, int32_t n_threads);

/* OUT x   n, the value, or `least` where that is more, or is NaN; of two zeros the value */
void lean_fill_above(double *x, const double *least, int64_t n, double value,
                     int32_t n_threads);

/* INOUT x   n, the value is added */
void lean_add(double *x, int64_t n, double value, int32_t n_threads);

/* Moves the bed under the water, whose depth stays.
 * IN    value             the new bed, m; of each triangle (n) if step is 1, of all if 0
 * INOUT elevation, stage  n, m                                                          */
void lean_move_bed(double *elevation, double *stage, int64_t n, const double *value, int step,
                   int32_t n_threads);

/* Lowers the bed by momentum times dt where the momentum is above a threshold, down to
 * `base`; the water follows.  Of two equal values, zeros of either sign too, the second
 * one is taken, as SSE2's maxpd and minpd do.
 * IN    xmomentum, ymomentum   n, m2/s;  threshold m2/s, dt s, base m
 * INOUT elevation, stage       n, m
 * RETURN the largest change, before `base` is heeded; NaN if there is one               */
double lean_erode(double *elevation, double *stage, const double *xmomentum,
                  const double *ymomentum, int64_t n, double threshold, double dt, double base,
                  int32_t n_threads);

/* OUT x, y   n, coordinates of the centroids, m */
void lean_centroid_columns(const lean_mesh *mesh, double *x, double *y, int32_t n_threads);

#endif
