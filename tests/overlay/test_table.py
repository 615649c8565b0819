"""What differs between a stock process and a lean one is the table, and the table is true."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anuga_lean.overlay.table import (
    ATTRIBUTE,
    BINDING,
    CLASS,
    COMPLETED,
    CONSTRUCTOR,
    FUNCTION,
    IF_THERE,
    LATE,
    MARK,
    METHOD,
    NAMED,
    PROCESS,
    TABLE,
    WRAPPED,
    WRAPPED_BINDING,
    Row,
)

NAMES = Path(__file__).with_name("names.py")
EVERYWHERE = (CLASS, FUNCTION, WRAPPED, NAMED)
# Loaded by neither at `import anuga`, and rows are about them.
MORE = ("anuga.advection.advection", "anuga.parallel.parallel_advection", *COMPLETED)

Side = dict[str, Any]


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Side, Side]:
    """What every name means in a stock process and in a lean one, of the same modules."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "modules").write_text("\n".join(
        [*MORE, *{row.module for row in TABLE if row.module != "python" and exists(row.module)}]))

    def named(variant: str) -> Side:
        done = subprocess.run(
            [sys.executable, str(NAMES), variant, "modules", "found.json"],
            cwd=folder, capture_output=True, text=True, timeout=120)
        assert 0 == done.returncode, done.stderr
        return json.loads((folder / "found.json").read_text())

    lean = named("lean")
    # a lean module may have loaded one that stock has not
    (folder / "modules").write_text("\n".join([*MORE, *lean["modules"]]))
    return named("stock"), named("lean")


def exists(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def place(side: Side, row: Row) -> Any:
    """What the name of a row means there; None if there is none."""
    cls, _, name = row.name.rpartition(".")
    holder = side["classes"].get(f"{row.module}:{cls}", {}) if cls \
        else side["modules"].get(row.module, {})
    return holder.get(name)


def differences(stock: Side, lean: Side) -> Iterator[tuple[str, str, Any, Any]]:
    """Module or class, name, and what it means on both sides."""
    for part in ("modules", "classes"):
        assert set(stock[part]) == set(lean[part])
        for holder, names in stock[part].items():
            for name in sorted({*names, *lean[part][holder]}):
                found = names.get(name), lean[part][holder].get(name)
                if found[0] != found[1]:
                    yield holder, name, *found


def with_lean_classes(meaning: Any, classes: list[tuple[Any, Any]]) -> Any:
    """What something means once each class in it is replaced."""
    for old, new in classes:
        if meaning == old:
            return new
    return [with_lean_classes(each, classes) for each in meaning] \
        if isinstance(meaning, list) else meaning


def test_differences_are_the_table(sides: tuple[Side, Side]) -> None:
    """Nothing differs that no row declares."""
    stock, lean = sides
    held = [(place(stock, row), [place(lean, row)]) for row in TABLE if row.kind in EVERYWHERE]
    at_place = {(f"{row.module}:{row.name.rpartition('.')[0]}".rstrip(":"),
                 row.name.rpartition(".")[2])
                for row in TABLE if row.kind in (
                    BINDING, WRAPPED_BINDING, METHOD, ATTRIBUTE, CONSTRUCTOR, MARK, NAMED)}
    late = {("late", row.arguments[0], name) for row in TABLE if row.kind == LATE
            for name in (row.arguments[1] or (None,))}
    classes = [(place(stock, row), place(lean, row)) for row in TABLE if row.kind == CLASS]
    undeclared = [
        f"{holder} {name}: {before} -> {after}"
        for holder, name, before, after in differences(stock, lean)
        if not any(before == old and after in new for old, new in held)
        and (holder, name) not in at_place
        and not (after and after[0] == "late" and tuple(after) in late)
        and after != with_lean_classes(before, classes)]
    assert [] == undeclared


@pytest.mark.parametrize("row", [row for row in TABLE if row.kind not in (PROCESS, LATE)],
                         ids=lambda row: f"{row.module}.{row.name}")
def test_row_is_true(sides: tuple[Side, Side], row: Row) -> None:
    """What is declared differs, and is made by this package."""
    stock, lean = sides
    before, after = place(stock, row), place(lean, row)
    if row.when == IF_THERE and before is None:
        assert after is None
        return
    assert (before is None) == (row.kind in (ATTRIBUTE, CONSTRUCTOR, MARK))
    assert before != after
    text = json.dumps(after)
    assert "ours" == after[0] if row.kind == CLASS else "anuga_lean" in text or row.kind == MARK


def test_late_imports_are_true(sides: tuple[Side, Side]) -> None:
    """Each has a module that holds a stand-in, and stock has the thing there."""
    stock, lean = sides
    found = {tuple(after[1:]) for _, _, before, after in differences(stock, lean)
             if after is not None and after[0] == "late" and before is not None}
    declared = {(row.arguments[0], name) for row in TABLE if row.kind == LATE
                for name in (row.arguments[1] or (None,))}
    assert declared == found


def holders(side: Side) -> set[str]:
    return {name for name, names in side["modules"].items()
            if any(each[0] == "late" for each in names.values() if each)}


def own_finders(side: Side) -> list[str]:
    return [each for each in side["process"]["finders"] if each.startswith("anuga_lean")]


def reparented(stock: Side, lean: Side) -> set[str]:
    return {name for name in stock["bases"] if stock["bases"][name] != lean["bases"][name]}


def before_anuga(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", f"import sys, anuga_lean; {code}"],
                          capture_output=True, text=True, cwd="/")
    return done.stdout.strip()


# What shows that a row about the process is true; `sys.exit` differs on several ranks only,
# where tests/mpi/test_faults looks.
SHOWN: dict[str, Callable[[Side, Side], bool]] = {
    "sys.meta_path: import_hook": lambda stock, lean: "anuga_lean.overlay.finder" ==
        before_anuga("print(type(sys.meta_path[0]).__module__)"),
    **{f"sys.meta_path: {name}": lambda stock, lean:
       (own_finders(stock), own_finders(lean)) == (
           [], [f"anuga_lean.overlay.{each}" for each in ("late_imports", "mpi_settings")])
       for name in ("late_imports", "mpi_settings")},
    "builtins.__import__": lambda stock, lean:
        (stock["process"]["importers"], lean["process"]["importers"])
        == (["builtins"], ["anuga_lean.overlay.late_imports", "builtins"])
        and stock["process"]["builtins"] == lean["process"]["builtins"],
    "class of ANUGA's modules": lambda stock, lean:
        set() == set(stock["changed_class"]) and holders(lean) == set(lean["changed_class"]),
    "bases of subclasses": lambda stock, lean: reparented(stock, lean) == {
        "anuga.abstract_2d_finite_volumes.quantity:Conserved_quantity",
        "anuga.shallow_water.shallow_water_domain:Domain",
        "anuga.parallel.parallel_shallow_water:Parallel_domain",
        "anuga.advection.advection:Advection_Domain",
        "anuga.parallel.parallel_advection:Parallel_domain"},
    "site-packages/anuga_lean.pth": lambda stock, lean:
        Path(sysconfig.get_path("purelib"), "anuga_lean.pth").is_file(),
    "sys.exit": lambda stock, lean: stock["process"]["sys"] == lean["process"]["sys"],
    **{f"{package}.__getattr__": lambda stock, lean, package=package:
       package not in stock["process"]["getattr"] and package in lean["process"]["getattr"]
       for package in COMPLETED},
}


@pytest.mark.parametrize("row", [row for row in TABLE if row.kind == PROCESS],
                         ids=lambda row: row.name)
def test_row_about_the_process_is_true(sides: tuple[Side, Side], row: Row) -> None:
    assert SHOWN[row.name](*sides)


def test_nothing_else_of_the_process_differs(sides: tuple[Side, Side]) -> None:
    stock, lean = sides
    assert set(SHOWN) == {row.name for row in TABLE if row.kind == PROCESS}
    assert set(COMPLETED) == set(lean["process"]["getattr"])
    assert [] == stock["process"]["getattr"]
    for name in ("sys", "builtins"):
        assert stock["process"][name] == lean["process"][name]


def test_no_row_twice() -> None:
    """But a function of ours that is wrapped in turn."""
    for kinds in ({row.kind for row in TABLE} - {WRAPPED, NAMED}, {WRAPPED}, {NAMED}):
        seen = [(row.module, row.name) for row in TABLE if row.kind in kinds]
        assert len(seen) == len(set(seen))


def test_the_command_prints_it(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "anuga_lean", "features", "--replaced",
                           "--json", "rows.json"], capture_output=True, text=True, cwd=tmp_path)
    assert (0, "") == (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    assert len(TABLE) == sum(line.startswith("  ") for line in lines)
    assert {row.module for row in TABLE} == {line for line in lines if not line.startswith(" ")}
    assert len(TABLE) == len(json.loads((tmp_path / "rows.json").read_text())["rows"])
