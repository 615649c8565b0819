"""Models on some ranks: `ranks.py FOLDER WHAT...` under mpiexec, each in FOLDER/WHAT.

whole     to the end
broken    with a checkpoint every third yield under DE0 and by wall time, which is at every
          yield, under DE1, until all ranks are killed
resumed   goes on from those of `broken`, in its folder
loaded_*  goes on in a copy of that folder, DE0 alone

A plain ANUGA script; whether it is lean is up to who starts it.  Each rank leaves
FOLDER/WHAT/ALGORITHM_RANK.npz: every quantity at every yield, every time step, what
operators have counted, and the variables of its SWW file.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path

import anuga
import numpy as np
from netCDF4 import Dataset

ALGORITHMS = ("DE0", "DE1")
LAST_BROKEN = 14.0      # s, of 18 at which the model ends

steps: list[float] = []
apply_fractional_steps = anuga.Domain.apply_fractional_steps


def end_step(domain) -> None:
    """Note the step's length and go on."""
    steps.append(domain.timestep)
    apply_fractional_steps(domain)


anuga.Domain.apply_fractional_steps = end_step


def built(algorithm: str):
    """Rain, an inlet and a culvert across ranks, a tide given as a lambda, maxima."""
    domain = None
    if anuga.myid == 0:
        domain = anuga.rectangular_cross_domain(21, 17, len1=700.0, len2=500.0)
        domain.set_flow_algorithm(algorithm)
        domain.set_name(f"flood_{algorithm}")
        domain.set_quantity("elevation", lambda x, y: -x / 90.0 + 3.0 * np.sin(y / 60.0))
        domain.set_quantity("friction", lambda x, y: 0.02 + x / 40000.0)
        domain.set_quantity("stage", lambda x, y: np.where(x < 250.0, 2.5, -4.0))
    domain = anuga.distribute(domain)
    wall = anuga.Reflective_boundary(domain)
    tide = anuga.Time_boundary(domain, lambda t: [1.0 + 0.4 * np.sin(t / 3.0), 0.0, 0.0])
    domain.set_boundary({"left": tide, "right": wall, "top": wall, "bottom": wall})
    anuga.Rate_operator(domain, rate=lambda t: 0.002 + 0.0001 * t)
    anuga.Inlet_operator(domain, [[300.0, 100.0], [300.0, 400.0]], 15.0)
    anuga.Boyd_box_operator(
        domain, losses=1.5, width=30.0, height=2.0, end_points=[[150.0, 250.0], [550.0, 250.0]],
        apron=5.0, enquiry_gap=10.0, verbose=False)
    domain.set_collect_max_quantities()
    return domain


def counted(domain) -> list[float]:
    """Numbers that go on from yield to yield."""
    found = [domain.get_boundary_flux_integral(), domain.get_fractional_step_volume_integral()]
    for operator in domain.fractional_step_operators:
        found += [float(getattr(operator, name)) for name in (
            "accumulated_flow", "discharge", "total_applied_volume") if hasattr(operator, name)]
    return found


def run(what: str, algorithm: str, last: bool) -> None:
    """Evolve to where `what` ends and keep what was computed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if what in ("whole", "broken"):
            domain = built(algorithm)
        else:
            domain = anuga.load_checkpoint_file(f"flood_{algorithm}", "CHECKPOINTS")
    begin = domain.get_time()
    if what == "broken":
        when = {"checkpoint_step": 3} if algorithm == "DE0" else {"checkpoint_time": 0.0}
        domain.set_checkpointing(checkpoint_dir="CHECKPOINTS", **when)
    steps.clear()
    states: dict[str, list] = {name: [] for name in ("times", "counted", *domain.quantities)}
    for t in domain.evolve(yieldstep=1.0, outputstep=2.0, finaltime=18.0):
        states["times"].append(t)
        states["counted"].append(counted(domain))
        for name, quantity in domain.quantities.items():
            states[name].append(np.array(quantity.centroid_values))
        if what == "broken" and t == LAST_BROKEN:
            anuga.barrier()
            if last:
                os.kill(os.getpid(), signal.SIGKILL)
            return
    results = {name: np.array(found) for name, found in states.items()}
    with Dataset(domain.writer.filename) as file:
        file.set_auto_mask(False)
        results |= {f"sww.{name}": np.array(each[...]) for name, each in file.variables.items()}
    np.savez(
        folder / what / f"{algorithm}_{anuga.myid}.npz", steps=steps, begin=begin,
        warnings=np.array([str(each.message) for each in caught], str),
        kernels="stock" if getattr(domain, "lean", None) is None else "lean", **results)


folder = Path(sys.argv[1]).resolve()
for what in sys.argv[2:]:
    (folder / what).mkdir(exist_ok=True)
    os.chdir(folder / ("broken" if what == "resumed" else what))
    some = ALGORITHMS[:1] if what.startswith("loaded") else ALGORITHMS
    for algorithm in some:
        run(what, algorithm, algorithm == some[-1])
anuga.finalize()
