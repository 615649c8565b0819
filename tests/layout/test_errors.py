"""Errors: all in `_errors`, each also the built-in that a user would expect to catch."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest

import anuga_lean
from anuga_lean import _errors

PACKAGE = Path(anuga_lean.__file__).parent
BUILT_IN = {name for name, value in vars(builtins).items()
            if isinstance(value, type) and issubclass(value, BaseException)}
OURS = {name: value for name, value in vars(_errors).items()
        if isinstance(value, type) and value.__module__ == _errors.__name__}
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "_errors.py")


def classes_of_errors(tree: ast.AST) -> list[str]:
    """The classes a module defines that can be raised, by what they derive from."""
    known = BUILT_IN | set(OURS)
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
            if bases & known:
                found.append(node.name)
                known = known | {node.name}
    return found


def caught_in(tree: ast.AST) -> set[str]:
    """The names that its `except` clauses give."""
    return {name.id for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.type
            for name in ast.walk(node.type) if isinstance(name, ast.Name)}


def test_all_are_in_one_module() -> None:
    """Elsewhere are only signals inside a module: private, and caught by the same module."""
    wrong = []
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        caught = caught_in(tree)
        wrong += [f"{path.relative_to(PACKAGE)}: {name}" for name in classes_of_errors(tree)
                  if not name.startswith("_") or name not in caught]
    assert [] == wrong


def test_what_counts_as_an_error() -> None:
    tree = ast.parse("class A(Exception): pass\nclass B(A): pass\nclass _C(x.MeshError): pass\n"
                     "class D(dict): pass\ntry: pass\nexcept (_C, E): pass")
    assert ["A", "B", "_C"] == classes_of_errors(tree)
    assert {"_C", "E"} == caught_in(tree)


@pytest.mark.parametrize("name", OURS)
def test_each_is_also_a_built_in(name: str) -> None:
    """More than an Exception: what `except ValueError` and the like would catch.

    What ends a run on request is no error, and `except Exception` is not to catch it.
    """
    kinds = {each.__name__ for each in OURS[name].__mro__}
    assert issubclass(OURS[name], (_errors.LeanError, Warning, SystemExit))
    assert not issubclass(OURS[name], SystemExit) or not issubclass(OURS[name], Exception)
    if name not in ("LeanError", "LeanWarning"):
        assert kinds & BUILT_IN - {"Exception", "BaseException", "Warning"}


def test_what_is_shown_is_ours() -> None:
    """The names that the package itself shows are those of the module."""
    shown = {name for name in anuga_lean._OWN if name.endswith(("Error", "Warning"))}
    assert 15 < len(shown)
    assert set() == shown - set(OURS)
