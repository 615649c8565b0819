"""One rank of models whose bed or boundary moves: `bed.py FOLDER HOW MODEL,...`, under mpiexec.

A plain ANUGA script; whether it is lean is up to who starts it.  HOW is whole; mixed, where
rank 1 runs on ANUGA's kernels; broken, which writes checkpoints and ends in the middle; or
resumed.  Each rank leaves FOLDER/HOW_MODEL_RANK.npz: the centroid values of all its triangles
at every yield, full and ghost, and every time step.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import anuga
import numpy as np

NAMES = ("stage", "xmomentum", "ymomentum", "elevation", "height", "friction")
YIELDSTEP, BROKEN_AT, FINALTIME = 1.0, 4.0, 8.0


def tide(t: float) -> list[float]:
    return [1.0 + 0.6 * np.sin(t / 2.0), 0.3, 0.0]


def sluice(t: float) -> float:
    return -1.0 + 0.4 * np.cos(t)


def made(model: str) -> Any:
    """This rank's part of 700 m by 500 m in 1,428 triangles."""
    domain = None
    if anuga.myid == 0:
        domain = anuga.rectangular_cross_domain(21, 17, len1=700.0, len2=500.0)
        domain.set_flow_algorithm("DE1" if model in ("tide", "operator") else "DE0")
        domain.set_name(model)
        domain.set_quantity("elevation", lambda x, y: -x / 90.0 + 3.0 * np.sin(y / 60.0))
        domain.set_quantity("friction", 0.03)
        domain.set_quantity("stage", lambda x, y: np.where(x < 250.0, 2.5, -4.0))
    domain = anuga.distribute(domain)
    domain.set_store(False)
    wall = anuga.Reflective_boundary(domain)
    boundaries = dict.fromkeys(("left", "right", "top", "bottom"), wall)
    if model == "tide":
        boundaries |= {
            "left": anuga.Time_boundary(domain, tide),
            "top": anuga.Dirichlet_boundary([0.5, 0.0, -0.2]),
            "right": anuga.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(
                domain, sluice)}
    domain.set_boundary(boundaries)
    if model == "operator":
        anuga.Set_elevation_operator(domain, elevation=lambda t: 0.4 * t - 2.0,
                                     center=[350.0, 250.0], radius=150.0)
    if model == "erosion":
        anuga.Bed_shear_erosion_operator(domain, base=-12.0, shear_factor=10.0)
    return domain


def move_bed(domain: Any, model: str, t: float) -> None:
    """What the script does to the bed at a yield: on triangles that the rank owns alone."""
    own = np.flatnonzero(np.asarray(domain.tri_full_flag) == 1)
    x, y = np.asarray(domain.centroid_coordinates)[own].T
    ridge = 0.3 * t * np.exp(-((x - 350.0) / 120.0) ** 2 - ((y - 250.0) / 120.0) ** 2)
    bed = domain.quantities["elevation"].centroid_values
    if model == "owned" and t in (1.0, 3.0, 6.0):
        domain.set_quantity("elevation", bed[own] + ridge, location="centroids", indices=own)
    elif model == "some_ranks" and t == (2.0 if anuga.myid else 5.0):
        domain.set_quantity("elevation", bed[own] + ridge, location="centroids", indices=own)
    elif model == "direct" and t == 2.0 and anuga.myid == 0:
        bed[own] += ridge
        if hasattr(domain, "sync_elevation_to_device"):     # from ANUGA 4.2 on
            domain.sync_elevation_to_device()


def run(folder: Path, how: str, model: str) -> None:
    """Evolve a model, from its beginning or from its checkpoint, and leave what it shows."""
    if how == "resumed":
        domain = anuga.load_checkpoint_file(model, str(folder / "sets"))
        domain.set_checkpointing(False)
    else:
        domain = made(model)
    if how == "broken":
        domain.set_checkpointing(checkpoint_dir=str(folder / "sets"), checkpoint_step=1)
    if how == "mixed" and anuga.myid == 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            domain.use_stock_kernels("a rank of this test")
    steps: list[float] = []
    apply_fractional_steps = domain.apply_fractional_steps

    def noting() -> None:
        steps.append(domain.timestep)
        apply_fractional_steps()

    found: dict[str, list] = {name: [] for name in NAMES}
    times = []
    if how != "broken":     # no checkpoint holds it
        domain.apply_fractional_steps = noting
    for t in domain.evolve(yieldstep=YIELDSTEP, finaltime=FINALTIME):
        times.append(t)
        for name, values in found.items():
            values.append(np.array(domain.quantities[name].centroid_values))
        if how == "broken" and t >= BROKEN_AT:
            break
        move_bed(domain, model, t)
    np.savez(folder / f"{how}_{model}_{anuga.myid}.npz", times=times, steps=steps,
             full=np.asarray(domain.tri_full_flag), numbers=np.asarray(domain.tri_l2g, np.int64),
             kernels="stock" if getattr(domain, "lean", None) is None else "lean",
             **{name: np.array(values) for name, values in found.items()})


for each in sys.argv[3].split(","):
    run(Path(sys.argv[1]), sys.argv[2], each)
    anuga.barrier()
anuga.finalize()
sys.stdout.flush()
os._exit(0)
