"""docs/validation.md and .zh.md, written from the stored results and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from calibration.backcast import BENCHMARKS, MODELS, SERIES
from experiments.robustness import HEADLINES, HORIZONS, choices
from experiments.validation import COMMAND
from model.messages import say

CHANCE: Final = 0.05
EIGHT: Final = 8
SIDES: Final = ("published", "model")
Row = Sequence[str]


def page(results: dict[str, Any], lang: str) -> str:
    """The whole page in one language, ending with a newline."""
    sections = (
        _head, _summary, _knows, _run_up, _retail, _trade_in, _scale, _structure, _coverage,
        _posterior, _limits,
    )  # fmt: skip
    parts = [part for section in sections for part in section(results, lang)]
    return "\n\n".join(parts) + "\n"


def table(head: str, rows: Iterable[Row]) -> str:
    """A Markdown table; `head` separates its cells by a bar."""
    names = head.split("|")
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def number(value: float | None, decimals: int = 1) -> str:
    """A figure with a real minus; a dash if there is none."""
    if value is None:
        return "–"
    text = f"{value:.{decimals}f}"
    return text.replace("-", "−") if float(text) else text.replace("-", "")


def method(name: str, lang: str) -> str:
    """A method's name for people."""
    return say(f"validate.method.{name}", lang)


def picture(name: str, title: str, lang: str) -> str:
    """A chart of the page."""
    return f"![{say(title, lang)}](pictures/validation_{name}.{lang}.png)"


# --- sections -------------------------------------------------------------------------------------


def _head(results: dict[str, Any], lang: str) -> Iterator[str]:
    yield say("validate.title", lang)
    yield say("validate.intro", lang, command=COMMAND, cpu=results["cpu_seconds"])


def _summary(results: dict[str, Any], lang: str) -> Iterator[str]:
    yield say("validate.summary.head", lang)
    yield summary(results, lang)


def summary(results: dict[str, Any], lang: str) -> str:
    """A bullet a section, losses included."""
    lines = [*_retail_lines(results, lang), _trade_in_line(results, lang)]
    compared = [row for row in results["scale"] if row["p"] is not None]
    agree = sum(row["p"] > CHANCE for row in compared)
    finest = min(row["scale"] for row in results["scale"])
    lines.append(
        say("validate.summary.scale", lang, agree=agree, count=len(compared), finest=finest,
            widest=_widest(compared, lang))
    )  # fmt: skip
    covered = [row for row in results["coverage"] if row["seeds"] == EIGHT]
    coarse = max(row["scale"] for row in covered)
    rates = [row["coverage"] for row in covered if row["scale"] == coarse]
    fine = [row["coverage"] for row in covered if row["scale"] != coarse] or rates
    lines.append(
        say(
            "validate.summary.coverage",
            lang,
            of=min(row["of"] for row in covered),
            scale=coarse,
            low=min(rates),
            high=max(rates),
            fine=min(row["scale"] for row in covered),
            fine_low=min(fine),
            fine_high=max(fine),
        )
    )
    changed = [row for row in results["structure"] if row["choice"] != "reference"]
    matters = sum(row["matters"] for row in changed)
    lines.append(say("validate.summary.structure", lang, matters=matters, count=len(changed)))
    return "\n".join([*lines, _posterior_line(results, lang)])


def _widest(compared: Sequence[dict[str, Any]], lang: str) -> str:
    """The largest difference between scales that is not chance, in words."""
    apart = [row for row in compared if row["p"] <= CHANCE]
    if not apart:
        return ""
    row = max(apart, key=lambda one: abs(one["gap"]))
    return say("validate.summary.widest", lang, policy=_policy(row["policy"], lang),
               months=row["horizon"], scale=row["scale"], value=number(row["value"], 2),
               finest=number(row["value"] - row["gap"], 2))  # fmt: skip


def _rms(scores: Sequence[dict[str, Any]]) -> dict[str, float]:
    return {row["method"]: row["rmse"] for row in scores}


def _best(errors: dict[str, float], lang: str) -> tuple[float, str]:
    name = min(BENCHMARKS, key=lambda one: errors[one])
    return errors[name], method(name, lang)


def _verdict(model: float, best: float, lang: str) -> str:
    return say("validate.summary.wins" if model < best else "validate.summary.loses", lang)


def _retail_lines(results: dict[str, Any], lang: str) -> Iterator[str]:
    one_year = results["backcasts"]["retail"]["one_year"]
    errors = _rms(one_year["scores"])
    best, best_name = _best(errors, lang)
    yield say(
        "validate.summary.conditional", lang, count=len(one_year["forecasts"]),
        model=errors["conditional"], best=best, best_name=best_name, naive=errors["no_change"],
    )  # fmt: skip
    verdict = _verdict(errors["unconditional"], best, lang)
    yield say("validate.summary.unconditional", lang, model=errors["unconditional"], best=best,
              best_name=best_name, verdict=verdict)  # fmt: skip


def _trade_in_line(results: dict[str, Any], lang: str) -> str:
    errors = _rms(results["backcasts"]["trade_in"]["ahead_1"]["scores"])
    best, best_name = _best(errors, lang)
    verdict = _verdict(errors["model"], best, lang)
    parts = {row["phase"]: row for row in results["backcasts"]["trade_in"]["phases"]}
    numbers = {f"{name}_{side}": number(parts[name][side], 0) for name in parts for side in SIDES}
    verdict += (" " if lang == "en" else "") + say("validate.summary.phases", lang, **numbers)
    return say("validate.summary.trade_in", lang, model=errors["model"], best=best,
               best_name=best_name, verdict=verdict)  # fmt: skip


def _posterior_line(results: dict[str, Any], lang: str) -> str:
    rows = results["posterior"]
    if rows is None:
        return say("validate.summary.posterior_none", lang)
    inside = sum(row["inside"] for row in rows)
    return say("validate.summary.posterior", lang, inside=inside, count=len(rows))


def _knows(_: dict[str, Any], lang: str) -> Iterator[str]:
    yield say("validate.knows.head", lang)
    yield say("validate.knows.body", lang)


def _run_up(results: dict[str, Any], lang: str) -> Iterator[str]:
    yield say("validate.run_up.head", lang)
    yield say("validate.run_up.body", lang)
    yield table(
        say("validate.run_up.table", lang),
        (
            (say(f"validate.series.{row['series']}", lang), str(row["year"]), number(row["model"]),
             number(row["actual"]), number(_gap(row["model"], row["actual"])))
            for row in results["backcasts"]["run_up"]
        ),
    )  # fmt: skip
    yield say("validate.run_up.levels", lang)
    yield table(
        say("validate.run_up.levels_table", lang),
        (
            (str(row["year"]), number(row["actual"], 0), number(row["model"], 0),
             number(100.0 * (row["model"] / row["actual"] - 1.0)))
            for row in results["backcasts"]["levels"]
        ),
    )  # fmt: skip
    rows = results["backcasts"]["run_up"]
    yield "\n".join(_run_up_line(rows, series, lang) for series in SERIES)
    yield say("validate.run_up.note", lang)


def _run_up_line(rows: Sequence[dict[str, Any]], series: str, lang: str) -> str:
    known = [row for row in rows if row["series"] == series and row["actual"] is not None]
    gaps = [row["model"] - row["actual"] for row in known]
    return say(
        "validate.run_up.line", lang, series=say(f"validate.series.{series}", lang),
        mean=sum(map(abs, gaps)) / len(gaps), largest=max(map(abs, gaps)), count=len(gaps),
        signs=sum((row["model"] > 0) == (row["actual"] > 0) for row in known),
    )  # fmt: skip


def _gap(model: float, actual: float | None) -> float | None:
    return None if actual is None else model - actual


def _retail(results: dict[str, Any], lang: str) -> Iterator[str]:
    yield say("validate.retail.head", lang)
    yield picture("retail", "validate.chart.retail.title", lang)
    strengths = results["backcasts"]["retail"]["strength"]
    names = (("one_year", "one_year"), ("two_years", "two_years"), ("parts", "parts_of_years"))
    for title, key in names:
        yield say(f"validate.retail.{title}", lang)
        part = results["backcasts"]["retail"][key]
        yield _forecasts(part["forecasts"], (*MODELS, *BENCHMARKS), lang)
        yield _scores(part["scores"], lang)
        yield _against(part["scores"], lang)
    words = ("；" if lang == "zh" else "; ").join(
        f"×{row['strength']:g} {number(row['rmse'])}" for row in strengths
    )
    yield say("validate.retail.strength", lang, errors=words)


def _forecasts(rows: Sequence[dict[str, Any]], methods: Sequence[str], lang: str) -> str:
    head = say("validate.forecast.table", lang)
    return table(
        "|".join([head, *(method(name, lang) for name in methods)]),
        (
            (row["period"], row["origin"], row.get("grade", "C"), number(row["actual"]),
             *(number(row["said"][name]) for name in methods))
            for row in rows
        ),
    )  # fmt: skip


def _scores(rows: Sequence[dict[str, Any]], lang: str) -> str:
    return table(
        say("validate.score.table", lang),
        (
            (method(row["method"], lang), *(number(row[key], 2) for key in ("rmse", "mae", "bias")))
            for row in rows
        ),
    )


def _against(rows: Sequence[dict[str, Any]], lang: str) -> str:
    names = "|".join(method(name, lang) for name in BENCHMARKS)
    return table(
        say("validate.against.table", lang, benchmarks=names),
        (
            (method(row["method"], lang), *(_test(row["against"][name]) for name in BENCHMARKS))
            for row in rows if "against" in row
        ),
    )  # fmt: skip


def _test(found: dict[str, float] | None) -> str:
    if found is None:
        return "–"
    return f"{number(found['statistic'], 2)} (p {found['p']:.2f})"


def _trade_in(results: dict[str, Any], lang: str) -> Iterator[str]:
    found = results["backcasts"]["trade_in"]
    yield say("validate.trade_in.head", lang)
    yield say("validate.trade_in.body", lang)
    yield picture("trade_in", "validate.chart.trade_in.title", lang)
    yield table(
        say("validate.trade_in.table", lang),
        ((row["period"], number(row["actual"]), number(row["model"])) for row in found["effect"]),
    )
    yield say("validate.trade_in.by_phase", lang)
    yield table(
        say("validate.trade_in.phases", lang),
        (
            (
                say(f"validate.phase.{row['phase']}", lang),
                number(row["published"]),
                number(row["model"]),
            )
            for row in found["phases"]
        ),
    )
    for key, part in found.items():
        if key.startswith("ahead_"):
            yield say("validate.trade_in.ahead", lang, horizon=key.removeprefix("ahead_"))
            if key == "ahead_1":
                yield _forecasts(part["forecasts"], ("model", *BENCHMARKS), lang)
            yield _scores(part["scores"], lang)
            yield _against(part["scores"], lang)


def _policy(name: str, lang: str) -> str:
    return say(f"validate.policy.{name}", lang)


def _interval(row: dict[str, Any]) -> str:
    return f"{number(row['low'], 2)} – {number(row['high'], 2)}"


def _scale(results: dict[str, Any], lang: str) -> Iterator[str]:
    rows = results["scale"]
    finest = min(row["scale"] for row in rows)
    yield say("validate.scale.head", lang)
    yield say("validate.scale.body", lang, finest=finest)
    yield table(
        say("validate.scale.table", lang),
        (
            (_policy(row["policy"], lang), str(row["horizon"]), f"1:{row['scale']:,}",
             str(row["seeds"]), number(row["value"], 2), _interval(row), number(row["p"], 2))
            for row in rows
        ),
    )  # fmt: skip
    compared = [row["p"] for row in rows if row["p"] is not None]
    below = sum(p <= CHANCE for p in compared)
    yield say("validate.scale.note", lang, count=len(compared), chance=CHANCE * len(compared),
              below=below)  # fmt: skip


def titles(lang: str) -> dict[str, str]:
    """Names of the structural choices, the reference included."""
    known = {choice.name: choice.title[lang] for choice in choices()}
    return {"reference": say("validate.choice.reference", lang), **known}


def _structure(results: dict[str, Any], lang: str) -> Iterator[str]:
    rows = results["structure"]
    found = {(row["choice"], row["policy"], row["horizon"]): row for row in rows}
    names = list(dict.fromkeys(row["choice"] for row in rows))
    columns = [(policy, horizon) for policy in HEADLINES for horizon in HORIZONS]
    yield say("validate.structure.head", lang)
    yield say("validate.structure.body", lang, **results["plan"]["structure"])
    yield picture("structure", "validate.chart.structure.title", lang)
    head = [say("validate.structure.choice", lang)] + [
        say("validate.structure.months", lang, policy=_policy(policy, lang), months=horizon)
        for policy, horizon in columns
    ]
    title = titles(lang)
    yield table(
        "|".join(head),
        ((title[name], *(_cell(found[name, *column]) for column in columns)) for name in names),
    )
    yield "\n".join(f"- {line}" for line in _dependences(rows, title, lang))
    yield say("validate.structure.sharing", lang, choice=title["pensions_shared"])
    lost = found.get(("competitive_pay", "minimum_wage", HORIZONS[-1]))
    if lost is not None and lost["change"] > 0.0:
        yield say("validate.structure.jobs", lang, choice=title["competitive_pay"])


def _cell(row: dict[str, Any]) -> str:
    if row["choice"] == "reference":
        return f"{number(row['value'], 2)} ({_interval(row)})"
    text = f"{number(row['value'], 2)} ({number(row['change'], 2)})"
    return f"**{text}**" if row["matters"] else text


def _dependences(rows: Sequence[dict[str, Any]], title: dict[str, str], lang: str) -> Iterator[str]:
    for policy in HEADLINES:
        named = dict.fromkeys(
            title[row["choice"]] for row in rows if row["policy"] == policy and row["matters"]
        )
        words = ("；" if lang == "zh" else "; ").join(named)
        yield say("validate.structure.list", lang, policy=_policy(policy, lang),
                  choices=words or say("validate.structure.none", lang))  # fmt: skip


def _coverage(results: dict[str, Any], lang: str) -> Iterator[str]:
    rows = results["coverage"]
    sizes = sorted({row["seeds"] for row in rows})
    scales = dict.fromkeys(row["scale"] for row in rows)
    found = {
        (row["scale"], row["policy"], row["horizon"], row["seeds"]): row["coverage"] for row in rows
    }
    of = {row["scale"]: row["of"] for row in rows}
    yield say("validate.coverage.head", lang)
    yield say("validate.coverage.body", lang, draws=rows[0]["draws"])
    words = "|".join(say("validate.coverage.seeds", lang, count=size) for size in sizes)
    yield table(
        say("validate.coverage.table", lang, sizes=words),
        (
            (_policy(policy, lang), str(horizon), f"1:{scale:,}", str(of[scale]),
             *(f"{found[scale, policy, horizon, size]:.0%}" for size in sizes))
            for policy in HEADLINES for horizon in HORIZONS for scale in scales
        ),
    )  # fmt: skip


def _posterior(results: dict[str, Any], lang: str) -> Iterator[str]:
    yield say("validate.posterior.head", lang)
    rows = results["posterior"]
    if rows is None:
        yield say("validate.posterior.none", lang)
        return
    yield say("validate.posterior.body", lang, draws=rows[0]["draws"])
    yield table(
        say("validate.posterior.table", lang),
        (
            (_figure(row["name"], lang), row["grade"], number(row["actual"]), number(row["mean"]),
             f"{number(row['low'])} – {number(row['high'])}",
             say("validate.yes" if row["inside"] else "validate.no", lang), number(row["tail"], 2))
            for row in rows
        ),
    )  # fmt: skip


def _figure(name: str, lang: str) -> str:
    series, _, when = name.partition(" ")
    return f"{say(f'validate.series.{series}', lang)} {when}"


def _limits(_: dict[str, Any], lang: str) -> Iterator[str]:
    yield say("validate.limits.head", lang)
    yield say("validate.limits.body", lang)
