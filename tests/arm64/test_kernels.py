"""The kernels give on aarch64, under qemu-user, the bits that they give here.

``apt install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user``; without, it is skipped.
The C library has a pow of its own for processors without FMA, which are none of today.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "anuga_lean" / "kernels"
SOURCES = [Path(__file__).with_name("driver.c"),
           *(KERNELS / name for name in ("maxima.c", "rates.c", "sums.c"))]
CROSS, QEMU, LIBRARIES = "aarch64-linux-gnu-gcc", "qemu-aarch64", "/usr/aarch64-linux-gnu"

pytestmark = [
    pytest.mark.skipif(not shutil.which(CROSS), reason=f"needs {CROSS}, of Debian's package "
                       "gcc-aarch64-linux-gnu"),
    pytest.mark.skipif(not shutil.which(QEMU), reason=f"needs {QEMU}, of Debian's qemu-user"),
]


def flags() -> list[str]:
    """Return the kernels' own flags, as meson.build names them."""
    (found,) = re.findall(r"kernel_args = cc.get_supported_arguments\(\n(.+?)\n\)",
                          (ROOT / "meson.build").read_text(), re.DOTALL)
    return [*re.findall(r"'(-f[^']+)'", found), "-O3", "-std=c11", "-fopenmp"]


def hashes(compiler: str, folder: Path, options: list[str], *runner: str) -> dict[str, list[str]]:
    program = folder / compiler
    subprocess.run([compiler, *options, f"-I{KERNELS}", *map(str, SOURCES), "-o", program, "-lm"],
                   check=True)
    printed = subprocess.run([*runner, program], capture_output=True, text=True, check=True).stdout
    found: dict[str, list[str]] = {}
    for line in printed.splitlines():
        name, number = line.split()
        found.setdefault(name, []).append(number)
    return found


def test_kernels_give_the_bits_of_this_machine(tmp_path: Path) -> None:
    assert "-ffp-contract=off" in flags()
    expected = hashes("gcc", tmp_path, flags())
    assert 18 == len(expected)
    found = hashes(CROSS, tmp_path, flags(), QEMU, "-L", LIBRARIES)
    assert expected == found
    assert found["powers"] == found["powers_by_pow"]


def test_fused_products_would_be_found(tmp_path: Path) -> None:
    """As compilers fuse by themselves in GNU C, of which `-std=c11` is the exception."""
    fusing = [*flags(), "-ffp-contract=fast"]
    own = hashes(CROSS, tmp_path, flags(), QEMU, "-L", LIBRARIES)
    fused = hashes(CROSS, tmp_path, fusing, QEMU, "-L", LIBRARIES)
    assert own.keys() == fused.keys() and own != fused
