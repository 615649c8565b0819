"""Brings the lean classes in: the rows of `table`, one by one, and the state of this process.

Owns when that happens, once, and that a process stays on ANUGA's own classes where it
is told to or where `versions` says that this ANUGA is not known.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable
from typing import Any

from anuga_lean._errors import HookError, UnsupportedVersion
from anuga_lean.overlay import finder

# On ANUGA, which knows what is in when this module is loaded again in a notebook.
_MARK = "_anuga_lean"
_importing = False
_kept_stock = False


def is_installed() -> bool:
    """Whether ANUGA's names are the lean classes."""
    return "install" in getattr(sys.modules.get("anuga"), _MARK, ())


def is_importing() -> bool:
    """Whether `install` is at work; it continues by itself once ANUGA is imported."""
    return _importing


def may_change_anuga() -> bool:
    """Whether this process may have lean classes; warn once if the ANUGA here may not.

    Raises
    ------
    UnsupportedVersion
        It may not, and ANUGA_LEAN_STRICT asks for an error.
    BrokenInstallation
        ANUGA is not whole.
    """
    if _kept_stock:
        return False
    if is_installed():
        return True
    from anuga_lean.overlay import versions

    return versions.is_known_here()


def require_lean() -> None:
    """Raise an error unless ANUGA can be lean here.

    Raises
    ------
    UnsupportedVersion
        The installed ANUGA is run as it is.
    BrokenInstallation
        It is not whole.
    """
    from anuga_lean.overlay import versions

    verdict = versions.judge()
    if not is_installed() and not verdict.is_known:
        raise UnsupportedVersion(f"this needs lean classes, but {verdict}.")


def install() -> types.ModuleType:
    """Load ANUGA with the lean classes in, if its release is known, and return it.

    Raises
    ------
    UnsupportedVersion
        The installed ANUGA is not known and ANUGA_LEAN_STRICT asks for an error.
    BrokenInstallation
        ANUGA is not whole.
    HookError
        A Domain was already created from ANUGA's own classes.
    """
    global _importing
    if is_installed():
        return sys.modules["anuga"]
    if not may_change_anuga():
        finder.unwatch()
        return importlib.import_module("anuga")
    from anuga_lean.overlay import rebinding, table

    already = "anuga" in sys.modules
    _importing = True
    try:
        anuga = finder.load(importlib.import_module, "anuga")
        if already:
            rebinding.refuse_living_domains()
        _bring_in(table.LOAD)
        rows = [row for row in table.TABLE if row.kind == table.CLASS]
        pairs = [(_get(row.module, row.name), _own(row)) for row in rows]
        rebinding.reparent_all(pairs)
        for old, new in pairs:
            rebinding.replace_class(old, new)
        _classes.update({new: old for old, new in pairs})
        _bring_in(table.INSTALL)
    finally:
        _importing = False
    return anuga


def load() -> bool:
    """Load the lean classes without replacing ANUGA's: what `from_domain` needs.

    Returns
    -------
    bool
        False if this ANUGA is not known, and stays as it is.
    """
    from anuga_lean.overlay import table, versions

    if not is_installed():
        if not versions.is_known_here():
            return False
        finder.load(importlib.import_module, "anuga")
        _bring_in(table.LOAD)
    return True


def keep_stock() -> None:
    """Make this process run ANUGA's own classes, through `import anuga_lean as anuga` too.

    Raises
    ------
    HookError
        If the lean classes are in already.
    """
    global _kept_stock
    if is_installed():
        raise HookError("ANUGA is lean in this process already: start another one to run its own "
                        "classes.")
    _kept_stock = True
    finder.unwatch()


# -- the rows ------------------------------------------------------------------------

_classes: dict[type, type] = {}     # lean class -> ANUGA's


def _bring_in(phase: str) -> None:
    """Bring in all rows of a phase except the classes, unless they are in."""
    from anuga_lean.overlay import late_imports, table

    anuga = sys.modules["anuga"]
    if phase in getattr(anuga, _MARK, ()):
        return
    later: dict[str, list[Any]] = {}
    for row in table.TABLE:
        if row.phase == phase and row.kind in _INSTALLERS:
            if row.when == table.IF_LOADED and row.module not in sys.modules:
                continue
            if row.when == table.ONCE_LOADED:
                later[row.module] = [*later.get(row.module, ()), row]
            elif row.when != table.IF_THERE or _is_there(row):
                _INSTALLERS[row.kind](row)
    for module, rows in later.items():
        late_imports.once_loaded(module, _installing(rows))
    mark(phase)


def _installing(rows: list[Any]) -> Callable[[types.ModuleType], None]:
    """Return what brings in the rows of a module that ANUGA loads within a function."""
    def install_rows(module: types.ModuleType) -> None:
        for row in rows:
            if _is_there(row):
                _INSTALLERS[row.kind](row)
    return install_rows


def mark(phase: str) -> None:
    """Mark ANUGA as having the rows of a phase."""
    anuga = sys.modules["anuga"]
    setattr(anuga, _MARK, (*getattr(anuga, _MARK, ()), phase))


def _is_there(row: Any) -> bool:
    """Whether this ANUGA has what a row names; some builds go without a compiled module."""
    from anuga_lean.overlay.table import ATTRIBUTE

    if importlib.util.find_spec(row.module) is None:
        return False
    found: Any = importlib.import_module(row.module)
    parts = row.name.split(".")
    for part in parts[:-1] if row.kind == ATTRIBUTE else parts:     # which may be new there
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


def _get(module: str, name: str) -> Any:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _own(row: Any) -> Any:
    return _get(*row.own.split(":"))


def _holder(row: Any) -> tuple[Any, str]:
    """Return the class or module that holds what a row names, and its name there."""
    *classes, name = row.name.split(".")
    holder: Any = importlib.import_module(row.module)
    for each in classes:
        holder = getattr(holder, each)
    return holder, name


def _replace(row: Any) -> None:
    from anuga_lean.overlay.rebinding import rebind

    rebind(_get(row.module, row.name), _own(row))


def _wrap(row: Any) -> None:
    from anuga_lean.overlay.rebinding import rebind

    function = _get(row.module, row.name)
    rebind(function, _own(row)(function, *row.arguments))


def _name(row: Any) -> None:
    (_wrap_here if "." in row.name else _wrap)(row)


def _bind(row: Any) -> None:
    holder, name = _holder(row)
    setattr(holder, name, _own(row))


def _wrap_here(row: Any) -> None:
    holder, name = _holder(row)
    setattr(holder, name, _own(row)(getattr(holder, name), *row.arguments))


def _set_attribute(row: Any) -> None:
    holder, name = _holder(row)
    setattr(holder, name, _own(row)(*row.arguments))


def _construct(row: Any) -> None:
    from anuga_lean.overlay.rebinding import construct_lean

    new = _own(row)
    construct_lean(_classes[new], new)


def _act(row: Any) -> None:
    _own(row)()


_INSTALLERS: dict[str, Callable[[Any], None]] = {
    "function": _replace,
    "function, wrapped": _wrap,
    "function, here only": _bind,
    "function, wrapped here only": _wrap_here,
    "method, wrapped": _wrap_here,
    "named where memory runs out": _name,
    "class attribute": _set_attribute,
    "constructor": _construct,
    "of the process": _act,
}
