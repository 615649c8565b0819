"""Runs the command line: ``anuga_lean VERB``, or ``python -m anuga_lean VERB``.

Owns parsing and exit codes; each verb lives in its own module of commands/.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence

from anuga_lean._errors import CommandError, LeanError
from anuga_lean.guard.requests import REQUESTS

# A scheduler may warn a job in its first second, and the verbs load numpy.
if sys.argv[1:2] == ["run"] and "--guard" in sys.argv:
    REQUESTS.catch_signals()

from anuga_lean.commands import (  # noqa: E402
    census,
    checkpoint,
    compare,
    completion,
    doctor,
    features,
    patches,
    plan,
    report,
    run,
    selfcheck,
    study,
    watch,
)
from anuga_lean.commands._parser import Parser  # noqa: E402

VERBS = {"run": run, "compare": compare, "census": census,
         "features": features, "checkpoint": checkpoint, "report": report, "patches": patches,
         "selfcheck": selfcheck, "doctor": doctor, "plan": plan, "watch": watch, "study": study,
         "completion": completion}
PIPE_CLOSED = 141   # exit code of what ends by SIGPIPE: `anuga_lean features | head` closes it


def _reader_left() -> bool:
    """Whether the output is a pipe that nothing reads any more."""
    poll = select.poll()
    poll.register(sys.stdout, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def build_parser() -> Parser:
    """Return the parser of all verbs."""
    parser = Parser(
        prog="anuga_lean",
        description="ANUGA models in a ninth of the memory, with the same results.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help=(
        "print the versions of anuga_lean, ANUGA, numpy and MPI, threads and kernels, and exit"))
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    for name, verb in VERBS.items():
        subparser = verbs.add_parser(name, help=verb.SUMMARY, allow_abbrev=False)
        verb.prepare_parser(subparser)
        subparser.set_defaults(entry=verb.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb and return the exit code of the process.

    Parameters
    ----------
    arguments : sequence of str, optional
        sys.argv without its first item if left out.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    rest: list[str] = []
    if arguments[:1] == ["run"]:
        ours, rest = run.split(arguments[1:])
        arguments = ["run", *ours]
    elif arguments[:1] == ["patches"]:
        ours, rest = patches.split(arguments[1:])
        arguments = ["patches", *ours]
    elif arguments[:1] == ["plan"]:
        ours, rest = plan.split(arguments[1:])
        arguments = ["plan", *ours]
    elif arguments[:1] == ["compare"] and "--" in arguments:
        position = arguments.index("--")
        arguments, rest = arguments[:position], arguments[position + 1:]
    parser = build_parser()
    args = parser.parse_args(arguments)
    args.rest, args.parser = rest, parser
    if args.version:
        from anuga_lean.commands import _versions

        print("\n".join(_versions.lines()))
        return 0
    if args.verb is None:
        parser.print_help()
        return 2
    try:
        code: int = args.entry(args)
        if args.verb != "run":
            sys.stdout.flush()      # so that a closed pipe is met here
        return code
    except BrokenPipeError:
        if args.verb == "run" or not _reader_left():    # the script's own, or another pipe
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's last flush
        return PIPE_CLOSED
    except LeanError as error:
        print(f"{args.prog}: error: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, CommandError) else 2
    except KeyboardInterrupt:
        print(f"{args.prog}: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
