"""What goes with conversion: who is looked at, for how long, and how the counts become an odds ratio."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.contingency_tables import Table2x2
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from metrics import Step, event_log
from metrics.funnel.drivers import funnel_drivers
from metrics.plots.funnel_groups import plot_funnel_drivers

LOG = event_log("""
    2026-01-01        ann   visit
    2026-01-02        ann   invite
    2026-01-02        ann   search
    2026-01-03        ann   search    # twice is once
    2026-01-04        ann   buy       # took three days
    2026-01-05        ann   review    # after she was done

    2025-12-31        ben   search    # before he entered
    2026-01-01        ben   visit
    2026-01-01        ben   login     # at the instant of the entry
    2026-01-02        ben   buy       # took one day
    2026-01-02        ben   invite    # at the instant of completion

    2026-01-01        cat   visit
    2026-01-01 12:00  cat   search    # sooner than anybody was done
    2026-01-02        cat   ping      # after just as long as ben took
    2026-01-03        cat   invite    # after two days: ben was done, ann was not
    2026-01-07        cat   review    # nobody took so long
    2026-01-09        cat   wait      # after the window

    2026-01-01        dan   visit
    2026-01-08        dan   wait      # at its last instant

    2026-01-28        late  visit     # still has time
    2026-01-29        late  invite
    2026-01-28        soon  visit     # bought at once; others of that day still have time
    2026-01-29        soon  invite
    2026-01-30        soon  buy
    2026-01-05        back  visit     # came to nothing, but he is back and may still buy
    2026-01-06        back  search
    2026-01-31        back  visit
    2026-01-10        never invite    # never entered
""")
STEPS = ["visit", "buy"]


def drivers(log=LOG, steps=STEPS, window="7 days", as_of="2026-02-01", min_users=1, **options):
    return funnel_drivers(log, steps, window=window, as_of=as_of, min_users=min_users, **options)


def counts(table):
    return {row.event: (row.converted, row.dropped) for row in table.itertuples()}


def crowd(converted, dropped, events):
    """Converted take two days, dropped none; of each so many do an event after one day."""
    day = pd.Timestamp("2026-01-01", tz="UTC")
    rows = [(f"c{k}", "visit", day) for k in range(converted)] + [(f"d{k}", "visit", day) for k in range(dropped)]
    rows += [(f"c{k}", "buy", day + pd.Timedelta(days=2)) for k in range(converted)]
    for event, (of_converted, of_dropped) in events.items():
        later = day + pd.Timedelta(days=1)
        rows += [(f"c{k}", event, later) for k in range(of_converted)]
        rows += [(f"d{k}", event, later) for k in range(of_dropped)]
    return pd.DataFrame(rows, columns=["user_id", "event", "timestamp"])


def test_what_is_done_between_entry_and_completion_counts_once_a_user():
    whole = drivers(exposure="window")
    assert counts(whole) == {"search": (1, 1), "invite": (1, 1), "ping": (0, 1), "review": (0, 1), "wait": (0, 1)}
    assert whole["of_converted"].unique().tolist() == [2]
    assert whole["of_dropped"].unique().tolist() == [2]


def test_the_dropped_are_looked_at_for_as_long_as_the_converted_took():
    table = drivers().set_index("event")
    assert counts(drivers()) == {
        "search": (1, 1), "invite": (1, 0.5), "ping": (0, 0.5), "review": (0, 0), "wait": (0, 0),
    }  # fmt: skip
    assert table.loc["search", "dropped_share"] == 1 / 2  # cat in the first half day
    assert table.loc["invite", "dropped_share"] == (1 / 2 + 0) / 2  # cat by ann's three days, nobody by ben's one
    assert table.loc["invite", "converted_share"] == 1 / 2
    assert table.loc["review", "dropped_share"] != table.loc["review", "dropped_share"]  # nobody in so little time
    assert table.loc["review", "reason"] == "below_min_n"


def test_whose_window_is_not_over_is_left_out_and_counted():
    settings = drivers().attrs["settings"]
    assert {name: settings[name] for name in ("converted", "dropped", "left_out", "excluded")} == {
        "converted": 2, "dropped": 2, "left_out": 3, "excluded": 0,
    }  # fmt: skip
    later = drivers(as_of="2026-03-01")
    assert later.attrs["settings"]["left_out"] == 0
    assert later["of_converted"].unique().tolist() == [3]  # soon
    assert later["of_dropped"].unique().tolist() == [4]  # late, and back


def test_in_a_range_that_is_over_for_all_steps_everybody_is_decided():
    options = {"until": "2026-02-01", "exposure": "window"}
    assert drivers(range_applies_to="all_steps", **options).attrs["settings"]["left_out"] == 0
    assert drivers(**options).attrs["settings"]["left_out"] == 3


def test_steps_of_the_funnel_are_no_drivers():
    log = pd.concat([LOG, event_log("2026-01-02 cat click button=blue\n2026-01-02 cat click button=red")])
    with_step = drivers(log, ["visit", Step("click", where={"button": "red"}), "buy"], exposure="window")
    assert "visit" not in set(with_step["event"])
    assert counts(with_step)["click"] == (0, 1)  # the blue one
    only_red = log[log["button"].fillna("red") == "red"]
    assert "click" not in set(drivers(only_red, ["visit", Step("click"), "buy"])["event"])


def test_void_attempts_are_in_no_count():
    table = drivers(exclude=[("search", 1, 2)], exposure="window")
    settings = table.attrs["settings"]
    assert [settings[name] for name in ("converted", "dropped", "left_out", "excluded")] == [1, 1, 3, 2]  # ann and cat
    assert counts(table) == {"wait": (0, 1)}


def test_an_optional_last_step_completes_nothing():
    log = pd.concat([LOG, event_log("2026-01-06 ann share")])
    table = drivers(log, ["visit", "buy", Step("share", optional=True)], exposure="window")
    assert counts(table) == counts(drivers(exposure="window"))


def test_another_unit_has_its_own_events():
    log = LOG.assign(team=LOG["user_id"].map({"ann": "red", "cat": "red", "ben": "blue", "dan": "blue"}))
    table = drivers(log, unit="team", exposure="window")
    assert table["of_converted"].unique().tolist() == [2]
    assert counts(table)["search"] == (1, 0)


def test_the_published_case_of_posthog_comes_out():
    """Ten convert, ten drop; every other one of each does an event of its own. PostHog adds 1 to all four counts."""
    lines = []
    for k in range(20):
        lines.append(f"2020-01-02 14:00 user_{k} user_signed_up")
        if k % 2 == 0:
            lines.append(f"2020-01-03 14:00 user_{k} {'positively' if k < 10 else 'negatively'}_related")
        if k < 10:
            lines.append(f"2020-01-04 14:00 user_{k} paid")
    for exposure in ("matched", "window"):
        table = funnel_drivers(
            event_log("\n".join(lines)), ["user_signed_up", "paid"], window="14 days", exposure=exposure,
            since="2020-01-01", until="2020-01-15", as_of="2020-02-01", smoothing=1, min_users=1,
        ).set_index("event")  # fmt: skip
        assert table.loc["positively_related", ["converted", "dropped"]].tolist() == [5, 0]
        assert table.loc["negatively_related", ["converted", "dropped"]].tolist() == [0, 5]
        assert table.loc["positively_related", "odds_ratio"] == pytest.approx(11)
        assert table.loc["negatively_related", "odds_ratio"] == pytest.approx(1 / 11)


@pytest.mark.parametrize("exposure", ["matched", "window"])
def test_estimates_are_those_of_the_table_of_four_counts(exposure):
    table = drivers(crowd(60, 90, {"tour": (40, 30), "help": (2, 40), "tip": (30, 30)}), exposure=exposure).set_index(
        "event"
    )
    row, four = table.loc["tour"], Table2x2(np.array([[40, 20], [30, 60]]))
    assert row["odds_ratio"] == pytest.approx(four.oddsratio)
    assert (row["odds_ratio_low"], row["odds_ratio_high"]) == pytest.approx(four.oddsratio_confint())
    assert row["converted_share"] == pytest.approx(40 / 60)
    assert row["dropped_share"] == pytest.approx(30 / 90)
    p = [proportions_ztest([40, 30], [60, 90])[1], proportions_ztest([2, 40], [60, 90])[1]]
    p.append(proportions_ztest([30, 30], [60, 90])[1])
    tested = table.loc[["tour", "help", "tip"]]
    assert tested["p_value"].tolist() == pytest.approx(p)
    assert tested["p_adjusted"].tolist() == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_small_counts_are_tested_exactly():
    row = drivers(crowd(10, 12, {"tour": (3, 1)})).iloc[0]
    assert row["p_value"] == pytest.approx(fisher_exact([[3, 7], [1, 11]]).pvalue)


def test_a_count_of_0_gets_a_half_unless_told_otherwise():
    log = crowd(40, 40, {"tour": (12, 0)})
    default, one, plain = (drivers(log, smoothing=s).iloc[0] for s in (None, 1, 0))
    assert default["odds_ratio"] == pytest.approx(12.5 * 40.5 / (28.5 * 0.5))
    assert one["odds_ratio"] == pytest.approx(13 * 41 / (29 * 1))
    assert np.isnan(plain["odds_ratio"])
    assert plain["reason"] == "odds_ratio: zero_denominator"
    assert plain["p_value"] == default["p_value"]
    assert drivers(log).attrs["settings"]["smoothing"] == "0.5 where a count is 0"


def test_events_of_fewer_than_30_users_get_no_estimate_and_are_no_test():
    table = funnel_drivers(
        crowd(50, 50, {"often": (20, 10), "rarely": (20, 9)}), STEPS, window="7 days", as_of="2026-02-01"
    ).set_index("event")
    assert pd.isna(table.loc["often", "reason"])
    assert table.loc["often", "p_adjusted"] == table.loc["often", "p_value"]
    assert table.loc["rarely", "reason"] == "below_min_n"
    assert table.loc["rarely", ["converted", "dropped"]].tolist() == [20, 9]
    assert table.loc["rarely", ["converted_share", "odds_ratio", "odds_ratio_low", "p_value"]].isna().all()


def test_without_converted_or_without_dropped_there_is_nothing_to_compare():
    nobody = pd.concat([crowd(0, 40, {"tour": (0, 35)}), event_log("2026-01-05 zoe buy")])
    row = drivers(nobody, exposure="window").iloc[0]
    assert (row["event"], row["reason"], row["dropped_share"]) == ("tour", "zero_denominator", 35 / 40)
    assert np.isnan([row["converted_share"], row["odds_ratio"], row["p_value"]]).all()
    assert drivers(nobody)["reason"].tolist() == ["zero_denominator"]
    assert drivers(crowd(40, 0, {"tour": (35, 0)}))["reason"].tolist() == ["zero_denominator"]


def test_what_all_did_tells_nothing():
    row = drivers(crowd(40, 50, {"login": (40, 50)})).iloc[0]
    assert row["reason"] == "zero_variance"
    assert np.isnan([row["odds_ratio"], row["p_value"], row["p_adjusted"]]).all()
    assert row["converted_share"] == row["dropped_share"] == 1


def test_the_strongest_stand_first_by_what_is_certain_of_them():
    log = crowd(100, 100, {"some": (60, 40), "against": (5, 60), "few": (4, 1), "none": (50, 50), "rare": (1, 0)})
    table = drivers(log, min_users=2)
    assert table["event"].tolist() == ["against", "some", "few", "none", "rare"]
    assert table["reason"].fillna("").tolist()[-1] == "below_min_n"
    assert table.loc[2, "odds_ratio"] > table.loc[1, "odds_ratio"]  # but its limits hold 1


def test_nobody_is_an_answer():
    empty = drivers(LOG[:0])
    assert len(empty) == 0
    assert empty.columns.tolist() == drivers().columns.tolist()
    assert empty.columns.tolist() == [
        "event", "converted", "of_converted", "dropped", "of_dropped", "converted_share", "dropped_share",
        "odds_ratio", "odds_ratio_low", "odds_ratio_high", "p_value", "p_adjusted", "reason",
    ]  # fmt: skip
    only_steps = drivers(event_log("2026-01-01 ann visit\n2026-01-02 ann buy"))
    assert (len(only_steps), only_steps.attrs["settings"]["converted"]) == (0, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "device"}, "by: 'device' is not used by funnel_drivers"),
        ({"counting": "attempts"}, "attempts of a user are alike"),
        ({"exposure": "all"}, "exposure: 'all' is not known"),
        ({"correction": "fdr"}, "correction: 'fdr' is not known"),
        ({"smoothing": -1}, "smoothing: -1 cannot be added"),
        ({"smoothing": "1"}, "smoothing: '1' cannot be added"),
        ({"min_users": 0}, "min_users: 0 is not a count"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        drivers(**options)


# --- chance


def world_without_drivers(users, events, seed):
    """Half convert, most of them soon; everybody does events by chance, at a rate that has nothing to do with it."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2026-01-01", tz="UTC")
    names = np.array([f"u{k}" for k in range(users)])
    took = rng.exponential(1.5, users)
    converts = took < np.log(2) * 1.5
    frames = [(names, "visit", np.zeros(users)), (names[converts], "buy", took[converts])]
    for k in range(events):
        frames.append((names, f"event {k:02d}", rng.exponential(rng.uniform(0.5, 10), users)))
    return pd.concat([
        pd.DataFrame({"user_id": who, "event": what, "timestamp": start + pd.to_timedelta(days, unit="D").round("us")})
        for who, what, days in frames
    ], ignore_index=True)  # fmt: skip


def test_events_by_chance_go_with_nothing_although_the_dropped_have_more_time_for_them():
    log = world_without_drivers(600, 120, seed=3)
    matched, whole = (drivers(log, exposure=exposure, min_users=30) for exposure in ("matched", "window"))
    assert matched["p_value"].notna().sum() > 100
    assert (matched["p_value"] < 0.05).mean() < 0.07
    assert abs(np.log(matched["odds_ratio"]).median()) < 0.05
    # To the end of the window every one of them would seem to keep users from buying.
    assert (whole["p_adjusted"] < 0.05).mean() > 0.9
    assert (whole["odds_ratio"] < 1).all()


def test_a_true_driver_is_found():
    log = world_without_drivers(600, 20, seed=4)
    converted = log.loc[log["event"] == "buy", "user_id"].unique()
    early = pd.Timestamp("2026-01-01 00:30", tz="UTC")
    helped = pd.DataFrame({"user_id": converted[::2], "event": "tour", "timestamp": early})
    table = drivers(pd.concat([log, helped]), min_users=30)
    assert table.loc[0, "event"] == "tour"
    assert table.loc[0, "p_adjusted"] < 1e-6
    assert table.loc[0, "odds_ratio_low"] > 1


# --- figure


def test_the_figure_shows_ratios_on_a_scale_on_which_half_and_twice_are_as_far_from_1():
    table = drivers(crowd(60, 90, {"tour": (40, 30), "help": (2, 40), "rare": (1, 1)}), min_users=5)
    axes = plot_funnel_drivers(table)
    said = [text.get_text() for text in axes.texts]
    assert said[:4] == ["help", "0.043 times the odds (0.0099 to 0.19)", "tour", "4.0 times the odds (2.0 to 8.0)"]
    assert said[-5:] == ["0.01", "0.1", "1", "10", "100"]
    low, high = axes.get_xlim()
    assert low == pytest.approx(-high)
    assert [text.get_text() for text in plot_funnel_drivers(table[:0]).texts] == ["No event was done by enough to say."]
    with pytest.raises(ValueError, match="it is no result of funnel_drivers"):
        plot_funnel_drivers(table.drop(columns="odds_ratio"))
