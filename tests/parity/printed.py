"""Runs what ANUGA prints on one variant of it, and writes the text of each case to a file.

`python -m parity.printed stock|lean FOLDER CASE...`, the cases of `parity.printed_cases`.  Each
is forked from one interpreter that has ANUGA loaded and runs in a folder of its own;
FOLDER/CASE.txt gets all that reaches stdout and stderr, from C too, and the text files that the
case leaves.  What no two runs share is made the same by `normalised`, and nothing else.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

from parity.runner import load

_NORMAL = (
    (r"mem=[0-9.]+[MG]B", "mem=#"),                                # memory of the process
    (r" \(\d+s\), elapsed \([\d:]+\), eta \([\d:?]+\)", " (#)"),   # the clock
    (r" \(\d+s\),", " (#),"),
    (r"wall_time=\d+\.\d+s", "wall_time=#"),
    (r"\d{4}-\d\d-\d\d[_ T]\d\d:\d\d:\d\d(,\d+)?", "#"),
    (r"\d{8}_\d{6}", "#"),
    (r"(memory|resident|stacksize)(=|, )[0-9.]+", r"\1\2#"),         # memory of the process
    (r" +[a-z_0-9]+:\d+ +\|", " MODULE:LINE |"),                   # the line that logs
    (r"\b0x[0-9a-f]+", "0x#"),                                     # addresses
)


def normalised(text: str, folder: str) -> str:
    """Return `text` without the clock, the memory, addresses and the name of its folder."""
    text = text.replace(folder, "FOLDER")
    for pattern, instead in _NORMAL:
        text = re.sub(pattern, instead, text)
    return text


def _show(message: Any, category: type, *_: Any) -> None:
    """Print a warning without the line that it comes from."""
    print(f"{category.__name__}: {message}", file=sys.stderr, flush=True)


def _text_files(folder: Path) -> str:
    """Return the text files of a folder, by name."""
    found = [path for path in sorted(folder.rglob("*"))
             if path.is_file() and path.suffix in (".log", ".txt", ".csv", ".out")]
    return "".join(f"--- {path.name}\n{path.read_text()}" for path in found)


def _run(anuga: ModuleType, build: Any, target: Path, variant: str) -> None:
    """Run one case in this process, a child of its own, and write what it prints."""
    folder = target.with_name(f"{target.stem}_{variant}")
    folder.mkdir()
    os.chdir(folder)
    printed = target.with_suffix(".raw")
    file = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout.reconfigure(line_buffering=True)     # type: ignore[union-attr]
    warnings.simplefilter("always")
    warnings.showwarning = _show                    # type: ignore[assignment]
    try:
        build(anuga)
    except Exception as error:
        trace = traceback.format_exc()
        target.with_suffix(".err").write_text(trace)
        print(f"{type(error).__name__}: {error}")
    sys.stdout.flush()
    sys.stderr.flush()
    text = _text_files(folder)
    if not (folder / "all.log").exists():   # what it holds is seen in the terminal in any order
        text = printed.read_text() + text
    target.with_suffix(".txt").write_text(normalised(text, str(folder)))


def main(argv: list[str]) -> None:
    """The command line described above."""
    variant, place, *names = argv
    anuga = load(variant)
    from parity.printed_operators import CASES

    for name in names:
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        target = Path(place).resolve() / f"{name}.txt"
        try:
            _run(anuga, CASES[name], target, variant)
        except BaseException:
            target.with_suffix(".err").write_text(traceback.format_exc())
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
