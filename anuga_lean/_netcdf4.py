"""Loads netCDF4 without what it needs for files on other machines only.

Owns what stands for certifi meanwhile.  netCDF4 asks it where the certificates of https are, and
certifi finds its own file by way of importlib.resources: 0.5 MiB, with zipfile and tempfile, and
0.8 more with what those load and nobody else does.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any


class _Certifi(ModuleType):
    """Says where the certificates are; for all else certifi itself is loaded.

    Parameters
    ----------
    path : str
        What its `where` returns.
    """

    def __init__(self, path: str) -> None:
        super().__init__("certifi")
        self._path = path

    def where(self) -> str:
        """Return the path of the certificates."""
        return self._path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):   # what importing asks of a module
            raise AttributeError(name)
        _withdraw(self)
        return getattr(importlib.import_module("certifi"), name)


def _withdraw(stand_in: _Certifi) -> None:
    if sys.modules.get("certifi") is stand_in:
        del sys.modules["certifi"]


def load_netcdf4() -> ModuleType:
    """Return the module netCDF4, which the first call loads."""
    path = None if {"netCDF4", "certifi"} & sys.modules.keys() else _certificates()
    if path is None:
        return importlib.import_module("netCDF4")
    stand_in = sys.modules["certifi"] = _Certifi(path)
    try:
        return importlib.import_module("netCDF4")
    finally:
        _withdraw(stand_in)


def _certificates() -> str | None:
    """Return certifi's own file; None where it has none, or is not a folder of files."""
    spec = importlib.util.find_spec("certifi")
    if spec is None or spec.origin is None:
        return None
    path = os.path.join(os.path.dirname(spec.origin), "cacert.pem")
    return path if os.path.isfile(path) else None
