"""Evolves forged sets under watch: python -m checkpoint.evolve_forged FIRST COUNT, in a folder.

Each case changes the set of a model of `zoo` by `graph_mutations`, makes its digests right again,
loads it and evolves three yields with frames and sets.  Odd cases are loaded with trusted=True,
and have no texts that lead elsewhere: those are believed then.  A child runs many cases; one that
ends by a signal is told, and the next goes on behind it.  Prints a line of JSON a case that is
wrong, and the counts of all at the end.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import select
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import netCDF4
import numpy as np
from anuga.file import netcdf as anuga_netcdf

import anuga_lean as anuga
from anuga_lean.checkpoint import encoder
from checkpoint.damage import file_of, members_of
from checkpoint.graph_mutations import Mutation
from checkpoint.reader import read_every_module_of_a_model
from checkpoint.zoo import FINALTIME, MODELS, YIELDSTEP

SECONDS = 10        # of a case, after which it is asked whether its time goes on
STUCK = 60          # after which it is ended: no Python code has run
ROOM = 2 << 30      # bytes of address space that a case may take
MOST = 250          # cases of a child
WATCHED = ("open", "os.", "subprocess.", "shutil.", "exec", "compile", "socket.",
           "ctypes.", "pickle.", "tempfile.")
HARMLESS = ("os.scandir", "os.listdir", "os.fspath", "os.walk", "os.fwalk", "shutil.rmtree",
            "ctypes.addressof", "ctypes.get_errno", "ctypes.cdata")
ARITHMETIC = re.compile(r'(dictionary\["[\w .:-]+"\]|[-+*/(). \d]|e|inf|nan)*')


class TooLong(BaseException):
    """A case has taken `SECONDS`."""


class Watch:
    """Notes what a case does to files outside of its folder, and what code it runs."""

    def __init__(self, folder: Path) -> None:
        self.on = False
        self.seen: list[str] = []
        self.folder = os.path.realpath(folder)
        read = [sys.prefix, sys.base_prefix, "/proc/self", "/sys", "/dev/null", "/dev/urandom",
                "/usr", "/etc/localtime", "/lib", str(Path(__file__).parents[1]),
                str(Path(anuga.__file__).parent)]
        self.readable = tuple([os.path.realpath(each) for each in read]) + ("/proc/",)
        sys.addaudithook(self._note)
        dataset = netCDF4.Dataset

        def opened(name: str, mode: str = "r", **options: Any) -> Any:
            sys.audit("open", name, mode, 0)    # the library opens it unseen
            return dataset(name, mode, **options)

        anuga_netcdf.Dataset = opened

    def _note(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on or not event.startswith(WATCHED) or event in HARMLESS:
            return
        self.on = False
        try:
            if not self._may(event, args):
                where = "".join(traceback.format_stack()[-6:-2])
                self.seen.append(f"{event} {args!r:.200} {where:.900}")
        finally:
            self.on = True

    def _may(self, event: str, args: tuple[Any, ...]) -> bool:
        if event == "open":
            path, mode, flags = args
            writes = isinstance(mode, str) and set(mode) & set("wax+") or \
                flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            return isinstance(path, int) or self._is_inside(path) or not writes and \
                os.path.realpath(path).startswith(self.readable)
        if event == "compile":
            source = args[0].decode() if isinstance(args[0], bytes) else args[0]
            return source is None or bool(ARITHMETIC.fullmatch(source)) or \
                "checkpoint/confinement.py" in "".join(traceback.format_stack()[-8:])
        if event == "exec":
            return args[0].co_filename.startswith(self.readable) or \
                args[0].co_filename == "<string>"       # which was seen when it was compiled
        if event in ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate",
                     "os.utime", "os.link", "os.symlink"):
            return all([self._is_inside(each) for each in args if isinstance(each, (str, Path))])
        return event in ("os.putenv", "socket.gethostname", "os.add_dll_directory") or \
            event == "os.kill" and args[1] == 0

    def _is_inside(self, path: Any) -> bool:
        real = os.path.realpath(os.fsdecode(path))
        return real == self.folder or real.startswith(self.folder + os.sep)


# -- the sets that are changed -------------------------------------------------------


def base(place: int) -> dict[str, bytes]:
    """The files of a model in the middle of its run, all arrays in the graph."""
    encoder._SMALL = 1 << 20
    folder = Path(f"base_{place}")
    folder.mkdir()
    os.chdir(folder)
    domain = MODELS[place]()
    domain.set_store(True)
    domain.set_checkpointing(checkpoint_dir="sets", checkpoint_step=2, keep=1)
    domain.yieldstep_counter = 1        # so that the set is of the second yield
    for t in domain.evolve(yieldstep=YIELDSTEP, finaltime=FINALTIME):
        if t >= YIELDSTEP:
            break
    files = {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()
             and path.suffix != ".lock"}
    os.chdir("..")
    return {name: data for name, data in files.items() if "_0.0.npz" not in name}


def lay_out(folder: Path) -> Path:
    """The folder of a child: where it runs, and beside it what it may not touch."""
    outside, run = folder / "outside", folder / "run"
    outside.mkdir(parents=True)
    for name in ("precious.sww", "precious.log", ".bashrc", "precious.sww.lock"):
        (outside / name).write_text("precious")
    (run / "below").mkdir(parents=True)
    return run


def is_untouched(outside: Path) -> bool:
    return {"precious"} == {path.read_text() for path in outside.iterdir()} \
        and len(list(outside.iterdir())) == 4


def write(files: dict[str, bytes], number: int, run: Path, outside: Path) -> list[str]:
    """Write the files of a case, and say what is changed."""
    for path in list(run.rglob("*")):
        if path.is_file() or path.is_symlink():
            path.unlink()
    for link, to in (("link.sww", "precious.sww"), ("link.log", "precious.log"), ("linked", "")):
        (run / link).symlink_to(outside / to)
    moment = random.Random(number)
    for name, data in files.items():
        path = run / name
        path.parent.mkdir(exist_ok=True, parents=True)
        if name != f"sets/zoo_{YIELDSTEP}.npz":
            path.write_bytes(data)
            continue
        members = members_of(data)
        graph, header = (json.loads(members[each]) for each in ("graph.json", "header.json"))
        whole = dict(members)
        done = Mutation(graph, header, moment, str(outside), number % 2 == 0).done if number \
            else ["nothing"]
        members |= {"graph.json": json.dumps(graph).encode(),
                    "header.json": json.dumps(header).encode()}
        path.write_bytes(file_of(members))
        if moment.random() < 0.1:       # an older set, which is dropped in time
            header = json.loads(whole["header.json"])
            header |= {"time": 0.05, "written": header["written"] - 100, "mesh_file":
                       moment.choice((str(outside / "precious.sww"), "../../outside/.bashrc",
                                      "link.sww", "../zoo.sww"))}
            whole["header.json"] = json.dumps(header).encode()
            (run / "sets" / "zoo_0.05.npz").write_bytes(file_of(whole))
            done.append("an older set")
    return done


# -- a case --------------------------------------------------------------------------


def outcome(number: int) -> str:
    """Load the set and take three yields; what became of it, 'WRONG ...' if it must not be."""
    try:
        domain = anuga.load_checkpoint_file("zoo", "sets", YIELDSTEP, trusted=number % 2 == 1)
    except anuga.CheckpointError:
        return "refused"
    except TooLong:
        return "WRONG: loading does not end"
    except BaseException as error:
        return f"WRONG while it is loaded: {type(error).__name__}: {error} " \
               f"{traceback.format_exc()[-900:]}"
    times = []
    try:
        begin = domain.relative_time
        for _ in zip(range(3), domain.evolve(yieldstep=YIELDSTEP / 2, duration=2 * YIELDSTEP),
                     strict=False):
            times.append(domain.relative_time)
    except TooLong:
        return "slow" if domain.relative_time > begin else \
            f"WRONG: no step has ended {traceback.format_exc()[-900:]}"
    except MemoryError as error:
        return f"no memory: {error}"[:100]
    except Exception as error:
        return f"stopped by {type(error).__name__}"
    except BaseException as error:
        return f"WRONG: {type(error).__name__} {error}"
    return "went on"


def too_long(*args: Any) -> None:
    raise TooLong


def run_cases(bases: list[dict[str, bytes]], numbers: range, folder: Path, pipe: int) -> None:
    """Run cases one after the other and write a line of JSON for each."""
    run = lay_out(folder)
    outside = (folder / "outside").resolve()
    os.chdir(run)
    for stream in (1, 2):       # what models print is much
        os.dup2(os.open("/dev/null", os.O_WRONLY), stream)
    watch = Watch(Path())
    signal.signal(signal.SIGALRM, too_long)
    os.fsync = lambda file: None        # takes as long as all else of a case
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    if "libasan" not in os.environ.get("LD_PRELOAD", ""):
        resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, resource.RLIM_INFINITY))
    for number in numbers:
        os.write(pipe, f"{json.dumps({'begun': number})}\n".encode())
        done = write(bases[number % len(bases)], number, Path().resolve(), outside)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        watch.on = True
        try:
            said = outcome(number)
        except TooLong:     # on the way out
            said = "slow"
        watch.on = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        if watch.seen:
            said = f"WRONG: {'; '.join(watch.seen)}"[:1500]
            watch.seen.clear()
        if not is_untouched(outside):
            said = f"WRONG: files outside were touched; {said}"
            shutil.rmtree(outside)
            shutil.rmtree(Path("below"))
            lay_out(folder.resolve())
        os.write(pipe, f"{json.dumps({'number': number, 'done': done, 'said': said})}\n".encode())


# -- all of them -----------------------------------------------------------------------


def in_child(bases: list[dict[str, bytes]], numbers: range, folder: Path) -> list[dict[str, Any]]:
    """The lines of a child; the last is 'begun' if it died in a case."""
    ends = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ends[0])
            run_cases(bases, numbers, folder.resolve(), ends[1])
            os._exit(0)
        except BaseException:
            os.write(ends[1], f"{json.dumps({'fault': traceback.format_exc()})}\n".encode())
            os._exit(1)
    os.close(ends[1])
    text = b""
    while True:
        if not select.select([ends[0]], [], [], STUCK)[0]:
            os.kill(child, signal.SIGKILL)
        some = os.read(ends[0], 1 << 16)
        if not some:
            break
        text += some
    os.close(ends[0])
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    lines = [json.loads(line) for line in text.decode().splitlines()]
    last = lines[-1] if lines else {"fault": "nothing was said"}
    if "begun" in last or "fault" in last:
        lines.append({"number": last.get("begun", numbers[0]), "done": ["?"],
                      "said": f"WRONG: ended by {status} {last.get('fault', '')}"})
    return [line for line in lines if "said" in line]


def main(first: int, count: int) -> None:
    """Run cases and print what is wrong, and the counts."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    read_every_module_of_a_model()
    bases = [base(place) for place in range(len(MODELS))]
    counts: Counter[str] = Counter()
    number, end, begin = first, first + count, time.monotonic()
    while number < end:
        numbers = range(number, min(number + MOST, end))
        folder = Path(f"cases_{number}")
        for line in in_child(bases, numbers, folder):
            said = line["said"]
            counts[f"{'trusted' if line['number'] % 2 else 'untrusted'} "
                   f"{'WRONG' if said.startswith('WRONG') else said.partition(':')[0]}"] += 1
            if said.startswith("WRONG"):
                print(json.dumps(line | {"model": MODELS[line["number"] % len(bases)].__name__}),
                      flush=True)
            number = line["number"] + 1
        shutil.rmtree(folder)
        if "--progress" in sys.argv:
            print(number, f"{time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    print(json.dumps({"counts": counts}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
