"""Loads the set of checkpoint files that all ranks agree on: `load_checkpoint_file`."""

from __future__ import annotations

import math
import time as clock
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from anuga_lean._errors import CheckpointError, CheckpointWarning, NewerCheckpoint
from anuga_lean._escapes import escaped
from anuga_lean.checkpoint.confinement import Folders
from anuga_lean.checkpoint.decoder import Missing
from anuga_lean.checkpoint.names import FoundSet, Name, files_of, path_in, sets_in
from anuga_lean.checkpoint.reading import StateFile
from anuga_lean.checkpoint.releases import check_pickle, say
from anuga_lean.checkpoint.schedule import begin_interval
from anuga_lean.checkpoint.users import STATES
from anuga_lean.memory_limits import count_unknown, naming
from anuga_lean.mpi.ranks import Ranks, tried


def load_checkpoint_file(domain_name: str = "domain", checkpoint_dir: str = ".",
                         time: float | None = None, *, trusted: bool = True,
                         datadir: str | None = None) -> Any:
    """Return the domain of the newest set that is whole on every rank, or of a time.

    Parameters
    ----------
    domain_name : str
        As given to `set_name`, without the number of a rank.
    checkpoint_dir : str
    time : float, optional
        Of the set, s; by default the set that was written last, and if that is
        damaged the one before it, with a CheckpointWarning.
    trusted : bool
        False: nothing that the files contain is run, and the run writes into the current
        folder, `checkpoint_dir`, `datadir` and what is below them only.  All else is restored
        and a CheckpointWarning lists what has to be set again.
    datadir : str, optional
        Where the run writes its SWW and log files from now on; by default where it did.

    Returns
    -------
    anuga.Domain
        As it was when the set was written; evolve goes on to the same bits as
        the run that wrote it.  A set of another number of ranks is distributed
        anew: boundaries and operators have to be set again, as after
        `anuga.distribute`.

    Raises
    ------
    CheckpointError
        No set is whole, or not the one of `time`; or a newer ANUGA has written
        it, which no older set stands in for: that would cut off the SWW file.
    UnsupportedVersion
        The installed ANUGA is run as it is, on its own classes.
    """
    from anuga_lean.overlay import install

    install.require_lean()
    install.install()
    with naming("loading a checkpoint", count_unknown):
        return _newest(domain_name, Path(checkpoint_dir), time, trusted, datadir)


def _newest(domain_name: str, folder: Path, time: float | None, trusted: bool,
            datadir: str | None) -> Any:
    ranks = Ranks.of_process()
    candidates = find_sets(ranks, folder, domain_name)
    wanted = [each for each in candidates
              if time is None or math.isclose(each.time, float(time), rel_tol=1e-12)]
    if not wanted:
        raise CheckpointError(_nothing_there(folder, domain_name, time, ranks, candidates))
    passed = [] if time is not None else _incomplete(ranks, folder, domain_name)
    for each in wanted:
        domain, reason = tried(ranks, partial(
            _load_set, each, ranks, folder, domain_name, trusted, datadir))
        if reason is None:
            if passed:
                _warn(ranks, f"{passed[0]}; loaded the older set at t={each.time} s instead.")
            return domain
        passed.append(reason)
        if time is not None:
            break
    raise CheckpointError(passed[0] + _offer(ranks, folder, domain_name, candidates, wanted))


def _warn(ranks: Ranks, text: str) -> None:
    if ranks.rank == 0:
        warnings.warn(text, CheckpointWarning, stacklevel=5)


def find_sets(ranks: Ranks, folder: Path, domain: str) -> list[FoundSet]:
    """Return the sets of which every rank has its file, and whole sets of other rank counts."""
    names, reason = tried(ranks, lambda: files_of(folder, domain))
    if reason is not None:
        raise CheckpointError(reason + ".")
    own = {each.key: each for each in sets_in(
        [name for name in names if (name.count, name.rank) == (ranks.count, ranks.rank)])}
    keys = ranks.allgather(set(own))
    common = set.intersection(*keys)
    # a torn file of one rank has no identity: the set is still named when it is tried, by all
    # ranks, so that each must have a file of it
    everywhere = set.intersection(*[{key[:3] for key in of_rank} for of_rank in keys])
    torn = {key[:3] for of_rank in keys for key in of_rank if key[3] is None}
    common |= {key for key in own if key[:3] in torn & everywhere}
    others = [each for each in sets_in([n for n in names if n.count != ranks.count])
              if each.is_complete and not each.is_stock]
    others = ranks.from_first(others)
    found = [each for key, each in own.items() if key in common] + others
    ages = ranks.from_first([(each.age, each.key[:3]) for each in found])
    order = {key: place for place, (_, key) in enumerate(sorted(ages, reverse=True))}
    unique = {each.key[:3]: each for each in reversed(found)}
    return sorted([each for key, each in unique.items() if key in order],
                  key=lambda each: order[each.key[:3]])


def _incomplete(ranks: Ranks, folder: Path, domain: str) -> list[str]:
    """Say so if the set that was written last is missing on a rank."""
    mine = {each.time: each.age for each in reversed(sets_in(
        [name for name in files_of(folder, domain)
         if (name.count, name.rank) == (ranks.count, ranks.rank)]))}
    of_ranks = ranks.allgather(mine)
    last = max((age for found in of_ranks for age in found.values()), default=None)
    if last is None or all(last[-1] in found for found in of_ranks):
        return []
    missing = [rank for rank, found in enumerate(of_ranks) if last[-1] not in found]
    return [f"the set at t={last[-1]} s is not whole, ranks {missing} have no file of it"]


def _nothing_there(folder: Path, domain: str, time: float | None, ranks: Ranks,
                   candidates: list[FoundSet]) -> str:
    where = f"{folder} holds no checkpoint of {domain!r}"
    if ranks.count > 1:
        where += f" that all {ranks.count} ranks have"
    if time is None or not candidates:
        return where + ": check domain_name and checkpoint_dir."
    others = ", ".join(str(each.time) for each in candidates[:5])
    return f"{where} at t={time} s: there are sets at {others} s."


def _offer(ranks: Ranks, folder: Path, domain: str, candidates: list[FoundSet],
           failed: list[FoundSet]) -> str:
    """Say which older set is whole, if there is one."""
    for each in candidates:
        if any(each is other for other in failed) or each.is_stock:
            continue
        try:
            _, reason = tried(ranks, partial(_open_all, each, ranks, folder, domain))
        except NewerCheckpoint:
            continue
        if reason is None:
            return f"; the set at t={each.time} s is whole: pass time={each.time}."
    return "."


def _open_all(found: FoundSet, ranks: Ranks, folder: Path, domain: str) -> None:
    """Open, and so verify, the files of a set that this rank would load."""
    for rank in [ranks.rank] if found.count == ranks.count else range(found.count):
        StateFile(path_in(folder, domain, found.count, rank, found.time)).__exit__()


def _load_set(found: FoundSet, ranks: Ranks, folder: Path, domain_name: str,
              trusted: bool, datadir: str | None) -> Any:
    folders = None if trusted else Folders([".", folder, *([] if datadir is None else [datadir])])
    if found.count != ranks.count:
        from anuga_lean.checkpoint.regroup import regrouped

        files = [path_in(folder, domain_name, found.count, rank, found.time)
                 for rank in range(found.count)]
        return go_on(regrouped(files, domain_name, ranks, folders, datadir))
    path = path_in(folder, domain_name, ranks.count, ranks.rank, found.time, found.is_stock)
    if found.is_stock:
        return go_on(_load_stock(path, trusted, datadir))
    with StateFile(path) as file:
        domain, missing = _restored(file, trusted, folders, datadir)
    if missing:
        warnings.warn(
            f"checkpoint {path} was loaded without what it could run; set again: "
            + ", ".join(escaped(f"{each.path} ({each.kind})") for each in missing) + ".",
            CheckpointWarning, stacklevel=6)
    return go_on(domain)


def _restored(file: StateFile, trusted: bool, folders: Folders | None = None,
              datadir: str | None = None) -> tuple[Any, list[Missing]]:
    domain, missing = file.restore(trusted, folders, datadir)
    domain.checkpoint_sets.adopt(file.state, file.mesh)
    say(file.older)
    return domain, missing


def set_of_stub(absolute: str, given: str, identity: str) -> Any:
    """Return the domain of a set: what unpickling a file of `stubs` does; not collective.

    Parameters
    ----------
    absolute, given : str
        The file, where it was written, and as the script named it.
    identity : str
        Of the set; another one in that place is not taken.

    Raises
    ------
    CheckpointError
        It is not there any more, it is damaged, or it is another rank's.
    """
    from anuga_lean.overlay import install

    install.require_lean()
    install.install()
    path = Path(absolute)
    for each in (path, Path(given)):
        if each.is_file():
            with StateFile(each) as file:
                header = file.state.header
                if header["set"] != identity:
                    continue
                ranks = Ranks.of_process()
                if ranks.count > 1 and (header["ranks"], header["rank"]) != (
                        ranks.count, ranks.rank):
                    raise CheckpointError(
                        f"checkpoint {each} is of rank {header['rank']} of {header['ranks']}, this "
                        f"is rank {ranks.rank} of {ranks.count}: load_checkpoint_file distributes "
                        "a set anew.")
                return go_on(_restored(file, trusted=True)[0])
    name = Name.parse(path)
    raise CheckpointError(
        f"the checkpoint {path} that this file points to is not there, or another one is: "
        f"anuga.load_checkpoint_file(domain_name={name and name.domain!r}, checkpoint_dir=..., "
        f"time={name and name.time}) loads it from the folder where it is now.")


def _load_stock(path: Path, trusted: bool, datadir: str | None) -> Any:
    """Return the domain that ANUGA's own classes have pickled, turned lean."""
    import dill

    if not trusted:
        raise CheckpointError(f"checkpoint {path} is a pickle of ANUGA's, which cannot be read "
                              "without running what it contains: pass trusted=True")
    try:
        check_pickle(path)
        with open(path, "rb") as file:
            domain = dill.load(file)
        domain.yieldstep_counter += 1       # ANUGA counts after the yield
        if datadir is not None:
            domain.datadir = datadir
        return domain
    except (NewerCheckpoint, MemoryError):
        raise
    except Exception as error:
        raise CheckpointError(f"checkpoint {path} cannot be unpickled "
                              f"({type(error).__name__}: {error})") from error


def go_on(domain: Any) -> Any:
    """Set what belongs to the process and not to the model, and return the domain."""
    domain.__dict__.pop(STATES, None)       # their code has them, if it was loaded
    domain.last_walltime = clock.time()
    begin_interval(domain)
    domain.communication_time = 0.0
    domain.communication_reduce_time = 0.0
    domain.communication_broadcast_time = 0.0
    domain.mark_resumed()
    return domain
