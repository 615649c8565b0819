"""Says how Sphinx makes the documentation site of these pages: `make docs`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sphinx.util import logging

import anuga_lean

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "anuga_lean"
author = "the anuga_lean developers"
release = version = anuga_lean.__version__
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc"]
root_doc = "index"
default_role = "code"           # of docstrings: `name`
nitpicky = False                # types of ANUGA's in signatures have no page here

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "attrs_inline"]
numpydoc_show_class_members = False
autodoc_typehints = "none"      # the docstrings have them, with shapes and units
autodoc_member_order = "bysource"

html_theme = "furo"             # every page in view at the side, nothing from another host
html_title = "anuga_lean"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
highlight_language = "bash"     # of blocks without one: commands
pygments_style = "friendly"

# Reached by `make linkcheck` alone, which wants a network.
linkcheck_anchors = False
linkcheck_timeout = 20

# Pages outside of docs/ that have one of their own on the site.
ELSEWHERE = {"../CONTRIBUTING.md": "contributing.md", "../README.md": "index.md",
             "../CHANGELOG.md": "changelog.md"}


def lead_to_the_site(app: Sphinx, name: str, source: list[str]) -> None:
    """Turn links that lead to files of the tree, as they do where it is browsed, to the pages."""
    source[0] = re.sub(r"\]\((\.\./\w+\.md)(#[\w-]+)?\)",
                       lambda found: f"]({ELSEWHERE.get(found[1], found[1])}{found[2] or ''})",
                       source[0])


def tell_a_host_from_a_link(app: Sphinx, failed: Exception | None) -> None:
    """Name the hosts that were not reached, as without a network: their links may be good."""
    if app.builder.name != "linkcheck":
        return
    links = map(json.loads, Path(app.outdir, "output.json").read_text().splitlines())
    no_way = re.compile("NameResolutionError|NewConnectionError|ProxyError")
    hosts = sorted({urlsplit(link["uri"]).hostname for link in links
                    if no_way.search(link["info"])})
    if hosts:
        logging.getLogger(__name__).warning(
            "%s cannot be reached from this machine: nothing is known of the links there; "
            "run make linkcheck where there is a network", ", ".join(hosts))


def setup(app: Sphinx) -> None:
    """Have links looked at before a page is parsed, and hosts after links were checked."""
    app.connect("source-read", lead_to_the_site)
    app.connect("build-finished", tell_a_host_from_a_link)
