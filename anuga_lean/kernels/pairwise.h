/* The order of numpy's sum of many numbers: in halves, until LEAN_IN_LANES are left (rates.h).
 *
 * Owns where it is cut, so that threads can take a part each, and how the sums of the parts are
 * joined; a part is summed in rates.c. */
#ifndef LEAN_PAIRWISE_H
#define LEAN_PAIRWISE_H

#include "rates.h"

/* How many of n numbers numpy sums first. */
static inline int64_t first_half(int64_t n)
{
    int64_t half = n / 2;
    return half - half % LEAN_LANES;
}

/* OUT part: start and count; returns how many there are. */
static int64_t cut(int64_t start, int64_t n, lean_rate_part *part)
{
    if (n <= LEAN_PER_PART) {
        part->start = start;
        part->count = n;
        return 1;
    }
    int64_t half = first_half(n);
    int64_t cuts = cut(start, half, part);
    return cuts + cut(start + half, n - half, part + cuts);
}

/* The sum of n numbers from those of their parts. INOUT part: the next one. */
static double joined(int64_t n, const lean_rate_part **part)
{
    if (n <= LEAN_PER_PART)
        return (*part)++->sum;
    int64_t half = first_half(n);
    double first = joined(half, part);
    return first + joined(n - half, part);
}

#endif
