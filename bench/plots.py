#!/usr/bin/env python3
"""Draws what bench/cpu.py has measured: cost against context length, and speed against concurrency.

    bench/plots.py FILE... OUT

FILE is what --json wrote; of several the later one counts where both have a figure. Writes context.svg and
concurrency.svg to the folder OUT, those for which there are figures. They suit light and dark pages.
"""
import argparse, json, math, statistics
from html import escape
from pathlib import Path
import cpu_report as report

WIDTH, HEIGHT, GAP = 230, 190, 34  # of a panel, in pixels
LEFT, TOP, BOTTOM = 52, 50, 46     # for what is written around them
NAMES = {"int8": "int8 beside Q8_0", "int4": "int4 beside Q4_0", "bf16": "bf16 beside BF16"}
STYLE = """text{font:12px system-ui,sans-serif;fill:#333}.title{font-size:14px;font-weight:600}.small{font-size:11px}
.axis{stroke:#888}.grid{stroke:#ddd}polyline{fill:none;stroke-width:2}
.ours{stroke:#0b6bcb}.theirs{stroke:#b5500b;stroke-dasharray:5 3}circle.ours{fill:#0b6bcb}
circle.theirs{fill:#b5500b;stroke-dasharray:none}text.ours{fill:#0b6bcb;stroke:none}text.theirs{fill:#b5500b;stroke:none}
.page{fill:#fff}
@media(prefers-color-scheme:dark){text{fill:#ddd}.page{fill:#16191d}.axis{stroke:#888}.grid{stroke:#333}
.ours{stroke:#6cb2ff}circle.ours,text.ours{fill:#6cb2ff}.theirs{stroke:#ffa45c}circle.theirs,text.theirs{fill:#ffa45c}}"""


def points(cells, form, side, x_of, y_of):
    """(x, y) of the cells that have an x and have been measured on this side, in the order of x."""
    found = {}
    for cell in cells:
        x, rates = x_of(cell.question), getattr(cell, side)
        if cell.form == form and x is not None and rates:
            found[x] = y_of(statistics.median(rates))
    return sorted(found.items())


def context_of(question):
    return question.context if (question.kind, question.streams) == ("decode", 1) else None


def streams_of(question):
    return question.streams if (question.kind, question.context) == ("decode", 128) else None


def ticks(most):
    """Round numbers from 0 to at least `most`, four to six of them."""
    if most <= 0:
        return [0, 1]
    power = 10 ** math.floor(math.log10(most))
    step = next(power * part for part in (0.2, 0.25, 0.5, 1, 2) if most / (power * part) <= 5)
    return [round(step * i, 10) for i in range(math.ceil(most / step - 1e-9) + 1)]


def x_name(number):
    return f"{number // 1024}k" if number >= 1024 and number % 1024 == 0 else f"{round(number / 1000)}k" if number >= 8000 else str(number)


class Scale:
    """Where numbers lie in a panel: x by its logarithm, y from 0."""

    def __init__(self, xs, y_most):
        self.xs, self.y_ticks = xs, ticks(y_most)
        self._low, self._high = math.log2(xs[0]), math.log2(xs[-1])

    def x(self, number):
        width = self._high - self._low
        return (math.log2(number) - self._low) / width * WIDTH if width else WIDTH / 2

    def y(self, number):
        return HEIGHT * (1 - number / self.y_ticks[-1])


def text(x, y, words, anchor="middle", kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def stroke(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def panel(name, lines, scale, is_first):
    parts = [text(WIDTH / 2, -8, name)]
    for tick in scale.y_ticks:
        parts.append(stroke(0, scale.y(tick), WIDTH, scale.y(tick), "grid" if tick else "axis"))
        if is_first:
            parts.append(text(-6, scale.y(tick) + 4, f"{tick:g}", "end", "small"))
    for x in scale.xs:
        parts += [stroke(scale.x(x), HEIGHT, scale.x(x), HEIGHT + 4, "axis"),
                  text(scale.x(x), HEIGHT + 17, x_name(x), kind="small")]
    for side, found in lines.items():
        at = [(scale.x(x), scale.y(y)) for x, y in found]
        parts.append(f'<polyline class="{side}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in at)}"/>')
        parts += [f'<circle class="{side}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in at]
    return parts


def drawing(cells, title, x_title, y_title, x_of, y_of):
    """One panel for each form, all with the same axes; None if nothing was measured at two places."""
    panels = {form: {side: found for side in ("ours", "theirs") if (found := points(cells, form, side, x_of, y_of))}
              for form in NAMES}
    panels = {form: lines for form, lines in panels.items() if lines}
    everything = [point for lines in panels.values() for found in lines.values() for point in found]
    xs = sorted({x for x, _ in everything})
    if len(xs) < 2:
        return None
    scale = Scale(xs, max(y for _, y in everything))
    width, height = LEFT + len(panels) * (WIDTH + GAP), TOP + HEIGHT + BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
             f'role="img"><title>{escape(title)}</title><style>{STYLE}</style>',
             f'<rect class="page" width="{width}" height="{height}"/>', text(LEFT, 18, title, "start", "title"),
             text(width - GAP - 84, 18, "ours", "end", "ours"),
             *([text(width - GAP, 18, "- - llama.cpp", "end", "theirs")]
               if any("theirs" in lines for lines in panels.values()) else []),
             text(LEFT + (width - LEFT - GAP) / 2, height - 8, x_title),
             f'<g transform="translate(13 {TOP + HEIGHT / 2}) rotate(-90)">{text(0, 0, y_title)}</g>']
    for i, (form, lines) in enumerate(panels.items()):
        parts.append(f'<g transform="translate({LEFT + i * (WIDTH + GAP)} {TOP})">')
        parts += panel(NAMES[form], lines, scale, i == 0) + ["</g>"]
    return "\n".join(parts + ["</svg>\n"])


def drawings(cells):
    """By file name."""
    found = {
        "context.svg": drawing(cells, "One stream: time for a token", "tokens of context", "milliseconds",
                               context_of, lambda rate: 1e3 / rate),
        "concurrency.svg": drawing(cells, "Many streams, each with a context of 128: all together", "streams",
                                   "tokens a second", streams_of, lambda rate: rate),
    }
    return {name: svg for name, svg in found.items() if svg}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("out", metavar="OUT")
    args = parser.parse_args()
    cells = []
    for file in args.files:
        cells += report.from_json(json.loads(Path(file).read_text(encoding="utf-8"))["cells"])
    Path(args.out).mkdir(parents=True, exist_ok=True)
    for name, svg in drawings(cells).items():
        (Path(args.out) / name).write_text(svg, encoding="utf-8")
        print(Path(args.out) / name)


if __name__ == "__main__":
    main()
