"""A model on any number of ranks: `regrouped.py ACTION FOLDER LABEL`, under mpiexec or alone.

ACTION write runs to 6 s with a checkpoint at each yield; load goes on to 10 s from
the newest set, on whatever number of ranks; anew goes on from the arrays that
`write` has left, put into a new serial domain that is distributed; branch goes on as load
with a checkpoint at each yield, of which the newest stays.  Each rank
leaves FOLDER/LABEL_RANK.npz: the full triangles by global number.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anuga
import numpy as np

NAMES = ("stage", "xmomentum", "ymomentum", "elevation", "friction", "level")

action, folder, label = sys.argv[1], Path(sys.argv[2]), sys.argv[3]


def made() -> Any:
    """The serial domain at its beginning."""
    domain = anuga.rectangular_cross_domain(13, 11, len1=700.0, len2=500.0)
    domain.set_flow_algorithm("DE1")
    domain.set_name("flood")
    domain.set_datadir(str(folder))
    domain.set_quantity("elevation", lambda x, y: -x / 90.0 + 3.0 * np.sin(y / 60.0))
    domain.set_quantity("friction", lambda x, y: 0.02 + x / 40000.0)
    domain.set_quantity("stage", lambda x, y: np.where(x < 250.0, 2.5, -4.0))
    return domain


def surround(domain: Any) -> None:
    """Set boundaries, rain and, where there is none yet, a quantity of the user's own."""
    if "level" not in domain.quantities:    # `distribute` leaves it behind
        anuga.Quantity(domain, name="level", register=True)
        domain.set_quantity("level", lambda x, y: x + y, location="centroids")
    wall = anuga.Reflective_boundary(domain)
    tide = anuga.Time_boundary(domain, lambda t: [1.0 + 0.4 * np.sin(t / 3.0), 0.0, 0.0])
    domain.set_boundary({"left": tide, "right": wall, "top": wall, "bottom": wall})
    anuga.Rate_operator(domain, rate=0.002)


def leave(domain: Any, label: str) -> None:
    """Write the state of the full triangles of this rank."""
    full = np.asarray(domain.tri_full_flag) == 1
    number = getattr(domain, "tri_l2g", None)
    number = np.arange(len(full)) if number is None else np.asarray(number)
    np.savez(folder / f"{label}_{anuga.myid}.npz", number=number[full],
             place=np.asarray(domain.centroid_coordinates)[full],
             time=domain.get_time(), flux=domain.get_boundary_flux_integral(),
             rain=domain.get_fractional_step_volume_integral(), CFL=domain.CFL,
             **{name: domain.quantities[name].centroid_values[full] for name in NAMES})


def gathered(label: str) -> dict[str, np.ndarray]:
    """What the ranks have left under a label, by global number."""
    parts = [np.load(path) for path in sorted(folder.glob(f"{label}_?.npz"))]
    number = np.concatenate([part["number"] for part in parts])
    found = {name: parts[0][name] for name in ("time", "flux", "rain", "CFL")}
    for name in ("place", *NAMES):
        values = np.concatenate([part[name] for part in parts])
        found[name] = np.empty_like(values)
        found[name][number] = values
    return found


def main() -> None:
    """Do what the command line says."""
    if action in ("load", "branch"):
        domain = anuga.load_checkpoint_file("flood", str(folder / "sets"))
        leave(domain, f"{label}_loaded")
    else:
        domain = made() if anuga.myid == 0 else None
        if action == "anew" and anuga.myid == 0:
            for name in NAMES[:-1]:
                domain.set_quantity(name, gathered("written")[name], location="centroids")
        domain = anuga.distribute(domain)
        domain.set_CFL(0.8)
    surround(domain)
    if action == "write":
        domain.set_checkpointing(checkpoint_dir=str(folder / "sets"), checkpoint_step=1)
    elif action == "branch":
        domain.set_checkpointing(checkpoint_dir=str(folder / "sets"), checkpoint_step=1, keep=1)
        domain.set_store(False)
    else:
        domain.set_checkpointing(False)
        domain.set_store(False)
    if action == "anew":
        domain.set_evolve_starttime(6.0)
    for _ in domain.evolve(yieldstep=2.0, finaltime=6.0 if action == "write" else 10.0):
        pass
    leave(domain, label)


if __name__ == "__main__":
    main()
    anuga.finalize()
