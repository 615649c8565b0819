"""What a notebook does: cells run again, modules reloaded, objects displayed and asked about."""

from __future__ import annotations

from pathlib import Path

from sessions.compared import told

CELLS = '''
import code

console = code.InteractiveConsole({"__name__": "__main__"})
shell = console.locals

def cell(text):
    """Run a cell as a shell does; what it raises ends the test."""
    exec(compile(text, "<cell>", "exec"), shell)

first = """
import anuga_lean as anuga
from anuga_lean import Domain, rectangular_cross_domain
from anuga.shallow_water.shallow_water_domain import Domain as Inner
"""
second = """
domain = rectangular_cross_domain(4, 4)
domain.set_name("notebook")
domain.set_store(False)
domain.set_quantity("stage", lambda x, y: x)
domain.set_boundary({tag: anuga.Reflective_boundary(domain) for tag in domain.get_boundary_tags()})
class Mine(Domain):
    pass
mine = Mine(*anuga.rectangular_cross(4, 4))
"""
run = "for t in domain.evolve(yieldstep=0.1, duration=0.2): pass"

kinds = set()
for turn in range(3):
    cell(first)
    cell(second)
    cell(run)
    cell(run)
    kinds.add(shell["Domain"])
    assert shell["domain"].lean is not None and shell["mine"].lean is not None
    assert shell["Domain"] is shell["Inner"] is shell["anuga"].Domain
    if turn == 0:
        cell("import importlib; importlib.reload(anuga)")
    if turn == 1:
        cell("import importlib, sys; importlib.reload(sys.modules['anuga'])")
        cell("importlib.reload(sys.modules['anuga_lean.overlay.install']); importlib.reload(anuga)")
        cell("anuga.Domain")
assert 1 == len(kinds)
console.push("domain.get_time()")
tell("cells")
'''


def test_cells_run_again(tmp_path: Path) -> None:
    """Imports and models of a notebook repeated, anuga_lean and anuga reloaded in between."""
    assert ["cells"] == told("lean", tmp_path, CELLS)


DISPLAY = '''
import inspect, pydoc, rlcompleter
import anuga as plain_anuga

domain = built(anuga)
for each in (domain, domain.mesh, domain.quantities["stage"], domain.areas,
             domain.quantities["stage"].edge_values, domain.max_speed):
    # an array-like as numpy shows its elements, all else in a line or two
    shown = repr(np.array(each)) if hasattr(each, "dtype") else ""
    assert repr(each) == shown if shown else len(repr(each)) < 500, repr(each)
evolved(domain, 0.5)
for each in (domain, domain.mesh, domain.lean):
    assert len(repr(each)) < 500
# A notebook asks an object for these, and takes whatever is there: a domain shows a table.
assert domain._repr_html_().startswith("<table>")
for name in ("_repr_html_", "_repr_mimebundle_", "_ipython_display_", "_ipython_canary_method_"):
    for each in (domain, domain.mesh, domain.quantities["stage"], domain.areas, anuga):
        assert each is domain and name == "_repr_html_" or not hasattr(each, name), (name, each)
tell(str(domain.mesh))

names = set(dir(anuga))
assert set(dir(plain_anuga)) <= names and "from_domain" in names
for name in dir(plain_anuga):
    if not name.startswith("__"):
        assert getattr(anuga, name) is getattr(plain_anuga, name), name
complete = rlcompleter.Completer({"anuga": anuga, "domain": domain}).complete
assert complete("anuga.rectangular_cross_d", 0).startswith("anuga.rectangular_cross_domain")
assert complete("domain.set_quant", 0).startswith("domain.set_quantit")
for name in dir(domain):
    if not name.startswith("__"):
        inspect.getattr_static(domain, name)

for what in (anuga.Domain, anuga.Quantity, anuga.Mesh, anuga.Domain.evolve,
             anuga.Domain.compute_fluxes, anuga.Quantity.set_values, anuga.Mesh.get_extent,
             anuga.rectangular_cross_domain, domain.set_quantity, domain.evolve):
    text = pydoc.render_doc(what, renderer=pydoc.plaintext)
    assert what.__name__ in text and len(text) > 100
    assert inspect.getdoc(what) and inspect.signature(what) and inspect.getsource(what)
text = pydoc.render_doc(anuga, renderer=pydoc.plaintext)
assert "anuga_lean" in text
tell(inspect.signature(anuga.Domain.evolve))
'''


def test_display_completion_and_help(tmp_path: Path) -> None:
    """repr, dir, completion, help(), signature and source of what a user looks at."""
    mesh, signature = told("lean", tmp_path, DISPLAY)
    assert "96 triangles" in mesh
    assert "yieldstep" in signature
