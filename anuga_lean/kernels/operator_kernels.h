/* The table of what operators do, built for one instruction set (isa.c). */
#ifndef LEAN_OPERATOR_KERNELS_H
#define LEAN_OPERATOR_KERNELS_H

#include "maxima.h"
#include "rates.h"

typedef struct {
    /* Bits of what is amiss with a rate, rates.h; with rates: LEAN_RATE_TAKES among them. */
    int (*check_rate)(const lean_rate *r, int rates);
    /* The change of water, m3, over the full triangles, with the bits of numpy's sum, and the
     * largest and least change of stage among them, m, with zeros where one of them may be 0;
     * a NaN shows in the sum alone.
     * IN  limited: no more water is taken than a triangle has
     *     part: room for lean_rate_parts(n_full)                                        */
    lean_rate_part (*survey_rate)(const lean_rate *r, int limited, lean_rate_part *part);
    /* OUT change: n_full, those changes of stage. */
    void (*changes_of_rate)(const lean_rate *r, int limited, double *change);
    /* Changes the stage; if limited writes the height there was, slows what loses water. */
    void (*apply_rate)(const lean_rate *r, int limited);
    /* Raises the maxima to the present state.  Returns 1 if 0.0 and -0.0 met, of which
     * numpy's choice is not known here: these maxima then stay what they were there, and
     * numpy.maximum, called with what they are now, makes them what they should be; else 0. */
    int (*raise_maxima)(const lean_maxima *m);
    /* Raises n maxima to values.  Returns 1 if 0.0 and -0.0 met, as above. */
    int (*raise_to)(double *maximum, const double *value, int64_t n, int32_t n_threads);
    /* OUT h: hypot(x, y) of n numbers as raise_maxima computes it, own as there. */
    void (*hypots)(const double *x, const double *y, int64_t n, int own, double *h);
} lean_operators;

/* Those of lean_select_kernels(isa), NULL where that is. */
const lean_operators *lean_select_operators(const char *isa);

#endif
