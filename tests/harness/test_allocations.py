"""Which line makes the peak: memray's recording against lines of known sizes."""

from __future__ import annotations

from pathlib import Path

import pytest

from anuga_lean._errors import AllocationError
from anuga_lean.measure import allocations
from anuga_lean.measure.measurement import Request, measure

# A diagnostic that is easily forgotten, and two blocks of which one outlives the mark.
SCRIPT = """
import numpy
import anuga
import anuga_lean

domain = anuga.rectangular_cross_domain(4, 4)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
kept = numpy.ones(5 << 17)
total = sum([numpy.ones(40 << 17)]).sum()
anuga_lean.mark("ready")
late = numpy.ones(80 << 17)
for _ in domain.evolve(yieldstep=0.01, finaltime=0.01):
    pass
"""


def line_of(text: str) -> str:
    return f"model.py:{SCRIPT[:SCRIPT.index(text)].count(chr(10)) + 1} <module>"


def recorded(folder: Path, at: str | None) -> Path:
    path = folder / "model.py"
    path.write_text(SCRIPT)
    measure(Request("lean", str(path), memray=True, at=at, arrays=False), folder / "run")
    return folder / "run" / "memray.bin"


def sizes(found: allocations.Allocations) -> dict[str, int]:
    return {"/".join(site.site.split("/")[-1:]): site.nbytes >> 20 for site in found.sites}


@pytest.mark.slow
def test_the_line_of_the_peak_is_named_with_its_share(tmp_path: Path) -> None:
    peak = allocations.at_peak(recorded(tmp_path, None))
    first = peak.sites[0]
    assert first.site.endswith(line_of("late ="))
    assert 80 == first.nbytes >> 20
    assert first.share == pytest.approx(first.nbytes / peak.nbytes)
    assert sum(site.share for site in peak.sites) == pytest.approx(1.0)
    assert sorted(peak.sites, key=lambda site: -site.nbytes) == peak.sites
    graph = tmp_path / "graph.html"
    allocations.write_flamegraph(tmp_path / "run" / "memray.bin", graph)
    assert "<html" in graph.read_text()


@pytest.mark.slow
def test_at_a_mark_what_is_alive_and_the_peak_before(tmp_path: Path) -> None:
    path = recorded(tmp_path, "ready")
    alive, peak = sizes(allocations.at_end(path)), sizes(allocations.at_peak(path))
    assert 5 == alive[line_of("kept =")] and 5 == peak[line_of("kept =")]
    assert line_of("total =") not in alive or 0 == alive[line_of("total =")]
    assert 40 <= peak[line_of("total =")] <= 81  # numpy may hold the sum and its argument
    assert line_of("late =") not in {**alive, **peak}


def test_a_torn_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torn.bin").write_bytes(b"memray")
    for read in (allocations.at_peak, allocations.at_end):
        with pytest.raises(AllocationError, match="is no whole recording of memray's"):
            read(tmp_path / "torn.bin")
    with pytest.raises(AllocationError, match="memray wrote no flamegraph"):
        allocations.write_flamegraph(tmp_path / "torn.bin", tmp_path / "graph.html")


def test_without_memray_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "memray", None)
    with pytest.raises(AllocationError, match=r"pip install 'anuga_lean\[bench\]'"):
        allocations.check_installed()


def test_what_measuring_allocates_is_left_out() -> None:
    site = "/x/lib/python3.11/site-packages"
    numpy, ours = ("ones", f"{site}/numpy/core.py", 3), f"{site}/anuga_lean"
    model = ("<module>", "/home/me/model.py", 9)
    watching = ("evolve", f"{ours}/measure/script.py", 80)
    importing = ("import_anuga", f"{ours}/measure/child.py", 250)
    census = ("census", f"{ours}/arrays/census.py", 60)
    assert [True, True, False, False, False] == [allocations._is_harness(stack) for stack in (
        [numpy, watching, model], [census, ("finished", f"{ours}/measure/child.py", 220)],
        [numpy, model, watching], [("_find", "<frozen importlib>", 1), importing], [numpy])]
