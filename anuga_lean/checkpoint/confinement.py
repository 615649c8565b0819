"""Keeps a run that goes on from an untrusted set inside the folders that the user named.

Owns which texts of a set ANUGA evaluates, opens or writes to, and what they may be: this is the
list that tests/checkpoint/test_reach.py compares with ANUGA's source.  Classes and functions that
a set may name are in `register`, methods in `allowed`, numbers in `ranges`.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from anuga_lean._errors import CheckpointError
from anuga_lean.checkpoint.decoder import Missing

_MOST_TEXT = 1000           # characters of an expression
_MOST_EXPONENT = 100        # 9**9**9 takes as long as a run
_PRECISIONS = ("f", "d", "f4", "f8", "float32", "float64")      # of a SWW file
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub)


class Folders:
    """The folders in which a run may write: what the user named, and what is below.

    Parameters
    ----------
    named : iterable of str or Path
        The current one, the one with the checkpoints, a datadir given by the user.
    """

    def __init__(self, named: Iterable[str | Path]) -> None:
        self.named = [os.path.realpath(each) for each in named]

    def hold(self, path: Any) -> bool:
        """Whether a path, with its symbolic links followed, is in one of them."""
        if not isinstance(path, str) or not path or "\0" in path:
            return False
        real = os.path.realpath(path)
        return any([os.path.commonpath([real, each]) == each for each in self.named])

    def said(self) -> str:
        """Name them."""
        return " and ".join(sorted(set(self.named)))


def confine(made: list[Any], domain: Any, name: str, folders: Folders) -> list[Missing]:
    """Check what an untrusted set makes ANUGA evaluate, open or write; leave out expressions.

    Parameters
    ----------
    made : list
        Every object of the set.
    domain : anuga.Domain
    name : str
        Of the run, as the file is called.
    folders : Folders

    Returns
    -------
    list of Missing
        What was left out, for the user to set again.

    Raises
    ------
    CheckpointError
        A text would lead out of the folders.
    """
    for each in made:
        held = getattr(each, "__dict__", None)
        if type(held) is not dict:
            continue
        for key, rule in (_TEXTS | _OF_WRITERS if _is_writer(each) else _TEXTS).items():
            if key in held:
                said = rule(held[key], folders)
                if said is not None:
                    raise CheckpointError(
                        f"{type(each).__name__}.{key} is {_shown(held[key])}, {said}: pass "
                        "trusted=True if you know who wrote it")
    if domain.simulation_name != name:
        raise CheckpointError(
            f"its run is called {_shown(domain.simulation_name)}, whose files it would write: "
            "give the file that name, or pass trusted=True")
    for each in made:
        if _is_domain(each):
            _check_quantity_names(each)
    return [left_out for each in made if _is_domain(each)
            for left_out in _without_hostile_expressions(each)]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


# -- paths ---------------------------------------------------------------------


def _is_base_name(value: Any) -> bool:
    return isinstance(value, str) and not set(value) & {"/", os.sep, "\0"}


def _file_ending(suffix: str) -> Callable[[Any, Folders], str | None]:
    def said(value: Any, folders: Folders) -> str | None:
        if value is None or isinstance(value, str) and value.endswith(suffix) \
                and folders.hold(value):
            return None
        return f"which is no file *{suffix} in {folders.said()}"
    return said


def _folder(value: Any, folders: Folders) -> str | None:
    return None if folders.hold(value) else f"which is no folder in {folders.said()}"


def _name(value: Any, folders: Folders) -> str | None:
    return None if _is_base_name(value) else "which is no name of a file without a folder"


def _mode(value: Any, folders: Folders) -> str | None:
    return None if value in ("r", "w", "a", "wl", "rl") else "which is no mode of a file"


def _precision(value: Any, folders: Folders) -> str | None:
    return None if isinstance(value, str) and value in _PRECISIONS \
        else "which is no precision of a SWW file"


def _recursion(value: Any, folders: Folders) -> str | None:
    return None if type(value) in (bool, int) and 0 <= value <= 60 \
        else "which counts no continuations of a SWW file"


def _room(value: Any, folders: Folders) -> str | None:
    return None if type(value) in (int, float) and value > 0 else "which is no size of a file"


# Attributes of any object that a set may hold, and what is said of one that is not allowed.
_TEXTS: dict[str, Callable[[Any, Folders], str | None]] = {
    "log_filename": _file_ending(".log"),       # appended to at every yield
    "_lock": _file_ending(".sww.lock"),         # removed when a writer moves on to another file
    "datadir": _folder,
    "checkpoint_dir": _folder,
    "simulation_name": _name,                   # of SWW files and sets
    "max_size": _room,                          # of a SWW file, before another one begins
}
# Of the writers of SWW files alone. The `filename` of a boundary's data says in messages where
# they came from.
_OF_WRITERS: dict[str, Callable[[Any, Folders], str | None]] = {
    "filename": _file_ending(".sww"), "mode": _mode, "precision": _precision,
    "recursion": _recursion,
}


def _is_writer(value: Any) -> bool:
    from anuga.file.sww import Data_format

    return isinstance(value, Data_format)


def move_to(datadir: str, made: list[Any], domain: Any) -> None:
    """Let a run write its SWW and log files into the folder that the user gives."""
    old = os.path.normpath(str(domain.datadir))
    domain.datadir = datadir
    for each in made:
        held = getattr(each, "__dict__", None)
        for key in ("filename", "_lock") if _is_writer(each) else ("log_filename",):
            if type(held) is not dict:
                continue
            path = held.get(key)
            if isinstance(path, str) and os.path.normpath(os.path.dirname(path)) == old:
                held[key] = os.path.join(datadir, os.path.basename(path))


# -- expressions -----------------------------------------------------------------


def _is_domain(value: Any) -> bool:
    from anuga.abstract_2d_finite_volumes.generic_domain import Generic_Domain

    return isinstance(value, Generic_Domain)


def _check_quantity_names(domain: Any) -> None:
    """Raise CheckpointError unless ANUGA can put every name of a quantity into an expression."""
    for name in domain.__dict__.get("quantities", ()):
        if not isinstance(name, str) or not re.fullmatch(r"[^\W\d][\w .:-]*", name):
            raise CheckpointError(f"a quantity is called {_shown(name)}, which ANUGA would put "
                                  "into what it evaluates: pass trusted=True")


def _without_hostile_expressions(domain: Any) -> list[Missing]:
    """Stop monitoring what is no arithmetic of quantities; return what was left out."""
    monitored = domain.__dict__.get("quantities_to_be_monitored")
    if monitored is None:
        return []
    if type(monitored) is not dict:
        raise CheckpointError(f"quantities_to_be_monitored is a {type(monitored).__name__}")
    hostile = [text for text in monitored if text not in domain.quantities
               and not is_arithmetic(text, domain.quantities)]
    for text in hostile:
        del monitored[text]
    return [Missing(f"domain.quantities_to_be_monitored[{_shown(text)}]",
                    "an expression that is more than arithmetic of quantities")
            for text in hostile]


def is_arithmetic(text: Any, quantities: dict[str, Any]) -> bool:
    """Whether what ANUGA makes of a text is + - * / ** of quantities and numbers, no more.

    ANUGA replaces the names of quantities by look-ups in a dictionary and evaluates the rest as
    Python (`abstract_2d_finite_volumes/util.py`, apply_expression_to_dictionary).
    """
    from anuga.abstract_2d_finite_volumes.util import multiple_replace

    if not isinstance(text, str) or len(text) > _MOST_TEXT:
        return False
    replaced = multiple_replace(text, {name: f'dictionary["{name}"]' for name in quantities})
    try:
        tree = ast.parse(replaced, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _is_allowed(tree.body, quantities)


def _is_allowed(node: ast.AST, quantities: dict[str, Any]) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (int, float)) and node.value < 1 << 64
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id == "dictionary" \
            and isinstance(node.slice, ast.Constant) and node.slice.value in quantities
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, _OPERATORS) and _is_allowed(node.operand, quantities)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, _OPERATORS):
        return False
    if isinstance(node.op, ast.Pow) and not _is_small(node.right):
        return False
    return _is_allowed(node.left, quantities) and _is_allowed(node.right, quantities)


def _is_small(node: ast.AST) -> bool:
    """Whether a node is an exponent that no power takes long with."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and not isinstance(node.value, complex) \
        and isinstance(node.value, (int, float)) and node.value <= _MOST_EXPONENT
