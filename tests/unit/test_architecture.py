"""What the pages of docs/ say of files and names is so: each exists where they say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "anuga_lean"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PAGES = sorted(ROOT.glob("docs/*.md")) + [
    page for page in (ROOT / "CONTRIBUTING.md", ROOT / "README.md") if page.exists()]

# `folder/file: name`, of the package.
NAMED = re.compile(r"`([\w./]+\.(?:py|pyx|pxi|c|h)):\s+([\w.]+)`")
# What looks like a path: words with a slash between them.  An asterisk stands for anything.
PATH = re.compile(r"(?<![\w/.:-])\.{0,2}/?[\w.*-]+(?:/[\w.*-]+)+/?")


def names_in(path: Path) -> set[str]:
    """Return the names that a file defines; methods as Class.method, functions of C alone."""
    text = path.read_text()
    if path.suffix == ".py":
        found = set()

        def walk(node: ast.AST, before: str) -> None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                    found.add(before + child.name)
                    walk(child, f"{before}{child.name}.")
                elif isinstance(child, (ast.Assign, ast.AnnAssign)):
                    targets = child.targets if isinstance(child, ast.Assign) else [child.target]
                    found.update(before + each.id for each in targets if isinstance(each, ast.Name))

        walk(ast.parse(text), "")
        return found
    if path.suffix in (".c", ".h"):
        # a definition begins at the left and is followed by a body, a declaration by a semicolon
        return set(re.findall(r"^[A-Za-z_][\w *]*?\b(\w+)\([^;{]*\)\s*\{", text, re.MULTILINE))
    found, owner = set(), ""
    for line in text.splitlines():
        opened = re.match(r"(?:cdef )?class (\w+)", line)
        method = re.match(r"(    )?c?p?def (?:[\w\[\], ]+ )?(\w+)\(", line)
        if opened:
            owner = opened[1] + "."
            found.add(opened[1])
        elif method:
            found.add((owner if method[1] else "") + method[2])
    return found


def table(heading: str) -> list[str]:
    """Return the rows of the table below a heading of the architecture page, without its head."""
    lines = ARCHITECTURE.read_text().split(f"\n## {heading}\n")[1].splitlines()
    rows = [line for line in lines[:next(
        (i for i, line in enumerate(lines) if line.startswith("## ")), len(lines))]
        if line.startswith("|")]
    return rows[2:]


def is_there(path: str, page: Path) -> bool:
    """Whether a path of the tree exists, or is none: told by its first folder."""
    # what make sets up, and what is the machine's, is no part of the tree
    if path.startswith((".venv", "build/", "/")):
        return True
    folders = [base for base in (page.parent, ROOT, PACKAGE)
               if path.startswith(".") or (base / path.split("/")[0]).is_dir()]
    return not folders or any(any(base.glob(path.rstrip("/"))) for base in folders)


def missing(text: str, page: Path) -> list[str]:
    """Return the paths and names in a text that are not there."""
    wrong = [path for path in PATH.findall(re.sub(r"\w+://\S+", "", text))
             if not is_there(path.rstrip(".:,"), page)]
    for path, name in NAMED.findall(text):
        if not (PACKAGE / path).is_file() or name not in names_in(PACKAGE / path):
            wrong.append(f"{path}: {name}")
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    assert [] == missing(page.read_text(), page)


def test_what_is_not_there_is_found() -> None:
    text = "`kernels/geometry.h: lean_volume` `mesh/mesh.py: Mesh.fly` `mesh/nets.py: Net` " \
        "docs/none.md, tests/unit/test_none.py and anuga/shallow_water.py, `and/or`, `a/b`"
    assert ["mesh/nets.py", "docs/none.md", "tests/unit/test_none.py",
            "kernels/geometry.h: lean_volume", "mesh/mesh.py: Mesh.fly", "mesh/nets.py: Net"] \
        == missing(text, ARCHITECTURE)


def test_names_of_each_kind_of_file_are_found() -> None:
    text = "`kernels/geometry.h: lean_area` `_kernels.pyx: Run.bind_state` `_kernels.pyx: Run` " \
        "`overlay/table.py: TABLE` `arrays/view.py: ArrayView.__setitem__`"
    assert [] == missing(text, ARCHITECTURE)


def test_ten_questions_have_answers_in_three_opens() -> None:
    rows = table("Ten questions of a newcomer")
    assert 10 == len(rows) == len({row.split("|")[1] for row in rows})
    assert all(NAMED.search(row.split("|")[2]) for row in rows)
    assert "(docs/architecture.md)" in (ROOT / "README.md").read_text()


def test_every_folder_is_on_the_map() -> None:
    drawing = ARCHITECTURE.read_text().split("```")[1]
    folders = {path.parent.name for path in PACKAGE.glob("*/*") if path.suffix in (".py", ".c")}
    assert [] == [folder for folder in sorted(folders) if folder not in re.split(r"\W+", drawing)]
