/* Water added to or taken from a list of triangles at a rate, as ANUGA's Rate_operator does.
 *
 * Owns what a call computes before anything is written (lean_rate_check, lean_rate_survey,
 * lean_rate_zeros) and the writing (lean_rate_apply).  A `place` is the place of a triangle
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
    int64_t n_full;           /* full triangles: those that count in the sum              */
    const int64_t *full;      /* n_full: their places; NULL: the first n_full             */
    const double *area;       /* m, m2                                                    */
    const double *rate;       /* m, or n if per_triangle; NULL: the same everywhere       */
    int32_t per_triangle;
    double scale;             /* times the rate: the change, m; without rates, the change */
    int32_t second;           /* numpy's maximum of two zeros is the second               */
    const double *elevation;  /* n, m                                                     */
    double *stage;            /* n, m                                                     */
    double *height;           /* n, m, or NULL: not written                               */
    double *xmomentum, *ymomentum;    /* n, m2/s                                          */
} lean_rate;

/* What lean_rate_check finds. */
enum {
    LEAN_RATE_MISPLACED = 1,  /* index does not ascend within the mesh, or full leaves the list */
    LEAN_RATE_TAKES = 2       /* a rate is not at or above 0: it may be NaN */
};

/* Zeros that lean_rate_zeros finds. */
enum { LEAN_RATE_ZERO = 1, LEAN_RATE_NEGATIVE_ZERO = 2 };

/* A part of numpy's pairwise sum. */
typedef struct {
    int64_t start, count;
    double sum, most, least;
} lean_rate_part;

/* Most parts that a sum of n numbers has. */
int64_t lean_rate_parts(int64_t n);

/* Bits of the above. */
int lean_rate_check(const lean_rate *r);

/* The change of water, m3, over the full triangles, with the bits of numpy's sum, and the
 * largest and least change of stage among them, m; a NaN shows in the sum alone.
 * IN  limited: no more water is taken than a triangle has
 *     part: room for lean_rate_parts(n_full) */
lean_rate_part lean_rate_survey(const lean_rate *r, int limited, lean_rate_part *part);

/* Which zeros are among those changes of stage. */
int lean_rate_zeros(const lean_rate *r, int limited);

/* Changes the stage; if limited writes the height there was, and slows what loses water. */
void lean_rate_apply(const lean_rate *r, int limited);

#endif
