"""What every test needs: the installed package, a quiet environment, hypothesis settings."""

from __future__ import annotations

import atexit
import importlib.util
import itertools
import os
import shutil
import tempfile

# Before numpy, ANUGA, OpenMP or matplotlib is loaded in this process or a child: what the shell
# has set for its own runs changes no test.  A test of threads sets them for its children.
# PYTEST_XDIST_WORKER: a pytest that a test starts is no worker, and measures.
for _name in [each for each in os.environ if each == "PYTEST_XDIST_WORKER"
              or each.startswith(("ANUGA_", "OMP_", "GOMP_", "KMP_"))]:
    del os.environ[_name]
# On more threads ANUGA's fit and its sums have no order, so that nothing equals them.
os.environ |= {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "COLUMNS": "80"}
# ANUGA and pip say so on stdout where they cannot keep their caches at home; it may be no folder.
try:
    tempfile.TemporaryDirectory(dir=os.path.expanduser("~")).cleanup()
except OSError:
    os.environ["HOME"] = tempfile.mkdtemp(prefix="anuga_lean_home_")
    atexit.register(shutil.rmtree, os.environ["HOME"], ignore_errors=True)
# One that was killed leaves its folder of sockets, and stops the next of the same process number.
_MPIEXECS = tempfile.mkdtemp(prefix="anuga_lean_mpiexec_")
atexit.register(shutil.rmtree, _MPIEXECS, ignore_errors=True)
_tests = itertools.count()

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

settings.register_profile(
    "here",
    deadline=None,  # the first example of a test builds meshes
    derandomize=True,  # a failure on one machine is a failure on all
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("here")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Give each test's mpiexec a folder of its own."""
    os.environ["PRTE_MCA_prte_tmpdir_base"] = os.path.join(_MPIEXECS, str(next(_tests)))


def pytest_configure(config: pytest.Config) -> None:
    """Stop early when the source folder hides the installed package."""
    spec = importlib.util.find_spec("anuga_lean")
    if spec is None or importlib.util.find_spec("anuga_lean._kernels") is None:
        where = spec.origin if spec else "nowhere"
        raise pytest.UsageError(
            f"anuga_lean is found at {where} without its compiled kernels: install it with "
            "'pip install .' and start the tests with 'pytest', not 'python -m pytest', "
            "which puts the source folder first."
        )
