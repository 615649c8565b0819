/* What operators do to all triangles at once: few operations per triangle, bound by
 * memory, so that one build serves every instruction set.  See everywhere.h.
 */
#include "everywhere.h"

#include "place.h"

/* Below so many triangles one thread is done before others have begun. */
#define FEW 20000

void lean_fill(double *x, int64_t n, double value, int32_t n_threads)
{
#pragma omp parallel for simd schedule(static) num_threads(n_threads) if (n > FEW)
    for (int64_t k = 0; k < n; k++)
        x[k] = value;
}

void lean_fill_above(double *x, const double *least, int64_t n, double value,
                     int32_t n_threads)
{
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n > FEW)
    for (int64_t k = 0; k < n; k++)
        x[k] = least[k] > value || least[k] != least[k] ? least[k] : value;
}

void lean_add(double *x, int64_t n, double value, int32_t n_threads)
{
#pragma omp parallel for simd schedule(static) num_threads(n_threads) if (n > FEW)
    for (int64_t k = 0; k < n; k++)
        x[k] += value;
}

void lean_move_bed(double *elevation, double *stage, int64_t n, const double *value, int step,
                   int32_t n_threads)
{
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n > FEW)
    for (int64_t k = 0; k < n; k++) {
        double depth = stage[k] - elevation[k];
        elevation[k] = value[step * k];
        stage[k] = elevation[k] + depth;
    }
}

static double larger(double a, double b)
{
    return a > b || a != a ? a : b;
}

static double smaller(double a, double b)
{
    return a < b || a != a ? a : b;
}

double lean_erode(double *elevation, double *stage, const double *xmomentum,
                  const double *ymomentum, int64_t n, double threshold, double dt, double base,
                  int32_t n_threads)
{
    double most = 0.0;
    int nan = 0;
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n > FEW) \
    reduction(max : most) reduction(| : nan)
    for (int64_t k = 0; k < n; k++) {
        double momentum = sqrt(xmomentum[k] * xmomentum[k] + ymomentum[k] * ymomentum[k]);
        double change = (momentum > threshold ? momentum : 0.0) * dt;
        double depth = stage[k] - elevation[k];
        elevation[k] = smaller(elevation[k], larger(elevation[k] - change, base));
        stage[k] = elevation[k] + depth;
        most = change > most ? change : most;
        nan |= change != change;
    }
    return nan ? NAN : most;
}

void lean_centroid_columns(const lean_mesh *mesh, double *x, double *y, int32_t n_threads)
{
#pragma omp parallel for schedule(static) num_threads(n_threads) if (mesh->n > FEW)
    for (int32_t b = 0; b < mesh->n_blocks; b++) {
        const lean_block *block = mesh->block + b;
        for (int32_t c = 0; c < block->n_own; c++) {
            int32_t k = mesh->member[block->member + c];
            double vx[3], vy[3];
            lean_vertices_of(mesh, block, c, vx, vy);
            x[k] = lean_centroid(vx[0], vx[1], vx[2]);
            y[k] = lean_centroid(vy[0], vy[1], vy[2]);
        }
    }
}
