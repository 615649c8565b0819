"""Computes the flow through a cross-section from an SWW file, a frame at a time.

Owns `get_flow_through_cross_section`: of each frame it keeps the momenta of the triangles
that the line crosses.  Energies, and flows through several lines, are ANUGA's own functions
on `interpolation`; the triangles are found by `mesh.lookup`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean.results.stored import StoredRows, get_mesh_and_quantities


def get_flow_through_cross_section(filename: str, polyline: Any,
                                   verbose: bool = False) -> tuple[Any, Any]:
    """Return the times of a file, s, and the flow across a polyline, m^3/s.

    Parameters
    ----------
    filename : str
    polyline : list of [x, y], m, absolute
    verbose : bool

    Notes
    -----
    ANUGA 4.1.0, shallow_water/sww_interrogate.py.
    """
    import anuga.utilities.log as log

    mesh, quantities, time = get_mesh_and_quantities(filename, verbose=verbose)
    segments = mesh.get_intersecting_segments(polyline, verbose=verbose)
    if verbose:
        log.info("Computing hydrograph")
    crossed = np.array([each.triangle_id for each in segments])
    normals = np.array([each.normal for each in segments])
    lengths = np.array([each.length for each in segments])
    n = len(mesh)
    stored = [quantities.stored(name) for name in ("xmomentum", "ymomentum")]
    if stored[0].shape[1] == 3 * n:
        used, place = np.unique(crossed, return_inverse=True)
        columns = (3 * used[:, np.newaxis] + np.arange(3)).ravel()
        uh, vh = (_columns(each, columns).reshape(-1, len(used), 3)[:, place, :].mean(axis=2)
                  for each in stored)
    else:
        nodes = np.asarray(mesh.triangles[crossed])
        columns, place = np.unique(nodes, return_inverse=True)
        place = place.reshape(nodes.shape)
        uh, vh = (_columns(each, columns)[:, place].mean(axis=2) for each in stored)
    normal_momentum = uh * normals[:, 0] + vh * normals[:, 1]
    return time, (normal_momentum * lengths).sum(axis=1)


def _columns(stored: StoredRows, columns: NDArray[Any]) -> Any:
    """Return some places of all frames, (frames, columns), masked where all of it would be."""
    found: Any = None
    mask: Any = np.ma.nomask
    for frame, row in enumerate(stored.rows()):
        if found is None:
            found = np.empty((stored.shape[0], len(columns)), row.dtype)
        found[frame] = np.ma.getdata(row)[columns]
        missing = np.ma.getmask(row)
        if missing is not np.ma.nomask:
            if mask is np.ma.nomask:
                mask = np.zeros(found.shape, bool)
            mask[frame] = missing[columns]
    return np.ma.MaskedArray(found, mask=mask)
