"""Writes measurements as tables of plain text.

Owns how figures look; computes none but ratios and sums of groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from anuga_lean._escapes import escaped
from anuga_lean.arrays.census import SECTIONS
from anuga_lean.measure import conditions, whole
from anuga_lean.measure.allocations import Allocations
from anuga_lean.measure.comparison import Comparison
from anuga_lean.measure.measurement import VARIANTS, Request
from anuga_lean.measure.records import Record
from anuga_lean.measure.split import OPERATORS, PARTS, REST, START, STORING
from anuga_lean.measure.verdict import not_distributed, triangles_of, verdict

MIB = 1024 * 1024
LEAST_SHOWN = 0.05  # B/tri; smaller groups are summed up in one line


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of text in columns, the first one left, the others right aligned; escaped."""
    rows = [[escaped(text) for text in row] for row in rows]
    widths: list[int] = []
    for row in rows:
        widths += [0] * (len(row) - len(widths))
        for column, text in enumerate(row):
            widths[column] = max(widths[column], len(text))
    lines = []
    for row in rows:
        first = row[0].ljust(widths[0])
        rest = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=False)]
        lines.append("  ".join([first, *rest]).rstrip())
    return "\n".join(lines)


def comparison_table(comparison: Comparison, every_group: bool = False) -> str:
    """Return stock and lean side by side, and whether their results are equal."""
    stock, lean = comparison.stock[0], comparison.lean[0]
    rows = [["bytes held per triangle", "stock", "lean", "ratio"]]
    rows += _group_rows(stock["census"], lean["census"], every_group)
    held = [comparison.median(v, "census", "bytes_per_triangle") for v in ("stock", "lean")]
    rows.append(["  all", *_pair(held, 1.0, ".1f")])
    rows += headline_rows(comparison)
    seconds = [comparison.median(variant, "seconds_per_step") for variant in ("stock", "lean")]
    rows.append(["time per step, ms", *_pair(seconds, 1.0e3, ".3g")])
    if not comparison.request.is_script:
        builds = [comparison.median(v, "stages", "build", "seconds") for v in ("stock", "lean")]
        rows.append(["time to build, s", *_pair(builds, 1.0, ".2f")])
    rows.append(["steps", f"{stock['steps']:,}", f"{lean['steps']:,}", ""])
    lines = [heading(comparison.request, lean), "", table(rows), ""]
    if comparison.request.split:
        lines += [split_table(comparison), ""]
    if comparison.request.is_script or set(stock["stages"]) - {"import", "build", "evolve"}:
        lines += [stages_table(stock["stages"], lean["stages"]), ""]
    if stock.get("ranks"):
        lines += [ranks_table(stock["ranks"], lean["ranks"]), ""]
    if stock.get("ranks"):
        lines.append(str(verdict(comparison.equal, lean["steps"])))
        lines += filter(None, [not_distributed(comparison.request.scenario, lean)])
    else:
        lines += equality_lines(comparison.equal)
    if lean["runs_on"] != "lean":
        lines.append("the lean domain ran on stock's kernels: see anuga_lean features")
    return "\n".join(lines)


def alone_table(comparison: Comparison, variant: str, every_group: bool = False) -> str:
    """Return what one side holds and takes, where the other was not run."""
    run = getattr(comparison, variant)[0]
    found = conditions.figures(comparison, variant)
    rows = [["bytes held per triangle", variant]]
    rows += [[name, value] for name, value, *_ in
             _group_rows(run["census"], run["census"], every_group)]
    peak, step = found["peak_rss"], found["seconds_per_step"]
    rows += [["  all", f"{found['arrays']:.1f}"],
             ["peak RSS, MiB", "-" if peak is None else f"{peak / MIB:.0f}"],
             ["time of all, s", f"{found['seconds']:.2f}"],
             ["time per step, ms", "-" if step is None else f"{step * 1e3:.3g}"],
             ["steps", f"{run['steps']:,}"]]
    stages = [["memory at, MiB", "RSS", "PSS", "peak"]]
    stages += [[f"  {name}", *_mebibytes(stage.get(key) for key in ("rss", "pss", "peak_rss"))]
               for name, stage in run["stages"].items()]
    return "\n".join([heading(comparison.request, run), "", table(rows), "", table(stages)])


def headline_rows(comparison: Comparison) -> list[list[str]]:
    """Return the rows of README's first table: arrays, peak RSS, whole run, evolve."""
    found = [("arrays, MiB", [comparison.median(v, "census", "nbytes") for v in VARIANTS], 1 / MIB),
             ("peak RSS, MiB", [comparison.peak_rss(v) for v in VARIANTS], 1 / MIB),
             ("whole run, s", [comparison.median(v, "run_seconds") for v in VARIANTS], 1.0),
             ("evolve, s", [comparison.median(v, "evolve_seconds") for v in VARIANTS], 1.0)]
    return [[label, *_pair(pair, factor, ".0f" if factor < 1.0 else ".2f")]
            for label, pair, factor in found]


def split_table(comparison: Comparison) -> str:
    """Return the wall time of `evolve` by part, of the median runs, and its serial fraction."""
    several = comparison.several
    sides: list[tuple[Any, Any]] = []
    rows = [["time in evolve, s", "stock", "lean", "ratio", "of lean"]]
    for variant in VARIANTS:
        more = getattr(comparison, f"{variant}_several")
        sides.append((whole.middle(getattr(comparison, variant)),
                      whole.middle(more) if more else None))
        if more:
            rows[0] += [f"{variant}, {several} threads", f"{variant} serial"]
    splits = [run["split"] for side in sides for run in side if run is not None]
    parts = in_order(list(dict.fromkeys(part for split in splits for part in split)))
    for part in [*parts, None]:
        rows.append(_split_row(part, sides, several))
    lines = [table(rows)]
    for variant in VARIANTS:
        found = whole.figures(getattr(comparison, variant),
                              getattr(comparison, f"{variant}_several"), several)
        if "serial_fraction" in found:
            fractions = [found[name].value for name in ("serial_fraction", "serial_fraction_steps")]
            lines.append(
                f"{variant}: {several} threads are {found['threads_over_one'].value:.2f} times as "
                f"fast as one; serial fraction {fractions[0]:.1f} %, without start and storing "
                f"{fractions[1]:.1f} %")
    return "\n".join(lines)


def in_order(parts: list[str]) -> list[str]:
    """Return parts of a split as tables show them: operators after the update, the rest last."""
    order = [START, *(part for part in PARTS if part != STORING), OPERATORS, STORING, REST]
    places = {part: position for position, part in enumerate(order)}
    return sorted(parts, key=lambda part: places.get(part.partition("/")[0], len(order)))


def _split_row(part: str | None, sides: Sequence[tuple[Any, Any]], several: int) -> list[str]:
    """Return a row of a part, or of the whole if it is None."""

    def of(run: Any) -> float:
        took: float = whole.seconds(run) if part is None else run["split"].get(part, 0.0)
        return took

    stock, lean = (of(side[0]) for side in sides)
    name = "  all" if part is None else f"  {part.removeprefix(OPERATORS + '/')}"
    row = [name, *_pair([stock, lean], 1.0, ".3f"), f"{lean / whole.seconds(sides[1][0]):.1%}"]
    for one, more in sides:
        if more is not None:
            row += [f"{of(more):.3f}", f"{whole.serial(of(one), of(more), several):.3f}"]
    return row


def stages_table(stock: Mapping[str, Any], lean: Mapping[str, Any]) -> str:
    """Return RSS, PSS and peak at every stage and mark of two runs, MiB."""
    rows = [["memory at, MiB", "stock RSS", "PSS", "peak", "lean RSS", "PSS", "peak"]]
    for name in dict.fromkeys([*stock, *lean]):
        found = [stages.get(name, {}).get(key) for stages in (stock, lean)
                 for key in ("rss", "pss", "peak_rss")]
        rows.append([f"  {name}", *_mebibytes(found)])
    return table(rows)


def ranks_table(stock: Sequence[Mapping[str, Any]], lean: Sequence[Mapping[str, Any]]) -> str:
    """Return RSS, PSS, USS and peak of every rank at the end of two runs, and their sums, MiB."""
    rows = [["at the end, MiB", "stock RSS", "PSS", "USS", "peak", "lean RSS", "PSS", "USS",
             "peak"]]
    every = []
    for rank, parts in enumerate(zip(stock, lean, strict=True)):
        found: list[float | None] = []
        for part in parts:
            stages = part["stages"]
            peaks = [stage["peak_rss"] for stage in stages.values()]
            found += [list(stages.values())[-1][key] for key in ("rss", "pss", "uss")]
            found.append(None if None in peaks else max(peaks))
        every.append(found)
        rows.append([f"  rank {rank}", *_mebibytes(found)])
    sums = [None if None in column else sum(column) for column in zip(*every, strict=True)]
    sums[3] = sums[7] = None  # peaks of different moments have no sum
    rows.append(["  all", *_mebibytes(sums)])
    return "\n".join([table(rows), "RSS counts a page that ranks share in each of them, PSS parts "
                      "it among them: the sum of PSS is what the run takes."])


def _mebibytes(values: Iterable[float | None]) -> list[str]:
    return ["-" if value is None else f"{value / MIB:.1f}" for value in values]


def sites_table(title: str, found: Allocations, most: int = 15) -> str:
    """Return call sites, largest first, each with its share."""
    rows = [[f"{title}, {found.nbytes / MIB:,.1f} MiB allocated at", "MiB", "share"]]
    rows += [[f"  {site.site}", f"{site.nbytes / MIB:,.2f}", f"{site.share:.1%}"]
             for site in found.sites[:most]]
    rest = found.sites[most:]
    if rest:
        left = sum(site.nbytes for site in rest)
        rows.append([f"  {len(rest)} more", f"{left / MIB:,.2f}",
                     f"{sum(site.share for site in rest):.1%}"])
    lines = [table(rows)]
    if found.left_out:
        lines.append(f"left out: {found.left_out / MIB:,.2f} MiB that measuring allocates")
    return "\n".join(lines)


def heading(request: Request, result: Mapping[str, Any]) -> str:
    """Return what was run, in one line."""
    parameters = request.parameters
    words = [
        f"{request.scenario}: {triangles_of(result):,} triangles",
        f"{result['wet_fraction']:.0%} wet",
    ]
    if not request.is_script:
        words.append(str(parameters.get("flow_algorithm", "DE0")))
    if parameters.get("timestepping_method"):
        words.append(parameters["timestepping_method"])
    if parameters.get("low_froude"):
        words.append(f"low_froude {parameters['low_froude']}")
    if parameters.get("sloped_mannings"):
        words.append("sloped friction")
    words.append(f"{result['steps']:,} steps to {result['time']:.6g} s")
    words.append(f"{request.threads} thread{'s' if request.threads > 1 else ''}")
    if request.numprocs > 1:
        words.append(f"{request.numprocs} ranks")
    if result["isa"] is not None:
        words.append(f"{result['isa']} kernels")
    if not request.is_script:
        words.append("SWW stored" if parameters.get("store") else "nothing stored")
    return escaped(", ".join(words))


def equality_lines(equal: Mapping[str, bool]) -> list[str]:
    """Return whether the results are equal, SWW variables in one line if they are."""
    results = {name: same for name, same in equal.items() if not name.startswith("sww/")}
    stored = {name: same for name, same in equal.items() if name.startswith("sww/")}
    lines = [f"{escaped(name)}: {'equal' if same else 'DIFFERENT'}"
             for name, same in results.items()]
    if stored:
        wrong = [escaped(name.removeprefix("sww/")) for name, same in stored.items() if not same]
        text = f"DIFFERENT in {', '.join(wrong)}" if wrong else "equal"
        lines.append(f"SWW file, {len(stored)} variables: {text}")
    return lines


def census_table(census: Mapping[str, Any], every_array: bool = False) -> str:
    """Return bytes by group, or by array, of one domain's census in its dict form."""
    count = max(1, census["number_of_triangles"])
    rows = [["held by", "bytes", "B/tri"]]
    if every_array:
        for entry in census["entries"]:
            kind = "" if entry["kind"] == "array" else f" ({entry['kind']})"
            label = "/".join(filter(None, [entry["group"], entry["name"]])) + kind
            rows.append([label, f"{entry['nbytes']:,}", f"{entry['nbytes'] / count:.2f}"])
    else:
        small = 0
        for group, nbytes in census["groups"].items():
            if nbytes / count < LEAST_SHOWN:
                small += nbytes
            else:
                rows.append([group, f"{nbytes:,}", f"{nbytes / count:.2f}"])
        if small:
            rows.append([f"smaller than {LEAST_SHOWN} B/tri", f"{small:,}", f"{small / count:.2f}"])
    rows.append(["all", f"{census['nbytes']:,}", f"{census['bytes_per_triangle']:.2f}"])
    lines = [table(rows)]
    if census["python_nbytes"]:
        extra = census["python_nbytes"]
        lines.append(
            f"and {extra:,} bytes ({extra / count:.2f} B/tri) in long lists and dictionaries"
        )
    return "\n".join(lines)


def features_table(features: Iterable[Any]) -> str:
    """Return what runs on lean kernels and what on stock's, and the bytes per triangle it adds."""
    features = list(features)
    first = max([len("feature"), *(len(feature.name) for feature in features)])
    lines = [f"{'feature':{first}}  runs on  adds B/tri  note"]
    for feature in features:
        name, kernels, nbytes, note = feature
        lines.append(f"{name:{first}}  {kernels:7}  {nbytes:10}  {note}".rstrip())
    return "\n".join(lines)


def replaced_table(rows: Iterable[Any]) -> str:
    """Return every replaced name, under the module that has it, with ours and the reason."""
    by_module: dict[str, list[tuple[str, str, str, str]]] = {}
    for row in rows:
        why = row.why + (f" ({row.when})" if row.when else "")
        by_module.setdefault(row.module, []).append(
            (row.name, row.kind, row.own.removeprefix("anuga_lean."), why))
    shown = [each for names in by_module.values() for each in names]
    widths = [max(len(each[column]) for each in shown) for column in range(3)]
    lines = []
    for module, names in by_module.items():
        lines.append(module)
        lines += ["  " + "  ".join(
            [*(text.ljust(width) for text, width in zip(name, widths, strict=False)), name[3]])
            for name in names]
    return "\n".join(lines)


def _group_rows(stock: Mapping[str, Any], lean: Mapping[str, Any], every: bool) -> list[list[str]]:
    """Return rows of B/tri by section, or by group, of two censuses."""
    totals: dict[str, list[float]] = {}
    for side, census in enumerate((stock, lean)):
        for group, nbytes in census["groups"].items():
            name = group if every else group.partition("/")[0]
            pair = totals.setdefault(name, [0.0, 0.0])
            pair[side] += nbytes / max(1, census["number_of_triangles"])
    order = {section: position for position, section in enumerate(SECTIONS)}
    names = sorted(totals, key=lambda name: order.get(name.partition("/")[0], len(order)))
    return [
        [f"  {name}", *(f"{value:.1f}" for value in totals[name]), ""]
        for name in names
        if max(totals[name]) >= LEAST_SHOWN
    ]


def _pair(values: Sequence[float | None], factor: float, form: str) -> list[str]:
    """Return stock, lean and their ratio as text."""
    texts = ["-" if value is None else f"{value * factor:{form}}" for value in values]
    stock, lean = values
    ratio = f"{stock / lean:.2f}" if stock and lean else ""
    return [*texts, ratio]


def figures_table(records: Sequence[Record]) -> str:
    """Return every figure of some records, a column each, and what failed below."""
    names = list(dict.fromkeys(name for record in records for name in record.figures))
    rows = [["", *(record.build for record in records)]]
    for name in names:
        unit = next(record.figures[name].unit for record in records if name in record.figures)
        cells = []
        for record in records:
            figure = record.figures.get(name)
            spread = f" ±{figure.spread / 2:.1%}" if figure and figure.spread else ""
            cells.append("-" if figure is None else f"{figure.value:,.4g}{spread}")
        rows.append([f"{name}, {unit}", *cells])
    lines = [table(rows)] if names else []
    lines += [escaped(f"{record.build}: {record.error}") for record in records if record.error]
    return "\n".join(lines)
