/* The gradient of the plane through the corners of a triangle. */
#ifndef LEAN_PLANE_GRADIENT_H
#define LEAN_PLANE_GRADIENT_H

#include <math.h>

/* 0 where the corners are almost on a line (ANUGA 4.1.0, util_ext.h, _gradient).
 * IN x, y m, q at the corners; OUT a, b per m */
static inline void lean_plane_gradient(const double x[3], const double y[3], const double q[3],
                                       double *a, double *b)
{
    double x1 = x[1] - x[0], x2 = x[2] - x[0], y1 = y[1] - y[0], y2 = y[2] - y[0];
    double q1 = q[1] - q[0], q2 = q[2] - q[0];
    double area = y2 * x1 - y1 * x2;
    double scale = x1 * x1 + y1 * y1 + x2 * x2 + y2 * y2;
    int flat = fabs(area) <= 0x1p-52 * scale;
    *a = flat ? 0.0 : (y2 * q1 - y1 * q2) / area;
    *b = flat ? 0.0 : (x1 * q2 - x2 * q1) / area;
}

#endif
