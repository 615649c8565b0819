/* Which kernels run on this CPU, and the few functions that need no
 * instruction set of their own.
 */
#include <stdlib.h>
#include <string.h>

#include "effective.h"
#include "run.h"

#define DECLARE(isa)                                                                         \
    double lean_sweep_##isa(const lean_run *, int, double, lean_update_result *);            \
    void lean_update_##isa(const lean_run *, int, double, uint8_t *, lean_update_result *);  \
    double lean_distribute_##isa(lean_run *, int);                                           \
    void lean_mark_isolated_##isa(const lean_run *);                                         \
    static const lean_kernels kernels_##isa = {#isa, lean_sweep_##isa, lean_update_##isa,    \
                                               lean_distribute_##isa, lean_mark_isolated_##isa};

DECLARE(baseline)
#ifdef LEAN_X86
DECLARE(v3)
DECLARE(v4)
#endif

const lean_kernels *lean_select_kernels(const char *isa)
{
#ifdef LEAN_X86
    __builtin_cpu_init();
    int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    int v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    if (isa == NULL)
        return v4 ? &kernels_v4 : v3 ? &kernels_v3 : &kernels_baseline;
    if (strcmp(isa, "v4") == 0)
        return v4 ? &kernels_v4 : NULL;
    if (strcmp(isa, "v3") == 0)
        return v3 ? &kernels_v3 : NULL;
#endif
    if (isa == NULL || strcmp(isa, "baseline") == 0)
        return &kernels_baseline;
    return NULL;
}

void lean_clear_undo(lean_run *r)
{
    int64_t n = r->n_undo < r->undo_capacity ? r->n_undo : r->undo_capacity;
    for (int64_t j = 0; j < n; j++)
        r->undo_bits[r->undo_index[j] >> 6] &= ~((uint64_t)1 << (r->undo_index[j] & 63));
    r->n_undo = 0;
}

typedef struct { int32_t k; double value[3]; } undo_entry;

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

void lean_average(double *x, const double *y, int64_t n, double a, double b, double c_inverse,
                  int32_t n_threads)
{
#pragma omp parallel for simd schedule(static) num_threads(n_threads)
    for (int64_t k = 0; k < n; k++)
        x[k] = a * x[k] + b * y[k];
    if (c_inverse != 1.0)
#pragma omp parallel for simd schedule(static) num_threads(n_threads)
        for (int64_t k = 0; k < n; k++)
            x[k] *= c_inverse;
}

void lean_finish_second_stage(const lean_run *r)
{
#pragma omp parallel for schedule(static) num_threads(r->n_threads)
    for (int32_t k = 0; k < r->mesh->n; k++) {
        double z = r->elevation[k], lifted = r->stage[k] - z < 0.0 ? z : r->stage[k];
        r->height[k] = lean_max(lifted - z, 0.0);
        r->stage[k] = r->stage_work[k];
        r->xmomentum[k] = r->xmomentum_work[k];
        r->ymomentum[k] = r->ymomentum_work[k];
    }
}
