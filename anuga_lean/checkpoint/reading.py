"""Restores a domain from the files of one rank.

Owns what must be true of a header, a mesh file and a restored domain before any
of it is used.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean._errors import CheckpointError, DamagedCheckpoint
from anuga_lean.checkpoint import ranges
from anuga_lean.checkpoint.confinement import Folders, confine, move_to
from anuga_lean.checkpoint.decoder import Decoder, Missing
from anuga_lean.checkpoint.file import FORMAT, Reader
from anuga_lean.checkpoint.graft import Graft
from anuga_lean.checkpoint.names import MESH_FILE, MOST_SETS, prefix_of
from anuga_lean.checkpoint.prepared import CODE, GRAPH
from anuga_lean.checkpoint.releases import check

# Most bytes of arrays that files are read into, and per byte of them: zeros compress so well
# that a small file could fill the memory.
_ROOM, _ROOM_PER_BYTE = 32 << 20, 64
# Which arrays a quantity has, also once its domain is turned to stock arrays.
_KINDS = {**dict.fromkeys(("stage", "xmomentum", "ymomentum"), "evolved"),
          **dict.fromkeys(("elevation", "height", "xvelocity", "yvelocity"), "edge_diagnostic"),
          "friction": "centroid_only", "x": "coordinate", "y": "coordinate"}


class StateFile:
    """The file of one rank with its mesh file: all that a domain is restored from.

    Parameters
    ----------
    path : Path
    verify : bool
        Whether the bytes of both files are compared with their SHA-256.

    Attributes
    ----------
    older : str or None
        What to say if an older ANUGA has written it.
    room : int
        Bytes of arrays that may still be read.

    Raises
    ------
    CheckpointError
        One of them is missing, damaged, or not of this version or mesh.
    """

    def __init__(self, path: Path, verify: bool = True) -> None:
        self.state = Reader(path, verify)
        try:
            _check_header(path, self.state.header)
            self.mesh = self._open_mesh(verify)
        except BaseException:
            self.state.close()
            raise
        self.room = _ROOM + _ROOM_PER_BYTE * (self.state.nbytes + self.mesh.nbytes)

    def __enter__(self) -> StateFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.state.close()
        self.mesh.close()

    def _open_mesh(self, verify: bool) -> Reader:
        header, path = self.state.header, self.state.path
        self.older = check(f"checkpoint {path}", header.get("anuga"))
        name = header.get("mesh_file")
        if not isinstance(name, str) or not MESH_FILE.fullmatch(name):
            raise DamagedCheckpoint(f"checkpoint {path} names no mesh file")
        if not (path.parent / name).exists():
            raise CheckpointError(
                f"checkpoint {path} needs the mesh file {name} beside it, which is not there: "
                "copy it from where the checkpoint was written")
        mesh = Reader(path.parent / name, verify)
        if mesh.header.get("kind") != "mesh" or mesh.sha256 != header.get("mesh_sha256") \
                or mesh.header.get("mesh") != header.get("mesh") \
                or not _is_text_by_text(mesh.header.get("arrays")):
            mesh.close()
            raise CheckpointError(
                f"checkpoint {path} belongs to the mesh {str(header.get('mesh'))[:12]}, the file "
                f"{name} beside it to the mesh {str(mesh.header.get('mesh'))[:12]} or to another "
                "run: bring the one that it was written with")
        return mesh

    def array(self, number: int) -> NDArray[Any]:
        """Return the array of a number, as the graph counts them."""
        name, place = self.state.header["places"][number]
        found = {"here": self.state, "mesh": self.mesh}[place].read_array(name, self.room)
        self.room -= found.nbytes
        return found

    def code(self) -> list[tuple[str, str]]:
        """Return path and kind of each piece of code."""
        return [(str(path), str(kind)) for path, kind in self.state.header["code"]]

    def restore(self, trusted: bool = True, folders: Folders | None = None,
                datadir: str | None = None, into: Any = None) -> tuple[Any, list[Missing]]:
        """Return the domain, and what of it was left out because the files are not trusted.

        Parameters
        ----------
        trusted : bool
            Whether its code is loaded.
        folders : Folders, optional
            Where alone the run may write, if the files are not trusted.
        datadir : str, optional
            Where it writes SWW and log files instead of where it did.
        into : anuga.Domain, optional
            One of the same mesh that a script has built, which gets the state; no code is loaded.

        Raises
        ------
        CheckpointError
            The files are whole but hold no domain that this version can make.
        """
        path = self.state.path
        try:
            pickled: bytes | None = b""
            if self.code():
                pickled = self.state.read_bytes(CODE) if trusted else None
            decoder = Decoder(self.state.read_json(GRAPH), self.array, self.code(), pickled,
                              _old_names(self.state.format)) if into is None else \
                Graft(self.state.read_json(GRAPH), self.array, self.code(), into)
            domain, missing = decoder.root, decoder.missing
            _check(domain)
            ranges.check_ranks(decoder.made, domain, self.state.header)
            if datadir is not None:
                move_to(datadir, decoder.made, domain)
            if folders is not None:
                if not folders.hold(domain.checkpoint_dir):     # a copy of the run's folder
                    domain.checkpoint_dir = str(path.parent)
                missing += confine(decoder.made, domain, prefix_of(path), folders)
        except CheckpointError as error:
            if str(path) in str(error):
                raise
            raise CheckpointError(f"checkpoint {path}: {error}") from error
        except MemoryError:
            raise
        except Exception as error:
            raise CheckpointError(f"checkpoint {path} holds no domain that can be restored "
                                  f"({type(error).__name__}: {error})") from error
        return domain, missing


def _old_names(number: int) -> ModuleType | None:
    """Return the module that translates the names of an older format, or None."""
    if number == FORMAT:
        return None
    from anuga_lean.checkpoint import format_1

    return format_1


def _is_text_by_text(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _is_list_of_texts(value: Any, length: int) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, list) and len(each) == length
        and all(isinstance(text, str) for text in each) for each in value)


def _check_header(path: Path, header: dict[str, Any]) -> None:
    """Raise CheckpointError unless a header has the fields that `_Prepared.write` gives it."""
    if header.get("kind") != "state":
        raise CheckpointError(f"{path} holds the mesh of a run and no state: name a file with a "
                              "time")
    wrong = [name for name, is_right in (
        ("set", isinstance(header.get("set"), str)),
        *[(name, type(header.get(name)) is float and math.isfinite(header[name]))
          for name in ("written", "time")],
        *[(name, type(header.get(name)) is int) for name in ("ranks", "rank")],
        ("number", type(header.get("number", 1)) is int
         and 0 < header.get("number", 1) < MOST_SETS),
        ("arrays", _is_text_by_text(header.get("arrays"))),
        *[(name, _is_list_of_texts(header.get(name), 2)) for name in ("places", "code")],
    ) if not is_right]
    if wrong:
        raise DamagedCheckpoint(
            f"checkpoint {path} has a header without {', '.join(wrong)} as they are written")


def _check(domain: Any) -> None:
    """Raise ValueError unless the arrays that the kernels read have the sizes of the mesh."""
    from anuga.abstract_2d_finite_volumes.quantity import Quantity
    from anuga.shallow_water.shallow_water_domain import Domain

    from anuga_lean.quantity.compact import DERIVED_CENTROIDS

    if not isinstance(domain, Domain):
        raise ValueError(f"a {type(domain).__name__}")
    n = domain.number_of_triangles
    if type(n) is not int or n != len(domain.mesh) or type(domain.boundary_length) is not int:
        raise ValueError(f"{n} triangles on a mesh of {len(domain.mesh)}")
    if not isinstance(domain.checkpoint_dir, str) or not isinstance(domain.datadir, str) \
            or not isinstance(domain.simulation_name, str):
        raise ValueError("folders and a name that are no texts")
    _check_writer(domain)
    for name, quantity in domain.quantities.items():
        if not isinstance(quantity, Quantity) or quantity.__dict__.get("domain") is not domain:
            raise ValueError(f"a quantity {name} of another domain")
        if "_to_be_filled" in quantity.__dict__:     # no set has one: it would be called
            raise ValueError(f"a quantity {name} that is still to be filled")
        kind = quantity.__dict__.get("_qty_type")
        if kind not in (_KINDS[name],) if name in _KINDS else kind not in _KINDS.values():
            raise ValueError(f"a quantity {name} of the kind {kind!r}")
        for key, shape in (("_centroid_values", (n,)),
                           ("boundary_values", (domain.boundary_length,))):
            values = quantity.__dict__.get(key)     # those of x and y come when asked for
            if values is None and key == "_centroid_values" and name in DERIVED_CENTROIDS:
                continue
            if not isinstance(values, np.ndarray) or values.dtype != float \
                    or values.shape != shape:
                raise ValueError(f"{key} of {name} that are not {shape} float64")
    _check_prescribed(domain)
    ranges.check(domain, None if domain.lean is None else domain.lean.checkpoint_state())
    _check_tables(domain)
    flags = domain.__dict__.get("_full_flags")
    if flags is not None and (flags.shape, flags.dtype) != ((n,), np.dtype(np.uint8)):
        raise ValueError("flags of full triangles that are not one byte each")


def _check_tables(domain: Any) -> None:
    """Raise an error unless ANUGA's kernels take its arrays, or the lean ones walls and tracers."""
    from anuga_lean import _kernels
    from anuga_lean.checkpoint import stock_state
    from anuga_lean.stepping import wall_edges
    from anuga_lean.stepping.tracers import Tracers

    if domain.on_stock_arrays:
        stock_state.check(domain)
        return
    run = _kernels.Run(domain.mesh.blocks.handle())
    run.bind_walls(*(wall_edges.tables(domain) or [None] * 6))
    Tracers(domain).start(run)


def _check_prescribed(domain: Any) -> None:
    """Raise ValueError unless edges with prescribed values are edges of this boundary."""
    from anuga_lean.stepping.prescribed import LimitMasks, Prescribed

    masks, step = domain.__dict__.get("_limit_masks"), domain.lean
    if masks is not None:
        if not isinstance(masks, LimitMasks):
            raise ValueError(f"masks of prescribed edges that are a {type(masks).__name__}")
        masks.check(domain.number_of_triangles)
    prescribed = None if step is None else step.prescribed
    if prescribed is not None:
        if not isinstance(prescribed, Prescribed):
            raise ValueError(f"prescribed edges that are a {type(prescribed).__name__}")
        prescribed.check(domain.boundary_length)


def _check_writer(domain: Any) -> None:
    """Raise ValueError if the SWW file that a run goes on with lies outside of its datadir."""
    writer = domain.__dict__.get("writer")
    filename = "" if writer is None else writer.__dict__.get("filename")
    if writer is not None and not (
            isinstance(filename, str) and filename.endswith(".sww")
            and os.path.normpath(os.path.dirname(filename)) == os.path.normpath(domain.datadir)):
        raise ValueError(f"an SWW file {filename!r} outside of {domain.datadir!r}")
