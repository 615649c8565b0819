/* The undo record: the raw values that triangles had before distribute wrote over them.
 *
 * distribute.c writes the entries, in any order; here they are sorted, found and forgotten.
 * lean_raw_state (effective.h) is how the kernels read them.
 */
#include <stdlib.h>
#include <string.h>

#include "run.h"

/* One entry while they are sorted. */
typedef struct {
    int32_t k;           /* triangle                              */
    double value[3];     /* raw stage, xmomentum, ymomentum       */
} undo_entry;

/* Order of two undo_entry for qsort: by triangle, of which each stands once. */
static int by_triangle(const void *a, const void *b)
{
    int32_t x = ((const undo_entry *)a)->k, y = ((const undo_entry *)b)->k;
    return (x > y) - (x < y);
}

int lean_sort_undo(lean_run *r)
{
    undo_entry *e;
    if (r->n_undo == 0)
        return 0;
    e = malloc(sizeof *e * (size_t)r->n_undo);
    if (e == NULL)
        return -1;
    for (int64_t j = 0; j < r->n_undo; j++) {
        e[j].k = r->undo_index[j];
        memcpy(e[j].value, r->undo_value + 3 * j, sizeof e[j].value);
    }
    qsort(e, (size_t)r->n_undo, sizeof *e, by_triangle);
    for (int64_t j = 0; j < r->n_undo; j++) {
        r->undo_index[j] = e[j].k;
        memcpy(r->undo_value + 3 * j, e[j].value, sizeof e[j].value);
        r->undo_bits[e[j].k >> 6] |= (uint64_t)1 << (e[j].k & 63);
    }
    free(e);
    return 0;
}

void lean_clear_undo(lean_run *r)
{
    int64_t n = r->n_undo < r->undo_capacity ? r->n_undo : r->undo_capacity;
    for (int64_t j = 0; j < n; j++)
        r->undo_bits[r->undo_index[j] >> 6] &= ~((uint64_t)1 << (r->undo_index[j] & 63));
    r->n_undo = 0;
}

const double *lean_find_undo(const lean_run *r, int32_t k)
{
    int64_t lo = 0, hi = r->n_undo - 1;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (r->undo_index[mid] < k)
            lo = mid + 1;
        else
            hi = mid;
    }
    return r->undo_value + 3 * lo;
}
