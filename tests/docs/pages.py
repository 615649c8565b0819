"""What the pages tell to type: fenced blocks of docs/ and README, and the commands in them.

Owns reading Markdown and splitting shell lines; which commands there are is checked in
`test_commands`, what they do in `test_running`, Python blocks in `test_python`.

A block without a language, or of bash, holds commands; output and drawings are `text`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
SHELL = ("", "bash")
NO_COMMANDS = ("python", "text", "toml", "json", "yaml")
INLINE = re.compile(r"`((?:anuga_lean|make|python|pytest) [^`]+)`")
# What a shell keeps for itself at the start of a command.
KEPT = {"if", "then", "fi", "&", "&&", ";", "|", "||", "[", "exit", "wait", "trap", "export"}


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str


class Command(NamedTuple):
    """A command of a page, as words."""

    page: str
    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {shlex.join(self.words)}"


def blocks_of(text: str, page: str) -> list[Block]:
    """Return the fenced blocks of a page, directives of Sphinx left out."""
    return [Block(page, text[: found.start()].count("\n") + 2, found[2].strip(), found[3])
            for found in FENCE.finditer(text) if not found[2].startswith("{")]


def simple_commands(line: str) -> Iterator[list[str]]:
    """Give the commands of a line of a shell, without comments and settings of variables."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split, lexer.commenters = True, "#"
    words: list[str] = []
    for word in [*lexer, ";"]:
        if not word.strip(";&|"):
            if words and words[0] not in KEPT:
                yield words
            words = []
        elif words or not re.match(r"\w+=", word) and word not in ("if", "then"):
            words.append(word)


def commands_in(block: Block) -> list[Command]:
    """Return the commands of a block, the first line of a script of bash left out."""
    return [Command(block.page, block.line + i, tuple(words))
            for i, line in enumerate(block.text.splitlines())
            if not line.lstrip().startswith("#") for words in simple_commands(line)]


def blocks() -> list[Block]:
    """Return all fenced blocks of all pages."""
    return [block for page in PAGES for block in blocks_of(page.read_text(), page.name)]


def commands() -> list[Command]:
    """Return all commands in blocks."""
    return [command for block in blocks() if block.language in SHELL
            for command in commands_in(block)]


def mentioned() -> list[Command]:
    """Return what is in the text between backticks and looks like a command."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in INLINE.finditer(FENCE.sub(lambda whole: "\n" * whole[0].count("\n"), text)):
            line = text[: match.start()].count("\n") + 1
            found.append(Command(page.name, line, tuple(shlex.split(match[1]))))
    return found
