"""The register: all that hangs on a domain has a short name, and no file or pickle a module's."""

from __future__ import annotations

import importlib
import json
import pickle
import pickletools
import pkgutil
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dill
import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean import _class_names
from anuga_lean.checkpoint import format_1, register
from anuga_lean.checkpoint.code import unpickled
from anuga_lean.checkpoint.encoder import Encoder
from anuga_lean.mesh import rectangles
from checkpoint.damage import members_of
from checkpoint.models import digests, inside
from checkpoint.zoo import FINALTIME, MODELS, YIELDSTEP, basin, moments

# that models run on ANUGA's arrays, and what ANUGA thinks of its erosion operators
pytestmark = pytest.mark.filterwarnings("ignore::anuga_lean.StockKernelWarning",
                                        "ignore:.*the erosion operators are the expensive way")

MODULE_OF_OURS = re.compile(rb"anuga_lean\.\w+")
every_model = pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)


def test_every_name_is_there() -> None:
    """In the installed ANUGA, and the name of what is found is that name again."""
    assert 100 < len(register.MODULES)
    for name in register.MODULES:
        assert f"anuga.{name}" == register.name_of(register.find(f"anuga.{name}"))


def test_our_names_are_of_classes_that_bear_them() -> None:
    """Each class with a name is where the table says, and the table has no other."""
    for name in _class_names._MODULES:
        cls = _class_names.class_of(name)
        assert name == register.name_of(cls) == f"lean.{cls.__name__.lstrip('_')}"
    for each in pkgutil.walk_packages(anuga.__path__, "anuga_lean."):
        if not each.name.endswith(("__main__", "generator_child")):
            importlib.import_module(each.name)
    assert sorted(_class_names._MODULES) == sorted(_class_names._classes)
    assert len(_class_names._classes) == len(set(_class_names._classes.values()))


def kinds_of(base: type) -> set[type]:
    """The classes that derive from one."""
    return {base}.union(*[kinds_of(each) for each in base.__subclasses__()])


def test_what_anuga_has_for_models_is_registered() -> None:
    """Every operator, boundary and region of the installed release: a new one is named here."""
    import anuga as stock
    from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

    for folder in ("operators", "structures", "shallow_water", "parallel"):
        for each in pkgutil.iter_modules([f"{stock.__path__[0]}/{folder}"]):
            if each.name.startswith("parallel_") or folder != "parallel":
                importlib.import_module(f"anuga.{folder}.{each.name}")
    found = [each for base in (anuga.Operator, Boundary, anuga.Region) for each in kinds_of(base)
             if each.__module__.startswith("anuga.") and not each.__name__.startswith("_")
             and getattr(sys.modules[each.__module__], each.__name__) is each]
    assert 60 < len(found)
    assert [] == [each for each in found if register.name_of(each) is None]


@every_model
def test_all_of_a_domain_is_registered(make: Callable[[], Any], tmp_path: Path) -> None:
    """Before a run, at its yields and after it: nothing is code, no module of ours is named."""
    with inside(tmp_path):
        for domain in moments(make):
            encoder = Encoder(domain)
            assert [] == [f"{item.path}: {item.kind}" for item in encoder.code]
            graph = json.dumps(encoder.objects)
            assert '"lean.Mesh"' in graph
            assert [] == MODULE_OF_OURS.findall(graph.encode())


@every_model
def test_goes_on_from_data_alone(make: Callable[[], Any], tmp_path: Path) -> None:
    """With trusted=False, to the bits of the run that wrote it."""
    with inside(tmp_path):
        domain = make()
        domain.set_checkpointing(checkpoint_dir="sets", checkpoint_step=1, keep=9)
        expected = digests(domain, FINALTIME, yieldstep=YIELDSTEP)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            twin = anuga.load_checkpoint_file("zoo", "sets", YIELDSTEP, trusted=False)
        twin.set_checkpointing(False)
        actual = digests(twin, FINALTIME, yieldstep=YIELDSTEP)
        assert {t: value for t, value in expected.items() if t > YIELDSTEP} == actual
        assert 1 < len(actual)


def globals_of(data: bytes) -> set[tuple[str, str]]:
    """The modules and names that a pickle imports."""
    found, texts, memo = set(), [], {}
    for op, argument, _ in pickletools.genops(data):
        if op.name == "STACK_GLOBAL":
            found.add((texts[-2], texts[-1]))
        elif op.name == "MEMOIZE":
            memo[len(memo)] = texts[-1] if texts else ""
        elif op.name in ("BINGET", "LONG_BINGET"):
            texts.append(memo[argument])
        elif isinstance(argument, str):
            texts.append(argument)
    return found


@every_model
def test_pickles_name_no_module_of_ours(make: Callable[[], Any], tmp_path: Path) -> None:
    with inside(tmp_path):
        for domain in moments(make):
            found = globals_of(dill.dumps(domain, protocol=4))
            assert ("anuga_lean", "_restored") in found
            assert [] == [each for each in found if each[0].startswith("anuga_lean.")]


def test_a_part_alone_is_pickled_by_name() -> None:
    domain = basin()
    for part in (domain.mesh, domain.quantities["stage"], domain.lean, domain.areas):
        data = pickle.dumps(part)
        assert [] == MODULE_OF_OURS.findall(data)
        assert type(part) is type(pickle.loads(data))


CODE = '''
def made_somewhere():
    return 5

made_somewhere.__module__ = None

class Sponge(anuga.Operator):
    """Holds views, classes, methods and functions of ours, and ANUGA's."""

    def __init__(self, domain):
        super().__init__(domain)
        self.kinds = [type(domain.mesh), type(domain.lean), anuga.Quantity, anuga.Rate_operator]
        self.views = [domain.areas, domain.quantities["elevation"].edge_values]
        self.called = [domain.store_timestep, anuga.rectangular_cross,
                       anuga.MeshError, anuga.file_function, domain.mesh.get_nodes,
                       type(domain.mesh).get_nodes, domain.quantities["stage"].set_values,
                       made_somewhere]

    def __call__(self):
        self.stage_c[:] *= 0.999
'''


def test_code_names_no_module_of_ours(tmp_path: Path) -> None:
    """Not in any member of a set with a user's class that holds much of ours."""
    users: dict[str, Any] = {"anuga": anuga, "__name__": "__main__"}
    exec(CODE, users)
    domain = basin()
    operator = users["Sponge"](domain)
    with inside(tmp_path):
        domain.set_checkpointing(checkpoint_dir="sets", checkpoint_step=1)
        expected = digests(domain, FINALTIME, at_most=2, yieldstep=YIELDSTEP)
        [path] = Path("sets").glob(f"zoo_{YIELDSTEP}.npz")
        members = members_of(path.read_bytes())
        assert "code.dill" in members
        assert {} == {name: found for name, data in members.items()
                      if (found := MODULE_OF_OURS.findall(data))}
        twin = anuga.load_checkpoint_file("zoo", "sets", YIELDSTEP)
    other = twin.fractional_step_operators[-1]
    assert operator.kinds == other.kinds
    assert operator.called[1:4] == other.called[1:4]
    assert operator.called[5] is other.called[5]
    assert [twin.store_timestep, twin.mesh.get_nodes, twin.quantities["stage"].set_values] \
        == [other.called[i] for i in (0, 4, 6)]
    assert 5 == other.called[7]()
    assert len(expected) == 2


def test_a_class_that_anuga_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second row finds it where another release has it, under the same name."""
    here = register.find("anuga.Rate_operator")
    [module] = register.MODULES["Rate_operator"]
    for rows in (("anuga.operators.moved", module), (module, "anuga.moved.rate_operators"),
                 ("anuga.operators.base_operator", module)):
        monkeypatch.setitem(register.MODULES, "Rate_operator", rows)
        assert register.find("anuga.Rate_operator") is here
        assert "anuga.Rate_operator" == register.name_of(here)
        assert "anuga.Rate_operator" == format_1.name_of(module, "Rate_operator")
    monkeypatch.setitem(register.MODULES, "Rate_operator", ("anuga.operators.moved",))
    with pytest.raises(ValueError, match="not what the installed anuga has"):
        register.find("anuga.Rate_operator")
    assert register.name_of(here) is None


def test_code_of_format_1_finds_what_has_moved() -> None:
    """Pickled code of a user's names functions by the modules of that time."""
    def found(module: str, name: str) -> Any:
        return unpickled(f"c{module}\n{name}\n.".encode(), [], format_1)

    assert found("anuga_lean.rectangles", "rectangular_cross_domain") \
        is rectangles.rectangular_cross_domain
    assert found("anuga_lean.quantity", "Quantity") is register.find("lean.Quantity")
    from anuga.config import epsilon

    ones, twos = np.ones(2), np.full(2, 2.0)
    assert [-1.0, -1.0] == found("anuga_lean.quantity", "_negated")(ones, twos).tolist()
    assert [1.0 / (2.0 + epsilon)] * 2 == found(
        "anuga_lean.quantity", "_divided")(ones, twos).tolist()
    for name in format_1._MOVED.values():
        importlib.import_module(f"anuga_lean.{name}")
    with pytest.raises(ModuleNotFoundError, match="No module named 'blocks'"):
        found("blocks", "Blocks")       # a user's own module of that name


@pytest.mark.parametrize("module, name", [
    ("os", "system"), ("builtins", "exec"), ("anuga.operators.rate_operators", "warnings.warn"),
    ("anuga.operators.set_stage", "Rate_operator"), ("anuga_lean.mesh", "MeshTable"),
    ("anuga_lean.mesh.mesh", "Mesh"), ("anuga_lean.checkpoint.loading", "load_checkpoint_file"),
    ("anuga_lean.step", "Step.__init__"), ("anuga_lean.step", ""), (None, "Mesh"),
    ("anuga_lean.mesh", None), ("anuga_lean.mesh", ["Mesh"]), ("anuga.file.sww", {})])
def test_names_of_format_1(module: Any, name: Any) -> None:
    """Older files name no more than newer ones do."""
    with pytest.raises(ValueError, match="not among what a checkpoint may name"):
        format_1.name_of(module, name)
