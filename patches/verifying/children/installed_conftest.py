"""Configures ANUGA's tests where its source is not at hand: --run-fast leaves slow ones out."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that the conftest of ANUGA's source adds."""
    parser.addoption("--run-fast", action="store_true", help="leave slow tests out")


def pytest_configure(config: pytest.Config) -> None:
    """Make the settings that are in ANUGA's pyproject.toml."""
    config.addinivalue_line("markers", "slow: left out with --run-fast")
    for ignored in ("numpy.ndarray size changed:RuntimeWarning",
                    "Setting the shape on a NumPy array has been deprecated:DeprecationWarning",
                    "Enquiry point is in an inlet triangle:UserWarning"):
        config.addinivalue_line("filterwarnings", f"ignore:{ignored}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip slow tests."""
    if config.getoption("--run-fast"):
        for item in items:
            if item.get_closest_marker("slow") or "/parallel/" in str(item.path):
                item.add_marker(pytest.mark.skip(reason="slow"))
