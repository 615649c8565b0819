/* One run: the arrays a time step reads and writes, its parameters, and the
 * table of kernels built for one instruction set.
 *
 * All arrays are in the user's triangle order and belong to numpy.  "Raw"
 * state is what the centroid arrays hold; "effective" state is what ANUGA's
 * protect and centroid passes would make of it: stage lifted to the bed, no
 * momentum where the depth is at most h_min.  The kernels compute the effective
 * state as they load, so the raw one need not be rewritten every substep.
 */
#ifndef LEAN_RUN_H
#define LEAN_RUN_H

#include "everywhere.h"
#include "frames.h"
#include "operator_kernels.h"
#include "state.h"
#include "whole_blocks.h"

typedef struct {
    double g;                 /* m/s2 */
    double epsilon;           /* wave speeds at most this are no flow, m/s */
    double h_min;             /* minimum_allowed_height, m */
    double beta_w, beta_w_dry, beta_uh, beta_uh_dry, beta_vh, beta_vh_dry;
    int32_t low_froude;       /* 0, 1 or 2 */
    int32_t tangential;       /* 1: tangential momentum goes upwind with the mass */
    int32_t manning;          /* 1: friction acts in this update */
    int32_t sloped;           /* 1: Manning's drag knows the bed slope */
} lean_parameters;

/* What sweep does with the fluxes of a block. */
enum lean_sweep_mode {
    LEAN_FLUXES = 0,          /* write them to the work arrays                    */
    LEAN_SECOND_STAGE = 1,    /* RK2: update, average with the backup in the work
                                 arrays, leave the result there                   */
    LEAN_SPEEDS = 2,          /* only record max_speed                            */
    LEAN_TRACER_EDGES = 3     /* only write tracer_edges                          */
};

/* What update does with the new state. */
enum lean_update_mode {
    LEAN_REPLACE = 0,         /* state := new                                     */
    LEAN_EXCHANGE = 1,        /* work := raw state (the RK2 backup), state := new */
    LEAN_AS_IT_STANDS = 2     /* as LEAN_REPLACE, but forcing terms have had their
                                 say: the arrays are taken as they are, all that
                                 is semi-implicit is in the *_semi arrays        */
};

/* Which edge values lean_edge_rows gives. */
enum lean_edge_quantity {
    LEAN_EVERY_QUANTITY = -1,
    LEAN_STAGE = 0,           /* m    */
    LEAN_XMOMENTUM = 1,       /* m2/s */
    LEAN_YMOMENTUM = 2,       /* m2/s */
    LEAN_HEIGHT = 3,          /* m    */
    LEAN_ELEVATION = 4        /* m    */
};

/* Columns of the table of a riverwall: the last may be missing. */
enum { LEAN_LEAST_WALL_COLUMNS = 5 };

/* Riverwalls: own triangles with one or more of their edges on a wall, by block. */
typedef struct {
    const int64_t *offset;        /* n_blocks + 1, into triangle; NULL: no walls     */
    const uint16_t *triangle;     /* local index in the block                        */
    const int32_t *place;         /* 3 per triangle: the edge's place in elevation
                                     and row, -1 where no wall stands                */
    const double *elevation;      /* crest height of each wall edge, m               */
    const int64_t *row;           /* its line in properties                          */
    const double *properties;     /* columns per line: Qfactor s1 s2 h1 h2 [Cd_through] */
    int32_t columns;
} lean_walls;

/* Edges at which the boundary prescribes values, of own and first-ring triangles, by block. */
typedef struct {
    const int64_t *offset;        /* n_blocks + 1, into triangle; NULL: none         */
    const uint16_t *triangle;     /* local index, ascending in a block               */
    const int32_t *place;         /* 3 per triangle: the edge's place in what follows,
                                     -1 where nothing is prescribed                  */
    const uint8_t *bits;          /* 1: stage, 2: momentum; or both                  */
    const double *stage, *xmomentum, *ymomentum;   /* as of the last distribute      */
} lean_prescribed;

/* Where those values are taken from, n edges: their place in the boundary enumeration and
 * the block of their triangle; OUT value: n stages, n xmomenta, n ymomenta.             */
typedef struct {
    int64_t n;
    const int32_t *edge, *block;
    double *value;
} lean_prescribed_values;

/* Passive tracers: rows of n (of n_boundary, of 3n), one row a tracer. */
typedef struct {
    int32_t count;
    double beta;                  /* limiter strength                                */
    const double *conserved;      /* m = depth times concentration                   */
    double *concentration;        /* OUT, m / depth as the last distribute left it   */
    double *explicit_update;      /* OUT, rate of change of m                        */
    const double *boundary;       /* concentration beyond each boundary edge         */
    double *boundary_flux;        /* OUT, through each boundary edge of full triangles */
    double *edges;                /* OUT of LEAN_TRACER_EDGES: (3n) values at edges, or NULL */
} lean_tracers;

typedef struct {
    const lean_mesh *mesh;
    lean_parameters p;
    int32_t n_threads;
    /* centroid values, n each, metres and m2/s */
    double *stage, *xmomentum, *ymomentum;    /* INOUT */
    double *height;                           /* OUT, effective depth */
    const double *elevation, *friction;       /* IN */
    /* work arrays, n each: flux divergence, or the RK2 backup and average */
    double *stage_work, *xmomentum_work, *ymomentum_work;
    double *friction_rate;    /* n, 1/s: Manning's factor S (manning.h) on the sloped bed as the
                                 last sweep found it; NULL: the bed counts as flat */
    double *max_speed;        /* n, or NULL: not recorded */
    /* what forcing terms add semi-implicitly, per second: n each, or NULL: nothing */
    double *stage_semi, *xmomentum_semi, *ymomentum_semi;
    double predictor_dt;      /* ADER-2: time the edge values are advanced by, s; 0: not */
    lean_walls walls;
    lean_prescribed prescribed;
    lean_tracers tracers;
    uint8_t *isolated;        /* n: every neighbour of the triangle is dry */
    const uint8_t *full;      /* n: 0 for ghosts; NULL when all are full */
    /* Triangles that distribute changed in place, with the raw values they had
     * (stage, xmomentum, ymomentum): the sweep computes from these.          */
    int64_t n_undo, undo_capacity;
    int32_t *undo_index;      /* ascending after lean_sort_undo */
    double *undo_value;       /* 3 per entry */
    uint64_t *undo_bits;      /* one bit per triangle: it is in the record */
    /* boundary edges, in the order of the enumeration */
    const uint8_t *reflective;    /* 1: the sweep computes this edge's values  */
    double *stage_boundary, *xmomentum_boundary, *ymomentum_boundary;
    double *elevation_boundary, *height_boundary;   /* OUT where reflective */
    /* edges whose mass flux counts for boundary_flux_sum */
    const int64_t *counted_offset;   /* n_blocks + 1; NULL: the boundary edges */
    const uint16_t *counted_slot;
    const int32_t *counted_index;
    double *edge_flux;        /* m3/s, one per counted edge, in summing order */
    /* quiet blocks, n_blocks each */
    uint8_t *block_active;    /* 1: the block's fluxes must be computed; in
                                 LEAN_SECOND_STAGE, INOUT: they still must be   */
    double *block_timestep;
    double *scratch;          /* n_threads arenas of scratch_stride doubles */
    size_t scratch_stride;
    /* Called in a sweep by the thread that has begun it, before every poll_every-th of its
     * blocks: no further block is begun once it returns other than 0.  NULL: nothing asks. */
    int (*poll)(void *asked);
    void *asked;
    int32_t poll_every;
} lean_run;

typedef struct {
    int64_t n_negative;       /* full triangles whose new stage was below the bed */
    double negative_volume;   /* m3 added by lifting them                        */
} lean_update_result;

/* The kernels of one instruction set. */
typedef struct {
    const char *name;
    /* Fluxes of every active block from the effective state. Returns the
     * smallest radius / max speed over full triangles (1e100 if nothing
     * moves).  mode LEAN_SECOND_STAGE needs dt and adds to *result.  Where poll has
     * stopped it what it returns means nothing: a LEAN_SECOND_STAGE goes on if it is
     * called again with the same *result, all others begin again.             */
    double (*sweep)(const lean_run *r, int mode, double dt, lean_update_result *result);
    /* Friction and semi-implicit update of every triangle from the work
     * arrays, negative depths lifted.  Marks changed blocks in *changed
     * (n_blocks bytes, or NULL).                                             */
    void (*update)(const lean_run *r, int mode, double dt, uint8_t *changed,
                   lean_update_result *result);
    /* ANUGA's protect, centroid pass and isolated-triangle rule, in place;
     * records what it changes when recording is 1.  Returns 1 when the record is
     * full (raise undo_capacity, call again), else 0.                         */
    int (*distribute)(lean_run *r, int recording);
    /* isolated[] for every triangle from the effective depths. */
    void (*mark_isolated)(const lean_run *r);
    const lean_operators *operators;
    const lean_everywhere *everywhere;
    /* Edge values of a lean_edge_quantity of `count` triangles from `first` on; OUT out[3*j + i].
     * For this and the next the order of ANUGA's loop must not show, and nothing be predicted. */
    void (*edge_range)(const lean_run *r, int64_t first, int64_t count, int quantity,
                       double *out);
    void (*scour)(const lean_run *r, const lean_scour *s);
    /* A part of a frame: nodes, by so many threads; vertices, for which the order of ANUGA's
     * loop must not show (no dry limiter above zero) and nothing be predicted.       */
    void (*frame_at_nodes)(const lean_frame *f, int n_threads);
    void (*frame_at_vertices)(const lean_run *r, const lean_frame *f);
} lean_kernels;

/* Doubles one thread's arena needs for any block of this mesh (arena.h); extra: with
 * room for the predictor and tracers.                                        */
size_t lean_scratch_doubles(const lean_mesh *mesh, int extra);

/* Sort the undo record by triangle and set its bits. -1: no memory for it. */
int lean_sort_undo(lean_run *r);

/* Forget the undo record. */
void lean_clear_undo(lean_run *r);

/* The raw values triangle k had before distribute; k must be in the record. */
const double *lean_find_undo(const lean_run *r, int32_t k);

/* The kernels for `isa` ("baseline", "v3", "v4"), or the best this CPU runs
 * when isa is NULL.  NULL if the name is unknown or the CPU cannot run it.   */
const lean_kernels *lean_select_kernels(const char *isa);

/* Edge values of given triangles from the effective state.
 * IN  k[nk] triangles, a lean_edge_quantity; OUT out[nk][3] or out[5][nk][3]. */
void lean_edge_rows(const lean_run *r, const int64_t *k, int64_t nk, int quantity, double *out);

/* boundary values of reflective walls at edges ids[n] of the enumeration
 * whose triangle and edge are vol[n], edge[n]; writes the five boundary arrays. */
void lean_reflective_rows(const lean_run *r, const int64_t *ids, const int64_t *vol,
                          const int64_t *edge, int64_t n);

/* Edges of a boundary, n: IN their numbers in the enumeration, triangles and edges, and the
 * components of their normals, n of x and n of y. */
typedef struct {
    int64_t n;
    const int64_t *id, *triangle, *edge;
    const double *normal;
} lean_normal_edges;

/* Writes boundary values of edges where the stage, m, is set and only momentum across the edge goes
 * on; scaled: no more of it than the depth beyond the edge allows.  Returns 0, with nothing
 * written, where a value is not finite or numpy's choice of zeros counts, else 1.
 * IN momentum: room for 2*n */
int lean_normal_rows(const lean_run *r, const lean_normal_edges *at, double stage, int scaled,
                     double *momentum);

/* After the second stage: height := effective depth of the state it read, and
 * the averaged state moves from the work arrays to the centroid arrays.      */
void lean_finish_second_stage(const lean_run *r);

/* Add what Manning friction does to the momenta per second, m2/s2: INOUT n each. */
void lean_add_friction(const lean_run *r, double *xmomentum, double *ymomentum);

/* Stems in the flow, n each: IN number per m2, diameter and height in m. */
typedef struct {
    const double *density, *diameter, *height;
    double drag;                  /* coefficient of a stem       */
    double bed_chezy;             /* of the bed between them     */
} lean_stems;

/* Add what their drag does to the momenta per second, m2/s2: INOUT n each. */
void lean_add_vegetation(const lean_run *r, const lean_stems *stems, double *xmomentum,
                         double *ymomentum);

/* Concentrations of every tracer from the effective depths. */
void lean_tracer_concentrations(const lean_run *r);

/* conserved += dt * explicit_update, for every tracer. */
void lean_update_tracers(const lean_run *r, double dt, double *conserved);

/* Take the prescribed values from the boundary arrays.  Marks in changed (n_blocks) the
 * blocks of the triangles whose values are others than before: they and all blocks that
 * read them have other edge values now.                                              */
void lean_take_prescribed(const lean_run *r, const lean_prescribed_values *p, uint8_t *changed);

/* Quiet blocks, see quiet.c. */
void lean_spread_activity(const lean_mesh *m, int wide, const uint8_t *changed,
                          const uint8_t *always, uint8_t *near, uint8_t *active);
void lean_take_fingerprints(const lean_run *r, const uint8_t *changed, uint64_t *print,
                            uint8_t *known);
void lean_check_fingerprints(const lean_run *r, uint8_t *changed, const uint64_t *print,
                             uint8_t *known);
void lean_mark_undone(const lean_run *r, uint8_t *changed);

/* Sum in index order, as ANUGA's loop adds its boundary fluxes. */
double lean_serial_sum(const double *x, int64_t n);

/* The same, but what stands side by side with one group is summed first. */
double lean_grouped_sum(const double *x, const int64_t *group, int64_t n);

/* out[k] = a*x[k] + b*y[k], then times c_inverse if it is not 1. INOUT x. */
void lean_average(double *x, const double *y, int64_t n, double a, double b,
                  double c_inverse, int32_t n_threads);

#endif
