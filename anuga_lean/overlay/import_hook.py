"""Brings the lean classes in when ANUGA is imported, before anuga_lean or after it.

Owns what is done then, and with an ANUGA that is loaded already.  `finder` sees the
import, `versions` says whether this ANUGA may be changed, `install` brings the lean
classes in, `late_imports` has imports of ANUGA's wait meanwhile.
"""

from __future__ import annotations

import sys
import types
import warnings

from anuga_lean._errors import HookError, HookWarning
from anuga_lean.overlay.finder import Finder, StandInLoader, load, unwatch


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


def watch() -> None:
    """Bring the lean classes in as soon as ANUGA is imported."""
    if "anuga" not in sys.modules and not any(isinstance(f, Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, Finder(_Loader))


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
    """Whether it is a lean module that imports ANUGA: then no lean module is complete."""
    from anuga_lean.overlay.table import own_modules

    return any(own in sys.modules for own in own_modules()) or any(
        name.startswith("anuga_lean.") and getattr(module.__spec__, "_initializing", False)
        for name, module in sys.modules.copy().items() if module is not None)
