"""Levers of programmes that act on households, by the class of their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from model.policy.levers.base import F64, Lever
from model.policy.programme_settings import Programme

PEOPLE_LEVERS: Final[dict[type[Programme], Callable[[str, Any, F64], Lever]]] = {}
