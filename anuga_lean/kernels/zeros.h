/* The larger and the smaller of two numbers as numpy has them, zeros of both signs among them.
 *
 * Where LEAN_ZEROS_BY_SIGN is 1, the larger of two zeros is 0.0 and the smaller -0.0, as in the
 * instructions of aarch64; elsewhere it is the second, as in SSE2's maxpd and minpd.  Whether
 * numpy does so is tried out by fractional_steps/zeros.py. */
#ifndef LEAN_ZEROS_H
#define LEAN_ZEROS_H

#ifdef __aarch64__
#define LEAN_ZEROS_BY_SIGN 1
#else
#define LEAN_ZEROS_BY_SIGN 0
#endif

/* The larger of a and b, which is `found` but for zeros whose signs decide. */
static inline double lean_zero_above(double a, double b, double found)
{
    return LEAN_ZEROS_BY_SIGN && a == 0.0 && b == 0.0 ? a + b : found;
}

/* a if it is a NaN. */
static inline double lean_larger(double a, double b)
{
    return lean_zero_above(a, b, a > b || a != a ? a : b);
}

/* a if it is a NaN. */
static inline double lean_smaller(double a, double b)
{
    double found = a < b || a != a ? a : b;
    return LEAN_ZEROS_BY_SIGN && a == 0.0 && b == 0.0 ? -(-a - b) : found;
}

#endif
