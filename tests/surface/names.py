"""How a public name looks from outside: its kind, where it is from, its signature."""

from __future__ import annotations

import inspect
from typing import Any


def described(owner: Any, name: str) -> dict[str, str]:
    """Kind, module, qualified name and signature of `owner.name`; constants by value."""
    static = inspect.getattr_static(owner, name)
    value = getattr(owner, name)
    kind = type(static).__name__
    if isinstance(static, (staticmethod, classmethod)) or inspect.isroutine(value):
        kind = "function"
    elif isinstance(value, type):
        kind = "class"
    found = {"kind": kind}
    if kind in ("function", "class"):
        found["name"] = value.__name__
        found["signature"] = signature(value)
    elif kind not in ("property", "module"):
        found["value"] = type(value).__name__ if kind == "dict" else repr(value)[:200]
    return found


def signature(value: Any) -> str:
    """Parameters with their defaults, without annotations: only those matter to a caller."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return "none"
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
    text = str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return " ".join(part.split(" at 0x")[0] for part in text.split("\n"))
