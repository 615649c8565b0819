"""Says what to ask for next time, in the words of the scheduler that a run was under."""

from __future__ import annotations

from anuga_lean.doctor.evidence import MIB, OUT_OF_MEMORY, Cause, Facts

_MORE = 1.2             # of the peak: samples miss the last moments before a kill
_STEP = 64              # MiB
_GUARD = ("run it as 'anuga_lean run --guard script.py': it then stops by itself, with a set to go "
          "on from, before this comes")
_STUDY = ("'anuga_lean study run FILE' tries it again, with more memory if that was it; "
          "'anuga_lean study show FILE MEMBER' has all its tries")
_RESUME = "anuga_lean run --guard --resume script.py"


def advise(cause: Cause, facts: Facts) -> list[str]:
    """Return what to do, a sentence each, the most useful first."""
    if cause in OUT_OF_MEMORY:
        return [*_memory(cause, facts), *_going_on(facts)]
    return {
        Cause.TIME_LIMIT: lambda: [_time(facts), *_going_on(facts)],
        Cause.NODE_FAILURE: lambda: ["nothing of the model was at fault: submit it again"
                                     + (", with '#SBATCH --requeue' Slurm does"
                                        if facts.scheduler == "slurm" else ""), *_going_on(facts)],
        Cause.WORKER_GONE: lambda: ["'anuga_lean study run' tries it again: look at what became of "
                                    "the worker, the model was not at fault"],
        Cause.CANCELLED: lambda: ["ask who cancelled it (sacct names the user), then submit it "
                                  "again", *_going_on(facts)],
        Cause.KILLED: lambda: [
            "signal 9 comes mostly from the kernel when memory is short: look at 'dmesg' or "
            "'journalctl -k' on that node"
            + (", and at 'sacct --duplicates -j JOBID'" if facts.scheduler == "slurm" else ""),
            *_going_on(facts)],
        Cause.MEMORY_LIMIT: lambda: [
            "take the limit off ('ulimit -v unlimited; ulimit -d unlimited') or raise it: address "
            "space is more than the memory that is held; without a limit, the machine's "
            "overcommit refuses (vm.overcommit_memory)"]
        if facts.scheduler != "study" else [
            "a study gives a member a limit of its own (RLIMIT_DATA where it may make no cgroup): "
            "'memory' of the study file is what it begins with", *_going_on(facts)],
        Cause.SHM_FULL: lambda: [
            "make room in /dev/shm: 'anuga_lean doctor' lists segments that dead runs left; in a "
            "container give it more ('--shm-size=1g')"],
        Cause.MPI_CAP: lambda: [
            "unset OMPI_MCA_pml_ob1_free_list_max and settings like it: at a cap MPI fails or "
            "waits for ever"],
        Cause.MPI_START: lambda: [
            "'anuga_lean doctor' says whether mpiexec and mpi4py belong together; under Slurm use "
            "mpiexec inside the job, or an srun whose '--mpi' is of the same PMIx"],
        Cause.STOPPED: lambda: [_STUDY if facts.scheduler == "study" else
                                f"it was meant, as exit code 75 says; {_resume(facts)}",
                                *(_memory(cause, facts) if facts.short else [])],
        Cause.FAILED: lambda: ["read the error above the end of its log: the run was not killed"],
        Cause.UNKNOWN: lambda: ["give the number of the job, the file with what it printed on "
                                "stderr, or the record of a guarded run (anuga_lean_runs)"],
        Cause.RUNNING: list, Cause.COMPLETED: list,
    }[cause]()


def _memory(cause: Cause, facts: Facts) -> list[str]:
    of_machine = cause is Cause.OOM_NODE or facts.machine_is_limit and cause in (
        Cause.OOM_PROBABLE, Cause.STOPPED)
    # At the kill the peak is near the limit, never above: more than both is needed.
    least = facts.peak if of_machine else max(facts.peak, facts.limit)
    found = []
    if least and not of_machine and cause is not Cause.OOM_NUMA:
        mib = -(-int(_MORE * least / MIB) // _STEP) * _STEP
        ask = {"slurm": f"#SBATCH --mem={mib}M",
               "kubernetes": f"resources.limits.memory: {mib}Mi",
               "study": f"a worker of {mib} MiB (study run --memory, --job-memory)",
               "dask": f"memory_limit='{mib}MiB' (dask-jobqueue: memory= and job_mem=)",
               }.get(facts.scheduler, f"a limit of {mib} MiB")
        found.append(f"ask for at least {ask}: 1.2 times the "
                     + ("limit" if facts.limit >= facts.peak else "peak")
                     + "; it is not known how much more it would have taken")
    elif of_machine:
        found.append("start fewer runs on the machine at a time"
                     + (f", this one needs at least {_MORE * least / MIB:,.0f} MiB"
                        if least else "")
                     + ", or give each a cgroup of its own, so that the right one is stopped")
    elif cause is Cause.OOM_NUMA:
        found.append("start it without a binding of memory (numactl --membind, cpuset)")
    else:
        found.append("ask for 1.2 times its peak: 'anuga_lean run --guard' records it")
    if facts.ranks > 1:
        found.append("more nodes with the same ranks hold less each; rank 0 holds the whole mesh "
                     "while it distributes, and METIS takes twice what "
                     "parameters={'partition_scheme': 'hilbert'} takes there")
    return found


def _time(facts: Facts) -> str:
    if facts.scheduler == "study":
        return "give it longer: 'timeout' of the study file"
    if facts.scheduler == "slurm":
        return ("ask for more (#SBATCH --time=...), or let it stop and go on: '#SBATCH "
                "--signal=B:USR1@120 --requeue', and 'anuga_lean run --guard --resume' before the "
                "script")
    return "ask for more time, or let it stop before: 'anuga_lean run --guard --walltime 11h'"


def _going_on(facts: Facts) -> list[str]:
    if facts.scheduler == "study":
        return [_STUDY]
    return [_resume(facts) if facts.guarded else _GUARD]


def _resume(facts: Facts) -> str:
    return f"to go on from the last set type: {facts.command or _RESUME}"
