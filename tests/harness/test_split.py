"""The split of `evolve`: its parts add up, hold what they call, and leave the model as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anuga_lean.measure import split as splits
from anuga_lean.measure import whole
from anuga_lean.measure.comparison import Comparison
from anuga_lean.measure.measurement import Request, measure
from anuga_lean.measure.report import split_table


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(splits, "perf_counter", found)
    return found


def domain_of(clock: Clock) -> Any:
    """A domain whose methods take whole seconds."""

    class Domain:
        def __init__(self) -> None:
            self.fractional_step_operators: list[Any] = []

        def update_boundary(self) -> None:
            clock.now += 1.0

        def compute_fluxes(self) -> None:
            clock.now += 2.0
            self.update_boundary()

        def store_timestep(self) -> None:
            clock.now += 8.0

        def evolve_one_euler_step(self) -> None:
            self.update_boundary()
            clock.now += 16.0
            self.compute_fluxes()

        def apply_fractional_steps(self) -> None:
            for operator in self.fractional_step_operators:
                operator()

    class Rain:
        def __call__(self) -> None:
            clock.now += 32.0
            domain.compute_fluxes()

    class Gate:
        def __call__(self) -> None:
            clock.now += 64.0
            if len(domain.fractional_step_operators) == 3:
                domain.fractional_step_operators.append(Rain())

    split = splits.watch(Domain)
    domain = Domain()
    domain.fractional_step_operators += [Rain(), Gate(), Rain()]
    return domain, split


def test_each_second_of_evolve_is_in_one_part(clock: Clock) -> None:
    domain, split = domain_of(clock)
    clock.now += 1000.0                     # before
    domain.compute_fluxes()
    began = clock.now
    split.begin_evolve()
    domain.update_boundary()
    clock.now += 128.0                      # the start
    for _ in range(2):
        domain.evolve_one_euler_step()
        domain.apply_fractional_steps()
        domain.store_timestep()
        clock.now += 256.0
        split.pause()
        clock.now += 992.0                  # the script's
        domain.store_timestep()
        split.resume()
    split.pause()
    split.pause()                           # as when an evolve ends at a yield
    found = split.as_dict()
    assert {"start": 129.0, "boundary objects": 2.0, "fluxes": 6.0, "storing": 16.0,
            "operators/Rain 1": 70.0, "operators/Gate": 128.0, "operators/Rain 2": 70.0,
            "operators/Rain 3": 70.0, "rest": 2.0 * (16.0 + 256.0)} == found
    assert clock.now - began - 2000.0 == sum(found.values())
    assert type(domain.fractional_step_operators) is list
    assert 4 == len(domain.fractional_step_operators)


def test_what_fails_is_counted_and_leaves_the_operators_as_they_were(clock: Clock) -> None:
    domain, split = domain_of(clock)
    domain.fractional_step_operators[1:] = [lambda: 1 / 0]
    held = domain.fractional_step_operators
    split.begin_evolve()
    domain.evolve_one_euler_step()
    with pytest.raises(ZeroDivisionError):
        domain.apply_fractional_steps()
    domain.store_timestep()
    split.pause()
    assert held is domain.fractional_step_operators
    assert clock.now == sum(split.as_dict().values())
    assert 8.0 == split.seconds["storing"]


def test_a_part_is_seen_within_a_lean_domain_too(tmp_path: Path) -> None:
    """A lean domain may take a step without the domain's own methods."""
    done = subprocess.run([sys.executable, "-c", WITHIN], capture_output=True, text=True,
                          cwd=tmp_path, check=True)
    found = [part for part in done.stdout.split(",") if not part.startswith("operators")]
    assert sorted({*splits.PARTS} - {"exchange"} | {"rest", "start"}) == found


WITHIN = """
import anuga_lean as anuga
from anuga_lean import scenarios
from anuga_lean.measure import split as splits
splits.PARTS = {"storing": splits.PARTS["storing"]}     # the others are hidden
found = splits.watch(anuga.Domain)
domain = scenarios.build("open_sides", anuga, triangles=400, store=True)
found.begin_evolve()
for _ in domain.evolve(yieldstep=0.2, finaltime=0.4):
    pass
found.pause()
print(",".join(sorted(found.as_dict())), end="")
"""


@pytest.mark.parametrize("parameters", [{"flow_algorithm": "DE0"}, {"flow_algorithm": "DE1"}])
def test_a_lean_domain_stays_lean_and_holds_no_more(parameters: dict, tmp_path: Path) -> None:
    request = Request("lean", "catchment_full", {"triangles": 2000, "store": True, **parameters},
                      steps=12)
    plain = measure(request, tmp_path / "plain")
    found = measure(Request(**{**vars(request), "split": True}), tmp_path / "split")
    assert "lean" == found["runs_on"] and plain["sha256"] == found["sha256"]
    assert plain["census"]["nbytes"] == found["census"]["nbytes"]
    assert "Warning" not in (tmp_path / "split" / "output.log").read_text()
    assert None is plain["split"]
    names = [part.partition("/")[2] for part in found["split"] if "/" in part]
    assert {"Rate_operator 1", "Rate_operator 2", "Collect_max_quantities_operator"} < set(names)
    assert {"start", *splits.PARTS, "rest"} <= set(found["split"])
    assert whole.of_steps(found) > 0.9 * found["seconds_of_steps"]
    assert all(seconds > 0.0 for seconds in found["split"].values())


def run(**seconds: float) -> dict[str, Any]:
    return {"split": {name.replace("_", "/"): took for name, took in seconds.items()}}


def test_the_serial_fraction_is_what_threads_do_not_shorten() -> None:
    one = [run(start=4.0, fluxes=10.0, operators_Rain=1.0, storing=5.0)]
    several = [run(start=4.0, fluxes=2.5, operators_Rain=1.0, storing=5.0)]
    found = whole.figures(one, several, 4)
    assert 20.0 == found["evolve_seconds"].value and 12.5 == found["evolve_seconds_threads"].value
    assert 1.6 == found["threads_over_one"].value
    assert 50.0 == pytest.approx(found["serial_fraction"].value)
    assert 100.0 / 11.0 == pytest.approx(found["serial_fraction_steps"].value)
    assert ["evolve_seconds"] == list(whole.figures(one, [], 1))


def test_the_table_has_the_median_run_and_adds_up() -> None:
    runs = [run(fluxes=took, operators_Rain=0.5) for took in (9.0, 1.0, 2.0)]
    half = [run(fluxes=took / 2.0, operators_Rain=0.5) for took in (9.0, 1.0, 2.0)]
    request = Request("stock", "catchment_full", steps=1, split=True)
    lines = split_table(Comparison(request, runs, runs, {}, 2, half, half)).splitlines()
    cells = {line.split()[0]: line.split()[1:] for line in lines}
    assert ["2.000", "2.000", "1.00", "80.0%", "1.000", "0.000", "1.000", "0.000"] == \
        cells["fluxes"]
    assert ["0.500", "0.500", "1.00", "20.0%", "0.500", "0.500", "0.500", "0.500"] == cells["Rain"]
    assert ["2.500", "2.500", "1.00", "100.0%", "1.500", "0.500", "1.500", "0.500"] == cells["all"]
    assert "2 threads are 1.67 times as fast as one; serial fraction 20.0 %" in lines[-1]
