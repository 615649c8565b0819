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

double lean_water_in(const lean_inlet *t)
{
    enum { LANES = 8 };
    double part[LEAN_IN_INLET], lane[LANES], sum = -0.0;
    int64_t i = t->m - t->m % LANES;
    for (int64_t j = 0; j < t->m; j++) {
        int64_t k = t->triangle[j];
        part[j] = (t->stage[k] - t->elevation[k]) * t->area[j];
    }
    if (i > 0) {
        for (int l = 0; l < LANES; l++)
            lane[l] = part[l];
        for (int64_t j = LANES; j < i; j += LANES)
            for (int l = 0; l < LANES; l++)
                lane[l] += part[j + l];
        sum = ((lane[0] + lane[1]) + (lane[2] + lane[3]))
            + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    }
    for (; i < t->m; i++)
        sum += part[i];
    return 0.0 + sum;
}

/* The level to which a volume, m3, fills triangles from the lowest on, as inlets.py has it; NaN
 * where a stage is at or above `highest`, m.  OUT *filled: how many of the order */
static double level_of(const lean_inlet *t, const int64_t *order, double volume, double highest,
                       int64_t *filled)
{
    double area = 0.0, below = 0.0, stage = 0.0, area_at = 0.0, below_at = 0.0, stage_at = 0.0;
    int64_t last = -1;
    for (int64_t i = 0; i < t->m; i++) {
        double next = t->stage[t->triangle[order[i]]];
        if (i > 0) {
            double part = area * (next - stage);
            below = i == 1 ? part : below + part;
            if (last < 0 && below >= volume)
                last = i - 1;
        }
        area = i == 0 ? t->area[order[i]] : area + t->area[order[i]];
        stage = next;
        if (last < 0) {
            area_at = area;
            below_at = below;
            stage_at = stage;
        }
    }
    *filled = last < 0 ? t->m : last + 1;
    return stage < highest ? stage_at + (volume - below_at) / area_at : NAN;
}

int lean_pour(const lean_inlet *t, const int64_t *order, double volume, double highest,
              double protection, const double velocity[2], int stops)
{
    double u[LEAN_IN_INLET], v[LEAN_IN_INLET], stage[LEAN_IN_INLET];
    int64_t filled;
    double level = level_of(t, order, volume, highest, &filled);
    int finite = isfinite(level);
    for (int64_t j = 0; j < t->m; j++) {
        int64_t k = t->triangle[j];
        double depth = t->stage[k] - t->elevation[k], over = depth * depth + protection;
        u[j] = depth * t->xmomentum[k] / over;
        v[j] = depth * t->ymomentum[k] / over;
        finite = finite && isfinite(over) && isfinite(u[j]) && isfinite(v[j]);
        stage[j] = t->stage[k];
    }
    for (int64_t i = 0; i < filled; i++)
        stage[order[i]] = level;
    for (int64_t j = 0; j < t->m; j++) {
        double depth = stage[j] - t->elevation[t->triangle[j]];
        if (velocity != NULL) {
            u[j] = velocity[0];
            v[j] = velocity[1];
        }
        u[j] = depth * u[j];
        v[j] = depth * v[j];
        finite = finite && isfinite(u[j]) && isfinite(v[j]);
    }
    if (!finite)
        return 0;
    for (int64_t j = 0; j < t->m; j++) {
        int64_t k = t->triangle[j];
        t->stage[k] = stage[j];
        t->xmomentum[k] = stops ? 0.0 : u[j];
        t->ymomentum[k] = stops ? 0.0 : v[j];
    }
    return 1;
}

int32_t lean_narrow_level(int64_t n, const double *stage, const double *depth,
                          const double *area, double wanted, int32_t most, double *low,
                          double *high)
{
    const double unsure = ((double)n + 4.0) * DBL_EPSILON;     /* of both sums together */
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
