"""Every public name of ANUGA, of Domain, Mesh and Quantity: lean does what stock does.

Each name is called before an evolve, at a yield and after it, on stock and on
lean in processes of their own; results, exceptions, what is printed and how the
domain evolves on are compared to the last bit.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from surface.calls_module import LATER, STOCKS_OWN
from surface.expected import (
    ATTRIBUTES,
    EXPECTED,
    MORE_KEYWORDS,
    OWN,
    STOCK_CANNOT,
    Expected,
)
from surface.models import MOMENTS
from surface.plain import differences
from surface.tables import PARTS, TABLES

TESTS = Path(__file__).resolve().parent.parent
LEANS_WARNINGS = ("StockKernelWarning", "ResourceWarning")
PAIRS = [(part, name) for part in TABLES for name in TABLES[part]]


def walk(variant: str, folder: Path) -> dict[str, Any]:
    """Everything one variant answers, by part."""
    path = [str(TESTS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = dict(os.environ) | {
        "PYTHONPATH": os.pathsep.join(each for each in path if each),
        "PYTHONHASHSEED": "0",      # stock's messages show sets
        "HOME": str(folder),        # stock's cache would answer for the other variant
    }
    done = subprocess.run(
        [sys.executable, "-m", "surface.walk", variant, str(folder), *PARTS],
        cwd=folder, env=environment, capture_output=True, text=True)
    assert 0 == done.returncode, done.stdout + done.stderr
    return {part: pickle.loads((folder / f"{part}.pickle").read_bytes()) for part in PARTS}


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What stock and lean answer."""
    variants = ("stock", "lean")
    folders = [tmp_path_factory.mktemp(variant) for variant in variants]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(variants, pool.map(walk, variants, folders), strict=True))


def calls(walked: dict[str, Any], variant: str, part: str, name: str) -> dict[Any, dict[str, Any]]:
    """What each call of a name gave, by (moment, number, expression)."""
    listed = walked["stock"]["names"]["names"]["anuga" if part == "module" else part]
    if name in LATER[part] and name not in listed:
        pytest.skip(f"this ANUGA has no {name}")
    found = {}
    for (moment, group), record in walked[variant][part].items():
        if name in group:
            assert "died" not in record, f"{variant} died of {name} {moment}: {record}"
            for number, (expression, result) in enumerate(record["calls"][name]):
                found[moment, number, expression] = result
    return found


def answer(result: dict[str, Any]) -> dict[str, Any]:
    """The part of a record that has to be the same."""
    kept = {key: result[key] for key in ("result", "raised", "printed") if key in result}
    if "raised" in kept:
        kept["raised"] = (kept["raised"][0][0], kept["raised"][1])
    return kept | {"warned": [each for each in result["warned"] if each[0] not in LEANS_WARNINGS]}


def applies(expected: Expected, part: str, name: str, expression: str) -> bool:
    """Whether a difference was foreseen."""
    return (expected.part, expected.name) == (part, name) and expected.call in expression


def differing(walked: dict[str, Any], part: str, name: str) -> dict[tuple, list[str]]:
    """The calls of a name whose answers are not the same, with what differs."""
    stock = calls(walked, "stock", part, name)
    lean = calls(walked, "lean", part, name)
    assert stock.keys() == lean.keys()
    found = {key: differences(answer(stock[key]), answer(lean[key])) for key in stock}
    return {key: lines for key, lines in found.items() if lines}


@pytest.mark.parametrize(("part", "name"), PAIRS)
def test_answers_as_stock(walked: dict[str, Any], part: str, name: str) -> None:
    """Results, exceptions, printed text and the evolve after it, but for what is expected."""
    found = differing(walked, part, name)
    unforeseen = {key: lines for key, lines in found.items()
                  if not any(applies(each, part, name, key[2]) for each in EXPECTED)}
    assert not unforeseen, "\n".join(
        "\n".join([str(key), *lines]) for key, lines in unforeseen.items())


@pytest.mark.parametrize("expected", [each for each in EXPECTED if each.certain], ids=str)
def test_expected_differences_are_there(walked: dict[str, Any], expected: Expected) -> None:
    """A reason that nothing needs any more is taken out of the table."""
    found = differing(walked, expected.part, expected.name)
    assert any(applies(expected, expected.part, expected.name, key[2]) for key in found)


@pytest.mark.parametrize(("part", "name"), PAIRS)
def test_lean_raises_what_stock_would(walked: dict[str, Any], part: str, name: str) -> None:
    """Code that catches stock's exception catches lean's."""
    stock, lean = (calls(walked, variant, part, name) for variant in ("stock", "lean"))
    for key, result in stock.items():
        if "raised" in result and (part, key[2]) != ("module", "anuga.Domain()"):
            assert result["raised"][0][0] in lean[key]["raised"][0], key


@pytest.mark.parametrize(("part", "name"), PAIRS)
def test_is_called_with_meaning(walked: dict[str, Any], part: str, name: str) -> None:
    """At least one call of the name itself goes through on stock, or it is known why not."""
    said = name if part == "module" else f".{name}"
    through = [key for key, result in calls(walked, "stock", part, name).items()
               if (said in key[2] or name == "operators") and "result" in result]
    assert bool(through) != ((part, name) in STOCK_CANNOT)


@pytest.mark.parametrize("part", TABLES)
def test_no_silent_fallback(walked: dict[str, Any], part: str) -> None:
    """A domain that has left the lean kernels has said so, once."""
    for key, record in walked["lean"][part].items():
        assert record["is_lean"] == (not record["said"]), key
        assert len(record["said"]) <= 1, key


@pytest.mark.parametrize("moment", MOMENTS)
def test_attributes(walked: dict[str, Any], moment: str) -> None:
    """Every attribute of a domain, its mesh and a quantity; stock's are all there."""
    stock, lean = (walked[variant]["attributes"][moment] for variant in ("stock", "lean"))
    own = {f"{kind}.{name}" for kind, names in OWN.items() for name in names.split()}
    assert stock.keys() == lean.keys() - (own - stock.keys())
    clock = {name for name in stock if "walltime" in name}
    for name in stock.keys() - clock - ATTRIBUTES.keys():
        assert [] == differences(stock[name], lean[name], name)


def test_every_name_is_in_a_table(walked: dict[str, Any]) -> None:
    """A name that is new in ANUGA has to be put into a table of calls."""
    listed = walked["stock"]["names"]["names"]
    tables = {**TABLES, "module": {*STOCKS_OWN, *TABLES["module"]},
              "Quantity": TABLES["Quantity"].keys() - {"operators"}}
    for part, table in tables.items():
        there = set(listed["anuga" if part == "module" else part])
        assert [] == sorted(there - set(table)), part
        assert [] == sorted(set(table) - there - set(LATER[part])), part


@pytest.mark.parametrize("kind", OWN)
def test_names_look_like_stocks(walked: dict[str, Any], kind: str) -> None:
    """Kind, signature and value; what lean has beyond is stock's on instances, or listed."""
    stock, lean = (walked[variant]["names"]["names"][kind] for variant in ("stock", "lean"))
    shown = {name: dict(lean[name]) for name in stock}
    for (_, name), more in (each for each in MORE_KEYWORDS.items() if each[0][0] == kind):
        longer = shown[name]["signature"]
        shown[name]["signature"] = longer.replace(f", *, {more})", ")")
        assert longer != shown[name]["signature"]
    assert [] == differences(stock, shown)
    on_instances = {name.split(".")[1] for name in walked["stock"]["attributes"]["after"]
                    if name.split(".")[0] == kind}
    assert lean.keys() - stock.keys() - on_instances <= set(OWN[kind].split())


def test_what_touches_no_domain_is_stocks_own(walked: dict[str, Any]) -> None:
    """Functions and constants without a mesh or a domain are not replaced."""
    stock, lean = (walked[variant]["names"]["names"]["anuga"] for variant in ("stock", "lean"))
    for name in stock.keys() & set(STOCKS_OWN):
        assert stock[name] == lean[name], name
