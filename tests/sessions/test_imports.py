"""What ANUGA imports for a few of its functions loads at their first use, and nothing shows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Of a process that has imported ANUGA and evolved a small domain with rain and walls.
# MiB of anonymous RSS, without a frame of SWW output and with one.  Pages of files are left out:
# they are shared, and 6 MiB more of them are mapped while the page cache has the libraries in
# large pieces.
CEILING, WITH_A_FRAME = 29, 34
WAITING = ("matplotlib", "scipy", "dill", "xarray", "pandas", "PIL", "hashlib", "pdb", "mpi4py",
           "numpy.random", "anuga.shallow_water.sw_domain_gpu_ext", "anuga.utilities._sww_frames",
           "shutil", "random", "zipfile", "tempfile", "certifi")
WAITING_FOR_A_FRAME = ("netCDF4", "subprocess", "socket", "uuid")

START = """
import sys, warnings
import anuga_lean as anuga
import numpy as np
anuga.Domain

def built():
    domain = anuga.rectangular_cross_domain(4, 4, len1=40.0, len2=20.0)
    domain.set_store(False)
    domain.set_quantity("elevation", lambda x, y: -x / 20)
    domain.set_quantity("stage", 0.1)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({tag: wall for tag in domain.get_boundary_tags()})
    return domain

def evolved(domain):
    for t in domain.evolve(yieldstep=0.1, duration=0.3):
        pass
    assert domain.lean is not None
    return domain

def loaded(*names):
    return [name for name in names if name in sys.modules]
"""

# Each in a process of its own, forked when ANUGA is in.
FIRST_USES = {
    "a plotter": """
import matplotlib
matplotlib.use("Agg")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    plotter = anuga.Domain_plotter(built())
    plotter.plot_mesh()
import matplotlib.pyplot
assert anuga.utilities.animate.plt is matplotlib.pyplot
""",
    "certificates of https": """
from anuga.file.netcdf import NetCDFFile
NetCDFFile("a.nc", "w").close()
assert "certifi" not in sys.modules
import certifi, netCDF4
assert netCDF4.rc_get("HTTP.SSL.CAINFO") == certifi.where()
assert certifi.contents() and netCDF4._netCDF4.certifi.contents() == certifi.contents()
""",
    "a file is copied, a number drawn": """
import shutil
from anuga.abstract_2d_finite_volumes import util
from anuga.alpha_shape import alpha_shape
assert util.copy is shutil.copy and alpha_shape.random.random() < 1.0
""",
    "points are fitted": """
points = [[x, y] for x in np.linspace(1, 39, 20) for y in np.linspace(1, 19, 10)]
fitted = anuga.fit_to_mesh(points, mesh=built().mesh, alpha=0.01,
                           point_attributes=np.arange(200.0))
assert [] == loaded("scipy")
assert 0 < np.ptp(fitted) and np.isfinite(fitted).all()
from anuga.fit_interpolate.fit import Fit
fit = Fit(mesh=built().mesh, alpha=0.01)
fit.fit(np.array(points), np.arange(200.0))
assert 0 < fit.select_alpha()
from anuga.fit_interpolate.fit import sp, spla
import scipy.sparse.linalg
assert spla is scipy.sparse.linalg and sp is scipy.sparse
""",
    "a pump": """
domain = built()
pump = anuga.pumping_station_function(domain, 0.5, hw_to_start_pumping=0.0,
                                      hw_to_stop_pumping=-1.0, initial_pump_rate=0.0,
                                      pump_rate_of_increase=1.0, pump_rate_of_decrease=1.0)
anuga.Internal_boundary_operator(domain, pump, end_points=[[10.0, 10.0], [30.0, 10.0]], width=5.0)
evolved(domain)
""",
    "root finding": """
from anuga.parallel import parallel_internal_boundary_operator as parallel
import anuga.structures.internal_boundary_operator as serial
assert [] == loaded("scipy")
assert serial.sco.root(lambda x: x - 2.0, 0.0).success
import scipy.optimize
assert serial.sco is parallel.sco is scipy.optimize and serial.scipy is parallel.scipy is scipy
""",
    "a class": """
functions = anuga.structures.internal_boundary_functions
seen = vars(functions)["interp1d"]
assert 1.5 == float(seen([0.0, 1.0], [1.0, 2.0])(0.5)) and [] != loaded("scipy.interpolate")
from scipy.interpolate import interp1d
assert functions.interp1d is vars(functions)["interp1d"] is interp1d
""",
    "a factor over time": """
domain = built()
anuga.Rate_operator(domain, rate=1e-3, factor=np.array([[0.0, 1.0], [1.0, 2.0]]))
evolved(domain)
assert ["scipy"] == loaded("scipy", "xarray")
""",
    "dill": """
import anuga.caching.caching, anuga.shallow_water.shallow_water_domain as swd
assert [1] == swd.pickle.loads(swd.pickle.dumps([1]))
import dill
assert dill is swd.pickle is anuga.caching.caching.pickler is anuga.caching.pickler
""",
    "the cache": """
import os
os.environ["HOME"] = os.getcwd()
def double(x):
    return 2 * x
for _ in range(2):
    assert 6.0 == anuga.cache(double, (3.0,), cachedir=os.getcwd() + "/c/")
""",
    "a hash": """
assert 64 == len(anuga.utilities.system_tools.hashlib.sha256(b"").hexdigest())
import hashlib
assert anuga.utilities.system_tools.hashlib is hashlib
""",
    "names imported from ANUGA": """
from anuga.utilities.animate import plt
import matplotlib.pyplot
assert plt is matplotlib.pyplot
everything = {}
exec("from anuga.caching import *", everything)
import dill
assert everything["pickler"] is dill
""",
    "inspect": """
import inspect
module = anuga.utilities.animate
names = dir(module)
members = dict(inspect.getmembers(module))
import matplotlib.pyplot
assert members["plt"] is matplotlib.pyplot and sorted(members) == names == dir(module)
assert inspect.ismodule(module) and hasattr(module, "plt") and not hasattr(module, "nothing")
assert "plot_mesh" in inspect.getsource(anuga.Domain_plotter)
assert "rate" in inspect.signature(anuga.Rate_operator).parameters
assert anuga.Rate_operator.__init__.__qualname__ == "Rate_operator.__init__"
""",
    "a mock": """
from unittest import mock
with mock.patch("anuga.utilities.animate.plt") as plt:
    anuga.utilities.animate.plt.figure()
    plt.figure.assert_called_once()
import matplotlib.pyplot
assert anuga.utilities.animate.plt is matplotlib.pyplot
anuga.utilities.animate.plt = 3
assert 3 == vars(anuga.utilities.animate)["plt"]
""",
    "modules in pickles": """
import anuga.utilities.animate as animate, dill
assert [] == loaded("matplotlib")
def own():
    return animate
again = dill.loads(dill.dumps(own))
assert again() is animate and dill.loads(dill.dumps(animate)) is animate
""",
    "matplotlib of the user's": """
assert not any(name.split(".")[0] in ("matplotlib", "scipy", "dill") for name in sys.modules)
import matplotlib
matplotlib.use("Agg")
assert matplotlib.pyplot is sys.modules["matplotlib.pyplot"]
assert matplotlib.pyplot is anuga.utilities.animate.plt
assert "SourceFileLoader" == type(matplotlib.__loader__).__name__ \
    == type(matplotlib.__spec__.loader).__name__
assert not hasattr(matplotlib, "nothing") and matplotlib.__version__
try:
    matplotlib.nothing
except AttributeError as error:
    assert "'matplotlib'" in str(error) and "'nothing'" in str(error)
import importlib
importlib.reload(matplotlib)
""",
    "pyplot of the user's": """
import matplotlib.pyplot as plt
plt.switch_backend("Agg")
assert plt.gcf() is anuga.utilities.animate.plt.gcf()
""",
    "modules that come with ANUGA": """
import importlib, PIL, concurrent, packaging, scipy
assert PIL.Image.Image and packaging.version.Version and concurrent.futures.Future
assert importlib.metadata.version("anuga") and importlib.resources and importlib.abc
assert importlib.util.find_spec("anuga") and not hasattr(importlib, "nothing")
from importlib import machinery, metadata
assert scipy.sparse.linalg.spsolve and scipy.optimize.root and scipy.interpolate.interp1d
""",
    "xarray as rate": """
import xarray
assert ["pandas"] == loaded("pandas")
data = xarray.DataArray(
    np.full((3, 4), 1e-3), dims=("time", "place"),
    attrs={"centroid_values": "what ANUGA 4.1.0 asks of a rate that it cannot call"},
    coords={"time": np.array(["2020-01-01T00", "2020-01-01T01", "2020-01-01T02"], "M8[ns]"),
            "eastings": ("place", [0.0, 10.0, 20.0, 30.0]),
            "northings": ("place", [0.0, 5.0, 10.0, 15.0])})
assert anuga.Rate_operator(built(), rate=data).rate_xarray
assert not anuga.Rate_operator(built(), rate=1.0).rate_xarray
""",
    "pandas of the user's": """
import pandas
domain = built()
assert not anuga.Rate_operator(domain, rate=1e-3).rate_xarray
evolved(domain)
assert [] == loaded("xarray")
import xarray
assert not anuga.Rate_operator(built(), rate=xarray.DataArray).rate_xarray
""",
    "no xarray": """
import logging
sys.modules["xarray"] = None
assert not anuga.Rate_operator(built(), rate=1e-3).rate_xarray
""",
    "a rate that imports": """
def rate(t):
    import xarray
    return float(xarray.DataArray(1e-3))
assert not anuga.Rate_operator(built(), rate=rate).rate_xarray
""",
    "an importer of the user's": """
import builtins
python = builtins.__import__
assert "anuga_lean" not in python.__module__
seen = []
def own(name, *args, **kwargs):
    seen.append(name)
    return python(name, *args, **kwargs)
builtins.__import__ = own
domain = built()
anuga.Rate_operator(domain, rate=1e-3)
assert builtins.__import__ is own and [] == loaded("xarray")
builtins.__import__ = python
""",
    "threads": """
import importlib, threading, traceback
names = ["matplotlib.pyplot", "scipy.optimize", "xarray", "dill", "scipy.sparse.linalg", "PIL"]
start, failed = threading.Barrier(16), []
def work(number):
    start.wait()
    try:
        if number % 2:
            for name in names[number % 3:] + names:
                assert importlib.import_module(name) is sys.modules[name]
        else:
            anuga.Rate_operator(built(), rate=1e-3)
            anuga.utilities.animate.plt.rcParams
            anuga.structures.internal_boundary_functions.interp1d([0, 1], [0, 1])
    except BaseException:
        failed.append(traceback.format_exc())
threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
[each.start() for each in threads], [each.join() for each in threads]
assert [] == failed, "".join(failed)
import builtins
assert "anuga_lean" not in builtins.__import__.__module__
""",
}

FORKED = """
import os, traceback
for name, text in uses.items():
    child = os.fork()
    if child == 0:
        try:
            exec(compile(text, name, "exec"), dict(globals(), __name__="__main__"))
        except BaseException:
            print("FAILED", name, flush=True)
            traceback.print_exc()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        print("FAILED", name, status, flush=True)
print("done")
"""


ANONYMOUS = "print(open('/proc/self/status').read().split('RssAnon:')[1].split()[0])"


def run(folder: Path, *parts: str) -> subprocess.CompletedProcess:
    """A script of these parts, in a process of its own."""
    return subprocess.run([sys.executable, "-c", "\n".join(parts)], cwd=folder,
                          capture_output=True, text=True, timeout=300)


def test_first_use(tmp_path: Path) -> None:
    """Import, a domain, rain, walls, a run: none of the modules, and what a small process takes."""
    done = run(tmp_path, START, "domain = built()", "anuga.Rate_operator(domain, rate=1e-3)",
               "evolved(domain)", f"print(*loaded(*{WAITING + WAITING_FOR_A_FRAME}))", ANONYMOUS,
               "domain.set_name('small'); domain.set_store(); domain.initialise_storage()",
               "evolved(domain)", f"print(*loaded(*{WAITING}))", ANONYMOUS)
    assert 0 == done.returncode, done.stderr
    loaded, anonymous, loaded_then, with_a_frame = done.stdout.splitlines()[-4:]
    assert ("", "") == (loaded, loaded_then)
    assert int(anonymous) < CEILING * 2**10 and int(with_a_frame) < WITH_A_FRAME * 2**10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_each_comes_at_its_first_use(tmp_path: Path) -> None:
    done = run(tmp_path, START, f"uses = {FIRST_USES!r}", FORKED)
    assert 0 == done.returncode, done.stderr
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert [] == failed, done.stderr
    assert "done" == done.stdout.splitlines()[-1]


# What a session has done before ANUGA comes in.
BEFORE = {
    "matplotlib": "import matplotlib; matplotlib.use('Agg')",
    "pyplot": "import matplotlib.pyplot",
    "scipy": "import scipy; scipy.sparse.csr_matrix",
    "dill": "import dill",
    "all": "import matplotlib.pyplot, scipy.optimize, dill, xarray, hashlib, pdb",
}


@pytest.mark.parametrize("name", BEFORE)
def test_after_the_user(tmp_path: Path, name: str) -> None:
    """What was there first is what ANUGA holds."""
    done = run(tmp_path, "import warnings; warnings.simplefilter('ignore')", BEFORE[name], START,
               "domain = built(); anuga.Rate_operator(domain, rate=1e-3); evolved(domain)",
               "import anuga.utilities.animate as animate, anuga.fit_interpolate.fit as fit",
               "import anuga.shallow_water.shallow_water_domain as swd",
               "import matplotlib",
               "assert animate.plt is matplotlib.pyplot",
               "import scipy, dill",
               "assert fit.sp is scipy.sparse and fit.spla is scipy.sparse.linalg",
               "assert swd.pickle is dill; print('same')")
    assert "same" == done.stdout.strip(), done.stderr


MISSING = """
import sys
for name in {missing}:
    sys.modules[name] = None
try:
    import {package} as anuga
    anuga.Domain
    print("imported", sorted(name for name in {missing} if sys.modules[name] is not None))
    domain = anuga.rectangular_cross_domain(2, 2)
    anuga.Rate_operator(domain, rate=1.0)
    anuga.Domain_plotter(domain)
except ImportError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("missing", [("matplotlib",), ("scipy",), ("dill",), ("xarray", "pandas"),
                                     ("matplotlib", "mpi4py")], ids="-".join)
def test_missing(tmp_path: Path, missing: tuple[str, ...]) -> None:
    """Without a module, the import goes on or ends as it does on stock, with the same words."""
    found = []
    for package in ("anuga", "anuga_lean"):
        folder = tmp_path / package
        folder.mkdir()
        done = run(folder, MISSING.format(missing=missing, package=package))
        assert 0 == done.returncode, done.stderr
        found.append(done.stdout)
    assert "" != found[0] == found[1]


IMPORTED_AT_ONCE = """
import importlib, sys, threading
names = ["anuga_lean.Domain", "matplotlib.pyplot", "scipy.sparse", "anuga.utilities.animate",
         "scipy.optimize", "dill", "anuga_lean.Domain", "anuga"]
start, failed = threading.Barrier(len(names)), []
import anuga_lean
def work(name):
    start.wait()
    try:
        if name.startswith("anuga_lean"):
            anuga_lean.Domain
        else:
            module = importlib.import_module(name)
            assert type(module).__name__ in ("module", "_Holder"), type(module)
            if name == "matplotlib.pyplot":
                module.rcParams
            if name == "anuga.utilities.animate":
                module.plt.rcParams
    except BaseException as error:
        failed.append(f"{name}: {error!r}")
threads = [threading.Thread(target=work, args=(name,)) for name in names]
[each.start() for each in threads], [each.join() for each in threads]
import matplotlib.pyplot
assert sys.modules["anuga.utilities.animate"].plt is matplotlib.pyplot
print(failed)
"""


def test_threads_that_import_at_once(tmp_path: Path) -> None:
    """Other threads import the same modules, and ANUGA's, while ANUGA comes in."""
    for _ in range(3):
        done = run(tmp_path, IMPORTED_AT_ONCE)
        assert "[]" == done.stdout.strip(), done.stdout + done.stderr


def test_stock_loads_as_ever(tmp_path: Path) -> None:
    """A process kept on ANUGA's own classes has all of it after the import."""
    done = run(tmp_path, "from anuga_lean.overlay import install; install.keep_stock()",
               "import anuga_lean as anuga, sys; anuga.Domain",
               "print([n for n in ('matplotlib.pyplot', 'scipy.optimize', 'dill')"
               " if n not in sys.modules], type(anuga.utilities.animate).__name__)")
    assert "[] module" == done.stdout.strip(), done.stderr


@pytest.mark.parametrize("module", ["mesh.lookup", "mesh.rectangles", "mesh.fitting",
                                    "mpi.distribution", "mpi.halo"])
def test_any_lean_module_may_come_first(module: str, tmp_path: Path) -> None:
    """It imports ANUGA, which brings in the lean classes, before it is complete itself."""
    script = (f"import anuga_lean.{module}\nimport anuga_lean as anuga\n"
              "assert anuga.rectangular_cross_domain(2, 2).lean is not None")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
