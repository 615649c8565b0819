"""Writes sets and ends the run when that is asked for, at the next step, on all ranks together.

Owns what happens at each step and yield of a guarded run, and what is said of it.  Requests come
from `requests` and `watch`; what is kept of the run, in `record`.
"""

from __future__ import annotations

import inspect
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, ref

import numpy as np

from anuga_lean._errors import RunStopped
from anuga_lean._escapes import escaped
from anuga_lean.checkpoint.schedule import KEEP_VARIABLE
from anuga_lean.guard import resuming
from anuga_lean.guard.limits import Limits
from anuga_lean.guard.model import describe
from anuga_lean.guard.record import Place, Record
from anuga_lean.guard.requests import EXIT_CODE, Kind, Requests
from anuga_lean.guard.stages import (
    DISTRIBUTE,
    DOMAIN,
    EVOLVE,
    FIRST_YIELD,
    IMPORTS,
    QUANTITIES,
    STAGES,
    StageMemory,
    memory_of,
)
from anuga_lean.guard.watch import Fractions, Watch
from anuga_lean.memory_limits import before_first_stage
from anuga_lean.mesh import origin
from anuga_lean.mpi.ranks import Ranks

KEPT = 2    # sets, where neither the script nor the environment says how many
# Before the end of the run's time a stop is asked for so long before, s, and for so many of the
# longest steps and sets so far.
_MARGIN, _TIMES = 30.0, 3.0
_NOTHING = Kind.NOTHING     # found faster than an attribute of Kind
# Where steps are short, so many begin without a look at them, and no more than take so long, s:
# in a step of a hundred triangles a look is a hundredth of it.
_MOST_PASSED, _LOOKS = 31, 0.004


class Options(NamedTuple):
    """What a guarded run was asked for.

    Attributes
    ----------
    folder : str
        Of the sets, where the script sets no checkpointing of its own.
    every : float
        Wall time between two sets, s.
    fractions : Fractions
    stop_file : str
    deadline : callable
        Returns when the run has to have ended, s of the monotonic clock; inf for never.
    record : Path
    resume : bool
    command : str
        What to type to go on.
    sets_up_only : bool
        The run ends at its first evolve.
    started_in : str
        The folder that `stop_file` and `record` are counted from, wherever the script goes.
    """

    folder: str
    every: float
    fractions: Fractions
    stop_file: str
    deadline: Callable[[], float]
    record: Path
    resume: bool
    command: str
    sets_up_only: bool = False
    started_in: str = ""


class RunGuard:
    """The guard of this process; see `anuga_lean.stepping.guarding.Guard`."""

    def __init__(self, requests: Requests, options: Options) -> None:
        self.requests = requests
        self.options = options
        self.passes = 0
        self.asked = int(requests.kind)
        self.with_timestep = np.zeros(2)
        requests.changed = self._note_request
        self.record: Record | None = None       # rank 0's
        self.stopped: int | None = None     # the exit code of a stop that was asked for
        self._began = time.monotonic()
        self._memory = StageMemory()
        self._scheme = ""
        self._in_evolve = False                 # the set-up of the first model is over
        self._awaits_first = False              # yield of the model that the record is of
        # Of the ranks when they were together last, and where they are.
        self._places: list[Place] = []
        self._of_others: list[dict[str, int]] = []
        before_first_stage(lambda: self._end_stage(IMPORTS))
        if options.sets_up_only:
            # Others read along, and may end this process before it has made a mesh.
            early = self.record = self._new_record()
            origin.expecting.append(lambda count: early.line("expects", triangles=count))
        self._watch: Watch | None = None
        self._told = Kind.NOTHING
        self._looked = 0.0          # before which step, s of the monotonic clock; 0.0 in none
        self._passing = 0           # steps since then, at most
        self._is_agreed = False     # all ranks look at the same step, without a message in each
        self._longest = {"step": 0.0, "set": 0.0}
        self._of_ranks = False      # what `_watch` watches for, and `record` is of
        # By domain: the name and the time (s) of the set that was written or gone on from last,
        # and the set that its first evolve has found.
        self._written: WeakKeyDictionary[Any, tuple[str, float]] = WeakKeyDictionary()
        self._found: WeakKeyDictionary[Any, resuming.Found | None] = WeakKeyDictionary()
        self._has_a_set: Callable[[], Any] = lambda: None   # the domain of the last step

    # -- what a domain calls -------------------------------------------------

    def made(self, domain: Any, scheme: str = "") -> None:
        """Note that the stage is over that has made a domain, or given this rank its part."""
        if not self._in_evolve:
            self._scheme = scheme or self._scheme
            # `parallel` is not set yet while a part is made
            is_part = bool(domain.full_send_dict or domain.ghost_recv_dict)
            self._end_stage(DISTRIBUTE if is_part else DOMAIN)
            if self.options.sets_up_only and self.record is not None:
                self.record.line("made", triangles=int(domain.number_of_triangles))

    def _new_record(self) -> Record:
        return Record(Path(self.options.started_in) / self.options.record, _say, self._began)

    def _end_stage(self, name: str) -> None:
        self._memory.end(name, time.monotonic())

    def begin(self, domain: Any, args: tuple[Any, ...],
              kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Prepare for an evolve: checkpoints are on, limits are watched, a set is gone on from."""
        self.passes = self._passing = 0
        if not domain.checkpoint:
            keep = None if os.environ.get(KEEP_VARIABLE, "").strip() else KEPT
            # The guard says when: ANUGA's interval never ends.
            domain.set_checkpointing(checkpoint_dir=self.options.folder,
                                     checkpoint_time=math.inf, keep=keep)
        # A serial domain of one rank may come before the one that all ranks share.
        if self._watch is None or domain.parallel and not self._of_ranks:
            self._start(domain)
        if self.options.sets_up_only:
            self.end("set up", 0)
            raise RunStopped(0)
        call = domain.__dict__.get(resuming.CALL, 0) + 1
        built = describe(domain, with_values=call == 1)
        if self.options.resume:
            found = self._found.get(domain) if call > 1 else self._find(domain)
            if found is not None and call < found.call:
                domain.__dict__[resuming.CALL] = call
                self._say(domain, f"evolve number {call} of {domain.get_name()!r} was over when "
                          f"the set at t={found.set.time:g} s was written: it yields nothing.")
                return None
            if found is not None and call == found.call:
                return self._go_on(domain, found, built, args, kwargs)
        domain.__dict__.update({resuming.CALL: call, resuming.MADE: built})
        return args, kwargs

    def _find(self, domain: Any) -> resuming.Found | None:
        found = resuming.find(domain, Path(domain.checkpoint_dir))
        self._found[domain] = found
        if found is None:
            self._say(domain, f"there is no set of {domain.get_name()!r} in "
                      f"{self._sets_of(domain)}: the run begins.")
        else:
            for each in found.passed:
                self._say(domain, f"{each}; an older set is taken.")
        return found

    def _go_on(self, domain: Any, found: resuming.Found, built: dict[str, str],
               args: tuple[Any, ...], kwargs: dict[str, Any],
               ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        resuming.resume(domain, found, Path(domain.checkpoint_dir), built)
        domain.__dict__.update({resuming.CALL: found.call, resuming.MADE: built})
        t = float(domain.get_time())
        self._written[domain] = _name_of_set(domain), t
        self._say(domain, f"{domain.get_name()!r} goes on from the set at t={t:g} s.")
        if self.record is not None:
            self.record.line("resumed", time=t, name=domain.get_name(), evolve=found.call)
        given = inspect.signature(type(domain).evolve).bind(domain, *args, **kwargs).arguments
        given = dict(list(given.items())[1:])
        if given.get("duration") is not None:   # ANUGA would count it from now on
            del given["duration"]
            given["finaltime"] = domain.finaltime
        return (), given

    def before_step(self, domain: Any) -> None:
        """Write a set, or write one and stop, if a rank was asked for it."""
        most = self._note_time()
        kind = self.requests.kind
        self._is_agreed = False
        if domain.parallel:
            kind = self._told
            if domain.fixed_flux_timestep is not None:
                # No step's message is there to carry it.
                asked, passes = zip(*Ranks.of_domain(domain).allgather((self.asked, most)),
                                    strict=True)
                kind, most = Kind(max(asked)), min(passes)
                self._is_agreed = True
            else:
                most = 0    # a look is little in a step that has a message
        if kind is _NOTHING and self._has_a_set() is not domain:
            self._has_a_set = ref(domain)
            if domain not in self._written:
                kind = Kind.SAVE    # what a set needs is there before memory is short
        if kind is _NOTHING:
            self.passes = self._passing = most
        else:
            self._passing = 0
            self._act(domain, kind)
            self._looked = monotonic()

    def _note_time(self) -> int:
        """Note how long a step takes; return how many may begin without a look at them."""
        now, looked = monotonic(), self._looked
        self._looked = now
        if not looked:
            return 0
        seconds = now - looked
        if seconds > self._longest["step"]:     # of all that passed: no step was longer
            self._longest["step"] = seconds
        return int(min(_MOST_PASSED, _LOOKS * (self._passing + 1) / seconds)) if seconds else 0

    def _note_request(self) -> None:
        """Let the next step be looked at, unless others count with this rank."""
        self.asked = int(self.requests.kind)
        if not self._is_agreed:
            # What another thread writes here between two codes of `passes -= 1` is lost: the
            # look comes after the steps that are passed then.
            self._passing -= self.passes
            self.passes = 0

    def at_yield(self, domain: Any) -> None:
        """Note how far the run is.

        No set is written here: what the script does at this yield would not be in it, and is
        not done again by the run that goes on.
        """
        self._looked = 0.0
        self.passes = self._passing = 0
        self._note_yield(domain)
        if self.record is not None:
            self.record.at_yield(domain, self._watch.level if self._watch else None)

    def _note_yield(self, domain: Any) -> None:
        """Take the memory of all ranks at the first yield and at the last, where they meet."""
        ranks = Ranks.of_domain(domain)
        if self._awaits_first:
            self._awaits_first = False
            self._end_stage(FIRST_YIELD)
            found = ranks.allgather(self._memory.ended[FIRST_YIELD])
            if self.record is not None:
                self.record.stage(FIRST_YIELD, self._memory.seconds[FIRST_YIELD], found)
        elif ranks.count > 1 and domain.relative_time >= domain.relative_finaltime:
            self._of_others = ranks.allgather(memory_of(os.getpid()))

    def is_told(self, most: float) -> None:
        """Take note of what a rank was asked for."""
        self._told = Kind(int(most))

    # -- what it does --------------------------------------------------------

    def _start(self, domain: Any) -> None:
        ranks = Ranks.of_domain(domain)
        here = os.uname().nodename
        if not self._in_evolve:
            self._end_stage(QUANTITIES)
        self._in_evolve = self._awaits_first = True
        told = ranks.allgather((Place.of(domain), self._memory.ended, self._memory.has_peaks))
        places = self._places = [place for place, _, _ in told]
        pids = [each.pid for each in places if each.node == here]
        limits = Limits(os.environ, pids)
        reads = os.getpid() == pids[0]      # one reader of a node's memory
        leads = ranks.rank == 0
        if self._watch is not None:
            self._watch.end()
        self._of_ranks = bool(domain.parallel)
        if leads:
            for each in limits.missing:
                _say(f"{each}.")
            if self.record is None:
                self.record = self._new_record()
            self.record.begin(domain, places, limits, self._scheme, self.options.command)
            if not all(has_peaks for _, _, has_peaks in told):
                _say("/proc/self/clear_refs cannot be written: the record has no peaks of stages.")
            for name in STAGES[:STAGES.index(FIRST_YIELD)]:
                if any(name in ended for _, ended, _ in told):
                    self.record.stage(name, self._memory.seconds.get(name, self._began),
                                      [ended.get(name, {}) for _, ended, _ in told])
        self._watch = Watch(
            self.requests, limits if reads else None, self.options.fractions,
            self.options.stop_file if leads else None,
            self.options.deadline() if leads else math.inf, self._time_to_stop,
            lambda: sum(self._longest.values()), self.options.every if leads else math.inf,
            self._warn, folder=self.options.started_in)
        self._watch.start()

    def _say(self, domain: Any, text: str) -> None:
        if Ranks.of_domain(domain).rank == 0:
            _say(text)

    def _sets_of(self, domain: Any) -> str:
        """Return the folder of a domain's sets as it is found from where the run was started."""
        folder: str = domain.checkpoint_dir
        moved = self.options.started_in and os.getcwd() != self.options.started_in
        return os.path.abspath(folder) if moved else folder

    def _time_to_stop(self) -> float:
        return _MARGIN + _TIMES * (self._longest["step"] + self._longest["set"])

    def _warn(self, text: str) -> None:
        assert self._watch is not None and self._watch.limits is not None
        held = ", ".join(self._watch.limits.holders())
        said = f"memory is short: {text}; {held}."
        _say(f"{said} A set is written at {self.options.fractions.save:.0%}, and the run stops at "
             f"{self.options.fractions.stop:.0%}.")
        if self.record is not None:
            self.record.line("warning", text=said)

    def _write(self, domain: Any) -> bool:
        """Write a set of the present moment, unless one was written here; collective.

        One that the script has had written at this time, at a yield, is replaced: it does not
        have what the script did there.
        """
        name, sets, began = _name_of_set(domain), domain.checkpoint_sets, time.monotonic()
        if self._written.get(domain, ("", 0.0))[0] == name:
            return True
        if not sets.write(domain):
            return False
        seconds = time.monotonic() - began
        self._longest["set"] = max(self._longest["set"], seconds)
        self._written[domain] = name, float(domain.get_time())
        if self.record is not None:
            self.record.line("set", time=float(domain.get_time()), name=name,
                             mesh=sets.mesh_file, writing=round(seconds, 3))
        return True

    def _act(self, domain: Any, kind: Kind) -> None:
        ranks = Ranks.of_domain(domain)
        is_whole = self._write(domain)
        asked = ranks.allgather((self.requests.kind, self.requests.why, memory_of(os.getpid())))
        self._of_others = [memory for _, _, memory in asked]
        self.requests.saved()
        self._told = Kind.NOTHING
        if kind.stops:
            self._stop(domain, ranks, kind, next(why for each, why, _ in asked if each >= kind),
                       is_whole)

    def _stop(self, domain: Any, ranks: Ranks, kind: Kind, why: str, is_whole: bool) -> None:
        t = float(domain.get_time())
        last = self._written.get(domain)
        code = EXIT_CODE if last is not None else 1
        if ranks.rank == 0:
            if is_whole:
                said = f"a set of this moment is in {self._sets_of(domain)}"
            elif last is not None:
                said = (f"no set of this moment could be written, the one of t={last[1]:g} s is "
                        "whole")
            else:
                said = "no set could be written, so that the run has to begin again"
            _say(f"stopped on request at t={t:g} s because {why}: {said}. "
                 + (f"To go on type: {self.options.command}" if code == EXIT_CODE else ""))
        self.end("stopped", code, asked=kind.name.lower(), why=why, time=t)
        self.stopped = code
        if threading.current_thread() is not threading.main_thread():
            # Python ends such a thread without a word; of a subclass it shows a traceback.
            raise SystemExit(code)
        raise RunStopped(code)

    def end(self, outcome: str, code: int | None, **facts: Any) -> None:
        """Write the last line of the record, and watch no more."""
        if self._watch is not None:
            self._watch.end()
            self._watch = None
        if self.record is not None:
            if self._in_evolve and not self._awaits_first:
                self._record_evolve(self.record)
            self.record.end(outcome, code, **facts)
            self.record = None

    def leave(self) -> None:
        """Forget record and watch, which are another process's: the one that this was forked by."""
        self.record = self._watch = None

    def _record_evolve(self, record: Record) -> None:
        """Write the last stage: of ranks that have gone, or are elsewhere, what was heard last."""
        self._end_stage(EVOLVE)
        found = [self._memory.ended[EVOLVE]]
        for rank, place in enumerate(self._places[1:], 1):
            memory = memory_of(place.pid) if place.node == self._places[0].node else {}
            if not memory and rank < len(self._of_others):
                memory = dict(self._of_others[rank])
            if not self._memory.has_peaks:
                memory.pop("peak", None)
            found.append(memory)
        record.stage(EVOLVE, self._memory.seconds[EVOLVE], found)


def _name_of_set(domain: Any) -> str:
    return f"{domain.get_name()}_{domain.get_time()}"


def _say(text: str) -> None:
    print(f"anuga_lean run: {escaped(text.rstrip())}", file=sys.stderr, flush=True)
