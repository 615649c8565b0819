"""Measures a study of many small members under a memory limit, and what a member costs.

Members are a rainfall on a small basin; one in twenty needs eight times the memory.  The whole
study runs in a cgroup of its own where this machine lets it (as root, or delegated).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from anuga_lean.guard.limits import cgroup_folders
from anuga_lean.measure.report import table

MIB = 1 << 20
MODEL = '''
import argparse
import os
from pathlib import Path

import numpy as np

import anuga

parser = argparse.ArgumentParser()
parser.add_argument("--rain", type=float)
parser.add_argument("--large", type=int)
parser.add_argument("--seed", type=int)
options = parser.parse_args()
domain = anuga.rectangular_cross_domain(SIDE, SIDE)
domain.set_name("model")
domain.set_store(False)
domain.set_quantity("elevation", lambda x, y: 0.1 * np.sin(9.0 * x))
domain.set_quantity("stage", 0.05 + 0.01 * np.random.default_rng(options.seed).random())
wall = anuga.Reflective_boundary(domain)
domain.set_boundary({tag: wall for tag in domain.get_boundary_tags()})
anuga.Rate_operator(domain, rate=options.rain)
if options.large:
    block = np.ones(EXTRA >> 3)
for t in domain.evolve(yieldstep=0.05, finaltime=0.05):
    pass
Path("volume.txt").write_text(repr(float(domain.get_water_volume())))
with open(os.environ["RUNS"], "a") as file:
    file.write(os.environ["ANUGA_LEAN_MEMBER"] + chr(10))
'''
SUMMARY = '''
def of_member(folder, parameters):
    return {"volume": float((folder / "volume.txt").read_text())}
'''


def write_study(folder: Path, sets: int, replicates: int, side: int, extra: int,
                guard: bool) -> Path:
    """Write script, summary, table of parameters and study file; return the last."""
    (folder / "model.py").write_text(MODEL.replace("SIDE", str(side)).replace("EXTRA", str(extra)))
    (folder / "summary.py").write_text(SUMMARY)
    with open(folder / "sets.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rain", "large"])
        writer.writerows([[round(1e-5 * k, 8), int(k % 20 == 7)] for k in range(sets)])
    path = folder / "basin.toml"
    path.write_text(
        'script = "model.py"\ntable = "sets.csv"\nsummary = "summary.py:of_member"\n'
        f'arguments = ["--seed", "{{seed}}"]\nreplicates = {replicates}\nkeep = []\n'
        f"guard = {str(guard).lower()}\n")
    return path


def make_cgroup(nbytes: int) -> Path | None:
    """Return a cgroup with this limit, None where this process may not make one."""
    for folder, _, version in cgroup_folders(Path("/"))[:1]:
        made = folder / f"study_benchmark_{os.getpid()}"
        try:
            made.mkdir()
            limit = made / ("memory.max" if version == 2 else "memory.limit_in_bytes")
            limit.write_text(str(nbytes))
        except OSError:
            return None
        return made
    return None


def run_study(path: Path, group: Path | None) -> dict[str, Any]:
    """Run a study to its end in a cgroup, and return what it took."""
    def enter() -> None:
        if group is not None:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    runs = path.parent.parent / f"{path.parent.name}.runs"
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "anuga_lean", "study", "run", str(path)], preexec_fn=enter,
        env={**os.environ, "RUNS": str(runs)})
    peak, own = 0, 0.0
    while process.poll() is None:
        time.sleep(0.5)
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            words = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        peak = max([peak, *(int(line.split()[1]) * 1024 for line in status.splitlines()
                            if line.startswith("VmHWM"))])
        own = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    found: dict[str, Any] = {
        "exit_code": process.returncode, "seconds": time.monotonic() - began,
        "client_cpu_seconds": own, "client_peak": peak,
        "cpu_seconds": sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])}
    with open(path.with_suffix(".study") / "results.csv", newline="") as file:
        members = list(csv.DictReader(file))
    names = runs.read_text().split()
    found |= {
        "members": len(members), "completed": sum(row["end"] == "completed" for row in members),
        "came_to_their_end": len(names), "twice": len(names) - len(set(names)),
        "tries": sum(int(row["tries"]) for row in members),
        "member_cpu_seconds": sorted(float(row["cpu_seconds"] or 0.0)
                                     for row in members)[len(members) // 2],
        "member_peak": sorted(int(row["peak_bytes"] or 0) for row in members)[len(members) // 2]}
    if group is not None:
        for name, file_name in (("peak", "memory.max_usage_in_bytes"), ("peak", "memory.peak"),
                                ("at_limit", "memory.failcnt")):
            if (group / file_name).exists():
                found[name] = int((group / file_name).read_text())
        events = group / "memory.oom_control"
        if events.exists():
            found["killed"] = int(dict(zip(*[iter(events.read_text().split())] * 2,
                                           strict=False)).get("oom_kill", 0))
    return found


def main() -> None:
    """Run the study, print what it took, and end with 1 if a member was lost or ran twice."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sets", type=int, default=400)
    parser.add_argument("--replicates", type=int, default=30)
    parser.add_argument("--side", type=int, default=16, help="of 4 SIDE**2 triangles")
    parser.add_argument("--limit", type=int, default=1024, metavar="MIB", help="of the cgroup")
    parser.add_argument("--guard", action="store_true", help="members are guarded runs")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    group = make_cgroup(options.limit * MIB)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text) / "study"
        folder.mkdir()
        path = write_study(folder, options.sets, options.replicates, options.side,
                           7 * 20 * MIB, options.guard)
        try:
            found = run_study(path, group)
        finally:
            if group is not None:
                group.rmdir()
    count = found["members"]
    print(table([("what", "it took"),
        ("members", f"{count:,}"), ("completed", f"{found['completed']:,}"),
        ("came to their end twice", f"{found['twice']:,}"), ("tries", f"{found['tries']:,}"),
        ("wall time, s", f"{found['seconds']:,.0f}"),
        ("CPU of a member, median, ms", f"{1e3 * found['member_cpu_seconds']:.0f}"),
        ("peak of a member, median, MiB", f"{found['member_peak'] / MIB:.1f}"),
        ("CPU of the client per member, ms", f"{1e3 * found['client_cpu_seconds'] / count:.1f}"),
        ("peak RSS of the client, MiB", f"{found['client_peak'] / MIB:.0f}"),
        (f"peak of the cgroup of {options.limit} MiB", "none" if group is None
         else f"{found.get('peak', 0) / MIB:,.0f} MiB"),
        ("times the cgroup met its limit", str(found.get("at_limit", "not known")))]))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    sys.exit(found["exit_code"] or int(found["twice"] > 0 or found["completed"] < count))


if __name__ == "__main__":
    main()
