"""No attribute hands out an array of its own making that could be written to for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga


def model(folder: Path) -> Any:
    """A domain with an operator of each kind that holds or computes arrays, at a yield."""
    domain = anuga.rectangular_cross_domain(8, 8, 80.0, 80.0)
    domain.set_datadir(str(folder))
    domain.set_quantity("elevation", lambda x, y: x / 50.0)
    domain.set_quantity("stage", 2.0)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({"left": anuga.Dirichlet_boundary([2.0, 0.0, 0.0]), "right": wall,
                         "top": wall, "bottom": anuga.Transmissive_boundary(domain)})
    domain.set_use_kinematic_viscosity(True)
    domain.set_collect_max_quantities()
    region = anuga.Region(domain, center=[40.0, 40.0], radius=15.0)
    anuga.Rate_operator(domain, rate=0.001)
    anuga.Inlet_operator(domain, region, Q=1.0)
    anuga.Set_stage_operator(domain, stage=2.0, indices=[1, 2])
    anuga.Boyd_box_operator(domain, losses=1.5, width=2.0, height=1.0,
                            end_points=[[30.0, 40.0], [50.0, 40.0]])
    for _ in domain.evolve(yieldstep=0.1, duration=0.2):
        pass
    return domain


def owners(domain: Any) -> dict[str, Any]:
    found = {"domain": domain, "mesh": domain.mesh, "lean": domain.lean}
    found |= {f"quantities[{name!r}]": each for name, each in domain.quantities.items()}
    found |= {type(each).__name__: each for each in domain.fractional_step_operators}
    found |= {f"{type(operator).__name__}.{name}": each
              for operator in domain.fractional_step_operators
              for name, each in vars(operator).items()
              if type(each).__module__.startswith(("anuga.", "anuga_lean."))}
    found |= {f"lean.{name}": each for name, each in vars(domain.lean).items()
              if type(each).__module__.startswith("anuga_lean.")}
    found |= {f"boundary_map[{tag!r}]": each for tag, each in domain.boundary_map.items()}
    return found


def lost(owner: Any) -> set[str]:
    """Attributes that give a writable array, and another one at the next read."""
    found = set()
    for name in sorted(set(dir(owner)) | set(getattr(owner, "__dict__", {}))):
        if name.startswith("__"):
            continue
        try:
            first, second = getattr(owner, name), getattr(owner, name)
        except (AttributeError, KeyError, TypeError, ValueError):   # not there now
            continue
        if isinstance(first, np.ndarray) and first.size and first.flags.writeable \
                and not np.may_share_memory(first, second):
            found.add(f"{type(owner).__name__}.{name}")
    return found


@pytest.mark.filterwarnings("ignore")
def test_no_attribute_loses_a_write(tmp_path: Path) -> None:
    domain = model(tmp_path)
    found: set[str] = set()
    for owner in owners(domain).values():
        found |= lost(owner)
    assert set() == found
    assert not domain.on_stock_arrays
