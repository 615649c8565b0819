/* See average.h. */
#include "average.h"

/* With `per` a constant at each call the division becomes a multiplication. */
static inline void average(int64_t n_entry, const int32_t *restrict order,
                           int64_t n_node, const int32_t *restrict count,
                           int32_t per, const double *restrict value,
                           double *restrict mean)
{
    int64_t entry = 0;

    for (int64_t node = 0; node < n_node; node++) {
        const int64_t end = entry + count[node];
        double total = 0.0;

        if (count[node] == 0) { /* ANUGA passes over an entry here */
            entry++;
            continue;
        }
        if (end > n_entry)
            return;
        for (; entry < end; entry++)
            total += value[order[entry] / per];
        mean[node] = total / count[node];
    }
}

void lean_average_at_nodes(int64_t n_entry, const int32_t *order,
                           int64_t n_node, const int32_t *count, int32_t per,
                           const double *value, double *mean)
{
    if (per == 3)
        average(n_entry, order, n_node, count, 3, value, mean);
    else
        average(n_entry, order, n_node, count, per, value, mean);
}
