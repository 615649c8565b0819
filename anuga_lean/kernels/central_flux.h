/* The central upwind flux of Kurganov, Noelle and Petrova (SIAM J. Sci. Comput.
 * 23, 2001) over one edge, as ANUGA 4.1.0 evaluates it
 * (gpu_flux_function_central), without branches so that loops vectorise; with the
 * tangential upwinding of ANUGA 4.2.0 if it is asked for.
 */
#ifndef LEAN_CENTRAL_FLUX_H
#define LEAN_CENTRAL_FLUX_H

#include "limiter.h"

/* State on one side of an edge: stage, momenta, depth and bed there, m, m2/s. */
typedef struct { double w, uh, vh, h, z; } lean_edge_state;

/* What goes from the left to the right of an edge. */
typedef struct {
    double f0, f1, f2;      /* mass and momentum per metre of edge, m2/s, m3/s2 */
    double pressure;        /* pressure part, along the normal, m3/s2        */
    double speed;           /* largest wave speed, m/s                      */
    double h_left;          /* depth above what stands between, left side, m */
} lean_edge_flux;

/* By how much the damping of the momenta is cut where the flow is slow: 0.03 to 1.
 * IN low_froude 1 or 2, ANUGA's two rules; velocities along and across the edge on both
 *    sides and wave celerities, m/s */
LEAN_INLINE double lean_froude_factor(int low_froude, double ul, double ur, double vl,
                                      double vr, double cl, double cr)
{
    double numerator = ur * ur + ul * ul + vr * vr + vl * vl;
    double denominator = cl * cl + cr * cr + 1.0e-10;
    if (low_froude == 1)
        return sqrt(lean_max(0.001, lean_min(1.0, numerator / denominator)));
    double froude = sqrt(numerator / denominator);
    return sqrt(lean_min(1.0, 0.01 + lean_max(froude - 0.01, 0.0)));
}

/* IN ze height of what stands between the sides, m: the higher bed, or a riverwall's crest;
 *    states on the left and right, edge e whose normal points right; epsilon the speed up to
 *    which nothing flows, m/s; low_froude 0, 1, 2 and tangential 0, 1: constants at the call */
LEAN_INLINE lean_edge_flux lean_central_flux_over(double ze, lean_edge_state l,
                                                  lean_edge_state r, lean_edge e, double g,
                                                  double epsilon, int low_froude,
                                                  int tangential)
{
    lean_edge_flux out;
    const double n1 = e.n1, n2 = e.n2;
    double hl = lean_max(l.h + l.z - ze, 0.0), hr = lean_max(r.h + r.z - ze, 0.0);
    double la = n1 * l.uh + n2 * l.vh, lb = -n2 * l.uh + n1 * l.vh;
    double ra = n1 * r.uh + n2 * r.vh, rb = -n2 * r.uh + n1 * r.vh;
    double il = 1.0 / l.h, ir = 1.0 / r.h;
    il = l.h > 0.0 ? il : 0.0; /* no depth, no velocity */
    ir = r.h > 0.0 ? ir : 0.0;
    double ul = la * il, uhl = hl * ul, vhl = hl * il * lb, vl = lb * il;
    double ur = ra * ir, uhr = hr * ur, vhr = hr * ir * rb, vr = rb * ir;
    double cl = sqrt(g * hl), cr = sqrt(g * hr);
    double s_max = lean_max(ul + cl, ur + cr);
    s_max = s_max < 0.0 ? 0.0 : s_max;
    double s_min = lean_min(ul - cl, ur - cr);
    s_min = s_min > 0.0 ? 0.0 : s_min;
    double range = s_max - s_min, inverse = 1.0 / lean_max(range, LEAN_TINY);
    double product = s_max * s_min;
    double damping = product;
    if (low_froude)
        damping = lean_froude_factor(low_froude, ul, ur, vl, vr, cl, cr) * product;
    double f0 = s_max * (ul * hl) - s_min * (ur * hr);
    f0 += product * (lean_max(r.w, ze) - lean_max(l.w, ze));
    f0 *= inverse;
    double f1 = s_max * (ul * uhl) - s_min * (ur * uhr);
    f1 += damping * (uhr - uhl);
    f1 *= inverse;
    double f2 = s_max * (ul * vhl) - s_min * (ur * vhr);
    f2 += damping * (vhr - vhl);
    f2 *= inverse;
    if (tangential) {   /* the velocity along the edge moves with the mass */
        double upwind = f0 > 0.0 ? vl : vr;
        f2 = f0 * upwind;
    }
    double pressure = 0.5 * g * (s_max * hl * hl - s_min * hr * hr) * inverse;
    double speed = lean_max(s_max, -s_min);
    double m1 = n1 * f1 + (-n2) * f2, m2 = n2 * f1 + n1 * f2;
    /* nothing flows where the speeds are equal or both sides are dry */
    double at_rest = 0.5 * g * 0.5 * (hl * hl + hr * hr); /* 0 where dry */
    double flowing = lean_max(hl, hr) == 0.0 ? -1.0 : range;
    int still = flowing < epsilon;
    out.f0 = still ? 0.0 : f0;
    out.f1 = still ? 0.0 : m1;
    out.f2 = still ? 0.0 : m2;
    out.speed = still ? 0.0 : speed;
    out.pressure = still ? at_rest : pressure;
    out.h_left = hl;
    return out;
}

/* The same with the higher bed in between. */
LEAN_INLINE lean_edge_flux lean_central_flux(lean_edge_state l, lean_edge_state r, lean_edge e,
                                             double g, double epsilon, int low_froude,
                                             int tangential)
{
    return lean_central_flux_over(lean_max(l.z, r.z), l, r, e, g, epsilon, low_froude,
                                  tangential);
}

/* The pressure over an edge that a triangle's momenta lose along its normal, m4/s2: that of the
 * flux, and the bed slope between the edge and the centroid.
 * IN flux from l, the triangle's own side; its centroid depth h and bed z, m */
LEAN_INLINE double lean_pressure_term(lean_edge_flux flux, lean_edge_state l, double length,
                                      double g, double h, double z)
{
    return length * (-g * 0.5 * (flux.h_left * flux.h_left - l.h * l.h - (l.h + h) * (l.z - z)) +
                     flux.pressure);
}

#endif
