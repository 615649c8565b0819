"""The examination of a machine, on folders that look like one; and the page about both."""

from __future__ import annotations

import json
import re
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from anuga_lean.__main__ import main
from anuga_lean.doctor.machine import examine
from anuga_lean.doctor.processes import Mpi, name_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "killed.md"
WELL = Mpi("Open MPI 5.0.9", "Open MPI 5.0.9")
CURE = "OMPI_MCA_btl_sm_free_list_max"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine that is well."""
    made = tmp_path / "root"
    for name, text in {
        "proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 900 kB\nCommitLimit: 500 kB\n"
                        "Committed_AS: 400 kB\nHugePages_Free: 0\nHugepagesize: 2048 kB\n",
        "proc/self/status": "VmData: 1 kB\n", "proc/sys/vm/overcommit_memory": "0\n",
        "proc/7/maps": "7f00-7f01 rw-s 0 00:01 5 /dev/shm/sm_segment.held\n",
        "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    }.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    (made / "dev/shm").mkdir(parents=True)
    (made / "dev/shm/sm_segment.held").write_text("x")
    return made


def wrong(root: Path, mpi: Mpi = WELL, **environment: str) -> list[str]:
    return examine(environment, root, root, mpi).wrong


def test_a_machine_that_is_well(root: Path) -> None:
    examined = examine({}, root, root, WELL)
    assert [] == examined.wrong
    assert "madvise" == examined.here["huge pages"]


@pytest.mark.parametrize("mpi, environment, words", [
    (Mpi("Open MPI 4.1.8", "Open MPI 5.0.9"), {}, "mpi4py is of Open MPI 4.1.8, but mpiexec of"),
    (Mpi("MPICH 5.0.2", "Open MPI 5.0.2"), {}, "mpi4py is of MPICH 5.0.2, but mpiexec of"),
    (Mpi(None, "Open MPI 5.0.9", True, "libmpi.so: no such"), {}, "mpi4py does not load: libmpi"),
    (Mpi("Open MPI 5.0.10", None), {CURE: "128"}, "the sooner with a cap of 128: unset it"),
    (WELL, {"OMPI_MCA_pml_ob1_free_list_max": "256"}, "OMPI_MCA_pml_ob1_free_list_max=256"),
])
def test_mpi_that_is_wrong(mpi: Mpi, environment: dict[str, str], words: str, root: Path) -> None:
    (said,) = wrong(root, mpi, **environment)
    assert words in said


@pytest.mark.parametrize("mpi, environment", [
    (Mpi("Open MPI 5.0.11", "Open MPI 5.0.11"), {CURE: "4096"}),
    (Mpi("Open MPI 5.0.11", "Open MPI 5.0.11"), {"OMPI_MCA_btl_vader_free_list_max": "-1"}),
    (Mpi(None, None, False, "not installed"), {}), (Mpi("MPICH 5.0.2", "MPICH 5.0.2"), {}),
    (WELL, {"OMPI_MCA_pml_ob1_free_list_max": "-1"}),
])
def test_mpi_that_is_not(mpi: Mpi, environment: dict[str, str], root: Path) -> None:
    assert [] == wrong(root, mpi, **environment)


@pytest.mark.parametrize("mpi, environment, said", [
    (Mpi("Open MPI 5.0.11", None), {}, f"anuga_lean sets {CURE}=-1"),
    (Mpi("Open MPI 5.0.11", None), {CURE: "-1"}, ""), (WELL, {}, ""),
])
def test_growth_that_is_cured(mpi: Mpi, environment: dict[str, str], said: str,
                              root: Path) -> None:
    examined = examine(environment, root, root, mpi)
    assert [] == examined.wrong
    assert said in examined.here.get("mpi's growth", "") and bool(said) == (
        "mpi's growth" in examined.here)


@pytest.mark.parametrize("text, name", [
    ("Open MPI v5.0.11, package: Open MPI x Distribution, ident: 5.0.11", "Open MPI 5.0.11"),
    ("mpiexec (Open MPI) 4.1.8\n\nReport bugs", "Open MPI 4.1.8"),
    ("mpirun (Open MPI) 5.0.11", "Open MPI 5.0.11"),
    ("MPICH Version:      5.0.2\nMPICH Release date: x", "MPICH 5.0.2"),
    ("HYDRA build details:\n    Version:                                 5.0.2", "MPICH 5.0.2"),
    ("Intel(R) MPI Library 2021.11 for Linux* OS", "Intel(R) MPI 2021.11"),
    ("Intel(R) MPI Library for Linux* OS, Version 2021.11 Build 2023", "Intel(R) MPI 2021.11"),
    ("something else", None),
])
def test_names_of_mpi(text: str, name: str | None) -> None:
    assert name == name_of(text)


def test_segments_are_listed_and_stay(root: Path) -> None:
    left = root / "dev/shm/vader_segment.cn1.0.1"
    left.write_bytes(b"x" * 4096)
    (root / "dev/shm/someone_elses").write_text("x")
    (said,) = wrong(root)
    assert said.startswith("1 segments of dead runs") and left.name in said
    assert left.exists()


@pytest.mark.parametrize("name, old, new, words", [
    ("proc/meminfo", "MemAvailable: 900", "MemAvailable: 100", "may be killed"),
    ("proc/meminfo", "HugePages_Free: 0", "HugePages_Free: 10", "20 MiB are reserved"),
    ("proc/sys/vm/overcommit_memory", "0", "2", "overcommit is off"),
])
def test_the_kernels_settings(name: str, old: str, new: str, words: str, root: Path) -> None:
    path = root / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    (said,) = wrong(root)
    assert words in said


@pytest.mark.parametrize("text, words", [
    (f"pid=7\nhost={socket.gethostname()}\n", None),
    (f"pid=8\nhost={socket.gethostname()}\n", "which is gone"),
    ("pid=7\nhost=elsewhere\n", "on elsewhere"), ("\x00\x1b[31m", "names no process"),
])
def test_locks(text: str, words: str | None, root: Path) -> None:
    (root / "flood.sww.lock").write_text(text)
    said = wrong(root)
    assert (words is None) == (said == [])
    assert words is None or words in said[0]


def test_a_system_without_proc(tmp_path: Path) -> None:
    examined = examine({}, tmp_path, tmp_path / "none", WELL)
    assert [] == examined.wrong
    assert examined.here["/dev/shm"].startswith("cannot be read")


def test_this_machine_in_two_seconds(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "anuga_lean", "doctor", "--json", "here.json"],
                          capture_output=True, text=True, cwd=tmp_path, timeout=60)
    said = json.loads((tmp_path / "here.json").read_text())
    assert "" == done.stderr and int(bool(said["wrong"])) == done.returncode
    assert done.stdout.startswith("versions")
    assert {"versions", "mpi", "memory", "/dev/shm", "overcommit"} <= set(said["here"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2.0


def test_the_page_shows_what_is_printed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its commands run, and its example is the answer to such a log."""
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text()
    texts = Path(__file__).parent / "texts"
    log = (texts / "oom-cgroup.sure.batch_program_killed.txt").read_text().replace(
        "512", "4711")
    Path("slurm-4711.out").write_text(log)
    commands = re.findall(r"^anuga_lean (doctor(?: \S+)?) *(?:#.*)?$", page, re.MULTILINE)
    assert 6 == len(commands)
    Path("anuga_lean_runs").mkdir()
    Path("rain.study/members/3-07").mkdir(parents=True)
    for command in commands:
        for name in re.findall(r"\S+\.jsonl", command):
            Path(name).write_text('{"event": "begin"}\n{"event": "end", "outcome": "exited"}\n')
        assert main(command.split()) in ((0, 1) if command == "doctor" else (0,)), command
    capsys.readouterr()
    main(["doctor", "slurm-4711.out"])
    printed = capsys.readouterr().out
    blocks = re.findall(r"^```text\n(slurm-4711.*?)```", page, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        for line in block.splitlines():
            assert line.partition(" ...")[0] in printed
