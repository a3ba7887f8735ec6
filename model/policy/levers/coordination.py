"""Coordination: acts through the delivery of other programmes and sells nothing itself."""

from __future__ import annotations

from dataclasses import dataclass

from model.policy.levers.programme import ProgrammeLever
from model.policy.settings_supply import Coordination


@dataclass
class CoordinationLever(ProgrammeLever):
    """Its strength is read by `model.policy.delivery`; the surface stays as it is."""

    settings: Coordination
