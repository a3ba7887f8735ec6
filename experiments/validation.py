"""The whole validation in one call: everything that docs/validation.md shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from calibration import validate
from experiments import robustness

Tell = Callable[[str, str], None]
FIRST_SEED: Final = 1
COMMAND: Final = "tizhen validate"


@dataclass(frozen=True)
class Plan:
    """Scales and numbers of seeds. `scales`: scale -> seeds; coverage uses some of those runs."""

    backcast_scale: int = 1000
    backcast_seeds: int = 8
    scales: Mapping[int, int] = field(
        default_factory=lambda: {10_000: 64, 4000: 64, 1000: 48, 100: 8}
    )
    structure_scale: int = 1000
    structure_seeds: int = 8
    structure_choices: tuple[str, ...] | None = None
    coverage_scales: tuple[int, ...] = (4000, 1000)
    coverage_sizes: tuple[int, ...] = (4, 8, 16)
    coverage_draws: int = 2000
    posterior_draws: int = 40
    posterior_scale: int = 4000


THOROUGH: Final = Plan()
QUICK: Final = Plan(
    backcast_scale=4000, backcast_seeds=2, scales={10_000: 12, 4000: 12, 1000: 2},
    structure_scale=4000, structure_seeds=3,
    structure_choices=("no_demand_feedback", "fixed_prices", "pensions_shared"),
    coverage_scales=(4000,), coverage_draws=500, posterior_draws=8, posterior_scale=10_000,
)  # fmt: skip


def validation(plan: Plan = THOROUGH, tell: Tell = lambda _, __: None) -> dict[str, Any]:
    """All sections as plain data; `tell(section, what)` hears what is being done."""
    started = time.process_time()
    seeds = range(FIRST_SEED, FIRST_SEED + plan.backcast_seeds)
    result: dict[str, Any] = {
        "command": COMMAND,
        "plan": as_plain(plan),
        "backcasts": validate.backcasts(plan.backcast_scale, seeds, _in("backcast", tell)),
    }
    by_scale = robustness.by_scale(plan.scales, FIRST_SEED, _in("scale", tell))
    result["scale"] = robustness.scale_rows(by_scale)
    result["coverage"] = [
        {"scale": scale, **row}
        for scale in plan.coverage_scales
        for row in robustness.coverage_rows(
            by_scale[scale], plan.coverage_sizes, plan.coverage_draws, FIRST_SEED
        )
    ]
    seeds = range(FIRST_SEED, FIRST_SEED + plan.structure_seeds)
    result["structure"] = robustness.structure_rows(
        plan.structure_scale, seeds, _in("structure", tell), plan.structure_choices
    )
    result["posterior"] = _posterior(plan, _in("posterior", tell))
    result["cpu_seconds"] = round(time.process_time() - started)
    return result


def _posterior(plan: Plan, tell: Callable[[str], None]) -> list[dict[str, Any]] | None:
    posterior = validate.available_posterior()
    if posterior is None:
        return None
    moments = validate.run_up_moments()
    return validate.posterior_predictive(
        posterior, moments, plan.posterior_draws, plan.posterior_scale, FIRST_SEED, tell
    )


def _in(section: str, tell: Tell) -> Callable[[str], None]:
    return lambda what: tell(section, what)


def as_plain(plan: Plan) -> dict[str, Any]:
    """The plan for JSON."""
    return {
        "first_seed": FIRST_SEED,
        "backcast": {"scale": plan.backcast_scale, "seeds": plan.backcast_seeds},
        "scales": [{"scale": s, "seeds": n} for s, n in plan.scales.items()],
        "structure": {"scale": plan.structure_scale, "seeds": plan.structure_seeds},
        "coverage": {"scales": list(plan.coverage_scales), "draws": plan.coverage_draws},
        "posterior": {"scale": plan.posterior_scale, "draws": plan.posterior_draws},
    }
