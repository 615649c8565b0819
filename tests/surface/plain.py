"""Any value of ANUGA's as plain data, and what differs between two such data.

Arrays and array-likes become numpy arrays, quantities, meshes and domains what
they hold, other objects their attributes; numbers in a text that depend on the
clock or the machine become '#'.
"""

from __future__ import annotations

import re
import types
from typing import Any

import numpy as np

_DEEPEST = 5
_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_OF_THE_CLOCK = ("compute_time", "wall_time", "walltime", "wall_time_elapsed")
_PLACES = ("vertices", "edges", "centroids")


def plain(value: Any, depth: int = 0, about: frozenset[int] = frozenset()) -> Any:
    """`value` as tuples, dicts, numbers, texts and arrays; `about` is being shown already."""
    if isinstance(value, str):
        return without_clock(value)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, np.generic):
        return (type(value).__name__, value.item())
    if isinstance(value, np.ndarray) or hasattr(value, "__array_ufunc__"):
        array = np.array(value)
        return plain(array.tolist(), depth, about) if array.dtype == object else array
    if id(value) in about or depth > _DEEPEST:
        return ("again", type(value).__name__)
    about = about | {id(value)}
    if isinstance(value, dict):
        value = {k: v for k, v in value.items() if k not in _OF_THE_CLOCK}
        return {str(plain(k, depth + 1, about)): plain(v, depth + 1, about)
                for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        return (type(value).__name__, sorted(str(plain(each, depth + 1)) for each in value))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [plain(each, depth + 1, about) for each in value])
    if isinstance(value, type):
        return ("class", value.__module__, value.__qualname__)
    if callable(value) and hasattr(value, "__qualname__"):
        return ("function", getattr(value, "__module__", None), value.__name__)
    if isinstance(value, (types.ModuleType, types.GeneratorType)):
        return (type(value).__name__, value.__name__)
    return known(value, depth, about)


def known(value: Any, depth: int, about: frozenset[int]) -> Any:
    """A quantity, mesh or domain by what a script can ask of it, any other object by attributes."""
    name = type(value).__name__
    kinds = {kind.__name__ for kind in type(value).__mro__}
    if "Quantity" in kinds:
        return (name, quantity(value))
    if "Generic_Domain" in kinds:
        return (name, state(value)) if depth < 2 else (name, value.get_name())
    if "General_mesh" in kinds:
        return (name, mesh(value))
    attributes = getattr(value, "__dict__", None)
    if attributes is None:
        return (name, str(value))
    return (name, {key: plain(each, depth + 1, about) for key, each in attributes.items()
                   if not key.startswith("__")})


def quantity(value: Any) -> dict[str, Any]:
    """Every value of a quantity, and what it is called."""
    found: dict[str, Any] = {"name": without_clock(value.get_name())}
    for place in _PLACES:
        if place == "centroids" or value.edge_values is not None:
            found[place] = np.array(value.get_values(location=place))
    found["boundary"] = np.array(value.boundary_values)
    return found


def mesh(value: Any) -> dict[str, Any]:
    """Nodes, triangles, neighbours and tags of a mesh."""
    tags = sorted((int(k), int(i), tag) for (k, i), tag in (value.boundary or {}).items())
    arrays = ("nodes", "triangles", "neighbours", "areas", "radii", "normals")
    return {"boundary": str(tags), "georeference": plain(vars(value.geo_reference), 3)} | {
        name: np.array(getattr(value, name)) for name in arrays if hasattr(value, name)}


def state(domain: Any) -> dict[str, Any]:
    """What the next step of a domain depends on."""
    found = {f"quantity {name}": plain(quantity(each), 3)
             for name, each in sorted(domain.quantities.items())}
    found |= {f"mesh {name}": each for name, each in mesh(domain.mesh).items()}
    found["time"] = domain.get_time()
    found["full"] = np.array(domain.tri_full_flag)
    return found


def without_clock(text: str) -> str:
    """A text whose seconds of computing, dates, folders, addresses and memory say '#'."""
    for pattern, instead in (
        (r" at 0x[0-9a-f]+", " at #"),
        (r"/tmp/[^\s'\",)]*", "#"),
        (r"(?<=mem=)[\d.]+MB", "#"),
        (r"(?<=wall_time=)[\d.]+s", "#"),
        (r"\((\d+[hm]:)*[\d.]+s\)", "(#)"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?", "#"),
        (r"quantity_\d+", "quantity_#"),
    ):
        text = re.sub(pattern, instead, text)
    return text


def differences(stock: Any, lean: Any, where: str = "") -> list[str]:
    """One line for every place where two plain values are not the same to the last bit."""
    if isinstance(stock, np.ndarray) and isinstance(lean, np.ndarray):
        return array_differences(stock, lean, where)
    if type(stock) is not type(lean):
        return [f"{where}: stock {short(stock)}, lean {short(lean)}"]
    if isinstance(stock, dict):
        lines = [f"{where}[{key}]: only on {'stock' if key in stock else 'lean'}"
                 for key in sorted(stock.keys() ^ lean.keys())]
        for key in stock.keys() & lean.keys():
            lines += differences(stock[key], lean[key], f"{where}[{key}]")
        return lines
    if isinstance(stock, (list, tuple)):
        if len(stock) != len(lean):
            return [f"{where}: stock {short(stock)}, lean {short(lean)}"]
        pairs = enumerate(zip(stock, lean, strict=True))
        return [line for i, (a, b) in pairs for line in differences(a, b, f"{where}.{i}")]
    same = stock == lean or (stock != stock and lean != lean)
    return [] if same else [f"{where}: stock {short(stock)}, lean {short(lean)}"]


def array_differences(stock: np.ndarray, lean: np.ndarray, where: str) -> list[str]:
    """The same for two arrays."""
    if (stock.dtype, stock.shape) != (lean.dtype, lean.shape):
        return [f"{where}: stock {stock.dtype}{stock.shape}, lean {lean.dtype}{lean.shape}"]
    if np.array_equal(stock, lean, equal_nan=stock.dtype.kind in "fc"):
        if stock.dtype.kind != "f" or np.array_equal(sign_of_zeros(stock), sign_of_zeros(lean)):
            return []
        return [f"{where}: zeros have another sign"]
    at = tuple(int(i) for i in np.argwhere(stock != lean)[0])
    return [f"{where}: {np.sum(stock != lean)} of {stock.size} differ, first at {at}: "
            f"stock {stock[at]!r}, lean {lean[at]!r}"]


def sign_of_zeros(values: np.ndarray) -> np.ndarray:
    """True where a value is -0.0."""
    return (values == 0.0) & np.signbit(values)


def short(value: Any) -> str:
    """A value on one line."""
    text = repr(value)
    return text if len(text) < 300 else text[:300] + "..."
