"""One rank of models that exchange ghost values: `exchange.py FOLDER`, under mpiexec.

A plain ANUGA script; whether it is lean is up to who starts it.  Of each model
every rank leaves FOLDER/MODEL_RANK.npz (every quantity at every yield, every
time step, what was counted), and all together the merged FOLDER/MODEL.sww.
"""

from __future__ import annotations

import sys
from pathlib import Path

import anuga
import numpy as np

# name: (flow algorithm, width of the ghost layer, what is stored in the SWW file)
MODELS = {
    "DE0_2": ("DE0", 2, "nodes"),
    "DE0_4": ("DE0", 4, "corners and centroids"),
    "DE1_2": ("DE1", 2, "corners"),
    "DE1_4": ("DE1", 4, "nodes and centroids"),
}
NAMES = ("stage", "xmomentum", "ymomentum", "height", "elevation", "friction")


def built(name: str, folder: Path):
    """A dam break over a sloping bed, with an inlet across ranks and a tide."""
    algorithm, width, stored = MODELS[name]
    domain = None
    if anuga.myid == 0:
        domain = anuga.rectangular_cross_domain(21, 17, len1=700.0, len2=500.0)
        domain.set_flow_algorithm(algorithm)
        domain.set_name(name)
        domain.set_datadir(str(folder))
        domain.set_store_vertices_uniquely("corners" in stored)
        domain.set_store_centroids("centroids" in stored)
        domain.set_quantity("elevation", lambda x, y: -x / 90.0 + 3.0 * np.sin(y / 60.0))
        domain.set_quantity("friction", lambda x, y: 0.02 + x / 40000.0)
        domain.set_quantity("stage", lambda x, y: np.where(x < 250.0, 2.5, -4.0))
    domain = anuga.distribute(domain, parameters={"ghost_layer_width": width})
    wall = anuga.Reflective_boundary(domain)
    tide = anuga.Time_boundary(domain, lambda t: [1.0 + 0.4 * np.sin(t / 3.0), 0.0, 0.0])
    domain.set_boundary({"left": tide, "right": wall, "top": wall, "bottom": wall})
    anuga.Inlet_operator(domain, [[300.0, 100.0], [300.0, 400.0]], 15.0)
    if width == 4:
        x = np.asarray(domain.centroid_coordinates)[:, 0]
        domain.add_tracer("salt", initial_value=np.where(x > 200.0, 30.0, 1.0))
        domain.add_tracer("dye", initial_value=0.5)
    return domain


def run(name: str, folder: Path) -> None:
    """Evolve a model, leave what every rank has computed, and merge the SWW files."""
    domain = built(name, folder)
    steps: list[float] = []
    apply_fractional_steps = domain.apply_fractional_steps

    def end_step() -> None:
        steps.append(domain.timestep)
        apply_fractional_steps()

    domain.apply_fractional_steps = end_step
    states: dict[str, list] = {each: [] for each in (*NAMES, "tracers", "buffers")}
    for _ in domain.evolve(yieldstep=2.0, finaltime=8.0):
        for each in NAMES:
            states[each].append(np.array(domain.quantities[each].centroid_values))
        tracers = getattr(domain, "tracer_conserved_values", None)
        states["tracers"].append(np.zeros(0) if tracers is None else np.array(tracers))
        states["buffers"].append(np.concatenate([message[2].ravel() for messages in (
            domain.full_send_dict, domain.ghost_recv_dict) for message in messages.values()]))
    for seconds in (domain.communication_time, domain.communication_reduce_time):
        assert 0.0 < seconds < 60.0
    if name == "DE0_2":     # a user's list of quantities, fewer than the buffers have columns
        domain.quantities["friction"].centroid_values[:] += 0.001 * (anuga.myid + 1)
        domain.update_ghosts(["friction"])
    counts = domain.calls_to_update_ghosts, domain.calls_to_update_timestep
    domain.sww_merge()
    np.savez(
        folder / f"{name}_{anuga.myid}.npz", steps=steps, counts=counts,
        full=np.asarray(domain.tri_full_flag), numbers=np.asarray(domain.tri_l2g, np.int64),
        last_friction=domain.quantities["friction"].centroid_values,
        merged_by=anuga.sww_merge.__module__,
        kernels="stock" if getattr(domain, "lean", None) is None else "lean",
        **{each: np.array(found) for each, found in states.items()})


for model in MODELS:
    run(model, Path(sys.argv[1]))
anuga.finalize()
