"""What is asked of the speed, and whether a set of measured figures meets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A bound on one figure: at most (`most`) or at least."""

    figure: str
    words: str
    unit: str
    bound: float
    most: bool = True

    def met(self, value: float) -> bool:
        return value <= self.bound if self.most else value >= self.bound


TARGETS = (
    Target("ns_2t", "household month, every rule on, 2 threads", "ns", 40.0),
    Target("thread_gain", "gain of the second thread", "x", 1.7, most=False),
    Target("speedup_vs_mesa_objects", "kernel over plain Mesa objects", "x", 200.0, most=False),
    Target("step_speedup", "whole step over plain Mesa objects", "x", 150.0, most=False),
    Target("primitive_fraction", "sum of the primitives over the kernel", "", 0.8, most=False),
    Target("seconds_full_scale", "1:1, 36 months, all parts and outputs", "s", 60.0),
    Target("peak_gib", "1:1, peak memory", "GiB", 3.0),
    Target("seconds_lean", "1:1,000, 36 months, lean run on one core", "s", 0.06),
    Target("seconds_full", "1:1,000, 36 months, all outputs", "s", 0.25),
    Target("plan_over_baseline", "1:1,000, all 35 measures over the baseline, lean", "x", 1.5),
    Target("seconds_command", "quick comparison, warm, process start to end", "s", 5.0),
    Target("seconds_cold", "quick comparison, empty cache", "s", 60.0),
    Target("seconds_consumption", "consumption tables from scratch", "s", 20.0),
)


def table(
    figures: Mapping[str, float], targets: Sequence[Target] = TARGETS
) -> list[tuple[Target, float, bool]]:
    """The targets whose figure was measured, with value and verdict."""
    measured = [target for target in targets if target.figure in figures]
    return [(t, figures[t.figure], t.met(figures[t.figure])) for t in measured]


def markdown(figures: Mapping[str, float], targets: Sequence[Target] = TARGETS) -> list[str]:
    """Lines of a table of verdicts, and of one of all figures."""
    lines = ["| what | measured | target | |", "|---|---:|---:|---|"]
    for target, value, met in table(figures, targets):
        sign = "≤" if target.most else "≥"
        verdict = "met" if met else "**missed**"
        lines.append(
            f"| {target.words} | {value:.3g} {target.unit} | {sign} {target.bound:g} | {verdict} |"
        )
    lines += ["", "## All figures", "", "| figure | value |", "|---|---:|"]
    return lines + [f"| {name} | {value:.4g} |" for name, value in figures.items()]
