"""The pages of replications, written from the stored table. Used by `docs/generate.py`."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path
from typing import Any, Final

from PIL import Image, PngImagePlugin
from typer.testing import CliRunner

from app.cli import build
from briefing import style
from briefing.forest import Entry, forest
from experiments.replications.replicate import Replication, Row, shown
from experiments.replications.specification import Specification, shipped
from experiments.replications.store import Table, load
from model.messages import LANGUAGES, say

ROOT: Final = Path(__file__).resolve().parents[1]
STORED: Final = ROOT / "docs" / "replication_results.json"
SECOND: Final = ROOT / "docs" / "replication_second_seed.json"  # the same with another seed
PICTURES: Final = ROOT / "docs" / "pictures"
MARK: Final = "Table"  # field of a picture that names the stored table it was drawn from


def replications(lang: str) -> str:
    """Total, the table of findings, and per study what was done and why it misses."""
    table, specs = load(STORED), shipped()
    parts = [_total(table, lang), _second_seed(table, load(SECOND), lang)]
    parts.append(_findings(table, specs, lang))
    parts += [_study(specs[one.id], one, table, lang) for one in table.replications]
    return "\n\n".join(parts) + "\n"


def _word(name: str, lang: str, **fields: object) -> str:
    return say(f"replicate.page.{name}", lang, **fields)


def _total(table: Table, lang: str) -> str:
    rows = [row for one in table.replications for row in one.rows]
    fields = {
        "inside": table.inside, "all": len(table.replications), "findings": len(rows),
        "findings_inside": sum(row.in_band for row in rows), "command": table.command,
        "code": table.digests["code"][:12], "date": table.date,
    }  # fmt: skip
    return _word("total", lang, **fields)


def _second_seed(table: Table, other: Table, lang: str) -> str:
    """How many studies lie in their bands with another seed, and whose verdict changes."""
    again = {one.id: one.in_band for one in other.replications}
    moved = [one for one in table.replications if again[one.id] != one.in_band]
    words = [f"{one.id} ({_word('in' if again[one.id] else 'out', lang)})" for one in moved]
    return _word(
        "second_seed", lang, seed=next(iter(other.settings.values()))["seed"],
        inside=other.inside, all=len(again), command=other.command,
        changes=", ".join(words) or _word("no_change", lang),
        exact=_exactly_inside(table), exact_again=_exactly_inside(other),
    )  # fmt: skip


def _exactly_inside(table: Table) -> int:
    """Studies whose findings all lie in band by the exact effect, or the estimate without one."""
    return sum(all(_by_exact(row) for row in one.rows) for one in table.replications)


def _by_exact(row: Row) -> bool:
    value = row.estimate if row.exact is None else row.exact
    return value is not None and row.low <= value <= row.high


def number(value: float | None) -> str:
    """A figure of the table, a dash where there is none."""
    return "—" if value is None else shown(value)


def _findings(table: Table, specs: dict[str, Specification], lang: str) -> str:
    names = ("study", "finding", "target", "band", "estimate", "exact", "verdict")
    lines = ["| " + " | ".join(_word(name, lang) for name in names) + " |", "|" + "---|" * 7]
    for one in table.replications:
        for row in one.rows:
            title = getattr(specs[one.id].title, lang)
            span = _span(row.low, row.high, lang)
            interval = f"({_span(row.estimate_low, row.estimate_high, lang)})"
            cells = (
                f"[{one.id}](#{one.id.lower()}) {title}", row.name[lang], number(row.target), span,
                f"{number(row.estimate)} {interval}", number(row.exact), _verdict(row, lang),
            )  # fmt: skip
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _span(low: float | None, high: float | None, lang: str) -> str:
    return _word("span", lang, low=number(low), high=number(high))


def _verdict(row: Row, lang: str) -> str:
    word = _word(row.verdict, lang)
    return word if row.in_band else f"**{word}**"


def _study(spec: Specification, found: Replication, table: Table, lang: str) -> str:
    head = f"### {spec.id}\n\n**{getattr(spec.title, lang)}.** {spec.study}"
    if lang == "zh":
        head = f"### {spec.id}\n\n**{spec.title.zh}。** {spec.study}"
    settings = table.settings[spec.id]
    first = found.rows[0]
    facts = _word(
        "facts", lang, evidence=", ".join(spec.evidence), grade=spec.grade,
        treated=first.treated, controls=first.controls, scale=settings["scale"],
        seed=settings["seed"],
    )  # fmt: skip
    parts = [head, getattr(spec.design, lang), facts]
    if spec.limits is not None:
        title = _word("limits" if found.in_band else "misses", lang)
        parts.append(f"{title} {getattr(spec.limits, lang)}")
    elif not found.in_band:
        parts.append(_word("unexplained", lang))
    return "\n\n".join(parts)


# --- the worked example -----------------------------------------------------------------------


def example(lang: str) -> tuple[str, str]:
    """(file name, text) of the worked example of the guide in a language."""
    found = re.search(r"```yml\n(# (\S+)\n.*?)```", guide(lang).read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[2], found[1]


def guide(lang: str) -> Path:
    """The guide to adding a study."""
    return ROOT / "docs" / ("add_a_study.md" if lang == "en" else f"add_a_study.{lang}.md")


def example_run(lang: str) -> str:
    """What the program prints for the worked example."""
    name, text = example(lang)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        words = ["replicate", "--spec", str(path), "--lang", lang, "--quiet"]
        call = CliRunner().invoke(build(), words, catch_exceptions=False)
    return f"```\n{call.stdout.rstrip()}\n```\n"


# --- the forest plot --------------------------------------------------------------------------


def entries(table: Table, lang: str) -> list[Entry]:
    """The findings as the plot takes them."""
    return [
        Entry(
            f"{one.id}  {row.name[lang]}", row.target, row.low, row.high, row.estimate,
            row.estimate_low, row.estimate_high, row.in_band,
        )
        for one in table.replications
        for row in one.rows
    ]  # fmt: skip


def fingerprint() -> str:
    """Digest of the stored table."""
    return hashlib.sha256(STORED.read_bytes()).hexdigest()


def picture(lang: str) -> Path:
    """File of the plot in a language."""
    return PICTURES / f"replications.{lang}.png"


def drawn_from(lang: str) -> str:
    """Digest of the table that the plot on disk was drawn from."""
    return mark_of(picture(lang))


def mark_of(path: Path) -> str:
    """Digest that `sign` wrote into a picture; empty without picture or mark."""
    if not path.is_file():
        return ""
    with Image.open(path) as image:
        found: Any = image.info.get(MARK, "")
    return str(found)


def draw() -> None:
    """Draw the plots unless they show the stored table already."""
    table = load(STORED)
    for lang in LANGUAGES:
        if drawn_from(lang) == fingerprint():
            continue
        footer = say("replicate.plot.footer", lang, command=table.command, date=table.date)
        figure = forest(entries(table, lang), lang, footer)
        stem = picture(lang).with_suffix("")
        style.save(figure, stem)[1].unlink()
        sign(picture(lang), fingerprint())


def sign(path: Path, mark: str) -> None:
    """Few colours, and the digest of the table inside the file."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(64)
    facts = PngImagePlugin.PngInfo()
    facts.add_text(MARK, mark)
    small.save(path, pnginfo=facts, optimize=True)
