"""In a notebook: the summary of a domain, a cell interrupted and run again, and the docs' own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

import anuga_lean as anuga

NOTEBOOK = Path(__file__).resolve().parent.parent.parent / "docs" / "notebook.ipynb"
HOSTILE = "<script>alert(1)</script>"


def domain_of(name: str = "pond", algorithm: str = "DE1") -> Any:
    domain = anuga.rectangular_cross_domain(10, 10)
    domain.set_name(name)
    domain.set_store(False)
    domain.set_flow_algorithm(algorithm)
    domain.set_quantity("stage", lambda x, y: 1.0 + 0.2 * (x < 0.4))
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
    return domain


def facts(html: str) -> dict[str, str]:
    return dict(re.findall(r"<th[^>]*>([^<]*)</th><td[^>]*>([^<]*)</td>", html))


def test_the_summary() -> None:
    domain = domain_of()
    found = facts(domain._repr_html_())
    assert ("400", "0 s", "DE1, rk2", "on lean kernels") == tuple(
        found[name] for name in ("triangles", "time", "algorithm", "runs"))
    assert found["threads"].isdigit()
    pieces = [float(re.search(r"([\d,.]+) bytes per", value)[1].replace(",", ""))
              for name, value in found.items() if name.startswith("memory: ")]
    assert abs(sum(pieces[:-1]) - pieces[-1]) < 0.1 * len(pieces)
    assert "memory: quantities" in found and "memory: mesh" in found


def test_looking_changes_nothing() -> None:
    """Neither what it holds nor its results."""
    looked, plain = domain_of(), domain_of()
    html = looked._repr_html_()
    assert html == looked._repr_html_()
    for _ in looked.evolve(yieldstep=0.05, finaltime=0.2):
        looked._repr_html_()
    for _ in plain.evolve(yieldstep=0.05, finaltime=0.2):
        pass
    assert not looked.on_stock_arrays
    for name in ("stage", "xmomentum", "ymomentum"):
        one, other = (each.quantities[name].centroid_values for each in (looked, plain))
        assert one.tobytes() == other.tobytes()


def test_the_summary_names_what_runs_on_stock() -> None:
    # By hand, not by the compute mode 'unified', which sets up ANUGA's GPU interface in the
    # process of all other tests.
    domain = domain_of()
    with pytest.warns(anuga.StockKernelWarning):
        domain.use_stock_kernels("a reason of this test")
    assert facts(domain._repr_html_())["runs"].startswith("on ANUGA")


def test_the_summary_is_escaped() -> None:
    html = domain_of(HOSTILE)._repr_html_()
    assert HOSTILE not in html and "&lt;script&gt;" in html


# -- in a real kernel -----------------------------------------------------------------


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KernelManager, Any]]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path_factory.mktemp("kernel")))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def execute(client: Any, code: str, heard: Callable[[str], None] | None = None) -> tuple[str, dict]:
    """Run a cell; return what it printed or showed as HTML, and its reply."""
    said: list[str] = []

    def hear(message: dict) -> None:
        content = message["content"]
        said.append(content.get("text") or content.get("data", {}).get("text/html") or "")
        if heard is not None:
            heard(said[-1])

    reply = client.execute_interactive(code, output_hook=hear, timeout=60, store_history=False)
    return "".join(said), reply["content"]


MODEL = """
import anuga_lean as anuga
def domain_of():
    domain = anuga.rectangular_cross_domain(60, 60)
    domain.set_store(False)
    domain.set_quantity("stage", lambda x, y: 1.0 + 0.2 * (x < 0.4))
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
    return domain
def go(domain):
    for t in domain.evolve(yieldstep=0.5, finaltime=2.0):
        print("yield", t, flush=True)
domain, plain = domain_of(), domain_of()
"""
SAME = """
go(plain)
found = [[each.quantities[name].centroid_values.tobytes() for each in (domain, plain)]
         for name in ("stage", "xmomentum", "ymomentum")]
print([ours == theirs for ours, theirs in found], domain.get_time())
"""


def test_a_cell_interrupted_and_run_again(kernel: tuple[KernelManager, Any]) -> None:
    manager, client = kernel
    assert "ok" == execute(client, MODEL)[1]["status"]

    def press(text: str) -> None:
        if "yield 0.5" in text:
            time.sleep(0.05)
            manager.interrupt_kernel()

    _, reply = execute(client, "go(domain)", press)
    assert "KeyboardInterrupt" == reply.get("ename")
    said, _ = execute(client, "print(0.5 <= domain.get_time() < 2.0)")
    assert "True\n" == said
    said, reply = execute(client, "go(domain)")
    assert "ok" == reply["status"] and "yield 2.0" in said and "yield 0.0" not in said
    said, _ = execute(client, SAME)
    assert said.endswith("[True, True, True] 2.0\n"), said


def test_a_domain_shows_its_table(kernel: tuple[KernelManager, Any]) -> None:
    _, client = kernel
    execute(client, MODEL)
    said, _ = execute(client, "domain")
    assert "14,400" == facts(said)["triangles"]


def test_the_notebook_of_the_docs(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [[]] * len(cells) == [cell.outputs for cell in cells]    # cleared
    NotebookClient(notebook, kernel_name="python3", timeout=60,
                   resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in cells for output in cell.outputs]
    assert any("6,400" in output.get("data", {}).get("text/html", "") for output in shown)
    assert " m after 60 s" in cells[-1].outputs[-1].text
