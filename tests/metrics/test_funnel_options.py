"""Orders, exclusions, grace, held properties and attempts."""

import numpy as np
import pytest

from metrics import Step, conversion_funnel, event_log, funnel_trend, funnel_users

ABC = ["a", "b", "c"]


def table(log, steps=ABC, window="10 seconds", as_of="2026-02-01", **options):
    return conversion_funnel(log, list(steps), window=window, as_of=as_of, **options)


def users(log, steps=ABC, **options):
    return table(log, steps, **options)["users"].tolist()


def seconds(user, events, start=1):
    """Events of a user, one a second."""
    return "\n".join(f"2026-01-01 00:00:{start + k:02d} {user} {event}" for k, event in enumerate(events.split()))


def levels(events, **options):
    """Furthest step of somebody who did these events, one a second; x y z exist elsewhere."""
    log = event_log(seconds("u", events) + "\n" + seconds("z", "c b a", 40))
    found = funnel_users(log, ABC, window="1 day", as_of="2026-02-01", **options)
    return found.set_index("user_id")["step"].get("u", 0)


@pytest.mark.parametrize(
    ("events", "level"),
    [
        ("a b c", 3),
        ("a a b b c", 3),  # repeats of the step just reached are tolerated
        ("a x b c", 1),
        ("a c b", 1),
        ("a b a b c", 3),  # starts again after the foreign event
        ("a b a c", 2),
        ("b c", 0),
    ],
)
def test_strict_order_allows_nothing_in_between(events, level):
    assert levels(events, order="strict") == level


@pytest.mark.parametrize(("events", "level"), [("c b a", 3), ("c x a", 2), ("b b b", 1), ("x", 0)])
def test_without_order_the_number_of_different_steps_counts(events, level):
    assert levels(events, order="unordered") == level


def test_without_order_one_row_still_serves_one_step():
    log = event_log("2026-01-01 ann a k=1\n2026-01-01 ben a k=1\n2026-01-02 ben a k=2")
    assert users(log, ["a", Step(None, where={"k": 1})], order="unordered", window="3 days") == [2, 1]


def test_without_order_times_go_from_row_to_row():
    log = event_log("2026-01-01 00:10 ann c\n2026-01-01 00:12 ann a\n2026-01-01 00:15 ann b")
    assert table(log, window="1 day", order="unordered")["mean_seconds"].tolist()[1:] == [120, 180]


def test_an_exclusion_voids_the_attempt_and_takes_the_user_out_of_every_count():
    log = event_log(seconds("out", "a x b c") + "\n" + seconds("in", "a b x c") + "\n" + seconds("late", "a b c x"))
    voided = table(log, exclude=[("x", 1, 2)])
    assert voided["users"].tolist() == [2, 2, 2]
    assert voided["excluded"].tolist() == [0, 0, 1]  # out had gone all the way
    people = funnel_users(log, ABC, window="10 seconds", as_of="2026-02-01", exclude=[("x", 1, 2)])
    assert people.set_index("user_id")[["step", "outcome"]].loc["out"].tolist() == [0, "excluded"]


def test_where_the_later_step_is_not_reached_the_window_bounds_the_exclusion():
    log = event_log(
        seconds("out", "a x") + "\n" + seconds("safe", "a") + "\n2026-01-01 00:00:12 safe x\n" + seconds("z", "b", 40)
    )
    assert table(log, ["a", "b"], exclude=[("x", 1, 2)])["users"].tolist() == [1, 0]
    assert table(log, ["a", "b"], exclude=[("x", 1, 2)])["excluded"].tolist() == [0, 1]


def test_a_clean_attempt_before_or_after_keeps_the_user():
    before = event_log(seconds("u", "a") + "\n" + seconds("u", "a x b", 31))
    after = event_log(seconds("u", "a x") + "\n" + seconds("u", "a b", 31))
    assert users(before, ["a", "b"], exclude=[("x", 1, 2)]) == [1, 0]
    assert users(after, ["a", "b"], exclude=[("x", 1, 2)]) == [1, 1]


def test_at_the_same_instant_nothing_is_excluded():
    log = event_log("2026-01-01 ann a\n2026-01-01 ann x\n2026-01-01 00:00:05 ann b\n2026-01-01 00:00:05 ann x")
    assert users(log, ["a", "b"], exclude=[("x", 1, 2)]) == [1, 1]


def test_grace_lets_a_step_lie_shortly_before_the_one_it_follows():
    log = event_log("2026-01-01 00:00:08 ann b\n2026-01-01 00:00:10 ann a")
    assert users(log, ["a", "b"]) == [1, 0]
    assert users(log, ["a", "b"], grace="1 second") == [1, 0]
    assert users(log, ["a", "b"], grace="2 seconds") == [1, 1]


def test_with_grace_one_row_still_serves_one_step():
    log = event_log("2026-01-01 00:00:10 ann a\n2026-01-01 00:00:30 ben a\n2026-01-01 00:00:31 ben a")
    assert users(log, ["a", "a"], grace="2 seconds") == [2, 1]


def test_a_held_property_makes_each_of_its_values_a_unit_of_its_own():
    log = event_log("2026-01-01 ann a p=1\n2026-01-02 ann b p=2\n2026-01-01 ben a p=1\n2026-01-02 ben b p=1")
    assert users(log, ["a", "b"], window="3 days") == [2, 2]
    assert users(log, ["a", "b"], window="3 days", hold_constant=["p"]) == [2, 1]
    with pytest.raises(ValueError, match="hold_constant: 'q' is not a column"):
        users(log, ["a", "b"], hold_constant="q")


def test_attempts_count_one_after_another():
    log = event_log(seconds("ann", "a a b a b a") + "\n" + seconds("ben", "a", 1))
    counted = table(log, ["a", "b"], window="2 seconds", counting="attempts")
    assert counted["users"].tolist() == [4, 2]  # the second a of ann lies in her first attempt
    apart = event_log(seconds("ann", "a") + "\n" + seconds("ann", "a", 11) + "\n" + seconds("ann", "a", 22))
    with pytest.warns(UserWarning, match="never done"):
        assert users(apart, ["a", "b"], counting="attempts") == [2, 0]  # the window's last instant is still inside


def test_limits_of_attempts_allow_for_users_who_are_all_alike_inside():
    """Ten users who always or never convert, twenty times each, are worth ten users and not two hundred."""
    lines = []
    for user in range(10):
        for hour in range(20):
            lines.append(f"2026-01-01 {hour:02d}:00 u{user} a")
            if user % 2:
                lines.append(f"2026-01-01 {hour:02d}:01 u{user} b")
    log = event_log("\n".join(lines))
    row = table(log, ["a", "b"], window="10 minutes", counting="attempts").iloc[1]
    assert row["users"] == 100
    half = 2.262157 * np.sqrt(0.25 / 10 * 10 / 9)  # Student's t with nine degrees of freedom
    assert row["conversion_rate_high"] - 0.5 == pytest.approx(half, abs=1e-6)
    with pytest.raises(ValueError, match="not used by funnel_trend"):
        funnel_trend(log, ["a", "b"], as_of="2026-02-01", counting="attempts")


def test_a_trend_leaves_void_attempts_out():
    log = event_log(seconds("ann", "a x b") + "\n" + seconds("ben", "a b"))
    trend = funnel_trend(log, ["a", "b"], period="month", as_of="2026-02-01", exclude=[("x", 1, 2)])
    assert trend["users"].tolist() == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exclude": [("x", 2, 1)]}, "two steps in order"),
        ({"exclude": ["x"]}, "is not .event, from_step, to_step."),
        ({"grace": "2 seconds", "order": "strict"}, "has no meaning with order='strict'"),
        ({"grace": 2}, "grace: 2 is not a span"),
        ({"counting": "events"}, "counting: 'events' is not known"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        users(event_log(seconds("ann", "a b c x")), **options)


def test_an_attempt_begins_after_the_completion_of_the_one_before_and_not_with_it():
    log = event_log(
        "2026-01-01 00:00:01 u a\n2026-01-01 00:00:02 u b\n2026-01-01 00:00:02 u a\n2026-01-01 00:00:03 u b"
    )
    assert users(log, ["a", "b"], counting="attempts") == [1, 1]


def test_an_exclusion_at_the_last_instant_of_the_window_still_voids():
    log = event_log("2026-01-01 00:00:01 in a\n2026-01-01 00:00:11 in x\n" + seconds("z", "a b", 40))
    assert table(log, ["a", "b"], exclude=[("x", 1, 2)])["excluded"].tolist() == [0, 1]
    late = event_log("2026-01-01 00:00:01 in a\n2026-01-01 00:00:11.001 in x\n" + seconds("z", "a b", 40))
    assert table(late, ["a", "b"], exclude=[("x", 1, 2)])["users"].tolist() == [2, 1]


def test_a_void_attempt_keeps_nobody_open():
    log = event_log("2026-01-01 ann a\n2026-01-31 ann a\n2026-01-31 01:00 ann x\n2026-01-01 ben b")
    options = {"window": "7 days", "exclude": [("x", 1, 2)]}
    assert table(log, ["a", "b"], **options)[["dropped", "open"]].iloc[1].tolist() == [1, 0]
    assert table(log, ["a", "b"], window="7 days")[["dropped", "open"]].iloc[1].tolist() == [0, 1]


def test_attempts_of_users_who_do_not_differ_are_worth_one_each():
    one = "\n".join(f"2026-01-01 {hour:02d}:00 ann a\n2026-01-01 {hour:02d}:01 ann b" for hour in range(20))
    options = {"window": "10 minutes", "counting": "attempts"}
    alone = table(event_log(one), ["a", "b"], **options).iloc[1]
    assert alone["users"] == 20
    assert alone["conversion_rate_low"] == pytest.approx(0.2065, abs=1e-4)  # Wilson, 1 of 1
    three = event_log("\n".join(one.replace("ann", name) for name in ("ann", "ben", "cat")))
    assert table(three, ["a", "b"], **options)["conversion_rate_low"][1] == pytest.approx(0.4385, abs=1e-4)  # 3 of 3


def test_the_censored_rate_of_attempts_claims_no_certainty_it_has_not():
    log = event_log("2026-01-01 ann a\n2026-01-02 ann b\n2026-01-01 ben a\n2026-01-31 ben a")
    options = {"window": "7 days", "counting": "attempts"}
    still = table(log, ["a", "b"], **options).iloc[1]
    assert still["open"] == 1
    assert not np.isnan(still["censored_conversion_rate"])
    assert np.isnan(still["censored_conversion_rate_low"])
    over = table(log, ["a", "b"], as_of="2026-03-01", **options).iloc[1]
    assert over["censored_conversion_rate_low"] == over["conversion_rate_low"]


# -- optional steps: the attempt is found on the required ones alone

MAYBE = ["a", Step("b", optional=True), "c"]
SOME = event_log(
    seconds("all", "a b c") + "\n" + seconds("without", "a x c") + "\n" + seconds("after", "a c b") + "\n"
    + seconds("before", "b a c") + "\n" + seconds("stays", "a b") + "\n" + seconds("lost", "a")
)  # fmt: skip


def test_an_optional_step_is_counted_between_its_neighbours_and_nobody_is_lost_at_it():
    found = table(SOME, MAYBE)
    assert found["users"].tolist() == [6, 2, 4]  # all and stays did b where it belongs
    assert found["dropped"].tolist() == [0, 0, 2]
    assert found["open"].tolist() == [0, 0, 0]
    assert np.isnan(found["drop_off_rate"][1])
    assert found["step_conversion_rate"].tolist()[1:] == [2 / 6, 4 / 6]  # both over step 1
    assert found["conversion_rate"].tolist()[1:] == [2 / 6, 4 / 6]
    assert found["event"][1] == "b (optional)"


def test_a_user_converts_with_the_last_required_step():
    people = funnel_users(SOME, [*MAYBE, Step("x", optional=True)], window="10 seconds", as_of="2026-02-01")
    people = people.set_index("user_id")
    assert people["outcome"].to_dict() == {
        "after": "converted", "all": "converted", "before": "converted", "lost": "dropped", "stays": "dropped",
        "without": "converted",
    }  # fmt: skip
    assert len(people.loc["all", "step_times"]) == 3
    assert len(people.loc["without", "step_times"]) == 2


def test_an_optional_step_never_changes_the_required_ones():
    with_it, without = table(SOME, MAYBE), table(SOME, ["a", "c"])
    columns = ["users", "dropped", "open", "conversion_rate", "mean_seconds", "median_seconds"]
    assert with_it.loc[[0, 2], columns].reset_index(drop=True).equals(without[columns])


def test_an_optional_row_is_a_row_of_its_own():
    log = event_log("2026-01-01 u a\n2026-01-02 u a\n2026-01-01 v a\n2026-01-01 v c\n2026-01-02 u c")
    assert users(log, ["a", Step("a", optional=True), "c"], window="3 days") == [2, 0, 2]  # best: begun last


def test_the_definition_and_the_settings_say_what_is_optional():
    found = table(SOME, MAYBE)
    assert found.attrs["settings"]["steps"] == ["a", "b (optional)", "c"]
    assert "a, then b (optional), then c" in found.attrs["definition"]
    assert "an optional step counts where it was done between its neighbours" in found.attrs["definition"]
    assert "optional" not in table(SOME, ["a", "c"]).attrs["definition"]


@pytest.mark.parametrize(
    ("steps", "options", "message"),
    [
        ([Step("a", optional=True), "b"], {}, "the first step, 'a .optional.', cannot be optional"),
        (MAYBE, {"order": "unordered"}, "'b .optional.' has no meaning with order='unordered'"),
        (MAYBE, {"order": "strict"}, "'b .optional.' has no meaning with order='strict'"),
        (["a", Step("b", optional=True)], {}, "are optional, so that nobody could be lost"),
        (MAYBE, {"exclude": [("x", 1, 2)]}, "step 2 of .* is optional"),
    ],
)
def test_optional_steps_that_mean_nothing_are_refused(steps, options, message):
    with pytest.raises(ValueError, match=message):
        users(SOME, steps, **options)


REENTRY = "2026-01-01 ann a dev=phone\n2026-01-03 ann a dev=desk\n2026-01-04 ann b dev=desk\n2026-01-01 ben a dev=phone"


def test_the_group_of_the_entry_does_not_hang_on_which_attempt_counts():
    log = event_log(REENTRY)
    by_attempt = table(log, ["a", "b"], by="dev", window="2 days")
    by_entry = table(log, ["a", "b"], by="dev", window="2 days", attribution="entry")
    assert by_attempt["users"].tolist() == [1, 1, 1, 0]  # desk, phone
    assert by_entry["dev"].unique().tolist() == ["phone"]
    assert by_entry["users"].tolist() == [2, 1]
    general = table(log, ["a", "b"], by="dev", window="2 days", attribution="entry", ties="strict_increase")
    assert general["users"].tolist() == [2, 1]


def test_an_excluded_row_outside_the_range_is_as_if_it_were_not_there():
    log = event_log("2026-01-05 ann a\n2026-01-15 ann x\n2026-01-05 ben a\n2026-01-20 cat b")
    options = {"since": "2026-01-01", "until": "2026-01-10", "exclude": [("x", 1, 2)], "window": "14 days"}
    assert table(log, ["a", "b"], range_applies_to="all_steps", **options)["users"].tolist() == [2, 0]
    assert table(log, ["a", "b"], **options)["excluded"].tolist() == [0, 1]


def test_an_exclusion_may_mean_the_first_time_only():
    log = event_log("2026-01-01 ann x\n2026-01-02 ann a\n2026-01-03 ann x\n2026-01-04 ann b")
    first = Step("x", first_time_only=True)
    assert table(log, ["a", "b"], exclude=[(first, 1, 2)], window="9 days")["users"].tolist() == [1, 1]
    assert table(log, ["a", "b"], exclude=[("x", 1, 2)], window="9 days")["users"].tolist() == [0, 0]


def test_a_trend_calls_nobody_open_once_the_range_of_all_steps_is_over():
    log = event_log("2026-01-05 ann a\n2026-01-06 ann b\n2026-01-08 ben a")
    trend = funnel_trend(
        log, ["a", "b"], since="2026-01-05", until="2026-01-12", range_applies_to="all_steps", as_of="2026-01-14"
    )
    assert trend[["users", "converted", "open", "complete"]].to_numpy().tolist() == [[2, 1, 0, True]]


def test_ties_have_no_meaning_without_order():
    with pytest.raises(ValueError, match="ties: 'strict_increase' has no meaning with order='unordered'"):
        table(event_log(REENTRY), ["a", "b"], order="unordered", ties="strict_increase")


def test_with_grace_a_row_still_serves_one_step_and_its_neighbour_of_the_same_instant_another():
    stamps = "2026-01-01 10:00:0"
    shared = event_log(f"{stamps}4 ann c\n{stamps}4 ann d\n{stamps}5 ann a")
    assert table(shared, ["a", "c", "d"], grace="2 seconds")["users"].tolist() == [1, 1, 1]
    once = event_log(f"{stamps}2 ann b\n{stamps}3 ann a\n2026-01-01 10:00 zoe a")
    assert table(once, ["a", "b", "a"], grace="2 seconds")["users"].tolist() == [2, 1, 0]


def test_attempts_that_end_before_they_began_are_counted_one_after_another():
    log = event_log("2026-01-01 10:00:00 ann buy\n2026-01-01 10:00:01 ann visit\n2026-01-01 10:00:09 ann visit")
    found = table(log, ["visit", "buy"], grace="2 seconds", counting="attempts", window="5 seconds")
    assert found["users"].tolist() == [2, 1]
