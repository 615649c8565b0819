"""Translates the names of format 1, which are a module and a name in it.

Owns where our classes were when that format was written. ANUGA's are where the register has
them: it keeps the modules of every release.
"""

from __future__ import annotations

from typing import Any

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
    """Return the name of a class of ours, None for any other; pickled code uses it, too."""
    is_ours = isinstance(module, str) and name in _OURS.get(module, "").split()
    return f"lean.{name.lstrip('_')}" if is_ours else None
