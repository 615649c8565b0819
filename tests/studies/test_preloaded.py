"""What a member costs that is forked from a process that has loaded ANUGA."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

from anuga_lean.studies.launching import Spawned
from anuga_lean.studies.member import Job

MIB = 1 << 20
SCRIPT = """
import time
with open("cpu.part", "w") as file:
    file.write(repr(time.process_time()))
import os
os.rename("cpu.part", "cpu.txt")
time.sleep(60.0)
"""


def test_two_members_before_their_first_line(tmp_path: Path) -> None:
    """Each has 15 MiB of memory at most, pages that they share divided, and 60 ms of CPU."""
    (tmp_path / "script.py").write_text(SCRIPT)
    hand = Spawned(True, 1)
    try:
        pids = [start(hand, tmp_path, name) for name in ("0-0", "0-1")]
        places = [tmp_path / name / "cpu.txt" for name in ("0-0", "0-1")]
        until = time.monotonic() + 60.0
        while not all(each.exists() for each in places):
            assert time.monotonic() < until
            time.sleep(0.05)
        seconds = [float(each.read_text()) for each in places]
        nbytes = [pss(pid) for pid in pids]
    finally:
        hand.close()
    assert max(nbytes) <= 15 * MIB, [each / MIB for each in nbytes]
    assert max(seconds) <= 0.06


def start(hand: Spawned, folder: Path, name: str) -> int:
    home = folder / name
    home.mkdir()
    job = Job(name, str(home), str(folder / "script.py"), [],
              ["--guard", "--resume", "--record", "run.jsonl"], {}, True, 1, {}, None,
              preloaded=True)
    (home / "job.json").write_text(json.dumps(asdict(job)))
    return int(hand.start(name, home / "job.json").get(timeout=60)["pid"])


def pss(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines()
                if line.startswith("Pss:"))
