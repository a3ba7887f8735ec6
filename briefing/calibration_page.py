"""Writes `docs/calibration.md`, `docs/calibration.zh.md` and their pictures from the stored fit.

    python -m briefing.calibration_page

Everything on the page comes from `calibration/fit.json` and `calibration/targets.yaml`; a test
compares the pages with what this module gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from briefing.calibration_charts import profiles, scores
from briefing.style import save
from calibration.stored import load_fit
from calibration.targets import Target, targets
from model.messages import LANGUAGES, say

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = {"en": "calibration.md", "zh": "calibration.zh.md"}
KNOWN_DIRECTION: Final = 1.0  # the moments say as much as the prior
RECOVERIES: Final = ("emulator", "left_out", "fresh")
MISSED: Final = 2.0  # standard errors
EDGE: Final = 0.01  # of the prior range
NARROW, WIDE = 0.6, 0.9
LETTERS: Final = 12  # of a digest
Tables = Mapping[str, Any]


def page(tables: Tables, lang: str) -> str:
    """The whole page in one language."""
    parts = [
        _words("title", lang), _about(tables, lang), _words("method", lang),
        _distance(tables, lang), _fit(tables, lang, "fitted"), _picture("scores", lang),
        _fit(tables, lang, "held_out"), _posterior(tables, lang), _identified(tables, lang),
        _picture("profiles", lang), _recovery(tables, lang), _words("limits", lang),
    ]  # fmt: skip
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _words(key: str, lang: str, /, **fields: object) -> str:
    return say(f"calibrate.page.{key}", lang, **fields)


def _table(head: str, rows: Sequence[Sequence[str]]) -> str:
    names = head.split("|")
    lines = ["| " + " | ".join(row) + " |" for row in (names, *rows)]
    lines.insert(1, "|" + "---|" * len(names))
    return "\n".join(lines)


def figure(value: float) -> str:
    """A figure with as many digits as its size calls for."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3
    return f"{value:.{digits}f}"


def _known() -> dict[str, Target]:
    return {one.name: one for one in targets()}


def _picture(name: str, lang: str) -> str:
    return f"![{_words(f'picture.{name}', lang)}](pictures/calibration_{name}.{lang}.png)"


def _about(tables: Tables, lang: str) -> str:
    about = tables["about"]
    digests = {key: about[key][:LETTERS] for key in ("data", "code", "simulation")}
    other = PAGES["zh" if lang == "en" else "en"]
    return _words(
        "about", lang, other=other, fitted=tables["distance"]["moments"]["fitted"],
        held_out=tables["distance"]["moments"]["held_out"],
        free=sum(not row["inert"] for row in tables["parameters"]),
        **{key: about[key] for key in ("command", "seed", "scale", "points", "solutions",
                                       "refined", "draws", "chains")},
        n_seeds=len(about["seeds"]), **digests,
    )  # fmt: skip


def _distance(tables: Tables, lang: str) -> str:
    found = tables["distance"]
    rows = []
    for seeds in ("fitting_seeds", "other_seeds"):
        for role in ("fitted", "held_out"):
            one = found[seeds]
            rows.append(
                [
                    say(f"calibrate.seeds.{seeds}", lang), _words(f"role.{role}", lang),
                    str(found["moments"][role]), f"{one['shipped'][role]:.1f}",
                    f"{one['point'][role]:.1f}",
                ]
            )  # fmt: skip
    return _words("distance", lang) + "\n\n" + _table(_words("head.distance", lang), rows)


def _fit(tables: Tables, lang: str, role: str) -> str:
    known, rows = _known(), []
    for row in tables["moments"]:
        if row["role"] != role:
            continue
        one = known[row["name"]]
        rows.append(
            [
                getattr(one, lang), _unit(one.unit, lang),
                f"{figure(row['target'])} ± {figure(row['error'])}", one.grade,
                f"{figure(row['shipped'])} ({row['shipped_score']:+.1f})",
                f"{figure(row['point'])} ({row['point_score']:+.1f})",
                _predicted(row),
                f"{max(row['explained'], 0.0):.2f}", one.source.replace("|", "/"),
            ]
        )  # fmt: skip
    missed = [
        getattr(known[row["name"]], lang)
        for row in tables["moments"]
        if row["role"] == role and abs(row["posterior_score"]) > MISSED
    ]
    said = _words("missed" if missed else "none_missed", lang, names=_listed(missed, lang))
    return "\n\n".join([_words(f"fit.{role}", lang), _table(_words("head.fit", lang), rows), said])


def _listed(names: Sequence[str], lang: str) -> str:
    return ("、" if lang == "zh" else "; ").join(names) or "–"


def _predicted(row: Mapping[str, Any]) -> str:
    value, deviation = figure(row["posterior"]), figure(row["posterior_deviation"])
    return f"{value} ± {deviation} ({row['posterior_score']:+.1f})"


def _unit(unit: str, lang: str) -> str:
    return say(f"calibrate.unit.{unit.replace(' ', '_').replace(',', '')}", lang)


def written(row: Mapping[str, Any]) -> str:
    """A parameter as code, an entry of a list with its place."""
    place = f" [{row['index']}]" if row["index"] >= 0 else ""
    return f"`{row['parameter']}`{place}"


def _posterior(tables: Tables, lang: str) -> str:
    rows = []
    for row in tables["parameters"]:
        cells = [
            f"{row[lang]} {written(row)}", _words(f"kind.{row['kind']}", lang),
            f"{figure(row['low'])} – {figure(row['high'])}", figure(row["shipped"]),
            figure(row["point"]),
        ]  # fmt: skip
        if row["inert"]:
            cells += ["–", "–", _words("inert", lang)]
        else:
            cells += [
                f"{figure(row['q50'])} ({figure(row['q05'])} – {figure(row['q95'])})",
                f"{row['width']:.2f}",
                _words("inside" if row["shipped_inside"] else "outside", lang),
            ]
        rows.append(cells)
    about = tables["about"]
    text = _words(
        "posterior", lang, r_hat=f"{about['r_hat']:.3f}", effective=f"{about['effective']:.0f}",
        accepted=f"{100 * about['accepted']:.0f}",
    )  # fmt: skip
    return text + "\n\n" + _table(_words("head.posterior", lang), rows)


def _identified(tables: Tables, lang: str) -> str:
    by_name = {row["name"]: row for row in tables["parameters"]}
    free = [row for row in tables["parameters"] if not row["inert"]]
    rows = []
    for number, one in enumerate(tables["directions"], start=1):
        parts = [f"{weight:+.2f} {by_name[name][lang]}" for name, weight in one["parts"]]
        rows.append([str(number), figure(one["information"]), "; ".join(parts)])
    known = sum(one["information"] >= KNOWN_DIRECTION for one in tables["directions"])
    narrow = [row[lang] for row in free if row["width"] < NARROW]
    wide = [row[lang] for row in free if row["width"] > WIDE]
    edge = [
        row[lang] for row in free
        if min(row["point"] - row["low"], row["high"] - row["point"])
        < EDGE * (row["high"] - row["low"])
    ]  # fmt: skip
    text = _words(
        "identified", lang, known=known, count=len(rows), narrow=_listed(narrow, lang),
        wide=_listed(wide, lang), edge=_listed(edge, lang),
    )  # fmt: skip
    return text + "\n\n" + _table(_words("head.directions", lang), rows)


def _recovery(tables: Tables, lang: str) -> str:
    found = tables["recovery"]
    by_name = {row["name"]: row for row in tables["parameters"]}
    rows = [
        [by_name[name][lang], *(f"{100 * found[kind]['by_parameter'][name]:.0f}"
                                for kind in RECOVERIES)]
        for name in found["emulator"]["by_parameter"]
    ]  # fmt: skip
    mean = [f"**{100 * found[kind]['mean']:.1f}**" for kind in RECOVERIES]
    rows.append([_words("mean", lang), *mean])
    text = _words(
        "recovery", lang, emulator=found["emulator"]["repetitions"],
        left_out=found["left_out"]["repetitions"], fresh=found["fresh"]["repetitions"],
    )  # fmt: skip
    return text + "\n\n" + _table(_words("head.recovery", lang), rows)


def draw(tables: Tables, folder: Path) -> None:
    """All pictures of the pages, as PNG."""
    fitted = [row for row in tables["moments"] if row["role"] == "fitted"]
    for lang in LANGUAGES:
        words = {one.name: getattr(one, lang) for one in targets()}
        for name, made in (
            ("scores", scores(fitted, words, lang)),
            ("profiles", profiles(tables, lang)),
        ):
            _, vector = save(made, folder / f"calibration_{name}.{lang}")
            vector.unlink()


def main() -> None:
    """Write pages and pictures."""
    tables, docs = load_fit(), ROOT / "docs"
    for lang, name in PAGES.items():
        (docs / name).write_text(page(tables, lang), encoding="utf-8", newline="\n")
    draw(tables, docs / "pictures")


if __name__ == "__main__":
    main()
