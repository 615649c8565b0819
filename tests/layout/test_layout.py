"""The house: where things lie, which way imports point, and that a map says so."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import anuga_lean

PACKAGE = Path(anuga_lean.__file__).parent
TREE = Path(__file__).resolve().parent.parent.parent

# Each folder imports from itself and from those before it in a row; `overlay` is asked by all.
ORDER = (("overlay",), ("arrays",), ("mesh",), ("quantity",), ("fractional_steps",), ("stepping",),
         ("checkpoint", "mpi", "results"), ("guard",), ("doctor", "plan"), ("studies",),
         ("commands",))
# What runs models and measures them from outside the solver: no folder of the solver's imports
# these, and these import of the solver no more than is named here.
BESIDE = {"measure": {"measure", "scenarios", "arrays", "overlay"},
          "scenarios": {"scenarios", "measure"},
          "selfcheck": {"selfcheck", "measure", "overlay", "mesh"},
          "following": {"following", "guard", "measure"},
          "overview": {"overview", "studies", "following", "measure"}}
ALLOWED = {folder: {each for before in ORDER[:place + 1] for each in before}
           for place, folders in enumerate(ORDER) for folder in folders}
ALLOWED["commands"] |= set(BESIDE)
ALLOWED |= BESIDE
# The process of a member types this verb itself: to load the others costs it four times its CPU.
TYPED = {("studies.member", "commands.run")}
# A longer file says why in its first lines, with this word.
LONGEST, REASON = 500, "Longer than"


def modules() -> dict[str, Path]:
    """The package's modules by their names, `anuga_lean` left out of those."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def is_for_types(node: ast.AST) -> bool:
    """Whether a statement is skipped when the module runs."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(node: ast.AST, types_too: bool) -> Iterator[str]:
    """Names of the package's modules that a piece of code imports, inside functions too."""
    if is_for_types(node) and not types_too:
        return
    named: list[str] = []
    if isinstance(node, ast.Import):
        named = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports hide where a name is from"
        whole = [f"{node.module}.{alias.name}" for alias in node.names]
        named = [each if each.removeprefix("anuga_lean.") in MODULES else str(node.module)
                 for each in whole]
    for name in named:
        if name.split(".")[0] == "anuga_lean":
            found = name.removeprefix("anuga_lean").removeprefix(".")
            while found not in MODULES:     # a name inside a module
                found = found.rpartition(".")[0]
            yield found
    for child in ast.iter_child_nodes(node):
        yield from imports(child, types_too)


def imported(module: str, types_too: bool = False) -> set[str]:
    """Modules of the package that a module imports; the compiled one is none of them."""
    text = MODULES[module].read_text().replace("from anuga_lean import _kernels", "pass")
    return set(imports(ast.parse(text), types_too)) - {""}


def test_imports_point_one_way() -> None:
    wrong = [f"{module} imports {other}" for module in MODULES if "." in module
             for other in sorted(imported(module, types_too=True))
             if "." in other and other.split(".")[0] not in ALLOWED[module.split(".")[0]]
             and (module, other) not in TYPED]
    assert [] == wrong


def test_top_level_is_asked_for_little() -> None:
    """Folders import of the top level what is below them all, never the package itself."""
    below = {"_class_names", "_errors", "_escapes", "_netcdf4", "_openmp", "_package_version",
             "memory_limits"}
    wrong = [f"{module} imports {other}" for module in MODULES if "." in module
             for other in imported(module)
             if "." not in other and other not in below | set(ALLOWED)]
    assert [] == wrong


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Modules that reach each other, one list per circle."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        todo, seen = [start], set()
        while todo:
            for other in graph[todo.pop()] - seen:
                seen.add(other)
                todo.append(other)
        reached[start] = seen
    found = {tuple(sorted(b for b in reached[a] if a in reached[b])) for a in graph
             if a in reached[a]}
    return [list(each) for each in sorted(found)]


def test_no_circle() -> None:
    graph = {module: imported(module) for module in MODULES if module}
    assert [] == circles(graph)
    assert [["a", "b"]] == circles({"a": {"b"}, "b": {"a"}, "c": {"a"}})


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_the_first_lines_of_a_folder_are_its_map(folder: str) -> None:
    text = ast.get_docstring(ast.parse((PACKAGE / folder / "__init__.py").read_text())) or ""
    words = text.replace(",", " ").replace("`", " ").split()
    here = {name.split(".")[1] for name in MODULES if name.startswith(folder + ".")}
    assert set() == {name for name in here if not name.startswith("_") and name not in words}


def test_every_folder_has_a_place_in_the_order() -> None:
    folders = {name.split(".")[0] for name in MODULES if "." in name}
    assert set(ALLOWED) == folders


def test_no_folder_hides_a_part_of_anuga() -> None:
    """`import anuga_lean as anuga` gives ANUGA's own `anuga.operators` and the like."""
    code = "import anuga, pkgutil; print(*dir(anuga), *(m.name for m in " \
        "pkgutil.iter_modules(anuga.__path__)))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=True).stdout.split()
    assert "operators" in names
    ours = {path.stem for path in PACKAGE.iterdir() if not path.stem.startswith("__")}
    assert set() == ours & set(names)


def sources() -> list[Path]:
    """The tree's own source files."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TREE,
                            capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip(f"the tree is no checkout: {listed.stderr.strip()}")
    return [TREE / name for name in listed.stdout.split()
            if name.endswith((".py", ".pyx", ".pyi", ".pxi", ".c", ".h"))
            and (TREE / name).exists()]


def test_a_long_file_says_why() -> None:
    wrong = []
    for path in sources():
        lines = path.read_text().splitlines()
        if len(lines) > LONGEST and not any(REASON in line for line in lines[:12]):
            wrong.append(f"{path.relative_to(TREE)}: {len(lines)} lines")
    assert [] == wrong
