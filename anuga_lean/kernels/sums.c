/* Sums in an order that is part of the result: never in parallel, never in lanes. */
#include "run.h"

double lean_serial_sum(const double *x, int64_t n)
{
    double sum = 0.0;
    for (int64_t k = 0; k < n; k++)
        sum += x[k];
    return sum;
}

double lean_grouped_sum(const double *x, const int64_t *group, int64_t n)
{
    double sum = 0.0;
    for (int64_t k = 0; k < n;) {
        double part = 0.0;
        int64_t g = group[k];
        for (; k < n && group[k] == g; k++)
            part += x[k];
        sum += part;
    }
    return sum;
}
