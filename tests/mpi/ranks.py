"""One rank of a model that `distribute` partitions: `ranks.py FOLDER ALGORITHM`, under mpiexec.

A plain ANUGA script; whether it is lean is up to who starts it.  Each rank
leaves FOLDER/RANK.npz: every quantity at every yield, every time step, and the
variables of its SWW file.
"""

from __future__ import annotations

import sys
from pathlib import Path

import anuga
import numpy as np
from netCDF4 import Dataset

NAMES = ("stage", "xmomentum", "ymomentum", "height", "elevation", "friction")

folder, algorithm = Path(sys.argv[1]), sys.argv[2]
domain = None
if anuga.myid == 0:
    domain = anuga.rectangular_cross_domain(21, 17, len1=700.0, len2=500.0)
    domain.set_flow_algorithm(algorithm)
    domain.set_name("flood")
    domain.set_datadir(str(folder))
    domain.set_quantity("elevation", lambda x, y: -x / 90.0 + 3.0 * np.sin(y / 60.0))
    domain.set_quantity("friction", lambda x, y: 0.02 + x / 40000.0)
    domain.set_quantity("stage", lambda x, y: np.where(x < 250.0, 2.5, -4.0))
domain = anuga.distribute(domain)
wall = anuga.Reflective_boundary(domain)
tide = anuga.Time_boundary(domain, lambda t: [1.0 + 0.4 * np.sin(t / 3.0), 0.0, 0.0])
domain.set_boundary({"left": tide, "right": wall, "top": wall, "bottom": wall})
anuga.Rate_operator(domain, rate=0.002)
anuga.Inlet_operator(domain, [[300.0, 100.0], [300.0, 400.0]], 15.0)

timesteps = []
apply_fractional_steps = domain.apply_fractional_steps


def end_step() -> None:
    """Note the step's length and go on."""
    timesteps.append(domain.timestep)
    apply_fractional_steps()


domain.apply_fractional_steps = end_step
states = {name: [] for name in NAMES}
integrals = []
for _ in domain.evolve(yieldstep=2.0, finaltime=12.0):
    integrals.append(domain.get_boundary_flux_integral())
    for name, found in states.items():
        found.append(np.array(domain.quantities[name].centroid_values))
lean = getattr(domain, "lean", None)
results = {name: np.array(found) for name, found in states.items()}
with Dataset(folder / f"flood_P{anuga.numprocs}_{anuga.myid}.sww") as file:
    file.set_auto_mask(False)
    results |= {f"sww.{name}": np.array(each[...]) for name, each in file.variables.items()}
np.savez(
    folder / f"{anuga.myid}.npz", timesteps=timesteps, integrals=integrals,
    full=np.asarray(domain.tri_full_flag), kernels="stock" if lean is None else "lean",
    **results,
)
anuga.finalize()
