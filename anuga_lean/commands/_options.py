"""Defines the options that several verbs take, under ANUGA's own names where it has them."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import anuga_lean.scenarios as scenarios
from anuga_lean._errors import CommandError
from anuga_lean.measure.measurement import ISAS, Request

STDOUT = Path("-")


def add_model_options(parser: argparse.ArgumentParser, scenario: str, steps: int,
                      more: str = "") -> None:
    """Add the options for the model, its mesh, its duration and the threads.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    scenario : str
        Run if none is named.
    steps : int
        Steps if neither steps nor a final time is given.
    more : str
        What else a scenario can be.
    """
    parser.set_defaults(default_steps=steps)
    parser.add_argument(
        "scenario",
        nargs="?",
        default=scenario,
        help=f"one of {', '.join(scenarios.SCENARIOS)} (default {scenario}){more}",
    )
    mesh = parser.add_argument_group("mesh")
    mesh.add_argument(
        "--refine", type=int, metavar="K", help="merimbula: split every triangle in four K times"
    )
    mesh.add_argument("--triangles", type=int, metavar="N", help="about so many (not merimbula)")
    scheme = parser.add_argument_group("scheme")
    scheme.add_argument(
        "-alg",
        "--flow_algorithm",
        metavar="NAME",
        help=f"one of {', '.join(scenarios.FLOW_ALGORITHMS)} (default DE0)",
    )
    scheme.add_argument(
        "--timestepping_method",
        metavar="NAME",
        help=f"one of {', '.join(scenarios.TIMESTEPPING_METHODS)}, instead of the algorithm's own",
    )
    scheme.add_argument("--low_froude", type=int, metavar="L", help="0, 1 or 2")
    scheme.add_argument(
        "--sloped_mannings", action="store_true", default=None, help="friction on the sloped bed"
    )
    run = parser.add_argument_group("run")
    run.add_argument("--steps", type=int, help=f"stop after exactly so many (default {steps})")
    run.add_argument(
        "-ft", "--finaltime", type=float, metavar="S", help="stop at this time instead, s"
    )
    run.add_argument("-ys", "--yieldstep", type=float, metavar="S", help="default: the scenario's")
    run.add_argument(
        "-nt", "--omp_num_threads", "--threads", dest="threads", type=int, default=1, metavar="N"
    )
    run.add_argument(
        "--isa", metavar="NAME", help=f"lean kernels: {', '.join(ISAS)} (default: the best here)"
    )


def request_from(args: argparse.Namespace, variant: str) -> Request:
    """Return the request that the options describe, checked.

    Raises
    ------
    ScenarioError
        One sentence on what does not exist or cannot be.
    """
    names = (
        *("refine", "triangles", "flow_algorithm", "timestepping_method"),
        *("low_froude", "sloped_mannings", "store"),
    )
    given = {name: getattr(args, name, None) for name in names}
    steps = args.steps
    script = args.scenario.endswith(".py") and getattr(args, "takes_scripts", False)
    if steps is None and args.finaltime is None and not script:
        steps = args.default_steps
    if script:
        given.pop("store")
    request = Request(
        variant=variant,
        scenario=args.scenario,
        parameters={name: value for name, value in given.items() if value is not None},
        steps=steps,
        finaltime=args.finaltime,
        yieldstep=args.yieldstep,
        threads=args.threads,
        isa=args.isa,
        arguments=args.rest,
    )
    request.check()
    return request


def add_json_option(parser: argparse.ArgumentParser,
                    what: str = "write every figure here too") -> None:
    """Add the option for the file to write figures to."""
    parser.add_argument("--json", type=Path, metavar="FILE", help=(
        f"{what}; - is the output, text goes to stderr then"))


def check_json_path(path: Path | None) -> None:
    """Raise CommandError, before any work is done, if the file cannot be written."""
    if path not in (None, STDOUT) and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise CommandError(f"{path} cannot be written: give a file in a folder that exists")


def text_stream(path: Path | None) -> TextIO:
    """Return where the text of a verb goes whose JSON goes to a path."""
    return sys.stderr if path == STDOUT else sys.stdout


def printer(path: Path | None) -> Callable[[str], None]:
    """Return what prints a line of text where `text_stream` says."""
    return functools.partial(print, file=text_stream(path))


def write_json(path: Path | None, figures: dict[str, Any]) -> None:
    """Write figures if a file was asked for."""
    if path == STDOUT:
        print(json.dumps(figures, indent=1))
    elif path is not None:
        path.write_text(json.dumps(figures, indent=1) + "\n")
