"""Translates the names of format 1, which are a module and a name in it.

Owns where our classes and functions were when that format was written. ANUGA's are where the
register has them: it keeps the modules of every release.
"""

from __future__ import annotations

from typing import Any

from anuga_lean.checkpoint import register
from anuga_lean.checkpoint.register import MODULES

_OURS = {
    "anuga_lean.domain_views": "_FullFlagView _SpeedView",
    "anuga_lean.mesh": "Mesh",
    "anuga_lean.mesh_tables": "MeshTable",
    "anuga_lean.past": "PastEdges PastState",
    "anuga_lean.prescribed": "LimitMasks Prescribed _MaskView",
    "anuga_lean.quantity": "Quantity _Power",
    "anuga_lean.quantity_values":
        "Combined Constant CornerCoordinates Corners Midpoints PerNode PerTriangle Reconstructed "
        "Stored",
    "anuga_lean.quantity_views": "GradientView PlaceView UpdateView",
    "anuga_lean.riverwalls": "RiverWall _NearWalls",
    "anuga_lean.step": "Step",
    "anuga_lean.wall_edges": "SparseEdges",
}

# Functions that are classes now: an instance stands for each.
_NOW_CLASSES = {("anuga_lean.quantity", "_negated"): "lean.Negated",
                ("anuga_lean.quantity", "_divided"): "lean.Divided"}
# The present module of what a user's code may name of ours, such as rectangular_cross_domain.
_MOVED = {
    "_mesh_input": "mesh.input_checks", "blocks": "mesh.blocks", "boundary": "stepping.boundary",
    "domain": "stepping.domain", "evaluation": "quantity.from_function",
    "features": "stepping.features", "fitting": "mesh.fitting", "generator": "mesh.generator",
    "generic_domain": "stepping.generic_domain", "interpolation": "mesh.interpolation",
    "merimbula": "scenarios.merimbula", "mesh": "mesh.mesh", "mesh_files": "mesh.files",
    "mesh_lookup": "mesh.lookup", "mesh_tables": "mesh.tables",
    "mpi.faults": "overlay.stopping_ranks", "mpi.ghosts": "stepping.ghosts",
    "pressure": "fractional_steps.barometric_pressure", "quantity": "quantity.quantity",
    "quantity_setting": "quantity.setting", "quantity_state": "quantity.compact",
    "quantity_values": "quantity.forms", "quantity_views": "quantity.views",
    "rasters": "quantity.from_raster", "rectangles": "mesh.rectangles",
    "regions": "fractional_steps.regions", "riverwalls": "stepping.riverwalls",
    "storage": "stepping.conversion", "sums": "arrays.pairwise_sum", "sww": "stepping.sww",
    "threads": "stepping.threads", "tracers": "stepping.tracers",
    "triangulations": "mesh.from_pmesh", "views": "arrays.view",
    "viscosity": "fractional_steps.kinematic_viscosity", "wall_edges": "stepping.wall_edges",
}


def name_of(module: Any, name: Any) -> str:
    """Return the register's name of a class or function.

    Raises
    ------
    ValueError
        The register does not have it.
    """
    found = own_name_of(module, name)
    if found is not None:
        return found
    if module == "numpy":
        return f"numpy.{name}"
    if not isinstance(name, str) or module not in MODULES.get(name.partition(".")[0], ()):
        raise ValueError(f"{module}.{name} is not among what a checkpoint may name")
    return f"anuga.{name}"


def own_name_of(module: Any, name: Any) -> str | None:
    """Return the name of a class of ours, None for anything else."""
    is_ours = isinstance(module, str) and name in _OURS.get(module, "").split()
    return f"lean.{name.lstrip('_')}" if is_ours else None


def present_of(module: str, name: str) -> tuple[str, Any]:
    """Return where pickled code finds what it names: a module, and None or the object itself."""
    own = own_name_of(module, name)
    if own is not None:
        return module, register.find(own)
    if (module, name) in _NOW_CLASSES:
        return module, register.class_of(_NOW_CLASSES[module, name])()
    package, _, rest = module.partition(".")
    moved = _MOVED.get(rest) if package == "anuga_lean" else None
    return module if moved is None else f"{package}.{moved}", None
