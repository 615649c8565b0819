/* What is made of edge values a block at a time; see whole_blocks.c. */
#ifndef LEAN_WHOLE_BLOCKS_H
#define LEAN_WHOLE_BLOCKS_H

#include <stdint.h>

/* Erosion by bed shear: where the speed is above a threshold the bed is lowered by depth times
 * the slope of the stage, times 9810 dt over a factor, down to `base`; the water follows. */
typedef struct {
    double threshold, shear_factor, dt, base;    /* m/s, N/m2 per m/s, s, m        */
    const uint8_t *chosen;                       /* (n) 1: this triangle; NULL: all */
    const double *xmomentum, *ymomentum;         /* (n) m2/s                        */
    double *elevation, *stage;                   /* (n) m, INOUT; none of the run's */
} lean_scour;

#endif
