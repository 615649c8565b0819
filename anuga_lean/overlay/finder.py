"""Finds and loads ANUGA in Python's place, so that anuga_lean learns of the import.

Owns the finder of the package anuga, loaders that stand in for others, and the error of
an ANUGA with missing files.  What follows once ANUGA is loaded is `import_hook`'s.
"""

from __future__ import annotations

import importlib.machinery
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

from anuga_lean._errors import BrokenInstallation


class StandInLoader:
    """A loader that replaces a module's own and puts that back before the module runs."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        return self.loader.create_module(spec)

    def give_back(self, module: types.ModuleType) -> None:
        """Put the module's own loader back."""
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader


class Finder:
    """Finds the package anuga for the first import of it.

    Parameters
    ----------
    loader : callable
        Makes the loader that stands in for ANUGA's own, which it is given.
    """

    def __init__(self, loader: Callable[[Any], StandInLoader]) -> None:
        self.loader = loader

    def find_spec(self, fullname: str, path: Sequence[str] | None,
                  target: types.ModuleType | None = None) -> Any:
        if fullname != "anuga":
            return None
        # Any: a loader need not derive from importlib's, and this one does not
        spec: Any = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and spec.origin is not None:
            spec.loader = self.loader(spec.loader)
        return spec


def unwatch() -> None:
    """Remove the finder: ANUGA is imported as it is."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Finder)]


def load(execute: Any, argument: Any) -> Any:
    """Import ANUGA by a call; raise BrokenInstallation if parts of it are missing."""
    try:
        return execute(argument)
    except ImportError as error:
        # ANUGA itself reports a missing module that is not its own
        name = error.name or getattr(error.__cause__, "name", None)
        if isinstance(error, BrokenInstallation) or not str(name).startswith("anuga."):
            raise
        from anuga_lean.overlay.versions import folder

        said = str(error).strip().splitlines()[0].rstrip(".")
        raise BrokenInstallation(
            f"the ANUGA in {folder()} cannot be imported ({said}): run from elsewhere if that is "
            f"a checkout, else {sys.executable} -m pip install --force-reinstall --no-deps anuga",
            name=name, path=error.path) from error
