"""Runs scenarios as members: a TOML file of `anuga_toml_run`, or a folder of `run_anuga`.

`__main__` the script of such a member

Owns the member's copy of the scenario's folder, in which its parameters stand in the file.
"""

from __future__ import annotations

import importlib.util
import json
import os
import runpy
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from anuga_lean._errors import StudyError

SCRIPT = Path(__file__).with_name("__main__.py")
COPY = "scenario"           # of the scenario's folder, in a member's
PACKAGE = "scenario.json"   # what run_anuga reads
_LINKED = 1 << 20           # bytes from which on a file is linked, not copied
# What runs write beside their file.
_WRITTEN = (".log", ".sww", ".sww.lock", "_summary.html")
_FOLDERS = {"CHECKPOINTS", "PARTITIONS", "SPATIAL_TEXT", "anuga_lean_runs"}


def is_scenario(path: Path) -> bool:
    """Whether a study's script is no script, but what a runner of scenarios reads."""
    return path.suffix == ".toml" or path.name == PACKAGE


def read(path: Path) -> dict[str, Any]:
    """Read a scenario's file.

    Raises
    ------
    StudyError
        It holds no table.
    """
    decode = msgspec.toml.decode if path.suffix == ".toml" else msgspec.json.decode
    try:
        found = decode(path.read_bytes())
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise StudyError(f"the scenario {path} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise StudyError(f"the scenario {path} holds no table of keys.")
    return found


def put(scenario: Any, place: str, value: Any, where: Path | str) -> None:
    """Put a value in the place of another, e.g. ``initial_conditions.stage.0.value``.

    Raises
    ------
    StudyError
        Nothing is there, or a table or list.
    """
    *path, last = place.split(".")
    holder = scenario
    for name in path:
        holder = _inside(holder, name, place, where)
    there = _inside(holder, last, place, where)
    if isinstance(there, dict | list):
        raise StudyError(f"the scenario {where} has no single value at {place}, but a "
                         f"{'table' if isinstance(there, dict) else 'list'}: name a key in it.")
    holder[int(last) if isinstance(holder, list) else last] = value


def _inside(holder: Any, name: str, place: str, where: Path | str) -> Any:
    if isinstance(holder, list) and name.isdigit() and int(name) < len(holder):
        return holder[int(name)]
    if isinstance(holder, dict) and name in holder:
        return holder[name]
    keys = ", ".join(list(holder)[:12]) if isinstance(holder, dict) else (
        f"0 to {len(holder) - 1}" if isinstance(holder, list) else "nothing")
    raise StudyError(f"the scenario {where} has no {place}: beside {name!r} there is {keys}; name "
                     "the place of a parameter in the study file, [places].")


def check(path: Path, places: Mapping[str, str], sets: Sequence[Mapping[str, Any]]) -> None:
    """Raise StudyError unless every parameter has a place in a scenario."""
    scenario = read(path)
    for name, value in sets[0].items():
        put(scenario, places.get(name, name), value, path)


def prepare(path: Path, values: Mapping[str, Any], to: Path) -> Path:
    """Make a member's copy of a scenario's folder, with values in their places.

    Ranks of a member do this at once: what one finds there another has made.

    Parameters
    ----------
    path : Path
        The scenario's file.
    values : mapping
        By place.
    to : Path
        Folder of the copy.

    Returns
    -------
    Path
        The file of the copy.
    """
    scenario = read(path)
    # What earlier runs of the scenario have written is no input.
    base = str(scenario.get("project", {}).get("output_base_directory", "")) \
        if isinstance(scenario.get("project"), dict) else ""
    outputs = _FOLDERS | (set(Path(base).parts[:1]) if not Path(base).is_absolute() else set())
    _copy(path.parent, to, lambda name: name in outputs or name == path.name or name.startswith(
        "outputs_") or name.endswith(_WRITTEN))
    for place, value in values.items():
        put(scenario, place, value, path)
    encode = msgspec.toml.encode if path.suffix == ".toml" else msgspec.json.encode
    part = to / f".{path.name}.{os.getpid()}.part"
    part.write_bytes(encode(scenario))
    os.replace(part, to / path.name)
    return to / path.name


def _copy(folder: Path, to: Path, is_left_out: Any = lambda name: False) -> None:
    to.mkdir(exist_ok=True)
    for each in sorted(folder.iterdir()):
        if is_left_out(each.name) or each.name.endswith(".study"):
            continue
        there = to / each.name
        if each.is_dir():
            _copy(each, there)
        elif not there.exists():
            part = to / f".{each.name}.{os.getpid()}.part"
            if each.stat().st_size >= _LINKED:
                part.symlink_to(each.resolve())
            else:
                shutil.copy(each, part)
            os.replace(part, there)


def main(arguments: Sequence[str]) -> None:
    """Run the scenario of a member in its folder, the current one."""
    path, values, *others = arguments
    made = prepare(Path(path), json.loads(values), Path(COPY))
    if made.suffix == ".toml":
        runner = shutil.which("anuga_toml_run", path=os.pathsep.join(
            [str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
        if runner is None:
            sys.exit("there is no anuga_toml_run beside this Python: ANUGA brings it from 4.1 on")
        sys.argv = [runner, str(made), *others]
        runpy.run_path(runner, run_name="__main__")
    else:
        if importlib.util.find_spec("run_anuga") is None:
            sys.exit("run_anuga is not installed here, which runs a scenario.json: "
                     "https://github.com/Hydrata/run_anuga")
        sys.argv = ["run-anuga", "run", str(made.parent), *others]
        runpy.run_module("run_anuga.cli", run_name="__main__", alter_sys=True)
