"""Says how many triangles a member's mesh will have, and what a run of so many takes by `plan`.

Owns what the key ``triangles`` of a study file may say.  What members before it have taken, by
triangles, is `reservations`'.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
from collections.abc import Callable
from typing import Any

from anuga_lean._errors import PlanError, StudyError
from anuga_lean.plan.prediction import predict, predict_stock
from anuga_lean.plan.question import MOST_TRIANGLES, Question
from anuga_lean.studies.definition import Study
from anuga_lean.studies.members import Member

_LONGEST = 1000         # letters
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: lambda a, b: math.pow(a, b)}


def triangles_of(study: Study, member: Member) -> int | None:
    """Return the triangles of a member's mesh, None where the study does not say.

    Raises
    ------
    StudyError
        What it says is no number from 1 on for this member.
    """
    said = study.definition.triangles
    if said is None:
        return None
    try:
        text = str(said).format_map(member.values)
        if len(text) > _LONGEST:
            raise ValueError(f"it has more than {_LONGEST} letters")
        found = _value(ast.parse(text.strip(), mode="eval").body)
        if not 1.0 <= found <= MOST_TRIANGLES:
            raise ValueError(f"it is {found:g}")
    except (KeyError, IndexError, AttributeError, ValueError, ArithmeticError, SyntaxError,
            RecursionError) as error:
        raise StudyError(
            f"the study {study.name} has triangles = {said!r}, which is no number from 1 to "
            f"{MOST_TRIANGLES:,} for member {member.name} ({error}): give a number, or what "
            "parameters give, \"2 * {nx} * {ny}\".") from error
    return int(found)


def _value(node: ast.expr) -> float:
    """Return the value of a sum, product or power of numbers."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return float(_OPERATORS[type(node.op)](_value(node.left), _value(node.right)))
    raise ValueError("numbers, + - * / ** and parentheses are all that it may have")


@functools.lru_cache(maxsize=1 << 14)
def by_table(anuga: str, ranks: int, triangles: int) -> int | None:
    """Return what a run takes by the built-in table, all its ranks together, bytes.

    Parameters
    ----------
    anuga : str
        ``lean`` or ``stock``.
    ranks, triangles : int
    """
    question = Question(triangles, ranks)
    try:
        question.check()
    except PlanError:
        return None
    return int(predict(question).of_node()[0] if anuga == "lean" else predict_stock(question)[1])
