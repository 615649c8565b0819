"""Ctrl-C in an evolve: evolve called again goes on as if it had not been pressed."""

from __future__ import annotations

import copy
import os
import signal
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dill
import numpy as np
import pytest
from unit.interrupted import STATE, evolved, frames, model, pressed, sets

import anuga_lean as anuga
from anuga_lean import _kernels

ALGORITHMS = ("DE0", "DE1", "DE2", "DE_ader2")


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """A shell lets what it starts in the background ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def polled(domain: Any) -> Any:
    """The domain, its sweeps looking for signals before every block."""
    domain.lean.ready().set_polling(1)
    return domain


def unbroken(folder: Path, algorithm: str) -> list[tuple]:
    folder.mkdir()
    return evolved(polled(model(folder, algorithm)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_kind_of_place_goes_on(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pressed at some places all over the run, at one of them or at every 23rd."""
    expected = unbroken(tmp_path / "unbroken", algorithm)
    with pressed(monkeypatch, set()) as asked:
        (tmp_path / "asked").mkdir()
        evolved(polled(model(tmp_path / "asked", algorithm)))
    rng = np.random.default_rng(7)
    some = sorted(rng.choice(len(asked), 5, replace=False).tolist())
    for label, places in [("all", set(range(0, 10**4, 23))),
                          *[(str(each), {each}) for each in some]]:
        folder = tmp_path / label
        folder.mkdir()
        presses: list[int] = []
        with pressed(monkeypatch, places):
            actual = evolved(polled(model(folder, algorithm)), presses)
        assert presses, label
        assert expected == actual, label
        for name, values in frames(tmp_path / "unbroken").items():
            np.testing.assert_array_equal(values, frames(folder)[name], strict=True)
        assert sets(tmp_path / "unbroken") == sets(folder)


def stopped(folder: Path, patch: pytest.MonkeyPatch, algorithm: str = "DE1",
            done: int = 9) -> Any:
    """Return a domain whose step was stopped after so many parts: 9, in rk2's second sweep."""
    domain = polled(model(folder, algorithm))
    for place in range(40, 200):
        with pressed(patch, {place}):
            with pytest.raises(KeyboardInterrupt):
                for _ in domain.evolve(yieldstep=0.2, finaltime=0.6):
                    pass
        if domain._lean_paused.step is not None and domain._lean_paused.step.done == done:
            return domain
    raise AssertionError("no place in the second sweep")


def state(domain: Any) -> list[bytes]:
    return [domain.quantities[name].centroid_values.tobytes() for name in STATE]


def test_time_is_that_of_the_step_s_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = stopped(tmp_path, monkeypatch)
    before = domain.relative_time
    domain.complete_step()
    assert before + domain.timestep == domain.relative_time


@pytest.mark.parametrize("how", ["complete_step", "dill", "deepcopy", "set_quantity",
                                 "use_stock_kernels"])
def test_what_needs_a_whole_step_completes_it(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step stopped in its middle is never pickled, copied, converted or written to."""
    domain = stopped(tmp_path, monkeypatch)
    (tmp_path / "whole").mkdir()
    whole = stopped(tmp_path / "whole", monkeypatch)
    whole.complete_step()
    assert state(whole) != state(domain)
    if how == "complete_step":
        domain.complete_step()
    elif how == "dill":
        dill.dumps(domain)
    elif how == "deepcopy":
        domain = copy.deepcopy(domain)
    elif how == "set_quantity":
        domain.set_quantity("friction", 0.03)
    else:
        with warnings.catch_warnings():     # Python 3.10 takes no filter here
            warnings.simplefilter("ignore", anuga.StockKernelWarning)
            domain.use_stock_kernels("a test")
    assert state(whole)[:3] == state(domain)[:3]


def test_other_arguments_begin_another_evolve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step that was stopped is completed first, and yields are counted from its end."""
    domain = stopped(tmp_path, monkeypatch)
    start = domain.get_time() + domain.timestep
    times = list(domain.evolve(yieldstep=0.125, duration=0.25))
    assert [start + 0.125, start + 0.25] == pytest.approx(times, rel=1e-12)


def test_a_duration_ends_where_it_would_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = polled(model(tmp_path, "DE0"))
    times: list[float] = []
    with pressed(monkeypatch, {60}):
        for _ in range(2):
            try:
                times += list(domain.evolve(yieldstep=0.2, duration=0.6))
            except KeyboardInterrupt:
                pass
    assert 0.6 == domain.get_time()


def test_signals_from_within_steps(tmp_path: Path) -> None:
    """Real ones, from code that a step calls: boundary, operator and observer."""
    expected = unbroken(tmp_path / "unbroken", "DE1")
    folder = tmp_path / "signals"
    folder.mkdir()
    domain = model(folder, "DE1")
    rng = np.random.default_rng(3)
    presses: list[int] = []

    def pressing(function: Any) -> Any:
        def pressed_at_times(*args: Any) -> Any:
            if rng.random() < 0.1 and domain._lean_interrupts.pending is None:
                os.kill(os.getpid(), signal.SIGINT)
            return None if function is None else function(*args)
        return pressed_at_times

    domain.boundary_map["left"].function = pressing(domain.boundary_map["left"].function)
    domain.add_step_observer(pressing(None))
    assert expected == evolved(domain, presses)
    assert presses


def test_the_handler_of_the_script_runs_at_once_and_comes_back(tmp_path: Path) -> None:
    """One that raises nothing stops nothing; afterwards it is the script's again."""
    calls: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: calls.append(number))
    try:
        ours = signal.getsignal(signal.SIGINT)
        domain = model(tmp_path, "DE0")
        domain.add_step_observer(lambda *_: os.kill(os.getpid(), signal.SIGINT))
        assert 4 == len(list(domain.evolve(yieldstep=0.2, finaltime=0.6)))
        assert len(calls) >= 3
        assert ours is signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_pressed_twice_it_is_raised_where_it_finds_the_program(tmp_path: Path) -> None:
    domain = model(tmp_path, "DE0")
    reached = []

    def press(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        reached.append(1)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1.0)
        reached.append(2)

    domain.add_step_observer(press)
    with pytest.raises(KeyboardInterrupt):
        list(domain.evolve(yieldstep=0.2, finaltime=0.6))
    assert [1] == reached


def test_another_signal_stops_a_long_sweep(tmp_path: Path) -> None:
    """What a handler raises, as a scheduler's SIGTERM may, comes out of the sweep."""
    run = polled(model(tmp_path, "DE0", cells=12)).lean.ready()
    run.find_active()

    def ask() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        run.sweep(_kernels.FLUXES, asks=ask)
    assert 0.0 < run.sweep(_kernels.FLUXES)[0]
