/* pow(h, 7.0 / 3.0) of many depths, with the last bit of the C library's pow.
 *
 * The value is computed to about 2^-75 as h^2 * cbrt(h) in pairs of doubles.
 * Where it is clear of the middle between two doubles by more than a
 * thirtieth of their distance, rounding it gives what a pow with an error
 * below 0.53 ulp returns (glibc 2.28 and musl state 0.51 ulp here, older glibc
 * rounds correctly); elsewhere, one depth in fifteen, pow is called.
 *
 * Pairs of doubles need a fast fused multiply-add; without one, pow is called for
 * every depth, which takes no longer.
 */
#ifndef LEAN_SEVEN_THIRDS_H
#define LEAN_SEVEN_THIRDS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "limiter.h"

#ifdef __FP_FAST_FMA

/* cbrt(h) to about 1e-14: Halley's iteration, first in single precision. */
LEAN_INLINE double lean_rough_cbrt(double h)
{
    float f = (float)h, c;
    int32_t bits;
    memcpy(&bits, &f, sizeof bits);
    bits = bits / 3 + 709958130;
    memcpy(&c, &bits, sizeof c);
    float cube = c * c * c;
    c = c * (cube + 2.0f * f) / (2.0f * cube + f);
    double d = c, q = d * d * d;
    return d * (q + 2.0 * h) / (2.0 * q + h);
}

/* ln(h) to about 1e-3: it only scales a term of 1e-16. */
LEAN_INLINE double lean_rough_log(double h)
{
    float f = (float)h, m;
    int32_t bits;
    memcpy(&bits, &f, sizeof bits);
    float exponent = (float)((bits >> 23) - 127);
    bits = (bits & 0x007fffff) | 0x3f800000;
    memcpy(&m, &bits, sizeof m);
    float log2m = -2.13380882f + m * (3.010717f + m * (-1.02948552f + m * 0.15391231f));
    return (double)(0.69314718f * (exponent + log2m));
}

/* Sets *sure to 0 where only pow knows the last bit. */
LEAN_INLINE double lean_seven_thirds(double h, int *sure)
{
    const double excess = 1.4802973661668753e-16; /* the double 7.0/3.0 minus 7/3 */
    double c = lean_rough_cbrt(h);
    double c2 = c * c, c2e = __builtin_fma(c, c, -c2);
    double c3 = c2 * c, c3e = __builtin_fma(c2, c, -c3) + c2e * c;
    double rest = (h - c3) - c3e;
    double d = (double)((float)rest / (3.0f * (float)c2));
    double h2 = h * h, h2e = __builtin_fma(h, h, -h2);
    double p = h2 * c, pe = __builtin_fma(h2, c, -p);
    pe += h2 * d + h2e * c + p * (excess * lean_rough_log(h));
    double y = p + pe, t = (p - y) + pe;
    *sure = (y + t * 1.0714285714285714 == y) & (h > 1.0e-30) & (h < 1.0e30);
    return y;
}

#endif

/* p[c] := pow(h[c], 7/3) where wanted[c] is not 0; unspecified elsewhere. */
LEAN_INLINE void lean_powers(int n, const double *restrict h, const double *restrict wanted,
                             double *restrict p)
{
#ifdef __FP_FAST_FMA
#pragma omp simd
    for (int c = 0; c < n; c++) {
        int sure;
        double x = h[c], need = wanted[c], y = lean_seven_thirds(x, &sure);
        y = sure ? y : -1.0;
        p[c] = need != 0.0 ? y : 1.0;
    }
    for (int c = 0; c < n; c++)
        if (p[c] < 0.0)
            p[c] = pow(h[c], 7.0 / 3.0);
#else
    for (int c = 0; c < n; c++)
        if (wanted[c] != 0.0)
            p[c] = pow(h[c], 7.0 / 3.0);
#endif
}

#endif
