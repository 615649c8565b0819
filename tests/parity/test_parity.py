"""The contract: the same script on stock and on lean gives the same numbers, bit for bit."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from anuga_lean.measure.comparison import same_bits
from isas import available_isas
from parity.cases import CASES, Case
from parity.runs import Runs, Setting

STOCK = Setting("stock")
# Stock sums its boundary fluxes in the order its threads happen to finish.
ORDER_DEPENDENT = {"boundary_flux_integral"}
NOT_RESULTS = {"stock_kernel_warnings", "kernels", "isa"}


def params(pairs: list[tuple[Case, Setting]]) -> list[object]:
    """Test parameters that also tell the `runs` fixture what to compute."""
    return [
        pytest.param(
            case,
            setting,
            id="-".join(str(each) for each in (case.name, *setting) if each),
            marks=[
                pytest.mark.wants(
                    (case.name, setting),
                    (case.name, STOCK),
                    (case.name, STOCK._replace(threads=setting.threads)),
                ),
                *([] if is_the_usual(setting) else [pytest.mark.other_setting]),
            ],
        )
        for case, setting in pairs
    ]


def is_the_usual(setting: Setting) -> bool:
    """Whether it is one thread on the kernels that this CPU takes by itself."""
    return setting.threads == 1 and setting.isa in (None, available_isas()[-1])


def settings() -> list[tuple[Case, Setting]]:
    """Every case under every setting it names that this CPU can run."""
    pairs = []
    for case in CASES.values():
        isas: list[str | None] = [isa for isa in case.isas if isa in available_isas()] or [None]
        pairs += [(case, Setting("lean", threads, isa)) for isa in isas for threads in case.threads]
        if case.convert:
            pairs.append((case, Setting("converted")))
    return pairs


def differences(
    expected: dict[str, np.ndarray], actual: dict[str, np.ndarray], ignored: set[str]
) -> list[str]:
    """What is not the same, one line each, the largest difference of numbers named."""
    lines = []
    for name in sorted((expected.keys() | actual.keys()) - NOT_RESULTS - ignored):
        if name not in expected or name not in actual:
            lines.append(f"{name}: only on {'stock' if name in expected else 'lean'}")
            continue
        a, b = expected[name], actual[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            lines.append(f"{name}: stock {a.dtype}{a.shape}, lean {b.dtype}{b.shape}")
        elif not same_bits(a, b):
            lines.append(f"{name}: {described(a, b)}")
    return lines


def described(a: np.ndarray, b: np.ndarray) -> str:
    """How two arrays of one shape differ."""
    different = (a != b) & ~((a != a) & (b != b))
    if a.dtype.kind == "f":
        different |= (a == b) & (np.signbit(a) != np.signbit(b))
    first = tuple(int(i) for i in np.argwhere(different)[0]) if a.shape else ()
    text = f"{different.sum()} of {a.size} differ, first at {first}: "
    text += f"stock {a[first]!r}, lean {b[first]!r}"
    if a.dtype.kind == "f":
        text += f", largest difference {np.nanmax(np.abs(a - b)):.3g}"
    return text


@pytest.mark.parametrize(("case", "setting"), params(settings()))
def test_equals_stock(runs: Runs, case: Case, setting: Setting) -> None:
    """Every quantity at every yield, every time step, every SWW variable."""
    stock = runs.result(case.name, STOCK)
    lean = runs.result(case.name, setting)
    found = differences(stock, lean, ignored=set())
    assert not found, "\n".join(found)
    if setting.threads > 1:
        threaded = runs.result(case.name, STOCK._replace(threads=setting.threads))
        found = differences(threaded, lean, ignored=ORDER_DEPENDENT)
        assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("case", "setting"), params([pair for pair in settings() if not pair[0].raises])
)
def test_runs_on_the_kernels_it_should(runs: Runs, case: Case, setting: Setting) -> None:
    """Lean kernels without a warning, or stock's with exactly one that names the feature."""
    lean = runs.result(case.name, setting)
    said = lean["stock_kernel_warnings"].tolist()
    if case.stock_kernels is None:
        assert ("lean", []) == (str(lean["kernels"]), said)
        assert (setting.isa or available_isas()[-1]) == str(lean["isa"])
    else:
        assert ("stock", 1) == (str(lean["kernels"]), len(said))
        assert case.stock_kernels in said[0]


def test_kernels_know_this_cpu() -> None:
    """What the kernels would choose from is what the operating system says there is."""
    assert available_isas() == import_module("anuga_lean._kernels").available_isas()


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=pytest.mark.wants((case.name, STOCK)))
        for case in CASES.values()
    ],
)
def test_stock_has_something_to_compare(runs: Runs, case: Case) -> None:
    """Enough steps, water that moves, no NaN by accident: a case that shows nothing is no case."""
    stock = runs.result(case.name, STOCK)
    if case.raises:
        assert case.raises == str(stock["raised"])
        return
    assert "stock" == str(stock["kernels"])
    assert case.min_steps <= len(stock["timesteps"])
    assert np.any(stock["stage"][0] != stock["stage"][-1])
    with_nan = [
        name
        for name, values in stock.items()
        if values.dtype.kind == "f" and np.isnan(values).any()
    ]
    assert case.nan == bool(with_nan), with_nan
