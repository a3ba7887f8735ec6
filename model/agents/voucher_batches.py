"""Voucher batches as the kernel reads them: who may hold one, and what baskets it meets."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from model.agents import household_layout as layout
from model.agents.household_layout import F64, I64
from model.dimensions import CATEGORIES, PLACES
from model.parameters import Parameters
from model.policy.instruments import Instruments, VoucherBatch
from model.streams import Purpose


def largest_basket(
    occasions: float, batch: VoucherBatch, deviation: float
) -> npt.NDArray[np.float32]:
    """Largest basket over mean basket at BASKET_POINTS ranks; 0 where no natural occasion comes.

    The number of natural occasions at participating shops while a voucher is valid is Poisson
    with mean occasions x validity x participation / vouchers held; baskets are log-normal, so
    the largest has cdf exp(-mean (1 - F(b))).
    """
    mean = occasions * batch.validity * batch.participating / batch.per_household
    return _basket_table(mean, deviation)


@lru_cache(maxsize=256)
def _basket_table(mean: float, deviation: float) -> npt.NDArray[np.float32]:
    """Largest basket at BASKET_POINTS ranks when `mean` occasions are expected a voucher."""
    rank = (np.arange(layout.BASKET_POINTS) + 0.5) / layout.BASKET_POINTS
    below = 1.0 + np.log(rank) / mean
    basket = np.exp(deviation * ndtri(np.clip(below, 1e-12, 1.0 - 1e-12)) - 0.5 * deviation**2)
    return np.where(below > 0.0, basket, 0.0).astype(np.float32)


def pack_batches(
    surface: Instruments, parameters: Parameters, cuts: I64
) -> tuple[I64, I64, F64, npt.NDArray[np.float32]]:
    """Voucher batches by place: first index [place + 1], integer and real fields, baskets by slot.

    `cuts` [batch, place] are the arrival keys below which applicants hold a voucher (race).
    """
    first, fields, rules = [0], [], []
    tables = [_basket(parameters, batch) for batch in surface.batches]
    packed = {
        slot: (_batch_fields(parameters, batch, slot), _batch_rules(parameters, batch))
        for slot, batch in enumerate(surface.batches)
        if (cuts[slot] > 0).any()
    }
    for place in range(len(PLACES)):
        for slot, (own, rule) in packed.items():
            if cuts[slot, place] > 0:
                fields.append(own.copy())
                fields[-1][layout.V_CUT] = cuts[slot, place]
                rules.append(rule)
        first.append(len(fields))
    if not fields:
        empty = np.zeros((1, layout.BATCH_FIELDS), np.int64)
        return (
            np.array(first), empty, np.zeros((1, layout.BATCH_RULES)),
            np.zeros((1, layout.BASKET_POINTS), np.float32),
        )  # fmt: skip
    return np.array(first), np.array(fields, np.int64), np.array(rules), np.stack(tables)


def _basket(parameters: Parameters, batch: VoucherBatch) -> npt.NDArray[np.float32]:
    occasions = float(parameters["households.vouchers.occasions"][CATEGORIES[batch.category]])
    return largest_basket(
        occasions, batch, parameters.number("households.vouchers.basket_deviation")
    )


def _of_category(parameters: Parameters, name: str, batch: VoucherBatch) -> float:
    return float(parameters[f"households.vouchers.{name}"][CATEGORIES[batch.category]])


def race_fields(batch: VoucherBatch, slot: int) -> I64:
    """The fields that decide who applies, without outcome of the race."""
    fields = np.zeros(layout.BATCH_FIELDS, np.int64)
    fields[layout.V_APPLY] = int(batch.application * 65536)
    fields[layout.V_DIGITAL] = int(batch.digital_required)
    fields[layout.V_GROUPS] = batch.groups
    fields[layout.V_RESIDENCE] = batch.residences
    fields[layout.V_PURPOSE] = Purpose.VOUCHERS + (slot if batch.luck is None else batch.luck)
    return fields


def _batch_fields(parameters: Parameters, batch: VoucherBatch, slot: int) -> I64:
    """Integer fields of a batch; the key below which applicants hold one depends on the place."""
    fields = race_fields(batch, slot)
    fields[layout.V_CATEGORY], fields[layout.V_FACE] = batch.category, batch.face
    fields[layout.V_THRESHOLD], fields[layout.V_COUNT] = batch.threshold, batch.per_household
    fields[layout.V_SLOT] = slot
    # An outing is made with probability 1 - exp(-eta n w v / (M k)): the discount as a price cut.
    rate = _of_category(parameters, "extra_use", batch) * _of_category(
        parameters, "occasions", batch
    )
    rate *= batch.validity * batch.face / max(batch.threshold, batch.face) / batch.per_household
    fields[layout.V_OUTING] = int((1.0 - np.exp(-rate)) * 2**20)
    return fields


def _batch_rules(parameters: Parameters, batch: VoucherBatch) -> F64:
    rules = np.zeros(layout.BATCH_RULES)
    rules[layout.R_OCCASIONS] = _of_category(parameters, "occasions", batch)
    rules[layout.R_EXTRA] = _of_category(parameters, "extra_use", batch)
    rules[layout.R_STORAGE] = _of_category(parameters, "storage_cost", batch)
    rules[layout.R_HASSLE] = parameters.number("households.vouchers.hassle")
    rules[layout.R_DISPLACED] = parameters.number("households.vouchers.displaced")
    rules[layout.R_WINDOW] = batch.validity * batch.participating
    return rules
