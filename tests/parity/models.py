"""Small models the parity cases start from; each leaves the boundary to the case."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

TAGS = ("left", "right", "top", "bottom")


def bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A channel falling to the right, with bumps and a bank on the upper left that stays dry."""
    bank = 0.25 * np.maximum(0.0, y - 18.0) * np.clip((55.0 - x) / 10.0, 0.0, 1.0)
    return -0.02 * x + 0.25 * np.sin(x / 6.0) * np.cos(y / 4.0) + bank


def hump(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Still water with a hump that runs into every boundary."""
    level = -0.4 + 0.6 * np.exp(-((x - 52.0) ** 2 + (y - 9.0) ** 2) / 60.0)
    return np.maximum(level, bed(x, y))


def channel(
    anuga: ModuleType, algorithm: str = "DE0", nx: int = 14, ny: int = 5, **options: Any
) -> Any:
    """70 m by 25 m on a rectangular_cross mesh, 4*nx*ny triangles, partly wet."""
    domain = anuga.rectangular_cross_domain(nx, ny, len1=70.0, len2=25.0, **options)
    domain.set_name("case")
    domain.set_flow_algorithm(algorithm)
    fill(domain)
    return domain


def fill(domain: Any) -> None:
    """Set bed, friction and the hump of water on any mesh within the channel."""
    domain.set_quantity("elevation", bed)
    domain.set_quantity("friction", lambda x, y: 0.02 + 0.0004 * x)
    domain.set_quantity("stage", hump)


def wall(anuga: ModuleType, domain: Any, **others: Any) -> None:
    """Reflective on every tag but those given by name."""
    reflective = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), reflective) | others)


def tide(t: float) -> float:
    """A level in m that rises above and falls below the hump's still water."""
    return -0.4 + 0.2 * float(np.sin(t / 3.0))


def data(name: str) -> str:
    """The path of a mesh file that ships inside the anuga wheel."""
    spec = find_spec("anuga")
    return str(Path(spec.origin).parent / "parallel" / "data" / name)
