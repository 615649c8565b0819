"""Notes how the meshes and fits of this process came about, for the record of its run.

Owns the words; what memory they mean is known where records are read, in plan/.
"""

from __future__ import annotations

from collections.abc import Callable

REGIONS, FILE, FIT, RASTER = "regions", "file", "fit", "raster"
# The generator's triangles cover so much of the largest area that they may have (27,000 to 2.4
# million triangles in polygons of a few corners).
FILL = 0.65
_made: set[str] = set()
# Called with how many triangles a mesh will have by the areas asked for, before it is generated.
expecting: list[Callable[[float], None]] = []


def note(how: str) -> None:
    """Note that something was made so."""
    _made.add(how)


def expect(fewest: float) -> None:
    """Tell whoever expects a mesh how many triangles it will have.

    Parameters
    ----------
    fewest : float
        If all were of the largest area.
    """
    for tell in expecting:
        tell(fewest / FILL)


def noted() -> list[str]:
    """Return all that was noted, in alphabetical order."""
    return sorted(_made)
