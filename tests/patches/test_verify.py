"""From the text of a patch to its verdict, on a copy of the ANUGA that is installed.

Building from the sdist is left out: test_builds.py does it with a small package.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
import verify
from patches.fake import make_patch, run
from verifying import markdown, report, verdicts
from verifying.builds import Copies, installed_source
from verifying.models import Sizes
from verifying.series import SERIES, read_series
from verifying.submissions import of_files, put
from verifying.tree import Change, Tree
from verifying.verdicts import Verdict
from verifying.verifier import Plan, Verifier

from anuga_lean.measure.page import page_of, render
from anuga_lean.measure.records import parse

CHECKOUT = Path(verify.__file__).resolve().parents[1]
TOOLS = "anuga/utilities/numerical_tools.py"
DOMAIN = "anuga/shallow_water/shallow_water_domain.py"
GENERIC = "anuga/abstract_2d_finite_volumes/generic_domain.py"
QUANTITY = "anuga/abstract_2d_finite_volumes/quantity.py"
PATCHES = {
    # One array less until it is asked for: what a patch of the series may look like.
    "0001-good": {QUANTITY: ("import numpy as num\n", "import numpy as num  # arrays\n")},
    "0002-bits": {DOMAIN: ("self.beta_w=0.5\n", "self.beta_w=0.6\n")},
    "0003-regression": {TOOLS: ("def angle(v1, v2=None):\n",
                                "def angle(v1, v2=None):\n    return 7.0\n\n\n"
                                "def _angle(v1, v2=None):\n")},
    "0004-broken": {TOOLS: ("def is_scalar(x):\n", "def is_scalar(x:\n")},
}
PLAN = Plan(
    sizes=Sizes(memory=(500, 2_000), checkpoint=1_000, bits=500, time=1_000, steps=10),
    steps=2, turns=2, results=("dam_break DE0",),
    tests={"subset": ["anuga.utilities.tests.test_numerical_tools"]},
)


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verifier]:
    """Patches of Python files, one of which does not apply."""
    place = tmp_path_factory.mktemp("patches")
    python = Path(sys.executable)
    tree = Tree.of(installed_source(place / "tree", python))
    folder = place / "4.1.0"
    for name, edits in PATCHES.items():
        tree.reset()
        make_patch(tree, folder, name, edits)
    text = (folder / "0001-good.patch").read_text().replace("-import numpy", "-import numbers")
    (folder / "0005-torn.patch").write_text(text)
    with open(folder / "series", "a") as series:
        print("0005-torn.patch", file=series)
    yield Verifier(read_series(folder), tree, Copies(tree, python), place, place / "work", PLAN,
                   lambda line: None)


def test_a_good_patch_gets_every_figure(verifier: Verifier, tmp_path: Path) -> None:
    verdict = verifier.verify("0001-good")
    # A step of 1,000 triangles takes as long as other tests beside it let it;
    # how times are judged is in test_submissions.
    verdict.wrong = [each for each in verdict.wrong if "a step of " not in each]
    assert [] == verdict.wrong
    assert (1, 1, 1) == (verdict.files, verdict.added, verdict.removed)
    assert {"dam_break DE0": True, "restart from a checkpoint": True} == verdict.equal
    assert verdict.tests is not None
    assert 10 < verdict.tests["passed"] == verdict.tests["stock_passed"]
    assert {f"{name} {algorithm}" for name in ("arrays", "rss", "peak", "time")
            for algorithm in ("DE0", "DE1")} | {"checkpoint", "checkpoint_peak"} == \
        set(verdict.figures)
    assert {"DE0": {}, "DE1": {}} == verdict.groups
    assert verdict.figures["arrays DE0"]["stock"] == verdict.figures["arrays DE0"]["patched"] > 900
    assert 0.2 < verdict.figures["time DE0"]["ratio"] < 5.0
    _shown([verdict], verifier, tmp_path)


def _shown(found: list[Verdict], verifier: Verifier, folder: Path) -> None:
    """The page, the README and the file have the figures of a verdict."""
    about = {"release": "4.1.0", "sha256": "0", "command": "python patches/verify.py"}
    stored = verdicts.stored(found, list(verifier.records.values()), about, "verify.py")
    path = folder / "verified.json"
    path.write_text(json.dumps(stored))
    assert found == verdicts.read_verdicts(path)[1]
    table = markdown.table(*verdicts.read_verdicts(path))
    assert "| 0001-good | 1 | +1 −1 | 0 |" in table and "All results are those of stock" in table
    night = parse(json.loads(path.read_text()), path)
    assert {"memory", "speed", "checkpoint", "patches"} == {each.suite for each in night.records}
    html = render(page_of([night]))
    assert "Patches for ANUGA" in html and "0001-good" in html and "Missing here" not in html


def test_bits_that_differ_are_named(verifier: Verifier,
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "plan", replace(PLAN, parts=("bits",)))
    verdict = verifier.verify("0002-bits")
    assert {"dam_break DE0": False} == verdict.equal
    assert 1 == len(verdict.wrong)
    assert verdict.wrong[0].startswith("bits differ from stock's in dam_break DE0: stage (by up ")
    much = verdict.different["dam_break DE0"]
    assert 0.0 < much["sww/stage"]["largest"] < 10.0
    assert much["sww/stage"]["first"].startswith("at ")
    monkeypatch.setattr(verifier, "plan", replace(PLAN, parts=("bits",), expected="half a beta"))
    verdict = verifier.verify("0002-bits")
    assert [] == verdict.wrong and "as expected" == verdicts.bits(verdict)
    told = report.text({"base": "ANUGA"}, verdict, "any")
    assert "0002-bits on ANUGA: accepted, without tests\n" in told
    assert "expected to differ: half a beta" in told
    assert "other bits in dam_break DE0: stage (by up to " in told


def test_a_test_that_regresses_is_named(verifier: Verifier,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "plan", replace(PLAN, parts=("tests",)))
    verdict = verifier.verify("0003-regression")
    assert verdict.tests is not None and verdict.tests["failed"] == len(verdict.wrong) > 0
    assert "REGRESSED" in verdicts.tests(verdict)
    assert any(reason.startswith("a test regresses: anuga/utilities/tests/test_numerical_tools.py"
                                 "::") and "::test_angle1 passed on stock, failed here: " in reason
               for reason in verdict.wrong)


@pytest.mark.parametrize("name, reason", [
    ("0004-broken", "the patched ANUGA cannot be imported: SyntaxError: "),
    ("0005-torn", "0005-torn.patch does not apply: error: patch failed: anuga/abstract_2d"),
    (SERIES, "0005-torn.patch does not apply: "),
])
def test_what_cannot_be_measured_has_its_row(verifier: Verifier, name: str, reason: str) -> None:
    verdict = verifier.verify(name)
    assert 1 == len(verdict.wrong) and verdict.wrong[0].startswith(reason)
    assert verdict.files > 0 and not verdict.figures and verdict.tests is None
    assert "WRONG" == verdicts.rows([verdict])[1][-1]
    assert f"**{name}** is refused: {reason}" in markdown.table(
        {"release": "4.1.0", "date": "2026-01-01", "command": "x", "machine": {}}, [verdict])


KEPT = "        self.boundary_length = self.mesh.boundary_length"
MORE = "        self.spare = num.ones(len(self.mesh))"


def theirs(verifier: Verifier, folder: Path) -> Path:
    """A user's plain diff that gives a domain one more array, 8 bytes a triangle."""
    verifier.tree.reset()
    lines = (verifier.tree.folder / GENERIC).read_text().splitlines()
    line = lines.index(KEPT)
    diff = folder / "fix.diff"
    diff.write_text(f"--- mine/{GENERIC}\n+++ other/{GENERIC}\n@@ -{line + 1},2 +{line + 1},3 @@\n"
                    f" {KEPT}\n+{MORE}\n {lines[line + 1]}\n")
    return diff


def test_a_patch_of_somebody_else(verifier: Verifier, tmp_path: Path) -> None:
    submission = of_files([theirs(verifier, tmp_path)], "ANUGA")
    assert [Change(GENERIC, 1, 0)] == put(submission, verifier.tree, lambda patch: {})
    verifier.tree.reset()
    patch = submission.patch(tmp_path / "diffs")
    other = Verifier([patch], verifier.tree, verifier.builder, verifier.kept.parent,
                     tmp_path / "work", replace(PLAN, parts=("bits", "memory")),
                     lambda line: None)
    verdict = other.verify("fix")
    assert {"dam_break DE0": True} == verdict.equal
    (group,) = verdict.groups["DE0"].values()
    assert 8.0 == pytest.approx(group["patched"] - group["stock"])
    assert 2 == len(verdict.wrong)
    assert verdict.wrong[0].startswith("arrays of DE0 grew by 8.0 bytes per triangle, from ")
    other.plan = replace(other.plan, growth=8.0)
    verdict.wrong.clear()
    other._judge(verdict)
    assert [] == verdict.wrong


def test_the_command_refuses_what_does_not_come_in(tmp_path: Path) -> None:
    (tmp_path / "x.patch").write_text("--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n")
    done = run([sys.executable, verify.__file__, "x.patch", "--installed", "--cache",
                str(tmp_path / "cache"), "--json", "found.json", "--summary", "found.md"], tmp_path)
    assert 1 == done.returncode, done.stderr
    reason = "x.patch names b/../x, which climbs out of the tree: nothing of it is applied"
    assert f"REFUSED: x: {reason}" == done.stderr.splitlines()[-1]
    assert f"x on ANUGA {metadata.version('anuga')}: REFUSED" in done.stdout
    assert "builds and runs" not in done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert [reason] == found["patches"]["verdicts"][0]["wrong"]
    assert "x.patch" in found["patches"]["submission"]["files"]
    assert "x.patch names b/../x" in (tmp_path / "found.md").read_text()


def test_a_verdict_on_the_output(tmp_path: Path) -> None:
    """`--json -` writes all figures there, and the text to stderr."""
    (tmp_path / "x.patch").write_text("--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n")
    done = run(command("--checkout", str(CHECKOUT), "verify", "x.patch", "--installed", "--cache",
                       str(tmp_path / "cache"), "--json", "-"), tmp_path)
    assert 1 == done.returncode, done.stderr
    assert "x" == json.loads(done.stdout)["patches"]["verdicts"][0]["name"]
    assert f"x on ANUGA {metadata.version('anuga')}: REFUSED" in done.stderr
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("arguments, message", [
    (["x.patch", "3"], "give either names of our patches or files of your own"),
    (["no/x.patch"], "there is no no/x.patch"),
    (["x.patch", "--commit", "HEAD"], "--commit is for a git checkout"),
    ([".", "--against", "main", "--release", "4.2.0"], "--against and --release both say what"),
    (["."], "is no git checkout: give the clone of ANUGA"),
    ([".", "--installed"], "--installed is for patch files"),
    (["x.patch", "--expect-different-bits", " "], "--expect-different-bits needs a word of why"),
    (["x.patch", "--json", "no/x.json"], "cannot be written"),
    (["--release", "3.3.10"], "invalid choice: '3.3.10'"),
])
def test_options_that_do_not_go_together(arguments: list[str], message: str, tmp_path: Path
                                         ) -> None:
    (tmp_path / "x.patch").write_text("words\n")
    done = run([sys.executable, verify.__file__, *arguments, "--cache", str(tmp_path / "cache")],
               tmp_path)
    assert 2 == done.returncode and message in done.stderr.splitlines()[-1]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P" if sys.version_info >= (3, 11) else "-B", "-m", "anuga_lean",
            "patches", *arguments]


def test_the_command_refuses_one_and_goes_on(verifier: Verifier, tmp_path: Path) -> None:
    folder = next(iter(verifier.patches.values())).path.parent
    done = run(command("--checkout", str(CHECKOUT), "verify", "torn", "broken", "--installed",
                       "--patches", str(folder), "--cache", str(tmp_path), "--only", "bits",
                       "--json", "found.json", "--summary", "summary.md"), tmp_path)
    assert 1 == done.returncode, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("REFUSED: ")]
    assert ["0004-broken", "0005-torn"] == [line.split(": ")[1] for line in said]
    assert 2 == done.stdout.count(" WRONG\n")
    assert "does not apply" in (tmp_path / "summary.md").read_text()
    night = parse(json.loads((tmp_path / "found.json").read_text()), "found.json")
    assert ["does not apply" in str(record.error) for record in night.records] == [False, True]
    assert "0005-torn" in render(page_of([night]))
    done = run(command("--checkout", str(CHECKOUT), "verify", "torn", "--installed",
                       "--patches", str(folder), "--cache", str(tmp_path), "--only", "bits",
                       "--json", "-"), tmp_path)
    night = parse(json.loads(done.stdout), "-")
    assert "does not apply" in str(night.records[0].error)
    assert "WRONG" in done.stderr and not (tmp_path / "-").exists()


def test_the_list(verifier: Verifier, tmp_path: Path) -> None:
    folder = next(iter(verifier.patches.values())).path.parent
    done = run([sys.executable, verify.__file__, "--list", "--patches", str(folder)], tmp_path)
    assert (0, 5) == (done.returncode, len(done.stdout.splitlines()))
    assert "0002-bits: Change 0002-bits" in done.stdout


@pytest.mark.parametrize("arguments, message", [
    (["verify", "--patches", "nowhere", "--list"], "there is no "),
    (["verify", "--only", "speed"], "invalid choice: 'speed'"),
    (["verify", "--quick", "--full"], "not allowed with argument"),
    (["--checkout", "nowhere", "verify"], "there is no nowhere/patches/verify.py: --checkout is"),
    (["fly"], "invalid choice: 'fly'"),
])
def test_bad_input(arguments: list[str], message: str, tmp_path: Path) -> None:
    if arguments[0] == "verify":
        arguments = ["--checkout", str(Path(verify.__file__).resolve().parents[1]), *arguments]
    done = run(command(*arguments), tmp_path)
    assert 2 == done.returncode and message in done.stderr.splitlines()[-1]
    assert "" == done.stdout


def test_outside_of_a_checkout(tmp_path: Path) -> None:
    done = run(command("verify", "--list"), tmp_path)
    assert 2 == done.returncode and 1 == len(done.stderr.splitlines())
    assert "name one with --checkout FOLDER" in done.stderr


def test_a_bad_name_names_those_that_exist(verifier: Verifier, tmp_path: Path) -> None:
    folder = next(iter(verifier.patches.values())).path.parent
    done = run([sys.executable, verify.__file__, "nice", "--patches", str(folder)], tmp_path)
    assert 2 == done.returncode and 1 == len(done.stderr.splitlines())
    assert "there is no patch 'nice'; there are 0001-good, 0002-bits, " in done.stderr
