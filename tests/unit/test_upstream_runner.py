"""What counts as a regression when ANUGA's own tests run on both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import upstream
import upstream_cases as cases
import upstream_sdist as sdist
import upstream_suites as suites
from upstream_cases import Case

LISTED = next(iter(suites.read_listed()))


def ended(**tests: str) -> dict[str, dict[str, str | None]]:
    return {name: {"outcome": outcome, "text": None} for name, outcome in tests.items()}


@pytest.mark.parametrize(
    ("stock", "lean", "regressed"),
    [
        ("passed", "failed", True),
        ("passed", "skipped", True),
        ("passed", "crashed", True),
        ("skipped", "error", True),
        ("xfailed", "failed", True),
        ("failed", "passed", False),
        ("failed", "error", False),
        ("skipped", "passed", False),
    ],
)
def test_what_regresses(stock: str, lean: str, regressed: bool) -> None:
    (found,) = suites.compare(ended(t=stock), ended(t=lean))
    assert regressed == found.regressed


def test_a_test_that_is_not_run_regresses() -> None:
    (found,) = suites.compare(ended(t="passed", u="passed"), ended(u="passed"))
    assert ("t", "passed", "not run", True) == (*found[:3], found.regressed)


def test_a_listed_test_may_fail_and_may_not_pass() -> None:
    stock = {LISTED: {"outcome": "passed", "text": None}, **ended(t="passed")}
    for outcome, expected in (("failed", 0), ("passed", 1)):
        lean = {LISTED: {"outcome": outcome, "text": None}, **ended(t="passed")}
        text, result, wrong = suites.report("fast", stock, lean)
        assert expected == len(wrong)
        assert int(outcome == "failed") == result["counts"]["of these listed"]
    _, _, wrong = suites.report("fast", stock, stock | ended(t="failed"))
    assert "t passed on stock, failed on lean" in wrong


def test_the_list_needs_reasons_and_is_short(tmp_path: Path) -> None:
    path = tmp_path / "listed.txt"
    path.write_text("anuga/tests/test_x.py::test\n")
    with pytest.raises(SystemExit, match="without a reason"):
        suites.read_listed(path)
    path.write_text("".join(f"t{number} # bytes\n" for number in range(16)))
    with pytest.raises(SystemExit, match="lists 16 tests"):
        suites.read_listed(path)


def test_a_test_that_never_ends_has_crashed(tmp_path: Path) -> None:
    lines = [
        {"variant": "lean"},
        {"start": "a"},
        {"test": "a", "when": "call", "outcome": "passed", "xfail": False, "text": None},
        {"test": "a", "when": "teardown", "outcome": "failed", "xfail": False, "text": "no"},
        {"start": "b"},
        {"test": "b", "when": "call", "outcome": "skipped", "xfail": True, "text": None},
        {"start": "c"},
    ]
    path = tmp_path / "outcomes.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    found = suites.read_outcomes(path, "lean")
    assert {"a": "error", "b": "xfailed", "c": "crashed"} == {
        name: each["outcome"] for name, each in found.items()}
    with pytest.raises(SystemExit, match="meant for stock domains ran on lean"):
        suites.read_outcomes(path, "stock")


def result(**changed: object) -> dict:
    evolve = {"kernels": changed.pop("kernels", "stock")}
    return {"status": 0, "failed": [], "digests": {"a/stage": "1"}, "evolves": {"a": evolve},
            "warned": [], "place": "/nowhere", **changed}


@pytest.mark.parametrize(
    ("lean", "wrong"),
    [
        ({}, ""),
        ({"digests": {"a/stage": "2"}}, "results differ"),
        ({"digests": {}}, "results differ"),
        ({"status": 1, "failed": ["test_x"]}, "passed on stock, failed test_x on lean"),
        ({"status": -11}, "was killed by SIGSEGV on lean"),
    ],
)
def test_what_is_wrong_with_a_case(lean: dict, wrong: str) -> None:
    case = Case("dam", "DE1", "/nowhere", ())
    found = cases.judge(case, result(), result(kernels="lean", **lean))
    assert int(bool(wrong)) == len(found)
    assert wrong in "".join(found)


def test_stock_may_not_be_lean_nor_empty() -> None:
    case = Case("dam", "DE1", "/nowhere", ())
    lean = result(kernels="lean")
    assert "was lean where stock was meant" in "".join(cases.judge(case, lean, lean))
    empty = result(digests={}, evolves={})
    assert "left nothing to compare" in "".join(cases.judge(case, empty, empty))


def fake_tree(folder: Path) -> Path:
    """An sdist with one case of the Environment Agency's, which needs data beside its folder."""
    parent = folder / "validation_tests" / "ea_benchmark"
    (parent / "test4_floodplain").mkdir(parents=True)
    (parent / "ea_common.py").write_text(
        "from pathlib import Path\n"
        "DATA = Path(__file__).with_name('data') / 'Test4' / 'Test4BC.csv'\n")
    (parent / "data_download.py").write_text("raise SystemExit('no such host')\n")
    (parent / "test4_floodplain" / "validate_test4.py").write_text(
        "import sys\nsys.path.insert(0, '..')\nimport ea_common\n"
        "print(ea_common.DATA.read_text(), sys.argv[1:])\n")
    return folder


def test_cases_that_need_data_run_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture) -> None:
    tree = fake_tree(tmp_path / "tree")
    monkeypatch.setattr(cases, "QUICK", ())
    monkeypatch.setattr(cases, "LONG", ())
    (tmp_path / "data" / "Test4").mkdir(parents=True)
    (tmp_path / "data" / "Test4" / "Test4BC.csv").write_text("minutes, m3/s")
    arguments = ["--cache", str(tmp_path / "cache"), "--case", "ea_*", "-alg", "DE1"]
    args = upstream.prepare_parser().parse_args(arguments)
    runner = upstream.Runner(args, tree, tmp_path / "work")
    assert [] == runner.runnable()
    assert "ea_test4_floodplain DE1 is not run: Test4/Test4BC.csv: its data cannot be fetched " \
        "(no such host): give their folder with --ea-data" in capsys.readouterr().out
    args.ea_data = tmp_path / "data"
    (case,) = runner.runnable()
    found = cases.run_case(case, "stock", tmp_path / "run", sdist.environment(
        tmp_path / "home", args.cache), None, runner.ea_data)
    assert 0 == found["status"]
    assert "minutes, m3/s ['-alg', 'DE1', '-np', '1']" in (
        tmp_path / "run" / "output.log").read_text()
    args.ea_data = tmp_path / "run"
    assert [] == runner.runnable()
    assert "Test4/Test4BC.csv: it is not in that folder" in capsys.readouterr().out
