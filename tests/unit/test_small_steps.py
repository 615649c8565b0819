"""What a step calls in Python, which is what a step of a small model costs beyond its kernels."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import anuga_lean as anuga

# Calls of Python functions in a step, ANUGA's included: 1 where code of a user's runs between
# steps, which are asked anew each time what they are.
MOST = {("DE0", False): 44, ("DE0", True): 70, ("DE1", False): 66, ("DE1", True): 92}


def model(folder: Path, algorithm: str) -> Any:
    domain = anuga.rectangular_cross_domain(5, 5)
    domain.set_datadir(str(folder))
    domain.set_flow_algorithm(algorithm)
    domain.store = False
    domain.set_quantity("elevation", lambda x, y: -x / 2.0)
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: 0.2 * x)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({tag: wall for tag in domain.get_boundary_tags()})
    domain.set_fixed_flux_timestep(2.0**-10)
    return domain


def calls(domain: Any, steps: int) -> int:
    """The calls of Python functions in an evolve of so many steps."""
    count = 0

    def note(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for _ in domain.evolve(duration=steps * 2.0**-10):
            pass
    finally:
        sys.setprofile(before)
    assert steps == domain.number_of_steps
    return count


@pytest.mark.parametrize(("algorithm", "observed"), MOST)
def test_a_step_makes_few_calls(algorithm: str, observed: bool, tmp_path: Path) -> None:
    domain = model(tmp_path, algorithm)
    if observed:
        domain.add_step_observer(lambda *_: None)
    calls(domain, 8)
    few, many = calls(domain, 64), calls(domain, 192)
    assert not domain.on_stock_arrays
    assert (many - few) / 128 <= MOST[algorithm, observed]
