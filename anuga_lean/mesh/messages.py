"""Says what ANUGA says while it builds a mesh.

Owns the lines only: `mesh` builds in another order, and `general_mesh` and `neighbour_mesh`
of ANUGA say where each of their steps begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anuga.utilities import log

if TYPE_CHECKING:
    from anuga_lean.mesh.mesh import Mesh

_FIRST = "General_mesh: Computing areas, normals, edgelengths, centroids and radii"
_LATER = ("Initialising", "Allocating neighbour arrays", "Building neighbour structure",
          "Building surrogate neighbour structure", "Building boundary dictionary",
          "Building tagged elements dictionary", "Done")


def begin(number_of_triangles: int) -> None:
    """Say that a mesh is built."""
    log.info("General_mesh: Building basic mesh structure")
    log.timingInfo(f"numTriangles, {number_of_triangles}")
    log.info(_FIRST)


def end(mesh: Mesh) -> None:
    """Say that `mesh` is built, with its area in m2."""
    log.info("General_mesh: Building inverted triangle structure")
    log.timingInfo(f"aoi, '{mesh.get_area()}'")
    for each in _LATER:
        log.info(f"Mesh: {each}")
    log.timingInfo(f"finishMesh, '{log.CurrentDateTime()}'")
    log.resource_usage_timing(log.logging.INFO, "finishMesh_")
