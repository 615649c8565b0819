"""What happens when somebody imports ANUGA, before anuga_lean or after it.

Owns the finder that sees `import anuga`, and what an ANUGA that is there already
leads to.  Whether this ANUGA is one to change is `versions`' to say, bringing the lean
classes in is `install`'s, which imports of ANUGA's wait meanwhile `late_imports`'.
"""

from __future__ import annotations

import importlib.machinery
import sys
import types
import warnings
from collections.abc import Sequence
from typing import Any

from anuga_lean._errors import BrokenInstallation, HookError, HookWarning


class StandInLoader:
    """A loader in another's place, which it gives back before the module runs."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        return self.loader.create_module(spec)

    def give_back(self, module: types.ModuleType) -> None:
        """Let the module show its own loader."""
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader


class _Loader(StandInLoader):
    """ANUGA's own loader, followed by `install`."""

    def exec_module(self, module: types.ModuleType) -> None:
        from anuga_lean.overlay import install

        unwatch()
        self.give_back(module)
        if not install.may_change_anuga():
            load(self.loader.exec_module, module)
            return
        from anuga_lean.overlay.late_imports import importing_anuga

        with importing_anuga():
            load(self.loader.exec_module, module)
        if not install.is_importing() and not _own_module_loading():
            install.install()


class _Finder:
    """Finds the package anuga for whoever imports it first."""

    def find_spec(self, fullname: str, path: Sequence[str] | None,
                  target: types.ModuleType | None = None) -> Any:
        if fullname != "anuga":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and spec.origin is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def load(execute: Any, argument: Any) -> Any:
    """Import ANUGA by a call; raise BrokenInstallation if parts of it are not there."""
    try:
        return execute(argument)
    except ImportError as error:
        # a module of others that is missing is for ANUGA to say
        name = error.name or getattr(error.__cause__, "name", None)
        if isinstance(error, BrokenInstallation) or not str(name).startswith("anuga."):
            raise
        from anuga_lean.overlay.versions import folder

        said = str(error).strip().splitlines()[0].rstrip(".")
        raise BrokenInstallation(
            f"the ANUGA in {folder()} cannot be imported ({said}): run from elsewhere if that is "
            f"a checkout, else {sys.executable} -m pip install --force-reinstall --no-deps anuga",
            name=name, path=error.path) from error


def watch() -> None:
    """Bring the lean classes in as soon as anybody imports ANUGA."""
    if "anuga" not in sys.modules and not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def unwatch() -> None:
    """Let ANUGA be imported as it is."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]


def join_loaded() -> None:
    """Bring the lean classes into an ANUGA that was imported before this package.

    If a Domain of ANUGA's exists already, warn that its classes stay as they are.
    """
    from anuga_lean.overlay import install

    if install.is_installed() or install.is_importing() or "anuga" not in sys.modules \
            or _own_module_loading():
        return
    if getattr(sys.modules["anuga"].__spec__, "_initializing", False):
        return  # ANUGA itself is what is being imported
    if not install.may_change_anuga():
        return
    from anuga_lean.overlay.rebinding import refuse_living_domains

    try:
        refuse_living_domains()
    except HookError as error:
        warnings.warn(f"ANUGA's own classes stay in: {error}", HookWarning, stacklevel=3)
    else:
        install.install()


def _own_module_loading() -> bool:
    """Whether one of the lean modules is what imports ANUGA, so that none is complete."""
    from anuga_lean.overlay.table import own_modules

    return any(own in sys.modules for own in own_modules()) or any(
        name.startswith("anuga_lean.") and getattr(module.__spec__, "_initializing", False)
        for name, module in sys.modules.copy().items() if module is not None)
