"""Checkpoints and pickles of ANUGA's own classes go on lean; pickles of lean domains are small."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from anuga_lean.overlay.capabilities import capabilities
from checkpoint.compared import differences, read, rest_of, work
from checkpoint.test_ranks import KILLED, LAST_SETS, LEAN, assert_same, pytestmark, start
from checkpoint.test_ranks import read as read_rank
from sessions.compared import told

on_ranks = pytestmark
del pytestmark      # of those tests alone

MODELS = (
    "channel_DE1", "rk3_with_DE0", "ader2_sloped", "periodic", "interior_segments_DE1",
    "inlet_line_and_region", "several_at_once", "boundary_file", "boundary_user_DE0",
    "riverwalls_seeping_DE0", "tracers_DE0", "forcing_captured_DE0", "bed_shear_DE1",
    "user_operator", "start_time_and_output_step", "pressure_constant_and_falling",
)

# A bed that is eroded by the vertex values of the last yield.  ANUGA 4.2 bounds them by what the
# boundaries prescribe: at the start of a run these are zeros, where it goes on they are known.
_OTHERWISE = {("bed_shear_DE1", "first")} if capabilities().prescribed_limiter else set()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what stock has written, and what stock and lean have made of it."""
    folder = tmp_path_factory.mktemp("stock")
    work(folder, list(MODELS), "write", "stock")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda what: work(folder, list(MODELS), *what),
                      (("resume", "stock"), ("resume",))))
    return folder


@pytest.mark.parametrize("model", MODELS)
def test_goes_on_as_stock(runs: Path, model: str) -> None:
    """A lean domain, which does what stock does that goes on, and what stock's whole run did."""
    whole = read(runs / model / "whole.npz")
    for name in ("middle", "first"):
        lean, stock = (read(runs / model / f"{prefix}{name}.npz") for prefix in ("", "stock_"))
        expected = rest_of(whole, int(lean["began"]))
        kernels = [str(each.pop("kernels")) for each in (expected, stock, lean)]
        assert ["stock", "stock", "lean"] == kernels
        if (model, name) not in _OTHERWISE:
            assert [] == differences(expected, lean), name
        # ANUGA's own goes on with the frames one yield too late, and without the one of t=0.
        assert [] == differences(*[{key: value for key, value in each.items() if "sww." not in key
                                    and "yield number" not in key} for each in (stock, lean)])


@on_ranks
def test_goes_on_on_ranks(tmp_path: Path) -> None:
    """Two ranks' files of ANUGA's own, loaded by lean ranks: what its uninterrupted run shows."""
    assert KILLED == start(tmp_path, 2, (), "whole", "broken")
    assert 2 == len(list((tmp_path / "broken" / "CHECKPOINTS").glob("flood_DE1_P2_*_12.0.pickle")))
    # ANUGA's own cannot: it refuses to store a frame at t=13 s behind that of 14 s.
    start(tmp_path, 2, LEAN, "resumed")
    for rank in range(2):
        for algorithm, time in LAST_SETS.items():
            whole, lean = (read_rank(tmp_path, what, algorithm, rank)
                           for what in ("whole", "resumed"))
            assert [] == lean["warnings"].tolist()
            assert "stock" == str(whole["kernels"])
            whole["kernels"] = np.array("lean")
            assert_same(whole, lean, time)


PICKLES = """
import pickle
import dill
from pathlib import Path

def made(n):
    domain = anuga.rectangular_cross_domain(n, n, len1=100.0, len2=100.0)
    domain.set_flow_algorithm("DE0")
    domain.set_store(False)
    domain.set_quantity("elevation", lambda x, y: -0.02 * x + 0.2 * np.sin(y / 9.0))
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: np.where(x < 40.0, 0.8, -0.5))
    wall = anuga.Reflective_boundary(domain)
    tide = anuga.Dirichlet_boundary([0.5, 0.1, 0.0])
    domain.set_boundary({"left": tide, "right": wall, "top": wall, "bottom": wall})
    return domain
"""

STOCKS = PICKLES + """
from anuga_lean.arrays.census import census

there = Path("..") / "stock"
if variant == "stock":
    domain = evolved(made(120), 0.2, 0.1)
    Path("plain.pickle").write_bytes(pickle.dumps(domain))
    anuga.Rate_operator(domain, rate=1.0e-3)    # holds a lambda, which plain pickle cannot
    Path("dill.pickle").write_bytes(dill.dumps(domain))
for name, how in (("plain", pickle), ("dill", dill)):
    domain = how.loads((there / f"{name}.pickle").read_bytes())
    assert is_lean(domain)
    evolved(domain, 0.2, 0.1)
    tell(digest(domain), len(domain))
    assert is_lean(domain)
    if variant == "lean":
        nbytes = census(domain).nbytes / len(domain)
        assert nbytes <= (130 if name == "plain" else 146), nbytes      # rain holds 16
"""


def test_pickles_of_stock_are_lean(tmp_path: Path) -> None:
    """Plain pickle and dill of a stock domain: at most 130 bytes per triangle, the same bits."""
    stock, lean = (told(variant, tmp_path, STOCKS) for variant in ("stock", "lean"))
    assert 2 == len(stock)
    assert stock == lean


OWN = PICKLES + """
if variant == "stock":
    raise SystemExit
place = Path("..") / "domain.pickle"
if not place.exists():
    domain = evolved(made(158), 0.1, 0.05)
    place.write_bytes(pickle.dumps(domain))
    tell(place.stat().st_size / len(domain), len(domain))
else:
    domain = pickle.loads(place.read_bytes())
tell(digest(evolved(domain, 0.1, 0.05)))
assert is_lean(domain)
"""


def test_pickle_of_a_lean_domain(tmp_path: Path) -> None:
    """100,000 triangles: at most 75 bytes each, and another process goes on with the same bits."""
    size, expected = told("lean", tmp_path, OWN)
    nbytes, number_of_triangles = map(float, size.split())
    assert 99_000 < number_of_triangles
    assert nbytes <= 75
    (tmp_path / "lean").rename(tmp_path / "first")
    assert [expected] == told("lean", tmp_path, OWN)
