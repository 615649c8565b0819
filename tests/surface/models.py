"""The model every name is called on, and what the expressions of the tables may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

MOMENTS = ("before", "yield", "after")
ALGORITHM = {"before": "DE0", "yield": "DE1", "after": "DE0"}
YIELDSTEP = 1.0


def bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A channel falling to the right with bumps, its upper left dry."""
    return -0.02 * x + 0.2 * np.sin(x / 6.0) * np.cos(y / 4.0) + 0.05 * np.maximum(0.0, y - 12.0)


def level(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Water with a hump that is not at rest."""
    return np.maximum(bed(x, y), -0.4 + 0.6 * np.exp(-((x - 25.0) ** 2 + (y - 9.0) ** 2) / 60.0))


def built(anuga: ModuleType, algorithm: str = "DE0", **options: Any) -> Any:
    """40 m by 20 m in 96 triangles, off the origin, three boundaries, one tagged region."""
    points, triangles, boundary = anuga.rectangular_cross(6, 4, len1=40.0, len2=20.0)
    domain = anuga.Domain(
        points, triangles, boundary, tagged_elements={"reeds": [3, 5, 8]},
        geo_reference=anuga.Geo_reference(56, 1000.0, 2000.0), **options)
    domain.set_name("walked")
    domain.set_flow_algorithm(algorithm)
    domain.set_store(False)
    domain.set_quantity("elevation", bed)
    domain.set_quantity("friction", lambda x, y: 0.02 + 0.0004 * x)
    domain.set_quantity("stage", level)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({"left": wall, "top": wall,
                         "bottom": anuga.Dirichlet_boundary([-0.3, 0.1, 0.0]),
                         "right": anuga.Transmissive_boundary(domain)})
    return domain


class Model:
    """A domain before its evolve, held at its second yield, or after its evolve."""

    def __init__(self, anuga: ModuleType, moment: str) -> None:
        self.moment = moment
        self.domain = built(anuga, ALGORITHM[moment])
        self.evolution: Iterator[float] | None = None
        if moment == "yield":
            self.evolution = self.domain.evolve(yieldstep=YIELDSTEP, finaltime=4 * YIELDSTEP)
            next(self.evolution)
            next(self.evolution)
        elif moment == "after":
            for _ in self.domain.evolve(yieldstep=YIELDSTEP, finaltime=2 * YIELDSTEP):
                pass

    def go_on(self) -> None:
        """Evolve a little further from where it is."""
        if self.evolution is not None:
            next(self.evolution, None)
            return
        for _ in self.domain.evolve(yieldstep=YIELDSTEP, duration=YIELDSTEP):
            pass


class Tools:
    """What an expression finds under short names."""

    def __init__(self, anuga: ModuleType, domain: Any) -> None:
        self.anuga, self.domain = anuga, domain

    def names(self) -> dict[str, Any]:
        """`d`, `m`, `q`, ... and every method of this class."""
        d = self.domain
        own = {name: getattr(self, name) for name in dir(self) if not name.startswith("_")}
        return own | {
            "anuga": self.anuga, "np": np, "d": d, "m": d.mesh, "q": d.quantities["stage"],
            "bed": d.quantities["elevation"], "friction": d.quantities["friction"],
            "u": d.quantities["xmomentum"], "n": d.number_of_triangles,
            "P": [[1005.0, 2003.0], [1030.0, 2003.0], [1030.0, 2016.0], [1005.0, 2016.0]],
            "p": [[5.0, 3.0], [30.0, 3.0], [30.0, 16.0], [5.0, 16.0]],
        }

    # -- several steps in one expression --------------------------------------

    def then(self, *values: Any) -> Any:
        """The last of several values."""
        return values[-1]

    def put(self, owner: Any, name: str, value: Any) -> Any:
        """Assign to an attribute or an element; what is then there."""
        if isinstance(name, str):
            setattr(owner, name, value)
            return getattr(owner, name)
        owner[name] = value
        return np.array(owner)

    def evolved(self, domain: Any, duration: float = YIELDSTEP) -> Any:
        """The domain, some time later."""
        for _ in domain.evolve(yieldstep=YIELDSTEP, duration=duration):
            pass
        return domain

    def new(self, algorithm: str = "DE0", **options: Any) -> Any:
        """Another domain like the one that is walked."""
        return built(self.anuga, algorithm, **options)

    def walled(self, domain: Any) -> Any:
        """The domain with water in it and a wall around it."""
        domain.set_store(False)
        domain.set_quantity("stage", lambda x, y: 0.3 + 0.01 * x)
        wall = self.anuga.Reflective_boundary(domain)
        domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
        return domain

    def dem(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A raster of a valley with a pit in it."""
        x, y = 1000.0 + np.arange(41.0), 2000.0 + np.arange(21.0)
        across = np.abs(y[np.newaxis, :] - 2010.3)
        along = x[:, np.newaxis] - 1000.0
        pit = np.exp(-((along - 22.2) ** 2 + across**2) / 12.0)
        return x, y, 0.02 * along + 0.05 * across - 0.5 * pit + 0.01 * np.cos(along + 2.0 * across)

    def all_of(self, owner: Any) -> dict[str, Any]:
        """The attributes of an object."""
        return dict(vars(owner))

    # -- files ------------------------------------------------------------------

    def write(self, name: str, text: str) -> str:
        """Write a text file; its name."""
        Path(name).write_text(text)
        return name

    def text(self, name: str) -> str:
        """What a text file says."""
        return Path(name).read_text()

    def files(self) -> list[str]:
        """What lies in the folder by now."""
        return sorted(str(each) for each in Path().rglob("*") if each.is_file())

    def netcdf(self, name: str) -> dict[str, Any]:
        """Every variable of a netCDF file."""
        from netCDF4 import Dataset

        with Dataset(name) as file:
            file.set_auto_mask(False)
            return {key: np.array(variable[:]) for key, variable in file.variables.items()}

    def sww(self, **options: Any) -> str:
        """Evolve another domain with storage; the name of its SWW file."""
        domain = self.new(**options)
        domain.set_store(True)
        domain.set_name("stored")
        self.evolved(domain, 2 * YIELDSTEP)
        return "stored.sww"
