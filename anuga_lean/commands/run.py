"""anuga_lean run: runs an ANUGA script on lean domains as it is, without an edit.

Owns everything that python itself would have given the script (sys.argv, sys.path,
tracebacks, exit codes), and the variable ANUGA_LEAN that makes the processes it starts
lean: anuga_lean.pth in their site-packages reads it.  Bringing in the lean classes is
overlay's.
"""

from __future__ import annotations

import argparse
import builtins
import importlib.machinery
import importlib.util
import io
import os
import runpy
import signal
import site
import sys
import types
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from anuga_lean._errors import CommandError, RunStopped
from anuga_lean.guard.options import GUARD_VARIABLE, RECORDS, WITH_VALUE, add_options
from anuga_lean.overlay.stopping_ranks import stop_others
from anuga_lean.stepping import guarding

SUMMARY = "run an ANUGA script or module on lean domains"

VARIABLE = "ANUGA_LEAN"  # set, and neither empty nor 0: a python that starts is lean
KEEP_OPTION = "--keep-checkpoints"
STARTUP_FILE = "anuga_lean.pth"
_STARTS_A_PROCESS = frozenset(
    ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system"))


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb; the script's own never reach the parser."""
    parser.usage = (f"anuga_lean run [-h] [{KEEP_OPTION} N|all] [--guard [...]] [--resume] "
                    "[-m module | script] ...")
    parser.description = (
        "Runs a script as python would, with lean domains in place of ANUGA's; under MPI: "
        "mpirun -n 4 anuga_lean run script.py."
    )
    parser.epilog = (
        "The processes that the script starts become lean too, through the environment "
        "variable ANUGA_LEAN=run: set it to 0 for one that is to run stock ANUGA.  It does not "
        "reach a python without this package, one started with -S or with an environment of "
        "its own, nor mpiexec's ranks on other machines unless mpiexec is given -x ANUGA_LEAN.  "
        "An ANUGA whose inside is not known runs as it is, with one warning; ANUGA_LEAN_STRICT=1 "
        "refuses it."
    )
    parser.add_argument(KEEP_OPTION, dest="keep", metavar="N|all", help=(
        "how many sets of checkpoints stay where the script does not say (default all); the "
        "environment variable ANUGA_LEAN_KEEP_CHECKPOINTS does the same"))
    add_options(parser)
    parser.add_argument("-m", dest="module", help="run a module of the search path instead")
    parser.add_argument("script", nargs="?", help="the script; what follows is its own")


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate our arguments from the script's, which may look like options of ours."""
    for position, argument in enumerate(arguments):
        if position and arguments[position - 1] in (KEEP_OPTION, *WITH_VALUE):
            continue
        if argument == "-m":
            return list(arguments[: position + 2]), list(arguments[position + 2 :])
        if argument.startswith("-m") and not argument.startswith("--"):
            return list(arguments[: position + 1]), list(arguments[position + 1 :])
        if not argument.startswith("-"):
            return list(arguments[: position + 1]), list(arguments[position + 1 :])
    return list(arguments), []


def run(args: argparse.Namespace) -> int:
    """Run the script or module; return only if it comes to its end."""
    if args.keep is not None:
        from anuga_lean.checkpoint.schedule import KEEP_VARIABLE, parsed_keep

        os.environ[KEEP_VARIABLE] = str(parsed_keep(KEEP_OPTION, args.keep))
    if args.module is None and args.script is None:
        raise CommandError("nothing to run: name a script, or a module after -m")
    if args.module is None and not os.path.exists(args.script):
        raise CommandError(f"there is no script {args.script}")
    args.guard = args.guard or os.environ.get(GUARD_VARIABLE, "0") not in ("", "0")
    if not args.guard:
        if args.resume or args.restarts:
            raise CommandError("--resume and --restarts are of guarded runs: add --guard")
        return _run_it(args)
    if args.restarts:
        return _run_again(args)
    from anuga_lean.guard import starting

    guard = starting.begin(args, ["anuga_lean", "run", *sys.argv[2:]])
    outcome, code = "ended with an error", 1
    try:
        code = _run_it(args)
        outcome = "completed" if code == 0 else outcome
        return _unless_stopped(code, guard.stopped)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        outcome = "completed" if code == 0 else "exited"
        if _unless_stopped(code, guard.stopped) != code:
            raise RunStopped(guard.stopped) from None
        raise
    finally:
        guard.end(outcome, code)


def _unless_stopped(code: int, stopped: int | None) -> int:
    """Return the exit code of a script, or that of the stop which it has caught and gone on."""
    if code or not stopped:
        return code
    print("anuga_lean run: the script has caught the SystemExit of this stop, and ended as if the "
          "run were over: what it did after the stop is of a part of the run.", file=sys.stderr)
    return stopped


def _run_again(args: argparse.Namespace) -> int:
    """Run the script in processes of its own, again after each stop on request."""
    from anuga_lean.guard.restarts import run_again
    from anuga_lean.overlay.stopping_ranks import started_with

    count, variable = started_with(os.environ)
    if count > 1:
        raise CommandError(
            f"--restarts starts a script of one process, and this is one of {count} "
            f"({variable}): run mpiexec again, in a loop, as long as it exits with 75")
    if args.restarts < 0:
        raise CommandError(f"--restarts {args.restarts} is below 0: give the number of restarts")
    words = list(sys.argv[2:])
    place = next(i for i, word in enumerate(words) if word.startswith("--restarts"))
    del words[place:place + (1 if "=" in words[place] else 2)]
    return run_again(words, args.restarts, args.record or Path(RECORDS))


def _run_it(args: argparse.Namespace) -> int:
    from anuga_lean.overlay import import_hook, install, versions

    if "anuga" in sys.modules:
        install.install()
    import_hook.watch()  # the lean classes come in when the script imports ANUGA
    _reach_children()
    _set_search_path(args.script)
    versions.refuse_early()
    try:
        if args.module is not None:
            _check_module(args.module)
            sys.argv = [args.module, *args.rest]
            runpy.run_module(args.module, run_name="__main__", alter_sys=True)
        else:
            sys.argv = [args.script, *args.rest]
            _run_script(args.script)
    except RunStopped:      # on all ranks: none waits for another
        raise
    except SystemExit as error:
        stop_others(error)
        raise
    except CommandError:
        raise
    except BaseException as error:  # shown and turned into an exit code, as python does
        stop_others(error)
        return _die(error)
    return 0


def _reach_children() -> None:
    """Make the processes that the script starts lean, or say that they will not be."""
    os.environ[VARIABLE] = "run"
    folders = site.getsitepackages()
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    if not any(os.path.exists(os.path.join(folder, STARTUP_FILE)) for folder in folders):
        sys.addaudithook(_StartsStock())


class _StartsStock:
    """Says once, when the script starts a process, that its processes are not lean."""

    def __init__(self) -> None:
        self.said = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.said or event not in _STARTS_A_PROCESS:
            return
        self.said = True
        print(f"anuga_lean run: a process is started that will run stock ANUGA, because "
              f"{STARTUP_FILE} is in no site-packages folder of {sys.executable}: install "
              "anuga_lean there with pip.", file=sys.stderr)


def _run_script(script: str) -> None:
    """Run a file as ``__main__``; a folder or an archive goes to runpy."""
    path = os.path.abspath(script)
    if os.path.isdir(path) and not os.path.exists(os.path.join(path, "__main__.py")):
        raise CommandError(f"there is no __main__.py in the folder {script}", exit_code=1)
    if os.path.isdir(path) or path.endswith(".pyc") or zipfile.is_zipfile(path):
        runpy.run_path(path, run_name="__main__")
        return
    # runpy would put the absolute path into sys.argv[0] or the relative one into
    # __file__; python keeps the two apart, and leaves __main__ in place at exit.
    try:
        with io.open_code(path) as stream:
            source = stream.read()
    except OSError as error:
        raise CommandError(f"the script {script} cannot be read: {error.strerror}") from error
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__loader__ = importlib.machinery.SourceFileLoader("__main__", path)
    module.__dict__.update(__builtins__=builtins, __cached__=None, __annotations__={})
    sys.modules["__main__"] = module
    exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)


def _set_search_path(script: str | None) -> None:
    """Put the script's folder, or the current one, on sys.path where python would."""
    if getattr(sys.flags, "safe_path", False):
        return
    if script is None:
        sys.path[0] = os.getcwd()
    elif os.path.isfile(script) and not zipfile.is_zipfile(script):
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    else:  # runpy puts a folder or an archive itself onto the path
        del sys.path[0]


def _check_module(name: str) -> None:
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise CommandError(f"there is no module {name}", exit_code=1)


def _die(error: BaseException) -> int:
    """Show the error as python would, without our own frames, and exit."""
    trace = _script_frames(error.__traceback__)
    error.__traceback__ = trace
    sys.excepthook(type(error), error, trace)
    if isinstance(error, KeyboardInterrupt):
        sys.stdout.flush()
        guard = guarding.guard()
        if guard is not None:
            guard.end("interrupted", 128 + signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return 1


def _script_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback below this module and runpy."""
    while trace is not None and trace.tb_frame.f_globals.get("__name__") in (__name__, "runpy"):
        trace = trace.tb_next
    return trace
