/* Water added to or taken from a list of triangles at a rate, as ANUGA's Rate_operator does.
 *
 * Owns what a call computes before anything is written (check, survey, changes) and the writing
 * (apply); operator_kernels.h says what each returns.  A `place` is the place of a triangle
 * in the operator's list; without a list it is the triangle.
 */
#ifndef LEAN_RATES_H
#define LEAN_RATES_H

#include <stdint.h>

typedef struct {
    int32_t n_threads;
    int64_t n;                /* triangles of the mesh                                    */
    int64_t m;                /* places                                                   */
    const int64_t *index;     /* m: the triangle at a place; NULL: all triangles          */
    int32_t any_order;        /* index has each triangle at most once, and may not ascend */
    int64_t n_full;           /* full triangles: those that count in the sum              */
    const int64_t *full;      /* n_full: their places; NULL: the first n_full             */
    const double *area;       /* m, m2                                                    */
    const double *rate;       /* m, or n if per_triangle; NULL: the same everywhere       */
    int32_t per_triangle;
    double scale;             /* times the rate: the change, m; without rates, the change */
    int32_t second;           /* numpy's maximum of two zeros is the second               */
    int32_t in_runs;          /* numpy sums LEAN_PER_PART numbers, and then the next ones */
    const double *elevation;  /* n, m                                                     */
    double *stage;            /* n, m                                                     */
    double *height;           /* n, m, or NULL: not written                               */
    double *xmomentum, *ymomentum;    /* n, m2/s                                          */
} lean_rate;

/* What check_rate finds. */
enum {
    LEAN_RATE_MISPLACED = 1,  /* index does not ascend within the mesh, or full leaves the list */
    LEAN_RATE_TAKES = 2       /* a rate is not at or above 0: it may be NaN */
};

/* Zeros that a survey finds. */
enum { LEAN_RATE_ZERO = 1, LEAN_RATE_NEGATIVE_ZERO = 2 };

/* A part of numpy's pairwise sum, and of the survey.
 * zeros: those among the changes, wherever 0 may be the largest or the least of all.
 * takes: not limited, and a rate is not at or above 0. */
typedef struct {
    int64_t start, count;
    double sum, most, least;
    int32_t zeros, takes;
} lean_rate_part;

/* numpy's sum adds up to LEAN_IN_LANES numbers in LEAN_LANES lanes, and halves what is longer;
 * a thread adds up to LEAN_PER_PART at a time, as many as numpy's buffer has. */
enum { LEAN_LANES = 8, LEAN_IN_LANES = 128, LEAN_PER_PART = 1 << 13 };

/* Most parts that a sum of n numbers has. */
static inline int64_t lean_rate_parts(int64_t n)
{
    return n / (LEAN_PER_PART / 2 - LEAN_LANES) + 1;
}

#endif
