"""Finds where ANUGA's code evaluates, opens, deletes, imports or starts something.

Owns a walk over its sources that knows functions by their names alone: whatever is called `f`
anywhere in reach may be every function `f` of the modules that are walked.  So it finds too much
and never too little, but for what is called through a variable.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

# Calls by bare name, and by the module that they are asked from.
BARE = frozenset((
    "eval", "exec", "compile", "open", "__import__", "input", "breakpoint", "mkdir", "makedirs",
    "remove", "unlink", "rename", "rmdir", "rmtree", "system", "popen", "Popen", "copyfile",
    "copytree", "move", "import_module", "NetCDFFile", "NetCDF_file", "Dataset", "ZipFile",
    "log_to_file", "TeeStream", "memmap"))
OF_MODULES = {
    "os": None, "shutil": None, "subprocess": None, "importlib": None, "pickle": None,
    "dill": None, "marshal": None, "zipfile": None, "gzip": None, "tempfile": None, "ctypes": None,
    "socket": None, "urllib": None, "sys": frozenset(("exit",)), "builtins": None,
    **dict.fromkeys(("np", "num", "numpy"), frozenset((
        "load", "save", "savez", "savez_compressed", "loadtxt", "genfromtxt", "savetxt",
        "fromfile", "memmap", "fromregex"))),
}
# Of those modules, what looks and changes nothing.
LOOKS = frozenset((
    "os.path", "os.getcwd", "os.getpid", "os.sep", "os.environ", "os.access", "os.stat",
    "os.listdir", "os.walk", "os.cpu_count", "os.getenv", "os.fspath"))


class Function(NamedTuple):
    """What a function of ANUGA's calls."""

    place: str                  # module:CLASS.name
    name: str
    calls: frozenset[str]       # every name that is called or mentioned
    dangers: tuple[str, ...]    # calls of BARE and OF_MODULES


def _dotted(node: ast.AST) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([*([node.id] if isinstance(node, ast.Name) else ["?"]), *reversed(parts)])


def danger(call: ast.Call) -> str | None:
    """The name of a call that does more than compute, or None."""
    name = _dotted(call.func)
    first, _, rest = name.partition(".")
    if name in BARE or first == "?" and rest in BARE:
        return name
    if rest and first in OF_MODULES and not any(
            name == each or name.startswith(each + ".") for each in LOOKS):
        known = OF_MODULES[first]
        return name if known is None or rest in known else None
    if rest.rpartition(".")[2] in ("tofile", "ZipFile", "Dataset", "NetCDFFile", "log_to_file"):
        return name
    return None


def _described(node: ast.AST, place: str, name: str) -> Function:
    """A function with the functions inside of it."""
    calls, dangers = set(), []
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            found = danger(each)
            if found is not None:
                dangers.append(found)
        if isinstance(each, ast.Attribute):
            calls.add(each.attr)
        elif isinstance(each, ast.Name):
            calls.add(each.id)
    return Function(place, name, frozenset(calls), tuple(sorted(set(dangers))))


def functions_in(source: str, module: str) -> Iterator[Function]:
    """Every function and method of a module; a class is a function that makes its instances."""
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield _described(node, f"{module}:{node.name}", node.name)
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    name = node.name if inner.name == "__init__" else inner.name
                    yield _described(inner, f"{module}:{node.name}.{inner.name}", name)


def walked(root: Path) -> list[Function]:
    """The functions of a package, but for its tests and scripts."""
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if not {"tests", "validation_tests", "examples", "gui"} & set(parts) \
                and not parts[-1].startswith("test_"):
            found += functions_in(path.read_text(errors="replace"), ".".join(parts))
    return found


def reached(functions: list[Function], roots: Iterable[str], stops: Iterable[str] = ()) \
        -> list[Function]:
    """The functions that roots may call, by name, in any number of steps.

    `stops` are names that are not followed.
    """
    by_name: dict[str, list[Function]] = {}
    for each in functions:
        by_name.setdefault(each.name, []).append(each)
    todo, seen = list(roots), set(stops)
    found = []
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for each in by_name.get(name, ()):
            found.append(each)
            todo += each.calls - seen
    return found
