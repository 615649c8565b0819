"""What the sets of a run share: their mesh file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

import anuga_lean as anuga


def written(domain: Any) -> list[str]:
    """Evolve on to another set; the mesh files that are there then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", anuga.CheckpointWarning)
        for _ in domain.evolve(yieldstep=1e-3, duration=1e-3):
            pass
    return sorted(path.name for path in Path(domain.checkpoint_dir).glob("*_mesh_*"))


@pytest.fixture
def domain(tmp_path: Path) -> Any:
    """A model with so many boundary edges that their tags are an array of their own."""
    domain = anuga.rectangular_cross_domain(130, 130)
    domain.set_name("shared")
    domain.set_store(False)
    domain.set_quantity("stage", 0.3)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    domain.set_checkpointing(checkpoint_dir=str(tmp_path / "sets"), checkpoint_step=1)
    return domain


def test_is_written_once(domain: Any) -> None:
    first = written(domain)
    assert 1 == len(first)
    assert first == written(domain)


def test_tags_that_changed_are_written(domain: Any) -> None:
    """The blocks are the same, the tags are not."""
    before = written(domain)
    edge = next(edge for edge, tag in domain.boundary.items() if tag == "left")
    domain.boundary[edge] = "right"
    assert before != written(domain)
    again = anuga.load_checkpoint_file("shared", domain.checkpoint_dir)
    assert "right" == again.boundary[edge]
    assert domain.boundary == again.boundary


def test_a_bed_that_changed_is_in_the_set(domain: Any) -> None:
    """Neither the old bed nor a second mesh file."""
    before = written(domain)
    domain.set_quantity("elevation", 0.125)
    assert before == written(domain)
    again = anuga.load_checkpoint_file("shared", domain.checkpoint_dir)
    assert {0.125} == set(again.quantities["elevation"].centroid_values)
