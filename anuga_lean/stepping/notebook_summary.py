"""Writes a domain as a small table of HTML, which a notebook shows for it.

Owns which facts are shown; they are counted in arrays/census.py and features.py.
"""

from __future__ import annotations

from html import escape
from typing import Any

from anuga_lean.arrays.census import census
from anuga_lean.stepping import features

_KIB = 1024


def html_of(domain: Any) -> str:
    """Return name, size, bytes by group, what runs lean and threads of a domain, as HTML."""
    found = census(domain)
    groups: dict[str, int] = {}
    for group, nbytes in found.groups().items():
        section = group.partition("/")[0]
        groups[section] = groups.get(section, 0) + nbytes
    count = max(1, found.number_of_triangles)
    rows = [("triangles", f"{found.number_of_triangles:,}"),
            ("time", f"{float(domain.get_time()):g} s"),
            ("algorithm", f"{domain.get_flow_algorithm()}, {domain.get_timestepping_method()}"),
            ("threads", str(domain.omp_num_threads or 1)),
            ("runs", _kernels(domain))]
    uses = [f"{name} ({times})" if times > 1 else name
            for name, times in features.used(domain).items()]
    if uses:
        rows.append(("uses", ", ".join(uses)))
    rows += [(f"memory: {section}", _memory(nbytes, count)) for section, nbytes in groups.items()]
    rows.append(("memory: all arrays", _memory(found.nbytes, count)))
    body = "".join(f"<tr><th style='text-align:left'>{escape(name)}</th>"
                   f"<td style='text-align:left'>{escape(value)}</td></tr>" for name, value in rows)
    title = escape(str(domain.get_name()))
    return f"<table><caption>{title}</caption><tbody>{body}</tbody></table>"


def _kernels(domain: Any) -> str:
    stock = "arrays of ANUGA's own" if domain.on_stock_arrays else features.unsupported(domain)
    return "on lean kernels" if stock is None else f"on ANUGA's kernels: {stock}"


def _memory(nbytes: int, count: int) -> str:
    return f"{nbytes / _KIB:,.0f} KiB, {nbytes / count:,.1f} bytes per triangle"
