"""Runs kinematic viscosity between reflective walls at 40 x 40, which kills ANUGA 4.1.0."""

from __future__ import annotations

import anuga

domain = anuga.rectangular_cross_domain(40, 40)
domain.set_store(False)
domain.set_quantity("elevation", lambda x, y: -1.0 + 0.2 * x)
domain.set_quantity("stage", lambda x, y: 0.1 * (x < 0.5))
domain.set_use_kinematic_viscosity(True)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary({"left": wall, "right": wall, "top": wall, "bottom": wall})
for time in domain.evolve(yieldstep=0.02, finaltime=0.1):
    print(time, flush=True)
