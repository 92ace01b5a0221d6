"""Why another tool shows another number: the rule, and the users behind it."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import conversion_funnel, event_log
from metrics.funnel.explain import explain_funnel
from metrics.funnel.reconcile import reconcile_funnel

LOG = event_log("""
    2026-01-05           same   visit   # everybody agrees
    2026-01-06           same   buy

    2026-01-05           twice  visit   # the first entry fails, the second succeeds
    2026-01-20           twice  visit
    2026-01-21           twice  buy

    2026-01-31           after  visit   # buys after the range
    2026-02-02           after  buy

    2026-01-10 00:00:01  clock  visit   # bought one second before
    2026-01-10 00:00:00  clock  buy
""")
STEPS = ["visit", "buy"]
JANUARY = {"since": "2026-01-01", "until": "2026-02-01", "as_of": "2026-06-01"}


def reconcile(log=LOG, window="7 days", **options):
    table = reconcile_funnel(log, STEPS, window=window, **{**JANUARY, **options})
    return table.set_index(["tool", "step"])


def at(table, step, column="users"):
    """A column of one step by tool."""
    return table.xs(step, level="step")[column].to_dict()


def test_each_tool_has_its_number_and_the_rule_that_makes_it():
    table = reconcile()
    assert table.reset_index().columns.tolist() == [
        "tool", "step", "event", "users", "difference", "users_only_here", "users_missing", "rule",
        "ids_only_here", "ids_missing",
    ]  # fmt: skip
    assert at(table, 2) == {
        "amplitude": 4,
        "clickhouse": 2,
        "metrics": 3,
        "mixpanel": 3,
        "posthog": 2,
    }
    assert at(table, 2, "rule") == {
        "amplitude": "grace=1 second: +1",
        "clickhouse": "range_applies_to=all_steps: -1",
        "metrics": "as asked for",
        "mixpanel": "reentry=first: -1; grace=2 seconds: +1",
        "posthog": "range_applies_to=all_steps: -1",
    }
    assert set(at(table, 1, "rule").values()) == {"as asked for", "same users"}


def test_the_users_behind_a_difference_are_named_also_where_the_counts_agree():
    row = reconcile().loc[("mixpanel", 2)]
    assert row["difference"] == 0
    assert (row["users_only_here"], row["users_missing"]) == (1, 1)
    assert (row["ids_only_here"], row["ids_missing"]) == (["clock"], ["twice"])


def test_a_user_who_is_named_can_be_explained():
    user = reconcile().loc[("posthog", 2), "ids_missing"][0]
    options = JANUARY | {"window": "7 days"}
    assert explain_funnel(LOG, STEPS, user_id=user, **options)["outcome"].tolist() == ["counted", "counted"]
    theirs = explain_funnel(LOG, STEPS, user_id=user, like="posthog", **options)
    assert theirs["outcome"].tolist() == ["counted", "dropped"]
    assert "every step must lie in the range, before 2026-02-01 00:00" in theirs["reason"][1]


def test_what_is_asked_for_holds_for_every_tool():
    table = reconcile(reentry="first", grace="2 seconds")
    assert table["users"]["mixpanel"].tolist() == table["users"]["metrics"].tolist() == [4, 3]
    assert table["rule"]["mixpanel"].tolist() == ["same users"] * 2


def test_the_window_is_the_tools_own_where_none_was_asked_for():
    log = event_log("2026-01-01 u visit\n2026-01-10 u buy")
    table = reconcile_funnel(log, STEPS, as_of="2026-06-01").set_index(["tool", "step"])
    assert at(table, 2) == {
        "amplitude": 0, "clickhouse": 1, "metrics": 1, "mixpanel": 0, "posthog": 1,
    }  # fmt: skip
    assert table["rule"]["mixpanel"][2] == "window=7 days: -1"


def test_rules_that_work_only_together_are_said_so():
    # In 14 days the first entry converts; in 7 days the second one does, unless only the first entry counts.
    log = event_log("2026-01-01 u visit\n2026-01-09 u visit\n2026-01-10 u buy")
    table = reconcile_funnel(log, STEPS, tools=["mixpanel"], as_of="2026-06-01")
    assert table["rule"].tolist()[-1] == "window=7 days with reentry=first: -1"


def test_rules_that_hinder_each_other_are_said_with_their_sum():
    # u: bought a second before the second entry; the grace lets it convert, but not where only the first entry counts.
    log = event_log(
        "2026-01-01 u visit\n2026-01-20 00:00:01 u visit\n2026-01-20 u buy\n"
        "2026-01-20 00:00:01 v visit\n2026-01-20 v buy"
    )
    table = reconcile(log, tools=["mixpanel", "amplitude"])
    assert table["rule"]["amplitude"][2] == "grace=1 second: +2"
    assert table["rule"]["mixpanel"][2] == "grace=2 seconds: +2; together: +1"


def test_rules_that_undo_each_other_leave_the_same_users():
    log = event_log("2026-01-01 u visit\n2026-01-20 00:00:01 u visit\n2026-01-20 u buy")
    assert reconcile(log, tools=["mixpanel"])["rule"]["mixpanel"][2] == "same users"


def test_lists_of_users_are_short_and_their_counts_whole():
    log = event_log("\n".join(f"2026-01-31 u{k:02d} visit\n2026-02-02 u{k:02d} buy" for k in range(30)))
    row = reconcile(log, tools=["posthog"]).loc[("posthog", 2)]
    assert row["users_missing"] == 30
    assert row["ids_missing"] == [f"u{k:02d}" for k in range(20)]


def test_attempts_of_one_user_are_counted_each():
    log = event_log("2026-01-05 u visit\n2026-01-06 u buy\n2026-01-30 u visit\n2026-02-02 u buy")
    row = reconcile(log, tools=["posthog"], counting="attempts").loc[("posthog", 2)]
    assert (row["users"], row["users_missing"], row["ids_missing"]) == (1, 1, ["u"])


def test_a_user_who_is_several_units_is_counted_each_time_and_named_once():
    held = event_log(
        "\n".join(f"2026-01-30 u visit page={page}\n2026-02-02 u buy page={page}" for page in "pqr")
        + "\n2026-01-30 v visit page=p\n2026-01-31 v buy page=p"
    )
    row = reconcile(held, tools=["posthog"], hold_constant="page").loc[("posthog", 2)]
    assert (row["users"], row["users_missing"], row["ids_missing"]) == (1, 3, ["u"])


def test_the_excluded_are_in_no_count():
    log = event_log("2026-01-05 u visit\n2026-01-06 u refund\n2026-01-07 u buy\n2026-01-05 v visit\n2026-01-06 v buy")
    table = reconcile(log, exclude=[("refund", 1, 2)])
    assert set(table["users"]) == {1}


def test_nobody_is_no_error():
    table = reconcile_funnel(LOG[:0], STEPS, as_of="2026-06-01")
    assert table["users"].tolist() == [0] * 10
    assert set(table["rule"]) == {"as asked for", "same users"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tools": ["heap"]}, "tools: 'heap' is not known"),
        ({"tools": []}, "is not a list of tools"),
        ({"tools": "mixpanel"}, "is not a list of tools"),
        ({"like": "mixpanel"}, "like: 'mixpanel' is not used by reconcile_funnel"),
        ({"by": "plan"}, "by: 'plan' is not used by reconcile_funnel"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        reconcile(**options)


ROWS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["visit", "buy"]), st.sampled_from("uvw")), min_size=1, max_size=20
)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_numbers_are_those_of_the_funnel_and_the_difference_is_those_who_differ(rows):
    rows = [*rows, (0, "visit", "z"), (500, "buy", "z")]
    log = pd.DataFrame({
        "user_id": [user for *_, user in rows],
        "event": [event for _, event, _ in rows],
        "timestamp": pd.to_datetime([second for second, *_ in rows], unit="s", utc=True).as_unit("us"),
    })  # fmt: skip
    options = {"window": "5 seconds", "until": "1970-01-01 00:00:20", "as_of": "1970-01-02"}
    table = reconcile_funnel(log, STEPS, **options)
    for tool, block in table.groupby("tool"):
        like = None if tool == "metrics" else tool
        assert block["users"].tolist() == conversion_funnel(log, STEPS, like=like, **options)["users"].tolist()
        assert (block["difference"] == block["users_only_here"] - block["users_missing"]).all()
        assert block["ids_missing"].str.len().tolist() == block["users_missing"].tolist()
        agree = (block["users_only_here"] == 0) & (block["users_missing"] == 0)
        assert (block.loc[agree, "rule"].str.contains("same users|as asked for")).all()
        assert (block.loc[~agree, "rule"].str.contains("=")).all()
