/* sqrt(x*x + y*y) with the bits of the C library's hypot: of glibc's from 2.35 on without FMA,
 * computed side by side for several numbers, and of any other by calling it.
 *
 * The formula is that of C. F. Borges, "An Improved Algorithm for hypot(a,b)", 2019
 * (arXiv:1904.09481), algorithm 3, as glibc has it.  Whether it gives the bits of the library
 * that is there is tried out by fractional_steps/maxima.py. */
#ifndef LEAN_HYPOT_H
#define LEAN_HYPOT_H

#include <math.h>
#include <stdint.h>

/* The smaller side does not show from here on, next to the larger. */
#define LEAN_HYPOT_EPS 0x1p-54
/* Beyond these the library scales. */
#define LEAN_HYPOT_LEAST 1.0e-100
#define LEAN_HYPOT_MOST 1.0e100

/* hypot of n numbers, m2/s.  own: by the formula, where the library would not scale.
 * Not inlined: gcc 12 makes slower loops of it where it is (7 for 4 ns a triangle with AVX-512). */
static __attribute__((noinline)) void lean_hypots(
    const double *restrict x, const double *restrict y, int n, int own, double *restrict h)
{
    if (!own) {
        for (int i = 0; i < n; i++)
            h[i] = x[i] == 0.0 && y[i] == 0.0 ? 0.0 : hypot(x[i], y[i]);
        return;
    }
    uint64_t scaled = 0;
#pragma omp simd reduction(| : scaled)
    for (int i = 0; i < n; i++) {
        double a = fabs(x[i]), b = fabs(y[i]);
        double large = a < b ? b : a, small = a < b ? a : b;
        double root = sqrt(large * large + small * small);
        double below = root - small, above = root - large;
        int near = root <= 2.0 * small;
        double t1 = near ? large * (2.0 * below - large) : 2.0 * above * (large - 2.0 * small);
        double t2 = near ? (below - 2.0 * (large - small)) * below
                         : (4.0 * above - small) * small + above * above;
        double found = root - (t1 + t2) / (2.0 * root);
        int alone = small <= large * LEAN_HYPOT_EPS;
        h[i] = alone ? large + small : found;
        int plain = (large <= LEAN_HYPOT_MOST) & (small <= LEAN_HYPOT_MOST)
            & ((large >= LEAN_HYPOT_LEAST) | (large == 0.0))
            & (alone | (small >= LEAN_HYPOT_LEAST));
        scaled |= (uint64_t) !plain << (i & 63);
    }
    if (scaled == 0)
        return;
    for (int i = 0; i < n; i++)
        if (scaled >> (i & 63) & 1)
            h[i] = hypot(x[i], y[i]);
}

#endif
