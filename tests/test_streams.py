"""Counter-based streams: known answers, independence of order, one law in kernel and NumPy."""

import numpy as np
import pytest

from model.streams import Purpose, philox, split_seed, uniforms, word_columns, words

KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_known_answers(counter, key, answer):
    """Vectors published with Random123."""
    drawn = philox(*(np.uint64(x) for x in counter + key))
    assert tuple(int(x) for x in drawn) == answer


def test_kernel_and_numpy_forms_agree():
    seed, month, block = 2**40 + 12345, 37, 5
    low, high = split_seed(seed)
    ids = np.array([0, 1, 2**36 + 7, 2**43 + 3], dtype=np.uint64)
    columns = word_columns(seed, Purpose.MONTH, ids, month, block)
    for position, identity in enumerate(ids):
        one = words(
            low, high, np.uint64(Purpose.MONTH), identity, np.uint64(month), np.uint64(block)
        )
        assert [int(x) for x in one] == columns[:, position].tolist()


def test_draw_depends_on_every_key_and_not_on_order():
    ids = np.arange(1000, dtype=np.uint64)
    base = word_columns(1, Purpose.MONTH, ids, 3)
    assert np.array_equal(base[:, ::-1], word_columns(1, Purpose.MONTH, ids[::-1], 3))
    for other in (
        word_columns(2, Purpose.MONTH, ids, 3),
        word_columns(1 + 2**32, Purpose.MONTH, ids, 3),
        word_columns(1, Purpose.DURABLES, ids, 3),
        word_columns(1, Purpose.MONTH, ids, 4),
        word_columns(1, Purpose.MONTH, ids, 3, block=1),
    ):
        assert (base != other).mean() > 0.99


def test_uniforms_look_uniform_and_uncorrelated():
    drawn = uniforms(7, Purpose.DURABLES, np.arange(200_000), 11)
    assert drawn.min() > 0.0
    assert drawn.max() < 1.0
    assert np.abs(drawn.mean(axis=1) - 0.5).max() < 0.004
    correlation = np.corrcoef(np.vstack([drawn, np.roll(drawn[0], 1)]))
    assert np.abs(correlation - np.eye(5)).max() < 0.01


def test_seed_out_of_range():
    with pytest.raises(ValueError, match="seed"):
        split_seed(-1)
