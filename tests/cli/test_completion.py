"""What bash, zsh and fish complete, each in a shell of its own without a user's settings."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anuga_lean.__main__ import VERBS, main
from anuga_lean.commands.completion import SHELLS

# An interactive zsh that prints what it would complete, and ends.
ZSH = """
PROMPT=''
fpath=($PWD/functions $fpath)
autoload -Uz compinit && compinit -u -D
bindkey '^I' complete-word
compadd() {
    if [[ " ${@[1,(i)(-|--)]} " == *' -'(O|A|D)' '* ]]; then builtin compadd "$@"; return; fi
    local -a matches
    builtin compadd -A matches "$@"
    (( $#matches )) && print -rl -- "match "${^matches}
}
comppostfuncs=(exit)
print ready
"""


def in_bash(script: str, typed: str, folder: Path) -> set[str]:
    words = [*typed.split(), *[""] * typed.endswith(" ")]
    script += (f"\nCOMP_WORDS=({' '.join(word or chr(39) * 2 for word in words)})\n"
               f"COMP_CWORD={len(words) - 1}; COMP_LINE='{typed}'; COMP_POINT=${{#COMP_LINE}}\n"
               "_shtab_anuga_lean 2>/dev/null\nprintf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=folder)
    return set(done.stdout.split())


def in_zsh(script: str, typed: str, folder: Path) -> set[str]:
    (folder / "functions").mkdir()
    (folder / "functions" / "_anuga_lean").write_text(script)
    (folder / "set_up.zsh").write_text(ZSH)
    reader, writer = pty.openpty()
    shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=writer, stdout=writer, stderr=writer,
                             cwd=folder, start_new_session=True,
                             env={**os.environ, "TERM": "dumb"})
    os.close(writer)
    os.write(reader, b"source set_up.zsh\n")
    said = read(reader, b"ready\r\n")
    os.write(reader, f"{typed}\t".encode())
    said = read(reader)
    shell.wait(timeout=60)
    os.close(reader)
    return set(re.findall(r"match (.*?) *\r", said))


def read(terminal: int, until: bytes | None = None) -> str:
    """Read a terminal until it says something, or until its shell has ended."""
    said = b""
    while until is None or until not in said:
        try:
            said += os.read(terminal, 65536)
        except OSError:     # EIO: the shell has ended
            assert until is None, said
            break
    return said.decode()


def in_fish(script: str, typed: str, folder: Path) -> set[str]:
    place = folder / "config" / "fish" / "completions"
    place.mkdir(parents=True)
    (place / "anuga_lean.fish").write_text(script)
    command = folder / "bin" / "anuga_lean"     # fish completes what it finds alone
    command.parent.mkdir()
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    done = subprocess.run(["fish", "-c", f"complete -C '{typed}'"], capture_output=True, text=True,
                          cwd=folder, env={**os.environ, "HOME": str(folder),
                                           "PATH": f"{command.parent}:{os.environ['PATH']}",
                                           "XDG_CONFIG_HOME": str(folder / "config")})
    return {line.partition("\t")[0].rstrip("/") for line in done.stdout.splitlines()}


SHELL: dict[str, Callable[[str, str, Path], set[str]]] = {
    "bash": in_bash, "zsh": in_zsh, "fish": in_fish}


@pytest.fixture(params=SHELLS)
def complete(request: pytest.FixtureRequest, tmp_path: Path,
             capsys: pytest.CaptureFixture[str]) -> Callable[[str], set[str]]:
    """Gives what a shell completes after what was typed."""
    if shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param}")
    assert 0 == main(["completion", request.param])
    script = capsys.readouterr().out
    return lambda typed: SHELL[request.param](script, typed, tmp_path)


@pytest.mark.parametrize("typed, expected", [
    ("anuga_lean stu", {"study"}),
    ("anuga_lean study res", {"resume", "results"}),
    ("anuga_lean compare --tri", {"--triangles"}),
    ("anuga_lean run mod", {"model.py"}),
    ("anuga_lean checkpoint list CH", {"CHECKPOINTS"}),
    ("anuga_lean compare --json fig", {"figures.json"}),
])
def test_what_was_begun_is_completed(typed: str, expected: set[str], tmp_path: Path,
                                     complete: Callable[[str], set[str]]) -> None:
    (tmp_path / "model.py").touch()
    (tmp_path / "figures.json").touch()
    (tmp_path / "CHECKPOINTS").mkdir()
    assert expected == complete(typed)


def test_all_verbs_are_shown(complete: Callable[[str], set[str]]) -> None:
    assert set(VERBS) == {word for word in complete("anuga_lean ") if not word.startswith("-")}


def test_all_options_are_shown(complete: Callable[[str], set[str]]) -> None:
    assert {"--only", "--fail-if", "--omp_num_threads", "--no-store", "--json"} <= \
        complete("anuga_lean compare --")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_needs_no_shell(shell: str, capsys: pytest.CaptureFixture[str]
                                              ) -> None:
    assert 0 == main(["completion", shell])
    script = capsys.readouterr().out
    for word in (*VERBS, "triangles", "verify"):
        assert word in script


def test_without_shtab_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert 2 == main(["completion", "bash"])
    assert "pip install 'anuga_lean[completion]'" in capsys.readouterr().err
