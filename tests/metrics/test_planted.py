"""What is planted is found, and nothing where nothing is: the machinery on a few worlds. `make study` asks 200."""

from math import nan

import numpy as np
import pytest

from benchmarks.planted import __main__ as planted
from benchmarks.planted.designs import DESIGNS, rise
from benchmarks.planted.questions import (
    QUESTIONS,
    Answer,
    apart,
    foretold,
    seen_will_leave,
    silent_will_leave,
    use_foretells,
)
from benchmarks.planted.worlds import NOTHING, PLANTED, world


@pytest.fixture(scope="module")
def counts():
    return planted.asked(7, 150)


@pytest.mark.slow
def test_each_question_is_asked_of_both_worlds_and_no_difference_is_sought_where_there_is_none(counts):
    assert list(counts) == [*QUESTIONS, *DESIGNS]
    mail = counts["mail B against A: `compare_variants`, difference"]
    assert (len(mail.held), len(mail.found), len(mail.alarms)) == (1, 1, 1)
    rate = counts["opened by a person: `email_performance`"]
    assert (len(rate.held), len(rate.found), len(rate.alarms)) == (1, 0, 0)
    unplanted = counts["readers of the guide stay: `onboarding_outcomes`"]
    assert (unplanted.held, unplanted.found, len(unplanted.alarms)) == ([], [], 1)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_world_and_the_laws_differ_only_in_what_is_planted():
    one, again, nothing = world(3, 60, PLANTED), world(3, 60, PLANTED), world(3, 60, NOTHING)
    assert one["events"].equals(again["events"])
    assert one["customers"].equals(nothing["customers"])
    assert one["orders"].equals(nothing["orders"])
    assert not one["events"]["user_id"].str.startswith("edge-").any()


@pytest.mark.slow
def test_forecasts_are_held_against_the_law_and_of_too_few_who_left_nothing_is_asked():
    some, few = world(3, 400, PLANTED), world(7, 150, PLANTED)
    silent, seen = silent_will_leave(some), seen_will_leave(some)
    assert (silent.planted, silent.is_rate, seen.is_rate) == (pytest.approx(0.6 * 0.2), False, True)
    assert seen.planted == pytest.approx(0.6 * 0.025)
    chances = foretold(some)
    assert (silent.low, silent.high) == tuple(
        chances.loc["silent", ["churn_probability_low", "churn_probability_high"]]
    )
    assert silent.found == (silent.low > chances.loc["seen", "churn_probability_high"])
    assert [ask(few) for ask in (silent_will_leave, seen_will_leave, use_foretells)] == [None] * 3


def test_an_answer_holds_its_edge_and_is_found_where_0_is_left_out():
    row = {"difference_low": 0.0, "difference_high": 0.04}
    assert apart(row, "difference", 0.04) == Answer(0.0, 0.04, 0.04, found=False)
    assert apart(row, "difference", 0.04).held
    assert apart(row, "difference", 0.05).held is False
    assert apart(row, "difference", nan).held is None
    assert apart({"difference_low": 0.01, "difference_high": 0.04}, "difference", nan).found
    assert apart({"difference_low": nan, "difference_high": nan}, "difference", 0.0) is None


@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_finds_what_is_planted_and_seldom_what_is_not(name):
    design, _, power, stated = DESIGNS[name]
    rng = np.random.default_rng(1)
    found, alarms = (np.concatenate([design(rng, effect) for _ in range(4)]) for effect in (rise(name), 0.0))
    assert abs(found.mean() - (power or 0.92)) < 0.06
    assert alarms.mean() <= stated + 0.04


def test_a_share_that_is_worse_than_stated_for_more_than_chance_is_marked():
    def table(held, alarms):
        return planted.rows({"x": planted.Counts(held=held, alarms=alarms)})[0]

    name = next(iter(QUESTIONS))
    honest = planted.rows({name: planted.Counts([True] * 190 + [False] * 10, [True], [True] * 10 + [False] * 190)})[0]
    assert honest[1:3] == ["200", "95.0 (91.0 to 97.6)"]
    assert honest[4:] == ["5.0 (2.4 to 9.0)", "5", ""]
    assert table([True] * 170 + [False] * 30, [True] * 30 + [False] * 170)[-1] == "OFF: held, alarms"
    assert table([True] * 200, [False] * 200)[-1] == ""  # too careful is no fault
