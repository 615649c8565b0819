"""The page of stored figures: one HTML file that needs nothing beside it.

`page_of` turns nights into a `Page` (model.py says what one holds), `render`
turns that into text with the templates in this folder.  The schema of the
nights is records.py's; reading and writing files is commands/report.py's.
"""

from anuga_lean.measure.page.compose import Unreadable, page_of
from anuga_lean.measure.page.render import render

__all__ = ["Unreadable", "page_of", "render"]
