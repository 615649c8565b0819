"""The instruction sets the kernels are built for that this machine can run."""

from __future__ import annotations

from pathlib import Path


def available_isas() -> tuple[str, ...]:
    """From the least to the most able, as the operating system lists the CPU's features."""
    flags: set[str] = set()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("flags"):
                flags = set(line.split(":")[1].split())
                break
    found = ["baseline"]
    if {"avx2", "fma", "bmi1", "bmi2"} <= flags:
        found.append("v3")
        if {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= flags:
            found.append("v4")
    return tuple(found)
