"""All that an SWW file says, in a form that `==` compares bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from netCDF4 import Dataset

Contents = dict[str, Any]


def contents(path: Path) -> Contents:
    """Format, dimensions, attributes and variables of a file, but for their order."""
    with Dataset(path) as file:
        file.set_auto_mask(False)
        found: Contents = {
            "format": file.data_model,
            "dimensions": {name: (len(each), each.isunlimited())
                           for name, each in file.dimensions.items()},
        }
        for name in file.ncattrs():
            found[f"attribute {name}"] = _value(file.getncattr(name))
        for name, variable in file.variables.items():
            assert [] == variable.ncattrs()
            found[name] = variable.dimensions, variable.dtype.str, variable[...].tobytes()
    return found


def _value(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value.tobytes() if isinstance(value, np.generic) else value


def differences(expected: Path, actual: Path) -> list[str]:
    """What two files say differently, by name."""
    one, other = contents(expected), contents(actual)
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
