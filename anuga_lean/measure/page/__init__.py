"""Makes one HTML page of stored figures, which needs no other file.

compose   `page_of` makes a `Page` of nights     model    what a page holds
compared  `compared_page` makes that of one comparison, timeline its memory over time
shown     which records are on it, their looks   wording  numbers, units and names as text
memory, speed, evolving  the sections            charts   lengths of bars, paths of lines
render    the page as text, with the templates page.html, compared.html, figures.html,
          head.html and page.css, and study.html for the page that overview/ makes

The schema of the nights is records.py's; reading and writing files is commands/report.py's.
"""

from anuga_lean.measure.page.compared import ComparedPage, compared_page, is_comparison
from anuga_lean.measure.page.compose import Beside, Unreadable, page_of
from anuga_lean.measure.page.render import render

__all__ = ["Beside", "ComparedPage", "Unreadable", "compared_page", "is_comparison", "page_of",
           "render"]
