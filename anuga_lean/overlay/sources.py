"""Turns the source of a function of ANUGA's into a number that only another text changes.

Owns reading a source file into one number for each function, method, class body and
module body.  Docstrings, comments, blank lines, line numbers and the version of Python
do not count.  Which functions count is `relied`'s; what follows from it is `versions`'.
"""

from __future__ import annotations

import ast
import warnings
import zlib
from collections.abc import Iterator

# The part of a module outside of functions and classes, and of a class outside of methods.
BODY = "<body>"

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def functions_of(source: bytes, names: tuple[str, ...]) -> dict[str, int]:
    """Return a checksum for each function that is asked for.

    Parameters
    ----------
    source : bytes
        A module.
    names : tuple of str
        Functions, `Class` for its body and all its methods, `Class.method`, or `*` for all.

    Returns
    -------
    dict of str to int
        By `function`, `Class.method`, `Class.<body>` and, of a whole module, `<body>`.
        What is asked for and not there has no entry.

    Raises
    ------
    SyntaxError, ValueError
        The module cannot be parsed.

    Notes
    -----
    32 bits: of four billion changes one goes unseen.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of escapes in ANUGA's texts
        tree = ast.parse(source)
    lines = _without_comments(source, tree)
    found: dict[str, list[bytes]] = {}
    for name, nodes in _parts(tree):
        if "*" in names or name in names or name.partition(".")[0] in names:
            found.setdefault(name, []).extend(
                text for node in nodes for text in _text(lines, node))
    return {name: zlib.crc32(b"\n".join(text)) for name, text in found.items()}


def _parts(tree: ast.Module) -> Iterator[tuple[str, list[ast.stmt]]]:
    """Yield name and statements of each part; a property and its setter share one name."""
    rest = _without_docstring(tree.body)
    yield BODY, [each for each in rest if not isinstance(each, (*_Function, ast.ClassDef))]
    for each in rest:
        if isinstance(each, _Function):
            yield each.name, [each]
        elif isinstance(each, ast.ClassDef):
            body = _without_docstring(each.body)
            yield f"{each.name}.{BODY}", [each, *(
                inner for inner in body if not isinstance(inner, _Function))]
            for inner in body:
                if isinstance(inner, _Function):
                    yield f"{each.name}.{inner.name}", [inner]


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    return body[1:] if body and _is_text(body[0]) else body


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) \
        and isinstance(statement.value.value, str)


def _text(lines: list[bytes | None], node: ast.stmt) -> list[bytes]:
    """Return the lines of a statement; of a class those of its head."""
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    if isinstance(node, ast.ClassDef):
        # decorators, then the head up to the first line of the body
        last = min(min([each.lineno, *(d.lineno for d in getattr(each, "decorator_list", ()))])
                   for each in node.body) - 1
        last = max(last, node.lineno)
    else:
        last = node.end_lineno or node.lineno
    left_out: set[int] = set()
    for each in ast.walk(node):
        # a docstring of its own or of a function within; a lone text anywhere says nothing
        if not isinstance(node, ast.ClassDef) and isinstance(each, ast.stmt) and _is_text(each):
            end = each.end_lineno or each.lineno
            before = (lines[each.lineno - 1] or b"")[:each.col_offset]
            after = (lines[end - 1] or b"")[each.end_col_offset:]
            if not before.strip() and not after.strip():
                left_out.update(range(each.lineno, end + 1))
    return [line for number, line in enumerate(lines[first - 1 : last], first)
            if line is not None and number not in left_out]


def _without_comments(source: bytes, tree: ast.Module) -> list[bytes | None]:
    """Return the lines without comments; None for those that hold nothing else.

    Texts are told from comments by their places in the tree: what the tokens of an f-string
    are depends on the version of Python, where it begins and ends does not.
    """
    lines = source.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removeprefix(
        b"\xef\xbb\xbf").split(b"\n")
    texts: dict[int, list[tuple[int, int]]] = {}    # columns that are text, by line
    for node in _texts(tree):
        last, end_of_last = node.end_lineno, node.end_col_offset
        assert last is not None and end_of_last is not None     # ast.parse gives each an end
        for number in range(node.lineno, last + 1):
            start = node.col_offset if number == node.lineno else 0
            end = end_of_last if number == last else 1 << 30
            texts.setdefault(number, []).append((start, end))
    found: list[bytes | None] = []
    for number, line in enumerate(lines, 1):
        within = texts.get(number, ())
        at = line.find(b"#")
        while at >= 0 and any(start <= at < end for start, end in within):
            at = line.find(b"#", at + 1)
        goes_on = any(end == 1 << 30 for _, end in within)
        if at >= 0:
            line = line[:at]
        if not goes_on:
            line = line.rstrip()
        found.append(line if line or within else None)
    return found


def _texts(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the literals that are text, without those inside an f-string."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.JoinedStr) or (
                isinstance(each, ast.Constant) and isinstance(each.value, (str, bytes))):
            yield each
        else:
            yield from _texts(each)
