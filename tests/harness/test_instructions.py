"""Instructions: how callgrind's files are read, what is refused, and that they repeat exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from anuga_lean.measure.builds import find
from anuga_lean.measure.cases import Case
from anuga_lean.measure.environment import kernel_compiler
from anuga_lean.measure.instructions import has_valgrind, instructions_record, read

FILE = """# callgrind format
version: 1
positions: line
events: Ir
summary: 1000

ob=(1) /x/anuga_lean/_kernels.cpython-311-x86_64-linux-gnu.so
fl=(1) ???
fn=(1) fluxes
0 100
+1 20
cob=(2) /usr/lib/libm.so.6
cfi=(2) ???
cfn=(2) pow
calls=5 0
0 700
-1 3
* 4

fn=(3) reconstruct
0 50
cfn=(1)
calls=1 0
* 120

ob=(3) /usr/lib/libpython3.11.so.1.0
fn=(4) _PyEval_EvalFrameDefault'2
0 7

fn=(5) _PyEval_EvalFrameDefault
0 1

ob=(1)
fn=(1)
12 1000
"""


def test_what_a_function_calls_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "callgrind.out.1").write_text(FILE)
    assert {("kernels", "fluxes"): 1127, ("kernels", "reconstruct"): 50,
            ("Python", "_PyEval_EvalFrameDefault"): 8} == read(tmp_path / "callgrind.out.1")


def test_the_kernels_say_which_compiler_built_them() -> None:
    found = kernel_compiler()
    assert found is not None and found.startswith(("GCC: (", "clang version "))
    assert found[-1].isdigit()


SMALL = Case("dam_break", {"tailwater": -2.0}, [{"triangles": 400}], steps=4)


@pytest.mark.parametrize("build, message", [
    ("stock", "lean kernels of one instruction set, not for stock"),
    ("lean", "lean kernels of one instruction set, not for lean"),
    ("lean-v4", "valgrind does not know AVX-512"),
])
def test_what_cannot_be_counted_is_a_sentence(build: str, message: str, tmp_path: Path) -> None:
    found = instructions_record(SMALL, find(build), tmp_path)
    assert message in str(found.error) and not found.figures


def test_without_valgrind_there_are_no_figures(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = instructions_record(SMALL, find("lean-baseline"), tmp_path)
    assert "there is no valgrind" in str(found.error) and "\n" not in str(found.error)


@pytest.mark.slow
@pytest.mark.nightly  # about the harness, not about a change
@pytest.mark.skipif(not has_valgrind(), reason="wants valgrind")
@pytest.mark.parametrize("algorithm", ["DE0", "DE1"])
def test_instructions_repeat_and_see_what_a_step_does(algorithm: str, tmp_path: Path) -> None:
    case = replace(SMALL, parameters={**SMALL.parameters, "flow_algorithm": algorithm})
    build = find("lean-baseline")
    first, second, longer = (instructions_record(replace(case, steps=steps), build, tmp_path)
                             for steps in (5, 5, 8))
    assert None is first.error and 400 == first.triangles[0]
    assert first.figures["kernel_instructions"] == second.figures["kernel_instructions"]
    for name, figure in first.figures.items():
        assert figure.value == pytest.approx(second.figures[name].value, rel=0.002)
        assert figure.value == pytest.approx(longer.figures[name].value, rel=0.05)
    assert first.figures["instructions"].value == pytest.approx(sum(first.functions.values()))
    per_sweep = first.functions["fluxes"] / {"DE0": 1, "DE1": 2}[algorithm]
    assert 300.0 < per_sweep < 700.0
