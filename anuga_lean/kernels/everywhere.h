/* What operators do to all triangles, or to those of a list, at once. See everywhere.c.
 *
 * n triangles: of the caller's order where `at` is NULL, else at[0] to at[n-1], in any order, each
 * in range and there once.  n_threads as many as the run has.  Each value is computed by itself:
 * results do not depend on the threads.  A `value` is one number if step is 0, n of them if 1. */
#ifndef LEAN_EVERYWHERE_H
#define LEAN_EVERYWHERE_H

#include "state.h"

/* A wind: cosine and sine of its angle, one each, or NULL where `angle` is known. */
typedef struct {
    const double *speed;                 /* m/s                                      */
    const double *angle;                 /* (n) degrees, or NULL                     */
    const double *cosine, *sine;         /* 1                                        */
    int speed_step;
    double factor, dt;                   /* stress of speed squared; s               */
    double limit;                        /* of speeds and angles, above 0            */
    /* numpy's loops over float64 and what they are called with */
    void (*cos)(char **, const intptr_t *, const intptr_t *, void *);
    void (*sin)(char **, const intptr_t *, const intptr_t *, void *);
    void *of_cos, *of_sin;
} lean_wind;

/* The table of these, built for one instruction set (isa.c). */
typedef struct {
    /* OUT x  the value */
    void (*fill)(double *x, const int64_t *at, int64_t n, const double *value, int step,
                 int32_t n_threads);
    /* OUT x  the value, or `least` where that is more, or is NaN.  Returns 1 if zeros of both
     *        signs met, of which numpy's choice is not known here; else 0 */
    int (*fill_above)(double *x, const double *least, const int64_t *at, int64_t n,
                      const double *value, int step, int32_t n_threads);
    /* INOUT x  the value is added */
    void (*add)(double *x, int64_t n, double value, int32_t n_threads);
    /* Moves the bed under the water, whose depth stays.
     * IN    value             the new bed, m
     * INOUT elevation, stage  m */
    void (*move_bed)(double *elevation, double *stage, const int64_t *at, int64_t n,
                     const double *value, int step, int32_t n_threads);
    /* Lowers the bed by momentum times dt where the momentum is above a threshold, down to
     * `base`; the water follows.  Which of two zeros is taken: zeros.h.
     * IN    xmomentum, ymomentum  m2/s;  threshold m2/s, dt s, base m
     * INOUT elevation, stage      m
     * RETURN the largest change, before `base` is heeded; NaN if there is one */
    double (*erode)(double *elevation, double *stage, const double *xmomentum,
                    const double *ymomentum, const int64_t *at, int64_t n, double threshold,
                    double dt, double base, int32_t n_threads);
    /* OUT x, y  coordinates of the centroids, m; one of them may be NULL: not wanted */
    void (*centroids)(const lean_mesh *mesh, const int64_t *at, int64_t n, double *x, double *y,
                      int32_t n_threads);
    /* Adds a wind's stress to the momenta of all triangles, m2/s.  Returns 1, and adds nothing, if
     * a speed or an angle is not within the limit, or NaN; else 0 */
    int (*blow)(const lean_wind *wind, int64_t n, double *xmomentum, double *ymomentum,
                int32_t n_threads);
    /* Adds to the momenta, m2/s, of all triangles what the gradient of a pressure does in dt, s.
     * IN pressure  at the nodes, Pa;  density kg/m3;  stage, elevation  m */
    void (*press)(const lean_mesh *mesh, const double *pressure, double dt, double density,
                  const double *stage, const double *elevation, double *xmomentum,
                  double *ymomentum, int32_t n_threads);
} lean_everywhere;

/* Whether n numbers ascend, none twice, from 0 on to below `end`. */
static inline int lean_ascend(const int64_t *at, int64_t n, int64_t end)
{
    int64_t odd = n > 0 ? at[0] < 0 || at[n - 1] >= end : 0;
    for (int64_t j = 1; j < n; j++)
        odd |= at[j] <= at[j - 1];
    return !odd;
}

/* Whether n numbers are from 0 to below `end`, none twice, in any order.
 * INOUT seen  (end + 7) / 8 bytes, 0 before: a bit for each number */
static inline int lean_differ(const int64_t *at, int64_t n, int64_t end, uint8_t *seen)
{
    for (int64_t j = 0; j < n; j++) {
        if (at[j] < 0 || at[j] >= end)
            return 0;
        const uint8_t bit = (uint8_t)(1 << (at[j] & 7));
        if (seen[at[j] >> 3] & bit)
            return 0;
        seen[at[j] >> 3] |= bit;
    }
    return 1;
}

/* Places of a table for n numbers: a power of two, at least twice as many. */
static inline int64_t lean_places_for(int64_t n)
{
    int64_t places = 2;
    while (places < 2 * n)
        places *= 2;
    return places;
}

/* The same for a few numbers of many, whose bits would take longer to clear than these to look up.
 * INOUT seen  `places` of lean_places_for(n), 0 before: each number plus 1, where it was put */
static inline int lean_differ_few(const int64_t *at, int64_t n, int64_t end, int64_t *seen,
                                  int64_t places)
{
    for (int64_t j = 0; j < n; j++) {
        if (at[j] < 0 || at[j] >= end)
            return 0;
        int64_t p = (int64_t)((uint64_t)at[j] * 0x9e3779b97f4a7c15u >> 32) & (places - 1);
        while (seen[p] != 0 && seen[p] != at[j] + 1)
            p = (p + 1) & (places - 1);
        if (seen[p] != 0)
            return 0;
        seen[p] = at[j] + 1;
    }
    return 1;
}

#endif
