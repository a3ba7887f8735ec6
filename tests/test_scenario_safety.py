"""No file can do harm: reading any bytes ends soon, with a scenario or with clean error lines."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.scenario import ScenarioError, load_scenario, scenario_from_mapping
from model.scenario_reader import MAX_BYTES, read_bytes
from tests.test_scenario import START, lines_of

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [" + ", ".join([f"*{a}"] * 9) + "]\n"
    for a, b in zip("abcdefg", "bcdefgh", strict=True)
)
HOSTILE: dict[str, tuple[bytes, str]] = {
    "tab": (b"policies:\n\tp: 1\n", "2:1: a tab"),
    "duplicate": (b"seed: 1\nseed: 2\n", '2:1: key "seed" is repeated; it first stands in line 1'),
    "python tag": (b"seed: !!python/object/apply:os.system [ls]\n", "1:7: the YAML tag"),
    "tag": (b"seed: !x 1\n", "1:7: the YAML tag"),
    "bomb": (BOMB.encode(), "expand to more than"),
    "nested": (b"a: " + b"[" * 5000, "nested more than"),
    "nested mappings": (b"{a:\n" * 5000, "nested more than"),
    "nested by reference": (
        b"a0: &a0 [1]\n" + b"".join(b"a%d: &a%d [*a%d]\n" % (i, i, i - 1) for i in range(1, 100)),
        "nested more than",
    ),
    "self reference": (b"a: &a [*a]\n", "before"),
    "gbk": ("title: 提振消费\n".encode("gbk"), "1:8: not UTF-8 from byte 8 on (looks like GBK"),
    "utf-16": ("seed: 1\n".encode("utf-16"), "UTF-16"),
    "nul": (b"seed: 1\x00\n", "1:8: control character U+0000"),
    "escape": (b"seed: \x1b[2J\n", "1:7: control character U+001B"),
    "surrogate": (b'name: "\\ud800"\n', "surrogate"),
    "empty": (b"", "1:1: the file is empty"),
    "only comments": (b"# nothing\n", "1:1: the file is empty"),
    "list": (b"- 1\n", "top level"),
    "text": (b"hello\n", "top level"),
    "several": (b"seed: 1\n---\nseed: 2\n", "2:1: a file holds one scenario"),
    "boolean key": (b"true: 1\n", "1:1: a key must be text"),
    "list key": (b"? [1]\n: 2\n", "a key must be text"),
    "merge key": (b"a: &a {x: 1}\n<<: *a\n", "use extends"),
    "full-width colon": ("start：2025-10\nmonths: 3\n".encode(), "1:6: full-width ： here; use :"),
    "open bracket": (b"a: [1, 2\n", "YAML syntax"),
    "large": (b"#" * (MAX_BYTES + 1), "1:1: the file has"),
    "long line": (b"a: " + b"x" * 900_000, "1:1: a line of"),
    "many keys": (b"".join(b"k%d: 1\n" % i for i in range(20_000)), "more than 20000 nodes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_in_time(tmp_path: Path, case: str) -> None:
    raw, expected = HOSTILE[case]
    began = time.perf_counter()
    found = lines_of(tmp_path, raw, "en")
    assert any(expected in line for line in found), found[:3]
    assert time.perf_counter() - began < 5


def test_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    assert lines_of(tmp_path, b"\xef\xbb\xbf" + START.replace("\n", "\r\n").encode()) == []


def test_missing_files_folders_and_pipes(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path, "x" * 5000, "a\0b", ""):
        with pytest.raises(ScenarioError):
            load_scenario(path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ScenarioError):
            load_scenario(tmp_path / "pipe")


def harmless(raw: bytes) -> None:
    """Reading and checking `raw` either works or raises ScenarioError with clean lines."""
    try:
        plain = read_bytes(raw, "f.yaml").plain()
        scenario_from_mapping(plain)
    except ScenarioError as error:
        lines = error.lines + error.in_language("en").lines
    else:
        return
    assert len(lines) > 1
    for line in lines:
        assert line.isprintable() or "　" in line, repr(line)


FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@FUZZ
@given(st.binary(max_size=300))
def test_random_bytes_do_no_harm(raw: bytes) -> None:
    harmless(raw)


@FUZZ
@given(st.text(alphabet="abc: -[]{},&*!|>'\"%@`#?~\n\t：，“”0123456789.", max_size=120))
def test_random_yaml_does_no_harm(text: str) -> None:
    harmless(text.encode())


SEEDS = [
    json.dumps(load_scenario(name).resolved(), ensure_ascii=False, indent=1).encode()
    for name in ("headline_package", "null_policy")
]
CHINESE_PIECES = ["“", "：", "9" * 30, '"15%"', '"大莲"', '{"value":1}', '{"2026-01":1}']
PLAIN_PIECES = [
    "",
    "-",
    "null",
    ".nan",
    "-1",
    "[]",
    "{}",
    "1e999",
    "true",
    "&a",
    "*a",
    "!!x ",
    "\n",
]
PIECES = st.sampled_from([piece.encode() for piece in PLAIN_PIECES + CHINESE_PIECES])


@FUZZ
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), PIECES), max_size=4),
)
def test_mutated_scenarios_do_no_harm(raw: bytes, cuts: list[tuple[float, int, bytes]]) -> None:
    for place, length, piece in cuts:
        at = int(place * len(raw))
        raw = raw[:at] + piece + raw[at + length :]
    harmless(raw)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["2026-01", "15%", "沈阳", "fixed", 0, 0.5, "all"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip
PATHS = [
    (policy_name, *path)
    for policy_name, policy_settings in load_scenario("headline_package")
    .resolved()["policies"]
    .items()
    for key, value in policy_settings.items()
    for path in [(key,), *((key, inner) for inner in (value if isinstance(value, dict) else ()))]
]


@FUZZ
@given(st.sampled_from(PATHS), VALUES)
def test_any_value_anywhere_does_no_harm(path: tuple[str, ...], value: object) -> None:
    document = load_scenario("headline_package").resolved()
    inner = document["policies"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    try:
        scenario = scenario_from_mapping(document)
    except ScenarioError as error:
        lines = error.lines
    else:
        lines = []
        assert scenario_from_mapping(scenario.resolved()).digest == scenario.digest
    assert all("\n" not in line for line in lines)
