"""Keeps the edges with prescribed boundary values, which bound the reconstruction there.

Owns the mask that ANUGA 4.2 keeps for every triangle (`boundary_limit_mask`; here only
triangles at such edges are kept), the tables that the kernels read of it, and the
prescribed values as the last distribute found them.  The arithmetic is in
kernels/prescribed.h; ANUGA 4.1 has none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean import _kernels
from anuga_lean._class_names import lasting
from anuga_lean._errors import BoundaryError
from anuga_lean.arrays.view import ArrayView
from anuga_lean.overlay.capabilities import capabilities
from anuga_lean.stepping.quiet_blocks import QuietBlocks

_ALL_BITS = 0b111111
_BITS = _kernels.STAGE_PRESCRIBED | _kernels.MOMENTUM_PRESCRIBED
_TABLES = ("offset", "triangle", "place", "block")


@lasting("LimitMasks")
class LimitMasks:
    """The masks of the triangles that have one, and whether the step has yet to take them.

    Parameters
    ----------
    masks : mapping of triangle to mask
        Bits 0 to 2: stage is prescribed at that edge, bits 3 to 5: momentum.
    """

    def __init__(self, masks: Mapping[int, int]) -> None:
        self.of = {int(k): int(mask) for k, mask in masks.items() if mask}
        self.are_new = True

    def __getstate__(self) -> dict[str, Any]:
        triangles = sorted(self.of)
        return {"triangle": np.array(triangles, np.int64), "are_new": self.are_new,
                "mask": np.array([self.of[k] for k in triangles], np.uint8)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.of = dict(zip(state["triangle"].tolist(), state["mask"].tolist(), strict=True))
        self.are_new = bool(state["are_new"])

    @classmethod
    def of_boundaries(cls, boundary_objects: Iterable[tuple]) -> LimitMasks:
        """Return the masks that follow from [((triangle, edge), boundary), ...], as in ANUGA."""
        masks: dict[int, int] = {}
        for (k, i), boundary in boundary_objects:
            stage, momentum = getattr(boundary, "limiter_prescribes", (False, False))
            mask = (1 << i if stage else 0) | (8 << i if momentum else 0)
            masks[int(k)] = masks.get(int(k), 0) | mask
        return cls(masks)

    @classmethod
    def of_array(cls, mask: NDArray[np.integer]) -> LimitMasks:
        """Return the masks of ANUGA's array, (n,) int."""
        triangles = np.flatnonzero(mask)
        return cls(dict(zip(triangles.tolist(), mask[triangles].tolist(), strict=True)))

    def check(self, number_of_triangles: int) -> None:
        """Raise ValueError unless they are masks of triangles of such a mesh."""
        for k, mask in self.of.items():
            if not (0 <= k < number_of_triangles and 0 < mask <= _ALL_BITS):
                raise ValueError(f"a boundary_limit_mask of {mask} for triangle {k}, where there "
                                 f"are {number_of_triangles} triangles and six bits")


@lasting("MaskView")
class _MaskView(ArrayView):
    """The array-like boundary_limit_mask of a lean domain, (n,) int64."""

    def __init__(self, domain: Any, masks: LimitMasks) -> None:
        super().__init__(domain, (domain.number_of_triangles,), np.int64)
        self.masks = masks

    def __getitem__(self, key: Any) -> Any:
        if type(key) is int and 0 <= key < len(self) and not self.owner.on_stock_arrays:
            # set_boundary asks so for every edge
            return np.int64(self.masks.of.get(key, 0))
        return super().__getitem__(key)

    def _rows(self, ks: NDArray[np.int64]) -> NDArray[np.int64]:
        of = self.masks.of
        return np.fromiter((of.get(k, 0) for k in ks.tolist()), np.int64, len(ks))

    def _all(self) -> NDArray[np.int64]:
        full = np.zeros(len(self), np.int64)
        for k, mask in self.masks.of.items():
            full[k] = mask
        return full

    def _stored(self) -> NDArray[np.int64] | None:
        domain = self.owner
        return domain.__dict__.get("boundary_limit_mask") if domain.on_stock_arrays else None

    def __setitem__(self, key: Any, value: Any) -> None:
        masks = self._shown_masks()
        if self.owner.on_stock_arrays or np.ndim(value) > 0:
            super().__setitem__(key, value)
        elif isinstance(key, (int, np.integer)) and 0 <= key < len(self):
            masks.of.pop(int(key), None)
            if value:
                masks.of[int(key)] = int(value)
            masks.are_new = True
        elif isinstance(key, slice) and key == slice(None) and not value:
            masks.of.clear()
            masks.are_new = True
        else:
            super().__setitem__(key, value)

    def _change(self, change: Callable[[NDArray[np.int64]], Any]) -> None:
        masks = self._shown_masks()
        full = self._all()
        change(full)
        masks.of = LimitMasks.of_array(full).of
        masks.are_new = True

    def _shown_masks(self) -> LimitMasks:
        """Return the masks, which a write must find to be the domain's."""
        if not self.owner.on_stock_arrays and masks_of(self.owner) is not self.masks:
            raise ValueError("this is no longer the domain's boundary_limit_mask: read it from "
                             "the domain again")
        return self.masks

    def _materialise(self) -> None:
        self._shown_masks()
        self.owner.use_stock_kernels("handing out the memory of boundary_limit_mask")


class BoundaryLimitMask:
    """The attribute boundary_limit_mask: a view, or ANUGA's array; absent where ANUGA has none.
    """

    def __get__(self, domain: Any, owner: type | None = None) -> Any:
        if domain is None:
            return self
        held = domain.__dict__.get("boundary_limit_mask")
        if held is None and not capabilities().prescribed_limiter:
            raise AttributeError("this ANUGA has no boundary_limit_mask")
        if not domain.on_stock_arrays:
            return _MaskView(domain, masks_of(domain))
        if held is None:    # of a domain that an earlier ANUGA has stored
            mask = LimitMasks.of_boundaries(domain.__dict__.get("boundary_objects") or ())
            held = domain.__dict__["boundary_limit_mask"] = np.zeros(
                domain.number_of_triangles, np.int64)
            for k, bits in mask.of.items():
                held[k] = bits
        return held

    def __set__(self, domain: Any, value: Any) -> None:
        if domain.on_stock_arrays or not capabilities().prescribed_limiter:
            domain.__dict__["boundary_limit_mask"] = value
        elif isinstance(value, _MaskView):
            domain.__dict__["_limit_masks"] = value.masks
        else:
            domain.__dict__["_limit_masks"] = LimitMasks.of_array(np.asarray(value))


def masks_of(domain: Any) -> LimitMasks:
    """Return the masks of a lean domain; if it has none, those that follow from its boundaries."""
    masks = domain.__dict__.get("_limit_masks")
    if masks is None:
        masks = domain.__dict__["_limit_masks"] = LimitMasks.of_boundaries(
            domain.__dict__.get("boundary_objects") or ())
    return masks


@lasting("Prescribed")
class Prescribed:
    """The edges with prescribed values, and these values as of the last distribute.

    Attributes
    ----------
    edge : (m,) int32
        In the boundary enumeration, ascending.
    bits : (m,) uint8
        STAGE_PRESCRIBED where the stage is, MOMENTUM_PRESCRIBED where the momenta are.
    value : (3, m) float64
        Stage (m) and momenta (m2/s); zero until the first distribute.
    """

    def __init__(self, edge: NDArray[np.int32], bits: NDArray[np.uint8],
                 value: NDArray[np.float64]) -> None:
        self.edge, self.bits, self.value = edge, bits, value
        self.offset: NDArray[np.int64] | None = None    # where the tables of the blocks are made
        self.triangle: NDArray[np.uint16] | None = None
        self.place: NDArray[np.int32] | None = None
        self.block: NDArray[np.int32] | None = None

    @classmethod
    def of(cls, domain: Any) -> Prescribed | None:
        """Return the edges of the masks of a lean domain; None if nothing is prescribed.

        Raises
        ------
        ValueError
            If a mask names an edge that is not on the boundary.
        """
        masks = masks_of(domain).of
        ks = np.array(sorted(masks), np.int64)
        mask = np.array([masks[k] for k in ks.tolist()], np.int64)
        # ANUGA reconstructs triangles with two or three boundary edges in another way
        few = domain.number_of_boundaries[ks] <= 1 if len(ks) else np.zeros(0, bool)
        ks, mask = ks[few], mask[few]
        if not len(ks):
            return None
        columns = np.arange(3)
        stage, momentum = (mask[:, np.newaxis] >> shift + columns & 1 for shift in (0, 3))
        bits = _kernels.STAGE_PRESCRIBED * stage | _kernels.MOMENTUM_PRESCRIBED * momentum
        at = bits > 0
        neighbours = np.asarray(domain.neighbours[ks])
        if (neighbours[at] >= 0).any():
            row, i = np.argwhere(at & (neighbours >= 0))[0]
            raise BoundaryError(
                f"boundary_limit_mask names edge {i} of triangle {ks[row]}, which is "
                "not on the boundary: domain.set_boundary sets the mask.")
        edges = -1 - neighbours[at]
        order = np.argsort(edges)
        return cls(edges[order].astype(np.int32), bits[at][order].astype(np.uint8),
                   np.zeros((3, len(edges))))

    @classmethod
    def taken(cls, held: Prescribed | None, domain: Any, run: _kernels.Run,
              quiet: QuietBlocks) -> Prescribed | None:
        """Return the edges of a distribution, and let the kernels take their present values.

        Parameters
        ----------
        held : Prescribed or None
            Those of the last distribution, which stay as long as the masks are the same.
        domain : anuga_lean.stepping.domain.Domain
        run : _kernels.Run
        quiet : QuietBlocks
            All blocks are computed where the edges are others.
        """
        if not capabilities().prescribed_limiter:
            return held
        masks = masks_of(domain)
        if masks.are_new:
            quiet.wake_all()
            held = cls.of(domain)
            if held is None:
                run.bind_prescribed(*[None] * 7)
            else:
                held.bind(run, domain)
            masks.are_new = False
        elif domain._lean_goes_on:      # from a checkpoint, which has the values of its yield
            return held
        run.take_prescribed()
        return held

    def __getstate__(self) -> dict[str, Any]:
        return {"edge": self.edge, "bits": self.bits, "value": self.value}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["edge"], state["bits"], state["value"])  # type: ignore[misc]

    def check(self, boundary_length: int) -> None:
        """Raise ValueError unless the arrays fit each other and such a boundary."""
        m = len(self.edge)
        if self.edge.shape != (m,) or self.edge.dtype != np.int32 \
                or self.bits.shape != (m,) or self.bits.dtype != np.uint8 \
                or self.value.shape != (3, m) or self.value.dtype != np.float64:
            raise ValueError("prescribed edges whose arrays do not fit each other")
        if m == 0 or self.edge.min() < 0 or self.edge.max() >= boundary_length \
                or (np.diff(self.edge) <= 0).any() or self.bits.max() > _BITS:
            raise ValueError(f"prescribed edges beyond the {boundary_length} of the boundary")

    def copy(self) -> Prescribed:
        """Return a copy with values of its own."""
        made = Prescribed(self.edge, self.bits, self.value.copy())
        for name in _TABLES:
            setattr(made, name, getattr(self, name))
        return made

    def bind(self, run: _kernels.Run, domain: Any) -> None:
        """Give them to the kernels, with tables that fit the mesh's blocks."""
        if self.offset is None:
            self._make_tables(domain)
        run.bind_prescribed(self.offset, self.triangle, self.place, self.bits, self.edge,
                            self.block, self.value)

    def _make_tables(self, domain: Any) -> None:
        """List the triangles of each block, and of the ring around it, that have such edges."""
        blocks = domain.mesh.blocks
        cells = np.asarray(domain.boundary_cells)[self.edge].astype(np.int64)
        columns = np.asarray(domain.boundary_edges)[self.edge]
        ks, row = np.unique(cells, return_inverse=True)
        places = np.full((len(ks), 3), -1, np.int32)
        places[row, columns] = np.arange(len(cells), dtype=np.int32)
        own = blocks.position[ks] // blocks.block_size
        self.block = own[row].astype(np.int32)
        beside = blocks.position[np.asarray(domain.surrogate_neighbours[ks])] // blocks.block_size
        # (block, local index, row of places)
        found = set(zip(own.tolist(), (blocks.position[ks] % blocks.block_size).tolist(),
                        range(len(ks)), strict=True))
        for j, i in np.argwhere(beside != own[:, np.newaxis]).tolist():
            b = int(beside[j, i])
            block = blocks.block[b]
            first = int(block["member"] + block["n_own"])
            ring = blocks.member[first : first + int(block["n_ring1"])]
            at = np.flatnonzero(ring == ks[j])
            found |= {(b, int(block["n_own"]) + int(at[0]), j)} if len(at) else set()
        b, local, j = np.array(sorted(found), np.int64).T
        self.offset = np.searchsorted(b, np.arange(len(blocks.block) + 1)).astype(np.int64)
        self.triangle = local.astype(np.uint16)
        self.place = np.ascontiguousarray(places[j])
