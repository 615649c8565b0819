"""The gate: what counts as worse, what is only noted, and how it is said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import compare
import nightly
import pytest

from anuga_lean.measure.environment import environment
from anuga_lean.measure.gate import compare_nights
from anuga_lean.measure.records import Figure, Night, Record, night, parse

MACHINE = {"architecture": "x86_64", "avx2": True, "avx512": False, "cores": 2}


def record(suite: str = "memory", build: str = "lean", **more: Any) -> Record:
    return Record(suite, "dam_break", build, parameters={"triangles": [60_000, 240_000]}, **more)


def memory(value: float, **more: Any) -> Record:
    return record(figures={"held": Figure(value, "B/tri", None, "memory")}, **more)


def speed(value: float) -> Record:
    return record("speed", figures={"stock_over_lean": Figure(value, "x", 0.03, "ratio")})


def of(*records: Record, machine: Mapping[str, Any] = MACHINE) -> Night:
    return Night(Path("night.json"), "2026-11-25T02:00:00", "abc", machine, list(records))


def worse(new: Night, base: Night) -> list[str]:
    return [finding.text for finding in compare_nights(new, base) if finding.worse]


@pytest.mark.parametrize("value, fails", [(100.0, False), (101.9, False), (102.1, True),
                                          (90.0, False)])
def test_memory_may_grow_by_two_percent(value: float, fails: bool) -> None:
    assert fails == bool(worse(of(memory(value)), of(memory(100.0))))


@pytest.mark.parametrize("value, fails", [(4.0, False), (3.61, False), (3.59, True), (6.0, False)])
def test_a_ratio_may_fall_by_ten_percent(value: float, fails: bool) -> None:
    assert fails == bool(worse(of(speed(value)), of(speed(4.0))))


def test_the_sentence_says_which_by_how_much_and_which_arrays() -> None:
    old = memory(111.0, arrays={"mesh/nodes": 16.0, "domain/old": 4.0})
    new = memory(119.0, arrays={"mesh/nodes": 16.0, "domain/extra": 8.0, "domain/old": 4.0})
    expected = ("memory dam_break triangles=60000,240000 on lean: held 111 -> 119 B/tri (+7.2%): "
                "domain/extra +8.00 B/tri")
    assert [expected] == worse(of(new), of(old))


def test_ratios_of_another_kind_of_machine_are_not_compared_and_that_is_said() -> None:
    other = of(speed(8.0), machine={**MACHINE, "avx512": True})
    findings = compare_nights(of(speed(4.0)), other)
    assert not any(finding.worse for finding in findings)
    assert any("ratios of time are not compared: they come from 2 cores with v3 kernels now, from "
               "2 cores with v4 kernels before" == finding.text for finding in findings)


def test_memory_of_another_kind_of_machine_is_compared() -> None:
    other = of(memory(100.0), machine={**MACHINE, "avx512": True})
    assert 1 == len(worse(of(memory(110.0)), other))


def test_a_few_hundred_kilobytes_of_a_peak_are_no_growth() -> None:
    old, new, grown = (record("checkpoint", figures={"peak": Figure(value, "MiB", None, "memory")})
                       for value in (0.02, 0.6, 1.5))
    assert [] == worse(of(new), of(old))
    assert 1 == len(worse(of(grown), of(old)))


def test_what_failed_or_is_missing_is_worse_but_a_suite_left_out_is_not() -> None:
    failed = record(error="the lean run was killed by SIGKILL; its last peak was 12 MiB")
    assert [f"{failed.key}: {failed.error}"] == worse(of(failed), of(memory(100.0)))
    base = of(memory(100.0), memory(100.0, threads=2), speed(4.0))
    assert ["memory dam_break triangles=60000,240000 threads=2 on lean was not measured"] == \
        worse(of(memory(100.0)), base)
    without = record(figures={})
    assert ["memory dam_break triangles=60000,240000 on lean: held was not measured"] == \
        worse(of(without), of(memory(100.0)))


def test_figures_that_are_not_gated_may_do_as_they_like() -> None:
    slow, fast = (record(figures={"seconds": Figure(value, "s")}) for value in (9.0, 1.0))
    assert [] == worse(of(slow), of(fast))


def on(release: str, *records: Record) -> Night:
    return of(*records, machine={**MACHINE, "versions": {"anuga": release}})


def ran(release: str, value: float, build: str = "lean") -> Record:
    return replace(memory(value), build=build, version=f"anuga {release} + anuga_lean 0.1.0")


def test_a_release_is_compared_with_itself_whichever_environment_it_ran_in() -> None:
    old = on("4.1.0", ran("4.1.0", 100.0))
    both = on("4.2.0", ran("4.2.0", 90.0), ran("4.1.0", 110.0, "lean@4.1.0"))
    assert ["memory dam_break triangles=60000,240000 on lean@4.1.0: held 100 -> 110 B/tri "
            "(+10.0%)"] == worse(both, old)
    notes = [finding.text for finding in compare_nights(both, old) if not finding.worse]
    assert ["1 records of ANUGA 4.2.0 are compared with nothing: there are none in the older file"
            ] == notes


def test_two_releases_are_not_compared() -> None:
    said = worse(on("4.2.0", ran("4.2.0", 100.0)), on("4.1.0", ran("4.1.0", 100.0)))
    assert ["nothing can be compared: ANUGA 4.2.0 was measured now, ANUGA 4.1.0 before"] == said


def test_another_release_may_be_measured_in_part_but_the_own_one_not() -> None:
    whole = [ran("4.1.0", 100.0), replace(ran("4.1.0", 100.0), threads=2)]
    part = ran("4.1.0", 100.0, "lean@4.1.0")
    assert [] == worse(on("4.2.0", part, ran("4.2.0", 1.0)), on("4.1.0", *whole))
    assert 1 == len(worse(on("4.1.0", ran("4.1.0", 100.0)), on("4.1.0", *whole)))


def test_what_could_not_run_on_another_release_is_worse() -> None:
    failed = record(build="lean@4.1.0", error="there is no environment with anuga 4.1.0")
    new = on("4.2.0", ran("4.2.0", 1.0), failed)
    assert [f"{failed.key}: {failed.error}"] == worse(new, on("4.1.0", ran("4.1.0", 100.0)))


@pytest.mark.parametrize("build, version, expected", [
    ("stock", "anuga 4.2.0", ("stock", "4.2.0")),
    ("4.1.0", "anuga 4.1.0", ("stock", "4.1.0")),
    ("4.1.0", "", ("stock", "4.1.0")),
    ("lean@4.1.0", "anuga 4.1.0 + anuga_lean 0.1.0", ("lean", "4.1.0")),
    ("lean@4.3.0rc1 zstd", "", ("lean zstd", "4.3.0rc1")),
    ("lean-v3", "", ("lean-v3", "")),
    ("patched", "anuga 4.1.0", ("patched", "4.1.0")),
])
def test_the_release_of_a_record(build: str, version: str, expected: tuple[str, str]) -> None:
    found = record(build=build, version=version)
    assert expected == (found.variant, found.release)


def test_a_baseline_for_each_release(
        tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "BASELINES", tmp_path / "baseline")
    release = str(environment()["versions"]["anuga"])
    other = "0.9"
    night_ = stored(tmp_path / "new.json", ran(release, 100.0), ran(other, 50.0, f"lean@{other}"))
    assert 2 == compare.main([night_])
    assert 0 == compare.main([night_, "--accept"])
    assert {release: 1} == {name: len(found.records) for name, found in
                            compare.read_baselines(tmp_path / "baseline").items()}
    capsys.readouterr()
    grown = stored(tmp_path / "grown.json", ran(release, 103.0), ran(other, 90.0, f"lean@{other}"))
    assert 1 == compare.main([grown])
    said = capsys.readouterr().out
    assert f"there is no baseline of ANUGA {other}: its 1 records" in said and "103" in said
    (tmp_path / "baseline" / f"{release}.json").rename(tmp_path / "baseline" / "0.9.json")
    assert 2 == compare.main([grown])
    assert "a baseline has the name of its version" in capsys.readouterr().err


def stored(path: Path, *records: Record) -> str:
    path.write_text(json.dumps(night(records)))
    return str(path)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = stored(tmp_path / "old.json", memory(100.0))
    new = stored(tmp_path / "new.json", memory(103.0))
    assert 1 == compare.main([new, "--against", old])
    assert "WORSE: memory dam_break" in capsys.readouterr().out
    assert 0 == compare.main([old, "--against", old])
    assert "nothing is worse" in capsys.readouterr().out


@pytest.mark.parametrize("text, message", [
    ("{", "is no JSON"),
    ("[]", "holds no figures"),
    ('{"benchmarks": [{"name": "x", "extra_info": {"schema": "anuga_lean.figures/0"}}]}',
     "has the schema 'anuga_lean.figures/0', this version of anuga_lean reads"),
])
def test_a_file_of_another_schema_is_refused_in_one_sentence(
        text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.json").write_text(text)
    good = stored(tmp_path / "good.json", memory(100.0))
    for arguments in ([good, "--against", str(tmp_path / "bad.json")],
                      [str(tmp_path / "bad.json"), "--against", good]):
        assert 2 == compare.main(arguments)
        said = capsys.readouterr().err
        assert message in said and 1 == said.count("\n")


def test_a_record_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    full = memory(100.0, triangles=[59_536, 240_100], arrays={"mesh/nodes": 16.0}, isa="v3",
                  stages={"import": {"seconds": 1.0, "rss": 5, "pss": None}}, command="python x",
                  sites=[{"site": "a.py:1 f", "nbytes": 5, "share": 1.0}])
    assert [full] == parse(json.loads(json.dumps(night([full]))), "here").records


TOOLCHAIN = {"compiler": "GCC: (Debian) 12.2.0", "architecture": "x86_64", "python": "3.11.7",
             "numpy": "2.4.6"}


def counted(kernels: float, whole: float = 700.0, toolchain: Mapping[str, str] = TOOLCHAIN,
            **more: Any) -> Record:
    return record("instructions", "lean-v3", toolchain=dict(toolchain), figures={
        "kernel_instructions": Figure(kernels, "instr/tri", None, "kernel instructions"),
        "instructions": Figure(whole, "instr/tri", None, "instructions")}, **more)


@pytest.mark.parametrize("kernels, whole, fails", [
    (500.0, 700.0, 0), (509.9, 713.9, 0), (510.1, 700.0, 1), (500.0, 714.1, 1), (400.0, 600.0, 0)])
def test_instructions_may_grow_by_two_percent(kernels: float, whole: float, fails: int) -> None:
    other_machine = {**MACHINE, "avx512": True, "cores": 64}
    assert fails == len(worse(of(counted(kernels, whole)), of(counted(500.0),
                                                              machine=other_machine)))


def test_the_sentence_names_the_functions_that_grew() -> None:
    old = counted(500.0, functions={"fluxes": 200.0, "reconstruct": 175.0})
    new = counted(540.0, functions={"fluxes": 240.0, "reconstruct": 175.0})
    assert ["instructions dam_break triangles=60000,240000 on lean-v3: kernel_instructions "
            "500 -> 540 instr/tri (+8.0%): fluxes +40.00 instr/tri"] == worse(of(new), of(old))


@pytest.mark.parametrize("fact, compared", [("compiler", []), ("architecture", []),
                                            ("numpy", ["kernel_instructions"]),
                                            ("python", ["kernel_instructions"])])
def test_instructions_of_another_toolchain_are_not_compared_and_that_is_said(
        fact: str, compared: list[str]) -> None:
    new = counted(600.0, 900.0, {**TOOLCHAIN, fact: "other"})
    findings = compare_nights(of(new), of(counted(500.0)))
    assert len(compared) == sum(finding.worse for finding in findings)
    said = [finding.text for finding in findings if not finding.worse]
    assert 2 - len(compared) == len(said)
    assert all(f"is not compared: {fact} {TOOLCHAIN[fact]} -> other" in text for text in said)


def test_a_night_without_valgrind_says_what_is_missing() -> None:
    findings = compare_nights(of(memory(100.0)), of(memory(100.0), counted(500.0)))
    assert [(False, "instructions was not measured: it wants valgrind")] == \
        [tuple(finding) for finding in findings]


def test_a_suite_alone_becomes_the_baseline(
        tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = tmp_path / "baseline"
    monkeypatch.setattr(compare, "BASELINES", baseline)
    release = str(environment()["versions"]["anuga"])

    def records_of(value: float) -> tuple[Record, Record]:
        return (ran(release, value), replace(
            counted(value), version=f"anuga {release} + anuga_lean 0.1.0"))

    only = stored(tmp_path / "only.json", records_of(500.0)[1])
    both = stored(tmp_path / "both.json", *records_of(100.0))
    assert 0 == compare.main([only, "--accept", "instructions"])
    assert ["instructions"] == [each.suite for each in
                                compare.read_baselines(baseline)[release].records]
    assert 0 == compare.main([stored(tmp_path / "old.json", *records_of(50.0)), "--accept"])
    assert 0 == compare.main([both, "--accept", "instructions"])
    found = {each.suite: each for each in compare.read_baselines(baseline)[release].records}
    assert 50.0 == found["memory"].figures["held"].value
    assert 100.0 == found["instructions"].figures["kernel_instructions"].value
    assert 2 == compare.main([both, "--accept", "ranks"])
    assert "has no record of the suite ranks" in capsys.readouterr().err


def test_what_a_baseline_has_not_is_compared_with_the_last_night() -> None:
    base = on("4.2.0", replace(counted(500.0), version="anuga 4.2.0"))
    last = on("4.2.0", replace(counted(490.0), version="anuga 4.2.0"), ran("4.2.0", 100.0))
    new = on("4.2.0", replace(counted(505.0), version="anuga 4.2.0"), ran("4.2.0", 103.0))
    found = list(nightly.pairs(new, [last], {"4.2.0": base}))
    assert [("instructions", False, base), ("memory", False, last)] == [
        (pair.new.records[0].suite, pair.ratios_only, whole)
        for pair, whole in zip(found, (base, last), strict=True)
        if pair.base.records == [each for each in whole.records
                                 if each.suite == pair.new.records[0].suite]]
    assert [0, 1] == [len(worse(pair.new, pair.base)) for pair in found]
