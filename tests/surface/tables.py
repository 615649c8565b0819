"""The tables of calls, by part."""

from __future__ import annotations

from surface import calls_domain, calls_mesh, calls_module, calls_quantity

TABLES = {
    "Domain": calls_domain.CALLS,
    "Mesh": calls_mesh.CALLS,
    "Quantity": calls_quantity.CALLS | {"operators": calls_quantity.OPERATORS},
    "module": calls_module.CALLS,
}
PARTS = ("names", "attributes", *TABLES)

_READING = ("get_", "print_", "has_")
_GROUP = 24


def groups(part: str) -> list[list[str]]:
    """The names of a part, those together that only read and may share a process."""
    reading = [name for name in TABLES[part]
               if part != "module" and (name.startswith(_READING) or name.isupper())]
    alone = [[name] for name in TABLES[part] if name not in reading]
    return alone + [reading[i:i + _GROUP] for i in range(0, len(reading), _GROUP)]
