"""One rank of models with viscosity: `viscous.py FOLDER`, under mpiexec.

A plain ANUGA script; whether it is lean is up to who starts it.  Each rank
leaves FOLDER/NAME_RANK.npz for every form and scheme that this ANUGA has.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import anuga
import numpy as np

folder = Path(sys.argv[1])
FORMS = {"plain": ("height", {})}
if "form" in inspect.signature(anuga.Kinematic_viscosity_operator).parameters:
    FORMS = {
        "plain": ("height", {"form": "velocity"}),
        "momentum": (3.0, {"form": "momentum"}),
        "explicit": (3.0, {"form": "momentum", "scheme": "explicit"}),
        "stiff": (400.0, {"form": "momentum", "scheme": "explicit"}),
    }


def build() -> Any:
    """A dam break over a sloping bed, half of it dry, parted."""
    domain = None
    if anuga.myid == 0:
        domain = anuga.rectangular_cross_domain(21, 17, len1=700.0, len2=500.0)
        domain.set_flow_algorithm("DE1")
        domain.set_quantity("elevation", lambda x, y: -x / 90.0 + 3.0 * np.sin(y / 60.0))
        domain.set_quantity("friction", 0.03)
        domain.set_quantity("stage", lambda x, y: np.where(x < 250.0, 2.5, -4.0))
    domain = anuga.distribute(domain)
    domain.set_store(False)
    wall = anuga.Reflective_boundary(domain)
    tide = anuga.Time_boundary(domain, lambda t: [1.0 + 0.4 * np.sin(t / 3.0), 0.3, 0.0])
    domain.set_boundary({"left": tide, "top": wall, "bottom": wall,
                         "right": anuga.Transmissive_boundary(domain)})
    return domain


for name, (diffusivity, options) in FORMS.items():
    domain = build()
    operator = anuga.Kinematic_viscosity_operator(domain, diffusivity, **options)
    steps = []
    for _ in domain.evolve(yieldstep=2.0, finaltime=8.0):
        steps.append(domain.timestep)
    lean = getattr(domain, "lean", None)
    np.savez(
        folder / f"{name}_{anuga.myid}.npz", steps=steps,
        kernels="stock" if lean is None else "lean",
        numbers=[getattr(operator, each, 0.0) for each in ("substeps", "stability_G")],
        **{each: np.array(domain.quantities[each].centroid_values)
           for each in ("stage", "xmomentum", "ymomentum", "xvelocity", "height")},
    )
anuga.finalize()
