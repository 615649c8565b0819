"""What every test needs: the installed package, a quiet environment, hypothesis settings."""

from __future__ import annotations

import importlib.util
import os

# Before numpy, ANUGA or matplotlib is loaded in this process or a child.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# A stock process of a test stays stock, also under `anuga_lean run -m pytest`.
os.environ.pop("ANUGA_LEAN", None)
# Set in a worker of pytest-xdist; a pytest that a test starts is none, and measures.
os.environ.pop("PYTEST_XDIST_WORKER", None)

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
