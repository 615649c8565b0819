/* The half step of ADER-2: edge values advanced by a Cauchy-Kovalewski predictor.
 *
 * Owns the arithmetic of one triangle.  Follows ANUGA 4.1.0
 * (core_ader_ck_predictor_edge): slopes come from the first two edge values,
 * every edge of a triangle is shifted by the same change of the centroid state,
 * and Manning's drag acts as a factor taken from the state before the shift.
 */
#ifndef LEAN_PREDICTOR_H
#define LEAN_PREDICTOR_H

#include "limiter.h"
#include "manning.h"

/* What one triangle's predictor starts from. */
typedef struct {
    lean_arms arm;                  /* to the middles of edges 0 and 1             */
    double w, h, u, v;              /* centroid stage, depth, velocities, m, m/s   */
    double w0, w1, h0, h1;          /* stage and depth at edges 0 and 1, m         */
    double uh0, uh1, vh0, vh1;      /* momenta there, m2/s                         */
} lean_slopes;

/* How fast the edge values of a triangle change. */
typedef struct {
    double dw, duh, dvh;            /* rates of change, per second */
    double steepness;               /* sqrt(1 + bed slope squared) */
    int regular;                    /* 0: degenerate triangle, nothing is shifted */
} lean_rates;

/* The rates from the slopes of the state; the sums in ANUGA's order. */
LEAN_INLINE lean_rates lean_predict(const lean_slopes *s, double g, double h_min)
{
    lean_rates out;
    const double ex0 = s->arm.x0, ey0 = s->arm.y0, ex1 = s->arm.x1, ey1 = s->arm.y1;
    double det = ex0 * ey1 - ex1 * ey0, inverse = 1.0 / det;
    double dw0 = s->w0 - s->w, dw1 = s->w1 - s->w, dh0 = s->h0 - s->h, dh1 = s->h1 - s->h;
    double i0 = 1.0 / s->h0, i1 = 1.0 / s->h1;
    i0 = s->h0 > h_min ? i0 : 0.0;
    i1 = s->h1 > h_min ? i1 : 0.0;
    double du0 = s->uh0 * i0 - s->u, du1 = s->uh1 * i1 - s->u;
    double dv0 = s->vh0 * i0 - s->v, dv1 = s->vh1 * i1 - s->v;
    double wx = inverse * (ey1 * dw0 - ey0 * dw1), wy = inverse * (ex0 * dw1 - ex1 * dw0);
    double hx = inverse * (ey1 * dh0 - ey0 * dh1), hy = inverse * (ex0 * dh1 - ex1 * dh0);
    double ux = inverse * (ey1 * du0 - ey0 * du1), uy = inverse * (ex0 * du1 - ex1 * du0);
    double vx = inverse * (ey1 * dv0 - ey0 * dv1), vy = inverse * (ex0 * dv1 - ex1 * dv0);
    double h = s->h, u = s->u, v = s->v, gh = g * h;
    out.dw = -(u * hx + h * ux + v * hy + h * vy);
    out.duh = -(2.0 * u * h * ux + u * u * hx + u * v * hy + v * h * uy + u * h * vy + gh * wx);
    out.dvh = -(v * h * ux + u * h * vx + u * v * hx + 2.0 * v * h * vy + v * v * hy + gh * wy);
    double zx = wx - hx, zy = wy - hy;
    out.steepness = sqrt(1.0 + zx * zx + zy * zy);
    out.regular = fabs(det) >= 1.0e-20;
    return out;
}

/* Speed times depth at an edge where drag acts, else 0, m2/s. */
LEAN_INLINE double lean_dragged(double eta, double h, double uh, double vh, double h_min)
{
    double speed = sqrt(uh * uh + vh * vh);
    speed = eta <= 1.0e-16 ? 0.0 : speed;
    speed = h < h_min ? 0.0 : speed;
    return speed;
}

/* Manning's drag over dt as a factor; power is pow(h, 7/3), speed from lean_dragged. */
LEAN_INLINE double lean_drag_factor(double g, double eta, double steepness, double speed,
                                    double power, double dt)
{
    double gamma = -lean_manning(g, eta, steepness, speed) / power;
    double factor = 1.0 / (1.0 + gamma * dt);
    return speed == 0.0 ? 1.0 : factor;
}

#endif
