"""The command line `tizhen`: registers the commands and turns failures into exit codes.

0 fine, 1 a fault of the program, 2 bad input. Each command lives in a module of its own and
imports what is heavy inside the function.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Annotated, Final

import typer

from app.console import (
    EXIT_BAD_INPUT,
    EXIT_FAULT,
    HELP,
    Console,
    JsonOption,
    LangOption,
    QuietOption,
    console_for,
    prepare_streams,
    write,
)
from model.messages import say

# Command, module and function, in the order of the help page. A module that is not installed
# (an optional part) leaves its command out.
COMMANDS: Final = (
    ("check", "app.commands_scenario", "check"),
    ("schema", "app.commands_scenario", "schema"),
    ("explain", "app.commands_scenario", "explain"),
    ("run", "app.commands_run", "run"),
    ("compare", "app.commands_compare", "compare"),
    ("measures", "app.commands_measures", "measures"),
    ("coverage", "app.commands_measures", "coverage"),
    ("replicate", "app.commands_replicate", "replicate"),
    ("validate", "app.commands_validate", "validate"),
    ("calibrate", "app.commands_calibrate", "calibrate"),
    ("sweep", "app.commands_sweep", "sweep"),
    ("estimate", "app.commands_sweep", "estimate"),
    ("attribute", "app.commands_attribute", "attribute"),
    ("consistency", "app.commands_attribute", "consistency"),
    ("optimise", "app.commands_optimise", "optimise"),
    ("brief", "app.commands_brief", "brief"),
    ("population", "app.commands_population", "population"),
    ("bench", "app.commands_bench", "bench"),
)


def _print_version(asked: bool) -> None:
    from importlib import metadata

    if asked:
        try:
            write(sys.stdout, metadata.version("tizhen"))
        except metadata.PackageNotFoundError:  # run from a source folder that is not installed
            write(sys.stdout, "0")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option(
        "--version",
        help=say("cli.option.version", HELP),
        is_eager=True,
        callback=_print_version,
    ),
]


def build() -> typer.Typer:
    """The program with every command whose module exists."""
    program = typer.Typer(
        name="tizhen",
        help=say("cli.app", HELP),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    program.callback()(options)
    for name, module, function in COMMANDS:
        if importlib.util.find_spec(module) is not None:
            command = getattr(importlib.import_module(module), function)
            program.command(name, help=say(f"cli.{name}", HELP))(command)
    return program


def options(
    context: typer.Context,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
    version: VersionOption = False,
) -> None:
    """Options that may stand before the name of any command."""
    del version  # its callback has already answered
    context.obj = console_for(context, lang, json_output, quiet)


def main() -> None:
    """Entry point of the console script: never a traceback unless TIZHEN_TRACEBACK is set."""
    prepare_streams()
    from model.scenario_problems import ScenarioError

    console = Console(HELP)
    try:
        build()(prog_name="tizhen")
    except ScenarioError as error:
        console.refuse(error.in_language(HELP).lines)
        sys.exit(EXIT_BAD_INPUT)
    except BrokenPipeError:
        # The reader of a pipe has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAULT)
    except Exception as error:
        if os.environ.get("TIZHEN_TRACEBACK"):
            raise
        reason = " ".join(str(error).split()) or "-"
        console.error(console.say("cli.fault", kind=type(error).__name__, reason=reason))
        sys.exit(EXIT_FAULT)


if __name__ == "__main__":
    main()
