"""Index sets of the model: the order in which every array lists places, sectors, categories.

Identifiers are English snake_case and appear in every output file; the words a person reads
(zh and en) live in the text catalogue of `briefing/`.
"""

from __future__ import annotations

from typing import Final

PLACES: Final = (
    "shenyang", "dalian", "anshan", "fushun", "benxi", "dandong", "jinzhou", "yingkou",
    "fuxin", "liaoyang", "panjin", "tieling", "chaoyang", "huludao", "shenfu",
)  # fmt: skip
RESIDENCES: Final = ("rural", "urban")
STAGES: Final = ("employed", "unemployed", "retired")
PATIENCE_TYPES: Final = ("impatient", "moderate", "patient", "very_patient")
SECTORS: Final = (
    "farm",
    "food_and_daily_retail",
    "goods_retail",
    "fuel_retail",
    "car_trade",
    "electronics_trade",
    "catering_and_lodging",
    "culture_and_tourism",
    "care_services",
    "housing_utilities_transport_education",
    "industry_and_construction",
    "public_finance_business",
)
CATEGORIES: Final = (
    "food", "catering", "apparel", "housing", "daily_goods", "household_services",
    "appliances", "cars", "fuel", "transport_communication", "digital", "education",
    "culture", "lodging_tourism", "health", "other",
)  # fmt: skip
DURABLE_CATEGORIES: Final = ("appliances", "cars", "digital")
NONDURABLE_CATEGORIES: Final = tuple(c for c in CATEGORIES if c not in DURABLE_CATEGORIES)
CATEGORY_SECTOR: Final = {
    "food": "food_and_daily_retail",
    "catering": "catering_and_lodging",
    "apparel": "goods_retail",
    "housing": "housing_utilities_transport_education",
    "daily_goods": "food_and_daily_retail",
    "household_services": "care_services",
    "appliances": "electronics_trade",
    "cars": "car_trade",
    "fuel": "fuel_retail",
    "transport_communication": "housing_utilities_transport_education",
    "digital": "electronics_trade",
    "education": "housing_utilities_transport_education",
    "culture": "culture_and_tourism",
    "lodging_tourism": "catering_and_lodging",
    "health": "care_services",
    "other": "goods_retail",
}
# The eight groups of the national household survey, for comparison with published tables.
SURVEY_GROUPS: Final = {
    "food_tobacco_alcohol": ("food", "catering"),
    "clothing": ("apparel",),
    "residence": ("housing",),
    "household_goods_services": ("daily_goods", "household_services", "appliances"),
    "transport_communication": ("cars", "fuel", "transport_communication", "digital"),
    "education_culture_recreation": ("education", "culture", "lodging_tourism"),
    "health": ("health",),
    "other": ("other",),
}
ITEMS: Final = (
    "refrigerator", "washing_machine", "air_conditioner", "television",
    "computer", "phone_first", "phone_second", "car",
)  # fmt: skip
ITEM_CATEGORY: Final = {
    "refrigerator": "appliances",
    "washing_machine": "appliances",
    "air_conditioner": "appliances",
    "television": "appliances",
    "computer": "digital",
    "phone_first": "digital",
    "phone_second": "digital",
    "car": "cars",
}
QUINTILES: Final = 5
AGE_GROUPS: Final = ("under_35", "35_to_49", "50_to_59", "60_and_over")
GROUPS: Final = QUINTILES * len(AGE_GROUPS)
WORK_CLASSES: Final = ("none", "covered_employee", "informal_employee", "self_employed", "farmer")
SCHEMES: Final = ("none", "employee_pension", "resident_pension")
PAYERS: Final = ("central", "province", "cities")

CATEGORY_SECTOR_INDEX: Final = tuple(SECTORS.index(CATEGORY_SECTOR[c]) for c in CATEGORIES)
ITEM_CATEGORY_INDEX: Final = tuple(CATEGORIES.index(ITEM_CATEGORY[i]) for i in ITEMS)
NONDURABLE_INDEX: Final = tuple(CATEGORIES.index(c) for c in NONDURABLE_CATEGORIES)
NOT_OWNED: Final = 0xFFFF
THRIFT_UNIT: Final = 2.0**-7  # of a household's own over the usual committed share
MOST_SAVED: Final = 255 / 256  # nobody plans to save all
NEED_CLOCK_LIMIT: Final = 12
AGE_LIMIT_MONTHS: Final = 239
