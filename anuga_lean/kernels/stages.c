/* What happens to the whole mesh between the stages of a Runge-Kutta step: few operations
 * per triangle, bound by memory, so that one build serves every instruction set.
 */
#include "effective.h"

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
        r->height[k] = lean_effective_depth(r->stage[k], r->elevation[k]);
        r->stage[k] = r->stage_work[k];
        r->xmomentum[k] = r->xmomentum_work[k];
        r->ymomentum[k] = r->ymomentum_work[k];
    }
}
