"""Groups, drivers, paths, one user and other tools, as a reader meets them: each number with what it is of."""

import re

import numpy as np
import pandas as pd

from metrics import Step, conversion_funnel, drop_off_paths, event_log, explain_funnel, reconcile_funnel, user_paths
from metrics.display import headline, show

THIN = "\u202f"


def words(html):
    """The text of a table, cell by cell."""
    rows = re.findall("<tr.*?</tr>", html)
    return [[re.sub("<[^>]+>", "", cell) for cell in re.findall("<t[hd].*?</t[hd]>", row)] for row in rows]


def foot(html):
    return re.search('<p class="foot">(.*)</p>', html)[1].split("<br>")


def compared(p_phone=0.031):
    return pd.DataFrame({
        "group": ["desk", "desk", "phone", "phone", "tv", "tv"], "step": [1, 2] * 3, "event": ["visit", "buy"] * 3,
        "users": [500, 200, 100, 27, 9, 0], "conversion_rate": [1, 0.4, 1, 0.27, 1, 0],
        "conversion_rate_low": [1, 0.36, 1, 0.19, 1, 0], "conversion_rate_high": [1, 0.44, 1, 0.36, 1, 0.3],
        "difference": [np.nan, np.nan, np.nan, -0.13, np.nan, np.nan],
        "difference_low": [np.nan, np.nan, np.nan, -0.222, np.nan, np.nan],
        "difference_high": [np.nan, np.nan, np.nan, -0.025, np.nan, np.nan],
        "p_value": [np.nan] * 3 + [0.0155, np.nan, np.nan], "p_adjusted": [np.nan] * 3 + [p_phone, np.nan, np.nan],
        "reason": ["control", "control", "first_step", None, "first_step", "below_min_n"],
    })  # fmt: skip


def test_groups_are_compared_in_points_with_the_reason_where_they_are_not():
    html = show(compared(), "Groups").html
    table = words(html)
    assert table[0] == ["Group", "Step", "Users", "From start, %", "Difference, points", "p, all tests together"]
    assert table[2] == ["", "buy", "200", "40 36 to 44", "– compared with", "–"]
    assert table[3] == ["phone", "visit", "100", "100", "– all, by definition", "–"]
    assert table[4] == ["", "buy", "27", "27 19 to 36", "−13 −22 to −3", "0.031"]
    assert table[6] == ["", "buy", "0", "0 0 to 30", "– too few to say", "–"]
    assert f"27.0{THIN}% − 40.0{THIN}% = −13.0 points, phone at buy." in foot(html)[0]


def test_several_columns_of_by_name_a_group_once():
    table = compared().assign(group=compared()["group"] + ", pro")
    table.insert(0, "plan", "pro")
    table.insert(0, "device", compared()["group"])
    assert words(show(table, "Groups").html)[1][:3] == ["desk, pro", "visit", "500"]


def test_a_p_value_that_does_not_exist_says_why():
    table = compared().assign(reason=["control"] * 2 + ["first_step", "p_value: zero_variance"] + ["first_step"] * 2)
    table["p_adjusted"] = np.nan
    assert words(show(table, "Groups").html)[4][4:] == ["−13 −22 to −3", "– nobody differs"]


def test_the_headline_of_groups_is_the_surest_difference_or_that_there_is_none():
    assert headline(compared()) == (
        f"−13 points (−22 to −3): phone reach buy less often than desk, of whom 40.0{THIN}% do; adjusted p 0.03. "
        "1 of 2 groups differs by more than chance explains."
    )
    assert headline(compared(0.2)) == (
        "– no group differs from desk by more than chance explains. "
        "The largest difference at buy: phone, −13 points (−22 to −3)."
    )
    assert headline(compared()[:2]) == "– there is no second group to compare with."
    assert headline(compared().drop([2, 3])) == "– no group can be compared: too few to say."


def drivers(p=0.001):
    return pd.DataFrame({
        "event": ["tour", "help"], "converted": [40, 3], "of_converted": 100, "dropped": [24.5, 2.0], "of_dropped": 200,
        "converted_share": [0.4, np.nan], "dropped_share": [0.1225, np.nan], "odds_ratio": [4.7, np.nan],
        "odds_ratio_low": [3.2, np.nan], "odds_ratio_high": [6.9, np.nan], "p_value": [p, np.nan],
        "p_adjusted": [p, np.nan], "reason": pd.Series([None, "below_min_n"], dtype="str"),
    })  # fmt: skip


def test_drivers_say_of_how_many_and_that_they_are_no_effect():
    html = show(drivers(), "Drivers").html
    table = words(html)
    assert table[0] == ["Event", "Of 100 converted, %", "Of 200 dropped, %", "Odds ratio", "p, all tests together"]
    assert table[1] == ["tour", "40.0", "12.3", "4.7 3.2 to 6.9", "0.001"]
    assert table[2] == ["help", "–", "–", "– too few to say", "–"]
    assert f"24.5 / 200 = 12.3{THIN}% of the dropped" in foot(html)[1]
    assert headline(drivers()) == (
        f"4.7 times the odds of having done tour among those who converted (3.2 to 6.9): 40{THIN}% of them did it on "
        f"the way, 12{THIN}% of those who dropped. An association, not an effect."
    )
    assert headline(drivers(0.3)) == "– no event on the way goes with conversion by more than chance explains."


LATE = event_log("""
    2026-01-01 10:00:00.250  ann  visit
    2026-01-03 10:00         ann  visit
    2026-01-11 09:00         ann  buy
    2026-01-01               ben  visit
    2026-01-02               ben  buy
    2026-01-02               cat  buy
""")


def explained(user, **choices):
    asked = {"window": "7 days", "as_of": "2026-02-01", "tz": "Europe/Berlin"} | choices
    return explain_funnel(LATE, ["visit", "buy"], user_id=user, **asked)


def test_one_user_is_told_attempt_by_attempt_on_local_clocks():
    html = show(explained("ann"), "Ann").html
    table = words(html)
    assert table[0] == ["Attempt", "Step", "Time, Berlin", "What it means", "Why"]
    assert [row[:4] for row in table[1:]] == [
        ["1", "1\u00a0visit", "1\u00a0Jan\u00a02026,\u00a011:00", "counted"],
        ["", "2\u00a0buy", "–", "dropped"],
        ["2", "1\u00a0visit", "3\u00a0Jan\u00a02026,\u00a011:00", "not counted"],
        ["", "2\u00a0buy", "–", "not counted"],
    ]
    assert table[2][4] == (
        "not done within 7 days of step 1 (until 2026-01-08 11:00:00): done 2026-01-11 10:00, "
        "2 days 22 hours after the window"
    )
    assert foot(html)[0] == "All within 7 days of step 1. Times are those of Europe/Berlin."
    assert '<td class="text hot">dropped</td>' in html


def test_a_single_attempt_has_no_number():
    assert words(show(explained("ben"), "Ben").html)[0] == ["Step", "Time, Berlin", "What it means", "Why"]


def test_the_headline_of_one_user_is_how_far_and_why_no_further():
    assert headline(explained("ann")) == (
        "1 of 2 steps counts for ann, in attempt 1 of 2. buy: not done within 7 days of step 1 "
        "(until 2026-01-08 11:00:00): done 2026-01-11 10:00, 2 days 22 hours after the window."
    )
    assert headline(explained("ben")) == "2 of 2 steps count for ben: all of them."
    assert headline(explained("cat")).startswith("0 of 2 steps count for cat. visit: never done")
    void = explained("ben", exclude=[("visit", 1, 2)], since="2026-01-05")
    assert headline(void).startswith("0 of 2 steps count for ben. visit: does not enter")


def test_of_counted_attempts_the_furthest_is_told():
    log = event_log("""
        2026-01-01  ann  visit
        2026-01-20  ann  visit
        2026-01-21  ann  buy
    """)
    asked = {"window": "7 days", "as_of": "2026-02-01", "counting": "attempts"}
    assert headline(explain_funnel(log, ["visit", "buy"], user_id="ann", **asked)) == (
        "2 of 2 steps count for ann, in attempt 2 of 2: all of them."
    )


def test_a_difference_of_less_than_a_second_keeps_its_digits():
    log = event_log("""
        2026-01-01 10:00:00.250  ann  visit
        2026-01-08 10:00:00.500  ann  buy
    """)
    why = explain_funnel(log, ["visit", "buy"], user_id="ann", window="7 days", as_of="2026-02-01")
    assert "10:00:00.25" in headline(why)
    assert "0.25 seconds after the window" in headline(why)


def test_the_tool_that_differs_most_is_named_with_its_rule():
    log = event_log("""
        2026-01-01  ann  visit
        2026-01-10  ann  visit
        2026-01-11  ann  buy
    """)
    asked = {"window": "7 days", "as_of": "2026-02-01"}
    table = reconcile_funnel(log, ["visit", "buy"], tools=["posthog", "mixpanel"], **asked)
    assert headline(table) == (
        "−1 users at buy under the rules of mixpanel, which differs most: 0 in place of 1, "
        "because of reentry=first: −1."
    )
    html = show(table, "Tools").html
    assert words(html)[0] == ["Rules of", "Step", "Users", "Difference", "Only there", "Only as asked", "Because of"]
    assert words(html)[-1] == ["", "buy", "0", "−1", "0", "1", "reentry=first: −1"]
    assert "0 − 1 = −1, mixpanel at buy." in foot(html)[0]
    alike = reconcile_funnel(log, ["visit", "buy"], tools=["posthog"], **asked)
    assert headline(alike).startswith("0 users are counted otherwise")


WALKS = event_log("""
    2026-01-01 10:00  ann  visit
    2026-01-01 10:05  ann  help
    2026-01-02 09:00  ben  visit
    2026-01-02 09:01  ben  help
    2026-01-03 12:00  cat  visit
    2026-01-03 12:01  cat  buy
""")


def test_paths_say_where_most_go_and_where_most_stop():
    paths = user_paths(WALKS, as_of="2026-02-01")
    assert headline(paths) == (
        f"67{THIN}% of 3 who began with visit went on to help (21 to 94); most stop after help (2 of 2, step 2)."
    )
    table = words(show(paths, "Paths").html)
    assert table[:2] == [
        ["Step", "From", "To", "Users", "Share, %", "Mean time"],
        ["1", "visit", "help", "2", "66.7", f"3{THIN}min"],
    ]
    assert f"2 / 3 = 66.7{THIN}%, visit to help." in foot(show(paths, "Paths").html)[0]
    back = user_paths(WALKS, end_event="buy")
    assert headline(back).startswith("100" + THIN + "% of 1 who reached buy came there from visit")


def test_those_who_dropped_are_told_by_what_the_others_did_less():
    paths = drop_off_paths(WALKS, ["visit", "buy"], window="7 days", as_of="2026-02-01")
    table = words(show(paths, "Paths").html)
    assert table[0] == ["Outcome", "Step", "From", "To", "Users", "Share, %", "Difference, points"]
    assert [row[0] for row in table[1:]] == ["dropped", "", "converted"]
    assert "nothing is clearly more common among them" in headline(paths)
    bounds = {"difference": [0.5, 0.0, np.nan], "difference_low": [0.25, 0.0, np.nan]}
    clear = paths.assign(**bounds, difference_high=[0.75, 0.0, np.nan])
    assert words(show(clear, "Paths").html)[1][-1] == "+50 +25 to +75"
    assert headline(clear).endswith("did help next (34 to 100): 50 points more than of those who went on (+25 to +75).")


def test_an_optional_step_loses_nobody_and_is_not_the_end():
    steps = ["visit", Step("help", optional=True), "buy", Step("share", optional=True)]
    log = pd.concat([WALKS, event_log("2026-01-03 12:05  cat  share")], ignore_index=True)
    table = conversion_funnel(log, steps, window="7 days", as_of="2026-02-01")
    assert headline(table).startswith(f"33{THIN}% of 3 who did visit did buy within 7 days")
    assert f"most are lost at buy (67{THIN}% of those before)" in headline(table)
    html = show(table, "Optional").html
    assert words(html)[2][:4] == ["help (optional)", "2", "–", "–"]
    assert words(html)[4][:4] == ["share (optional)", "1", "–", "–"]
    assert foot(html)[0] == "Users of the step before = users + stopped + open: 3 = 1 + 2 + 0."
    assert foot(html)[-1].startswith("An optional step loses nobody")
