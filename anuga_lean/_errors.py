"""Defines every error and warning that this package raises on purpose.

`LeanError` is the root; each leaf is also the built-in a user would expect to
catch.  Messages are one sentence: what is wrong, with the numbers, and what to
do next.  What they quote of a file cannot do anything to a terminal: `_escapes`.
"""

from __future__ import annotations

from anuga_lean._escapes import escaped


class LeanError(Exception):
    """Root of the errors raised by anuga_lean."""

    def __str__(self) -> str:
        return escaped(super().__str__(), lines=True)


class MeshError(LeanError, ValueError):
    """A mesh cannot be built: wrong shapes, indices, areas or size."""


class InvalidMesh(MeshError, AssertionError):
    """A mesh that cannot be built, caught by `except AssertionError` as ANUGA's."""


class MeshFileError(InvalidMesh, OSError):
    """A mesh file holds what no mesh has; also an OSError, as ANUGA raises for most of these."""


class BlockTooLarge(MeshError):
    """A block of a mesh does not fit 16-bit indices: it is cut with a smaller block size."""


class MeshGeneratorError(LeanError, RuntimeError):
    """The process of the mesh generator ended without a mesh."""


class PartitionError(LeanError, ValueError, AssertionError):
    """A mesh cannot be partitioned; also a ValueError and an AssertionError, as ANUGA raises."""


class PointsError(LeanError, ValueError, AssertionError):
    """Points, or values at them, that a mesh cannot be fitted to or interpolated at."""


class QuantityError(LeanError, ValueError, AssertionError):
    """Values that a quantity cannot have, or a domain that it cannot be of."""


class BoundaryError(LeanError, ValueError):
    """The tags or values at a boundary do not fit its edges."""


class ModelError(LeanError, ValueError, AssertionError):
    """A domain or an operator has something that ANUGA's scheme cannot be stepped with."""


class NotADomain(LeanError, TypeError):
    """Something else than a shallow water domain where one is needed."""


class OrderError(LeanError, RuntimeError):
    """A part of a step is asked for before the one that it goes on from."""


class SettingError(LeanError, ValueError):
    """An argument or an environment variable has a value that means nothing."""


class UnsupportedFeature(LeanError, NotImplementedError):
    """A lean domain refuses something that ANUGA offers."""


class UnsupportedVersion(LeanError, ImportError):
    """The internals of the installed ANUGA are not known here."""


class BrokenInstallation(LeanError, ImportError):
    """Files of the installed ANUGA are missing or cannot be read."""


class HookError(LeanError, RuntimeError):
    """The lean classes cannot come in, e.g. a Domain already exists."""


class ArrayError(LeanError, ValueError, IndexError):
    """An array no kernel may see: of another dtype, length or layout, or with wrong indices."""


class NotBound(LeanError, RuntimeError):
    """A kernel is called for a run that has not been given all arrays it needs."""


class ThreadError(LeanError, RuntimeError):
    """A domain is used from two threads at once."""


class CheckpointError(LeanError, OSError):
    """A checkpoint cannot be written, found, read or trusted."""


class DamagedCheckpoint(CheckpointError):
    """The bytes of a checkpoint file are not those that were written."""


class ModelsDiffer(CheckpointError):
    """Raised where a script has built another model than the one of a set it is to go on from."""


class NewerCheckpoint(CheckpointError):
    """A checkpoint is of a newer ANUGA than the installed one; no older set replaces it."""


class StoringError(LeanError, RuntimeError):
    """A frame cannot be written into an SWW file; also a RuntimeError, as netCDF4 raises."""


class MergeError(LeanError, FileNotFoundError):
    """The SWW file of a rank is missing, cannot be read, or is of another run."""


class LaunchError(LeanError, RuntimeError):
    """The ranks of a parallel run do not see each other."""


class MemoryLimitError(LeanError, MemoryError):
    """There is not enough memory for a stage of setting a model up."""


class ScenarioError(LeanError, ValueError):
    """A scenario or one of its parameters is unknown."""


class RefusedError(LeanError, NotImplementedError):
    """The installed ANUGA has nothing of what a case of selfcheck asks for."""


class RecordError(LeanError, ValueError):
    """A file does not hold figures of this schema."""


class ConditionError(LeanError, ValueError):
    """A condition on figures has no meaning, or its figure cannot be measured."""


class BuildError(LeanError, RuntimeError):
    """There is no such ANUGA to measure."""


class MeasurementError(LeanError, RuntimeError):
    """A measuring process ended without a result."""


class AllocationError(LeanError, RuntimeError):
    """Allocations cannot be recorded or read."""


class ProbeError(LeanError, OSError):
    """The kernel's memory counters cannot be read."""


class StudyError(LeanError, ValueError):
    """A study file, its folder or a member's means nothing, or asks for what no worker has."""


class CommandError(LeanError, RuntimeError):
    """A command cannot go on; carries the exit code of the process."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class PlanError(CommandError):
    """A run whose memory cannot be predicted, or which cannot be."""


class LeanWarning(Warning):
    """Root of the warnings issued by anuga_lean."""

    def __str__(self) -> str:
        return escaped(super().__str__(), lines=True)


class HookWarning(LeanWarning, UserWarning):
    """Issued when this package is imported too late to bring the lean classes in."""


class StockAnugaWarning(LeanWarning, RuntimeWarning):
    """Issued once when the installed ANUGA runs as it is, because its inside is not known here.

    No UserWarning, for the reason that StockKernelWarning gives.
    """


class AssignmentWarning(LeanWarning, RuntimeWarning):
    """Issued once where a script assigns an array and ANUGA would go on with the one before.

    No UserWarning, for the reason that StockKernelWarning gives.
    """


class MemoryWarning(LeanWarning, UserWarning):
    """Issued when a part of a run takes more memory than it does elsewhere; it says why."""


class PartsWarning(LeanWarning, UserWarning):
    """Issued once when a function is asked for the values on a large mesh in parts."""


class CheckpointWarning(LeanWarning, UserWarning):
    """Issued when a checkpoint is left out, passed over or restored in part."""


class StockKernelWarning(LeanWarning, RuntimeWarning):
    """Issued once per domain and feature that runs on ANUGA's own kernels.

    No UserWarning: that is what ANUGA and scripts warn with about a model, and
    what they count or turn into errors.
    """


class RunStopped(SystemExit):
    """Raised on every rank when a guarded run stops on request, with a set written.

    No Exception: a script's `except Exception` is not to go on with its post-processing.
    """
