"""Lets functions of ANUGA's that take a mesh take a lean one.

Owns the wrappers of ANUGA's fit, interpolation and quadtree; what is fitted is `fitting`'s.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def accepting_lean_mesh(init: Callable[..., None]) -> Callable[..., None]:
    """Return FitInterpolate's `init` so that it works on a lean mesh it is given.

    ANUGA's fit and interpolation pass the mesh's arrays to compiled code; the
    real arrays live as long as the fit does.
    """

    @functools.wraps(init)
    def wrapped(
        self: Any, vertex_coordinates: Any = None, triangles: Any = None, mesh: Any = None,
        *args: Any, **kwargs: Any,
    ) -> None:
        if mesh is not None and hasattr(mesh, "stock_copy") and not mesh.on_stock_arrays:
            mesh = mesh.stock_copy()
        init(self, vertex_coordinates, triangles, mesh, *args, **kwargs)

    return wrapped


def fitting_lean_meshes(fit: Callable[..., Any]) -> Callable[..., Any]:
    """Return ANUGA's `_fit_to_mesh` so that it takes a lean mesh as it is."""

    @functools.wraps(fit)
    def _fit_to_mesh(*args: Any, mesh: Any = None, **kwargs: Any) -> Any:
        if not hasattr(mesh, "stock_copy"):
            return fit(*args, **kwargs) if mesh is None else fit(*args, mesh=mesh, **kwargs)
        from anuga_lean.mesh.fitting import fit_lean_mesh  # loaded by a script that fits

        # args hold no mesh: ANUGA names it in every call
        return fit_lean_mesh(fit, *args, mesh=mesh, **kwargs)  # type: ignore[misc]

    return _fit_to_mesh


def accepting_lean_mesh_to_search(init: Callable[..., None]) -> Callable[..., None]:
    """Return MeshQuadtree's `init` so that it works on a lean mesh it is given.

    The tree keeps a copy of what it needs, so that the real arrays go at once.
    """

    @functools.wraps(init)
    def wrapped(self: Any, mesh: Any, *args: Any, **kwargs: Any) -> None:
        if hasattr(mesh, "stock_copy") and not mesh.on_stock_arrays:
            init(self, mesh.stock_copy(), *args, **kwargs)
            self.mesh = mesh
        else:
            init(self, mesh, *args, **kwargs)

    return wrapped
