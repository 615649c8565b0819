/* Edge values of triangles side by side in the caller's order, and erosion by bed shear, which
 * needs those of the stage: what is asked between steps, a block at a time.
 *
 * The same bits as edges.c gives a triangle at a time, in a tenth of its time; not where they
 * depend on the order of ANUGA's loop (a dry limiter above zero) or are predicted.
 */
#include "whole_blocks.h"

#include <math.h>

#include "block.h"
#include "isa.h"
#include "plane_gradient.h"
#include "reconstruct.h"
#include "zeros.h"

/* Open block b with the edge values of its own triangles from..to-1 in sw, suh, svh, sh, sz. */
static void reconstruct_block(const lean_run *r, int b, int from, int to, opened *o)
{
    open_block(r, b, arena_of(r), o);
    load_geometry(r->mesh, o);
    load_state(r, o);
    load_neighbours(r->mesh, o);
    reconstruct_some(r, o, from, to);
    if (r->prescribed.offset)
        reconstruct_prescribed(r, o, b, 0);
    reconstruct_ears(r, o);
}

void LEAN_FOR(edge_range)(const lean_run *r, int64_t first, int64_t count, int quantity,
                          double *out)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(r->n_threads)
    for (int b = 0; b < r->mesh->n_blocks; b++) {
        const lean_block *block = r->mesh->block + b;
        const int32_t *member = r->mesh->member + block->member; /* own ones ascend (blocks.py) */
        const int from = first_from(member, block->n_own, first);
        const int to = first_from(member, block->n_own, first + count);
        opened o;
        if (from == to)
            continue;
        reconstruct_block(r, b, from, to, &o);
        const double *const edges[] = {o.sw, o.suh, o.svh, o.sh, o.sz}, *e = edges[quantity];
        for (int c = from; c < to; c++)
            for (int i = 0; i < 3; i++)
                out[3 * (member[c] - first) + i] = e[(size_t)i * o.NL + c];
    }
}

/* Erode own triangle c of an open block, whose number is k. */
static inline void scour_one(const lean_scour *s, const opened *o, int c, int32_t k)
{
    const double *e = o->sw;
    const double e0 = e[c], e1 = e[o->NL + c], e2 = e[2 * (size_t)o->NL + c];
    const double w[3] = {e1 + e2 - e0, e2 + e0 - e1, e0 + e1 - e2};
    const double x[3] = {o->x0[c], o->x1[c], o->x2[c]}, y[3] = {o->y0[c], o->y1[c], o->y2[c]};
    double gx, gy;
    lean_plane_gradient(x, y, w, &gx, &gy);
    const double slope = sqrt(gx * gx + gy * gy);
    const double momentum = sqrt(s->xmomentum[k] * s->xmomentum[k] +
                                 s->ymomentum[k] * s->ymomentum[k]);
    const double depth = s->stage[k] - s->elevation[k];
    const double speed = momentum / (depth + 1.0e-10);
    double change = 9810.0 * depth * slope / s->shear_factor * s->dt;
    change = speed > s->threshold ? change : 0.0;
    s->elevation[k] = lean_smaller(s->elevation[k],
                                   lean_larger(s->elevation[k] - change, s->base));
    s->stage[k] = s->elevation[k] + depth;
}

void LEAN_FOR(scour)(const lean_run *r, const lean_scour *s)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(r->n_threads)
    for (int b = 0; b < r->mesh->n_blocks; b++) {
        const lean_block *block = r->mesh->block + b;
        const int32_t *member = r->mesh->member + block->member;
        int from = 0, to = block->n_own;
        opened o;
        if (s->chosen) {
            while (from < to && !s->chosen[member[from]])
                from++;
            while (to > from && !s->chosen[member[to - 1]])
                to--;
        }
        if (from == to)
            continue;
        reconstruct_block(r, b, from, to, &o);
        for (int c = from; c < to; c++)
            if (!s->chosen || s->chosen[member[c]])
                scour_one(s, &o, c, member[c]);
    }
}
