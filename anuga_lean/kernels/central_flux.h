/* The central upwind flux of Kurganov, Noelle and Petrova (SIAM J. Sci. Comput.
 * 23, 2001) over some edges side by side, as ANUGA 4.1.0 evaluates it
 * (gpu_flux_function_central), without branches; with the tangential upwinding of ANUGA 4.2.0
 * if it is asked for.
 *
 * Owns the formulas.  They are written for lanes: compiled from a loop over triangles, the
 * divider and the other pipes wait for each other (docs/sweep.md).
 */
#ifndef LEAN_CENTRAL_FLUX_H
#define LEAN_CENTRAL_FLUX_H

#include "lanes.h"

/* State on one side of each edge: stage, momenta, depth and bed there, m, m2/s. */
typedef struct { lean_lanes w, uh, vh, h, z; } lean_edge_state;

/* The edges: lengths, m, and unit normals from left to right, as lean_edge. */
typedef struct { lean_lanes length, n1, n2; } lean_edges;

/* What goes from the left to the right of each edge. */
typedef struct {
    lean_lanes f0, f1, f2;  /* mass and momentum per metre of edge, m2/s, m3/s2 */
    lean_lanes pressure;    /* pressure part, along the normal, m3/s2        */
    lean_lanes speed;       /* largest wave speed, m/s                      */
    lean_lanes h_left;      /* depth above what stands between, left side, m */
} lean_edge_flux;

/* The lengths of edges along (dx, dy), m. */
LEAN_INLINE lean_lanes lean_lengths(lean_lanes dx, lean_lanes dy)
{
    return lean_sqrt_lanes(dx * dx + dy * dy);
}

/* By how much the damping of the momenta is cut where the flow is slow: 0.03 to 1.
 * IN low_froude 1 or 2, ANUGA's two rules; velocities along and across the edge on both
 *    sides and wave celerities, m/s */
LEAN_INLINE lean_lanes lean_froude_factor(int low_froude, lean_lanes ul, lean_lanes ur,
                                          lean_lanes vl, lean_lanes vr, lean_lanes cl,
                                          lean_lanes cr)
{
    const lean_lanes zero = lean_same(0.0), one = lean_same(1.0);
    lean_lanes numerator = ur * ur + ul * ul + vr * vr + vl * vl;
    lean_lanes denominator = cl * cl + cr * cr + 1.0e-10;
    lean_lanes ratio = numerator / denominator;
    if (low_froude == 1)
        return lean_sqrt_lanes(lean_max_lanes(lean_same(0.001), lean_min_lanes(one, ratio)));
    lean_lanes froude = lean_sqrt_lanes(ratio);
    return lean_sqrt_lanes(lean_min_lanes(one, 0.01 + lean_max_lanes(froude - 0.01, zero)));
}

/* IN ze height of what stands between the sides, m: the higher bed, or a riverwall's crest;
 *    states on the left and right of edges e; epsilon the speed up to which nothing flows, m/s;
 *    low_froude 0, 1, 2 and tangential 0, 1: constants at the call
 * The roots stand before what does not need them: they take longest. */
LEAN_INLINE lean_edge_flux lean_central_flux_over(lean_lanes ze, lean_edge_state l,
                                                  lean_edge_state r, lean_edges e, double g,
                                                  double epsilon, int low_froude,
                                                  int tangential)
{
    lean_edge_flux out;
    const lean_lanes zero = lean_same(0.0), n1 = e.n1, n2 = e.n2;
    lean_lanes hl = lean_max_lanes(l.h + l.z - ze, zero);
    lean_lanes hr = lean_max_lanes(r.h + r.z - ze, zero);
    lean_lanes il = lean_where(l.h > zero, 1.0 / l.h); /* no depth, no velocity */
    lean_lanes ir = lean_where(r.h > zero, 1.0 / r.h);
    lean_lanes cl = lean_sqrt_lanes(g * hl), cr = lean_sqrt_lanes(g * hr);
    lean_lanes la = n1 * l.uh + n2 * l.vh, lb = -n2 * l.uh + n1 * l.vh;
    lean_lanes ra = n1 * r.uh + n2 * r.vh, rb = -n2 * r.uh + n1 * r.vh;
    lean_lanes ul = la * il, uhl = hl * ul, vhl = hl * il * lb, vl = lb * il;
    lean_lanes ur = ra * ir, uhr = hr * ur, vhr = hr * ir * rb, vr = rb * ir;
    /* zero stands first: not a number is what it stays */
    lean_lanes s_max = lean_max_lanes(zero, lean_max_lanes(ul + cl, ur + cr));
    lean_lanes s_min = lean_min_lanes(zero, lean_min_lanes(ul - cl, ur - cr));
    lean_lanes range = s_max - s_min;
    lean_lanes inverse = 1.0 / lean_max_lanes(range, lean_same(LEAN_TINY));
    lean_lanes product = s_max * s_min;
    lean_lanes damping = product;
    if (low_froude)
        damping = lean_froude_factor(low_froude, ul, ur, vl, vr, cl, cr) * product;
    lean_lanes f0 = s_max * (ul * hl) - s_min * (ur * hr);
    f0 += product * (lean_max_lanes(r.w, ze) - lean_max_lanes(l.w, ze));
    f0 *= inverse;
    lean_lanes f1 = s_max * (ul * uhl) - s_min * (ur * uhr);
    f1 += damping * (uhr - uhl);
    f1 *= inverse;
    lean_lanes f2 = s_max * (ul * vhl) - s_min * (ur * vhr);
    f2 += damping * (vhr - vhl);
    f2 *= inverse;
    if (tangential)     /* the velocity along the edge moves with the mass */
        f2 = f0 * lean_select(f0 > zero, vl, vr);
    lean_lanes pressure = 0.5 * g * (s_max * hl * hl - s_min * hr * hr) * inverse;
    lean_lanes speed = lean_max_lanes(s_max, -s_min);
    lean_lanes m1 = n1 * f1 + (-n2) * f2, m2 = n2 * f1 + n1 * f2;
    /* nothing flows where the speeds are equal or both sides are dry */
    lean_lanes at_rest = 0.5 * g * 0.5 * (hl * hl + hr * hr); /* 0 where dry */
    lean_mask dry = lean_max_lanes(hl, hr) == zero;
    lean_lanes flowing = lean_select(dry, lean_same(-1.0), range);
    lean_mask flows = ~(flowing < lean_same(epsilon));
    out.f0 = lean_where(flows, f0);
    out.f1 = lean_where(flows, m1);
    out.f2 = lean_where(flows, m2);
    out.speed = lean_where(flows, speed);
    out.pressure = lean_select(flows, pressure, at_rest);
    out.h_left = hl;
    return out;
}

/* The same with the higher bed in between. */
LEAN_INLINE lean_edge_flux lean_central_flux(lean_edge_state l, lean_edge_state r, lean_edges e,
                                             double g, double epsilon, int low_froude,
                                             int tangential)
{
    return lean_central_flux_over(lean_max_lanes(l.z, r.z), l, r, e, g, epsilon, low_froude,
                                  tangential);
}

/* The pressure over an edge that a triangle's momenta lose along its normal, m4/s2: that of the
 * flux, and the bed slope between the edge and the centroid.
 * IN flux from l, the triangle's own side; its centroid depth h and bed z, m */
LEAN_INLINE lean_lanes lean_pressure_term(lean_edge_flux flux, lean_edge_state l,
                                          lean_lanes length, double g, lean_lanes h, lean_lanes z)
{
    return length * (-g * 0.5 * (flux.h_left * flux.h_left - l.h * l.h - (l.h + h) * (l.z - z)) +
                     flux.pressure);
}

#endif
