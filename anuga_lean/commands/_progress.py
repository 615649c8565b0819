"""Shows the progress of long work: one moving line on a terminal, plain lines in a log."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

from anuga_lean._escapes import escaped

INTERVAL = 30.0  # s between two lines about the same stage in a log


class ProgressLine:
    """A callable that shows lines such as ``stock 1/3: step 40/200``.

    Parameters
    ----------
    stream : text stream, optional
        stderr if left out, so that the table on stdout can be redirected.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.moving = self.stream.isatty()
        self._shown = 0.0
        self._began = time.monotonic()

    def __call__(self, line: str) -> None:
        now = time.monotonic()
        line = escaped(line)
        if self.moving:
            text = f"{now - self._began:4.0f} s  {line}"
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(f"\r\x1b[K{text[:width]}")
            self.stream.flush()
        elif "step " not in line or now - self._shown > INTERVAL:
            self._shown = now
            print(f"{now - self._began:.0f} s  {line}", file=self.stream, flush=True)

    def close(self) -> None:
        """Clear the moving line."""
        if self.moving:
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
