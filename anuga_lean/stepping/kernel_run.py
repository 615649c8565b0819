"""Makes runs of the kernels for a mesh, on one instruction set.

Owns which instruction set a run takes and the arrays of a step's run that only kernels read
and write.  What the parts of a step hold they bind themselves.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean.stepping import undo_record


def bare_run(domain: Any) -> _kernels.Run:
    """Return a run on the domain's mesh with nothing bound.

    Notes
    -----
    The environment variable ANUGA_LEAN_ISA names the instruction set; without it the
    kernels take the best of this processor.
    """
    return _kernels.Run(domain.mesh.blocks.handle(), os.environ.get("ANUGA_LEAN_ISA") or None)


def new_run(domain: Any) -> _kernels.Run:
    """Return a run for steps, with what no part of a step holds bound.

    That is a byte per triangle (whether all its neighbours are dry), ANUGA's flags of full
    triangles, two numbers per block, the mass flux of boundary edges, and the undo record.
    """
    run = bare_run(domain)
    blocks, n = domain.mesh.blocks, domain.number_of_elements
    full = domain.full_flags()
    run.bind_flags(np.zeros(n, np.uint8), full, np.ones(len(blocks.block), np.uint8),
                   np.zeros(len(blocks.block)))
    if full is None:
        run.bind_counted(np.zeros(domain.boundary_length))
    else:       # the edges between full triangles and all others
        offset, slot, index = blocks.counted_edges(full)
        run.bind_counted(np.zeros(len(index)), offset, slot, index)
    undo_record.make_room(run, n)
    return run
