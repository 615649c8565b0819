"""Memory limits, on folders of files as kernels of both cgroup versions show them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from anuga_lean.guard.limits import MIB, Level, Limits, cgroup_folders, slurm_memory

MEMINFO = "MemTotal: 4194304 kB\nMemFree: 9 kB\nMemAvailable: 3145728 kB\n"
STATUS = "Name:\tpython\nVmRSS:\t   51200 kB\nVmData:\t  102400 kB\n"
V1 = "30 23 0:35 {mounted} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
V2 = "41 31 0:38 {mounted} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


def machine(root: Path, cgroup: str, mountinfo: str, files: Mapping[str, str]) -> Path:
    """Write what a kernel shows of a process below a folder."""
    given = {"proc/self/cgroup": cgroup, "proc/self/mountinfo": mountinfo,
             "proc/self/status": STATUS, "proc/meminfo": MEMINFO, **files}
    for name, text in given.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def group(folder: str, version: int, limit: int | str, usage: int, pages: int) -> dict[str, str]:
    """The three files of a cgroup; `pages` bytes of files, half of them active."""
    names = {1: ("memory.limit_in_bytes", "memory.usage_in_bytes"),
             2: ("memory.max", "memory.current")}[version]
    before = "total_" if version == 1 else ""
    statistics = (f"active_file 7\ninactive_file 7\n{before}active_file {pages // 2}\n"
                  f"{before}inactive_file {pages - pages // 2}\nanon 5\n")
    return {f"{folder}/{names[0]}": f"{limit}\n", f"{folder}/{names[1]}": f"{usage}\n",
            f"{folder}/memory.stat": statistics}


def levels(root: Path, environment: Mapping[str, str] | None = None,
           pids: tuple[int, ...] = ()) -> dict[str, Level]:
    limits = Limits(environment or {}, pids, root)
    try:
        return {each.who: each for each in limits.read()}
    finally:
        limits.close()


SLURM = "sys/fs/cgroup/memory/slurm_node1/uid_0/job_34"


def test_version_1_walks_up_from_a_cgroup_without_a_limit(tmp_path: Path) -> None:
    machine(tmp_path, "4:memory:/slurm_node1/uid_0/job_34/step_0/task_1\n0::/\n",
            V1.format(mounted="/"), {
                **group(f"{SLURM}/step_0/task_1", 1, 2**63 - 4096, 90 * MIB, 10 * MIB),
                **group(f"{SLURM}/step_0", 1, 150 * MIB, 100 * MIB, 10 * MIB),
                **group(SLURM, 1, 150 * MIB, 130 * MIB, 20 * MIB)})
    found = levels(tmp_path)
    assert ["cgroup /slurm_node1/uid_0/job_34", "cgroup /slurm_node1/uid_0/job_34/step_0",
            "this machine"] == list(found)      # the nearest to its limit first
    assert (110 * MIB, 150 * MIB) == found["cgroup /slurm_node1/uid_0/job_34"][1:]
    assert (1024 * MIB, 4096 * MIB) == found["this machine"][1:]


def test_version_2(tmp_path: Path) -> None:
    machine(tmp_path, "0::/user.slice/model.scope\n", V2.format(mounted="/"), {
        **group("sys/fs/cgroup/user.slice/model.scope", 2, 800 * MIB, 700 * MIB, 300 * MIB),
        **group("sys/fs/cgroup/user.slice", 2, "max", 900 * MIB, 0)})
    found = levels(tmp_path)
    assert (400 * MIB, 800 * MIB) == found.pop("cgroup /user.slice/model.scope")[1:]
    assert ["this machine"] == list(found)


def with_high(folder: str, high: int | str, maximum: int | str, usage: int,
              pages: int = 0) -> dict[str, str]:
    return {**group(folder, 2, maximum, usage, pages), f"{folder}/memory.high": f"{high}\n"}


@pytest.mark.parametrize(("high", "maximum", "who", "limit"), [
    (600 * MIB, 800 * MIB, "cgroup /a (memory.high)", 600),     # what is met first
    (600 * MIB, "max", "cgroup /a (memory.high)", 600),
    (800 * MIB, 800 * MIB, "cgroup /a", 800),                   # as Slurm sets them
    (900 * MIB, 800 * MIB, "cgroup /a", 800),
    ("max", 800 * MIB, "cgroup /a", 800),
    (0, 800 * MIB, "cgroup /a", 800),
])
def test_what_throttles_before_it_kills(tmp_path: Path, high: int | str, maximum: int | str,
                                        who: str, limit: int) -> None:
    machine(tmp_path, "0::/a\n", V2.format(mounted="/"),
            with_high("sys/fs/cgroup/a", high, maximum, 500 * MIB, 100 * MIB))
    assert (400 * MIB, limit * MIB) == levels(tmp_path)[who][1:]


def test_every_level_of_version_2(tmp_path: Path) -> None:
    """A task without a limit, in a job with one, in a slice that is throttled, in a pod."""
    top = "sys/fs/cgroup"
    machine(tmp_path, "0::/pod/slice/job/task\n", V2.format(mounted="/"), {
        **with_high(f"{top}/pod/slice/job/task", "max", "max", 90 * MIB),
        **with_high(f"{top}/pod/slice/job", "max", 200 * MIB, 150 * MIB, 50 * MIB),
        **with_high(f"{top}/pod/slice", 300 * MIB, "max", 310 * MIB, 40 * MIB),
        **with_high(f"{top}/pod", "max", 1000 * MIB, 500 * MIB),
        # the root has no limits and no usage
        f"{top}/memory.stat": "inactive_file 7\n"})
    assert [("cgroup /pod/slice (memory.high)", 270 * MIB, 300 * MIB),
            ("cgroup /pod/slice/job", 100 * MIB, 200 * MIB), ("cgroup /pod", 500 * MIB, 1000 * MIB),
            ("this machine", 1024 * MIB, 4096 * MIB)] == [
        tuple(each) for each in levels(tmp_path).values()]


def test_both_versions_at_once(tmp_path: Path) -> None:
    """A hybrid machine: version 1 has the controller, version 2 is mounted beside it."""
    machine(tmp_path, "4:memory:/job\n0::/init.scope\n",
            V1.format(mounted="/") + V2.format(mounted="/").replace(
                "/sys/fs/cgroup", "/sys/fs/cgroup/unified"),
            {**group("sys/fs/cgroup/memory/job", 1, 100 * MIB, 60 * MIB, 0),
             "sys/fs/cgroup/unified/init.scope/cgroup.procs": "1\n"})
    assert ["cgroup /job", "this machine"] == list(levels(tmp_path))


def test_an_offline_controller(tmp_path: Path) -> None:
    """Files that cannot be read hide no other level."""
    machine(tmp_path, "0::/a/b\n", V2.format(mounted="/"), {
        "sys/fs/cgroup/a/b/memory.stat": "inactive_file 7\n",      # the controller is not on
        **group("sys/fs/cgroup/a", 2, 100 * MIB, 60 * MIB, 0)})
    assert ["cgroup /a", "this machine"] == list(levels(tmp_path))


@pytest.mark.parametrize(("own", "mounted", "name"), [
    ("/", "/docker/4f", "/"),               # sees itself as the root
    ("/docker/4f", "/docker/4f", "/"),      # sees the host's path, its own part mounted
    ("/docker/4f", "/", "/"),               # sees the host's path, nothing of it mounted
    ("/docker/4f/model", "/docker/4f", "/model"),
])
def test_a_container(tmp_path: Path, own: str, mounted: str, name: str) -> None:
    machine(tmp_path, f"0::{own}\n", V2.format(mounted=mounted),
            group(f"sys/fs/cgroup{name}".rstrip("/"), 2, 100 * MIB, 60 * MIB, 0))
    assert (60 * MIB, 100 * MIB) == levels(tmp_path)[f"cgroup {name}"][1:]


def test_a_limit_that_changes_or_goes(tmp_path: Path) -> None:
    folder = tmp_path / "sys/fs/cgroup/a"
    machine(tmp_path, "0::/a\n", V2.format(mounted="/"),
            group("sys/fs/cgroup/a", 2, 100 * MIB, 60 * MIB, 0))
    limits = Limits({}, (), tmp_path)
    (folder / "memory.max").write_text(f"{80 * MIB}\n")
    assert 0.75 == limits.read()[0].fraction
    (folder / "memory.max").write_text("max\n")
    assert ["this machine"] == [each.who for each in limits.read()]
    limits.close()


def test_slurm_counts_only_without_a_cgroup(tmp_path: Path) -> None:
    slurm = {"SLURM_MEM_PER_NODE": "200"}
    machine(tmp_path, "0::/\n", V2.format(mounted="/"), {
        "proc/7/status": STATUS, "proc/8/status": STATUS})
    # A rank that has ended counts nothing.
    assert (100 * MIB, 200 * MIB) == levels(tmp_path, slurm, (7, 8, 9))["SLURM_MEM_PER_NODE"][1:]
    machine(tmp_path, "0::/a\n", V2.format(mounted="/"),
            group("sys/fs/cgroup/a", 2, 200 * MIB, 60 * MIB, 0))
    assert {"cgroup /a", "this machine"} == set(levels(tmp_path, slurm, (7, 8)))


@pytest.mark.parametrize(("environment", "expected"), [
    ({"SLURM_MEM_PER_CPU": "50", "SLURM_CPUS_ON_NODE": "2"}, 100 * MIB),
    ({"SLURM_MEM_PER_NODE": "80", "SLURM_MEM_PER_CPU": "50"}, 80 * MIB),
    ({"SLURM_MEM_PER_NODE": "0"}, None),        # --mem=0: all of the node
    ({"SLURM_MEM_PER_NODE": "all\x1b[2J"}, None),
    ({}, None),
])
def test_what_slurm_says(environment: Mapping[str, str], expected: int | None) -> None:
    found = slurm_memory(environment)
    assert expected == (None if found is None else found[1])


def test_nothing_of_all_that(tmp_path: Path) -> None:
    """A system without /proc: each part says so, and there are no levels."""
    limits = Limits({}, (), tmp_path)
    assert [] == limits.read()
    assert 2 == len(limits.missing)
    assert [] == cgroup_folders(tmp_path)


def test_hostile_files(tmp_path: Path) -> None:
    machine(tmp_path, "0\n0::\n::\n4:memory\n0::/../../etc\n", "a b c\n - \n1 2 3 4 5 - cgroup2\n" +
            V2.format(mounted="/"), {"proc/meminfo": "MemTotal kB\nMemAvailable: x kB\n"})
    assert {} == levels(tmp_path)


def test_a_limit_on_this_process() -> None:
    done = subprocess.run([sys.executable, "-c", (
        "import resource, os\n"
        "from anuga_lean.guard.limits import Limits\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))\n"
        "block = bytearray(200 << 20)\n"
        "print(*[each.used >> 20 for each in Limits({}).read() if 'ulimit -d' in each.who])\n")],
        capture_output=True, text=True)
    assert "" == done.stderr
    assert 200 <= int(done.stdout) < 300


CHILD = Path("/sys/fs/cgroup/memory")
HOLDING = """
import os, sys
open(sys.argv[1] + "/cgroup.procs", "w").write(str(os.getpid()))
from anuga_lean.guard.limits import Limits
limits = Limits(os.environ)
def own():
    return next(each for each in limits.read() if "anuga_lean_test" in each.who)
before = own()
block = b"x" * (64 << 20)
after = own()
print(after.who, after.limit >> 20, after.used - before.used >> 20)
"""


def test_a_real_cgroup() -> None:
    own = next((line.split(":")[2] for line in Path("/proc/self/cgroup").read_text().splitlines()
                if line.split(":")[1] == "memory"), None)
    folder = None if own is None else CHILD / own.strip("/") / f"anuga_lean_test_{os.getpid()}"
    if folder is None or not os.access(folder.parent, os.W_OK):
        pytest.skip("no memory cgroup of version 1 that this user may write")
    folder.mkdir()
    try:
        (folder / "memory.limit_in_bytes").write_text(f"{300 * MIB}")
        done = subprocess.run([sys.executable, "-c", HOLDING, str(folder)], capture_output=True,
                              text=True)
    finally:
        folder.rmdir()
    assert "" == done.stderr
    _, who, limit, grown = done.stdout.split()
    assert (folder.name, "300") == (Path(who).name, limit)
    assert int(grown) in (63, 64, 65)


def test_every_limit_is_read_in_little_time() -> None:
    """A reading each second takes at most a thousandth of a core."""
    limits = Limits(os.environ)
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(200):
        limits.read()
    after = resource.getrusage(resource.RUSAGE_SELF)
    limits.close()
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent / 200 < 1e-3
