"""Copies of a domain, its mesh and quantities: they go on by themselves, as stock's do."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.compared import both

MAKE = """
import copy, os, pickle
import dill

LINE = [[1010.3, 2004.1], [1010.4, 2015.8]]
ENDS = [[1010.3, 2010.1], [1026.4, 2010.8]]

class Model:
    '''What a user keeps around a domain.'''

def made(algorithm, operators=True):
    domain = built(anuga, algorithm)
    if operators:
        domain.rain = anuga.Rate_operator(domain, rate=1.0e-3)
        domain.inlet = anuga.Inlet_operator(domain, LINE, Q=0.5)
        domain.culvert = anuga.Boyd_box_operator(
            domain, losses=1.5, width=2.0, height=1.0, end_points=ENDS, enquiry_gap=1.0,
            manning=0.013)
    return domain

def belongs(twin, domain):
    '''Whether what hangs on the copy points at the copy.'''
    found = [(type(each).__name__, each.domain is twin,
              getattr(each, "stage_c", None) is twin.quantities["stage"].centroid_values)
             for each in twin.fractional_step_operators]
    found += [(tag, getattr(each, "domain", twin) is twin)
              for tag, each in sorted(twin.boundary_map.items())]
    found += [twin.mesh is not domain.mesh, twin.rain.domain is twin,
              twin.quantities["stage"].domain is twin, twin.boundary_flux_integral.domain is twin,
              twin.culvert.inlets[0].domain is twin]
    return found

def moments(make):
    '''A domain before, in and after an evolve, and how it goes on.'''
    domain = make()
    yield "before", domain, lambda: evolved(domain, 1.0)
    held = make()
    run = held.evolve(yieldstep=0.5, finaltime=2.0)
    next(run), next(run)
    yield "yield", held, lambda: list(run)
    after = evolved(make(), 1.0)
    yield "after", after, lambda: evolved(after, 1.0)
"""

COPIES = MAKE + """
def inside(domain):
    '''A deep copy of a list, a dict and an object that all know the domain.'''
    model = Model()
    model.domain, model.stage = domain, domain.quantities["stage"]
    model.things = [{"domain": domain, "mesh": domain.mesh}, model.stage.centroid_values]
    twin = copy.deepcopy(model)
    assert twin.domain.quantities["stage"] is twin.stage
    assert twin.things[0]["domain"] is twin.domain and twin.things[0]["mesh"] is twin.domain.mesh
    assert twin.things[1] is twin.stage.centroid_values
    return twin.domain

WAYS = {"deepcopy": copy.deepcopy, "pickle": lambda each: pickle.loads(pickle.dumps(each)),
        "dill": lambda each: dill.loads(dill.dumps(each)), "inside": inside}
way = WAYS[os.environ["WAY"]]
for algorithm in ("DE0", "DE1"):
    for moment, domain, go_on in moments(lambda: made(algorithm)):
        before = digest(domain)
        try:
            twin = way(domain)
        except Exception as error:
            tell(moment, type(error).__name__)
            continue
        tell(moment, belongs(twin, domain))
        tell(digest(twin) == before)
        evolved(twin, 1.0)
        assert digest(domain) == before
        go_on()
        tell(digest(twin))
        tell(digest(domain))
        assert is_lean(domain) and is_lean(twin)
"""


@pytest.mark.parametrize("way", ["deepcopy", "pickle", "dill", "inside"])
def test_copies_go_on_alone(tmp_path: Path, way: str) -> None:
    """Copy and original evolve independently, each with its operators and boundaries."""
    stock, lean = both(tmp_path, COPIES, WAY=way)
    assert stock == lean


SHALLOW = MAKE + """
for moment, domain, go_on in moments(lambda: made("DE1", operators=False)):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        twin = copy.copy(domain)
    tell(twin.quantities is domain.quantities, twin.mesh is domain.mesh, type(twin).__name__)
    evolved(twin, 1.0)
    tell(digest(twin), digest(domain))
    go_on()
    tell(digest(twin), digest(domain))
    assert variant == "stock" or ["a shallow copy"] == [str(w.message)[:14] for w in said]
"""


def test_shallow_copy(tmp_path: Path) -> None:
    """Two domains on the same arrays: stock's kernels step both, as announced."""
    stock, lean = both(tmp_path, SHALLOW)
    assert stock == lean


PARTS = MAKE + """
def shown(quantity):
    places = ("vertices", "edges", "centroids")
    return [float(np.sum(np.array(quantity.get_values(location=place)) ** 2)).hex()
            for place in places]

for moment, domain, go_on in moments(lambda: made("DE1", operators=False)):
    for way in (copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))):
        stage = way(domain.quantities["stage"])
        tell(moment, shown(stage), stage.get_name(), stage.domain is domain,
             stage.domain.quantities["stage"] is stage)
        tell(shown(way(domain.quantities["stage"] * 2.0 + domain.quantities["friction"].
                       get_integral())))
        mesh = way(domain.mesh)
        tell(str(mesh), mesh.boundary == domain.mesh.boundary, mesh.tagged_elements.keys())
        tell([float(np.sum(np.array(getattr(mesh, name)))).hex()
              for name in ("areas", "normals", "radii", "neighbours", "centroid_coordinates")])
        mesh.set_georeference(anuga.Geo_reference(55, 1.0, 2.0))
        tell(domain.mesh.geo_reference.xllcorner, mesh.get_extent(absolute=True))
    go_on()
    tell(digest(domain))
"""


def test_parts(tmp_path: Path) -> None:
    """A quantity and a mesh alone."""
    stock, lean = both(tmp_path, PARTS)
    assert stock == lean


OPERATORS = MAKE + """
from anuga.operators.collect_max_quantities_operator import Collect_max_quantities_operator

domain = made("DE0")
maxima = Collect_max_quantities_operator(domain)
evolved(domain, 1.0)
for way in (copy.deepcopy, lambda each: dill.loads(dill.dumps(each))):
    for operator in (maxima, domain.inlet, domain.culvert):
        twin = way(operator)
        tell(type(twin).__name__, twin.domain is domain,
             twin in twin.domain.fractional_step_operators)
        if operator is maxima:
            tell(np.array_equal(twin.max_stage, maxima.max_stage))
"""


def test_operators(tmp_path: Path) -> None:
    """An operator alone, whose domain comes along and lists it before it has its state."""
    stock, lean = both(tmp_path, OPERATORS)
    assert stock == lean


GARBAGE = """
import gc, weakref
import tracemalloc

def lost(how):
    '''Whether a domain and its arrays are gone, and the bytes that are still held.'''
    domain = built(anuga, "DE1")
    how(domain)
    watched = [weakref.ref(each) for each in (
        domain, domain.mesh, domain.quantities["stage"],
        domain.quantities["stage"].centroid_values, domain.quantities["stage"].edge_values)]
    if domain.lean is not None and domain.lean.run is not None:
        watched += [weakref.ref(domain.lean), weakref.ref(domain.lean.stages.work)]
    del domain
    gc.collect()
    return [each() is None for each in watched]

def read(domain):
    evolved(domain, 1.0)
    domain.quantities["stage"].get_values(location="edges")
    domain.areas[3], domain.neighbours[4], domain.max_speed[5]
    (domain.quantities["stage"] - domain.quantities["elevation"]).get_integral()
    domain.get_flow_through_cross_section([[1020.3, 2001.0], [1020.4, 2019.0]])

def held(domain):
    run = domain.evolve(yieldstep=0.5, finaltime=2.0)
    next(run), next(run)

def failed(domain):
    def broken(t):
        if t > 0.5:
            raise ValueError(t)
        return [-0.2, 0.0, 0.0]
    domain.set_boundary({"right": anuga.Time_boundary(domain, broken)})
    try:
        evolved(domain, 1.0)
    except Exception as error:
        tell(type(error).__name__)

def stock_kernels(domain):
    evolved(domain, 1.0)
    domain.add_tracer("dye")
    evolved(domain, 1.0)

for how in (lambda domain: None, read, held, failed, stock_kernels):
    assert all(lost(how)), how.__name__
tracemalloc.start()
sizes = []
for turn in range(6):
    lost(read)
    sizes.append(tracemalloc.get_traced_memory()[0])
tell(sizes[-1] - sizes[1])
"""


def test_a_domain_that_is_let_go_is_gone(tmp_path: Path) -> None:
    """After a run, in the middle of one, after an error: nothing keeps its arrays."""
    from sessions.compared import told

    error, kept = told("lean", tmp_path, GARBAGE)
    assert "ValueError" == error or "Exception" == error
    assert int(kept) < 40_000  # four domains more; a mesh of 96 triangles alone is 20 kB
