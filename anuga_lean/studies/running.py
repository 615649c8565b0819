"""Drives a study: members from their records to their ends, a window of them at a time.

Owns the loop.  What a member is given is `reservations`', which is next `packing`'s, what follows
an end `ends`'; nothing here knows where members run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anuga_lean._errors import StudyError
from anuga_lean.studies import ends, records, runner
from anuga_lean.studies.definition import Study, function_of, nbytes
from anuga_lean.studies.durations import Durations
from anuga_lean.studies.engines import Engine
from anuga_lean.studies.findings import finding, how_again
from anuga_lean.studies.launching import Order
from anuga_lean.studies.member import Job
from anuga_lean.studies.members import Folder, Member, command_line, members_of
from anuga_lean.studies.outcomes import RUN
from anuga_lean.studies.outside import Outside
from anuga_lean.studies.packing import Packing, Request
from anuga_lean.studies.parameter_sets import sets_of
from anuga_lean.studies.progress import Log
from anuga_lean.studies.records import End, Record
from anuga_lean.studies.reservations import Reservations
from anuga_lean.studies.sizes import by_table, triangles_of

MIB = 1 << 20
_FIRST = 256 * MIB      # for the first members, at least, where the definition does not say
_PRELOADED = 64 * MIB   # for those that share ANUGA's pages
_WAIT = 1.0             # s at most between two looks at workers
_GUARD = ("--guard", "--resume", "--record")
# A member's own limit is what such members take and a little more: near it nothing is wrong yet.
_FRACTIONS = ("--fractions", "0.93,0.95,0.97")
_LEARN = (3, 5, 8, 12, 20, 30, 50, 100, 300, 1000)      # members after which all that wait ask anew


class Progress:
    """What is known of a study while it runs.

    Attributes
    ----------
    members : int
    completed, failed : int
    failures : list of tuple of str
        Name of a member, and why it is not tried again.
    retried : int
    """

    def __init__(self, members: int) -> None:
        self.members = members
        self.completed = self.failed = self.retried = 0
        self.failures: list[tuple[str, str]] = []


class Run:
    """A study that is being run.

    Parameters
    ----------
    study : Study
    folder : Path
        Of the study; made if it is not there.
    engine : Engine
    tell : callable
        Called with this object after every end and now and then.
    """

    def __init__(self, study: Study, folder: Path, engine: Engine,
                 tell: Callable[[Run], None] = lambda run: None) -> None:
        self.study = study
        sets = sets_of(study)
        if runner.is_scenario(study.script):
            runner.check(study.script, study.definition.places, sets)
        elif study.definition.places:
            raise StudyError(f"the study {study.name} has [places], and its script {study.script} "
                             "is no scenario: places are in a .toml file or a scenario.json.")
        self.folder = Folder(folder.resolve())
        self.members: dict[str, Member] = {each.name: each for each in members_of(study, sets)}
        self._by_number = list(self.members.values())
        self.progress = Progress(len(self.members))
        self._engine, self._tell = engine, tell
        said = study.definition
        self.cores = said.ranks * said.threads
        self._given = None if said.memory is None else nbytes(said.memory)
        self._said = {each.parameter_set: triangles_of(study, each)
                      for each in self._by_number[::said.replicates]} \
            if said.triangles is not None else {}
        # All that is wrong with it is said before there is a folder: what is mended then is
        # another study.
        for member in self._by_number[::said.replicates]:
            self.anuga(member)
            command_line(study, member, self.folder.member(member.name))
        self.folder.claim(study, sets)
        self._outside = Outside(study.script.parent, said.shared)
        self._seen: dict[int, int] = {}     # triangles, by set
        self.reservations = Reservations(
            self._given or (_FIRST if said.ranks > 1 or said.anuga != "lean" else _PRELOADED),
            lambda anuga, count: by_table(anuga, said.ranks, count))
        self.packing = Packing()
        self._durations = Durations()
        self._probes: dict[Any, str] = {}   # by kind, the member from which others learn
        self._more: dict[str, int] = {}     # for members that have met their limit
        self._met: dict[str, tuple[int, int | None]] = {}       # what it was, and their peak
        self._tries: dict[str, int] = {}    # of the members that run, before they began
        # Members that another process runs, or may still: how many tries they had, and what kept
        # them from being run here.
        self._elsewhere: dict[str, tuple[int, BaseException | None]] = {}
        self._watch = records.Watch()
        self._script_failures = 0
        self._log = Log(self.folder.path)
        self.used: dict[str, int] = {}      # bytes that members hold, by worker
        self._learned = 0

    def run(self) -> Progress:
        """Run all members that are not completed; return what became of them.

        Raises
        ------
        StudyError
            A member asks for more than any worker has, or its folder cannot be written.
        """
        self._workers()
        # The first of each set before the second of any: what a set needs is known early.
        for member in sorted(self._by_number, key=lambda each: each.replicate):
            self._take_up(member)
        self._refuse_too_large()
        try:
            while self.packing.waiting or self._running() or self._elsewhere:
                self._engine.ask_for(len(self.packing.waiting))
                self._workers()
                self._start()
                self._say()
                for name, error in self._engine.wait(_WAIT):
                    self._ended(name, error)
                self._look_elsewhere()
        finally:
            self._engine.close()
        self._say(at_the_end=True)
        return self.progress

    def _say(self, at_the_end: bool = False) -> None:
        self.used = self._engine.used()
        self._log.note(self.packing.workers.values(), self.used, self.progress.completed,
                       self.progress.failed, len(self.packing.waiting), at_the_end)
        self._tell(self)

    @property
    def is_stopping(self) -> bool:
        """Return whether so many scripts have failed that no further member starts."""
        return self._script_failures >= self.study.definition.max_failures

    def _running(self) -> list[str]:
        return [name for worker in self.packing.workers.values() for name in worker.running]

    def _workers(self) -> None:
        there = {each.name: each for each in self._engine.workers()}
        self.packing.workers = there
        if there and self._given is None:
            share = min(self.cores * each.nbytes // each.cores for each in there.values())
            if share != self.reservations.share:
                self.reservations.share = share
                if self._learned < _LEARN[0]:
                    self._all_ask_anew()

    def _take_up(self, member: Member) -> None:
        """Let a member wait, unless its record says that it is done."""
        record = records.read_record(self.folder.member(member.name))
        if record is None or not record.tries:
            self.packing.waiting.add(self._request(member))
            return
        self._note_triangles(member, record)
        if record.end is End.COMPLETED:
            self._learn(member, record)
            self.progress.completed += 1
        else:
            # A study that is run again tries what has failed anew, but for memory with more.
            if record.end is End.MEMORY:
                self._give_more(member, record)
            self.packing.waiting.add(self._request(member))

    def _give_more(self, member: Member, record: Record) -> None:
        """Let a member that has met its limit ask for more."""
        last = record.tries[-1]
        self._met[member.name] = (last.nbytes, last.peak)
        self._note_more(member)
        self._ask_anew(member)

    def _note_more(self, member: Member) -> None:
        given, peak = self._met[member.name]
        self._more[member.name] = self.reservations.after(
            self._kind(member), given, peak, self._engine.most(), self._triangles(member),
            self.anuga(member))

    def _ask_anew(self, member: Member) -> None:
        """Let waiting members of the same kind ask for what is known now."""
        first = member.number - member.replicate
        for number in range(first, first + self.study.definition.replicates):
            each = self._by_number[number]
            if each.name in self.packing.waiting:
                self.packing.waiting.add(self._request(each))

    def _kind(self, member: Member) -> Any:
        return (self.anuga(member), member.parameter_set)

    def _triangles(self, member: Member) -> int | None:
        """Return the triangles of a member: what the study says, or others of its set have had."""
        return self._said.get(member.parameter_set) or self._seen.get(member.parameter_set)

    def _note_triangles(self, member: Member, record: Record) -> None:
        found = max((each.triangles or 0 for each in record.tries), default=0)
        if found:
            self._seen[member.parameter_set] = found

    def anuga(self, member: Member) -> str:
        """Return ``lean`` or ``stock``: what a member runs on."""
        text = self.study.definition.anuga
        found = str(member.values.get(text[1:-1], "")) if text[:1] == "{" else text
        if found not in ("lean", "stock"):
            raise StudyError(f"member {member.name} runs on {found!r}: give lean or stock, or a "
                             "parameter of these values in braces.")
        return found

    def _request(self, member: Member) -> Request:
        given, triangles = self._more.get(member.name), self._triangles(member)
        if given is None:
            anuga = self.anuga(member)
            given = self.reservations.of(self._kind(member), triangles, anuga)
            # More than any worker has is what the table says, not what a line may come to.
            most = self._engine.most()
            if triangles and most < given and \
                    (by_table(anuga, self.study.definition.ranks, triangles) or 0) <= most:
                given = most
        kind = self._kind(member)
        return Request(member.name, given, self.cores,
                       self._durations.of(kind, given, triangles),
                       self._probes.get(kind, member.name) != member.name)

    def _probe(self, member: Member) -> None:
        """Let others of a member's kind wait for what it tells, if nothing is known of the kind."""
        kind = self._kind(member)
        if self._given is None and kind not in self._probes and not self.reservations.knows(kind):
            self._probes[kind] = member.name
            self._ask_anew(member)

    def _all_ask_anew(self) -> None:
        for name in self.packing.waiting.names():
            self.packing.waiting.add(self._request(self.members[name]))

    def _refuse_too_large(self) -> None:
        for row in self.packing.waiting.rows():
            request = row.first
            # one that has met its limit before is given up in its turn, and the others run
            if self._is_too_large(request) and request.name not in self._more:
                most = max(self.packing.workers.values(), key=lambda each: each.nbytes)
                raise StudyError(
                    f"member {request.name} asks for {request.nbytes / MIB:,.0f} MiB and "
                    f"{request.cores} cores, and the largest worker ({most.name}) has "
                    f"{most.nbytes / MIB:,.0f} MiB and {most.cores}: give a smaller memory, "
                    "ranks or threads, or larger workers.")

    def _is_too_large(self, request: Request) -> bool:
        """Whether no worker has room for a member, nor one that could be had."""
        return bool(self.packing.workers) and self.packing.too_large(request) \
            and not self._engine.may_start(request)

    def _start(self) -> None:
        if self.is_stopping:
            self._let_go()
            return
        while True:
            found = self.packing.start_next()
            if found is None:
                break
            worker, request = found
            record = records.read_record(self.folder.member(request.name))
            self._tries[request.name] = len(record.tries) if record else 0
            if record is not None and record.tries and record.end is End.COMPLETED:
                self._ended(request.name, None)     # by another study, meanwhile
                continue
            self._probe(self.members[request.name])
            self._engine.submit(worker, self._order(self.members[request.name], request.nbytes),
                                self.study.definition.threads)
        if not self._running():
            for row in self.packing.waiting.rows():
                request = row.first
                if self._is_too_large(request):
                    self.packing.waiting.remove(request.name)
                    self._give_up(request.name, f"it needs {request.nbytes / MIB:,.0f} MiB, more "
                                                "than any worker has")

    def _let_go(self) -> None:
        for name in self.packing.waiting.names():
            self.packing.waiting.remove(name)

    def _order(self, member: Member, given: int) -> Order:
        said, folder = self.study.definition, self.folder.member(member.name)
        arguments, environment = command_line(self.study, member, folder)
        lean = self.anuga(member) == "lean"
        options = [*_GUARD, str(folder / RUN), *_FRACTIONS] if lean and said.guard else []
        summary = None
        if said.summary is not None:
            path, name = function_of(self.study, "summary", said.summary)
            summary = (str(path), name)
        script = self.study.script
        if runner.is_scenario(script):
            script = runner.SCRIPT
        return Order(
            Job(member.name, str(folder), str(script), arguments, options, environment, lean,
                said.ranks, member.values, summary, preloaded=lean and said.ranks == 1),
            given, said.timeout, said.keep)

    def _ended(self, name: str, error: BaseException | None) -> None:
        for worker in self.packing.workers.values():
            if name in worker.running:
                worker.end(name)
        if isinstance(error, StudyError):
            raise error
        self._elsewhere[name] = self._tries.pop(name), error

    def _judge(self, member: Member, record: Record) -> None:
        """Count a member that is done, and let one that is tried again wait."""
        self._note_triangles(member, record)
        if record.end is End.COMPLETED:
            self.progress.completed += 1
            self._met.pop(member.name, None)
            self._outside.check(member.name)
            self._learn(member, record)
            return
        following = ends.after(record.tries)
        if not following.again:
            self._give_up(member.name, following.why)
            self._script_failures += record.end is End.FAILED
            return
        self.progress.retried += 1
        if following.more_memory:
            self._give_more(member, record)
        self.packing.waiting.add(self._request(member))

    def _give_up(self, name: str, why: str) -> None:
        self.progress.failed += 1
        self.progress.failures.append((name, why))
        member = self.members[name]
        if self._probes.get(self._kind(member)) == name:
            del self._probes[self._kind(member)]
            self._ask_anew(member)

    def _learn(self, member: Member, record: Record) -> None:
        kind, peak = self._kind(member), record.peak
        self._durations.learn(kind, record.tries[-1].seconds, record.tries[-1].nbytes,
                              self._triangles(member))
        was_probe = self._probes.pop(kind, None) is not None
        if peak is None or self._given is not None:
            return
        self._learned += 1
        if self.reservations.learn(kind, peak, self._triangles(member), self.anuga(member)) \
                or was_probe:
            self._ask_anew(member)
        # Those that met their limit may ask for far too much, as long as nothing says more.
        for name in self._met:
            if name in self.packing.waiting:
                self._note_more(self.members[name])
                self.packing.waiting.add(self._request(self.members[name]))
        if self._learned in _LEARN:
            self._all_ask_anew()

    def _look_elsewhere(self) -> None:
        """Take up members that have ended, here or in another process, or whose process has."""
        for name, (tries, error) in list(self._elsewhere.items()):
            member, folder = self.members[name], self.folder.member(name)
            record = records.read_record(folder)
            if not _has_ended(record, tries):
                if not self._watch.is_free(folder):
                    continue
                # It may have ended between these two looks.
                record = records.read_record(folder)
            if record is not None and _has_ended(record, tries):
                del self._elsewhere[name]
                self._judge(member, record)
            elif error is None:
                del self._elsewhere[name]
                self.packing.waiting.add(self._request(member))
            else:
                self._note_lost(member, error)

    def _note_lost(self, member: Member, error: BaseException) -> None:
        """Record that the worker of a member went away, unless somebody runs it again by now."""
        folder = self.folder.member(member.name)
        folder.mkdir(parents=True, exist_ok=True)   # the worker had not come to it
        lease = records.take(folder)
        if lease is None:
            return
        try:
            record = records.read_record(folder) or Record(member.name, [])
            if _has_ended(record, self._elsewhere[member.name][0]):
                return      # and is judged at the next look
            lost = records.Try(End.LOST, None, 0, None, 0.0, None, time.time(), "",
                               f"its worker went away: {error}",
                               again=how_again(record.tries, 0))
            lost.finding = finding(folder, lost)
            record.tries.append(lost)
            records.write_record(folder, record)
        finally:
            lease.give_back()
        del self._elsewhere[member.name]
        self._judge(member, record)


def _has_ended(record: Record | None, tries: int) -> bool:
    """Whether a member has been tried again since it had so many tries, or needs no other."""
    return record is not None and (
        len(record.tries) > tries or bool(record.tries) and record.end is End.COMPLETED)
