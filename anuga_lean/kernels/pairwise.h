/* The order of numpy's sum of many numbers: in halves, until LEAN_IN_LANES are left (rates.h);
 * before numpy 2.3 LEAN_PER_PART numbers in halves, and then the next ones.
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
static int64_t cut_in_halves(int64_t start, int64_t n, lean_rate_part *part)
{
    if (n <= LEAN_PER_PART) {
        part->start = start;
        part->count = n;
        return 1;
    }
    int64_t half = first_half(n);
    int64_t cuts = cut_in_halves(start, half, part);
    return cuts + cut_in_halves(start + half, n - half, part + cuts);
}

static int64_t cut_in_runs(int64_t n, lean_rate_part *part)
{
    int64_t cuts = 0;
    for (int64_t start = 0; start < n; start += LEAN_PER_PART)
        cuts += cut_in_halves(start, n - start < LEAN_PER_PART ? n - start : LEAN_PER_PART,
                              part + cuts);
    return cuts;
}

/* As cut_in_halves, of the first n numbers. */
static inline int64_t cut(int64_t n, int in_runs, lean_rate_part *part)
{
    return in_runs ? cut_in_runs(n, part) : cut_in_halves(0, n, part);
}

/* The sum of n numbers from those of their parts. INOUT part: the next one. */
static double joined_in_halves(int64_t n, const lean_rate_part **part)
{
    if (n <= LEAN_PER_PART)
        return (*part)++->sum;
    int64_t half = first_half(n);
    double first = joined_in_halves(half, part);
    return first + joined_in_halves(n - half, part);
}

/* The sum of n numbers from those of their parts, of which there are `parts`. */
static inline double joined(int64_t n, int in_runs, const lean_rate_part *part, int64_t parts)
{
    double sum = 0.0;
    if (!in_runs)
        return sum + joined_in_halves(n, &part);
    for (int64_t p = 0; p < parts; p++)
        sum += part[p].sum;
    return sum;
}

#endif
