"""How far a run is, on stderr: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Self

from experiments.runner import Listener
from model.messages import has_message, say

LINES_PER_RUN = 10
"""Without a terminal: one line for each tenth of the work."""


def _sentence(words: str, lang: str) -> str:
    """A known stage in the reader's language; anything else as the model said it."""
    key = f"summary.progress.{words}"
    return say(key, lang) if has_message(key, lang) else words


class SilentProgress(Listener):
    """Nothing on stderr (`--quiet`)."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        return None


class LineProgress(SilentProgress):
    """One line per stage and per tenth of the work, for logs."""

    def __init__(self, lang: str) -> None:
        self._lang, self._lock = lang, threading.Lock()
        self._total = self._done = self._shown = 0
        self._last = ""

    def _say(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def status(self, words: str) -> None:
        """A new stage is one line; the same stage again is none."""
        with self._lock:
            if words != self._last and not self._done:
                self._last = words
                self._say(_sentence(words, self._lang))

    def planned(self, months: int) -> None:
        """Months of simulation in all runs together."""
        self._total += months

    def advanced(self, months: int) -> None:
        """`months` more are done."""
        with self._lock:
            self._done += months
            tenth = self._done * LINES_PER_RUN // max(self._total, 1)
            if tenth > self._shown:
                self._shown = tenth
                text = say("summary.progress.done", self._lang, done=self._done, total=self._total)
                self._say(text)


class BarProgress(SilentProgress):
    """A bar with what is being done and the time left."""

    def __init__(self, lang: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._lang = lang
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn(say("summary.progress.left", lang)),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._total = 0
        self._task = self._bar.add_task(say("summary.progress.preparing", lang), total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def status(self, words: str) -> None:
        """Shown left of the bar."""
        self._bar.update(self._task, description=_sentence(words, self._lang))

    def planned(self, months: int) -> None:
        """Months of simulation in all runs together."""
        self._total += months
        self._bar.update(self._task, total=self._total)

    def advanced(self, months: int) -> None:
        """`months` more are done."""
        self._bar.advance(self._task, months)


def progress_for(lang: str, quiet: bool) -> SilentProgress:
    """The right kind for this terminal."""
    if quiet:
        return SilentProgress()
    return BarProgress(lang) if sys.stderr.isatty() else LineProgress(lang)
