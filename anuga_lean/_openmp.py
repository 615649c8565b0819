"""Chooses the OpenMP runtime of the kernels: the one that ANUGA's own modules load.

One of a process is enough: each has threads of its own, which wait for work by spinning.  ANUGA's
wheels carry a libgomp in ``anuga.libs``, under a name that no other library asks for; where ANUGA
was built from source, or is conda's, both take the system's ``libgomp.so.1``.
"""

from __future__ import annotations

import os
from importlib.machinery import PathFinder

SYSTEM = "libgomp.so.1"


def runtime() -> str:
    """Return the libgomp to open: ANUGA's own copy, else the system's by its name."""
    spec = PathFinder.find_spec("anuga")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        libraries = os.path.join(os.path.dirname(folder), "anuga.libs")
        if os.path.isdir(libraries):
            for name in sorted(os.listdir(libraries)):
                if name.startswith("libgomp"):
                    return os.path.join(libraries, name)
    return SYSTEM
