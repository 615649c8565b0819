"""Runs members in jobs of Slurm that Dask's workers are started in, of two sizes where needed.

Owns how many jobs there are, and how large.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

from anuga_lean._errors import StudyError
from anuga_lean.studies.engines import Dask, Jobs, quiet_dask
from anuga_lean.studies.members import JOBS
from anuga_lean.studies.outcomes import last_line
from anuga_lean.studies.packing import Request

MIB = 1 << 20
OWN = 256 * MIB         # of a job, for the worker, its spawner and what they load
_LARGER = 4             # times a job's memory
_EVERY = 5.0            # s between two looks at how many jobs there should be
_NO_WORKER = 60.0       # s after which jobs that have ended tell why no worker has come


class Slurm(Dask):
    """Members run in jobs of Slurm.

    Parameters
    ----------
    jobs : Jobs
    folder : Path
        Of the study, on every node under the same path; job files' output goes to ``jobs`` in it.
    """

    def __init__(self, jobs: Jobs, folder: Path) -> None:
        quiet_dask()
        try:
            from dask_jobqueue import SLURMCluster
        except ImportError as error:
            raise StudyError("dask-jobqueue is not installed: pip install 'anuga_lean[study]'."
                             ) from error
        if jobs.nbytes <= OWN:
            raise StudyError(f"jobs of {jobs.nbytes / MIB:,.0f} MiB have no room for members: "
                             f"{OWN / MIB:.0f} MiB are the worker's own.")
        self.jobs = jobs
        self._largest = jobs.largest if jobs.largest is not None else largest_node(jobs.partition)
        self._sizes: set[int] = set()
        self._looked = -math.inf
        self._began, self._worker_came = time.monotonic(), False
        logs = self._logs = folder.resolve() / JOBS
        logs.mkdir(parents=True, exist_ok=True)
        self._cluster = SLURMCluster(
            cores=jobs.cores, processes=1, memory=f"{jobs.nbytes}B", job_cpu=jobs.cores,
            job_mem=f"{math.ceil(jobs.nbytes / MIB)}M", walltime=_clock(jobs.seconds),
            queue=jobs.partition, job_extra_directives=jobs.directives, python=sys.executable,
            nanny=False, log_directory=str(logs), local_directory=str(logs),
            death_timeout=60, worker_extra_args=_offer(jobs.nbytes, jobs.cores),
            job_name="anuga_lean_study",
            scheduler_options={"dashboard_address": None, "port": 0})
        super().__init__(self._cluster, folder.resolve().parent)

    def ask_for(self, waiting: int) -> None:
        """Have as many jobs as the members that wait can use, and replace those that have ended.

        Parameters
        ----------
        waiting : int
        """
        now = time.monotonic()
        if now - self._looked < _EVERY:
            return
        self._looked = now
        self._look_at_jobs(now)
        busy = sum(bool(each.running) for each in self._known.values())
        wanted = min(self.jobs.count, busy + math.ceil(waiting / max(1, self.jobs.cores)))
        names = set(self._cluster.worker_spec)
        if wanted > len(names) - len(self._sizes):
            self._cluster.scale(jobs=wanted + len(self._sizes))
        else:
            # a job that was lost is submitted again
            self._cluster.loop.add_callback(self._cluster._correct_state)

    def _look_at_jobs(self, now: float) -> None:
        """Raise StudyError if jobs have ended and no worker has come of any."""
        if self._known:
            self._worker_came = True
        if self._worker_came or now - self._began < _NO_WORKER:
            return
        texts = sorted(self._logs.glob("*.err"), key=lambda each: each.stat().st_mtime)
        says = next((last_line(each) for each in reversed(texts) if last_line(each)), "")
        if says:
            raise StudyError(f"the jobs of the study end before they run a member: {says}; "
                             f"{self._logs} has what they print.")

    def may_start(self, request: Request) -> bool:
        """Whether a job for a member that needs more than others can be had; it is asked for."""
        needs = request.nbytes + OWN
        if self._largest is not None and needs > self._largest or request.cores > self.jobs.cores:
            return False
        if any(size >= needs for size in self._sizes):
            return True
        spec = self._cluster.new_worker_spec()
        name, options = next(iter(spec.items()))
        larger = dict(options["options"])
        larger.update(job_mem=f"{math.ceil(needs / MIB)}M", memory=f"{needs}B",
                      worker_extra_args=_offer(needs, self.jobs.cores))
        self._sizes.add(needs)
        self._cluster.worker_spec[f"large-{len(self._sizes)}"] = {
            "cls": options["cls"], "options": larger}
        self._cluster.loop.add_callback(self._cluster._correct_state)
        return True

    def most(self) -> int:
        """Return what a member is given of which nothing is known but that it needs more.

        Four jobs' memory, not a whole node: the job has to come beside those that are there.
        """
        most = _LARGER * self.jobs.nbytes
        return max(self.jobs.nbytes, min(most, self._largest or most)) - OWN

    def close(self) -> None:
        """End the jobs."""
        super().close()
        self._cluster.close()


def _offer(nbytes: int, cores: int) -> list[str]:
    return ["--resources", f"MEMORY={nbytes - OWN},CORES={cores}"]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"


def largest_node(partition: str | None) -> int | None:
    """Return the memory of the largest node, bytes; None if Slurm does not say.

    Raises
    ------
    StudyError
        There is no Slurm here.
    """
    command = ["sinfo", "-h", "-o", "%m", *(["-p", partition] if partition else [])]
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=60,
                              env=dict(os.environ)).stdout
    except FileNotFoundError as error:
        raise StudyError("there is no Slurm on this machine (no sinfo): run the study on a login "
                         "node, or with --on local.") from error
    except subprocess.TimeoutExpired:
        return None
    sizes = [int(word.rstrip("+")) for word in text.split() if word.rstrip("+").isdigit()]
    return max(sizes) * MIB if sizes else None
