"""Checkpoint files taken apart, spoiled and put together again.

Owns how a file is signed and where its sections are, by the published ZIP
layout and the footer alone: nothing here calls the reader under test.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from typing import Any

FOOTER = "anuga_lean checkpoint %3d sha256 %64s bytes %20d\n"
FORMAT = 2
FOOTER_NBYTES = len(FOOTER % (FORMAT, "", 0))


def signed(body: bytes, format_number: int = FORMAT) -> bytes:
    """All of a file before its footer, with the footer that belongs to it."""
    digest = hashlib.sha256(body).hexdigest()
    return body + (FOOTER % (format_number, digest, len(body) + FOOTER_NBYTES)).encode()


def resigned(data: bytes) -> bytes:
    """A file whose bytes before the footer have changed, with a footer that agrees."""
    return signed(data[:-FOOTER_NBYTES])


def members_of(data: bytes) -> dict[str, bytes]:
    """The members of a file by name, in its order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def file_of(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A file with these members that agrees with its footer."""
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
        archive.comment = b" " * FOOTER_NBYTES
    return resigned(room.getvalue())


def with_header(data: bytes, **fields: Any) -> bytes:
    """A file with other fields in its header."""
    members = members_of(data)
    members["header.json"] = json.dumps(
        json.loads(members["header.json"]) | fields).encode()
    return file_of(members)


def sections(data: bytes) -> dict[str, int]:
    """Where each part of a file begins, and where it ends."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            at = entry.header_offset
            name, extra = struct.unpack("<HH", data[at + 26:at + 30])
            start = at + 30 + name + extra
            found |= {f"header of {entry.filename}": at, f"data of {entry.filename}": start,
                      f"end of {entry.filename}": start + entry.file_size}
        found["directory"] = archive.start_dir
    found["end record"] = data.rindex(b"PK\x05\x06")
    found["footer"] = len(data) - FOOTER_NBYTES
    return found
