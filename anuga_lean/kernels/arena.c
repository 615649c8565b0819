/* How large an arena has to be. */
#include "arena.h"

size_t lean_scratch_doubles(const lean_mesh *m, int extra)
{
    const lean_extents largest = {
        .own = (size_t)m->max_own,
        .local = (size_t)m->max_local,
        .all = (size_t)m->max_all,
        .slots = 3 * (size_t)m->max_local + (size_t)m->max_boundary,
    };
    opened nothing;
    return lay_out(&largest, NULL, extra, &nothing);
}
