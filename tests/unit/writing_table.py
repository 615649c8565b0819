"""The ways in which numpy writes into an array, each with a call that does.

Owns the calls and the search of numpy's namespaces for functions that may write; what must
come of them is in `test_writing`.
"""

from __future__ import annotations

import ctypes
import inspect
import random
import re
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.lib.recfunctions as recfunctions

SHAPE = (4, 3)
CUBE = np.linspace(-3.0, 7.0, 24).reshape(4, 3, 2)
GRID = CUBE[..., 0]
CHOICE = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 1], [1, 1, 1]])
MASK = CHOICE > 0
SPECTRUM = np.fft.fft(GRID)

Write = Callable[[Any], Any]


class Row(NamedTuple):
    """A way to write into an array of SHAPE.

    `raises`: an array-like refuses it, as it would be lost; `spoils`: numpy may leave anything.
    """

    write: Write
    dtype: str = "f8"
    raises: bool = False
    spoils: bool = False


def _of(space: Any, names: str, *args: Any, dtype: str = "f8", raises: bool = False,
        **kwargs: Any) -> dict[str, Row]:
    """Rows of functions of `space` that take ``out``; a release may lack some of them."""
    label = {np: "", np.fft: "fft.", np.linalg: "linalg.", np.ma: "ma."}[space]

    def row(name: str) -> Row:
        return Row(lambda v: getattr(space, name)(*args, out=v, **kwargs), dtype, raises)

    return {label + name: row(name) for name in names.split() if hasattr(space, name)}


REDUCTIONS = "sum prod mean std var any all max min amax amin ptp"
FUNCTIONS: dict[str, Row] = {
    **_of(np, REDUCTIONS, CUBE, axis=-1),
    **_of(np, "nansum nanprod nanmean nanstd nanvar nanmax nanmin median nanmedian", CUBE, axis=-1),
    **_of(np, "percentile nanpercentile", CUBE, 40.0, axis=-1),
    **_of(np, "quantile nanquantile", CUBE, 0.4, axis=-1),
    **_of(np, "argmax argmin nanargmax nanargmin", CUBE, axis=-1, dtype="i8"),
    **_of(np, "cumsum cumprod nancumsum nancumprod cumulative_sum cumulative_prod", GRID, axis=0),
    **_of(np, "round around", GRID, 1),
    **_of(np, "fix", GRID),
    **_of(np, "isneginf isposinf", np.where(MASK, np.inf, -np.inf)),
    **_of(np, "clip", GRID, -1.0, 2.0),
    **_of(np, "choose", CHOICE, [GRID, 2.0 * GRID]),
    **_of(np, "compress", [True, False, True, True, True], np.ones((5, 3)), axis=0),
    **_of(np, "concatenate concat", [GRID[:2], GRID[1:3]]),
    **_of(np, "stack", [GRID[0], GRID[2], GRID[1], GRID[3]]),
    **_of(np, "take", GRID, [3, 1, 2, 0], axis=0, mode="clip"),
    **_of(np, "dot", GRID, np.arange(9.0).reshape(3, 3)),
    **_of(np, "outer", GRID[:, 0], GRID[0]),
    **_of(np, "einsum", "ij,jk->ik", GRID, np.arange(9.0).reshape(3, 3)),
    "trace": Row(lambda v: np.trace(np.arange(48.0).reshape(2, 2, 4, 3), out=v)),
    **_of(np.linalg, "multi_dot", [GRID, np.eye(3), np.arange(9.0).reshape(3, 3)]),
    **_of(np, "busday_count", "2026-01-01", np.datetime64("2026-02-01") + CHOICE, dtype="i8"),
    **_of(np, "is_busday", np.datetime64("2026-02-01") + 7 * CHOICE + [0, 1, 2], dtype="?"),
    **_of(np, "busday_offset", np.datetime64("2026-02-02"), CHOICE, dtype="M8[D]"),
    **_of(np.fft, "fft ifft fft2 ifft2 fftn ifftn", GRID, dtype="c16"),
    **_of(np.fft, "rfft ihfft rfft2 rfftn", np.ones((4, 4)) * [1.0, 2.0, 4.0, 8.0], dtype="c16"),
    **_of(np.fft, "irfft hfft", SPECTRUM, 3),
    **_of(np.fft, "irfft2 irfftn", SPECTRUM, (4, 3)),
    **_of(np.ma, f"{REDUCTIONS} product median", CUBE, axis=-1),
    **_of(np.ma, "argmax argmin", CUBE, axis=-1, dtype="i8", raises=True),
    **_of(np.ma, "cumsum cumprod", GRID, axis=0, raises=True),
    **_of(np.ma, "round round_", GRID, 1),
    **_of(np.ma, "clip", GRID, -1.0, 2.0),
    **_of(np.ma, "choose", CHOICE, [GRID, 2.0 * GRID]),
    **_of(np.ma, "compress", [True, False, True, True, True], np.ones((5, 3)), axis=0,
          raises=True),
    **_of(np.ma, "stack", [GRID[0], GRID[2], GRID[1], GRID[3]]),
    **_of(np.ma, "take", GRID, [3, 1, 2, 0], axis=0, mode="clip"),
    **_of(np.ma, "dot", GRID, np.arange(9.0).reshape(3, 3)),
    "ma.trace": Row(lambda v: np.ma.trace(np.arange(48.0).reshape(2, 2, 4, 3), out=v),
                    raises=True),
    "copyto": Row(lambda v: np.copyto(v, GRID, where=MASK)),
    "fill_diagonal": Row(lambda v: np.fill_diagonal(v, 7.0)),
    "nan_to_num": Row(lambda v: np.nan_to_num(np.divide(v, 0.0, out=v), copy=False)),
    "place": Row(lambda v: np.place(v, MASK, [1.0, 2.0])),
    "put": Row(lambda v: np.put(v, [1, -1], [8.0, 9.0])),
    "put_along_axis": Row(lambda v: np.put_along_axis(v, CHOICE, 5.0, axis=1)),
    "putmask": Row(lambda v: np.putmask(v, MASK, GRID)),
    "ma.put": Row(lambda v: np.ma.put(v, [1], [8.0])),
    "ma.putmask": Row(lambda v: np.ma.putmask(v, MASK, GRID), raises=True),
    "ma.fix_invalid": Row(lambda v: np.ma.fix_invalid(
        np.divide(v, 0.0, out=v), copy=False)),
    **{f"{name}(overwrite_input)": Row(
        lambda v, name=name, more=more: getattr(np, name)(v, *more, overwrite_input=True),
        spoils=True)
       for name, more in (("median", ()), ("nanmedian", ()), ("percentile", (40.0,)),
                          ("nanpercentile", (40.0,)), ("quantile", (0.4,)),
                          ("nanquantile", (0.4,)))},
    "random.shuffle": Row(lambda v: np.random.RandomState(1).shuffle(v)),
    "Generator.shuffle": Row(lambda v: np.random.default_rng(2).shuffle(v)),
    "Generator.permuted": Row(lambda v: np.random.default_rng(1).permuted(GRID, out=v),
                              raises=True),
    **{f"Generator.{name}": Row(lambda v, name=name, more=more: getattr(
        np.random.default_rng(1), name)(*more, out=v), raises=True)
       for name, more in (("random", ()), ("standard_exponential", ()), ("standard_normal", ()),
                          ("standard_gamma", (1.5,)))},
}

FORGETS_OUT = ("fft.hfft", "fft.ifft2", "fft.irfft2")    # numpy itself
# Of another class, and the same function.
SAME = {"RandomState.shuffle": "random.shuffle"}
# What says a word of writing, and only reads or returns a new array.
READS = frozenset("""
    Generator.integers Generator.triangular Generator.vonmises RandomState.pareto
    RandomState.triangular RandomState.vonmises append apply_along_axis argpartition argsort block
    bmat delete fromiter histogram_bin_edges i0 insert kaiser lexsort
    lib.recfunctions.append_fields lib.recfunctions.rename_fields ma.append ma.apply_along_axis
    ma.argsort ma.copy ma.exp ma.harden_mask ma.log10 ma.log2 ma.mask_rowcols ma.set_fill_value
    ma.soften_mask meshgrid min_scalar_type nditer.copy nditer.enable_external_loop pad partition
    random.pareto random.triangular random.vonmises resize sort take_along_axis unique
    """.split())
# What gives the array's memory, or what is no function of plain arrays: in WAYS, or no case.
SHARES = frozenset("""
    array asanyarray asarray astype char.array char.asnarray char.narray ctypeslib.asarray
    from_dlpack
    lib.recfunctions.assign_fields_by_name lib.recfunctions.recursive_fill_fields
    lib.recfunctions.structured_to_unstructured lib.recfunctions.unstructured_to_structured
    lib.stride_tricks.as_strided lib.stride_tricks.sliding_window_view ma.array ma.make_mask
    ma.mask_or ma.masked_equal ma.masked_greater ma.masked_greater_equal ma.masked_inside
    ma.masked_invalid ma.masked_less ma.masked_less_equal ma.masked_not_equal ma.masked_object
    ma.masked_outside ma.masked_values ma.masked_where rec.array reshape
    """.split())


def _ufunc_row(ufunc: np.ufunc) -> Row | None:
    """A row of a ufunc, with a loop of floats or the first that numbers fit."""
    loops = [each.split("->") for each in ufunc.types
             if ufunc.signature is None and set(each) <= set("?bhilqdD->")]
    if not loops:
        return None
    inputs, outputs = min(loops, key=lambda loop: set(loop[0]) != {"d"})
    operands = [(np.abs(GRID) + 1.0).astype(kind) for kind in inputs]
    others = (None,) * (ufunc.nout - 1)
    return Row(lambda v: ufunc(*operands, out=(v, *others), where=MASK), outputs[0])


UFUNCS = {name: row for name, each in vars(np).items() if isinstance(each, np.ufunc)
          and (row := _ufunc_row(each)) is not None}
UFUNCS |= {
    "matmul": Row(lambda v: np.matmul(GRID, np.arange(9.0).reshape(3, 3), out=v)),
    "add.at": Row(lambda v: np.add.at(v, ([0, 0, 3], 1), 2.0)),
    "negative.at": Row(lambda v: np.negative.at(v, 2)),
    "add.reduce": Row(lambda v: np.add.reduce(CUBE, axis=-1, out=v)),
    "add.accumulate": Row(lambda v: np.add.accumulate(GRID, out=v)),
    "add.reduceat": Row(lambda v: np.add.reduceat(np.ones((6, 3)), [0, 1, 3, 5], out=v)),
    "multiply.outer": Row(lambda v: np.multiply.outer(GRID[:, 0], GRID[0], out=v)),
    "divmod(both)": Row(lambda v: np.divmod(GRID, 2.0, out=(v, np.empty(SHAPE)))),
    "modf(second)": Row(lambda v: np.modf(GRID, out=(None, v))),
}

# Methods of another array that put their result into this one.
RESULTS = {
    **{f"{name}": Row(lambda v, name=name: getattr(CUBE, name)(axis=-1, out=v))
       for name in "sum prod mean std var any all max min".split()},
    **{f"{name}": Row(lambda v, name=name, more=more: getattr(GRID, name)(*more, out=v),
                      raises=True)
       for name, more in (("cumsum", (0,)), ("cumprod", (0,)), ("round", (1,)),
                          ("dot", (np.eye(3),)), ("take", ([3, 1, 2, 0], 0)),
                          ("compress", ([True] * 4, 0)))},
    "clip": Row(lambda v: GRID.clip(-1.0, 2.0, out=v)),
    "choose": Row(lambda v: CHOICE.choose([GRID, -GRID], out=v), raises=True),
    "argmax": Row(lambda v: CUBE.argmax(axis=-1, out=v), "i8", raises=True),
    "argmin": Row(lambda v: CUBE.argmin(axis=-1, out=v), "i8", raises=True),
    "trace": Row(lambda v: np.arange(48.0).reshape(2, 2, 4, 3).trace(out=v), raises=True),
}
METHODS = {
    "byteswap": Row(lambda v: v.byteswap(inplace=True)),
    "fill": Row(lambda v: v.fill(3.0)),
    "partition": Row(lambda v: v.partition(1, axis=0)),
    "put": Row(lambda v: v.put([1, 5], [8.0, 9.0])),
    "setfield": Row(lambda v: v.setfield(3, np.int32, 4)),
    "sort": Row(lambda v: v.sort(axis=0)),
    "__setitem__": Row(lambda v: v.__setitem__((slice(None), 1), 2.0)),
    "__delitem__": Row(lambda v: v.__delitem__(0), raises=True),
    **{f"__i{name}__": Row(lambda v, name=name: getattr(v, f"__i{name}__")(2.0))
       for name in "add sub mul truediv floordiv mod pow".split()},
    **{f"__i{name}__": Row(lambda v, name=name: getattr(v, f"__i{name}__")(2), "i8")
       for name in "and or xor lshift rshift".split()},
    "__imatmul__": Row(lambda v: v.__imatmul__(np.arange(9.0).reshape(3, 3))),
    "flat =": Row(lambda v: setattr(v, "flat", 3.0)),
    "real =": Row(lambda v: setattr(v, "real", 3.0)),
}
# Of what writes in place, by their names; `out` of all others is that of the function.
READING_METHODS = frozenset("argpartition argsort copy astype reshape resize setflags".split())


def _address(v: Any) -> Any:
    return v.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def _first(interface: dict[str, Any]) -> Any:
    return ctypes.cast(interface["data"][0], ctypes.POINTER(ctypes.c_double))


def _nditer(v: Any) -> None:
    with np.nditer(v, op_flags=[["readwrite"]]) as iterator:
        for each in iterator:
            each[...] = 3.0


def _each_row(v: Any) -> None:
    for row in v:
        row += 1.0


def _kept(v: Any, part: Callable[[Any], Any], write: Callable[[Any], Any]) -> None:
    """Write into what was taken from the array; it must show what it was given."""
    kept = part(v)
    write(kept)


def _set(a: Any) -> None:
    a[1] = 3.0


def _swap(v: Any) -> None:
    v[0], v[3] = v[3].copy(), v[0].copy()


WAYS: dict[str, Row] = {
    "ctypes": Row(lambda v: _address(v).__setitem__(1, 3.0)),
    "__array_interface__": Row(lambda v: _first(v.__array_interface__).__setitem__(1, 3.0)),
    "__array_struct__": Row(lambda v: _set(np.asarray(types.SimpleNamespace(
        __array_struct__=v.__array_struct__)))),
    "ctypeslib.as_ctypes": Row(lambda v: np.ctypeslib.as_ctypes(v)[1].__setitem__(1, 3.0)),
    "ctypes.from_buffer": Row(lambda v: (ctypes.c_double * 12).from_buffer(v).__setitem__(1, 3.0),
                              raises=True),
    "frombuffer": Row(lambda v: _set(np.frombuffer(v))),
    "from_dlpack": Row(lambda v: _set(np.from_dlpack(v))),
    "setflags": Row(lambda v: (v.setflags(write=True), v.__setitem__(1, 3.0))),
    "setflags(write=False)": Row(lambda v: (v.setflags(write=False), v.__setitem__(1, 3.0))),
    "flags.writeable = False": Row(
        lambda v: (setattr(v.flags, "writeable", False), v.__setitem__(1, 3.0))),
    "resize to the same": Row(lambda v: (v.resize(SHAPE), v.__setitem__(1, 3.0))),
    "random.shuffle of Python": Row(lambda v: _swap(v)),
    "iteration": Row(_each_row),
    "nditer": Row(_nditer, raises=True),
    "memoryview": Row(lambda v: memoryview(v).__setitem__((1, 1), 3.0), raises=True),
    "data": Row(lambda v: v.data.__setitem__((1, 1), 3.0), raises=True),
    "asarray": Row(lambda v: _set(np.asarray(v)), raises=True),
    "asarray(writeable)": Row(lambda v: (
        a := np.asarray(v), setattr(a.flags, "writeable", True), _set(a)), raises=True),
    "asanyarray": Row(lambda v: _set(np.asanyarray(v)), raises=True),
    "ascontiguousarray": Row(lambda v: _set(np.ascontiguousarray(v)), raises=True),
    "asarray_chkfinite": Row(lambda v: _set(np.asarray_chkfinite(v)), raises=True),
    "array(copy=False)": Row(lambda v: _set(np.array(v, copy=False)), raises=True),
    "array(copy=None)": Row(lambda v: _set(np.array(v, copy=None)), raises=True),
    "__array__": Row(lambda v: _set(v.__array__()), raises=True),
    "astype(copy=False)": Row(lambda v: _set(v.astype(float, copy=False)), raises=True),
    "np.astype(copy=False)": Row(lambda v: _set(np.astype(v, np.float64, copy=False)),
                                 raises=True),
    "view(int64)": Row(lambda v: _set(v.view(np.int64))),
    "view(matrix)": Row(lambda v: v.view(np.matrix).__setitem__((1, 1), 3.0), raises=True),
    "ma.array": Row(lambda v: _set(np.ma.array(v, copy=False)), raises=True),
    "ma.masked_where": Row(lambda v: _set(np.ma.masked_where(MASK, v, copy=False)), raises=True),
    "as_strided": Row(lambda v: _set(np.lib.stride_tricks.as_strided(v)), raises=True),
    "sliding_window_view": Row(lambda v: _set(
        np.lib.stride_tricks.sliding_window_view(v, 2, 0, writeable=True)), raises=True),
    **{f"v{text}": Row(lambda v, part=part: _set(part(v))) for text, part in {
        "[1:]": lambda v: v[1:], "[::-1]": lambda v: v[::-1], "[2]": lambda v: v[2],
        "[-1]": lambda v: v[-1], "[:, 1]": lambda v: v[:, 1], "[1, :]": lambda v: v[1, :],
        "[...]": lambda v: v[...], "[()]": lambda v: v[()], "[:, :2]": lambda v: v[:, :2],
        "[..., 1]": lambda v: v[..., 1], "[:, None]": lambda v: v[:, None], ".T": lambda v: v.T,
        ".mT": lambda v: v.mT, ".ravel()": lambda v: v.ravel(), ".real": lambda v: v.real,
        ".reshape(-1)": lambda v: v.reshape(-1), ".reshape(6, 2)": lambda v: v.reshape(6, 2),
        ".swapaxes(0, 1)": lambda v: v.swapaxes(0, 1), ".transpose()": lambda v: v.transpose(),
        ".squeeze()": lambda v: v.squeeze(), ".view()": lambda v: v.view(),
        ".flat": lambda v: v.flat,
    }.items()},
    "v.getfield": Row(lambda v: _set(v.getfield(np.int32, 4))),
    "v[None]": Row(lambda v: v[None].__setitem__((0, 1), 3.0)),
    **{f"row {text}": Row(lambda v, write=write: _kept(v, lambda a: a[1], write))
       for text, write in {
           "+=": lambda a: a.__iadd__(1.0), "*=": lambda a: a.__imul__(2.0),
           "fill": lambda a: a.fill(3.0), "sort": lambda a: (a.fill(3.0), a.sort()),
           "put": lambda a: a.put([1], 4.0)}.items()},
    **{f"row {text}": Row(lambda v, write=write: _kept(v, lambda a: a[1], write), raises=True)
       for text, write in {
           "out=": lambda a: np.add(a, 1.0, out=a), "copyto": lambda a: np.copyto(a, 3.0),
           "of a slice": lambda a: a[1:].__setitem__(0, 3.0),
           "writeable": lambda a: (setattr(a.flags, "writeable", True), _set(a)),
           "memoryview": lambda a: memoryview(a).__setitem__(1, 3.0)}.items()},
    **{f"np.{name}": Row(
        lambda v, name=name, more=more: _set(getattr(np, name)(v, *more)), raises=True)
       for name, more in (
           ("ravel", ()), ("reshape", (-1,)), ("transpose", ()), ("atleast_2d", ()),
           ("broadcast_to", (SHAPE,)), ("squeeze", ()), ("swapaxes", (0, 1)), ("flip", ()),
           ("moveaxis", (0, 1)), ("rollaxis", (1,)), ("rot90", ()), ("expand_dims", (1,)),
           ("real", ()), ("atleast_1d", ()), ("flipud", ()), ("fliplr", ()))},
    "np.split": Row(lambda v: _set(np.split(v, 2)[0]), raises=True),
    "np.broadcast_arrays": Row(lambda v: _set(np.broadcast_arrays(v, 1.0)[0]), raises=True),
    "stdlib shuffle": Row(lambda v: random.Random(1).shuffle(v.reshape(-1))),
}

_WRITTEN = {"out", "overwrite_input", "inplace", "dst", "copy", "writeable"}
_SAYS_SO = re.compile(r"in[- ]?place\b|overwrit|modified|modifies|replaces|changes? elements"
                      r"|put values|copies values|fill the|sets? .* to values", re.IGNORECASE)


def namespaces() -> Iterator[tuple[str, Any]]:
    """All namespaces and classes of numpy that have functions of arrays, with their names."""
    yield "", np
    for name in ("random", "linalg", "fft", "ma", "strings", "char", "emath", "rec", "ctypeslib",
                 "polynomial"):
        yield f"{name}.", getattr(np, name)
    for name, each in vars(np.lib).items():
        if isinstance(each, types.ModuleType) and not name.startswith("_"):
            yield f"lib.{name}.", each
    yield "lib.recfunctions.", recfunctions
    for each in (np.random.Generator, np.random.RandomState, np.nditer):
        yield f"{each.__name__}.", each


def may_write(function: Any) -> bool:
    """Whether a function has an argument that is written, or says that it writes."""
    text = function.__doc__ or ""
    try:
        names = set(inspect.signature(function).parameters)
    except (TypeError, ValueError):     # of C: its first line shows them
        names = set(re.findall(r"\w+", text.strip().split("\n\n")[0]))
    return bool(names & _WRITTEN or _SAYS_SO.search(text))


def writing_functions() -> Iterator[str]:
    """The names of all functions of numpy that may write into an array."""
    for space, owner in namespaces():
        for name in dir(owner):
            with warnings.catch_warnings():
                # numpy 2.5 warns where char.array is read.
                warnings.simplefilter("ignore", DeprecationWarning)
                function = getattr(owner, name, None)
            if not name.startswith("_") and callable(function) \
                    and not isinstance(function, (type, np.ufunc)) and may_write(function):
                yield f"{space}{name}"
