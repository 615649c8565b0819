"""The blocks of Python in the pages run, page by page, after what a reader has by then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import blocks

BUILD = """
import anuga_lean, anuga_lean as anuga
def build(name="towradgi"):
    domain = anuga.rectangular_cross_domain(4, 4, len1=4000.0, len2=4000.0)
    domain.set_name(name)
    domain.set_quantity("stage", lambda x, y: 1.0 + (x < 2000.0))
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"),
                                      anuga.Reflective_boundary(domain)))
    domain.set_store(False)
    return domain
domain = build()
"""
# What stands before the blocks of a page, as a reader has it.
BEFORE = {
    "quickstart.md": "", "measuring.md": "", "steps.md": BUILD,
    "continuous_integration.md": "",
    "checkpoints.md": BUILD + """
base = build("base")
base.set_checkpointing(checkpoint_dir="CHECKPOINTS", checkpoint_step=1)
for t in base.evolve(yieldstep=60, finaltime=120):
    pass
""",
    "stopping.md": BUILD,
    "studies.md": "",
}
# What has to be there in the end.
AFTER = {
    "quickstart.md": 'assert domain.get_time() == 5.0 and not domain.on_stock_arrays',
    # What it claims is measured in tests/cli/test_pytest_plugin.py.
    "continuous_integration.md": "assert callable(test_memory)",
    "checkpoints.md": 'assert domain.get_name() == "wet" and domain.get_time() == 7200.0',
    "stopping.md": "import glob\n"
                   "assert domain.get_time() == 7200.0 and glob.glob('CHECKPOINTS/*.pickle')",
    "studies.md": "assert sorted(depth.values.tolist()) == [1.0, 2.0]",
}
FILES = {
    "model.py": "import sys, json\n"
                "value = float(sys.argv[sys.argv.index('--rain') + 1])\n"
                "json.dump(value / 10.0, open('found.json', 'w'))\n",
    "summary.py": "import json\n\n\ndef of_member(folder, parameters):\n"
                  "    return {'depth': json.load(open(f'{folder}/found.json'))}\n",
}
BLOCKS = [block for block in blocks() if block.language == "python"]
# Each block of a page with models of a reader's begins with a new one.
SOURCES = {page: ("\ndomain = build()\n" if BUILD in BEFORE[page] else "\n").join(
    block.text for block in BLOCKS if block.page == page)
           for page in {block.page for block in BLOCKS}}


def run(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder with what the blocks read."""
    for name, content in FILES.items():
        (folder / name).write_text(content)
    (folder / "page.py").write_text(text)
    return subprocess.run([sys.executable, "page.py"], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "PYTHONWARNINGS": "error::UserWarning"})


@pytest.mark.parametrize("page", sorted(SOURCES))
def test_the_blocks_of_a_page_run(page: str, tmp_path: Path) -> None:
    done = run("\n".join((BEFORE[page], SOURCES[page], AFTER.get(page, ""))), tmp_path)
    assert 0 == done.returncode, done.stderr
    if page == "steps.md":
        assert "3600.000 s, " in done.stdout


def test_a_block_that_fails_is_found(tmp_path: Path) -> None:
    text = SOURCES["steps.md"].replace("add_step_observer(watch)", "add_step_observers(watch)", 1)
    done = run(BEFORE["steps.md"] + text, tmp_path)
    assert 0 != done.returncode and "add_step_observers" in done.stderr
