"""The runs whose checkpoints the tests spoil: small, and seldom without water."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import anuga_lean as anuga
from surface.models import bed, level

NAME = "broken_run"     # names with underscores count too
YIELDSTEP = 0.02
QUANTITIES = ("stage", "xmomentum", "ymomentum", "elevation", "friction", "height")


def made(columns: int = 10, rows: int = 8, name: str = NAME) -> Any:
    """40 m by 20 m in 4 * columns * rows triangles, under rain, with an inlet."""
    points, triangles, boundary = anuga.rectangular_cross(columns, rows, len1=40.0, len2=20.0)
    domain = anuga.Domain(points, triangles, boundary)
    domain.set_name(name)
    domain.set_flow_algorithm("DE1")
    domain.set_store(False)
    domain.set_quantity("elevation", bed)
    domain.set_quantity("friction", lambda x, y: 0.02 + 0.0004 * x)
    domain.set_quantity("stage", level)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({"left": wall, "top": wall,
                         "bottom": anuga.Dirichlet_boundary([-0.3, 0.1, 0.0]),
                         "right": anuga.Transmissive_boundary(domain)})
    anuga.Rate_operator(domain, rate=1.0e-3)
    anuga.Inlet_operator(domain, [[10.3, 4.1], [10.4, 15.8]], Q=0.5)
    return domain


def digest(domain: Any) -> str:
    """A text that tells any change of a centroid value or of an integral."""
    state = hashlib.sha256()
    for name in QUANTITIES:
        state.update(np.array(domain.quantities[name].centroid_values).tobytes())
    state.update(repr((domain.get_time(), domain.get_boundary_flux_integral(),
                       domain.get_fractional_step_volume_integral())).encode())
    return state.hexdigest()


def digests(domain: Any, finaltime: float, at_most: int = 1 << 30,
            yieldstep: float = YIELDSTEP) -> dict[float, str]:
    """The digest at every yield of an evolve, by time."""
    found: dict[float, str] = {}
    for t in domain.evolve(yieldstep=yieldstep, finaltime=finaltime):
        found[t] = digest(domain)
        if len(found) == at_most:
            break
    return found


@contextmanager
def inside(folder: Path) -> Iterator[Path]:
    """Work in a folder, made if it is not there."""
    before = os.getcwd()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)


def write_sets(folder: Path, count: int = 2, compression: str | None = None,
               **options: Any) -> list[Path]:
    """Run with a checkpoint at every yield until `count` sets are kept; their files by time."""
    domain = made(**options)
    domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1, keep=count,
                             compression=compression)
    digests(domain, finaltime=10 * YIELDSTEP, at_most=count + 1)
    return sorted(folder.glob(f"{domain.get_name()}_[0-9]*.npz"), key=os.path.getmtime)
