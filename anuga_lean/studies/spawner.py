"""Starts members for a worker: forks them, loaded with ANUGA or not, and says how they ended.

One thread only, so that it may fork; lines of JSON in (name and job file, or a name to kill) and
out (ready or why not; a process began or ended). When the worker goes away, the pipe ends: all
members are killed, and so they are by the kernel when this process is killed itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

from anuga_lean.studies.processes import kill_session

_PR_SET_PDEATHSIG = 1


class Spawner:
    """The members that this process has started."""

    def __init__(self, preload: bool) -> None:
        self._preload = preload
        self._names: dict[int, str] = {}
        self._out = os.dup(1)
        os.set_inheritable(self._out, False)
        os.dup2(2, 1)       # what ANUGA prints at its import is no answer
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._prctl = self._libc.prctl

    def serve(self) -> None:
        """Start members and tell of their ends until the worker goes away."""
        try:
            if self._preload:
                _load_anuga()
        except Exception as error:
            self._say(failed=f"{type(error).__name__}: {error}")
            return
        self._say(ready=True)
        gc.collect()
        gc.freeze()         # no collection in a member writes to pages that it shares
        self._libc.malloc_trim(0)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        ended, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        text = b""
        while True:
            ready, _, _ = select.select([0, ended], [], [])
            if ended in ready:
                os.read(ended, 1 << 12)
                self._reap()
            if 0 in ready:
                got = os.read(0, 1 << 16)
                if not got:
                    break
                *lines, text = (text + got).split(b"\n")
                for line in lines:
                    self._do(json.loads(line))
        for pid in self._names:
            kill_session(pid)

    def _do(self, order: dict[str, Any]) -> None:
        if "kill" in order:
            for pid, name in self._names.items():
                if name == order["kill"]:
                    kill_session(pid)
            return
        try:
            # Read here, not in the member, which would write to pages that it shares.
            job = _read_job(order["job"]) if self._preload else None
            pid = os.fork()
        except OSError as error:
            self._say(name=order["name"], lost=f"it could not be started: {error.strerror}")
            return
        if pid == 0:
            self._become(order["job"], job)
        self._names[pid] = order["name"]
        self._say(name=order["name"], pid=pid)

    def _reap(self) -> None:
        while self._names:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            name = self._names.pop(pid, None)
            if name is not None:
                kill_session(pid)      # what the script has left running
                _remove_sockets(pid)
                self._say(name=name, exit_code=os.waitstatus_to_exitcode(status),
                          cpu_seconds=usage.ru_utime + usage.ru_stime)

    def _say(self, **facts: Any) -> None:
        os.write(self._out, json.dumps(facts).encode() + b"\n")

    def _become(self, job_file: str, job: tuple[Any, Any] | None) -> NoReturn:
        """Be the process of a member."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            parent = os.getppid()
            os.setsid()
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)
            _be(job_file, *(job or _read_job(job_file)))
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(BaseException):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(1)


def _read_job(path: str) -> tuple[Any, Any]:
    from anuga_lean.studies.member import read_job

    return read_job(Path(path))


def _be(job_file: str, job: Any, args: Any) -> NoReturn:
    """Confine this process to what its job says, and run the member or its launcher."""
    with contextlib.suppress(OSError):      # the kernel takes a member before its worker
        _write("/proc/self/oom_score_adj", b"1000")
    if job.cgroup is not None:
        _write(f"{job.cgroup}/cgroup.procs", b"%d" % os.getpid())
    if job.data_limit is not None:
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        limit = job.data_limit if hard < 0 else min(job.data_limit, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    os.chdir(job.folder)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for descriptor, name in ((1, "stdout.txt"), (2, "stderr.txt")):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(file, descriptor)
    os.environ.update(job.environment)
    if job.preloaded:
        import atexit

        from anuga_lean.studies.member import run

        code = run(job, args)
        atexit._run_exitfuncs()
        ctypes.CDLL(None).fflush(None)      # what C has printed
        os._exit(code)
    command = [sys.executable, "-m", "anuga_lean.studies.member", job_file]
    if job.ranks > 1:
        beside = shutil.which("mpiexec", path=str(Path(sys.executable).parent))
        command = [beside or "mpiexec", "-n", str(job.ranks), *command]
    os.execvp(command[0], command)


def _remove_sockets(pid: int) -> None:
    """Remove what a killed mpiexec of Open MPI leaves, which stops the next of its number."""
    base = os.environ.get("PRTE_MCA_prte_tmpdir_base") or tempfile.gettempdir()
    shutil.rmtree(f"{base}/ompi.{pid}", ignore_errors=True)


def _write(path: str, text: bytes) -> None:
    """Write a file with system calls alone: Python's files load codecs into shared pages."""
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text)
    finally:
        os.close(file)


def _load_anuga() -> None:
    """Import what a lean member needs, before there is any thread or domain."""
    from anuga_lean.overlay import install

    install.require_lean()
    install.install()
    for name in ("netCDF4", "anuga_lean.guard.starting"):
        importlib.import_module(name)
    from anuga_lean.studies.member import parser_of_run

    parser_of_run()


if __name__ == "__main__":
    Spawner("--preload" in sys.argv[1:]).serve()
