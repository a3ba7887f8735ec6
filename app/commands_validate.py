"""`tizhen validate`: the model against what it was not fitted to; writes the page about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from app.commands_measures import project_root
from app.console import HELP, Console, JsonOption, LangOption, QuietOption, console_for
from model.messages import say

QuickOption = Annotated[bool, typer.Option("--quick", help=say("validate.option.quick", HELP))]
PagesOption = Annotated[bool, typer.Option("--pages", help=say("validate.option.pages", HELP))]
RESULTS: Final = Path("docs") / "validation_results.json"
PAGES: Final = {"en": Path("docs") / "validation.md", "zh": Path("docs") / "validation.zh.md"}
PICTURES: Final = Path("docs") / "pictures"
DIGITS: Final = 6


def validate(
    context: typer.Context,
    quick: QuickOption = False,
    pages: PagesOption = False,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run the validation and rewrite its page, or only the page."""
    console = console_for(context, lang, json_output, quiet)
    root = project_root()
    results = _stored(console, root) if pages else _run(console, quick)
    if quick and not pages:
        console.note(console.say("validate.quick_note"))
    elif root is None:
        console.note(console.say("validate.no_folder"))
    else:
        written = write_pages(results, root)
        console.note(console.say("validate.written", paths=", ".join(written)))
    console.document(results)
    if not pages:
        console.result(_words(console, results))


def _run(console: Console, quick: bool) -> dict[str, Any]:
    from experiments.validation import QUICK, THOROUGH, validation
    from model.compilation import use_content_addressed_cache

    use_content_addressed_cache()

    def tell(section: str, what: str) -> None:
        console.note(console.say("validate.progress", section=section, what=what))

    return dict(rounded(validation(QUICK if quick else THOROUGH, tell)))


def rounded(value: Any) -> Any:
    """The same data with floats of six significant digits: what is stored is what is shown."""
    if isinstance(value, dict):
        return {str(key): rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _stored(console: Console, root: Path | None) -> dict[str, Any]:
    path = None if root is None else root / RESULTS
    if path is None or not path.is_file():
        raise console.refuse([console.say("validate.no_results")])
    return dict(json.loads(path.read_text(encoding="utf-8")))


def write_pages(results: dict[str, Any], root: Path) -> list[str]:
    """Write results, charts and both pages below `root`; returns their names. Raises OSError."""
    from briefing.validation_charts import draw
    from briefing.validation_page import page

    text = json.dumps(results, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    (root / RESULTS).write_text(text, encoding="utf-8", newline="\n")
    drawn = draw(results, root / PICTURES)
    for lang, path in PAGES.items():
        (root / path).write_text(page(results, lang), encoding="utf-8", newline="\n")
    files = [root / RESULTS, *drawn, *(root / path for path in PAGES.values())]
    return [path.relative_to(root).as_posix() for path in files]


def _words(console: Console, results: dict[str, Any]) -> str:
    """The summary of the page."""
    from briefing.validation_page import summary

    return summary(results, console.lang)
