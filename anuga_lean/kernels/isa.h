/* Names of the functions that are compiled once per instruction set: the build
 * gives LEAN_ISA (baseline, v3 or v4) and LEAN_FOR(sweep) becomes lean_sweep_v3.
 *
 * What each does is told at lean_kernels (run.h) and lean_operators (operator_kernels.h); isa.c chooses among their builds. */
#ifndef LEAN_ISA_H
#define LEAN_ISA_H

#include "run.h"

#ifndef LEAN_ISA
#define LEAN_ISA baseline
#endif
#define LEAN_JOIN_(a, b) lean_##a##_##b
#define LEAN_JOIN(a, b) LEAN_JOIN_(a, b)
#define LEAN_FOR(name) LEAN_JOIN(name, LEAN_ISA)

double LEAN_FOR(sweep)(const lean_run *r, int mode, double dt, lean_update_result *result);
void LEAN_FOR(update)(const lean_run *r, int mode, double dt, uint8_t *changed,
                      lean_update_result *result);
int LEAN_FOR(distribute)(lean_run *r, int recording);
void LEAN_FOR(mark_isolated)(const lean_run *r);
int LEAN_FOR(check_rate)(const lean_rate *r, int rates);
lean_rate_part LEAN_FOR(survey_rate)(const lean_rate *r, int limited, lean_rate_part *part);
void LEAN_FOR(changes_of_rate)(const lean_rate *r, int limited, double *change);
void LEAN_FOR(apply_rate)(const lean_rate *r, int limited);
int LEAN_FOR(raise_maxima)(const lean_maxima *m);
int LEAN_FOR(raise_to)(double *maximum, const double *value, int64_t n, int32_t n_threads);
void LEAN_FOR(hypots)(const double *x, const double *y, int64_t n, int own, double *h);
extern const lean_everywhere LEAN_FOR(everywhere);
void LEAN_FOR(edge_range)(const lean_run *r, int64_t first, int64_t count, int quantity,
                          double *out);
void LEAN_FOR(scour)(const lean_run *r, const lean_scour *s);
void LEAN_FOR(frame_at_nodes)(const lean_frame *f, int n_threads);
void LEAN_FOR(frame_at_vertices)(const lean_run *r, const lean_frame *f);

#endif
