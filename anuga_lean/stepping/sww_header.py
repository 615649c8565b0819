"""Defines all of a new SWW file before any of it is laid out.

Owns the file that ANUGA's writer gets to define dimensions, variables and attributes in.  netCDF4
lays a file of the classic format out again after each of them, and moves and fills the variables
that are there already: half of what it takes until the first frame is stored.  Here that is done
once.  What ANUGA defines, and in which order, stays its own.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from anuga_lean._netcdf4 import load_netcdf4
from anuga_lean.memory_limits import asking_for_room

_files = threading.local()      # of this thread: the domain whose file it creates


@contextmanager
def defining_at_once(domain: Any) -> Iterator[None]:
    """Have a file that ANUGA's SWW_file creates in this block laid out when it is closed."""
    _files.domain = domain
    try:
        yield
    finally:
        _files.domain = None


def opened_to_define(name: str, mode: str = "r") -> Any:
    """Open a netCDF file, as ANUGA's NetCDFFile does."""
    from anuga.file.netcdf import NetCDFFile

    domain = getattr(_files, "domain", None)
    if domain is None or mode not in ("w", "wl") or not _can_define():
        return NetCDFFile(name, mode)
    _files.domain = None
    return asking_for_room(lambda name: _definition()(name, domain))(name)


@functools.cache
def _can_define() -> bool:
    """Whether this netCDF4 lays a file out by methods of these names, which are private to it."""
    dataset = load_netcdf4().Dataset
    return hasattr(dataset, "_redef") and hasattr(dataset, "_enddef")


@functools.cache
def _definition() -> type:
    """Return the class of such files; netCDF4 is loaded with the first."""
    dataset: Any = load_netcdf4().Dataset

    class Definition(dataset):
        """A new file: what is defined in it is there at once, what is written when it is closed.

        Parameters
        ----------
        name : str
        domain : anuga_lean.stepping.domain.Domain
            Its geo reference is stored, as ANUGA does before it stores the first values.
        """

        def __init__(self, name: str, domain: Any) -> None:
            self.__dict__.update(_domain=domain, _written=[], _is_laid_out=False)
            super().__init__(name, "w", format="NETCDF3_64BIT")
            if domain.quantities_to_be_monitored is None:   # else some of it may stay unwritten
                self.set_fill_off()

        @property
        def variables(self) -> MutableMapping[str, _Variable]:
            """The variables by name, which take values before the file is laid out."""
            return _Variables(super().variables, self.__dict__["_written"])

        def _redef(self) -> None:
            """Do nothing: a new file is being defined."""

        def _enddef(self) -> None:
            """Do nothing until all is defined."""

        def sync(self) -> None:
            """Do nothing until all is defined."""

        def close(self) -> None:
            """Lay the file out, write what was to be written, and close it."""
            held = self.__dict__
            try:
                if not held["_is_laid_out"]:
                    held["_is_laid_out"] = True
                    held["_domain"].geo_reference.write_NetCDF(self)
                    super()._enddef()
                    for variable, key, value in held["_written"]:
                        variable[key] = value
            finally:
                super().close()

    return Definition


class _Variables(MutableMapping[str, "_Variable"]):
    """The variables of a file that is not laid out yet."""

    def __init__(self, variables: dict[str, Any], written: list[tuple[Any, Any, Any]]) -> None:
        self._variables = variables
        self._written = written

    def __getitem__(self, name: str) -> _Variable:
        return _Variable(self._variables[name], self._written)

    def __setitem__(self, name: str, variable: Any) -> None:
        self._variables[name] = variable

    def __delitem__(self, name: str) -> None:
        del self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


class _Variable:
    """A variable that is written to when the file is laid out."""

    def __init__(self, variable: Any, written: list[tuple[Any, Any, Any]]) -> None:
        self._variable = variable
        self._written = written

    def __setitem__(self, key: Any, value: Any) -> None:
        self._written.append((self._variable, key, value))
