"""What `run` and `compare` have in common: options, their checks, and how failures end."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from app.console import EXIT_FAULT, HELP, Console
from model.messages import say

if TYPE_CHECKING:
    from model.scenario import Scenario

EXIT_STOPPED: Final = 130
DEFAULT_RESULTS: Final = Path("results")

SeedOption = Annotated[
    int | None, typer.Option("--seed", help=say("summary.option.seed", HELP), show_default=False)
]
ScaleOption = Annotated[
    int | None, typer.Option("--scale", help=say("summary.option.scale", HELP), show_default=False)
]
ResultsOption = Annotated[Path, typer.Option("--results", help=say("summary.option.results", HELP))]


@dataclass(frozen=True)
class Request:
    """What both commands are asked."""

    console: Console
    scenario: str
    seed: int | None
    scale: int | None
    results: Path
    replications: int = 1

    def problem(self) -> str | None:
        """First thing wrong with the options, in one line, or None."""
        from model.scenario_header import LARGEST_SCALE, LARGEST_SEED

        words = self.console.say
        if self.scale is not None and not 1 <= self.scale <= LARGEST_SCALE:
            return words("summary.fault.scale", value=self.scale, low=1, high=LARGEST_SCALE)
        if self.seed is not None and not 0 <= self.seed <= LARGEST_SEED:
            return words("summary.fault.seed", value=self.seed)
        if self.replications < 1:
            return words("summary.fault.replications", value=self.replications)
        return None

    def checked_scenario(self) -> Scenario:
        """The scenario to run, after everything that can be checked before computing.

        Raises ScenarioError, or BadInputError for options and an unusable results folder.
        """
        from experiments.results import ResultsError, check_destination
        from model.scenario import load_scenario

        problem = self.problem()
        if problem:
            raise BadInputError(problem)
        scenario = load_scenario(self.scenario, self.console.lang)
        try:
            check_destination(self.results)
        except ResultsError as refused:
            raise BadInputError(str(refused)) from None
        for line in scenario.warning_lines(self.console.lang):
            self.console.note(line)
        changes = {"seed": self.seed, "scale": self.scale}
        update = {key: value for key, value in changes.items() if value is not None}
        return replace(scenario, header=scenario.header.model_copy(update=update))

    def command(self, name: str, scenario: Scenario, *more: str) -> str:
        """The command that repeats this result, with nothing left to defaults that may change."""
        settings = ["--seed", str(scenario.seed), "--scale", str(scenario.scale)]
        return shlex.join(["tizhen", name, self.scenario, *more, *settings])


class BadInputError(Exception):
    """One line to show before leaving with exit code 2."""


@contextmanager
def failures(console: Console) -> Iterator[None]:
    """Bad input ends with 2, a refusing disk or an empty budget with 1, a stop with 130.

    Anything else is left to the program's entry point.
    """
    from experiments.results import ResultsError
    from model.scenario import ScenarioError
    from model.shortfall import BudgetError

    before = _stop_like_interrupt()
    try:
        yield
    except BadInputError as bad:
        raise console.refuse([str(bad)]) from None
    except ScenarioError as bad:
        raise console.refuse(bad.in_language(console.lang).lines) from None
    except BudgetError as short:
        console.error(short.line(console.lang))
        raise typer.Exit(EXIT_FAULT) from None
    except ResultsError as fault:
        console.error(console.say("summary.fault.run", reason=str(fault)))
        raise typer.Exit(EXIT_FAULT) from None
    except KeyboardInterrupt:
        console.error(console.say("summary.fault.stopped"))
        raise typer.Exit(EXIT_STOPPED) from None
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _stop_like_interrupt() -> Any:
    """A polite request to end is treated like Ctrl-C, so that temporary folders are removed."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    try:
        return signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread, as in some tests and services
        return None


def titles(scenario: Scenario) -> dict[str, str]:
    """Title in every language."""
    return {lang: scenario.title(lang) for lang in ("zh", "en")}
