"""What the pages tell to type exists: verbs and options, scripts, targets of make, extras.

Each command is parsed by the parser that it would meet; nothing is run but parsers.
`test_running` runs them.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from anuga_lean import __main__ as command_line
from docs.pages import (
    NO_COMMANDS,
    ROOT,
    SHELL,
    Block,
    Command,
    blocks,
    commands,
    commands_in,
    mentioned,
)

MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = (ROOT / "pyproject.toml").read_text()
# Programs of others.  What a script of the reader's is called is no matter.
OTHERS = {"rm", "touch", "sbatch", "scancel", "scontrol", "dask", "type"}
# What the image is called after it has been built.
IMAGES = {"docker": "anuga_lean", "apptainer": "anuga_lean.sif"}
SCRIPTS = {"script.py", "model.py"}


def wrong_with(words: Sequence[str], patch: pytest.MonkeyPatch) -> str:
    """Return what is wrong with a command, or nothing."""
    program, *rest = words
    program = program.removeprefix(".venv/bin/")
    if program == "anuga_lean":
        return wrong_with_verb(rest, patch)
    if program in ("mpiexec", "mpirun"):
        return wrong_with(rest[2:] if rest[0] in ("-n", "-np") else rest, patch)
    if program in IMAGES:
        return wrong_with_container(IMAGES[program], rest, patch)
    if program == "python":
        return wrong_with_python(rest)
    if program == "make":
        return wrong_with_make(rest)
    if program == "pytest":
        return next((f"there is no {word}" for word in rest if "/" in word
                     and not (ROOT / word).exists()), "")
    if words[:2] == ("pip", "install"):
        return wrong_with_pip(rest[1:])
    return "" if program in OTHERS else f"{program} is not known: a block of output is `text`"


def wrong_with_container(image: str, words: Sequence[str], patch: pytest.MonkeyPatch) -> str:
    """Look whether there is what an image is built from; have read what is run in it."""
    if words[0] == "run":
        return wrong_with(words[words.index(image) + 1:], patch)
    (source,) = [word for word in words if "/" in word]
    return "" if words[0] == "build" and (ROOT / source).exists() else f"there is no {source}"


def wrong_with_verb(arguments: Sequence[str], patch: pytest.MonkeyPatch) -> str:
    """Have our parser read the arguments, and that of patches/verify.py what is its own."""
    met: list[argparse.Namespace] = []
    for verb in command_line.VERBS.values():
        patch.setattr(verb, "run", lambda args: met.append(args) or 0)
    try:
        command_line.main(list(arguments))
    except SystemExit as ended:
        if ended.code:
            return "the parser refuses it"
    for args in met:
        if args.verb == "patches":
            script = ROOT / "patches" / "verify.py"
            return wrong_options(args.rest, options_of(script), script.name)
    return ""


def options_of(script: Path) -> set[str]:
    """Return what looks like an option in a script and in those beside it that it imports."""
    tree = ast.parse(script.read_text())
    found = {node.value for node in ast.walk(tree)
             if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    for node in ast.walk(tree):
        beside = script.with_name(f"{getattr(node, 'module', None)}.py")
        if isinstance(node, ast.ImportFrom) and beside.exists():
            found |= options_of(beside)
    return {text for text in found if re.fullmatch(r"--?[a-z][\w-]*", text)}


def wrong_options(words: Sequence[str], known: set[str], what: str) -> str:
    """Return the first option that is not known, in a sentence."""
    return next((f"{what} has no option {word}" for word in words
                 if word.startswith("-") and word != "--help" and word.split("=")[0] not in known),
                "")


def wrong_with_python(words: Sequence[str]) -> str:
    if words[0] == "-m":
        module = ROOT / Path(*words[1].split("."))
        return "" if module.with_suffix(".py").exists() else f"there is no module {words[1]}"
    script = ROOT / words[0]
    if words[0] in SCRIPTS:
        return ""
    if not script.exists():
        return f"there is no {words[0]}"
    return wrong_options(words[1:], options_of(script), words[0])


def wrong_with_make(words: Sequence[str]) -> str:
    for word in words:
        name, is_variable, _ = word.partition("=")
        if is_variable and not re.search(rf"^{name} *[:?]?=", MAKEFILE, re.MULTILINE):
            return f"the Makefile has no variable {name}"
        if not is_variable and not re.search(rf"^[\w -]*\b{name}\b[\w -]*:(?!=)", MAKEFILE,
                                             re.MULTILINE):
            return f"the Makefile has no target {name}"
    return ""


def wrong_with_pip(words: Sequence[str]) -> str:
    for extra in re.findall(r"(?:anuga_lean|\.)\[(\w+)\]", " ".join(words)):
        if not re.search(rf"^{extra} = \[", PROJECT, re.MULTILINE):
            return f"there is no extra {extra}"
    return ""


def all_wrong(found: Sequence[Command], patch: pytest.MonkeyPatch) -> list[str]:
    return [f"{command}: {why}" for command in found
            if (why := wrong_with(command.words, patch))]


def test_every_block_says_what_it_is() -> None:
    assert [] == [f"{block.page}:{block.line}: {block.language}" for block in blocks()
                  if block.language not in (*SHELL, *NO_COMMANDS)]


def test_every_command_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 60 < len(commands())
    assert [] == all_wrong(commands(), monkeypatch)


@pytest.mark.parametrize("line", [
    "anuga_lean compare script.py --allocation", "anuga_lean compares merimbula",
    "anuga_lean plan --triangles", "mpiexec -n 4 anuga_lean run --gard model.py",
    "anuga_lean patches verify --quickly", "anuga_lean study go rain.toml",
    "OMP_NUM_THREADS=1 anuga_lean census --array & wait", "if anuga_lean docter; then",
    "python benchmarks/none.py", "python benchmarks/huge.py --triangle 5", "make all-tests",
    "make huge TRIANGLE=5", "pip install '.[reports]'", "pytest tests/none.py",
    "docker build -f release/Dockerfile .", "docker run --rm anuga_lean anuga_lean ran script.py",
    "apptainer run anuga_lean.sif mpirun -np 4 anuga_lean compares script.py",
    "python -m anuga_lean.none", "slurm-4711.out: the kernel killed it",
])
def test_what_is_not_there_is_found(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = commands_in(Block("page", 1, "", line))
    assert 1 == len(all_wrong(found, monkeypatch))


def wrong_in_text(words: Sequence[str], patch: pytest.MonkeyPatch) -> str:
    """Return what is wrong with a command in the text, where what it needs may be left out."""
    if words[0] != "anuga_lean":
        return wrong_with([word for word in words if not word.startswith("[")], patch)
    known = {"patches": options_of(ROOT / "patches" / "verify.py")}
    parsers = [command_line.build_parser()]
    seen: set[str] = set()
    for word in words[1:]:
        for choices in [action.choices for action in parsers[-1]._actions
                        if isinstance(action, argparse._SubParsersAction)]:
            if set(word.split("|")) - set(choices) and len(parsers) == 1:
                return f"there is no verb {word}"
            parsers += [choices[word]] if word in choices else []
    for parser in parsers:
        seen |= set(parser._option_string_actions)
    return wrong_options(words[1:], seen | known.get(words[1], set()), words[1])


def test_what_the_text_mentions_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    found = mentioned()
    assert 60 < len(found)
    assert [] == [f"{command}: {why}" for command in found
                  if (why := wrong_in_text(command.words, monkeypatch))]


@pytest.mark.parametrize("line", ["anuga_lean rum", "anuga_lean run --garde", "make demos",
                                  "anuga_lean study run --jib-cores 3", "python benchmarks/a.py"])
def test_a_wrong_mention_is_found(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong_in_text(line.split(), monkeypatch)
