"""The cells of bench/cpu.py, their ratios, and the tables that are printed."""
import statistics
from dataclasses import dataclass, field

# Bytes that one number of a matrix takes, with its share of the scales: groups of 32 with a scale of 16 bits.
BYTES = {"int8": 34 / 32, "int4": 18 / 32, "bf16": 2.0}
HEAD_BYTES = BYTES | {"int4": BYTES["int8"]}


@dataclass(frozen=True)
class Question:
    kind: str         # decode, prefill, serving: tokens a second; first, memory, start: less is better
    streams: int = 1
    context: int = 0  # tokens before those that are measured


@dataclass
class Cell:
    form: str
    question: Question
    ours: list = field(default_factory=list)
    theirs: list = field(default_factory=list)  # as many, or none

    def ratios(self):
        """Ours by theirs, of neighbouring runs, because the machine's speed drifts."""
        return [a / b for a, b in zip(self.ours, self.theirs)]


# What issue and documents show: title, question, what the ratio shall reach by form.
COLUMNS = (
    ("decode, 128", Question("decode", 1, 128), {"int8": 2.1, "int4": 2.0, "bf16": 2.0}),
    ("decode, 1,024", Question("decode", 1, 1024), {"int8": 2.5, "int4": 3.3, "bf16": 2.4}),
    ("8 streams", Question("decode", 8, 128), {"int8": 4.5, "int4": 3.2, "bf16": 3.6}),
    ("32 streams", Question("decode", 32, 128), {"int8": 6.0, "int4": 4.5, "bf16": 4.4}),
    ("prefill 512", Question("prefill", 1, 512), {"int8": 8.0, "int4": 3.2, "bf16": 5.0}),
    ("end to end, 8", Question("serving", 8), {"int8": 4.0, "int4": 2.7, "bf16": 3.0}),
)
LESS = (
    ("first token, 8, ms", Question("first", 8), {}),
    ("peak memory, 8, MB", Question("memory", 8), {}),
    ("start, s", Question("start"), {}),
    ("memory then, MB", Question("memory", 1), {}),
)


def find(cells, form, question):
    return next((cell for cell in cells if (cell.form, cell.question) == (form, question)), None)


def number(value):
    return "-" if value is None else f"{value:.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"


def median(values):
    return statistics.median(values) if values else None


def line(name, texts):
    return f"  {name:24}" + "".join(f"{text:>20}" for text in texts)


def table(cells, forms, columns, rival):
    """Rows of `columns` by form: ours, theirs, the ratio with its range, the aim."""
    lines = [line("", (title for title, _, _ in columns))]
    for form in forms:
        found = [find(cells, form, question) for _, question, _ in columns]
        lines.append(line(f"{form} ours", (number(median(cell.ours) if cell else None) for cell in found)))
        if not rival:
            continue
        lines.append(line(f"{rival[form]} llama.cpp", (number(median(cell.theirs) if cell else None) for cell in found)))
        lines.append(line("ratio (range)", (ratio_text(cell) for cell in found)))
        if any(aims for _, _, aims in columns):
            lines.append(line("aim", (number(aims.get(form)) for _, _, aims in columns)))
    return "\n".join(lines)


def ratio_text(cell):
    ratios = cell.ratios() if cell else []
    return f"{number(median(ratios))} ({number(min(ratios))}..{number(max(ratios))})" if ratios else "-"


def to_the_limit(cells, forms, parameters, limits, their_bytes):
    """Decode of one stream beside the best read loop, prefill beside a loop of products alone."""
    layers, head = parameters
    lines = [f"  reading {number(limits['read'] / 1e9)} GB/s; products, as our {limits['form']} kernels make them: "
             + ", ".join(f"{form} {number(limits[form] / 1e9)} GOP/s" for form in forms)]
    for form in forms:
        parts = []
        for title, question, _ in COLUMNS:
            cell = find(cells, form, question)
            for name, rates in (("ours", cell.ours), ("llama.cpp", cell.theirs)) if cell else ():
                if question.kind == "decode" and question.streams == 1 and rates:
                    size = layers * BYTES[form] + head * HEAD_BYTES[form] if name == "ours" else their_bytes.get(form, 0)
                    parts.append(f"{title} {name} {share(median(rates) * size, limits['read'], 'GB/s')}")
                if question.kind == "prefill" and rates:
                    parts.append(f"{title} {name} {share(2 * median(rates) * layers, limits[form], 'GOP/s')}")
        if parts:
            lines.append(f"  {form}: " + "; ".join(parts))
    return "\n".join(lines)


def share(rate, limit, unit):
    return f"{number(rate / 1e9)} {unit}" + (f" ({rate / limit:.0%})" if limit else "")


def as_json(cells):
    return [{"form": cell.form, **vars(cell.question), "ours": cell.ours, "theirs": cell.theirs} for cell in cells]


def from_json(cells):
    return [Cell(each["form"], Question(each["kind"], each["streams"], each["context"]), each["ours"], each["theirs"])
            for each in cells]
