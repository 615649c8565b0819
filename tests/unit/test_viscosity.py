"""Kinematic viscosity on a lean domain: which arrays exist when."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean.arrays.census import census
from anuga_lean.fractional_steps import kinematic_viscosity
from anuga_lean.overlay.capabilities import capabilities

ARRAYS = ("geo_structure_indices", "geo_structure_values", "operator_data", "operator_colind",
          "operator_rowptr", "elliptic_matrix", "triangle_areas", "boundary_term")


FORMS = capabilities().viscosity_forms
# What names the old form where there are others, too.
VELOCITY = {"form": "velocity"} if FORMS else {}
NU = 0.3
SCHEMES = [("velocity", "implicit"), ("momentum", "implicit"), ("momentum", "explicit")]

with_forms = pytest.mark.skipif(not FORMS, reason="this ANUGA has one form of viscosity")


@pytest.fixture
def domain() -> Any:
    made = still()
    made.set_use_kinematic_viscosity(True)
    return made


def still() -> Any:
    """A domain between walls, without viscosity."""
    made = anuga.rectangular_cross_domain(20, 10, len1=20.0, len2=10.0)
    made.set_store(False)
    made.set_quantity("stage", lambda x, y: 1.0 + 0.2 * np.sin(x))
    made.set_quantity("xmomentum", lambda x, y: 0.3 * np.cos(y))
    wall = anuga.Reflective_boundary(made)
    made.set_boundary(dict.fromkeys(made.get_boundary_tags(), wall))
    return made


def eddies(form: str, scheme: str) -> Any:
    """The same with an eddy viscosity."""
    made = still()
    anuga.Kinematic_viscosity_operator(made, NU, form=form, scheme=scheme)
    return made


def evolve(domain: Any) -> None:
    for _ in domain.evolve(yieldstep=0.2, duration=0.4):
        pass


def held(domain: Any) -> int:
    """Bytes of the operator that grow with the triangles, not with the boundary edges."""
    found = sum(nbytes for group, nbytes in census(domain).groups().items()
                if "kinematic" in group)
    return max(0, found - 40 * domain.boundary_length)


def test_holds_nothing_between_steps(domain: Any) -> None:
    assert 0 == held(domain)
    evolve(domain)
    assert domain.lean is not None
    assert 0 == held(domain)


@with_forms
@pytest.mark.parametrize(("form", "scheme"), SCHEMES)
def test_forms_hold_nothing_between_steps(form: str, scheme: str) -> None:
    domain = eddies(form, scheme)
    evolve(domain)
    assert domain.lean is not None
    # ANUGA's implicit schemes make a number a quantity.
    assert (8 * len(domain) if scheme == "implicit" else 0) == held(domain)


def test_arrays_that_were_asked_for_go_with_the_next_step(domain: Any) -> None:
    operator = domain.kv_operator
    for name in ARRAYS:
        assert getattr(operator, name) is getattr(operator, name)
    assert 0 < held(domain)
    evolve(domain)
    assert 0 == held(domain)


def test_a_serial_step_makes_no_elliptic_matrix(
    domain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    operator = domain.kv_operator
    monkeypatch.setattr(kinematic_viscosity, "whole_matrix", lambda rows: made.append(1))
    monkeypatch.setattr(type(operator), "_make_matrix", lambda self: made.append(2))
    evolve(domain)
    assert [] == made


@pytest.mark.parametrize("name", ["geo_structure_values", "triangle_areas"])
def test_what_is_written_counts_as_in_anuga(domain: Any, name: str) -> None:
    """A write between steps reaches the next one; ANUGA's arrays say what it gives."""
    stock = still()
    with pytest.warns(anuga.StockKernelWarning):
        stock.use_stock_kernels("a test")
    stock.set_use_kinematic_viscosity(True)
    for each in (domain, stock):
        evolve(each)
        value = getattr(each.kv_operator, name)
        array = value if isinstance(value, np.ndarray) else value.data
        array[::3] *= 0.5
    with pytest.warns(anuga.StockKernelWarning, match=f"writing to {name} of Kinematic"):
        evolve(domain)
    evolve(stock)
    for quantity in ("stage", "xmomentum", "ymomentum"):
        assert stock.quantities[quantity].centroid_values.tobytes() \
            == domain.quantities[quantity].centroid_values.tobytes()


def test_reading_only_keeps_lean_kernels(domain: Any) -> None:
    evolve(domain)
    for name in ARRAYS:
        getattr(domain.kv_operator, name)
    evolve(domain)
    assert not domain.on_stock_arrays


def test_an_array_that_was_let_go_is_read_only(domain: Any) -> None:
    evolve(domain)
    kept = domain.kv_operator.geo_structure_values
    evolve(domain)
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 1.0


def test_unknown_attributes_are_refused(domain: Any) -> None:
    with pytest.raises(AttributeError, match="no attribute 'operator_date'"):
        domain.kv_operator.operator_date  # noqa: B018


def test_a_copy_goes_on_alike(domain: Any) -> None:
    evolve(domain)
    copy = pickle.loads(pickle.dumps(domain))
    evolve(domain)
    evolve(copy)
    for name in ("stage", "xmomentum", "xvelocity"):
        assert np.array_equal(domain.quantities[name].centroid_values,
                              copy.quantities[name].centroid_values)


def test_stays_right_on_stock_kernels(domain: Any) -> None:
    evolve(domain)
    copy = pickle.loads(pickle.dumps(domain))
    evolve(domain)
    with pytest.warns(anuga.StockKernelWarning):
        copy.use_stock_kernels("a test")
    evolve(copy)
    assert copy.kv_operator.operator_data.shape == (4 * len(copy),)
    assert np.array_equal(domain.quantities["stage"].centroid_values,
                          copy.quantities["stage"].centroid_values)


@pytest.mark.parametrize("bad", [[1.0], {"height": 1}])
def test_refuses_what_is_no_diffusivity(domain: Any, bad: Any) -> None:
    with pytest.raises(AssertionError, match="diffusivity is a quantity, its name, a number"):
        anuga.Kinematic_viscosity_operator(domain, diffusivity=bad, **VELOCITY)


def test_shows_the_signature_of_anuga() -> None:
    stock = anuga.Kinematic_viscosity_operator.__mro__[1]
    assert inspect.signature(stock) == inspect.signature(anuga.Kinematic_viscosity_operator)


@with_forms
def test_warns_of_the_default_form_where_it_is_relied_upon(domain: Any) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        anuga.Kinematic_viscosity_operator(domain)
    assert [FutureWarning] == [each.category for each in said]
    assert Path(__file__) == Path(said[0].filename)


@with_forms
@pytest.mark.parametrize("wrong", [
    {"form": "stress"}, {"form": "momentum"}, {"form": "velocity", "scheme": "implied"},
    {"form": "velocity", "scheme": "explicit", "diffusivity": 0.1},
    {"form": "momentum", "scheme": "explicit", "diffusivity": True},
    {"form": "momentum", "scheme": "explicit", "diffusivity": -0.1},
])
def test_refuses_the_arguments_that_anuga_refuses(domain: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="form|scheme|viscosity"):
        anuga.Kinematic_viscosity_operator(domain, **wrong)


@with_forms
@pytest.mark.parametrize(("form", "scheme"), SCHEMES)
@pytest.mark.parametrize("how", ["deepcopy", "pickle", "stock kernels"])
def test_forms_go_on_alike(form: str, scheme: str, how: str) -> None:
    domain = eddies(form, scheme)
    evolve(domain)
    other = pickle.loads(pickle.dumps(domain)) if how == "pickle" else copy.deepcopy(domain)
    if how == "stock kernels":
        with pytest.warns(anuga.StockKernelWarning):
            other.use_stock_kernels("a test")
    evolve(domain)
    evolve(other)
    assert (how == "stock kernels") == (other.lean is None)
    for name in ("stage", "xmomentum", "ymomentum", "xvelocity"):
        assert np.array_equal(domain.quantities[name].centroid_values,
                              other.quantities[name].centroid_values)
    if how == "stock kernels":      # whose scratch no copy may free again
        del other
        other = pickle.loads(pickle.dumps(domain))
        evolve(other)


@with_forms
def test_a_scratch_of_anuga_is_not_copied() -> None:
    domain = eddies("momentum", "explicit")
    with pytest.warns(anuga.StockKernelWarning):
        domain.use_stock_kernels("a test")
    evolve(domain)
    operator = domain.fractional_step_operators[-1]
    assert ["host"] == list(operator._scratch)
    twin = copy.deepcopy(domain)
    assert {} == twin.fractional_step_operators[-1]._scratch
    evolve(twin)
    operator.forget_arrays()
    assert {} == operator._scratch
    evolve(domain)
    assert np.array_equal(domain.quantities["stage"].centroid_values,
                          twin.quantities["stage"].centroid_values)


@with_forms
def test_an_explicit_step_needs_two_numbers_per_triangle() -> None:
    import tracemalloc

    made = anuga.rectangular_cross_domain(100, 100)
    made.set_store(False)
    made.set_quantity("stage", 1.0)
    made.set_quantity("xmomentum", lambda x, y: x * y)
    wall = anuga.Reflective_boundary(made)
    made.set_boundary(dict.fromkeys(made.get_boundary_tags(), wall))
    operator = anuga.Kinematic_viscosity_operator(made, NU, form="momentum", scheme="explicit")
    made.distribute_to_vertices_and_edges()
    made.update_boundary()
    made.lean.edges.are_known = False       # as in a step
    made.timestep = 0.5 * operator.max_stable_timestep()
    operator()
    tracemalloc.start()
    operator()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 16 * len(made) <= peak < 17 * len(made)


@with_forms
def test_kernel_refuses_arrays_of_another_size() -> None:
    domain = eddies("momentum", "explicit")
    evolve(domain)
    run, n, m = domain.lean.ready(), len(domain), domain.boundary_length
    good = [np.zeros(m, np.uint8), np.zeros(m), np.zeros(n), np.zeros(n)]
    for place in range(4):
        bad = list(good)
        bad[place] = bad[place][:-1].copy()
        with pytest.raises(ValueError, match="must be C-contiguous"):
            kinematic_viscosity.viscosity_explicit.viscous_change(run, NU, 0.1, *bad)


# Makes a domain on ANUGA as it is, evolves it, pickles it, and evolves it further.
_STOCK = """
import dill
import anuga, numpy as np
domain = anuga.rectangular_cross_domain(20, 10, len1=20.0, len2=10.0)
domain.set_store(False)
domain.set_quantity("stage", lambda x, y: 1.0 + 0.2 * np.sin(x))
domain.set_quantity("xmomentum", lambda x, y: 0.3 * np.cos(y))
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
rain = anuga.Quantity(domain)
rain.set_values(lambda x, y: 1.0e-3 * x)
anuga.Rate_operator(domain, rate=rain)
OPERATOR
def evolve():
    for _ in domain.evolve(yieldstep=0.2, duration=0.4):
        pass
evolve()
with open("domain.pickle", "wb") as file:
    dill.dump(domain, file)
evolve()
np.save("stage.npy", domain.quantities["stage"].centroid_values)
"""


@with_forms
@pytest.mark.parametrize(("form", "scheme"), SCHEMES)
def test_goes_on_from_a_domain_that_anuga_has_pickled(
    form: str, scheme: str, tmp_path: Path
) -> None:
    script = _STOCK.replace("OPERATOR", "anuga.Kinematic_viscosity_operator("
                            f"domain, {NU}, form={form!r}, scheme={scheme!r})")
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=200)
    import dill

    domain = dill.loads((tmp_path / "domain.pickle").read_bytes())
    assert domain.lean is not None
    evolve(domain)
    assert np.array_equal(np.load(tmp_path / "stage.npy"),
                          domain.quantities["stage"].centroid_values)
