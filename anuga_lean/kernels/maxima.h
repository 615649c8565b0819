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
    /* INOUT n each, m, m, m/s and m2/s */
    double *max_stage, *max_depth, *max_speed, *max_momentum;
    double *copy[LEAN_MAXIMA];    /* OUT n each, copies of those, or NULL: none         */
} lean_maxima;

/* Raises the maxima to the present state.  Returns 1 if 0.0 and -0.0 met, of which numpy's
 * choice is not known here: max_stage and max_depth then stay what they were there, and
 * numpy.maximum, called with what they are now, makes them what they should be; else 0. */
int lean_raise_maxima(const lean_maxima *m);

#endif
