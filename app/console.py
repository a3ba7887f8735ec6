"""What every command shares: language, JSON and quiet options, and where output goes.

Results go to stdout, everything else to stderr; a bad input ends with exit code 2.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Final, TextIO

import typer

from model.messages import LANGUAGES, say

EXIT_FAULT: Final = 1
EXIT_BAD_INPUT: Final = 2
LANGUAGE_VARIABLE: Final = "TIZHEN_LANG"


def help_language(arguments: Iterable[str] = ()) -> str:
    """Language of the help texts, which exist before options are read: zh unless --lang says en."""
    words = list(arguments or sys.argv[1:])
    asked = [after for word, after in pairwise(words) if word == "--lang"]
    asked += [word.partition("=")[2] for word in words if word.startswith("--lang=")]
    lang = asked[-1] if asked else os.environ.get(LANGUAGE_VARIABLE, LANGUAGES[0])
    return lang if lang in LANGUAGES else LANGUAGES[0]


HELP: Final = help_language()
LangOption = Annotated[str | None, typer.Option("--lang", help=say("cli.option.lang", HELP))]
JsonOption = Annotated[bool, typer.Option("--json", help=say("cli.option.json", HELP))]
QuietOption = Annotated[bool, typer.Option("--quiet", help=say("cli.option.quiet", HELP))]
ScenarioArgument = Annotated[
    str, typer.Argument(metavar="SCENARIO", help=say("cli.argument.scenario", HELP))
]


@dataclass
class Console:
    """Options that hold for one call of the program."""

    lang: str = LANGUAGES[0]
    json: bool = False
    quiet: bool = False

    def say(self, key: str, /, **fields: object) -> str:
        """A text of the catalogue in the chosen language."""
        return say(key, self.lang, **fields)

    def result(self, text: str) -> None:
        """Write a result for people; nothing if JSON was asked for."""
        if not self.json:
            write(sys.stdout, text)

    def document(self, document: Any) -> None:
        """Write the one JSON document; nothing unless JSON was asked for."""
        if self.json:
            write(sys.stdout, json.dumps(document, ensure_ascii=False, allow_nan=False))

    def note(self, text: str) -> None:
        """Write progress or a note to stderr unless --quiet."""
        if not self.quiet:
            write(sys.stderr, text)

    def error(self, text: str) -> None:
        """Write an error to stderr."""
        write(sys.stderr, text)

    def refuse(self, lines: Iterable[str]) -> typer.Exit:
        """Write one line per error; raise what is returned to end with exit code 2."""
        for line in lines:
            self.error(line)
        return typer.Exit(EXIT_BAD_INPUT)


def write(stream: TextIO, text: str) -> None:
    """Write a line, replacing characters that the terminal's encoding does not have."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, errors="replace").decode(encoding, errors="replace") + "\n")
    stream.flush()


def prepare_streams() -> None:
    """Keep old consoles (cp437, GBK) from failing on Chinese text; UTF-8 where output is piped."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def console_for(
    context: typer.Context, lang: str | None, json_output: bool = False, quiet: bool = False
) -> Console:
    """The console of a command: its own options over those given before the command's name."""
    shared = context.find_object(Console) or Console(lang=HELP)
    chosen = lang or shared.lang
    if chosen not in LANGUAGES:
        raise Console(HELP).refuse([say("cli.bad_language", HELP, value=chosen)])
    return Console(chosen, json_output or shared.json, quiet or shared.quiet)
