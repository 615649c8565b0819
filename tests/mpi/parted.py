"""One rank of a model that each of ANUGA's functions partitions in turn: `parted.py FOLDER`.

A plain ANUGA script; whether it is lean is up to who starts it.  Each rank
leaves FOLDER/RANK.npz: what it got of the mesh, its settings, and every
quantity and time step of a short run, by case.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anuga
import numpy as np
from anuga import parallel

NAMES = ("stage", "xmomentum", "ymomentum", "height", "elevation", "friction")
SETTINGS = ("flow_algorithm", "store_centroids", "minimum_storable_height",
            "minimum_allowed_height", "low_froude", "smooth", "CFL", "ghost_layer_width",
            "number_of_global_triangles", "number_of_global_nodes", "number_of_full_nodes_tmp",
            "number_of_full_triangles_tmp", "global_name", "quantities_to_be_stored")

folder = Path(sys.argv[1])
parts = folder / "parts"


def bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the elevation, m."""
    return -x / 90.0 + 3.0 * np.sin(y / 60.0)


def water(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the stage, m."""
    return np.where(x < 250.0, 2.5, -4.0)


def whole() -> Any:
    """Return the domain on rank 0, None on others."""
    if anuga.myid:
        return None
    domain = anuga.rectangular_cross_domain(19, 14, len1=700.0, len2=500.0)
    domain.set_flow_algorithm("DE1")
    domain.set_name("flood")
    domain.set_datadir(str(folder))
    domain.set_store(False)
    domain.set_store_centroids(True)
    domain.set_minimum_storable_height(0.02)
    domain.set_minimum_allowed_height(0.003)
    domain.set_low_froude(1)
    domain.set_quantities_to_be_stored({"stage": 2, "elevation": 1})
    domain.set_quantity("elevation", bed)
    domain.set_quantity("friction", lambda x, y: 0.02 + x / 40000.0)
    domain.set_quantity("stage", water)
    anuga.Quantity(domain, name="salt", register=True)
    domain.set_quantity("salt", lambda x, y: x * y)
    domain.add_tracer("dye")
    domain.set_tracer("dye", 2.0)
    return domain


def mesh() -> Any:
    """Return a mesh without quantities on rank 0, None on others."""
    from anuga.abstract_2d_finite_volumes.basic_mesh import Basic_mesh

    if anuga.myid:
        return None
    points, triangles, boundary = anuga.rectangular_cross(19, 14, len1=700.0, len2=500.0)
    return Basic_mesh(points, triangles, boundary)


def distributed(function: Callable[..., Any], **parameters: Any) -> Any:
    """Return this rank's part of the domain."""
    parameters["distribute_quantity_names"] = [
        "stage", "xmomentum", "ymomentum", "elevation", "friction", "salt"]
    return function(whole(), parameters=parameters)


def filled(domain: Any) -> Any:
    """Return a part of a mesh, with values."""
    domain.set_store(False)
    domain.set_flow_algorithm("DE0")
    domain.set_quantity("elevation", bed)
    domain.set_quantity("stage", water)
    return domain


def dumped(**how: Any) -> Any:
    """Return this rank's part of the domain, from a file."""
    if anuga.myid == 0:
        anuga.sequential_distribute_dump(
            whole(), anuga.numprocs, partition_dir=str(parts), **how)
    anuga.barrier()
    return anuga.sequential_distribute_load("flood", partition_dir=str(parts))


def mesh_dumped(source: Callable[[], Any], **how: Any) -> Any:
    """Return this rank's part of a mesh, from a file."""
    if anuga.myid == 0:
        anuga.sequential_mesh_dump(
            source(), anuga.numprocs, partition_dir=str(parts), name="grid", **how)
    anuga.barrier()
    return filled(anuga.sequential_mesh_load("grid", partition_dir=str(parts)))


def refined() -> Any:
    """Return this rank's part of a mesh that was refined in files."""
    if anuga.myid == 0:
        anuga.create_parallel_mesh(
            mesh(), anuga.numprocs, refinement_levels=1, partition_dir=str(parts), name="fine")
    anuga.barrier()
    return filled(anuga.sequential_mesh_load("fine", partition_dir=str(parts)))


CASES: dict[str, Callable[[], Any]] = {
    "distribute": partial(distributed, anuga.distribute),
    "hilbert": partial(distributed, anuga.distribute, partition_scheme="hilbert"),
    "morton of 4 layers": partial(
        distributed, anuga.distribute, partition_scheme="morton", ghost_layer_width=4),
    "collaborative": partial(distributed, anuga.distribute_collaborative, ghost_layer_width=3),
    "basic mesh": lambda: filled(anuga.distribute_basic_mesh(mesh())),
    "basic mesh, collaborative":
        lambda: filled(anuga.distribute_basic_mesh_collaborative(mesh())),
    "dump": dumped,
    "dump by two processes to arrays": partial(dumped, num_workers=2, single_file=False),
    "dump of a mesh": partial(mesh_dumped, mesh),
    "dump of a domain's mesh": partial(
        mesh_dumped, whole, num_workers=2, parameters={"partition_scheme": "hilbert"}),
    "refined": refined,
    "rectangles of each rank":
        lambda: filled(parallel.parallel_rectangular_domain(20, 10, 700.0, 500.0)),
    "crossed rectangles of each rank":
        lambda: filled(parallel.parallel_rectangular_cross_domain(20, 10, 700.0, 500.0)),
}


def run(domain: Any) -> dict[str, Any]:
    """Return what a part is and what becomes of it."""
    found: dict[str, Any] = {
        "points": np.array(domain.nodes), "triangles": np.array(domain.triangles),
        "tri_l2g": np.asarray(domain.tri_l2g), "node_l2g": np.asarray(domain.node_l2g),
        "full": np.array(domain.tri_full_flag),
        "tags": repr([(int(k), int(i), tag) for (k, i), tag in domain.boundary.items()]),
        "settings": repr([getattr(domain, name, None) for name in SETTINGS]),
        "names": repr(sorted(domain.quantities)),
    }
    for kind in ("full_send_dict", "ghost_recv_dict"):
        for rank, (local, number, *_) in getattr(domain, kind).items():
            found |= {f"{kind} {rank}": np.array(local), f"{kind} {rank} numbers": number}
    if "salt" in domain.quantities:
        found["salt"] = np.array(domain.quantities["salt"].centroid_values)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
    steps = []
    for _ in domain.evolve(yieldstep=1.0, finaltime=3.0):
        steps.append((domain.timestep, domain.number_of_steps))
        found |= {f"{name} {len(steps)}": np.array(domain.quantities[name].centroid_values)
                  for name in NAMES}
    if getattr(domain, "number_of_tracers", 0):
        found["dye"] = np.array(domain.tracer_centroid_values)
    return found | {"steps": np.array(steps)}


results: dict[str, Any] = {}
for case, part in CASES.items():
    domain = part()
    results |= {f"{case}: {name}": values for name, values in run(domain).items()}
lean = getattr(domain, "lean", None)
np.savez(folder / f"{anuga.myid}.npz", kernels="stock" if lean is None else "lean", **results)
anuga.finalize()
