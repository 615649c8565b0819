"""Writes ANUGA's text about a mesh without the lists that ANUGA makes for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from anuga.abstract_2d_finite_volumes.neighbour_mesh import Mesh as StockMesh
from numpy.typing import NDArray


def statistics_of(mesh: Any, nbins: int = 10) -> str:
    """Return ANUGA's text about a mesh, from its extent and one copy of its areas."""
    return StockMesh.statistics(_Described(mesh), nbins)


class _Areas(np.ndarray):
    """Areas that are sorted in place instead of in a list."""

    def tolist(self) -> NDArray[np.float64]:  # type: ignore[override]
        """Return the areas."""
        return self.view(np.ndarray)


class _Described:
    """The attributes that ANUGA's text about a mesh reads."""

    def __init__(self, mesh: Any) -> None:
        xmin, xmax, ymin, ymax = mesh.get_extent()
        self.vertex_coordinates = np.array([[xmin, ymin], [xmax, ymax]])
        self.areas = mesh.areas.copy().view(_Areas)
        self.boundary = mesh.boundary
        self.get_boundary_tags = mesh.get_boundary_tags

    def __len__(self) -> int:
        return len(self.areas)
