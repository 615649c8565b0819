/* The values that boundaries prescribe, as distribute finds them.
 *
 * ANUGA reconstructs the edge values before its boundaries are evaluated, so that these
 * values are those of the substep before.  Here the reconstruction may come later, in the
 * sweep: distribute takes a copy.
 */
#include <string.h>

#include "run.h"

void lean_take_prescribed(const lean_run *r, const lean_prescribed_values *p, uint8_t *changed)
{
    const double *const from[3] = {r->stage_boundary, r->xmomentum_boundary,
                                   r->ymomentum_boundary};
    for (int a = 0; a < 3; a++) {
        double *to = p->value + (size_t)a * p->n;
        for (int64_t j = 0; j < p->n; j++) {
            const double *now = from[a] + p->edge[j];
            if (memcmp(to + j, now, sizeof *now) != 0) {
                to[j] = *now;
                changed[p->block[j]] = 1;
            }
        }
    }
}
