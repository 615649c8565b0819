"""A run that had come to its end is started again: nothing is computed, stored or cut off."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dill
import numpy as np
import pytest
from netCDF4 import Dataset

import anuga_lean as anuga
from anuga_lean import CheckpointWarning
from checkpoint.models import NAME, YIELDSTEP, digest, digests, inside, made

END = 3 * YIELDSTEP     # of the run, under rain and with an inlet
WAYS: dict[str, dict[str, float]] = {
    "finaltime": {"finaltime": END}, "duration": {"duration": 0.0},
    "a bit more": {"finaltime": math.nextafter(END, 1.0)},
    "a bit less": {"finaltime": math.nextafter(END, 0.0)}}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The current folder is that of a run to its end, with sets and frames up to there."""
    with inside(tmp_path):
        domain = made(6, 4)
        domain.set_store(True)
        domain.set_checkpointing(checkpoint_step=1)
        digests(domain, END)
        yield tmp_path


def content() -> dict[str, bytes]:
    """All files below the current folder."""
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def loaded(time: float | None = None) -> Any:
    """The domain of the newest set, or of a time."""
    return anuga.load_checkpoint_file(NAME, "CHECKPOINTS", time=time)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["load", "dill"])
def test_at_its_end(folder: Path, way: str, how: str) -> None:
    """No yield, no step, no frame, no file touched, nothing said; and later it goes on."""
    before = content()
    domain = loaded() if how == "load" else dill.loads(
        Path(f"CHECKPOINTS/{NAME}_{loaded().get_time()}.pickle").read_bytes())
    state, steps = digest(domain), domain.number_of_steps
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [] == list(domain.evolve(yieldstep=YIELDSTEP, **WAYS[way]))
        assert [] == list(domain.evolve(yieldstep=YIELDSTEP, **WAYS[way]))
    assert (state, steps) == (digest(domain), domain.number_of_steps)
    assert before == content()
    rest = digests(domain, 2 * END)
    with inside(folder / "unbroken"):
        whole = made(6, 4)
        digests(whole, END)
        assert digests(whole, 2 * END) == rest
    with Dataset(f"{NAME}.sww") as file:
        assert np.allclose(np.arange(0, 7) * YIELDSTEP, file["time"][:])


def test_an_earlier_finaltime(folder: Path) -> None:
    """One sentence; the frames after that time stay."""
    before = content()
    domain = loaded()
    with pytest.warns(CheckpointWarning, match=r"nothing is left to evolve to finaltime=0.04 s: "
                                               r"the checkpoint is of t=0.06 s") as said:
        assert [] == list(domain.evolve(yieldstep=YIELDSTEP, finaltime=2 * YIELDSTEP))
    assert 1 == len(said) and 1 == len(str(said[0].message).splitlines())
    assert before == content()


def test_an_older_set_whose_time_is_the_finaltime(folder: Path) -> None:
    """The frames that the run has stored since stay."""
    before = content()
    domain = loaded(2 * YIELDSTEP)
    assert [] == list(domain.evolve(yieldstep=YIELDSTEP, finaltime=2 * YIELDSTEP))
    assert before == content()


def test_errors_of_anugas_stay(folder: Path) -> None:
    domain = loaded()
    with pytest.raises(Exception, match="Only one of finaltime and duration"):
        list(domain.evolve(yieldstep=YIELDSTEP, finaltime=END, duration=1.0))
    with pytest.raises(TypeError):
        list(domain.evolve(finaltime=END, no_such=1))


def test_a_domain_that_was_not_loaded_yields_as_in_anuga(tmp_path: Path) -> None:
    """Another evolve to the time where the first has ended yields that once more."""
    domain = made(4, 3)
    domain.fractional_step_operators.pop()      # the inlet, which divides by the step
    digests(domain, END)
    assert [domain.get_time()] == list(domain.evolve(yieldstep=YIELDSTEP, finaltime=END))
