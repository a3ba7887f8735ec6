"""Support between generations: exact accounts, the altruists' rule, who reacts to what."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.agents.household_family import agree_on_support as agree_plainly
from model.agents.household_layout import Columns, field, flat
from model.agents.households import SERIAL_BELOW, agree_on_support
from model.economy import Economy
from model.ledger import HOUSEHOLDS
from model.parameters import load_parameters
from tests import month_inputs
from tests.economies import scenario
from tests.month_inputs import Policy
from tests.reference.plain_mesa import PlainMesaModel

ELDER_AGE = 60


def agreed(
    policy: Policy, count: int = 900, seed: int = 1, places: int = 3
) -> tuple[Columns, month_inputs.I64]:
    columns, parts = month_inputs.columns(count, seed), month_inputs.segments(count, places)
    month = month_inputs.month(0, policy)
    family = month.family._replace(altruism=0.1)  # nobody gives as much as they would at most
    agree_on_support(columns, parts, month._replace(family=family))
    return columns, parts


def received(policy: Policy, seed: int = 1) -> month_inputs.I64:
    """Money that elders get, fen; without the households that carry the rounding."""
    columns, parts = agreed(policy, seed=seed)
    return np.maximum(np.delete(columns.support, parts[:, 0]), 0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    count=st.integers(1, 400), seed=st.integers(0, 2**32 - 1), places=st.integers(1, 15),
    rise=st.floats(0.0, 3.0), standing=st.integers(0, 500_000), number=st.integers(0, 60),
)  # fmt: skip
def test_what_elders_get_children_pay_to_the_fen(
    count: int, seed: int, places: int, rise: float, standing: int, number: int
) -> None:
    policy = Policy(pension_rise=rise, transfer_standing=standing)
    columns, parts = month_inputs.columns(count, seed), month_inputs.segments(count, places)
    month = month_inputs.month(number, policy)
    agree_on_support(columns, parts, month)
    cells = parts[:, 2] * 2 + parts[:, 3]
    for cell in np.unique(cells):
        assert (
            sum(
                weight * int(columns.support[start:stop].sum())
                for start, stop, _, _, weight in parts[cells == cell].tolist()
            )
            == 0
        )
    plain = PlainMesaModel(columns, parts)
    for households in plain.cells.values():
        agree_plainly(households, flat(month))
    assert np.array_equal(plain.column("support"), columns.support)


def test_children_at_work_pay_and_elders_receive() -> None:
    columns, parts = agreed(Policy(), count=3000)
    elder = (columns.stage == 2) | (columns.age >= ELDER_AGE)
    works = (columns.stage == 0) & ~elder
    carrying = np.isin(np.arange(3000), parts[:, 0])  # rounding: a few fen
    assert (columns.support[elder & ~carrying] >= 0).all()
    assert (columns.support[works & ~carrying] <= 0).all()
    assert not columns.support[~elder & ~works & ~carrying].any()
    assert 0.02 < (columns.support[elder] > 0).mean() < 0.9


def test_children_never_give_more_than_to_parents_without_anything() -> None:
    columns, parts = month_inputs.columns(900), month_inputs.segments(900, 3)
    columns.earnings[columns.stage == 2] = columns.pension[:] = 0.0
    month = month_inputs.month(0, Policy())
    agree_on_support(columns, parts, month)
    works = (columns.stage == 0) & (columns.age < ELDER_AGE)
    limit = month.family.altruism / (1.0 + month.family.altruism)
    assert -columns.support[works].sum() <= limit * columns.earnings[works].sum() * 100.0 + 1000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_higher_pensions_mean_less_support(seed: int) -> None:
    levels = [received(Policy(pension_rise=rise), seed).sum() for rise in (0.0, 0.1, 0.4, 2.0)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < levels[0]


def test_support_falls_by_less_than_the_transfer_and_only_a_standing_one() -> None:
    before, after = received(Policy()), received(Policy(transfer_standing=20_000))
    assert (after <= before).all()
    assert (before - after <= 20_000).all()
    assert (after < before).any()
    assert np.array_equal(received(Policy(transfer_once=20_000)), before)


def test_threads_do_not_matter() -> None:
    count = SERIAL_BELOW + 5000
    parts, month = month_inputs.segments(count), month_inputs.month(0, Policy())
    one, three = month_inputs.columns(count), month_inputs.columns(count)
    agree_on_support(one, parts, month, threads=1)
    agree_on_support(three, parts, month, threads=3)
    assert np.array_equal(one.support, three.support)


def test_households_pay_households_in_the_accounts() -> None:
    economy = Economy(scenario({}, months=2, scale=2000), lean=True, threads=1)
    for _ in range(2):
        economy.step()
        flows = economy.flows
        assert np.array_equal(flows.support_paid, flows.support_received)
        assert (flows.support_paid > 0).all()
        assert not economy.ledger.flows["family_support"][HOUSEHOLDS].any()


def test_amounts_are_near_the_survey_of_elders() -> None:
    """The one moment behind `altruism` (rural), and two that it does not know."""
    economy = Economy(scenario({}, months=1, scale=400), lean=True, threads=1)
    economy.step()
    columns, parts = economy.household_block.columns, economy.household_block.segments
    length = parts[:, 1] - parts[:, 0]
    residence, weight = np.repeat(parts[:, 3], length), np.repeat(parts[:, 4], length)
    age = load_parameters().number("households.beliefs.retired_age")
    rural = ((columns.stage == 2) | (columns.age >= age)) & (residence == 0)
    gets, persons = np.maximum(columns.support, 0) / 100.0 * weight, columns.pensioners * weight
    assert gets[rural].sum() / persons[rural].sum() == pytest.approx(250.0, rel=0.1)
    share = (weight * (columns.support > 0))[rural].sum() / weight[rural].sum()
    assert 0.3 < share < 0.55


def resting(policy: Policy, seed: int = 1) -> npt.NDArray[np.bool_]:
    """Who would stay home from now on."""
    return np.asarray(agreed(policy, seed=seed)[0].resting == 2)


def test_nobody_leaves_work_without_a_policy_or_for_a_windfall() -> None:
    assert not resting(Policy()).any()
    assert not resting(Policy(transfer_once=500_000, transfer_person=90_000)).any()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_more_other_income_means_less_work_of_elders(seed: int) -> None:
    levels = [resting(Policy(transfer_standing=each), seed) for each in (0, 20_000, 80_000)]
    assert levels[0].sum() < levels[1].sum() < levels[2].sum()
    assert not (levels[1] & ~levels[2]).any()  # the same elders and more


def test_elders_who_stay_home_are_not_paid_and_come_back() -> None:
    """Jobs change by hires less separations, pay goes with them; the transfer's end undoes it."""
    columns, parts = month_inputs.columns(600), month_inputs.segments(600, 2)
    columns.stage[:] = 2
    columns.earnings[:] = 1500.0
    columns.pension[:] = 500.0
    plain, policies = PlainMesaModel(columns, parts), [Policy(), Policy(transfer_standing=80_000)]
    at_work, paid, moved = [], [], []
    for policy in (policies[0], policies[1], policies[1], policies[0]):
        month = month_inputs.month(0, policy)
        nobody_succeeds = month.work._replace(generation=month.work.generation * 0)
        # Children of other households at work are not in this sample: support is nil.
        totals = plain.live(month._replace(work=nobody_succeeds))
        at_work.append(field(totals, "employed").sum())
        paid.append(field(totals, "other_income").sum())
        moved.append(field(totals, "hires").sum() - field(totals, "separations").sum())
    assert at_work[1] == at_work[2] < at_work[0] == at_work[3]
    assert paid[1] == paid[2] < paid[0] == paid[3]
    assert np.diff(at_work).tolist() == moved[1:]
    assert moved[0] == 0
    assert (plain.column("committed") >= 0).all()
