/* A part of a frame of the SWW file: the values at some vertices or nodes, rounded as they are
 * stored, and between which bounds they lie. */
#ifndef LEAN_FRAMES_H
#define LEAN_FRAMES_H

#include <stdint.h>

/* What a column gets where the water is too shallow to be stored. */
enum lean_column_kind {
    LEAN_AS_IT_IS = 0,
    LEAN_OF_STAGE = 1,        /* the bed's elevation */
    LEAN_OF_MOMENTUM = 2      /* 0 */
};

/* The numbers that a column has so far. */
typedef struct {
    double low, high;         /* the least and the largest that is no NaN; infinite: none yet */
    int32_t nan;              /* 1: there are NaNs                                            */
    int32_t zeros;            /* 1: there is a 0.0, 2: a -0.0; known if one is low or high    */
} lean_spread;

/* The stored values of one quantity. */
typedef struct {
    int32_t kind;
    const double *value;      /* at nodes: centroid values                       */
    void *out;                /* OUT; at vertices: NULL where nothing is stored  */
    lean_spread spread;       /* OUT, from infinity on                           */
} lean_column;

typedef struct {
    int64_t first, count;     /* triangles, all vertices of which are stored, or nodes */
    int32_t wide;             /* 1: out holds float64, 0: float32                      */
    int32_t leaves_out;       /* 1: water less than `least` m deep is left out         */
    double least;
    int32_t n_column;
    lean_column *column;      /* at vertices: one for each lean_edge_quantity          */
    /* at nodes only: */
    const double *stage, *elevation;   /* at centroids, m; where leaves_out            */
    int64_t n_entry, entry;   /* of order; the first one of the first node             */
    const int32_t *order;     /* places 3*k + i in the list of triangles, grouped by node,
                                 those of these nodes within range                     */
    const int32_t *n_around;  /* (count) triangles at each node                        */
} lean_frame;

#endif
