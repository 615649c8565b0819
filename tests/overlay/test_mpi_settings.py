"""The setting that Open MPI 5.0.10 and 5.0.11 get: which, when, and never over the user's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anuga_lean.doctor.processes import ask_mpi
from anuga_lean.overlay.mpi_settings import VALUE, VARIABLE, files_of, grows, is_users
from mpirun import MPI_ENVIRONMENT, MPIEXEC, needs_mpi

OTHER_NAME = "OMPI_MCA_btl_vader_free_list_max"
CHILD = Path(__file__).resolve().parents[2] / "benchmarks" / "mpi_memory_child.py"


@pytest.mark.parametrize("text, expected", [
    ("Open MPI v5.0.10, package: x", True), ("Open MPI v5.0.11, package: x", True),
    ("Open MPI 5.0.11", True), ("Open MPI v5.0.1, package: x", False),
    ("Open MPI v5.0.12, package: x", False), ("Open MPI v5.0.110, package: x", False),
    ("Open MPI v4.1.8, package: x", False), ("MPICH Version: 5.0.11", False), ("", False),
])
def test_which_versions(text: str, expected: bool) -> None:
    assert expected == grows(text)


@pytest.mark.parametrize("variables, text, expected", [
    ({}, "", False), ({VARIABLE: "512"}, "", True), ({OTHER_NAME: "128"}, "", True),
    ({VARIABLE: ""}, "", True), ({"OMPI_MCA_btl_sm_eager_limit": "1"}, "", False),
    ({}, "# none\nbtl_sm_free_list_max = 600\n", True), ({}, "btl_vader_free_list_max=6", True),
    ({}, "#btl_sm_free_list_max = 600\nbtl_sm_free_list_max_2 = 1\n\xff", False),
])
def test_what_the_user_has_set(variables: dict[str, str], text: str, expected: bool,
                               tmp_path: Path) -> None:
    (tmp_path / "there").write_text(text, encoding="latin-1")
    assert expected == is_users(variables, [tmp_path / "none", tmp_path, tmp_path / "there"])


def test_where_the_user_sets_it() -> None:
    found = files_of({"HOME": "/h"}, Path("/opt/mpi/lib/libmpi.so.40"))
    assert {Path("/h/.openmpi/mca-params.conf"), Path("/opt/mpi/etc/openmpi-mca-params.conf"),
            Path("/h/.prte/mca-params.conf"), Path("/opt/mpi/etc/prte-mca-params.conf"),
            Path("/etc/openmpi/openmpi-mca-params.conf")} == set(found)
    assert Path("/moved/etc/openmpi-mca-params.conf") in files_of({"OPAL_PREFIX": "/moved"}, None)
    assert [Path("/a"), Path("/b")] == files_of({"OMPI_MCA_mca_base_param_files": "/a:/b"}, None)


# -- with the library that is here -------------------------------------------------

HERE = ask_mpi(os.environ).of_mpi4py or ""
needs_growth = pytest.mark.skipif(not grows(HERE), reason=f"{HERE or 'no MPI'} does not grow")


def told(code: str, folder: Path, **variables: str) -> Any:
    """What is set at the end of a script, in a home of its own."""
    plain = {name: value for name, value in os.environ.items() if "free_list_max" not in name}
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport os\nprint(os.environ.get({VARIABLE!r}))"],
        env=plain | MPI_ENVIRONMENT | {"HOME": str(folder)} | variables, capture_output=True,
        text=True, check=True, cwd=folder)
    return done.stdout.split()[-1]


@needs_growth
@pytest.mark.parametrize("code, expected", [
    ("import anuga_lean\nfrom mpi4py import MPI\nassert MPI.Is_initialized()", VALUE),
    ("from mpi4py import MPI\nimport anuga_lean", "None"),      # MPI has read its settings
    ("import anuga_lean\nimport mpi4py", "None"),               # MPI is not started
    ("import anuga_lean\nimport mpi4py\nmpi4py.rc.initialize = False\nfrom mpi4py import MPI\n"
     "assert not MPI.Is_initialized()", VALUE),
])
def test_before_mpi_starts(code: str, expected: str, tmp_path: Path) -> None:
    assert expected == told(code, tmp_path)


STARTS = "import anuga_lean\nfrom mpi4py import MPI"


@needs_growth
def test_not_over_the_users_own(tmp_path: Path) -> None:
    assert "600" == told(STARTS, tmp_path, **{VARIABLE: "600"})
    assert "None" == told(STARTS, tmp_path, **{OTHER_NAME: "600"})
    (tmp_path / ".openmpi").mkdir()
    (tmp_path / ".openmpi" / "mca-params.conf").write_text("btl_sm_free_list_max = 600\n")
    assert "None" == told(STARTS, tmp_path)


@needs_mpi
@needs_growth
@pytest.mark.memory
@pytest.mark.parametrize("imports, least, most", [("import", 0.0, 20.0), ("send", 25.0, 1e4)])
def test_ranks_that_wait(imports: str, least: float, most: float, tmp_path: Path) -> None:
    """1,000 messages open for a second: 2.6 MiB, or 150 and more without the setting."""
    plain = {name: value for name, value in os.environ.items() if "free_list_max" not in name}
    done = subprocess.run(
        [str(MPIEXEC), "-n", "2", sys.executable, str(CHILD), imports, "1000", "64", "2", "1.0"],
        env=plain | MPI_ENVIRONMENT | {"HOME": str(tmp_path)}, capture_output=True, text=True,
        timeout=120, cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
    assert least <= json.loads(done.stdout.splitlines()[-1])["grown"][-1] <= most
