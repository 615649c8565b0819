/* Several numbers side by side in one register: what a loop writes out where the compiler's own
 * vectorisation finds no good order.
 *
 * Owns the type and what the language has no operator for; + - * / and comparisons are the
 * compiler's (vector extensions of GCC and Clang).  Each lane has the bits of the scalar
 * function of the same name in limiter.h.
 */
#ifndef LEAN_LANES_H
#define LEAN_LANES_H

#include <string.h>

#include "limiter.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__)
enum { LEAN_WIDTH = 8 };
#elif defined(__AVX__)
enum { LEAN_WIDTH = 4 };
#else
enum { LEAN_WIDTH = 2 };
#endif

typedef double lean_lanes __attribute__((vector_size(8 * LEAN_WIDTH)));
/* What a comparison of lanes gives: all bits set where it holds, none elsewhere. */
typedef int64_t lean_mask __attribute__((vector_size(8 * LEAN_WIDTH)));

/* x in every lane. */
LEAN_INLINE lean_lanes lean_same(double x) { return x - (lean_lanes){0.0}; }

/* The lanes that stand at p. */
LEAN_INLINE lean_lanes lean_load(const double *p)
{
    lean_lanes x;
    memcpy(&x, p, sizeof x);
    return x;
}

LEAN_INLINE void lean_store(double *p, lean_lanes x)
{
    memcpy(p, &x, sizeof x);
}

/* p[index[0]], p[index[1]], and so on. */
LEAN_INLINE lean_lanes lean_gather(const double *p, const int32_t *index)
{
#if defined(__AVX512F__) && defined(__AVX512DQ__)
    return (lean_lanes){p[index[0]], p[index[1]], p[index[2]], p[index[3]],
                        p[index[4]], p[index[5]], p[index[6]], p[index[7]]};
#elif defined(__AVX__)
    return (lean_lanes){p[index[0]], p[index[1]], p[index[2]], p[index[3]]};
#else
    return (lean_lanes){p[index[0]], p[index[1]]};
#endif
}

/* x where the mask is set, 0.0 elsewhere. */
LEAN_INLINE lean_lanes lean_where(lean_mask m, lean_lanes x)
{
    return (lean_lanes)(m & (lean_mask)x);
}

/* x where the mask is set, y elsewhere. */
LEAN_INLINE lean_lanes lean_select(lean_mask m, lean_lanes x, lean_lanes y)
{
#if defined(__AVX512F__) && defined(__AVX512DQ__)
    return _mm512_mask_blend_pd(_mm512_movepi64_mask((__m512i)m), y, x);
#elif defined(__AVX__)
    return _mm256_blendv_pd(y, x, (__m256d)m);
#else
    return (lean_lanes)((m & (lean_mask)x) | (~m & (lean_mask)y));
#endif
}

/* As lean_max and lean_min, which is how x86 defines them too. */
LEAN_INLINE lean_lanes lean_max_lanes(lean_lanes x, lean_lanes y)
{
#if defined(__AVX512F__) && defined(__AVX512DQ__)
    return _mm512_max_pd(x, y);
#elif defined(__AVX__)
    return _mm256_max_pd(x, y);
#elif defined(__SSE2__)
    return _mm_max_pd(x, y);
#else
    return lean_select(x > y, x, y);
#endif
}

LEAN_INLINE lean_lanes lean_min_lanes(lean_lanes x, lean_lanes y)
{
#if defined(__AVX512F__) && defined(__AVX512DQ__)
    return _mm512_min_pd(x, y);
#elif defined(__AVX__)
    return _mm256_min_pd(x, y);
#elif defined(__SSE2__)
    return _mm_min_pd(x, y);
#else
    return lean_select(x < y, x, y);
#endif
}

LEAN_INLINE lean_lanes lean_sqrt_lanes(lean_lanes x)
{
#if defined(__AVX512F__) && defined(__AVX512DQ__)
    return _mm512_sqrt_pd(x);
#elif defined(__AVX__)
    return _mm256_sqrt_pd(x);
#elif defined(__SSE2__)
    return _mm_sqrt_pd(x);
#else
    for (int j = 0; j < LEAN_WIDTH; j++)
        x[j] = sqrt(x[j]);
    return x;
#endif
}

#endif
