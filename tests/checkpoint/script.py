"""A user's script with everything of its own in __main__: `script.py NAME HOW [OPTIONS]`.

HOW is whole, broken, or resumed; OPTIONS, as JSON, are those of set_checkpointing or
load_checkpoint_file.  Leaves NAME.npz: all that the yields show.
Fewer frames than yields, yields whose times are not exact in binary, and what a script may
define: a lambda, a boundary, an operator and a domain of its own, a file that stays open.
"""

import json
import os
import sys

import numpy as np
from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

import anuga_lean as anuga

CREST = 0.3
log = open("log.txt", "a")          # no checkpoint can hold it


class Sponge(Boundary):
    """Lets half of the momentum out."""

    def __init__(self, domain, share):
        super().__init__()
        self.domain, self.share, self.asked = domain, share, 0

    def evaluate(self, vol_id, edge_id):
        self.asked += 1
        q = self.domain.get_conserved_quantities(vol_id, edge=edge_id)
        q[1:] *= self.share
        return q


class Leak(anuga.Operator):
    """Takes water off and remembers how much."""

    def __init__(self, domain):
        super().__init__(domain)
        self.total = 0.0

    def __call__(self):
        depth = np.minimum(0.01 * self.get_timestep(), self.stage_c - self.elev_c)
        self.stage_c[:] -= depth
        self.total += float((depth * self.areas).sum())


class Basin(anuga.Domain):
    """A domain that counts its yields, and the time steps of each."""

    def apply_fractional_steps(self):
        super().apply_fractional_steps()
        self.steps.append(self.timestep)


def built():
    points, triangles, boundary = anuga.rectangular_cross(14, 5, len1=70.0, len2=25.0)
    domain = Basin(points, triangles, boundary)
    domain.steps = []
    domain.set_name("basin")
    domain.set_flow_algorithm("DE1")
    domain.set_quantity("elevation", lambda x, y: -0.02 * x + 0.25 * np.sin(x / 6.0))
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: np.where(x < 30.0, 0.8, -0.2))
    tide = anuga.Time_boundary(domain, lambda t: [CREST * np.sin(t), 0.1, 0.0])
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({"left": tide, "right": Sponge(domain, 0.5), "top": wall, "bottom": wall})
    Leak(domain)
    anuga.Rate_operator(domain, rate=lambda t: 1e-3 * CREST * t)
    anuga.Inlet_operator(domain, [[35.0, 3.0], [35.0, 12.0]], Q=lambda t: 3.0 + t)
    domain.set_collect_max_quantities()
    return domain


name, how, *options = sys.argv[1:]
options = json.loads(options[0]) if options else {}
if how == "resumed":
    domain = anuga.load_checkpoint_file("basin", **options)
else:
    domain = built()
    if how == "broken":
        domain.set_checkpointing(**options)
first = len(domain.steps)
seen = {}
for t in domain.evolve(yieldstep=0.1, outputstep=0.2, finaltime=2.0):
    print(f"{t!r}", file=log, flush=True)
    totals = [operator.total for operator in domain.fractional_step_operators
              if type(operator).__name__ == "Leak"]
    seen[f"{t!r} counted"] = np.array([
        domain.get_boundary_flux_integral(), domain.get_fractional_step_volume_integral(),
        domain.boundary_map["right"].asked, *totals])
    for quantity in domain.quantities.values():
        seen[f"{t!r} {quantity.name}"] = np.array(quantity.centroid_values)
    if how == "broken" and t > 1.45:
        os._exit(0)
np.savez(f"{name}.npz", steps=domain.steps, first=first, kind=type(domain).__name__,
         lean=domain.lean is not None, **seen)
