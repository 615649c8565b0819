/* The level to which a few triangles are filled, or drawn down.
 *
 * Pure C: _kernels_levels.pxi hands it to Python. */
#ifndef LEAN_LEVELS_H
#define LEAN_LEVELS_H

#include <stdint.h>

/* Triangles of an inlet that lean_water_in and lean_pour take at most: as many as numpy sums
 * without halving them. */
enum { LEAN_IN_INLET = 128 };

/* An inlet: its triangles, m, their areas, m2, and the values at all centroids that it reads and
 * writes, m and m2/s. */
typedef struct {
    int64_t m;
    const int64_t *triangle;
    const double *area, *elevation;
    double *stage, *xmomentum, *ymomentum;
} lean_inlet;

/* The water in it, m3, with the bits of numpy's sum. */
double lean_water_in(const lean_inlet *inlet);

/* Pours a volume, m3, at or above 0, into it: the lowest triangles are filled to one level, and
 * momenta are the new depths times velocities, m/s: those before, of depths and `protection`, m2;
 * given ones, where velocity is not NULL; none where it stops.
 * IN order (m): places of the triangles by ascending stage
 * Returns 0, with nothing written, where a stage is at or above `highest`, m, or a number is not
 * finite; else 1. */
int lean_pour(const lean_inlet *inlet, const int64_t *order, double volume, double highest,
              double protection, const double velocity[2], int stops);

/* Bisects an interval of levels as long as no rounding of the volume can decide a step.
 * IN stage (n), m; area (n), m2; wanted, m3; most: steps at most
 * IN depth (n), at or above 0, m: water is drawn down to the level; NULL: filled up to it
 * INOUT *low, *high, m
 * Returns the steps that were taken; fewer than most where the volume at the next middle is
 * too near `wanted`, or NaN, or a step changes nothing. */
int32_t lean_narrow_level(int64_t n, const double *stage, const double *depth,
                          const double *area, double wanted, int32_t most, double *low,
                          double *high);

#endif
