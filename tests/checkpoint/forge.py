"""Mutations of checkpoint files: of their bytes, and of what the bytes mean.

Owns what a hostile or broken writer may have put into a file.  A forgery is a
pair of files, state and mesh, whose footers and digests agree with them unless
the mutation is one of raw bytes.
"""

# ruff: noqa: B023  (the lambdas are called in the turn of the loop that makes them)

from __future__ import annotations

import json
import random
import struct
import zipfile
from collections.abc import Callable
from typing import Any

from checkpoint.damage import (
    FOOTER_NBYTES,
    file_of,
    members_of,
    resigned,
    sections,
)

Files = tuple[bytes, bytes]     # of a state and of its mesh

DEEP: Any = None
for _ in range(400):
    DEEP = ["tuple", DEEP]

HOUSES = ("anuga", "anuga", "anuga", "lean", "lean", "numpy", "os", "subprocess", "builtins",
          "anuga_lean", "anuga.fit_interpolate.run_long_benchmark", "anuga.file.sww",
          "anuga.operators.rate_operators", "anuga_lean.commands.run", "")
NAMES = ("system", "os.system", "Popen", "exec", "eval", "num.load", "SWW_file", "Domain",
         "Domain.evolve", "load_checkpoint_file", "main", "run", "add", "Rate_operator",
         "Inlet_operator.set_default.<locals>.<lambda>", "file_function", "__import__", "mean",
         "warnings.warn", "Rate_operator.__init__", "sys.exit", "ndarray", "memmap", "Mesh",
         "Step", "Mesh.__init__", "SWW_file.store_timestep", "")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 10**6, 2**31, 2**63, -2**63, 10**30, 0.5, -0.0, 1e308,
    float("nan"), float("inf"), "", "x", "../../../etc/passwd", "a" * 5000, "\0", [], {}, [[]],
    ["ref", 0], ["ref", 1], ["ref", 10**9], ["ref", -1], ["ref", "0"], ["ref"], ["ref", 0, 0],
    ["code", 0], ["code", -1], ["code", 10**9], ["base"], ["float", "x"], ["float", "nan"],
    ["complex", "1", "2"], ["slice", 0, "x", DEEP], ["tuple"], DEEP, ["frozenset", ["ref", 0]],
    ["scalar", "<f8", "00"], ["scalar", "<U999999999", ""], ["scalar", "|O", "00" * 8],
    ["scalar", "<f8", "ff" * 8], ["dtype", "O"], ["dtype", "<f8"], ["dtype", "i4,i4"],
    ["bytes", "zz"], ["bytes", "00" * 100], ["zone", "../../etc/passwd"],
    ["zone", "Europe/Nowhere"],
    ["zone", ""], ["zone", 5], ["shell", {"new": 0}], ["fill"], ["", 1], [None], [["ref", 0]],
    ["array", 0], ["list", 0], ["method", ["ref", 0], "evolve"], ["method", ["ref", 0], "__init__"],
    ["method", ["ref", 0], "store_timestep"], ["method", 5, "real"],
    {"list": []}, {"array": 0}, {"array": -1}, {"array": 10**6}, {"array": True}, {"code": 0},
    {"small": ["<f8", [10**9, 10**9], ""]}, {"small": ["<f8", [0, 10**12], ""]},
    {"small": ["<f8", [1], "00" * 8]}, {"small": ["|V8", [1], "00" * 8]},
    {"dict": [[["ref", 0], 1]]}, {"dict": [[1]]}, {"set": [["ref", 0]]}, {"set": [["tuple", []]]},
    {"new": ["class", "anuga.SWW_file"], "attributes": {"filename": "/tmp/x.sww"}},
    {"new": ["class", "lean.Step"], "state": ["ref", 0]},
    {"new": ["class", "lean.Mesh"], "attributes": {"blocks": ["ref", 0]}},
    {"new": ["class", "lean.Blocks"], "attributes": {"block": ["ref", 3]}},
    {"new": ["class", "anuga.file.sww", "SWW_file"], "attributes": {}}, {"new": ["class"]},
    {"new": ["class", 5]}, {"new": ["class", ["ref", 0]]},
    {"new": ["code", 0], "base": ["class", "os.system"]}, {"new": 0}, {"new": []},
)
HEADERS = (
    "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999999999, 999999999999999999), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 999999999999999999), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (16,), }",
    "{'descr': '<f8', 'fortran_order': True, 'shape': (4, 4), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': [('a', '<f8'), ('b', 'O')], 'fortran_order': False, 'shape': (16,), }",
    "__import__('os').system('touch forged')", "(" * 900, "-" * 900 + "1", "[" * 900,
    "{'descr': '<U999999999', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (32,), }",
    "{'descr': '>f8', 'fortran_order': False, 'shape': (16,), }",
    "{'descr': '<M8[s]', 'fortran_order': False, 'shape': (16,), }",
    "{'descr': '<i4', 'fortran_order': False, 'shape': (3, 16), }",
    "{'descr': '<i8', 'fortran_order': False, 'shape': (16,), }", "", "\0" * 60)


# -- raw bytes -------------------------------------------------------------------


def mutated_bytes(data: bytes, moment: random.Random) -> bytes:
    """A file with some of its bytes changed, put in, left out, doubled or moved."""
    for _ in range(moment.choice((1, 1, 1, 2, 5))):
        at = moment.randrange(len(data) or 1)
        end = min(len(data), at + moment.choice((1, 2, 8, 100, 4000)))
        some, where = data[at:end], moment.randrange(len(data) or 1)
        data = moment.choice((
            lambda: data[:at] + bytes([data[at] ^ 1 << moment.randrange(8)]) + data[at + 1:],
            lambda: data[:at] + moment.randbytes(end - at) + data[at:],
            lambda: data[:at] + moment.randbytes(end - at) + data[end:],
            lambda: data[:at] + data[end:],
            lambda: data[:end] + some + data[end:],
            lambda: data[:at],
            lambda: data[:where] + some + data[where + len(some):],
            lambda: data[:at] + bytes(end - at) + data[end:],
        ))() if data else moment.randbytes(50)
    return data


def raw(files: Files, moment: random.Random) -> Files:
    """Changed bytes, which the footer does not know of, of one of the files."""
    state, mesh = files
    found = files
    while found == files:       # some bytes are exchanged for the same
        found = (mutated_bytes(state, moment), mesh) if moment.random() < 0.7 else (
            state, mutated_bytes(mesh, moment))
    return found


def raw_signed(files: Files, moment: random.Random) -> Files:
    """Changed bytes, most of them where the archive describes itself, and footers that agree."""
    which = moment.random() < 0.4
    data = files[which][:-FOOTER_NBYTES]
    if moment.random() < 0.7:
        places = [at for name, at in sections(files[which]).items()
                  if not name.startswith(("data", "footer"))]
        at = moment.choice(places) + moment.randrange(50)
        new = moment.choice((moment.randbytes(moment.choice((1, 2, 4))), b"\xff" * 4, b"\0" * 4,
                             struct.pack("<I", moment.randrange(len(data)))))
        data = data[:at] + new + data[at + len(new):]
    else:
        data = mutated_bytes(data, moment)
    return signed_pair(files, which, resigned(data + bytes(FOOTER_NBYTES)))


# -- what the bytes mean -----------------------------------------------------------


def signed_pair(files: Files, is_mesh: bool, data: bytes) -> Files:
    """The files with one of them replaced, the digest of the mesh in the header of the state."""
    if not is_mesh:
        return data, files[1]
    digest = data[-FOOTER_NBYTES:].split(b"sha256 ")[1][:64].decode()
    members = members_of(files[0])
    header = json.loads(members["header.json"])
    header["mesh_sha256"] = digest
    members["header.json"] = json.dumps(header).encode()
    return file_of(members), data


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    found: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        each = todo.pop()
        for key, inner in each.items() if isinstance(each, dict) else enumerate(each):
            found.append((each, key))
            if isinstance(inner, (list, dict)):
                todo.append(inner)
    return found


def hostile(moment: random.Random) -> Any:
    """A value that no writer of ours has written there."""
    if moment.random() < 0.3:
        kind = moment.choice(("function", "class", "inner"))
        return [kind, f"{moment.choice(HOUSES)}.{moment.choice(NAMES)}",
                *[None] * (kind == "inner")]
    return moment.choice(VALUES)


def mutated_json(value: Any, moment: random.Random) -> None:
    """Change some places of a JSON value."""
    places = places_in(value)
    for _ in range(moment.choice((1, 1, 1, 2, 4))):
        holder, key = moment.choice(places)
        other, its = moment.choice(places)
        try:
            what = moment.randrange(7)
            if what < 3:
                holder[key] = hostile(moment)
            elif what == 3:
                holder[key] = other[its]        # also: a value inside of itself
            elif what == 4:
                del holder[key]
            elif what == 5 and isinstance(holder, list):
                holder.insert(key, hostile(moment))
            elif isinstance(holder, dict):
                holder[moment.choice(("new", "list", "full_flags", "__class__", "state", "normals",
                                      "forget_parameters", "blocks", "", "checkpoint_dir"))] = \
                    hostile(moment)
        except (KeyError, IndexError):          # its place is gone
            continue


def mutated_text(text: bytes, moment: random.Random) -> bytes:
    """A JSON text with other values, or one that is hardly JSON."""
    if moment.random() < 0.08:
        return moment.choice((
            b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000, b"nul", b"\xff\xfe", b"",
            b"[" + b"[]," * 20_000 + b"[]]", b'"' + b"\\ud800" * 100 + b'"',
            text.replace(b"attributes", b"state"), text.replace(b"\"ref\"", b"\"tuple\""),
            text[:moment.randrange(len(text))], text.replace(b"Domain", b"Generic_Domain")))
    value = json.loads(text)
    mutated_json(value, moment)
    try:
        return json.dumps(value).encode()
    except (ValueError, RecursionError):        # it holds itself
        return b"[[[" + text


def json_member(name: str) -> Callable[[Files, random.Random], Files]:
    """Mutate header.json or graph.json of the state."""
    def mutate(files: Files, moment: random.Random) -> Files:
        which = name == "header.json" and moment.random() < 0.3
        members = members_of(files[which])
        members[name] = mutated_text(members[name], moment)
        return signed_pair(files, which, file_of(members))
    return mutate


def packed(data: bytes, moment: random.Random) -> bytes:
    """The bytes compressed, seldom with a window as large as zstd knows it."""
    import zstandard

    window = moment.choice((17, 17, 17, 27))
    return zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(
            1, window_log=window, write_content_size=False)).compress(data)


def unpacked(data: bytes) -> bytes:
    """The bytes that were compressed."""
    import zstandard

    return zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 20)


def array(files: Files, moment: random.Random) -> Files:
    """Other headers, lengths, or numbers (triangles out of range) of an array."""
    which = moment.random() < 0.6
    members = members_of(files[which])
    for each in [each for each in members if each.endswith(".zst")]:
        members[each] = unpacked(members[each])
    name = moment.choice([each for each in members if ".npy" in each])
    data = members[name]
    start = 10 + int.from_bytes(data[8:10], "little")
    head, body = data[:start], data[start:]
    what = moment.randrange(6)
    if what == 0:
        text = moment.choice(HEADERS).encode().ljust(117) + b"\n"
        head = b"\x93NUMPY" + moment.choice((b"\1\0", b"\1\0", b"\2\0")) + \
            struct.pack("<H", moment.choice((len(text), len(text), 65535))) + text
    elif what == 1:
        body = moment.choice((body[:-1], body + b"x", b"", body[:len(body) // 2], body * 2))
    elif what == 2:
        size = moment.choice((4, 8))
        at = moment.randrange(max(1, len(body) // size)) * size
        new = moment.choice((b"\xff" * size, b"\x7f" * size, bytes(size), moment.randbytes(size),
                             struct.pack("<q", moment.randrange(-2, 70))[:size],
                             struct.pack("<d", float("nan"))[-size:]))
        body = body[:at] + new + body[at + size:]
    elif what == 3:
        body = moment.randbytes(len(body))
    elif what == 4:     # the numbers of another array, with their header or without
        other = members[moment.choice([each for each in members if ".npy" in each])]
        head, body = moment.choice(((other[:start], other[start:]), (head, other[start:])))
    elif name.endswith(".zst"):     # 160 MB of zeros, which are told or not
        text = moment.choice((20_000_000, 16)), moment.choice(("<f8", "|u1"))
        head = head[:10] + (f"{{'descr': '{text[1]}', 'fortran_order': False, 'shape': "
                            f"({text[0]},), }}").encode().ljust(start - 11) + b"\n"
        body = bytes(160_000_000)
    members[name] = head + body
    for each in [each for each in members if each.endswith(".zst")]:
        members[each] = packed(members[each], moment)
    return signed_pair(files, which, file_of(members))


def archive(files: Files, moment: random.Random) -> Files:
    """Members that are packed, missing, doubled, exchanged, renamed, or very many."""
    which = moment.random() < 0.4
    members = members_of(files[which])
    names = list(members)
    one, other = moment.choice(names), moment.choice(names)
    what = moment.randrange(6)
    compression = zipfile.ZIP_STORED
    if what == 0:
        compression = moment.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    elif what == 1:
        members.pop(one)
    elif what == 2:
        members[one], members[other] = members[other], members[one]
    elif what == 3:
        members[moment.choice(("../" + one, "/etc/x", one + ".zst", "code.dill", "x" * 60_000))] = \
            members.pop(one)
    elif what == 4:
        members |= {f"{i}": b"" for i in range(2000)}
    else:
        members[one] = bytes(moment.choice((0, 1, 1000, 300_000)))
        compression = moment.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))
    return signed_pair(files, which, file_of(members, compression))


KINDS: dict[str, tuple[float, Callable[[Files, random.Random], Files]]] = {
    "raw": (0.2, raw), "raw_signed": (0.2, raw_signed), "header": (0.1, json_member("header.json")),
    "graph": (0.35, json_member("graph.json")), "array": (0.1, array), "archive": (0.05, archive)}


def forged(files: Files, moment: random.Random) -> tuple[str, Files]:
    """A mutation of a random kind."""
    kind = moment.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
    return kind, KINDS[kind][1](files, moment)
