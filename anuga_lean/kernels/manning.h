/* Manning's friction at one triangle or edge.
 *
 * Owns the factor S of ANUGA 4.1.0 (core_manning_friction_*): friction changes the momenta by
 * S times themselves per second.  Where it acts, and where pow comes from, is the callers'.
 */
#ifndef LEAN_MANNING_H
#define LEAN_MANNING_H

#include "limiter.h"

/* S times the depth to the 7/3, 1/s m**(7/3), at most 0.
 * IN eta Manning's n, s/m**(1/3); steepness sqrt(1 + bed slope squared), 1 where the bed counts
 *    as flat; speed |(uh, vh)|, m2/s
 * The factors are multiplied in this order and S is one division: any other rounds differently.
 * That is left to the caller, who has the power from pow or from seven_thirds.h. */
LEAN_INLINE double lean_manning(double g, double eta, double steepness, double speed)
{
    return -g * eta * eta * steepness * speed;
}

#endif
