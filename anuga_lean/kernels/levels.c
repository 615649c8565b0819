/* See levels.h.  The steps are those of ANUGA 4.1.0 and 4.2.0, structures/inlet.py,
 * level_stages_to_average, whose volumes are dot products of a BLAS: nobody knows in which order
 * they are summed.  Whatever it is, n rounded products and sums of one sign are off by at most
 * some n half units of the last place, and so is the sum here. */
#include "levels.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

/* The water between the level and the stages, m3: below it, or above it where there is depth.
 * OUT *size: the sum of the sizes of what was added */
static double volume_at(int64_t n, const double *restrict stage, const double *restrict depth,
                        const double *restrict area, double level, double *size)
{
    double sum = 0.0, sizes = 0.0;
    if (depth == NULL) {
#pragma omp simd reduction(+ : sum, sizes)
        for (int64_t i = 0; i < n; i++) {
            double below = level - stage[i], part = area[i] * (below < 0.0 ? 0.0 : below);
            sum += part;
            sizes += fabs(part);
        }
    } else {
#pragma omp simd reduction(+ : sum, sizes)
        for (int64_t i = 0; i < n; i++) {
            double above = stage[i] - level, most = above < 0.0 ? 0.0 : above;
            double part = area[i] * (depth[i] < most ? depth[i] : most);
            sum += part;
            sizes += fabs(part);
        }
    }
    *size = sizes;
    return sum;
}

int32_t lean_narrow_level(int64_t n, const double *stage, const double *depth,
                          const double *area, double wanted, int32_t most, double *low,
                          double *high)
{
    const double unsure = 4.0 * ((double)n + 4.0) * DBL_EPSILON;
    int32_t steps = 0;
    while (steps < most) {
        double middle = 0.5 * (*low + *high), size;
        double volume = volume_at(n, stage, depth, area, middle, &size);
        if (!(fabs(volume - wanted) > unsure * size + DBL_MIN))
            break;
        double *end = (depth == NULL ? volume < wanted : volume > wanted) ? low : high;
        if (*end == middle)
            break;
        *end = middle;
        steps++;
    }
    return steps;
}
