"""Prints the resident bytes of a process that has imported ANUGA and nothing else."""

from __future__ import annotations

from pathlib import Path

import anuga

anuga.Domain  # noqa: B018  a lean ANUGA is loaded by the first name that is asked of it
status = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS")))
