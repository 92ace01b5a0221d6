"""Exact sums against fractions: any numbers, in any order and any parts."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import exact

NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30)
LARGE = st.lists(st.floats(1e307, 1.7e308) | st.floats(-1.7e308, -1e307), max_size=8)
SMALL = st.lists(st.floats(-1e-300, 1e-300), max_size=20)


def parts_of(values):
    """Halves added up by power, as a table of sums holds them."""
    sums = {}
    for power, high, low in zip(*exact.split(np.array(values, float)), strict=True):
        a, b = sums.get(int(power), (0, 0))
        sums[int(power)] = a + int(high), b + int(low)
    return [(power, *halves) for power, halves in sums.items()]


def joined(parts):
    return exact.join([p for p, _, _ in parts], [h for _, h, _ in parts], [n for _, _, n in parts])


def rounded_once(values):
    total = sum(map(Fraction, values), Fraction(0))
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


@given(NUMBERS | LARGE | SMALL)
def test_a_sum_is_rounded_once(values):
    assert joined(parts_of(values)) == rounded_once(values)


@given(st.lists(st.floats(-1e300, 1e300), max_size=30))
def test_a_sum_is_that_of_fsum(values):
    assert joined(parts_of(values)) == math.fsum(values)


@given(NUMBERS | LARGE | SMALL, st.randoms(use_true_random=False), st.lists(st.integers(0, 30), max_size=4))
def test_order_and_parts_change_nothing(values, random, cuts):
    shuffled = random.sample(values, len(values))
    edges = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    parts = [part for a, b in itertools.pairwise(edges) for part in parts_of(shuffled[a:b])]
    random.shuffle(parts)
    assert joined(parts) == joined(parts_of(values))


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([], 0.0),
        ([1e16, 1.0, -1e16], 1.0),
        ([1e308, 1e308], math.inf),
        ([-1e308, -1e308], -math.inf),
        ([1e308, 1e308, -1e308], 1e308),
        ([1.7976931348623157e308, 9.9e291], 1.7976931348623157e308),  # less than half a step beyond the largest float
        ([1.7976931348623157e308, 9.98e291], math.inf),
        ([5e-324, 5e-324], 1e-323),
        ([2.0**1023, 2.0**1023], math.inf),
    ],
)
def test_sums_at_the_ends_of_what_a_float_holds(values, total):
    assert joined(parts_of(values)) == total


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_the_sum_of_its_halves(value):
    power, high, low = (int(part[0]) for part in exact.split(np.array([value])))
    assert Fraction(value) == Fraction(high * 2**26 + low) * Fraction(2) ** power
    assert 0 <= low < 2**26
