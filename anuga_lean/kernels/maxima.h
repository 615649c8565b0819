/* The largest stage, depth, speed and momentum that each triangle has had, as ANUGA's
 * Collect_max_quantities_operator keeps them. */
#ifndef LEAN_MAXIMA_H
#define LEAN_MAXIMA_H

#include <stdint.h>

enum { LEAN_MAXIMA = 4 };

typedef struct {
    int32_t n_threads;
    int64_t n;                /* triangles                                             */
    const double *stage, *elevation, *xmomentum, *ymomentum;   /* n; m and m2/s        */
    double least_depth;       /* above 0: a speed counts where it is deeper, m         */
    int32_t own_hypot;        /* 1: hypot is computed here, 0: the C library's         */
    /* INOUT n each, m, m, m/s and m2/s */
    double *max_stage, *max_depth, *max_speed, *max_momentum;
    double *copy[LEAN_MAXIMA];    /* OUT n each, copies of those, or NULL: none         */
} lean_maxima;

#endif
