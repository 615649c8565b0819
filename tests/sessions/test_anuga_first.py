"""Sessions in which ANUGA was there first: whatever name is held, it is lean or says why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

START = """
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", category=DeprecationWarning)
import anuga
from anuga import Domain, Quantity, rectangular_cross_domain
from anuga.shallow_water.shallow_water_domain import Domain as TheDomain
from anuga.abstract_2d_finite_volumes.neighbour_mesh import Mesh
points, triangles, boundary = anuga.rectangular_cross(3, 3)
"""

CHECK = """
def lean(domain):
    assert domain.lean is not None, type(domain).__mro__
    assert isinstance(domain, anuga.Domain) and isinstance(domain, Domain)
    domain.set_quantity("stage", 1.0)
    domain.set_boundary({tag: anuga.Reflective_boundary(domain)
                         for tag in domain.get_boundary_tags()})
    domain.set_store(False)
    for t in domain.evolve(yieldstep=0.1, duration=0.2):
        pass
    assert domain.lean is not None
"""

# What a session does before and after `import anuga_lean`.
SESSIONS = {
    "module": ("", "lean(anuga.Domain(points, triangles, boundary))"),
    "factory held": ("", "lean(rectangular_cross_domain(3, 3))"),
    "class held": ("", "lean(Domain(points, triangles, boundary))"),
    "class held by two names": ("", "lean(TheDomain(points, triangles, boundary))"),
    "class in a list": ("kinds = [Domain]", "lean(kinds[0](points, triangles, boundary))"),
    "class in a partial": ("import functools; make = functools.partial(Domain, points)",
                           "lean(make(triangles, boundary))"),
    "class as a default": ("def make(kind=Domain): return kind(points, triangles, boundary)",
                           "lean(make())"),
    "class in a closure": ("make = (lambda kind: lambda: kind(points, triangles))(Domain)",
                           "lean(make())"),
    "subclass before": ("class Mine(anuga.Domain):\n    pass",
                        "lean(Mine(points, triangles, boundary))"),
    "subclass of a subclass": ("class A(Domain):\n    pass\nclass B(A):\n    pass",
                               "lean(B(points, triangles, boundary))"),
    "subclass with slots": ("class Mine(Domain):\n    __slots__ = ('colour',)",
                            "d = Mine(points, triangles); d.colour = 'red'; lean(d)"),
    "subclass with two bases": (
        "class Mixin:\n    pass\nclass Mine(Mixin, Domain):\n    pass",
        "lean(Mine(points, triangles, boundary))"),
    "subclass with an own constructor": (
        "class Mine(Domain):\n    def __init__(self, n):\n"
        "        super().__init__(*anuga.rectangular_cross(n, n))", "lean(Mine(3))"),
    "subclass afterwards": ("", "class Mine(Domain):\n    pass\nlean(Mine(points, triangles))"),
    "subclass of a class in a list": (
        "kinds = [Domain]",
        "class Mine(kinds[0]):\n    pass\nlean(Mine(points, triangles, boundary))"),
    "mesh and quantity held": (
        "", "d = anuga.Domain(points, triangles); lean(d); q = Quantity(d); q.set_values(2.0)\n"
        "assert type(q) is anuga.Quantity and type(Mesh(points, triangles)) is anuga.Mesh\n"
        "assert 2.0 == q.get_values(location='centroids')[0]"),
    "other domains": (
        "from anuga.advection.advection import Advection_Domain as Advection",
        "d = Advection(points, triangles, boundary, velocity=[1.0, 0.0])\n"
        "d.set_quantity('stage', lambda x, y: x)\n"
        "d.set_boundary({t: anuga.Transmissive_boundary(d)"
        " for t in d.get_boundary_tags()})\n"
        "for t in d.evolve(yieldstep=0.1, finaltime=0.2): pass"),
    "a domain that is gone": ("d = Domain(points, triangles); del d",
                              "lean(Domain(points, triangles))"),
    "kernels held": (
        "from anuga.shallow_water.sw_domain_openmp_ext import compute_fluxes_ext_central as f",
        "d = Domain(points, triangles); d.distribute_to_vertices_and_edges()\n"
        "try:\n    f(d, 1.0)\nexcept anuga_lean.StockKernelWarning as said:\n"
        "    assert 'compute_fluxes_ext_central' in str(said)\n"
        "else:\n    raise AssertionError('silent')"),
}


def run(folder: Path, *parts: str) -> subprocess.CompletedProcess:
    """A script of these parts, in a process of its own."""
    return subprocess.run([sys.executable, "-c", "\n".join(parts)], cwd=folder,
                          capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("importing", ["import anuga_lean", "import anuga_lean as anuga"])
def test_is_lean(tmp_path: Path, importing: str) -> None:
    """Every way to hold a name, in one process: the first failure is the last line."""
    lines = ["import sys, types", "failed = []"]
    for name, (before, _) in SESSIONS.items():
        lines += [f"sys.modules[{name!r}] = types.ModuleType({name!r})",
                  f"exec({START + before!r}, vars(sys.modules[{name!r}]))"]
    lines.append("import anuga_lean")
    for name, (_, after) in SESSIONS.items():
        body = f"{importing}\nimport anuga_lean\n{CHECK}\n{after}"
        lines += [f"try:\n    exec({body!r}, vars(sys.modules[{name!r}]))",
                  f"except Exception as error:\n    failed.append(f'{name}: {{error!r}}')"]
    done = run(tmp_path, *lines, "print('failed', failed)")
    assert 0 == done.returncode, done.stderr
    assert "failed []" == done.stdout.strip().splitlines()[-1]


def test_one_name_at_a_time(tmp_path: Path) -> None:
    """The names alone: what one session holds must not be what makes another lean."""
    for name in ("class in a list", "subclass before", "class in a closure"):
        before, after = SESSIONS[name]
        done = run(tmp_path, START, before, "import anuga_lean", CHECK, after)
        assert 0 == done.returncode, (name, done.stderr)


def test_class_that_cannot_become_lean(tmp_path: Path) -> None:
    """One sentence that names the class; nothing is half replaced."""
    stubborn = (
        "class Stubborn(type):\n"
        "    def mro(cls):\n"
        "        inits = [b.__init__ for b in cls.__bases__]\n"
        "        if any('anuga_lean' in i.__globals__['__name__'] for i in inits):\n"
        "            raise TypeError('bases are fixed')\n"
        "        return super().mro()\n"
        "class Mine(Domain, metaclass=Stubborn):\n    pass\n"
    )
    trying = (
        "stock = Mesh, Quantity, Domain, Mine.__bases__[0]\n"
        "try:\n    import anuga_lean\nfinally:\n    import anuga.shallow_water.boundaries\n"
        "    same = [anuga.Mesh, anuga.Quantity, anuga.Domain, Mine.__bases__[0]]\n"
        "    print([a is b for a, b in zip(stock, same)], len(Domain.__mro__))\n"
    )
    done = run(tmp_path, START, stubborn, trying)
    line = done.stderr.strip().splitlines()[-1]
    assert 1 == done.returncode
    assert "[True, True, True, True] 3" == done.stdout.strip().splitlines()[-1]
    for part in ("HookError", "__main__.Mine", "bases are fixed", "import anuga_lean as anuga"):
        assert part in line


def test_domain_that_exists_already(tmp_path: Path) -> None:
    """A warning at the import, an error where lean is asked for, and from_domain works."""
    script = (
        "domain = Domain(points, triangles, boundary)\n"
        "with warnings.catch_warnings(record=True) as said:\n"
        "    warnings.simplefilter('always')\n"
        "    import anuga_lean\n"
        "print(len(said), said[-1].category.__name__, said[-1].message)\n"
        "assert not hasattr(Domain(points, triangles), 'lean')\n"
        "try:\n    anuga_lean.Domain\nexcept anuga_lean.HookError as error:\n    print(error)\n"
        "assert anuga_lean.from_domain(domain).lean is not None\n"
    )
    done = run(tmp_path, START, script)
    assert 0 == done.returncode, done.stderr
    warned, refused = done.stdout.strip().splitlines()[-2:]
    assert warned.startswith("1 HookWarning ANUGA's own classes stay in: 1 Domain was created")
    for part in ("'domain'", "36 triangles", "from_domain", "import anuga_lean as anuga"):
        assert part in warned and part in refused
