"""Calls every public name on one variant of ANUGA and writes down what comes of it.

`python -m surface.walk VARIANT FOLDER PART...` with VARIANT stock or lean and PART
one of the tables of `surface.tables`.  Every name is called in a process of its
own, forked from one in which ANUGA and the model are ready, in a folder of its
own; after its calls the model evolves on.  FOLDER/PART.pickle holds the records.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import pickle
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from surface.models import MOMENTS, Model, Tools
from surface.plain import plain, state, without_clock

VARIANTS = {"stock": "anuga", "lean": "anuga_lean"}
OWN_WARNING = "StockKernelWarning"


def load(variant: str) -> ModuleType:
    """The module a script of this variant calls `anuga`, its classes in place."""
    anuga = importlib.import_module(VARIANTS[variant])
    anuga.Domain  # noqa: B018  the first ANUGA name asked of anuga_lean brings the hook in
    return anuga


def attempt(expression: str, names: dict[str, Any]) -> dict[str, Any]:
    """What an expression gives, or raises, prints and warns of."""
    said = io.StringIO()
    found: dict[str, Any] = {}
    with contextlib.redirect_stdout(said), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found["result"] = plain(eval(expression, names))
        except Exception as error:
            kinds = [kind.__name__ for kind in type(error).__mro__]
            found["raised"] = (kinds, without_clock(str(error)))
            found["trace"] = traceback.format_exc()
    found["printed"] = without_clock(said.getvalue())
    found["warned"] = [(w.category.__name__, without_clock(str(w.message))) for w in caught]
    return found


def follow_up(model: Model) -> dict[str, Any]:
    """Let the model evolve on after the calls: what they have left behind shows in its state."""
    def evolve() -> dict[str, Any]:
        model.go_on()
        return state(model.domain)
    return attempt("evolve()", {"evolve": evolve})


def calls_of(
    model: Model, anuga: ModuleType, table: dict[str, list[str]], group: list[str]
) -> dict[str, Any]:
    """What the calls of each name in a group give, then how the domain evolves on."""
    names = Tools(anuga, model.domain).names()
    found = {name: [(each, attempt(each, names)) for each in table[name]] for name in group}
    found[group[-1]].append(("later", follow_up(model)))
    said = [text for calls in found.values() for _, each in calls
            for kind, text in each["warned"] if kind == OWN_WARNING]
    is_lean = getattr(model.domain, "lean", None) is not None
    return {"calls": found, "said": said, "is_lean": is_lean}


def forked(work: Any) -> Any:
    """The result of `work()` in a forked process and a folder of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            with tempfile.TemporaryDirectory() as folder:
                os.chdir(folder)
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, 1)  # what compiled code prints
                found = work()
                os.chdir("/")
            with os.fdopen(writing, "wb") as stream:
                pickle.dump(found, stream)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    status = os.waitpid(child, 0)[1]
    return pickle.loads(data) if status == 0 else {"died": status}


def attributes(model: Model) -> dict[str, Any]:
    """Every public attribute of the domain, its mesh and a quantity that is not a method."""
    found = {}
    owners = {"Domain": model.domain, "Mesh": model.domain.mesh,
              "Quantity": model.domain.quantities["stage"]}
    for kind, owner in owners.items():
        for name in dir(owner):
            if name.startswith("_") or not hasattr(owner, name):
                continue
            value = getattr(owner, name)
            if not (callable(value) and hasattr(value, "__qualname__")):
                found[f"{kind}.{name}"] = plain(value, 1)
    return found


def listed(anuga: ModuleType) -> dict[str, Any]:
    """The public names of the module and of the three classes, with kind and signature."""
    from surface.names import described
    owners = {"anuga": importlib.import_module("anuga"), "Domain": anuga.Domain,
              "Mesh": anuga.Mesh, "Quantity": anuga.Quantity}
    return {kind: {name: described(owner, name) for name in dir(owner)
                   if not name.startswith("_")} for kind, owner in owners.items()}


def records(anuga: ModuleType, part: str) -> Iterator[tuple[Any, Any]]:
    """Every record of a part, by (moment, name)."""
    from surface.tables import TABLES, groups
    if part == "names":
        yield "names", listed(anuga)
        return
    for moment in MOMENTS if part != "module" else MOMENTS[:1]:
        model = Model(anuga, moment)
        gc.freeze()  # or every child copies what its collector looks at
        if part == "attributes":
            yield moment, forked(lambda: attributes(model))  # noqa: B023  runs at once
            continue
        for group in groups(part):
            yield (moment, tuple(group)), forked(
                lambda: calls_of(model, anuga, TABLES[part], group))  # noqa: B023  runs at once


def main(argv: list[str]) -> int:
    """The command line described above."""
    variant, folder, *parts = argv
    anuga = load(variant)
    if ("anuga_lean.stepping.domain" in sys.modules) != (variant == "lean"):
        raise SystemExit(f"the {variant} variant has the wrong classes in place")
    for part in parts:
        found = dict(records(anuga, part))
        Path(folder, f"{part}.pickle").write_bytes(pickle.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
