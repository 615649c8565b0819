"""Records and /proc folders of the tests' own making."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MIB = 1 << 20
BEGAN = 1.8e9       # s since 1970
HERE = platform.node()


def memory(mib: int) -> dict[str, int]:
    return {"rss": mib * MIB, "peak": (mib + 20) * MIB, "pss": (mib - 10) * MIB,
            "uss": (mib - 20) * MIB}


def level(used: int, limit: int = 1000, who: str = "cgroup /x") -> dict[str, Any]:
    return {"who": who, "used": used * MIB, "limit": limit * MIB}


def begin(pids: tuple[int, ...] = (101, 102), nodes: tuple[str, ...] = (HERE, HERE),
          **facts: Any) -> dict[str, Any]:
    return {"event": "begin", "seconds": 0.0, "wall": BEGAN, "name": "model", "algorithm": "DE0",
            "ranks": [{"node": node, "pid": pid, "triangles": 500} for node, pid
                      in zip(nodes, pids, strict=True)],
            "limits": [level(100)], "memory": [memory(60)] * len(pids), **facts}


def at_yield(seconds: float, time: float, *mib: int, used: int = 200,
             finaltime: float = 100.0) -> dict[str, Any]:
    return {"event": "yield", "seconds": seconds, "time": time, "steps": 7, "finaltime": finaltime,
            "memory": [memory(each) for each in mib], "level": level(used)}


def stage(seconds: float, name: str, *mib: int) -> dict[str, Any]:
    return {"event": "stage", "seconds": seconds, "stage": name,
            "ranks": [{"rank": rank, **memory(each)} for rank, each in enumerate(mib)]}


def a_set(seconds: float, time: float) -> dict[str, Any]:
    return {"event": "set", "seconds": seconds, "time": time, "name": f"model_{time}",
            "writing": 0.2}


def end(seconds: float, outcome: str, code: int | None, **facts: Any) -> dict[str, Any]:
    return {"event": "end", "seconds": seconds, "outcome": outcome, "exit_code": code, **facts}


def write(path: Path, *events: Mapping[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in events))
    return path


def add(path: Path, text: str) -> None:
    with open(path, "a") as file:
        file.write(text)


def process(root: Path, pid: int, rss: int, began: float = BEGAN - 10.0, name: str = "python",
            children: tuple[int, ...] = (), cgroup: str = "0::/job\n", **variables: str) -> None:
    """A process: RSS in MiB, PSS 10 and USS 20 below."""
    proc = root / "proc"
    folder = proc / str(pid)
    (folder / "task" / str(pid)).mkdir(parents=True, exist_ok=True)
    (folder / "fd").mkdir(exist_ok=True)
    (folder / "task" / str(pid) / "children").write_text(" ".join(map(str, children)))
    (folder / "comm").write_text(name + "\n")
    (folder / "cgroup").write_text(cgroup)
    (folder / "mountinfo").write_text(
        "25 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
    (folder / "environ").write_text("".join(f"{k}={v}\0" for k, v in variables.items()))
    (folder / "status").write_text(
        f"Name: {name}\nVmRSS: {rss << 10} kB\nVmHWM: {rss + 20 << 10} kB\nVmData: 1 kB\n")
    (folder / "smaps_rollup").write_text(
        f"Rss: {rss << 10} kB\nPss: {rss - 10 << 10} kB\nPrivate_Clean: 0 kB\n"
        f"Private_Dirty: {rss - 20 << 10} kB\n")
    import time

    up = 1e6
    (proc / "uptime").write_text(f"{up} 0\n")
    ticks = int((began - time.time() + up) * os.sysconf("SC_CLK_TCK"))
    (folder / "stat").write_text(f"{pid} ({name}) S" + " 0" * 18 + f" {ticks} 0 0\n")


def machine(root: Path, *limits: tuple[str, int, int]) -> None:
    """/proc of this process and of the machine; cgroups with used and limit, MiB."""
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "status").write_text("VmRSS: 1 kB\n")
    (root / "proc" / "meminfo").write_text("MemTotal: 9999999 kB\nMemAvailable: 9999990 kB\n")
    for name, used, limit in limits:
        folder = root / "sys" / "fs" / "cgroup" / name
        folder.mkdir(parents=True)
        for file, value in (("memory.max", limit * MIB), ("memory.current", used * MIB),
                            ("memory.stat", "inactive_file 0")):
            (folder / file).write_text(f"{value}\n")
