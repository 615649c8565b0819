"""Writes and reads one checkpoint file: named arrays and texts; every damage shows.

Owns the bytes: a ZIP archive of .npy arrays, stored, which numpy.load and any
unzip read too, closed by a footer with its length and SHA-256.  Nothing of a
file is parsed before the footer agrees, and no member can make the reader take
more memory than the file has bytes.  What the members mean is `writing`'s.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from anuga_lean._errors import CheckpointError, DamagedCheckpoint
from anuga_lean.arrays.parts import ArrayParts
from anuga_lean.memory_limits import raise_if_no_memory

if TYPE_CHECKING:
    from zipfile import ZipFile

FORMAT = 2
OLDER_FORMATS = (1,)    # which are read too
HEADER = "header.json"
COMPRESSIONS = (None, "zstd")

_MAGIC = "anuga_lean checkpoint"
_FOOTER = f"{_MAGIC} %3d sha256 %64s bytes %20d\n"
FOOTER_NBYTES = len(_FOOTER % (FORMAT, "", 0))
# The header that numpy writes for an array of numbers; numpy itself would read any literal.
_NPY_HEADER = re.compile(
    r"\{'descr': '([<>|][biufcSUMm]\d{1,9}(?:\[\w{1,20}\])?)', 'fortran_order': False, "
    r"'shape': \(((?:\d{1,18}, ?)*(?:\d{1,18})?)\), \} *\n")
_MOST_NPY_HEADER = 1024
_FOOTER_PATTERN = re.compile(
    rb"anuga_lean checkpoint +(\d{1,3}) sha256 ([0-9a-f]{64}) bytes +(\d{1,20})\n")
_ZSTD_SUFFIX = ".zst"
_ZSTD_LEVEL = 3
_ZSTD_WINDOW = 17   # of 2**17 bytes: 2 MiB less memory than the level's own, the same size
_BLOCK = 1 << 18    # bytes read, hashed or compressed at a time
# zstd packs runs of one byte 32,000 times; more is no checkpoint of ours.
_LARGEST_EXPANSION = 1 << 15

def sha256(data: bytes = b"") -> Any:
    """Return the standard library's SHA-256 of `data`, to be updated."""
    import hashlib  # brings OpenSSL, 4 MiB that a run without checkpoints has no use for

    return hashlib.sha256(data)


def check_compression(compression: str | None) -> None:
    """Raise CheckpointError unless files can be written with `compression` here."""
    if compression not in COMPRESSIONS:
        raise CheckpointError(
            f"there is no compression {compression!r} for checkpoints: give 'zstd' or None.")
    if compression is not None:
        _zstandard()


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise CheckpointError("compressed checkpoints need the package zstandard: "
                              "pip install 'anuga_lean[zstd]'.") from None
    return zstandard


# -- writing -------------------------------------------------------------------


class _Stream:
    """A stream for zipfile that hashes all but the last write, which is the footer."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = sha256()
        self._last = b""
        self._at = 0

    def write(self, data: Any) -> int:
        self._hash.update(self._last)
        self._last = b""
        if len(data) <= FOOTER_NBYTES:
            self._last = bytes(data)
        else:
            self._hash.update(data)
        done = 0
        while done < len(data):     # the file is not buffered, a full disk takes a part
            done += self._file.write(data[done:])
        self._at += done
        return done

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        self._file.flush()

    def footer(self) -> bytes:
        """Return the footer of what was written; the last write was its room."""
        return (_FOOTER % (FORMAT, self._hash.hexdigest(), self._at)).encode()


class Writer:
    """The members of a file that is being written; see `written`."""

    def __init__(self, archive: ZipFile, compression: str | None) -> None:
        self._archive = archive
        self._compression = compression

    def add_array(self, name: str, array: ArrayParts) -> None:
        """Write an array as the member `name`.npy, block by block."""
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {
            "descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False,
            "shape": array.shape})
        compressed = self._compression is not None
        with self._open(name + ".npy" + _ZSTD_SUFFIX * compressed) as member:
            if not compressed:
                member.write(head.getvalue())
                for block in array.blocks():
                    member.write(block)
                return
            zstandard = _zstandard()
            packer = zstandard.ZstdCompressor(
                compression_params=zstandard.ZstdCompressionParameters.from_level(
                    _ZSTD_LEVEL, window_log=_ZSTD_WINDOW)).chunker(chunk_size=_BLOCK)
            _write_all(member, packer.compress(head.getvalue()))
            for block in array.blocks():
                _write_all(member, packer.compress(block))
            _write_all(member, packer.finish())

    def add_text(self, name: str, text: str) -> None:
        """Write a text, as UTF-8."""
        self.add_bytes(name, text.encode())

    def add_bytes(self, name: str, data: bytes) -> None:
        """Write bytes as they are."""
        with self._open(name) as member:
            member.write(data)

    def _open(self, name: str) -> Any:
        from zipfile import ZipInfo

        entry = ZipInfo(name)   # 1980: the same state gives the same bytes
        entry.external_attr = 0o644 << 16
        return self._archive.open(entry, "w", force_zip64=True)


def _write_all(member: Any, chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        member.write(chunk)


@contextmanager
def written(path: Path, partial: Path, compression: str | None = None) -> Iterator[Writer]:
    """Write a file that exists under its name only once all of it is on the disk.

    Parameters
    ----------
    path : Path
        The file; one of that name is replaced.
    partial : Path
        Where it is written until it is whole, in the same folder.
    compression : None or 'zstd'

    Raises
    ------
    OSError
        The file could not be written; `path` is as it was, `partial` is gone.
    """
    with unnamed(partial, compression) as file:
        yield file
    publish(partial, path)


@contextmanager
def unnamed(partial: Path, compression: str | None = None) -> Iterator[Writer]:
    """Write a file to the disk that `publish` gives its name.

    Raises
    ------
    OSError
        The file could not be written; `partial` is gone.
    """
    from zipfile import ZipFile

    try:
        partial.unlink(missing_ok=True)     # of a kill; a link would be followed
        with open(partial, "xb", buffering=0) as file:
            stream = _Stream(file)
            archive = ZipFile(stream, "w")  # type: ignore[call-overload]  # it writes and tells, no more
            archive.comment = b" " * FOOTER_NBYTES
            try:
                yield Writer(archive, compression)
                archive.close()
            finally:
                archive.fp = None   # otherwise zipfile writes its end when it is collected
            file.seek(-FOOTER_NBYTES, os.SEEK_END)
            file.write(stream.footer())
            os.fsync(file.fileno())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def publish(partial: Path, path: Path) -> None:
    """Give a file that is whole its name; one of that name is replaced.

    Raises
    ------
    OSError
        `path` is as it was, `partial` is gone.
    """
    try:
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- reading -------------------------------------------------------------------


class Reader:
    """A file whose footer and SHA-256 agree with its bytes.

    Parameters
    ----------
    path : Path
    verify : bool
        False: believe the footer, e.g. to list many files.

    Attributes
    ----------
    header : dict
        The member header.json.
    sha256 : str
        Of everything before the footer, in hexadecimal digits.
    format : int
        As the footer says.

    Raises
    ------
    CheckpointError
        Not a checkpoint, torn, damaged, of another format, or unreadable.

    Notes
    -----
    Reading runs nothing of the file: arrays are numpy's .npy without pickles,
    the rest is JSON.
    """

    def __init__(self, path: Path, verify: bool = True) -> None:
        self.path = path
        try:
            self._file = open(path, "rb")
        except OSError as error:
            raise_if_no_memory(error)
            raise CheckpointError(
                f"checkpoint {path} cannot be opened: {error.strerror}.") from error
        try:
            self.nbytes = os.fstat(self._file.fileno()).st_size
            self.sha256 = self._check_footer()
            if verify:
                self._check_digest()
            self._archive = self._opened()
            self.header = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _check_footer(self) -> str:
        end = max(self.nbytes - FOOTER_NBYTES, 0)
        self._file.seek(end)
        footer = _FOOTER_PATTERN.fullmatch(self._file.read(FOOTER_NBYTES))
        if footer is None:
            raise DamagedCheckpoint(
                f"checkpoint {self.path} is torn (footer missing at byte {end:,})")
        if footer[0] != (_FOOTER % (int(footer[1]), footer[2].decode(), int(footer[3]))).encode():
            raise DamagedCheckpoint(f"checkpoint {self.path} is damaged (its footer was changed)")
        self.format = int(footer[1])
        if self.format not in (FORMAT, *OLDER_FORMATS):
            raise CheckpointError(
                f"checkpoint {self.path} has the format {self.format}, this anuga_lean reads "
                f"formats {', '.join(map(str, sorted((FORMAT, *OLDER_FORMATS))))}: load it with "
                "the version that wrote it")
        if int(footer[3]) != self.nbytes:
            raise DamagedCheckpoint(f"checkpoint {self.path} is torn ({self.nbytes:,} bytes where "
                                    f"{int(footer[3]):,} were written)")
        return footer[2].decode()

    def _check_digest(self) -> None:
        digest = sha256()
        left = self.nbytes - FOOTER_NBYTES
        self._file.seek(0)
        block = bytearray(min(left, _BLOCK) or 1)
        while left > 0:
            count = self._file.readinto(memoryview(block)[:min(left, _BLOCK)])
            if not count:
                break
            digest.update(memoryview(block)[:count])
            left -= count
        if digest.hexdigest() != self.sha256:
            raise DamagedCheckpoint(
                f"checkpoint {self.path} is damaged (its bytes have not the SHA-256 "
                f"{self.sha256[:12]}... of its footer)")

    @contextmanager
    def _parsing(self, what: str) -> Iterator[None]:
        """Turn every error of zipfile, numpy and json about odd bytes into CheckpointError."""
        try:
            yield
        except (CheckpointError, MemoryError):
            raise
        except Exception as error:
            raise DamagedCheckpoint(f"checkpoint {self.path} holds {what} that cannot be read "
                                    f"({type(error).__name__}: {error})") from error

    def _opened(self) -> ZipFile:
        from zipfile import ZIP_STORED, ZipFile

        with self._parsing("a list of members"):
            self._file.seek(0)
            archive = ZipFile(self._file)
            entries = archive.infolist()
            if len(entries) != len(archive.NameToInfo):     # which of them is meant?
                raise DamagedCheckpoint(f"checkpoint {self.path} has members of the same name")
            if sum(entry.file_size for entry in entries) > self.nbytes:
                raise DamagedCheckpoint(
                    f"checkpoint {self.path} has members that lie in each other")
            for entry in entries:
                if entry.compress_type != ZIP_STORED or \
                        not 0 <= entry.file_size == entry.compress_size <= self.nbytes:
                    raise DamagedCheckpoint(
                        f"checkpoint {self.path} has a member {entry.filename!r} of "
                        f"{entry.file_size:,} bytes that it cannot hold")
            return archive

    def _read_header(self) -> dict[str, Any]:
        header = self.read_json(HEADER)
        if not isinstance(header, dict) or header.get("what") != _MAGIC:
            raise CheckpointError(f"{self.path} is no checkpoint of anuga_lean's")
        return header

    def members(self) -> list[tuple[str, int]]:
        """Return the name and the bytes of every member."""
        return [(entry.filename, entry.file_size) for entry in self._archive.infolist()]

    def holds(self, name: str) -> bool:
        """Whether there is a member of that name."""
        return name in self._archive.NameToInfo

    def read_bytes(self, name: str) -> bytes:
        """Return the bytes of a member."""
        with self._parsing(f"a member {name!r}"):
            return self._archive.read(name)

    def read_json(self, name: str) -> Any:
        """Return what a member says."""
        with self._parsing(f"a member {name!r}"):
            return json.loads(self._archive.read(name).decode())

    def read_array(self, name: str, most: int | None = None) -> NDArray[Any]:
        """Return a new array with the bytes of the member `name`.npy.

        Parameters
        ----------
        name : str
        most : int, optional
            Bytes that the array may have; by default as many as the file can hold.
        """
        with self._parsing(f"an array {name!r}"):
            packed = self.holds(name + ".npy" + _ZSTD_SUFFIX)
            member = name + ".npy" + _ZSTD_SUFFIX * packed
            room = self._archive.getinfo(member).file_size
            most = room * _LARGEST_EXPANSION if most is None else most
            with self._archive.open(member) as stream:
                if not packed:
                    return self._array_from(stream, name, min(room, most))
                # a frame may ask for a window of 128 MiB, whatever it holds
                with _zstandard().ZstdDecompressor(max_window_size=1 << _ZSTD_WINDOW) \
                        .stream_reader(stream, read_size=_BLOCK) as unpacked:
                    return self._array_from(unpacked, name, min(
                        room * _LARGEST_EXPANSION, most))

    def _array_from(self, stream: Any, name: str, room: int) -> NDArray[Any]:
        dtype, shape = _npy_header(stream)
        count = 1
        for n in shape:
            count *= n
        if dtype.itemsize == 0 or count * dtype.itemsize > room:
            raise ValueError(f"{count:,} items of {dtype} where there is room for {room:,} bytes")
        array = np.empty(shape, dtype)
        view = array.reshape(-1).view(np.uint8).data if array.nbytes else memoryview(b"")
        at = 0
        while at < len(view):
            block = stream.read(min(_BLOCK, len(view) - at))
            if not block:
                raise ValueError(f"{at:,} of {len(view):,} bytes")
            view[at:at + len(block)] = block
            at += len(block)
        if stream.read(1):      # at the end of a member zipfile compares its CRC-32
            raise ValueError(f"more than {len(view):,} bytes")
        return array


def _npy_header(stream: Any) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return dtype and shape of an array that `Writer.add_array` has written."""
    head = stream.read(np.lib.format.MAGIC_LEN + 2)
    nbytes = int.from_bytes(head[-2:], "little")
    if head[:-2] != np.lib.format.magic(1, 0) or nbytes > _MOST_NPY_HEADER:
        raise ValueError("no array of the .npy format 1.0")
    found = _NPY_HEADER.fullmatch(stream.read(nbytes).decode("latin1"))
    if found is None:
        raise ValueError("no header of an array of numbers")
    return np.dtype(found[1]), tuple([int(n) for n in found[2].split(",") if n.strip()])


def make_header(**fields: Any) -> dict[str, Any]:
    """Return the header of a new file."""
    return {"what": _MAGIC, "format": FORMAT, **fields}
