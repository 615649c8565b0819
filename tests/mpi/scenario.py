"""One rank of the scenario `parallel`: `scenario.py FOLDER VARIANT`, under mpiexec."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import anuga_lean.scenarios as scenarios
from anuga_lean.measure.child import import_anuga

folder, variant = Path(sys.argv[1]), sys.argv[2]
anuga = import_anuga(variant)
domain = scenarios.build("parallel", anuga, triangles=1000, datadir=folder)
for _ in domain.evolve(yieldstep=4.0, finaltime=12.0):
    pass
np.savez(
    folder / f"{anuga.myid}.npz", full=np.asarray(domain.tri_full_flag),
    kernels="lean" if hasattr(domain, "lean") else "stock",
    **{name: quantity.centroid_values for name, quantity in domain.quantities.items()},
)
anuga.finalize()
