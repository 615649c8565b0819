"""Draws the two pictures of the first page: a flood that moves, and bars of memory.

`python benchmarks/pictures.py` runs the scenario merimbula on lean domains and writes
docs/_static/flood.webp (half a minute, wants Pillow, which matplotlib brings), and draws
docs/_static/memory.svg from benchmarks/readme.json; `--bars` draws the bars alone, `--check` says
whether they are those of the figures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from readme import STORED, find

from anuga_lean import scenarios
from anuga_lean._errors import LeanError
from anuga_lean.measure.records import Night, read

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent / "docs" / "_static"
FLOOD, BARS = STATIC / "flood.webp", STATIC / "memory.svg"
FRAMES, SECONDS = 60, 20.0      # of model time between two frames
WIDTH = 560                     # of the picture, pixels
SHALLOWEST = 0.02               # m: less water is drawn as land
DRAWN = 90                      # ms for a frame
LARGEST = 400_000               # bytes of the picture


def places_of_pixels(domain: Any) -> np.ndarray:
    """Return the triangle under each pixel, -1 outside of the mesh; the first row is north."""
    from matplotlib.tri import Triangulation
    nodes = np.asarray(domain.get_nodes())
    (left, low), (right, high) = nodes.min(axis=0), nodes.max(axis=0)
    step = (right - left) / WIDTH
    x = np.arange(left + step / 2.0, right, step)
    y = np.arange(high - step / 2.0, low, -step)
    found = Triangulation(*nodes.T, np.asarray(domain.get_triangles())).get_trifinder()
    return found(*np.meshgrid(x, y))


def shaded(surface: np.ndarray, height: float) -> np.ndarray:
    """Return how light a surface is with the sun in the north-west, 0 to 1."""
    south, east = np.gradient(surface * height)
    light = (1.0 - east - south) / np.sqrt(3.0 * (1.0 + east**2 + south**2))
    return np.clip(light, 0.0, 1.0)


def frame(ground: np.ndarray, level: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the colours of one moment.

    Parameters
    ----------
    ground, level : (rows, columns) float64, m
        The bed and the stage.
    inside : (rows, columns) bool

    Returns
    -------
    (rows, columns, 3) uint8
    """
    from matplotlib import colormaps
    depth = level - ground
    land = colormaps["gist_earth"](np.clip(0.62 + ground / 40.0, 0.55, 0.9))[..., :3]
    land = land * (0.45 + 0.55 * shaded(ground, 0.08)[..., None] / 0.577).clip(0.0, 1.05)
    water = colormaps["Blues"](np.clip(0.45 + 0.07 * depth, 0.0, 0.95))[..., :3]
    wet = depth > SHALLOWEST
    crest = shaded(np.where(wet, level, level[wet].mean()), 14.0)[..., None]
    water = water * (0.55 + 0.45 * crest / 0.577)
    colours = np.where(wet[..., None], water, land)
    colours[~inside] = 1.0
    return (255.0 * np.clip(colours, 0.0, 1.0)).astype(np.uint8)


def draw_flood(path: Path, refine: int = 1, frames: int = FRAMES) -> int:
    """Run Merimbula lake and write its flood as a picture that moves; return its bytes."""
    from PIL import Image

    import anuga_lean as anuga
    with tempfile.TemporaryDirectory() as folder:
        domain = scenarios.build("merimbula", anuga, refine=refine, datadir=folder)
        triangle = places_of_pixels(domain)
        inside = triangle >= 0
        ground = np.asarray(domain.quantities["elevation"].centroid_values)[triangle]
        pictures = []
        for _ in domain.evolve(yieldstep=SECONDS, duration=SECONDS * (frames - 1)):
            level = np.asarray(domain.quantities["stage"].centroid_values)[triangle]
            pictures.append(Image.fromarray(frame(ground, level, inside)))
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=DRAWN, loop=0,
                     quality=45, method=6)
    return path.stat().st_size


def bars(night: Night) -> str:
    """Return a drawing of the memory of a model on stock and on lean, from the stored figures."""
    rows = []
    for label, figure in (("arrays", "held"), ("resident memory", "rss_slope")):
        rows.append((label, *(find(night, "memory", "dam_break", build, {}).figures[figure].value
                              for build in ("stock", "lean"))))
    largest = max(stock for _, stock, _ in rows)
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 232" role="img" '
             'font-family="system-ui, sans-serif" font-size="13" fill="#1b2733">',
             "<title>Bytes per triangle while a dam break of 1 million triangles evolves</title>",
             '<rect width="400" height="232" rx="8" fill="#ffffff"/>',
             '<text x="16" y="26" font-size="15" font-weight="600">Bytes per triangle while '
             "evolving</text>"]
    y = 52
    for label, stock, lean in rows:
        lines.append(f'<text x="16" y="{y + 4}" font-weight="600">{label}: {stock / lean:.1f} '
                     "times less</text>")
        for name, value, colour in (("ANUGA", stock, "#8a5a00"), ("anuga_lean", lean, "#0b5fa5")):
            y += 30
            width = 250.0 * value / largest
            lines += [f'<text x="16" y="{y}">{name}</text>',
                      f'<rect x="96" y="{y - 13}" width="{width:.1f}" height="18" '
                      f'fill="{colour}"/>',
                      f'<text x="{96 + width + 6:.1f}" y="{y}">{value:,.0f}</text>']
        y += 34
    return "\n".join([*lines, "</svg>", ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the pictures, or check the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", action="store_true", help="only the bars: no model is run")
    parser.add_argument("--check", action="store_true", help="draw nothing; 1 if the bars differ")
    args = parser.parse_args(arguments)
    drawn = bars(read(STORED))
    if args.check:
        if BARS.read_text() != drawn:
            print(f"pictures.py: {BARS} is not of the figures of {STORED}: "
                  "python benchmarks/pictures.py --bars", file=sys.stderr)
            return 1
        return 0
    STATIC.mkdir(exist_ok=True)
    BARS.write_text(drawn)
    if not args.bars:
        nbytes = draw_flood(FLOOD)
        if nbytes > LARGEST:
            raise LeanError(f"{FLOOD} has {nbytes:,} bytes, more than {LARGEST:,}: fewer FRAMES")
        print(f"{FLOOD}: {nbytes:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
