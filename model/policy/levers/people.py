"""Levers of programmes that act on households, by the class of their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from model.policy.levers.access import AccessLever
from model.policy.levers.base import F64, Lever
from model.policy.levers.credit import CreditLever
from model.policy.levers.grants import GiftsLever, GrantsLever, SavingSchemeLever
from model.policy.levers.living_allowance import LivingAllowanceLever
from model.policy.levers.social_protection import SocialProtectionLever
from model.policy.programme_settings import Programme
from model.policy.settings_people import (
    Credit,
    Gifts,
    Grants,
    LivingAllowance,
    SavingScheme,
    SocialProtection,
)
from model.policy.settings_supply import Access

PEOPLE_LEVERS: Final[dict[type[Programme], Callable[[str, Any, F64], Lever]]] = {
    Access: AccessLever,
    Credit: CreditLever,
    Gifts: GiftsLever,
    Grants: GrantsLever,
    LivingAllowance: LivingAllowanceLever,
    SavingScheme: SavingSchemeLever,
    SocialProtection: SocialProtectionLever,
}
