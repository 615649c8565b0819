"""What the parts of a step keep, what is stored of them, and that each keeps it to itself."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean.stepping.runge_kutta import Substeps

PACKAGE = Path(anuga.__file__).parent
PARTS = ("parameters", "substeps", "quiet", "walls", "stages", "forcing", "edges", "tracers",
         "yields", "speeds")


@pytest.fixture
def domain() -> Any:
    """64 triangles that have taken a few steps of rk2."""
    made = anuga.rectangular_cross_domain(4, 4, len1=40.0, len2=40.0)
    made.set_flow_algorithm("DE1")
    made.set_store(False)
    made.set_quantity("stage", lambda x, y: 1.0 + 0.01 * x)
    made.set_boundary(dict.fromkeys(made.get_boundary_tags(), anuga.Reflective_boundary(made)))
    for _ in made.evolve(yieldstep=0.5, finaltime=1.0):
        pass
    return made


def test_what_is_stored_keeps_its_names(domain: Any) -> None:
    step = domain.lean
    copied = {"domain", "recording_speeds", "_semi", "prescribed"}
    assert copied == set(step.__getstate__())
    assert copied | {"parameters", "kernel_parameters", "_calls", "_base_call",
                     "_fluxcalls_seen", "_fluxcalls"} == set(step.checkpoint_state())


def test_a_step_goes_on_as_it_was_stored(domain: Any) -> None:
    domain.lean.speeds.record_into(np.zeros(64))
    domain.lean.forcing.rates["xmomentum"] = np.full(64, 0.5)
    state = domain.lean.checkpoint_state()
    restored = type(domain.lean).__new__(type(domain.lean))
    restored.__setstate__(state)
    assert restored.run is None and restored.speeds.max_speed is None
    assert restored.speeds.are_recorded
    assert state == restored.checkpoint_state()


def test_starting_afresh_keeps_what_anuga_keeps(domain: Any) -> None:
    step = domain.lean
    speeds, rates = np.zeros(64), {"ymomentum": np.zeros(64)}
    step.speeds.record_into(speeds)
    step.forcing.rates = rates
    step.forget_parameters()
    assert speeds is step.speeds.max_speed and rates is step.forcing.rates
    assert step.run is None and step.parameters.values is None and step.stages.work is None
    assert 0 == step.substeps.computed() and not step.substeps.have_begun()


def test_flux_calls_are_counted_as_in_anuga() -> None:
    substeps = Substeps()
    assert [0, 0] == [substeps.next() for _ in range(2)]
    substeps.per_step = 3
    assert [0, 1, 2, 0] == [substeps.next() for _ in range(4)]
    assert 1 == substeps.computed()
    substeps.per_step = 2
    assert 0 == substeps.computed()
    assert [0, 1, 0] == [substeps.next() for _ in range(3)]


def reaching_in(code: str) -> list[str]:
    """Accesses to a private attribute of a part of a step."""
    return [ast.unparse(node) for node in ast.walk(ast.parse(code))
            if isinstance(node, ast.Attribute) and node.attr.startswith("_")
            and isinstance(node.value, ast.Attribute) and node.value.attr.lstrip("_") in PARTS]


def test_parts_keep_to_themselves() -> None:
    assert ["self.lean.edges._kept"] == reaching_in("self.lean.edges._kept = self.lean.edges.rows")
    found = {str(path.relative_to(PACKAGE)): reaching_in(path.read_text())
             for path in PACKAGE.rglob("*.py")}
    assert {} == {name: accesses for name, accesses in found.items() if accesses}


@pytest.mark.parametrize("side", [4, 30, 60])     # 1, 4 and 15 blocks
def test_threads_share_any_number_of_blocks(side: int) -> None:
    """Fewer blocks than threads, and shares that end at other times: one half is dry."""
    domain = anuga.rectangular_cross_domain(side, side, len1=90.0, len2=90.0)
    domain.set_store(False)
    domain.set_quantity("elevation", lambda x, y: 0.01 * x + 0.2 * np.sin(y))
    domain.set_quantity("stage", lambda x, y: np.where(x < 40.0, 1.0 + 0.01 * y, -5.0))
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(),
                                      anuga.Reflective_boundary(domain)))
    found = []
    for threads in (1, 2, 3, 7, 70):
        domain.set_omp_num_threads(threads, verbose=False)
        domain.distribute_to_vertices_and_edges(False)
        domain.lean.quiet.wake_all()
        domain.compute_fluxes()
        found.append((domain.flux_timestep, domain.lean.stages.work.tobytes()))
    domain.set_omp_num_threads(1, verbose=False)
    assert found[1:] == found[:1] * 4
    assert 0.0 < found[0][0] < 1.0e100
