"""A tiny package called anuga with a build backend of its own, and patches for it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from verifying.tree import Tree

# Compiles every module; keeps, if told to, the first wheel that it made.
BACKEND = '''\
import pathlib, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    here = pathlib.Path(__file__).parent
    name = "anuga-4.1.0-py3-none-any.whl"
    kept = pathlib.Path(config_settings["build-dir"]) / name
    kept.parent.mkdir(exist_ok=True)
    if not (here / "stale").exists() or not kept.exists():
        with zipfile.ZipFile(kept, "w") as wheel:
            for path in sorted((here / "anuga").rglob("*")):
                if path.suffix == ".py":
                    compile(path.read_text(), str(path), "exec")
                if path.is_file() and "left" not in path.name:
                    wheel.write(path, path.relative_to(here))
            info = "anuga-4.1.0.dist-info/"
            wheel.writestr(info + "METADATA",
                           "Metadata-Version: 2.1\\nName: anuga\\nVersion: 4.1.0\\n")
            wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\n"
                           "Root-Is-Purelib: true\\nTag: py3-none-any\\n")
            wheel.writestr(info + "RECORD", "")
    (pathlib.Path(wheel_directory) / name).write_bytes(kept.read_bytes())
    return name
'''
FILES = {
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\n'
                      'backend-path = ["."]\n',
    "backend.py": BACKEND,
    "anuga/__init__.py": "",
    "anuga/flow.py": "def depth(stage, bed):\n    return stage - bed\n\n\nDRY = 1.0e-3\n",
    "anuga/kernel.c": "int steps(void) { return 1; }\n",
    "anuga/kernel.so": "compiled\n",
    "examples/run.py": "one = 1\r\ntwo = 2\r\n",
}


def make_tree(folder: Path, files: Mapping[str, str] = FILES) -> Tree:
    """A tree of some files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return Tree.of(folder)


def make_patch(tree: Tree, folder: Path, name: str, edits: Mapping[str, tuple[str, str]],
               needs: str = "") -> Path:
    """A patch that replaces, in each file, one text by another; it stays on the tree."""
    for file, (old, new) in edits.items():
        path = tree.folder / file
        text = path.read_bytes().decode() if path.exists() else ""
        assert old in text
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((text.replace(old, new, 1) if old else text + new).encode())
    tree.git("add", "-A", "-f")
    message = f"Change {name}\n\nWhy it is changed.\n" + (f"\nNeeds: {needs}\n" if needs else "")
    tree.git("commit", "-q", "-m", message)
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.patch"
    made = tree.git("format-patch", "-1", "-o", str(folder), "--zero-commit").strip()
    Path(made).replace(path)
    with open(folder / "series", "a") as series:
        print(path.name, file=series)
    return path


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command, its output kept."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)
