"""anuga_lean plan: says how much memory a run will take, or how large a mesh may be.

Owns the options and how the answer is printed; predictions are in plan/.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anuga_lean._errors import PlanError
from anuga_lean._escapes import escaped
from anuga_lean.commands._options import add_json_option, check_json_path, printer, write_json
from anuga_lean.guard.limits import MIB, Level, Limits
from anuga_lean.guard.options import RECORDS
from anuga_lean.measure import environment
from anuga_lean.measure.report import table
from anuga_lean.plan import advice
from anuga_lean.plan.learning import Learnt, Run, learn, read_runs, with_floor
from anuga_lean.plan.prediction import Prediction, predict, predict_stock
from anuga_lean.plan.question import (
    ALGORITHMS,
    FEATURES,
    MESHES,
    MOST_TRIANGLES,
    SCHEMES,
    Question,
    parsed_count,
    parsed_features,
    triangles_of_areas,
)
from anuga_lean.plan.trial import SURELY, set_up, with_trial

SUMMARY = "say how much memory a run will take, or how many triangles fit"

# Options that a value follows.
_WITH_VALUE = ("--triangles", "--region", "--fits", "--mesh", "-alg", "--algorithm", "--features",
               "--ranks", "--nodes", "--scheme", "--cores", "--limit", "--records", "--json")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
          "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.usage = ("anuga_lean plan [-h] [...] (--triangles N | --region AREA:LARGEST ... | "
                    "--fits SIZE | script ...)")
    parser.description = (
        "Predicts the peak of each stage and each rank of a run, the sum of a node, which limit "
        "of this machine or job it meets, and stock ANUGA's beside it; says what to ask a "
        "scheduler for, and what to change if it does not fit.  It learns from the records of "
        "guarded runs, and exits with 1 if the run does not fit.")
    what = parser.add_argument_group("what is to be run")
    what.add_argument("--triangles", metavar="N", help="of the whole mesh: 8000000, 8e6")
    what.add_argument("--region", action="append", metavar="AREA:LARGEST", help=(
        "area of a region and largest area of its triangles, m2, instead of --triangles; once for "
        "each region, that of the whole less those within"))
    what.add_argument("--fits", metavar="SIZE", help=(
        "say how many triangles fit into a node for which so much is asked: 64GB, 48GiB"))
    what.add_argument("script", nargs="?", help=(
        "run it up to its first evolve, on one rank, and predict the rest; what follows is its "
        "own, and mesh, algorithm, frames and features are the script's"))
    what.add_argument("--mesh", metavar="KIND", help=(
        f"how it is made: {', '.join(MESHES)} (default regions)"))
    what.add_argument("-alg", "--algorithm", metavar="NAME",
                      help=f"one of {', '.join(ALGORITHMS)} (default DE0)")
    what.add_argument("--store", action=argparse.BooleanOptionalAction, default=None,
                      help="whether frames are written to an SWW file (default: they are)")
    what.add_argument("--features", metavar="A,B,...", help=(
        f"what else it has, of {', '.join(FEATURES)}; tracers=3 for three of them"))
    ranks = parser.add_argument_group("ranks")
    ranks.add_argument("--ranks", type=_whole, metavar="N", help="default 1")
    ranks.add_argument("--nodes", type=_whole, default=1, metavar="N", help=(
        "that they are spread over (default 1)"))
    ranks.add_argument("--scheme", default="metis", metavar="NAME", help=(
        f"partition_scheme of distribute: {', '.join(SCHEMES)} (default metis)"))
    ranks.add_argument("--cores", type=_whole, metavar="N", help="of a node (default: those here)")
    here = parser.add_argument_group("what is known")
    here.add_argument("--limit", metavar="SIZE", help=(
        "memory of a node, instead of the limits found here: 64GB, 48GiB"))
    here.add_argument("--records", type=Path, action="append", metavar="FOLDER", help=(
        f"records of guarded runs to learn from (default {RECORDS})"))
    add_json_option(parser)


def _whole(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,6}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)


def parsed_size(option: str, text: str) -> int:
    """Return the bytes of a text like 64GB or 48GiB.

    Raises
    ------
    PlanError
        It is none.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([kmgt]i?)?b?", text.strip().lower())
    nbytes = int(float(found[1]) * _UNITS[found[2] or ""]) if found else 0
    if nbytes < MIB:
        raise PlanError(f"{option} {text}: give a memory size of 1 MiB or more, such as 64GB or "
                        "48GiB")
    return nbytes


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate our arguments, up to the script, from the script's, which may look like ours."""
    for position, argument in enumerate(arguments):
        if not argument.startswith("-") and not (
                position and arguments[position - 1] in _WITH_VALUE):
            return list(arguments[: position + 1]), list(arguments[position + 1 :])
    return list(arguments), []


def run(args: argparse.Namespace) -> int:
    """Print a prediction, or how many triangles fit."""
    check_json_path(args.json)
    for path in args.records or []:
        if not os.path.exists(path):
            raise PlanError(f"--records {path}: there is no such folder or file")
    asked = [name for name in ("triangles", "region", "fits", "script") if getattr(args, name)]
    if len(asked) != 1:
        raise PlanError("give one of --triangles N, --region AREA:LARGEST, --fits SIZE and a "
                        "script" + (f", not {' and '.join(asked)}" if asked else ""))
    if args.script:
        return _of_script(args)
    triangles = 1
    if args.triangles is not None:
        triangles = parsed_count(args.triangles)
    elif args.region:
        triangles = triangles_of_areas(args.region)
    question = Question(
        triangles, args.ranks or args.nodes, args.nodes, args.algorithm or "DE0",
        args.store is not False, args.mesh or "regions", parsed_features(args.features or ""),
        args.scheme)
    if args.fits:
        return _fits(args, question._replace(triangles=question.ranks))
    question.check()
    return _planned(args, question)


def _of_script(args: argparse.Namespace) -> int:
    for name in ("mesh", "algorithm", "store", "features"):
        if getattr(args, name) is not None:
            raise PlanError(f"--{name} is not for a script, which says so itself: leave it out")
    levels = _levels(args)

    def exceeds(count: float) -> str:
        """Return which limit a run of so many triangles exceeds whatever else it has, or ""."""
        if not 1.0 <= count <= MOST_TRIANGLES:
            return ""
        least = Question(max(int(count), args.ranks or 1), args.ranks or args.nodes, args.nodes,
                         store=False, mesh="rectangular", scheme="hilbert")
        for met in advice.met(predict(least), levels):
            if met.share > SURELY * advice.FRACTIONS.stop:
                return f"{count:,.0f} triangles take {met}"
        return ""

    trial = set_up(args.script, args.rest, exceeds)
    if trial.run is None:
        say = printer(args.json)
        say(escaped(f"{args.script} was ended before its first evolve: {trial.why}"))
        if trial.triangles:
            say("what such a run takes, at least: "
                  f"anuga_lean plan --triangles {trial.triangles:.0f}")
        write_json(args.json, {"script": args.script, "ended": trial.why,
                               "triangles": trial.triangles})
        return 1
    question = trial.run.question._replace(
        ranks=args.ranks or args.nodes, nodes=args.nodes, scheme=args.scheme)
    question.check()
    return _planned(args, question, trial.run)


# -- how many triangles fit ----------------------------------------------------------


def _fits(args: argparse.Namespace, question: Question) -> int:
    say = printer(args.json)
    question.check()
    nbytes = parsed_size("--fits", args.fits)
    learnt = learn(question, read_runs(args.records or [Path(RECORDS)]))
    lean = advice.most_triangles(question, nbytes, advice.of_node_lean(
        lambda each: predict(each, learnt.correct)))
    stock = advice.most_triangles(question, nbytes, advice.of_node_stock)
    say(table([["triangles that fit", "lean", "stock"],
                 [f"a node of {nbytes / advice.GIB:,.2f} GiB", f"{lean:,}", f"{stock:,}"]]))
    say(_standing(learnt))
    say(f"A node is asked for {advice.TIMES} times what its ranks take, and "
          f"{advice.MORE // MIB} MiB.")
    write_json(args.json, {"question": question._asdict(), "nbytes": nbytes, "lean": lean,
                           "stock": stock, "records": learnt.runs, "residual": learnt.residual})
    return 0 if lean else 1


def _standing(learnt: Learnt) -> str:
    if not learnt.runs:
        return "This stands on the table that is built in: there are no records of such runs here."
    count = "record" if learnt.runs == 1 else "records"
    return (f"This stands on {learnt.runs} {count} of such runs here, beside the table that is "
            f"built in; of those it is off by {learnt.residual:.1%} at most.")


# -- what a run takes ----------------------------------------------------------------


def _planned(args: argparse.Namespace, question: Question, run: Run | None = None) -> int:
    say = printer(args.json)
    runs = read_runs(args.records or [Path(RECORDS)])
    learnt = learn(question, runs, run.mesh if run else "")
    prediction = predict(question, learnt.correct)
    if run is not None:
        alone = run.question._replace(ranks=1, nodes=1)
        serial = predict(alone, learn(alone, runs).correct)
        prediction = with_trial(prediction, serial, run)
    prediction = with_floor(prediction, learnt.floor)
    limits = _levels(args)
    found = advice.met(prediction, limits)
    cores = args.cores or environment.cores()
    shape = advice.shape(question, cores, args.ranks is not None)
    lines = advice.batch_lines(
        shape, question.nodes, predict(question._replace(ranks=shape.ranks), learnt.correct))
    node, stage = prediction.of_node()
    stock, stock_node = predict_stock(question)
    wrong = [each for each in found if not each.fits]
    help_ = []
    if wrong:
        level = wrong[0].level
        room = advice.FRACTIONS.stop * level.limit - level.used
        help_ = advice.changes(question, room, lambda each: predict(
            each, learnt.correct if each.key == question.key else learn(each, []).correct))
    say(f"{question.triangles:,} triangles, {_described(question)}")
    say(_stages_table(prediction))
    say(f"node     {node / MIB:,.0f} MiB at most, in {stage!r}"
          + (f": {prediction.on_first_node} ranks, what they share counted once"
             if prediction.on_first_node > 1 else "")
          + f"; stock ANUGA {stock_node / MIB:,.0f} MiB, {stock_node / node:.1f} times that")
    for each in found:
        say(escaped(f"limit    {each}"))
    if not found:
        say("limit    none can be read here (no /proc): give --limit")
    say(f"use      {shape.ranks} rank{'s' * (shape.ranks > 1)} with {shape.threads} "
          f"thread{'s' * (shape.threads > 1)} each: {shape.why}")
    say("Slurm    " + "\n         ".join(lines))
    for text in help_:
        say(f"change   {text}")
    say(_standing(learnt))
    write_json(args.json, _figures(question, prediction, learnt, found, shape, lines, help_,
                                   (stock, stock_node)))
    return 1 if wrong else 0


def _described(question: Question) -> str:
    features = ", ".join(name if count == 1 else f"{count} {name}"
                         for name, count in question.features.items())
    parts = [f"mesh {question.mesh}", question.algorithm,
             "frames stored" if question.store else "no frames"]
    if features:
        parts.append(features)
    if question.ranks > 1:
        parts.append(f"{question.ranks} ranks ({question.scheme}) on {question.nodes} "
                     f"node{'s' * (question.nodes > 1)}")
    return ", ".join(parts)


def _stages_table(prediction: Prediction) -> str:
    roles = [("rank 0" if prediction.others else "process", prediction.first)]
    if prediction.others:
        roles.append(("others, each", prediction.others))
    rows = [["MiB", *(f"{name}: {kind}" for name, _ in roles for kind in ("held after", "peak"))]]
    for stage in prediction.first:
        cells = []
        for _, stages in roles:
            memory = stages.get(stage)
            cells += ["", ""] if memory is None else [f"{each / MIB:,.0f}" for each in memory]
        rows.append([stage, *cells])
    return table(rows)


def _levels(args: argparse.Namespace) -> list[Level]:
    if args.limit:
        return [Level("--limit", 0, parsed_size("--limit", args.limit))]
    limits = Limits(os.environ)
    try:
        for each in limits.missing:
            printer(args.json)(f"{each}.")
        return limits.read()
    finally:
        limits.close()


def _figures(question: Question, prediction: Prediction, learnt: Learnt, found: list[advice.Met],
             shape: advice.Shape, lines: list[str], help_: list[str],
             stock: tuple[float, float]) -> dict[str, Any]:
    node, stage = prediction.of_node()
    return {
        "question": question._asdict(),
        "stages": {name: {each: memory._asdict() for each, memory in stages.items()}
                   for name, stages in (("first", prediction.first),
                                        ("others", prediction.others))},
        "triangles_of_rank": prediction.triangles, "largest": prediction.largest, "node": node,
        "stage": stage, "stock": {"largest": stock[0], "node": stock[1]},
        "limits": [{"who": each.level.who, "used": each.level.used, "limit": each.level.limit,
                    "share": each.share, "fits": each.fits} for each in found],
        "ranks": shape.ranks, "threads": shape.threads, "sbatch": lines, "changes": help_,
        "ask_for": advice.asked_for(node), "records": learnt.runs, "residual": learnt.residual}
