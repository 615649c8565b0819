"""Runs domains that are not shallow water domains on ANUGA's kernels.

Any kind of domain but ANUGA's Domain (advection, users' own) gets the real arrays that
those kernels need.
"""

from __future__ import annotations

from typing import Any

from anuga.abstract_2d_finite_volumes import generic_domain as _stock

_EXPOSED = (
    "triangles", "nodes", "centroid_coordinates", "vertex_coordinates", "neighbours",
    "surrogate_neighbours", "neighbour_edges", "normals", "edgelengths", "radii", "areas",
    "number_of_boundaries", "number_of_triangles_per_node", "node_index",
    "vertex_value_indices",
)


class Generic_Domain(_stock.Generic_Domain):
    """ANUGA's Generic_Domain over a mesh whose arrays are real."""

    def _init_mesh(self, *args: Any, **kwargs: Any) -> dict:
        found = super()._init_mesh(*args, **kwargs)
        if not hasattr(type(self), "use_stock_kernels") and hasattr(self.mesh, "take_stock_arrays"):
            self.mesh.take_stock_arrays()
            for name in _EXPOSED:
                setattr(self, name, getattr(self.mesh, name))
            self.edge_coordinates = self.mesh.edge_midpoint_coordinates
        return found


Generic_Domain.__module__ = _stock.Generic_Domain.__module__
