"""The report of a batch: JSON for machines, and a page for people that needs no other file and no network."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Sequence

from . import __version__
from .motion.files import write_bytes

# key of a row: (what the page calls it, unit, digits, what is too much to be good)
MEASURES = {
    "mapping_score": ("mapping", "0 to 1", 2, None),
    "bone_deg": ("bone direction", "°", 2, 1.0),
    "slide_before_cm_s": ("slide before", "cm/s", 1, None),
    "slide_after_cm_s": ("slide after", "cm/s", 2, 0.5),
    "penetration_mm": ("penetration", "mm", 1, 5.0),
    "sole_mm": ("sole to floor", "mm", 1, 10.0),
    "limit_frames_source": ("beyond limits before", "frames", 0, None),
    "limit_frames": ("beyond limits after", "frames", 0, None),
}
_PLOTS = {"bone_deg": "bone direction, °", "slide_cm_s": "slide, cm/s", "penetration_mm": "penetration, mm"}
_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff }
table { border-collapse: collapse } th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right }
th { position: sticky; top: 0; background: #fff; vertical-align: bottom; font-weight: 600 }
th:first-child, td:first-child, td.words { text-align: left } td.words { max-width: 30rem; font-size: 12px }
small { color: #666; font-weight: 400 } .much { background: #fdd } .failed td { background: #fee } .kept { color: #777 }
svg { display: block } polyline { fill: none; stroke: #1f6feb; stroke-width: 1 } rect { fill: #1f6feb }
figure { display: inline-block; margin: 0 1.5rem 1rem 0 } figcaption { font-size: 12px; color: #444 }
"""


def account(rows: Sequence[dict], *, to: str, took_s: float, clips: int) -> dict:
    """The whole of a report: how many, how long, medians and 95th percentiles, and the rows."""
    states = [row["state"] for row in rows]
    done = states.count("done")
    return {
        "format": "poseloom-batch", "version": 1, "poseloom": __version__, "to": to, "clips": clips,
        "done": done, "kept": states.count("kept"), "failed": states.count("failed"), "took_s": round(took_s, 3),
        "clips_per_min": round(60.0 * done / took_s, 1) if took_s > 0.0 else None,
        "totals": {key: _spread([row[key] for row in rows if row.get(key) is not None]) for key in MEASURES},
        "rows": list(rows),
    }  # fmt: skip


def write(path: Path, told: dict) -> Path:
    """Write `told` as JSON at `path` and as a page beside it, whose path is returned."""
    path = Path(path)
    page = path.with_suffix(".html")
    write_bytes(path, json.dumps(told, indent=1).encode())
    write_bytes(page, html(told).encode())
    return page


def html(told: dict) -> str:
    """One page with styles and plots inside."""
    head = f"{told['done']} of {told['clips']} clips made for {told['to']}"
    facts = [f"{told['kept']} kept as they were", f"{told['failed']} failed", f"{told['took_s']:.1f} s"]
    if told["clips_per_min"]:
        facts.append(f"{told['clips_per_min']:.0f} clips a minute")
    columns = "".join(f"<th>{name}<br><small>{unit}</small></th>" for name, unit, _, _ in MEASURES.values())
    plots = "".join(f"<th><small>{escape(name)}</small></th>" for name in _PLOTS.values())
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(head)}</title><style>{_STYLE}</style>\n'
        f"<h1>{escape(head)}</h1><p>{escape(', '.join(facts))}. Poseloom {escape(told['poseloom'])}.</p>\n"
        f"{_histograms(told)}\n<table><thead><tr><th>clip</th><th>frames</th><th>seconds</th>{columns}{plots}"
        f"<th>remarks</th></tr></thead><tbody>\n{_total(told)}\n" + "\n".join(map(_row, told["rows"]))
        + "\n</tbody></table></html>\n"
    )  # fmt: skip


def _row(row: dict) -> str:
    name = f'<td title="{escape(row["output"])}">{escape(Path(row["clip"]).name)}</td>'
    if row["state"] == "failed":
        error = row["error"]
        wide = 2 + len(MEASURES) + len(_PLOTS)
        remark = escape(f"{error['message']} {error['hint']}".strip())
        return f'<tr class="failed">{name}<td colspan="{wide}"></td><td class="words">{remark}</td></tr>'
    cells = "".join(_cell(row.get(key), digits, most) for key, (_, _, digits, most) in MEASURES.items())
    plots = "".join(f"<td>{spark(row['plots'].get(key, []))}</td>" for key in _PLOTS)
    limits = ", ".join(f"{joint} {frames}" for joint, frames in row["limits"].items())
    remarks = [*row["warnings"], *([f"Frames beyond limits: {limits}."] if limits else [])]
    return (
        f'<tr class="{row["state"]}">{name}<td>{row["frames"]}</td><td>{row["seconds"]:.2f}</td>{cells}{plots}'
        f'<td class="words">{escape(" ".join(remarks))}</td></tr>'
    )


def _cell(value, digits: int, most) -> str:
    if value is None:
        return "<td>–</td>"
    much = ' class="much"' if most is not None and value > most else ""
    return f"<td{much}>{value:.{digits}f}</td>"


def _total(told: dict) -> str:
    cells = ""
    for key, (_, _, digits, _) in MEASURES.items():
        spread = told["totals"][key]
        cells += f"<td>{spread['median']:.{digits}f} / {spread['p95']:.{digits}f}</td>" if spread else "<td>–</td>"
    made = [row for row in told["rows"] if row["state"] != "failed"]
    frames, seconds = sum(row["frames"] for row in made), sum(row["seconds"] for row in made)
    return (
        f"<tr><td><b>all</b> <small>median / 95th percentile</small></td><td>{frames}</td><td>{seconds:.1f}</td>{cells}"
        f'<td colspan="{len(_PLOTS) + 1}"></td></tr>'
    )


def _histograms(told: dict) -> str:
    figures = []
    for key in ("bone_deg", "slide_before_cm_s", "slide_after_cm_s", "penetration_mm", "sole_mm"):
        values = [row[key] for row in told["rows"] if row.get(key) is not None]
        name, unit, _, _ = MEASURES[key]
        if values:
            figures.append(
                f"<figure>{bars(values)}<figcaption>{name}: 0 to {max(values):.2f} {unit}, clips</figcaption></figure>"
            )
    return "".join(figures)


def spark(values: Sequence[float], width: int = 90, height: int = 22) -> str:
    """A line of the values from 0 up, its top written below it."""
    if not values:
        return ""
    top = max(max(values), 1e-9)
    step = width / max(len(values) - 1, 1)
    points = " ".join(f"{i * step:.1f},{height - 1 - (height - 3) * v / top:.1f}" for i, v in enumerate(values))
    return (
        f'<svg width="{width}" height="{height}" role="img"><polyline points="{points}"/></svg>'
        f"<small>up to {max(values):.1f}</small>"
    )


def bars(values: Sequence[float], count: int = 24, width: int = 190, height: int = 50) -> str:
    """How many of the values lie in each of `count` equal steps from 0 to the largest."""
    top = max(max(values), 1e-9)
    heights = [0] * count
    for value in values:
        heights[min(int(count * max(value, 0.0) / top), count - 1)] += 1
    tall = max(heights)
    step = width / count
    drawn = "".join(
        f'<rect x="{i * step:.1f}" y="{height * (1 - n / tall):.1f}" width="{step - 1:.1f}" height="{height * n / tall:.1f}"/>'
        for i, n in enumerate(heights)
        if n
    )
    return f'<svg width="{width}" height="{height}" role="img">{drawn}</svg>'


def _spread(values: list) -> dict | None:
    if not values:
        return None
    ranked = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ranked) - 1)
        low = int(place)
        high = min(low + 1, len(ranked) - 1)
        return ranked[low] + (place - low) * (ranked[high] - ranked[low])

    return {"median": at(0.5), "p95": at(0.95), "most": ranked[-1]}
