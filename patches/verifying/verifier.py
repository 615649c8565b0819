"""Takes one patch after another from its text to its verdict.

Owns the order of the stages and that a stage that fails leaves the others, and the
other patches, their figures.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from anuga_lean._errors import LeanError
from anuga_lean.measure.comparison import equalities
from anuga_lean.measure.environment import machine, versions
from anuga_lean.measure.records import Figure, Record, figure
from verifying import verdicts
from verifying.builds import Builder, Progress
from verifying.differences import differences, words
from verifying.models import ALGORITHMS, RAIN, RESULTS, Models, Sizes
from verifying.series import SERIES, Patch
from verifying.suites import Suites
from verifying.tree import Change, Failure, Tree
from verifying.turns import in_turns
from verifying.verdicts import Verdict

PARTS = ("tests", "bits", "memory", "checkpoint", "distribute", "fit", "time")
MOST_NAMED = 10  # tests that regress
FORMAT = 1  # of what is kept of stock; raise it when a model or its figures change
# Bytes by which resident memory varies between runs of the same code (up to 1.4 MB seen);
# arrays and files do not vary.
NOISE = 2.4e6
EXACT, RESIDENT = ("arrays", "checkpoint"), ("rss", "peak", "checkpoint_peak")
ANYWAY = ("tests", "bits", "memory", "checkpoint", "time")
CONCERNS = {"distribute": ("anuga/parallel/",),
            "fit": ("anuga/fit_interpolate/", "anuga/geospatial_data/", "anuga/utilities/")}


@dataclass(frozen=True)
class Plan:
    """How much is done for a patch.

    Attributes
    ----------
    parts : tuple of str
        Of `PARTS`.
    full : bool
        All of ANUGA's fast suite and its quick parallel tests, every part
        whatever the patch touches.
    sizes : Sizes
    steps, turns, processes : int
        Of a timing, see turns.in_turns.
    results : tuple of str
        Which of models.RESULTS are compared.
    tests : dict or None
        Runs of pytest instead of those that suites.py chooses.
    growth : float
        Bytes per triangle that memory may grow by, see `RULE`.
    expected : str
        Why results may differ; empty if they may not.
    """

    parts: tuple[str, ...] = PARTS
    full: bool = False
    sizes: Sizes = field(default_factory=Sizes)
    steps: int = 5
    turns: int = 16
    processes: int = 1
    results: tuple[str, ...] = tuple(RESULTS)
    tests: dict[str, list[str]] | None = None
    growth: float = 1.0
    expected: str = ""

    @property
    def noise(self) -> float:
        """Return the bytes per triangle by which resident memory varies between the two meshes."""
        small, large = self.sizes.memory
        return NOISE / (large - small)

    def concerns(self, part: str, changes: Sequence[Change]) -> bool:
        """Whether a part is done for a patch with these changes."""
        if part not in self.parts:
            return False
        return part in ANYWAY or self.full or any(
            change.path.startswith(CONCERNS[part]) for change in changes)


SLOWER = 1.05  # patched over stock
RULE = ("refused is what does not apply or build, has a test that is worse than on {base}, gives "
        "other bits{expected}, takes over {growth:g} bytes per triangle more of arrays or "
        "checkpoint (over {noise:g} of resident memory or a peak, which vary), or, where time was "
        f"measured, surely over {SLOWER - 1.0:.0%} more of it per step")



def rule(plan: Plan, base: str) -> str:
    """Say what is refused, in a sentence."""
    return RULE.format(base=base, growth=plan.growth, noise=plan.growth + plan.noise,
                       expected=f" (expected: {plan.expected})" if plan.expected else "")


PLAN = Plan()
QUICK = Plan(parts=("bits", "memory"), sizes=Sizes(memory=(10_000, 40_000), bits=2_000, steps=30))
FULL = Plan(full=True, sizes=Sizes(distribute=(250_000, 1_000_000)), turns=24, processes=3)


class Verifier:
    """Takes patches to their verdicts.

    Parameters
    ----------
    patches : sequence of Patch
        All of the series.
    tree : Tree
    builder : Wheels or Copies
    place : Path
        Folder of the cache: stock's interpreter and what is kept of its runs.
    work : Path
        For everything else.
    plan : Plan
    progress : callable
    """

    def __init__(self, patches: Sequence[Patch], tree: Tree, builder: Builder,
                 place: Path, work: Path, plan: Plan, progress: Progress) -> None:
        self.patches = {patch.name: patch for patch in patches}
        self.tree, self.builder, self.work = tree, builder, work
        self.plan, self.progress = plan, progress
        self.tree.reset()  # an interrupted run leaves it patched
        self.stock = self._stock(place)
        self.kept = place / f"kept-{self._digest()}"
        self.kept.mkdir(exist_ok=True)
        self.reference = Models("stock", self.stock, plan.sizes, self.kept / "models", progress)
        self.suites = Suites(tree.folder, place, self.kept, self.stock, progress)
        self.records: dict[str, Record] = {}
        self._stock_seconds: dict[str, list[float]] = {}

    def _stock(self, place: Path) -> Path:
        """Return the interpreter with the release as it is, built once."""
        folder, complete = place / "stock", place / "stock" / "complete"
        if complete.exists():
            return folder / "bin" / "python"
        self.progress("stock: build, once")
        python = self.builder.make(folder, [], None)
        complete.touch()
        return python

    def _digest(self) -> str:
        """Return a digest of all that the kept results of stock depend on."""
        token = (self.stock.parent.parent / "complete").stat().st_mtime_ns
        facts = [FORMAT, token, asdict(self.plan.sizes), machine(),
                 versions(("numpy", "scipy", "pytest"))]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]

    def chosen(self, name: str) -> list[Patch]:
        """Return the patches that are put on the release for one, or for all of them."""
        if name == SERIES:
            return list(self.patches.values())
        patch = self.patches[name]
        return [*(self.patches[need] for need in patch.needs), patch]

    def compiles(self, name: str) -> bool:
        """Whether compiled sources are patched; a broken patch is refused later."""
        try:
            return any(change.compiled for patch in self.chosen(name)
                       for change in self.tree.changes(patch))
        except Failure:
            return False

    def verify(self, name: str) -> Verdict:
        """Return the verdict on one patch, or on all of them in order."""
        began = time.monotonic()
        chosen = self.chosen(name)
        verdict = Verdict(name, chosen[-1].subject, list(chosen[-1].needs)) if name != SERIES \
            else Verdict(SERIES, f"all {len(chosen)} patches in order")
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            changes, python = self._make(verdict, chosen, folder)
        except Failure as reason:
            verdict.wrong.append(str(reason))
        else:
            self._measure(verdict, changes, python, folder)
            self._judge(verdict)
        verdict.seconds = time.monotonic() - began
        return verdict

    def _make(self, verdict: Verdict, chosen: Sequence[Patch], folder: Path
              ) -> tuple[list[Change], Path]:
        self.progress(f"{verdict.name}: apply")
        own = chosen if verdict.name == SERIES else chosen[-1:]
        self.tree.reset()
        found = [change for patch in own for change in self.tree.changes(patch)]
        verdict.files = len({change.path for change in found})
        verdict.added = sum(change.added for change in found)
        verdict.removed = sum(change.removed for change in found)
        verdict.tests_lines = sum(change.added for change in found if "/tests/" in change.path)
        self.tree.apply(chosen)
        changes = [change for patch in chosen for change in self.tree.changes(patch)]
        self.progress(f"{verdict.name}: build")
        return changes, self.builder.make(folder / "anuga", changes, self.stock)

    def _measure(self, verdict: Verdict, changes: Sequence[Change], python: Path,
                 folder: Path) -> None:
        models = Models(verdict.name, python, self.plan.sizes, folder, self.progress)
        with ThreadPoolExecutor(1) as aside:  # tests have no figure that another core spoils
            tests = None
            if self.plan.concerns("tests", changes):
                tests = aside.submit(self._stage, verdict, "tests", lambda: self._tests(
                    verdict, python, changes, folder / "tests"))
            for part, measure in (("bits", self._bits), ("memory", self._memory),
                                  ("checkpoint", self._checkpoint),
                                  ("distribute", self._distribute), ("fit", self._fit)):
                if self.plan.concerns(part, changes):
                    self._stage(verdict, part, lambda measure=measure: measure(verdict, models))
            if tests is not None and self.plan.full:  # else the turns of both meet them alike
                tests.result()
            if self.plan.concerns("time", changes):
                for algorithm in ALGORITHMS:
                    self._stage(verdict, "time", lambda algorithm=algorithm: self._time(
                        verdict, python, algorithm, folder / "time"))
            if tests is not None:
                tests.result()

    def _judge(self, verdict: Verdict) -> None:
        """Refuse a patch that takes more than `RULE` allows."""
        for name, both in verdict.figures.items():
            kind, _, algorithm = name.partition(" ")
            if kind == "time":
                surely = both["ratio"] - 3.0 * both["uncertainty"]
                if surely > SLOWER:
                    verdict.wrong.append(f"a step of {algorithm} takes {both['ratio']:.3f} times "
                                         f"that of stock, and surely more than {surely:.3f}")
            elif kind in (*EXACT, *RESIDENT):
                grown = both["patched"] - both["stock"]
                if grown > self.plan.growth + (self.plan.noise if kind in RESIDENT else 0.0):
                    most = max(verdict.groups.get(algorithm, {}).items(), default=None,
                               key=lambda item: item[1]["patched"] - item[1]["stock"])
                    where = f", most of it in {most[0]}" if most and kind == "arrays" else ""
                    verdict.wrong.append(
                        f"{verdicts.NAMES[kind]}{f' of {algorithm}' if algorithm else ''} grew by "
                        f"{grown:.1f} bytes per triangle, from {both['stock']:.1f} to "
                        f"{both['patched']:.1f}{where}: allow it with --allow-growth")

    @staticmethod
    def _stage(verdict: Verdict, part: str, act: Callable[[], None]) -> None:
        """Do one stage; if it fails, note that as a reason against the patch."""
        try:
            act()
        except (Failure, LeanError, SystemExit) as reason:
            verdict.wrong.append(f"{part}: {reason}")

    def _tests(self, verdict: Verdict, python: Path, changes: Sequence[Change],
               folder: Path) -> None:
        outcome = self.suites.compare(verdict.name, python, changes, self.plan.full, folder,
                                      self.plan.tests)
        verdict.tests = verdicts.of_outcome(outcome)
        for test in outcome.regressed[:MOST_NAMED]:
            verdict.wrong.append(f"a test regresses: {test}")
        if len(outcome.regressed) > MOST_NAMED:
            verdict.wrong.append(f"{len(outcome.regressed) - MOST_NAMED} more tests regress")
        if outcome.passed - outcome.new < outcome.stock_passed and not outcome.regressed:
            verdict.wrong.append(f"{outcome.passed} of ANUGA's tests pass, {outcome.stock_passed} "
                                 "on stock")

    def _bits(self, verdict: Verdict, models: Models) -> None:
        for name in self.plan.results:
            stock = self._kept(f"results {name}", lambda name=name: self.reference.results(name))
            ours = models.results(name)
            self._compare(verdict, name, stock, ours)
            if name == RAIN:  # what a model loads besides its arrays
                verdict.note("rain_rss", *(Figure(
                    run["stages"]["evolve"]["rss"] / 2**20, "MiB") for run in (stock, ours)))

    def _compare(self, verdict: Verdict, name: str, stock: dict, ours: dict) -> None:
        """Note whether the results of a model are equal, and which are not."""
        equal = equalities(stock, ours)
        verdict.equal[name] = bool(equal) and all(equal.values())
        different = [what for what, same in equal.items() if not same]
        much: dict[str, Any] = {}
        if different:
            much = differences(stock, ours, different)
            verdict.different[name] = {what: much.get(what) for what in different}
        verdict.expected = self.plan.expected
        if (different and not self.plan.expected) or not equal:
            listed = ", ".join(words(what, much.get(what)) for what in different[:6]) or \
                "everything: nothing was compared"
            more = f" and {len(different) - 6} more" if len(different) > 6 else ""
            verdict.wrong.append(f"bits differ from stock's in {name}: {listed}{more}")

    def _memory(self, verdict: Verdict, models: Models) -> None:
        for algorithm in ALGORITHMS:
            stock = self._record(f"memory {algorithm}", lambda algorithm=algorithm:
                                 self.reference.memory(algorithm))
            ours = self._keep(models.memory(algorithm), "memory")
            verdict.note(f"arrays {algorithm}", stock.figures["held"], ours.figures["held"])
            for name, figure_ in (("rss", "rss_slope"), ("peak", "peak_evolve")):
                verdict.note(f"{name} {algorithm}", stock.figures[figure_], ours.figures[figure_])
            verdict.note_groups(algorithm, stock, ours)

    def _checkpoint(self, verdict: Verdict, models: Models) -> None:
        stock, restarted = self._both("checkpoint", self.reference.checkpoint)
        record, results = models.checkpoint()
        self._keep(record, "checkpoint")
        for name in ("checkpoint", "checkpoint_peak"):
            verdict.note(name, stock.figures[name], record.figures[name])
        self._compare(verdict, "restart from a checkpoint", restarted, results)

    def _distribute(self, verdict: Verdict, models: Models) -> None:
        stock = self._record("distribute", self.reference.distribute)
        record = self._keep(models.distribute(), "distribute")
        for name in ("rank_0", "rank_0_peak"):
            verdict.note(name, stock.figures[name], record.figures[name])

    def _fit(self, verdict: Verdict, models: Models) -> None:
        stock, bed = self._both("fit", self.reference.fit)
        record, results = models.fit()
        self._keep(record, "fit")
        verdict.note("fit_peak", stock.figures["fit_peak"], record.figures["fit_peak"])
        self._compare(verdict, "fit of a points file", bed, results)

    def _time(self, verdict: Verdict, python: Path, algorithm: str, folder: Path) -> None:
        self.progress(f"{verdict.name}: time per step, {algorithm}")
        plan = self.plan
        timing = in_turns(self.stock, python,
                          {"triangles": plan.sizes.time, "flow_algorithm": algorithm},
                          plan.steps, plan.turns, plan.processes, folder / algorithm)
        verdict.figures[f"time {algorithm}"] = {
            "ratio": statistics.median(timing.ratios), "uncertainty": timing.uncertainty,
            "stock": statistics.median(timing.stock), "patched": statistics.median(timing.ours)}
        self._stock_seconds.setdefault(algorithm, []).extend(timing.stock)
        for label, seconds in (("stock", self._stock_seconds[algorithm]),
                               (verdict.name, timing.ours)):
            record = Record("speed", "dam_break", label, triangles=[timing.triangles],
                            flow_algorithm=algorithm, repeats=len(seconds),
                            parameters={"flow_algorithm": algorithm})
            record.figures = {"seconds_per_step": figure(seconds, "s")}
            if label != "stock":
                record.figures["stock_over_this"] = figure(
                    [1.0 / one for one in timing.ratios], "x", "ratio")
            self._keep(record, "time")

    def _keep(self, record: Record, part: str) -> Record:
        """Store a record under the command that measures it again."""
        if record.error is not None:
            raise Failure(record.error)
        name = "" if record.build == "stock" else f" {record.build}"
        record.command = f"python patches/verify.py --only {part}{name}"
        self.records[record.key] = record
        return record

    def _kept(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what stock gave, from the cache or now."""
        path = self.kept / f"{name.replace(' ', '_')}.json"
        if not path.exists():
            path.write_text(json.dumps(make()))
        return json.loads(path.read_text())

    def _record(self, name: str, make: Callable[[], Record]) -> Record:
        return self._both(name, lambda: (make(), {}))[0]

    def _both(self, name: str, make: Callable[[], tuple[Record, dict]]) -> tuple[Record, dict]:
        """Return a record of stock and what else came with it."""
        def made() -> dict[str, Any]:
            record, more = make()
            if record.error is not None:
                raise Failure(f"stock: {record.error}")
            return {"record": record.as_dict(), "more": more}

        found = self._kept(name, made)
        given = {key: value for key, value in found["record"].items() if key != "schema"}
        figures = {key: Figure(**value) for key, value in given.pop("figures").items()}
        record = Record(figures=figures, **given)
        return self._keep(record, name.partition(" ")[0]), found["more"]
