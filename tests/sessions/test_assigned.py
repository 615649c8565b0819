"""Arrays that a script puts in the place of those that ANUGA's kernels and operators hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.compared import both

MODEL = """
class Once(anuga.Operator):
    def __init__(self, domain, act):
        super().__init__(domain)
        self.act, self.count = act, 0
    def __call__(self):
        self.count += 1
        if self.count == 3:
            self.act()
    def parallel_safe(self): return True
    def timestepping_statistics(self): return ""

def model():
    d = anuga.rectangular_cross_domain(20, 20, len1=100, len2=100)
    d.set_store(False)
    d.set_quantity("stage", 0.5)
    wall = anuga.Reflective_boundary(d)
    edge = anuga.Time_boundary(d, lambda t: [0.5 + 0.1 * t, 0.0, 0.0]) if TIDE else wall
    d.set_boundary({tag: wall for tag in d.get_boundary_tags()} | {"left": edge})
    return d

held = []   # what stock's kernels go on with: it would be freed, and they would write there

def run(change, when):
    d = model()
    q = d.quantities["stage"]
    held.extend([q.vertex_values, q.edge_values, q.boundary_values, d.areas])
    step = np.where(d.get_centroid_coordinates()[:, 0] < 50, 2.0, 0.5)
    if when == "operator":
        Once(d, lambda: change(d, q, step))
    if when == "before":
        change(d, q, step)
    found = []
    for t in d.evolve(yieldstep=1, finaltime=3):
        if t == 1 and when == "yield":
            change(d, q, step)
        found.append(float(np.abs(d.quantities["xmomentum"].centroid_values).max()))
    return found

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    tell(*run(CHANGE, WHEN)[2:])
    said = [str(w.message) for w in said if w.category.__name__ == "AssignmentWarning"]
if variant == "lean":
    tell(len(said), *said)
"""

STILL = 1e-12
# What the case gives with the values, at 2 s and 3 s, on lean and, written in place, on stock.
MOVED = "2.646018774436696 2.4925180616145455"


def found(folder: Path, change: str, when: str = "yield",
          tide: bool = False) -> tuple[list[str], list[str]]:
    """The largest |xmomentum| at 2 s and 3 s on stock and lean, and what lean says."""
    script = f"TIDE, WHEN = {tide}, {when!r}\ndef CHANGE(d, q, step):\n    {change}\n" + MODEL
    return both(folder, script)


@pytest.mark.parametrize(("change", "what"), [
    ("q.centroid_values = step", "quantities['stage'].centroid_values"),
    ("setattr(q, 'centroid_values', step); q.centroid_values = step.copy()",
     "quantities['stage'].centroid_values"),
    ("vars(q)['centroid_values'] = step", "quantities['stage'].centroid_values"),
    ("d.quantities['stage'] = other = anuga.Quantity(d); "
     "other.set_values(step, location='centroids')", "quantities['stage']"),
])
def test_values_count_and_both_are_told_apart(tmp_path: Path, change: str, what: str) -> None:
    """ANUGA's water stays where it is; here it moves, and one sentence says so, once."""
    stock, lean = found(tmp_path, change)
    assert all(float(each) < STILL for each in stock[0].split())
    assert MOVED == lean[0]
    count, words = lean[1].split(" ", 1)
    assert "1" == count
    assert f"domain.{what} was assigned after the first step: ANUGA would go on" in words


@pytest.mark.parametrize("change", [
    "q.centroid_values[:] = step", "q.set_values(step, location='centroids')",
    "q.centroid_values += step - q.centroid_values",
])
def test_written_in_place_both_do_the_same(tmp_path: Path, change: str) -> None:
    """What the sentence tells to type: the same values on both, and nothing to say."""
    stock, lean = found(tmp_path, change)
    assert MOVED == stock[0]
    assert [MOVED, "0"] == lean


def test_before_the_first_step_nothing_is_said(tmp_path: Path) -> None:
    """ANUGA's kernels take the new array then."""
    stock, lean = found(tmp_path, "q.centroid_values = step", "before")
    assert float(stock[0].split()[0]) > 1.0
    assert [stock[0], "0"] == lean


def test_an_operator_holds_the_array_it_was_made_with(tmp_path: Path) -> None:
    """Before the first step, too: ANUGA's rain falls into an array that nothing reads."""
    stock, lean = found(
        tmp_path, "anuga.Rate_operator(d, rate=0.1, center=[50.0, 50.0], radius=20.0); "
        "q.centroid_values = np.array(q.centroid_values)", "before")
    assert all(float(each) < STILL for each in stock[0].split())
    assert all(float(each) > 0.01 for each in lean[0].split())
    assert lean[1].startswith("1 domain.quantities['stage'].centroid_values was assigned after "
                              "Rate_operator was made: ")


def test_in_an_operator(tmp_path: Path) -> None:
    """Assigned in the middle of a step."""
    stock, lean = found(tmp_path, "q.centroid_values = step", "operator")
    assert all(float(each) < STILL for each in stock[0].split())
    assert all(float(each) > 1.0 for each in lean[0].split())
    assert lean[1].startswith("1 ")


def test_boundary_values(tmp_path: Path) -> None:
    """ANUGA's kernels do not see the tide any more; its boundary writes elsewhere."""
    changed = found(tmp_path, "q.boundary_values = np.array(q.boundary_values)", tide=True)
    (tmp_path / "kept").mkdir()
    kept = found(tmp_path / "kept", "pass", tide=True)
    assert kept[0][0] == kept[1][0] == changed[1][0] != changed[0][0]
    assert "1 domain.quantities['stage'].boundary_values" == changed[1][1][:44]


def test_a_table_of_the_mesh(tmp_path: Path) -> None:
    """Written before the first step it counts on both, assigned later here only."""
    change = "d.areas = 2.0 * np.array(d.areas)"
    stock, lean = found(tmp_path, change, tide=True)
    assert stock[0] != lean[0]
    assert lean[1].startswith("1 domain.areas was assigned after the first step: ")
    (tmp_path / "before").mkdir()
    stock, lean = found(tmp_path / "before", change, "before", tide=True)
    assert [stock[0], "0"] == lean


@pytest.mark.parametrize("change", [
    "q.vertex_values = np.array(q.vertex_values) + 1.0",
    "q.edge_values = np.array(q.edge_values) + 1.0",
    "d.quantities['xvelocity'].centroid_values = 3.0 * step",
])
def test_what_each_step_makes_anew(tmp_path: Path, change: str) -> None:
    """Vertex and edge values, and velocities: no difference, no word."""
    stock, lean = found(tmp_path, change, tide=True)
    assert [stock[0], "0"] == lean
