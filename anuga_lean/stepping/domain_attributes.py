"""Defines the attributes of a lean domain that stand for arrays it does not hold.

Owns the descriptors that share the mesh's arrays with the domain, the flags
of full triangles, ANUGA's work arrays and the recorded wave speeds.  Where a
domain runs on ANUGA's kernels they give ordinary attributes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean._class_names import lasting
from anuga_lean.arrays.view import ArrayView


class SharedArray:
    """An attribute that is the mesh's array of that name; assigning to it sets the mesh's."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, domain: Any, owner: type | None = None) -> Any:
        if domain is None:
            return self
        return getattr(domain.mesh, self.name)

    def __set__(self, domain: Any, value: Any) -> None:
        mesh = domain.mesh
        current = getattr(mesh, self.name)
        if value is current:
            return
        if isinstance(value, ArrayView) and value.owner is mesh:
            return
        if domain.__dict__.get("lean") is not None:
            domain.lean.assigned.note_table(self.name)
        setattr(mesh, self.name, value)


@lasting("FullFlagView")
class _FullFlagView(ArrayView):
    """The array-like tri_full_flag of a lean domain, (n,) int64: 1 full, 0 ghost."""

    def __init__(self, domain: Any) -> None:
        super().__init__(domain, (domain.number_of_triangles,), np.int64)

    def _rows(self, ks: np.ndarray) -> np.ndarray:
        flags = self.owner.full_flags()
        return np.ones(len(ks), np.int64) if flags is None else flags[ks].astype(np.int64)

    def _all(self) -> np.ndarray:
        flags = self.owner.full_flags()
        return np.ones(len(self), np.int64) if flags is None else flags.astype(np.int64)

    def _stored(self) -> np.ndarray | None:
        return self.owner.__dict__.get("tri_full_flag") if self.owner.on_stock_arrays else None

    def _change(self, change: Callable[[np.ndarray], Any]) -> None:
        full = self._all()
        change(full)
        flags = full.astype(np.uint8)
        if not np.array_equal(flags, full):
            raise ValueError("tri_full_flag is 1 at a full triangle and 0 at a ghost, not "
                             f"{full[flags != full][0]}")
        _set_flags(self.owner, flags)

    def _materialise(self) -> None:
        self.owner.use_stock_kernels("handing out the memory of tri_full_flag")


def _set_flags(domain: Any, flags: np.ndarray | None) -> None:
    if flags is not None and flags.all():
        flags = None
    domain.__dict__["_full_flags"] = flags
    if not domain.on_stock_arrays and domain.lean.run is not None:
        domain.lean.forget_parameters()


class FullFlags:
    """The attribute tri_full_flag: no memory while all triangles are full, else a byte each."""

    def __get__(self, domain: Any, owner: type | None = None) -> Any:
        if domain is None:
            return self
        if domain.on_stock_arrays:
            try:
                return domain.__dict__["tri_full_flag"]
            except KeyError:
                raise AttributeError("tri_full_flag") from None
        return _FullFlagView(domain)

    def __set__(self, domain: Any, value: Any) -> None:
        if domain.on_stock_arrays:
            domain.__dict__["tri_full_flag"] = value
        else:
            _set_flags(domain, (np.asarray(value) != 0).astype(np.uint8))


class Workspace:
    """An attribute for a work array of ANUGA's that exists only once it is read."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, domain: Any, owner: type | None = None) -> Any:
        if domain is None:
            return self
        try:
            return domain.__dict__[self.name]
        except KeyError:
            pass
        if domain.on_stock_arrays and not domain.__dict__.get("_lean_released"):
            raise AttributeError(self.name)
        if self.name == "node_full_flag":
            return _node_full_flag(domain)
        array = np.zeros(domain.number_of_triangles)
        domain.__dict__[self.name] = array
        return array

    def __set__(self, domain: Any, value: Any) -> None:
        if domain.on_stock_arrays or not domain._lean_constructing:
            domain.__dict__[self.name] = value


def _node_full_flag(domain: Any) -> np.ndarray:
    """Return 1 for nodes of full triangles, (highest node in use + 1,) int64; read-only."""
    triangles = np.asarray(domain.mesh.triangles)
    weights = np.repeat(np.asarray(domain.tri_full_flag), 3)
    flags = np.minimum(np.bincount(triangles.ravel(), weights=weights).astype(int), 1)
    flags.flags.writeable = False       # made anew at each read: a write would be lost
    return flags


@lasting("SpeedView")
class _SpeedView(ArrayView):
    """The array-like max_speed of a lean domain, (n,) float64, m/s, recorded once it is read."""

    def __init__(self, domain: Any) -> None:
        super().__init__(domain, (domain.number_of_triangles,), np.float64)

    def _stored(self) -> np.ndarray | None:
        domain = self.owner
        if domain.on_stock_arrays:
            return domain.__dict__.get("max_speed")
        speeds: np.ndarray = domain.lean.speeds.read()
        return speeds

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self.owner.on_stock_arrays and isinstance(key, slice) and key == slice(None) \
                and np.ndim(value) == 0 and value == 0.0:
            self.owner.lean.speeds.set_zero()   # which ANUGA does, and needs no array
        else:
            super().__setitem__(key, value)


class MaxSpeed:
    """The attribute max_speed: ANUGA's array, or a view that starts recording when it is read."""

    def __get__(self, domain: Any, owner: type | None = None) -> Any:
        if domain is None:
            return self
        if domain.on_stock_arrays:
            return domain.__dict__.get("max_speed")
        unknown = domain.lean.run is None and domain.lean.speeds.max_speed is None
        return None if unknown else _SpeedView(domain)

    def __set__(self, domain: Any, value: Any) -> None:
        if domain.on_stock_arrays:
            domain.__dict__["max_speed"] = value
        elif isinstance(value, np.ndarray):
            domain.lean.speeds.record_into(value)


class CheckpointFlag:
    """The attribute checkpoint: whether sets are written.

    ANUGA's evolve, which would pickle the domain, reads False.
    """

    def __get__(self, domain: Any, owner: type | None = None) -> Any:
        if domain is None:
            return self
        return not domain._lean_evolving and domain.__dict__.get("checkpoint", False)

    def __set__(self, domain: Any, value: Any) -> None:
        domain.__dict__["checkpoint"] = value


class YieldTime:
    """The attribute relative_yieldtime: the next yield, s.

    ANUGA adds yieldstep to the last of them, and to the present time when evolve begins.
    The two differ in the last bit at times: after a checkpoint it is the first that counts.
    """

    def __get__(self, domain: Any, owner: type | None = None) -> Any:
        if domain is None:
            return self
        try:
            return domain.__dict__["relative_yieldtime"]
        except KeyError:    # ANUGA asks for it before the first evolve
            raise AttributeError("relative_yieldtime") from None

    def __set__(self, domain: Any, value: Any) -> None:
        if domain._lean_resumed is not None and domain._lean_evolving:
            now, last, *_ = domain._lean_resumed
            domain._lean_resumed = None
            near = 1e-9 * max(1.0, abs(value))
            if last is not None and domain.relative_time == now:
                # at the first yield of a run the next one is known already
                for exact in (last, last + domain.yieldstep):
                    if abs(exact - value) <= near:
                        value = exact
        domain.__dict__["relative_yieldtime"] = value
