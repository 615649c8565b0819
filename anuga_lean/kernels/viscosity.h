/* Eddy viscosity by one explicit step. See viscosity.c. */
#ifndef LEAN_VISCOSITY_H
#define LEAN_VISCOSITY_H

#include "run.h"

/* What the viscous stress makes of the momenta in a step.
 * IN  viscosity m2/s and dt s, both positive
 *     free_slip   n_boundary bytes, 1: no stress at this edge
 *     bed         n_boundary, bed at the boundary edges, m
 *     r           stage, momenta, elevation as the arrays hold them; boundary
 *                 values of stage and momenta; arenas
 * OUT xchange, ychange   n each, to be added to the momenta, m2/s            */
void lean_viscous_change(const lean_run *r, double viscosity, double dt,
                         const uint8_t *free_slip, const double *bed,
                         double *xchange, double *ychange);

#endif
