"""Spoils input files: their bytes, their words, their variables, their values.

The same seed of the random numbers gives the same file.
"""

from __future__ import annotations

import json
import pickle
import random
import re
from pathlib import Path
from typing import Any

import numpy as np

from checkpoint.forge import mutated_bytes, places_in

WORDS = (
    "", "-1", "0", "1", "3", "50", "60", "1000", "70000", "838860800", "715827883", "2147483647",
    "2147483648", "4294967297", "9223372036854775808", "9" * 400, "9" * 5000, "-2147483649",
    "nan", "inf", "-inf", "1e400", "1e308", "-1e308", "1e10", "1e-300", "0.5", "-0.0", "x",
    "1_0", "\u0663", "0x10", "1j", "None", "\x1b[31m", "\0", "\u202e", "ghost", "exterior", ":",
    "#", "\n", "\t", "a" * 3000, "1.", "'", "[", "{")
NUMBERS = (0, 1, 2, -1, -2, 7, 50, 60, 1000, 70_000, 838_860_800, 715_827_883, 2**31 - 1, -2**31,
           2**31, 2**32 + 1, 2**62, -2**62, 0.5, -0.0, 1e10, 1e38, 1e300, -1e300, 1e-300,
           float("nan"), float("inf"), -float("inf"), 9.96921e36)
# More than the 16 MiB that a reader may take beyond ANUGA's.
_MANY = 3_000_000


# -- texts -----------------------------------------------------------------------------


def spoilt_text(data: bytes, moment: random.Random) -> bytes:
    """A text with other words or lines, or with other bytes."""
    if moment.random() < 0.2:
        return mutated_bytes(data, moment)
    text = data.decode("utf-8", "surrogateescape")
    for _ in range(moment.choice((1, 1, 1, 2, 4))):
        text = _spoilt_words(text, moment) if moment.random() < 0.7 else _spoilt_lines(text, moment)
    return text.encode("utf-8", "surrogateescape")


def _spoilt_words(text: str, moment: random.Random) -> str:
    words = list(re.finditer(r"[^\s,:=]+", text))
    # numbers at the beginning of a line are counts and indices
    leading = [word for word in words if word.start() == 0 or text[word.start() - 1] == "\n"]
    chosen = moment.choice(leading if moment.random() < 0.3 else words) if words else None
    if chosen is None:
        return moment.choice(WORDS)
    new = moment.choice((moment.choice(WORDS), moment.choice(words)[0], "-" + chosen[0],
                         chosen[0] + moment.choice("0.e-")))
    return text[:chosen.start()] + new + text[chosen.end():]


def _spoilt_lines(text: str, moment: random.Random) -> str:
    lines = text.split("\n")
    at, other = moment.randrange(len(lines)), moment.randrange(len(lines))
    what = moment.randrange(6)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(at, lines[other])
    elif what == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif what == 3:
        lines = lines[:at]
    elif what == 4:
        lines[at] = moment.choice(("\t".join(lines[at].split()), lines[at] + " 1 2 3", "",
                                   lines[at].replace(".", ","), lines[at] + "\r"))
    else:
        lines[at] = " ".join(lines[at].split()[:moment.randrange(4)])
    return "\n".join(lines)


# -- netCDF and GeoTIFF -----------------------------------------------------------------


def spoilt_head(data: bytes, moment: random.Random) -> bytes:
    """The bytes with others among them, half of the time where counts and types are."""
    if moment.random() < 0.5:
        return mutated_bytes(data, moment)
    at = moment.randrange(min(len(data), 1500))
    new = moment.choice((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", moment.randbytes(4),
                         moment.randrange(300).to_bytes(4, "big"), b"\x10\0\0\0"))
    return data[:at] + new + data[at + len(new):]


def spoilt_netcdf(data: bytes, moment: random.Random, folder: Path) -> bytes:
    """A netCDF file with other variables, or with other bytes, most of them in its head."""
    if moment.random() < 0.35:
        return spoilt_head(data, moment)
    source = folder / "source.nc"
    source.write_bytes(data)
    held = _held(source)
    for _ in range(moment.choice((1, 1, 1, 2))):
        _spoil(held, moment)
    target = folder / "target.nc"
    try:
        _write(held, target, moment.choice(("NETCDF3_64BIT", "NETCDF3_64BIT", "NETCDF4")))
    except Exception:   # the format has no such type: an undamaged HDF5 file can hold it
        try:
            _write(held, target, "NETCDF4")
        except Exception:
            return mutated_bytes(data, moment)
    return target.read_bytes()


def _held(path: Path) -> dict[str, Any]:
    import netCDF4

    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        return {
            "attributes": {name: file.getncattr(name) for name in file.ncattrs()},
            "variables": {name: [np.array(each[:]), list(each.dimensions),
                                 {key: each.getncattr(key) for key in each.ncattrs()}]
                          for name, each in file.variables.items()},
            "sizes": {name: len(each) for name, each in file.dimensions.items()},
            "unlimited": [name for name, each in file.dimensions.items() if each.isunlimited()]}


def _spoil(held: dict[str, Any], moment: random.Random) -> None:
    """Change one thing of what a file holds."""
    variables = held["variables"]
    name = moment.choice(list(variables))
    values, dimensions, attributes = variables[name]
    what = moment.randrange(13)
    if what < 5:
        _spoil_values(values, moment)
    elif what == 5 and len(variables) > 1:
        del variables[name]
    elif what == 6:     # another type
        kind = moment.choice(("f8", "f4", "i8", "i4", "i2", "u1", "u4", "S1"))
        with np.errstate(all="ignore"):
            try:
                variables[name][0] = values.astype(kind)
            except ValueError:
                return
        _spoil_values(variables[name][0], moment)
    elif what == 7 and values.ndim:     # longer or shorter than its dimension
        axis = moment.randrange(values.ndim)
        count = max(0, values.shape[axis] + moment.choice((-1, 1, -2, 30, -values.shape[axis])))
        variables[name][0] = np.resize(values, (*values.shape[:axis], count,
                                                *values.shape[axis + 1:]))
        dimensions[axis] = f"own_{name}_{axis}"
        held["sizes"][dimensions[axis]] = count
    elif what == 8:     # no or other axes
        variables[name][:2] = moment.choice((
            [values.ravel()[:1].reshape(()), []],
            [values.ravel(), [f"flat_{name}"]], [values.T, dimensions[::-1]]))
        for axis, length in zip(variables[name][1], variables[name][0].shape, strict=True):
            held["sizes"].setdefault(axis, length)
    elif what == 9:
        attributes[moment.choice(("scale_factor", "add_offset", "_FillValue", "missing_value",
                                  "valid_max", "units"))] = moment.choice((
                                      2.0, 0.0, float("nan"), 1, "x", 1e300))
    elif what == 10 and held["attributes"]:
        name = moment.choice(list(held["attributes"]))
        held["attributes"][name] = moment.choice((*NUMBERS, "x", "", "\x1b[31m", "a" * 1000))
    elif what == 11 and held["attributes"]:
        del held["attributes"][moment.choice(list(held["attributes"]))]
    elif moment.random() < 0.1:     # a dimension of which nothing is written
        # tags, or characters of one, would take ANUGA half a minute
        held["sizes"][moment.choice([each for each in held["sizes"] if not each.endswith(
            ("chars", "len", "bnd", "segments", "triangles", "attributes"))])] = _MANY
        held["unwritten"] = True


def _spoil_values(values: np.ndarray, moment: random.Random) -> None:
    if not values.size:
        return
    flat = values.reshape(-1)
    many = slice(None) if moment.random() < 0.15 else moment.randrange(flat.size)
    with np.errstate(all="ignore"):
        if values.dtype.kind == "S":
            flat[many] = moment.choice((b"\0", b"\xff", b"\x1b", b" ", b"x"))
        elif values.dtype.kind in "iuf":
            flat[many] = np.array(moment.choice((
                float(moment.choice(NUMBERS)), float(moment.choice(NUMBERS)),
                flat[moment.randrange(flat.size)]))).astype(values.dtype)


def _write(held: dict[str, Any], path: Path, layout: str) -> None:
    import netCDF4

    with netCDF4.Dataset(path, "w", format=layout) as file:
        for name, size in held["sizes"].items():
            file.createDimension(name, None if name in held["unlimited"] else size)
        for name, value in held["attributes"].items():
            file.setncattr(name, value)
        for name, (values, dimensions, attributes) in held["variables"].items():
            fill = attributes.pop("_FillValue", None)
            variable = file.createVariable(name, values.dtype, dimensions, fill_value=fill)
            variable.set_auto_maskandscale(False)
            variable.setncatts(attributes)
            if not held.get("unwritten"):
                variable[...] = values


# -- partitions ------------------------------------------------------------------------


def spoilt_partition(data: bytes, moment: random.Random) -> bytes:
    """A pickle of a part with other numbers; its bytes are not changed, which may run code."""
    content = list(pickle.loads(data))
    keywords, points, vertices, boundary, quantities = content[:5]
    arrays = [points, vertices, keywords["tri_l2g"], keywords["node_l2g"], *quantities.values(),
              *(each for name in ("full_send_dict", "ghost_recv_dict")
                for message in keywords[name].values() for each in message)]
    what = moment.randrange(9)
    if what < 3:
        _spoil_values(moment.choice(arrays), moment)
    elif what == 3:
        place = moment.choice((1, 2))
        content[place] = moment.choice((
            content[place].astype(moment.choice(("f4", "f8", "i8", "u1", "O", "i2"))),
            content[place][:-1], content[place][:0], content[place].T, content[place].ravel(),
            content[place].tolist(), None, np.asfortranarray(content[place]), 5))
    elif what == 4:
        name = moment.choice(list(keywords))
        keywords[name] = moment.choice((*NUMBERS, None, "x", {}, [], {0: [[0], [0]]}))
    elif what == 5:
        key = moment.choice(list(boundary) or [(0, 0)])
        tag = boundary.pop(key, "x")
        boundary[moment.choice((key, (key[0], 7), (-1, 0), (10**6, 0), (key[0], -1), "x", 5,
                                (2**33, 1), (0.5, 0)))] = moment.choice((tag, 5, "", "ghost"))
    elif what == 6:
        name = moment.choice(list(quantities))
        quantities[name] = moment.choice((
            quantities[name][:-1], quantities[name].ravel(), "missing.npy", None, 5,
            quantities[name].astype("f4"), np.tile(quantities[name], (1, 3))))
    elif what == 7:
        place = moment.randrange(5, len(content))
        content[place] = moment.choice((*NUMBERS[:12], None, "x", "../x", {}, []))
    else:
        del content[moment.randrange(len(content))]
    return pickle.dumps(tuple(content))


# -- what is JSON ------------------------------------------------------------------------


def spoilt_json(data: bytes, moment: random.Random) -> bytes:
    """A JSON text with other values, or with other bytes."""
    if moment.random() < 0.2:
        return moment.choice((mutated_bytes(data, moment), b"[" * 100_000, b'{"a":' * 50_000,
                              b"1" * 5000, b"", data[: moment.randrange(len(data))]))
    value = json.loads(data)
    for _ in range(moment.choice((1, 1, 2, 4))):
        holder, key = moment.choice(places_in(value))
        if moment.random() < 0.15:
            del holder[key]
        else:
            holder[key] = moment.choice((*NUMBERS, *WORDS, 10**400, None, True, [], {}, [[]],
                                         {"": 1}, {"value": 1, "unit": "x"}, [1, "x"]))
    return json.dumps(value).encode()


def spoilt(kind: str, seed: Path, moment: random.Random, folder: Path) -> bytes:
    """The bytes of a file of a kind, spoilt; `folder` is for files on the way."""
    data = seed.read_bytes()
    if kind == "pickle":
        return spoilt_partition(data, moment)
    if kind == "figures":
        return spoilt_json(data, moment)
    if kind == "tif":
        return spoilt_head(data, moment)
    if seed.suffix in (".msh", ".nc", ".pts", ".dem", ".tms", ".sww"):
        return spoilt_netcdf(data, moment, folder)
    return spoilt_text(data, moment)
