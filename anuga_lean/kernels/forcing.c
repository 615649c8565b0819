/* What acts on every triangle by itself and is handed over as arrays: friction
 * and stems as semi-implicit rates, tracers' concentrations and their update.
 *
 * The state is read as the centroid arrays hold it.  Ordinary runs never come
 * here: their friction is part of the update (update_chunk.h).
 */
#include <math.h>

#include "effective.h"
#include "manning.h"

void lean_add_friction(const lean_run *r, double *xmomentum, double *ymomentum)
{
#pragma omp parallel for schedule(static) num_threads(r->n_threads)
    for (int32_t k = 0; k < r->mesh->n; k++) {
        double uh = r->xmomentum[k], vh = r->ymomentum[k], eta = r->friction[k], S = 0.0;
        double h = r->stage[k] - r->elevation[k];
        if (r->friction_rate)
            S = r->friction_rate[k];
        else if (eta > 1.0e-15 && h >= r->p.h_min)
            S = lean_manning(r->p.g, eta, 1.0, sqrt(uh * uh + vh * vh)) / pow(h, 7.0 / 3.0);
        xmomentum[k] += S * uh;
        ymomentum[k] += S * vh;
    }
}

/* Baptist et al., J. Hydraul. Res. 45 (2007), equation 16, as a friction slope
 * in the form ANUGA 4.1.0 gives it (core_vegetation_friction_semi_implicit). */
void lean_add_vegetation(const lean_run *r, const lean_stems *stems, double *xmomentum,
                         double *ymomentum)
{
    const double g = r->p.g, kappa = 0.4;
    const double bed = 1.0 / (stems->bed_chezy * stems->bed_chezy);
    const double drag = stems->drag / (2.0 * g), overflow = sqrt(g) / kappa;
#pragma omp parallel for schedule(static) num_threads(r->n_threads)
    for (int32_t k = 0; k < r->mesh->n; k++) {
        double per_area = stems->density[k], top = stems->height[k];
        double h = r->stage[k] - r->elevation[k], uh = r->xmomentum[k], vh = r->ymomentum[k];
        if (!(per_area > 0.0) || h < r->p.h_min || !(top > 0.0))
            continue;
        double speed = sqrt(uh * uh + vh * vh);
        double resistance = stems->diameter[k] * per_area * drag;
        double chezy = 1.0 / sqrt(bed + resistance * lean_min(h, top));
        if (h > top)
            chezy += overflow * log(h / top);
        double S = -g * speed / (chezy * chezy * h * h);
        xmomentum[k] += S * uh;
        ymomentum[k] += S * vh;
    }
}

void lean_tracer_concentrations(const lean_run *r)
{
    const int64_t n = r->mesh->n;
    const lean_tracers *t = &r->tracers;
#pragma omp parallel for schedule(static) num_threads(r->n_threads)
    for (int64_t k = 0; k < n; k++) {
        double d = lean_effective_depth(r->stage[k], r->elevation[k]);
        double inverse = d <= r->p.h_min ? 0.0 : 1.0 / d;
        for (int32_t s = 0; s < t->count; s++)
            t->concentration[s * n + k] = t->conserved[s * n + k] * inverse;
    }
}

void lean_update_tracers(const lean_run *r, double dt, double *conserved)
{
    const int64_t n = (int64_t)r->mesh->n * r->tracers.count;
    const double *rate = r->tracers.explicit_update;
#pragma omp parallel for simd schedule(static) num_threads(r->n_threads)
    for (int64_t k = 0; k < n; k++)
        conserved[k] += dt * rate[k];
}
