/* The level to which a few triangles are filled, or drawn down.
 *
 * Pure C: _kernels_levels.pxi hands it to Python. */
#ifndef LEAN_LEVELS_H
#define LEAN_LEVELS_H

#include <stdint.h>

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
