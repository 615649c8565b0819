"""Writes a page as HTML; the one module that imports jinja2."""

from __future__ import annotations

import re
from typing import Any

from anuga_lean._errors import CommandError
from anuga_lean._escapes import escaped
from anuga_lean.measure.page.compared import ComparedPage
from anuga_lean.measure.page.model import Lines, Page, StudyPage

_TEMPLATES = {StudyPage: "study.html", ComparedPage: "compared.html"}


def render(page: Page | ComparedPage | StudyPage) -> str:
    """Return the text of the file.

    Raises
    ------
    CommandError
        jinja2 is not installed.
    """
    name = next((name for kind, name in _TEMPLATES.items() if isinstance(page, kind)), "page.html")
    text: str = templates().get_template(name).render(page=page)
    return text


def templates() -> Any:
    """Return the templates, which escape everything put into them.

    Raises
    ------
    CommandError
        jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise CommandError(
            "the page needs jinja2, which is not installed: pip install 'anuga_lean[report]'"
        ) from error
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("anuga_lean.measure.page", "."),
        autoescape=True, finalize=_shown, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined)
    environment.tests["lines"] = lambda chart: isinstance(chart, Lines)
    environment.filters["breakable"] = _breakable
    return environment


def _shown(value: Any) -> Any:
    """Return a value for the page; what would turn the direction of its lines is escaped."""
    return escaped(value, lines=True) if type(value) is str else value


def _breakable(text: str) -> Any:
    """Return a name or path, escaped, that may go on in the next line after / and _."""
    from markupsafe import Markup, escape

    pieces = re.split(r"(?<=[/_])", escaped(text))
    return Markup("<wbr>").join(escape(piece) for piece in pieces)
