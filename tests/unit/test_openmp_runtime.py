"""One OpenMP runtime for ANUGA's kernels and lean's, and forks of a process that has used it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from anuga_lean import _openmp

ONE = '''
import re
import anuga_lean as anuga
import scipy.linalg, scipy.sparse.linalg, scipy.spatial
import anuga.shallow_water.sw_domain_openmp_ext
domain = anuga.rectangular_cross_domain(10, 10)
domain.set_omp_num_threads(2, verbose=False)
domain.set_boundary({tag: anuga.Reflective_boundary(domain) for tag in domain.get_boundary_tags()})
domain.set_store(False)
for t in domain.evolve(yieldstep=0.1, finaltime=0.1):
    pass
print(*sorted({line.split()[-1] for line in open("/proc/self/maps") if "gomp" in line}))
'''

FORKED = '''
import os, signal, warnings
import anuga_lean as anuga

def model(stock):
    domain = anuga.rectangular_cross_domain(40, 40)
    domain.set_omp_num_threads(2, verbose=False)
    domain.set_boundary({tag: anuga.Reflective_boundary(domain)
                         for tag in domain.get_boundary_tags()})
    domain.set_store(False)
    domain.set_quantity("stage", lambda x, y: x)
    if stock:
        domain.set_extrapolate_velocity(False)
    for t in domain.evolve(yieldstep=0.01, finaltime=0.01):
        pass
    return domain

warnings.simplefilter("ignore")
model(stock=True)
child = os.fork()
if child == 0:
    signal.alarm(60)
    model(stock=False)
    os._exit(0)
print("child", os.waitpid(child, 0)[1])
model(stock=True)
'''


def said(script: str, tmp_path: Path) -> str:
    done = subprocess.run([sys.executable, "-P", "-c", script] if sys.version_info >= (3, 11)
                          else [sys.executable, "-c", script],
                          cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert (0, "") == (done.returncode, done.stderr[-2000:] if done.returncode else "")
    return done.stdout.strip().splitlines()[-1]


def test_a_process_has_one_runtime(tmp_path: Path) -> None:
    assert os.path.realpath(_openmp.runtime()) in said(ONE, tmp_path) or \
        _openmp.SYSTEM == _openmp.runtime()
    assert 1 == len(said(ONE, tmp_path).split())


def test_a_fork_steps_on_threads_after_anugas_kernels_have(tmp_path: Path) -> None:
    assert "child 0" == said(FORKED, tmp_path).splitlines()[-1]


def test_the_library_is_anugas_own_copy_or_the_systems(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "anuga").mkdir()
    (tmp_path / "anuga" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert _openmp.SYSTEM == _openmp.runtime()
    copy = tmp_path / "anuga.libs" / "libgomp-0123.so.1.0.0"
    copy.parent.mkdir()
    (copy.parent / "libother.so").touch()
    copy.touch()
    assert str(copy) == _openmp.runtime()
    monkeypatch.setattr(sys, "path", [])
    assert _openmp.SYSTEM == _openmp.runtime()


def test_no_runtime_is_said_in_one_sentence(tmp_path: Path) -> None:
    script = ("from anuga_lean import _openmp\n"
              "_openmp.runtime = lambda: '/nowhere/libgomp.so.1'\n"
              "try:\n    import anuga_lean._kernels\n"
              "except ImportError as error:\n    print(type(error).__name__, error)\n")
    assert said(script, tmp_path) == (
        "BrokenInstallation the kernels find no OpenMP runtime (/nowhere/libgomp.so.1: cannot open "
        "shared object file: No such file or directory): install libgomp (Debian: apt install "
        "libgomp1; Fedora: dnf install libgomp)")
