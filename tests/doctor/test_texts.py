"""Texts of schedulers, kernels and launchers: each is classified as its file's name says.

The names are CLASS.SURENESS.WHAT.txt; those of WHAT that begin with ``public`` have the shape of
what people have posted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from anuga_lean.__main__ import main
from anuga_lean.doctor.advice import advise
from anuga_lean.doctor.asking import collect
from anuga_lean.doctor.evidence import Cause, Facts
from anuga_lean.doctor.reading import HEAD, TAIL
from anuga_lean.doctor.slurm import nbytes_of
from anuga_lean.doctor.weighing import LADDER, weigh

TEXTS = sorted((Path(__file__).parent / "texts").glob("*.txt"))
Shown = Callable[..., str]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    """What the verb prints."""
    def printed(*arguments: str) -> str:
        assert 0 == main(["doctor", *arguments])
        return capsys.readouterr().out
    return printed


def text_named(name: str) -> Path:
    (found,) = [path for path in TEXTS if name in path.name]
    return found


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_is_what_its_name_says(path: Path) -> None:
    found = weigh(collect(str(path)))
    assert path.name.split(".")[:2] == [found.cause.word, found.sureness.replace(" ", "_")]


def test_there_are_enough_of_them() -> None:
    assert 20 <= sum("public" in path.name for path in TEXTS)
    told = {path.name.split(".")[0] for path in TEXTS}
    # of these only the record of a run, or of a member of a study, tells
    assert {each.word for each in Cause} - told == {
        "oom-probable", "running", "member-memory", "worker-gone"}
    assert set(LADDER) == set(Cause) - {Cause.UNKNOWN}


@pytest.mark.parametrize("name, limit, peak", [
    ("batch_program_killed", 2 << 30, 1798000 << 10),
    ("over_memory_kill_step", 629145600, 943718400),            # bytes
    ("public_slurm_16_kib", 4194304 << 10, 10889240 << 10),     # KiB
    ("srun_one_rank", 3000 << 20, 4 * 690000 << 10),            # of the mean, not of the largest
    ("scontrol_only", 1500 << 20, 0),
    ("kernel_block", 524288 << 10, 487480 << 10),
    ("public_kubernetes.", 2 << 30, 0),
])
def test_limit_and_peak(name: str, limit: int, peak: int) -> None:
    facts = collect(str(text_named(name)))
    assert (limit, peak) == (facts.limit, facts.peak)


def test_sizes_of_slurm() -> None:
    assert [150 << 20, 10000 << 20, 4 * (4 << 30), 0, 0] == [
        nbytes_of(text, 4) for text in ("150M", "10000Mn", "4Gc", "", "-1G")]


@pytest.mark.parametrize("name, words", [
    ("batch_program_killed", "#SBATCH --mem=2496M"),            # 1.2 x 2048 MiB, in 64 MiB
    ("public_kubernetes.", "resources.limits.memory: 2496Mi"),
    ("time-limit.sure.timeout", "#SBATCH --signal=B:USR1@120 --requeue"),
    ("public_kernel_global", "was the victim of another: matlab (pid 700)"),
    ("node_fail_requeue", "job 61 was started 2 times: NODE_FAIL, then COMPLETED; the last time"),
    ("mpirun_one_rank", "the process that died was rank 5"),
    ("srun_one_rank", "the process that died was rank 3"),
    ("mpirun_one_rank", "Slurm adds up RSS (3,321 MiB)"),
    ("members_killed", "the kernel killed 2 processes of the step"),
    ("killed_alone", "not sure"), ("public_dev_shm", "anuga_lean doctor"),
])
def test_says(name: str, words: str, shown: Shown) -> None:
    assert words in shown(str(text_named(name)))


def test_every_class_has_an_advice() -> None:
    for cause in Cause:
        said = advise(cause, Facts())
        assert (cause in (Cause.RUNNING, Cause.COMPLETED)) == (said == [])


def test_a_folder_joins_what_its_files_say(tmp_path: Path, shown: Shown) -> None:
    """Signal 9 in the log, and why in the file of another step."""
    (tmp_path / "mpi.log").write_text(text_named("openmpi_5").read_text())
    assert "(killed, not sure)" in shown(str(tmp_path))
    (tmp_path / "dmesg.txt").write_text(text_named("kernel_block").read_text())
    assert "(oom-cgroup, sure)" in shown(str(tmp_path))


def test_hostile_texts_do_nothing(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "evil.log"
    log.write_bytes(b"\x1b]0;PWNED\x07 Out of memory: Killed process 1 (\x1b[31m\xed\xa0\x80) "
                    b"total-vm:1kB, anon-rss:5kB\x00\x9b2J\xe2\x80\xae\r\nKilled\r\n\xff\xff")
    said = shown(str(log))
    assert "(oom-node, sure)" in said and "\\x1b" in said
    assert all(each.isprintable() or each == "\n" for each in said)
    read = json.loads(shown(str(log), "--json", "-"))
    assert "oom-node" == read["class"] and "\x1b" in read["evidence"][0]["line"]


@pytest.mark.parametrize("line", [
    "(" * 9000, "JobID|State|" + "|" * 99999, "[[[[" * 9999, "{" * 99999, '{"event": "begin"',
    "StepId=" * 5000 + " exceeded memory limit (" + "9" * 5000, '"limits":' * 9000,
    "Worker memory limit: ..... GiB", "JobState=" * 5000, "exit code" * 9000, "JobID\n-----",
    '{"event": "begin", "ranks": 7, "limits": [3], "memory": {"a": 1}, "wall": "x"}',
    '{"event": "begin", "ranks": [{"pid": 1e999}, {"pid": -1}], "seconds": NaN}',
    "[1] 1 1 1 " * 3000,
])
def test_strange_lines(line: str, tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "strange.log"
    log.write_text(f"{line}\n" * 3)
    assert "strange.log: " in shown(str(log))


def test_a_large_file_is_read_at_its_ends(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "large.log"
    with open(log, "wb") as file:
        file.write(b"Detected 1 oom-kill event(s) in StepId=1.0.\n")
        file.truncate(100 << 20)
        file.seek(0, 2)
        file.write(b"\nslurmstepd: error: *** JOB 1 ON a CANCELLED AT now DUE TO TIME LIMIT ***\n")
    facts = collect(str(log))
    assert {Cause.OOM_CGROUP, Cause.TIME_LIMIT} == {each.cause for each in facts.evidence}
    assert [f"{log} is large: its middle was not read"] == facts.missing
    assert log.stat().st_size > 10 * (HEAD + TAIL)


def test_what_a_line_shows_by_turns_is_read(tmp_path: Path, shown: Shown) -> None:
    log = tmp_path / "bar.log"
    log.write_bytes(b"first\r\n 3%|#\r 5%|##\rKilled\r\nlast\r\n")
    assert "because  line 2: Killed\n" in shown(str(log))


def test_the_end_of_a_large_file_of_two_bytes_a_character(tmp_path: Path) -> None:
    log = tmp_path / "large.log"
    said = "slurmstepd: error: *** JOB 1 ON a CANCELLED AT now DUE TO TIME LIMIT ***\n"
    for more in (0, 1):     # a file may be cut within a character
        log.write_bytes(("x\n" * (HEAD + TAIL) + said).encode("utf-16") + b"x" * more)
        assert {Cause.TIME_LIMIT} == {each.cause for each in collect(str(log)).evidence}


def test_tasks_of_an_array_are_no_job(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["doctor", "4711_[3-7%2]"])
    assert "give one of them, such as 4711_3" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["", "no/such.log", "12x", "a\x00b", "x" * 5000, "/dev/null"])
def test_what_cannot_be_examined_is_one_sentence(
        target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["doctor", target])
    assert 1 == len(capsys.readouterr().err.splitlines())
