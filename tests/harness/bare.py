"""A model without the harness: ``bare.py VARIANT TRIANGLES FINALTIME YIELDSTEP``.

Prints the RSS after the import and after the evolution, and the peak, bytes.
Reads /proc itself, and imports nothing that a user's script would not; lean
comes in as it does in a measuring process.
"""

import sys

variant, triangles, finaltime, yieldstep = sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:])


def read(name: str, path: str) -> int:
    with open(f"/proc/self/{path}") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


if variant == "lean":
    from anuga_lean.overlay import install

    anuga = install.install()
else:
    import anuga
imported = read("Rss:", "smaps_rollup")

import numpy as np  # noqa: E402

if variant == "stock":
    assert "anuga_lean" not in sys.modules


def bed(x, y):
    return -x / 100.0 + 4.0 * np.sin(y / 60.0) * np.cos(x / 50.0)


def water(x, y):
    level = np.where(x < 350.0, 1.5, -6.0) + 0.2 * np.sin(x / 23.0) * np.cos(y / 31.0)
    return np.maximum(level, bed(x, y))


# The scenario dam_break, written out.
n = round((triangles / 4) ** 0.5)
domain = anuga.rectangular_cross_domain(n, n, len1=1000.0, len2=1000.0)
domain.set_quantity("friction", 0.03)
domain.set_quantity("elevation", bed, location="centroids")
domain.set_quantity("stage", water, location="centroids")
wall = anuga.Reflective_boundary(domain)
outlet = anuga.Dirichlet_boundary([-6.0, 0.0, 0.0])
domain.set_boundary({"left": wall, "right": outlet, "top": wall, "bottom": wall})
domain.set_flow_algorithm("DE0")
domain.set_store(False)
for _ in domain.evolve(yieldstep=yieldstep, finaltime=finaltime):
    pass
evolved = read("Rss:", "smaps_rollup")
sys.stderr.write(f"{imported} {evolved} {read('VmHWM:', 'status')}\n")
