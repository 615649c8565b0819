"""Decides which checkpoints of other releases of ANUGA a run may continue.

What the state of a domain lacks that an older release has left is in
`overlay.later_attributes`.  Newer states are refused: an older release would continue with
arithmetic that they were not computed with, and does not know all that they hold.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from anuga_lean._errors import CheckpointError, CheckpointWarning, NewerCheckpoint
from anuga_lean.mpi.ranks import Ranks
from anuga_lean.overlay.capabilities import capabilities

# The first release whose checkpoints are known.
_FIRST = (4, 1)
# PEP 440 as far as releases of ANUGA and what its repository calls itself go.
_VERSION = re.compile(
    r"(?P<numbers>\d{1,4}(?:\.\d{1,4}){1,3})(?:(?P<stage>a|b|rc)(?P<number>\d{1,6}))?"
    r"(?:\.post(?P<post>\d{1,6}))?(?:\.dev(?P<dev>\d{1,6}))?(?:\+[a-z0-9.]{1,40})?", re.ASCII)
_STAGES = {"a": 0, "b": 1, "rc": 2, None: 3}
_FINISHED = 10**6       # higher than any number of a development version

# What the pickle of a domain holds from a release on: (capability, attribute, release).
_MARKS = (("prescribed_limiter", "boundary_limit_mask", "4.2"),)
_BLOCK = 1 << 20


def _order(version: str) -> tuple[int, ...] | None:
    """Return a key that sorts versions; None for a text that is not a version."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return None
    numbers = [int(each) for each in found["numbers"].split(".")]
    is_only_dev = found["dev"] is not None and found["stage"] is None and found["post"] is None
    return (*numbers, *[0] * (4 - len(numbers)),
            -1 if is_only_dev else _STAGES[found["stage"]], int(found["number"] or 0),
            int(found["post"] or 0), _FINISHED if found["dev"] is None else int(found["dev"]))


def _is_same_arithmetic(order: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two versions are patch releases of one minor release.

    Lean classes come in for such a one only if the functions that they rely on are those of
    the release that is known, so that its states are too.
    """
    is_release = [each[4] == _STAGES[None] and each[-1] == _FINISHED for each in (order, other)]
    return all(is_release) and order[:2] == other[:2]


def installed() -> str:
    """Return the version of the ANUGA that runs here."""
    import anuga

    return str(anuga.__version__)


def check(what: str, written: Any) -> str | None:
    """Return the warning for a state that an older ANUGA has written, or None.

    Parameters
    ----------
    what : str
        Begins the sentence.
    written : object
        The version that stands beside the state; not trusted.

    Raises
    ------
    CheckpointError
        It is no version, or none whose states are known.
    NewerCheckpoint
        It is newer than the installed ANUGA.
    """
    present = installed()
    if written == present:
        return None
    order = _order(written) if isinstance(written, str) else None
    if order is None:
        raise CheckpointError(f"{what} names {_shown(written)} as the version of anuga that has "
                              "written it, which is none")
    if order[:2] < _FIRST:
        raise CheckpointError(
            f"{what} was written with anuga {written}, this anuga_lean goes on with "
            f"{'.'.join(map(str, _FIRST))} and later only")
    here = _order(present)
    if here is not None and _is_same_arithmetic(order, here):
        return None
    if here is None or order > here:
        raise NewerCheckpoint(
            f"{what} was written with anuga {written} and cannot go on with the "
            f"{'older ' if here else ''}{present} that is installed: "
            f"pip install 'anuga>={written.partition('+')[0]}'.")
    return f"{what} was written with anuga {written}, the run goes on with {present}'s arithmetic."


def check_pickle(path: Path) -> None:
    """Raise NewerCheckpoint if a newer ANUGA has pickled a domain; runs nothing of the file."""
    for capability, attribute, release in _MARKS:
        if not getattr(capabilities(), capability) and _holds(path, attribute):
            raise NewerCheckpoint(_pickled_by_newer(f"checkpoint {path}", release))


def check_stock_state(state: dict[str, Any]) -> str | None:
    """Return the warning for a domain of ANUGA's own that an older ANUGA has pickled, or None.

    Raises
    ------
    NewerCheckpoint
        A newer ANUGA has pickled it.
    """
    what = f"a pickle of the domain {_shown(state.get('simulation_name'))}"
    for capability, attribute, release in _MARKS:
        if attribute in state and not getattr(capabilities(), capability):
            raise NewerCheckpoint(_pickled_by_newer(what, release))
        if attribute not in state and getattr(capabilities(), capability):
            return (f"{what} was written with an anuga before {release}, the run goes on with "
                    f"{installed()}'s arithmetic.")
    return None


def _pickled_by_newer(what: str, release: str) -> str:
    return (f"{what} was written with anuga {release} or later and cannot go on with the older "
            f"{installed()} that is installed: pip install 'anuga>={release}'.")


def _holds(path: Path, attribute: str) -> bool:
    """Whether a pickle has a text, as protocols 4 and 5 write a short one."""
    wanted = b"\x8c" + bytes([len(attribute)]) + attribute.encode()
    before = b""
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            if wanted in before + block:
                return True
            before = block[-len(wanted):]
    return False


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def say(text: str | None) -> None:
    """Warn, on rank 0 alone, of a run that continues with another arithmetic."""
    if text is not None and Ranks.of_process().rank == 0:
        warnings.warn(text, CheckpointWarning, stacklevel=6)
