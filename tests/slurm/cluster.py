"""A Slurm of this machine alone, on ports and in a folder of its own, for as long as a test asks.

Owns its configuration and its daemons, which are children of this process and end with it; what
stands in /etc and /run is neither read nor written.  Needs root, for the cgroups of jobs.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from anuga_lean.measure.measurement import MPI_ENVIRONMENT

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "scancel", "squeue", "setpriv")
ACCOUNTING = ("slurmdbd", "sacct", "sacctmgr", "mariadbd", "mariadb", "mariadb-install-db")
CGROUPS = Path("/sys/fs/cgroup")
PATIENCE = 30.0     # s for a daemon to be there
LONGEST = 900.0     # s that the tests of another process may take
# What the clients and a job inherit of the shell: not the job that the tests may run in.
_FOREIGN = ("SLURM", "SBATCH", "SRUN", "PMI", "OMPI", "PRTE", "PMIX")


def why_not(accounting: bool = False) -> str | None:
    """Say why no Slurm can run here; None if nothing is known to be in the way."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if missing:
        return f"{', '.join(missing)} not here: apt install slurm-wlm munge util-linux"
    missing = [name for name in ACCOUNTING if shutil.which(name, path=_path()) is None]
    if accounting and missing:
        return f"{', '.join(missing)} not here: apt install slurmdbd mariadb-server"
    if os.geteuid() != 0:
        return "slurmd makes the cgroups of its jobs as root, and this is another user"
    if cgroup_version() is None:
        return f"no memory cgroup below {CGROUPS} can be written"
    return None


def cgroup_version() -> int | None:
    """Return the version of the cgroups that limit memory here, where they can be written."""
    if os.access(CGROUPS / "memory" / "cgroup.procs", os.W_OK):
        return 1
    controllers = CGROUPS / "cgroup.controllers"
    if controllers.exists() and "memory" in controllers.read_text().split() and os.access(
            CGROUPS / "cgroup.procs", os.W_OK):
        return 2
    return None


def _path() -> str:
    """The search path with the folder of this Python first, and those of daemons last."""
    return os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", ""),
                            "/usr/local/sbin", "/usr/sbin", "/sbin"])


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    found = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return found


class Cluster:
    """One node with four CPUs, named as this host, so that mpiexec starts ranks by itself.

    Parameters
    ----------
    folder : Path
        Of all its files, the key of munge among them; it is removed with them by `stop`.
    count : int
        More nodes are all this host too, and have names of their own.
    accounting : bool
        Whether a database keeps the jobs, so that sacct answers.

    Attributes
    ----------
    environment : dict
        For its clients.
    """

    def __init__(self, folder: Path, count: int = 1, accounting: bool = False) -> None:
        self.folder = folder
        self.accounting = accounting
        self.node = socket.gethostname().partition(".")[0]
        self.nodes = [self.node] if count == 1 else [
            f"{self.node}-{number}" for number in range(1, count + 1)]
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(_FOREIGN)}
        self.environment |= MPI_ENVIRONMENT | {
            "SLURM_CONF": str(folder / "slurm.conf"), "PATH": _path()}
        self._daemons: list[subprocess.Popen[bytes]] = []
        # Two at a time would share the cgroups of a node of this name.
        self._alone = socket.socket(socket.AF_UNIX)

    # -- up and down ---------------------------------------------------------

    def start(self) -> None:
        """Start the daemons, and wait until the node takes jobs.

        Raises
        ------
        RuntimeError
            With the last lines of the log of the daemon that does not come up.
        """
        until = time.monotonic() + LONGEST
        while True:
            try:
                self._alone.bind("\0anuga_lean tests/slurm")    # a name that is no file
                break
            except OSError:
                if time.monotonic() > until:
                    raise RuntimeError("other tests hold the Slurm of this machine") from None
                time.sleep(0.5)
        self.folder.mkdir(mode=0o755, parents=True)
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.touch(mode=0o400)
        key.write_bytes(random.SystemRandom().randbytes(256))
        self._configure()
        self._daemon("munged", "--foreground", "--force", f"--key-file={key}",
                     *(f"--{option}={self.folder / 'munge'}{end}" for option, end in (
                         ("socket", ".sock"), ("pid-file", ".pid"), ("log-file", ".log"),
                         ("seed-file", ".seed"))))
        self._wait("munge.log", (self.folder / "munge.sock").exists)
        if self.accounting:
            self._keep_accounts()
        self._daemon("slurmctld", "-D", "-c")
        self._wait("slurmctld.log", lambda: "UP" in self.ask("scontrol", "ping"))
        for node in self.nodes:
            self._daemon("slurmd", "-D", "-N", node)
        self._wait("slurmd.log", lambda: ["idle"] * len(self.nodes) == self.ask(
            "sinfo", "-h", "-N", "-o", "%T").split())

    def _keep_accounts(self) -> None:
        """Start a database, on a socket and a port of its own, and Slurm's daemon before it."""
        place = self.folder / "accounts"
        there = subprocess.run(
            ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={place}",
             "--skip-test-db", "--auth-root-authentication-method=normal"], text=True,
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if there.returncode != 0:
            raise RuntimeError(f"mariadb-install-db failed: {there.stdout[-1500:]}")
        door = self.folder / "mariadb.sock"
        self._daemon("mariadbd", "--no-defaults", "--user=root", f"--datadir={place}",
                     f"--socket={door}", f"--pid-file={self.folder / 'mariadbd.pid'}",
                     "--bind-address=127.0.0.1", f"--port={self.ports[3]}",
                     "--innodb-buffer-pool-size=32M", "--performance-schema=0")
        asks = ("mariadb", "--no-defaults", "-u", "root", "-S", str(door), "-e")
        self._wait("mariadbd.log", lambda: "1" in self.ask(*asks, "select 1"))
        self.ask(*asks, "create user slurm@'%' identified by 'here'; grant all on "
                 "slurm_acct_db.* to slurm@'%'")
        self._daemon("slurmdbd", "-D")
        self._wait("slurmdbd.log", lambda: "anuga_lean" in self.ask(
            "sacctmgr", "-n", "show", "cluster") or "" != self.ask(
            "sacctmgr", "-i", "add", "cluster", "anuga_lean"))

    def stop(self) -> None:
        """End the jobs, the daemons and their cgroups, and remove the folder."""
        if self._daemons[1:]:       # a controller that may know jobs
            self.ask("scancel", f"--user={os.geteuid()}")
            until = time.monotonic() + PATIENCE
            while self.ask("squeue", "-h", "-o", "%i") and time.monotonic() < until:
                time.sleep(0.1)
        for each in reversed(self._daemons):
            each.terminate()
            try:
                each.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()
        self._daemons.clear()
        for node in self.nodes:
            for top in CGROUPS.glob(f"*/slurm_{node}"):
                for path, _, _ in os.walk(top, topdown=False):
                    self._end_those_in(Path(path))
                    os.rmdir(path)
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self._alone.close()

    def _end_those_in(self, group: Path) -> None:
        """Kill what a job has left in its cgroup, and wait until it is empty."""
        until = time.monotonic() + PATIENCE
        while pids := (group / "cgroup.procs").read_text().split():
            for pid in pids:
                os.kill(int(pid), signal.SIGKILL)
            if time.monotonic() > until:
                raise RuntimeError(f"{group} still has processes {pids}")
            time.sleep(0.1)

    def _daemon(self, *command: str) -> None:
        """Start a daemon that ends with this process, however that ends."""
        with open(self.folder / f"{command[0]}.said", "wb") as said:
            self._daemons.append(subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True))

    def _wait(self, log: str, is_there: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not is_there():
            if time.monotonic() > until or self._daemons[-1].poll() is not None:
                texts = [path.read_text(errors="replace") for path in (
                    self.folder / log, self.folder / f"{log.removesuffix('.log')}.said")
                    if path.exists()]
                raise RuntimeError(f"{log.removesuffix('.log')} does not come up: "
                                   + "".join(texts)[-1500:])
            time.sleep(0.05)

    def _configure(self) -> None:
        self.ports = _free_ports(4 + len(self.nodes))
        controller, accounts, others, _, *ports = self.ports
        socket_of_munge = self.folder / "munge.sock"
        values = {
            "ClusterName": "anuga_lean", "SlurmctldHost": f"{self.node}(127.0.0.1)",
            "SlurmctldPort": controller, "SlurmUser": "root", "SlurmdUser": "root",
            "AuthType": "auth/munge", "CredType": "cred/munge",
            "AuthInfo": f"socket={socket_of_munge}",
            "StateSaveLocation": self.folder / "state",
            "SlurmdSpoolDir": self.folder / "spool" / "%n",
            "SlurmctldPidFile": self.folder / "slurmctld.pid",
            "SlurmdPidFile": self.folder / "slurmd.%n.pid", "SlurmdPort": others,
            "SlurmctldLogFile": self.folder / "slurmctld.log",
            "SlurmdLogFile": self.folder / "slurmd.log",
            "ProctrackType": "proctrack/cgroup", "TaskPlugin": "task/cgroup",
            "JobAcctGatherType": "jobacct_gather/linux", "JobAcctGatherFrequency": 1,
            "AccountingStorageType": "accounting_storage/none",
            "SelectType": "select/cons_tres", "SelectTypeParameters": "CR_CPU_Memory",
            "DefMemPerCPU": 300, "SchedulerType": "sched/builtin",
            "SchedulerParameters": "sched_interval=1,batch_sched_delay=0",
            # No cgroup and no line of the kernel's log is another cluster's.
            "FirstJobId": random.SystemRandom().randrange(1_000_000, 60_000_000),
            "KillWait": 5, "ReturnToService": 2, "MailProg": "/bin/true", "JobRequeue": 1,
            "SlurmdParameters": "config_overrides", "PropagateResourceLimits": "NONE",
        }
        if self.accounting:
            # its own socket of munge is no default of sacct's and sacctmgr's
            values |= {"AccountingStorageType": "accounting_storage/slurmdbd",
                       "AccountingStorageHost": "127.0.0.1", "AccountingStoragePort": accounts,
                       "AccountingStoragePass": socket_of_munge}
            self._configure_accounts(accounts, socket_of_munge)
        lines = [f"{name}={value}" for name, value in values.items()]
        lines += [f"NodeName={node} NodeHostname={self.node} NodeAddr=127.0.0.1 Port={port} CPUs=4 "
                  "RealMemory=4000" for node, port in zip(self.nodes, ports, strict=True)]
        lines += ["PartitionName=main Nodes=ALL Default=YES MaxTime=UNLIMITED State=UP"]
        (self.folder / "slurm.conf").write_text("\n".join(lines) + "\n")
        version = cgroup_version()
        groups = {"CgroupPlugin": f"cgroup/v{version}", "ConstrainRAMSpace": "yes",
                  "ConstrainSwapSpace": "no", "ConstrainCores": "no", "MinRAMSpace": 16}
        if version == 1:
            groups["CgroupMountpoint"] = str(CGROUPS)
        elif not Path("/run/systemd/system").is_dir():
            groups["IgnoreSystemd"] = "yes"
        (self.folder / "cgroup.conf").write_text(
            "".join(f"{name}={value}\n" for name, value in groups.items()))

    def _configure_accounts(self, port: int, socket_of_munge: Path) -> None:
        path = self.folder / "slurmdbd.conf"
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in {
            "AuthType": "auth/munge", "AuthInfo": f"socket={socket_of_munge}",
            "DbdHost": "localhost", "DbdAddr": "127.0.0.1", "DbdPort": port, "SlurmUser": "root",
            "StorageType": "accounting_storage/mysql", "StorageHost": "127.0.0.1",
            "StoragePort": self.ports[3], "StorageUser": "slurm", "StoragePass": "here",
            "StorageLoc": "slurm_acct_db", "LogFile": self.folder / "slurmdbd.log",
            "PidFile": self.folder / "slurmdbd.pid"}.items()))

    # -- its clients ---------------------------------------------------------

    def ask(self, *command: str) -> str:
        """Return what a client of Slurm's prints; nothing where it fails."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True,
                              timeout=PATIENCE)
        return done.stdout if done.returncode == 0 else ""

    def submit(self, folder: Path, script: Path, *options: str,
               variables: Mapping[str, str] = {}) -> str:      # noqa: B006  only read
        """Submit a job file in a folder; return the number of the job."""
        done = subprocess.run(
            ["sbatch", "--parsable", *options, str(script)], cwd=folder, text=True,
            env={**self.environment, **variables}, capture_output=True, timeout=PATIENCE)
        assert 0 == done.returncode, done.stderr
        return done.stdout.strip()

    def facts(self, job: str) -> dict[str, str]:
        """Return what scontrol shows of a job."""
        return dict(re.findall(r"(\w+)=(\S*)", self.ask("scontrol", "show", "job", job)))

    def wait(self, job: str, *states: str, seconds: float = 120.0) -> dict[str, str]:
        """Wait until a job is in one of some states, or over; return what scontrol shows then."""
        wanted = states or ("COMPLETED", "FAILED", "OUT_OF_MEMORY", "TIMEOUT", "CANCELLED",
                            "NODE_FAIL")
        until = time.monotonic() + seconds
        while (found := self.facts(job)).get("JobState") not in wanted:
            assert time.monotonic() < until, f"job {job} is not {' or '.join(wanted)}: {found}"
            time.sleep(0.2)
        return found

    def begin_again(self, job: str) -> None:
        """Let a job that is requeued start now: of itself Slurm does so two minutes later."""
        self.wait(job, "PENDING")
        # What is left of the first try would end the second.
        until = time.monotonic() + PATIENCE
        while f"[{job}.batch] done with job" not in (self.folder / "slurmd.log").read_text():
            assert time.monotonic() < until, f"job {job} does not come to an end"
            time.sleep(0.1)
        time.sleep(1.1)     # a credential of the second in which it ended is not taken
        self.ask("scontrol", "update", f"JobId={job}", "StartTime=now")
