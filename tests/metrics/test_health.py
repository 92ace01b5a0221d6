"""Scores of customers, and whether scores and alerts find who leaves."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import EventTableError, alert_quality, churn_by_band, health_score, lift, plot_churn_by_band
from metrics.display import headline, show
from metrics.display.footnotes import footnotes
from metrics.intervals import wilson

THIN = "\u202f"

# -- lift --------------------------------------------------------------------------------------------------------------

TIED = pd.DataFrame({
    "score": [0.9, 0.8, 0.8, 0.8, 0.5, *np.linspace(0.4, 0.1, 15)],
    "churned": [1, 1, 0, 0, 1, 0, 0, 1] + [0] * 12,
})  # fmt: skip


def test_equal_scores_at_the_cut_share_the_place_that_is_left():
    row = lift(TIED, fraction=0.1).iloc[0]
    assert (row["rows"], row["selected"], row["base_rate"]) == (20, 2, 0.2)
    assert row["rate"] == pytest.approx((1 + 1 / 3) / 2)  # sorted by outcome too it would be 1, and the lift 5
    assert row["lift"] == pytest.approx(10 / 3)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(rows=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12), fraction=st.floats(0.01, 1))
def test_a_tie_is_the_mean_over_all_orders_of_the_equals(rows, fraction):
    table = pd.DataFrame(rows, columns=["score", "churned"])
    row = lift(table, fraction=fraction).iloc[0]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(400):
        shuffled = table.sample(frac=1, random_state=rng).sort_values("score", ascending=False, kind="stable")
        drawn.append(shuffled["churned"].iloc[: row["selected"]].mean())
    assert row["rate"] == pytest.approx(np.mean(drawn), abs=0.13)
    assert lift(table, fraction=1).iloc[0]["rate"] == row["base_rate"]


def test_at_least_one_row_is_selected_and_halves_round_up():
    for n, selected in ((1, 1), (4, 1), (14, 1), (15, 2), (25, 3), (30, 3)):
        assert lift(pd.DataFrame({"score": range(n), "churned": [True] * n})).iloc[0]["selected"] == selected


def test_where_nobody_left_there_is_no_lift():
    row = lift(pd.DataFrame({"score": [1, 2], "churned": [False, False]})).iloc[0]
    assert (row["rate"], row["base_rate"], row["reason"]) == (0, 0, "zero_denominator")
    assert np.isnan(row["lift"])
    nobody = lift(TIED[:0]).iloc[0]
    assert (nobody["rows"], nobody["selected"], nobody["reason"]) == (0, 0, "zero_denominator")


def test_rows_without_a_score_are_left_out_and_counted():
    table = lift(pd.DataFrame({"score": [3, None, 1], "churned": [True, True, False]}), fraction=0.5)
    assert (table["rows"].item(), table["base_rate"].item(), table.attrs["settings"]["unscored"]) == (2, 0.5, 1)
    assert footnotes(table)[-1] == "Left out: 1 without a score."


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"churned": [1, None]}, EventTableError, "1 of 2 rows are neither true nor false"),
        ({"churned": [1, 2]}, EventTableError, "neither true nor false"),
        ({"score": ["high", 2]}, EventTableError, "score: 1 of 2 rows are no number"),
        ({"scores": [1, 2]}, ValueError, "Did you mean 'scores'"),
    ],
)
def test_what_cannot_be_judged_is_refused(change, error, match):
    table = pd.DataFrame({"score": [1, 2], "churned": [0, 1]} | change)
    with pytest.raises(error, match=match):
        lift(table.drop(columns="score") if "scores" in change else table)


def test_a_fraction_is_a_share():
    for wrong in (0, 1.1, "10%"):
        with pytest.raises(ValueError, match="is not a share of the rows"):
            lift(TIED, fraction=wrong)


# -- alerts ------------------------------------------------------------------------------------------------------------

OUTCOMES = pd.DataFrame({"customer_id": [f"c{k}" for k in range(20)], "churned": [True] * 4 + [False] * 16})


def alerted(*customers, **columns):
    return pd.DataFrame({"customer_id": [f"c{k}" for k in customers], **columns}).astype({"customer_id": "str"})


def test_precision_is_of_the_alerted_and_recall_of_those_who_left():
    row = alert_quality(alerted(0, 1, 2, 7, 8), outcomes=OUTCOMES).iloc[0]
    assert (row["customers"], row["alerted"], row["churned"]) == (20, 5, 4)
    assert (row["precision"], row["recall"], row["base_rate"], row["lift"]) == (0.6, 0.75, 0.2, pytest.approx(3))
    low, high = wilson(3, 5)
    assert (row["precision_low"], row["precision_high"]) == (low, high)
    assert pd.isna(row["reason"])


def test_two_alerts_of_a_customer_are_one_customer_and_a_skipped_one_is_none():
    row = alert_quality(alerted(0, 0, 9, alert=[True, True, False]), outcomes=OUTCOMES).iloc[0]
    assert (row["alerted"], row["precision"], row["recall"]) == (1, 1, 0.25)


def test_without_alerts_or_losses_the_missing_estimates_are_named():
    quiet = alert_quality(alerted(), outcomes=OUTCOMES).iloc[0]
    assert quiet["reason"] == "precision: zero_denominator; lift: zero_denominator"
    assert quiet["recall"] == 0
    kept = alert_quality(alerted(0), outcomes=OUTCOMES.assign(churned=False)).iloc[0]
    assert kept["reason"] == "recall: zero_denominator; lift: zero_denominator"
    assert (kept["precision"], kept["base_rate"]) == (0, 0)


def test_an_alert_without_an_outcome_and_a_customer_who_stands_twice_are_refused():
    with pytest.raises(EventTableError, match="1 customer has an alert and no outcome"):
        alert_quality(alerted(99), outcomes=OUTCOMES)
    with pytest.raises(EventTableError, match="customer stands there twice"):
        alert_quality(alerted(0), outcomes=pd.concat([OUTCOMES, OUTCOMES[:1]]))


def moments(*rows, columns):
    table = pd.DataFrame(rows, columns=["cutoff", "customer_id", *columns])
    return table.assign(cutoff=pd.to_datetime(table["cutoff"], utc=True))


OVER_TIME = moments(
    ("2026-05-01", "a", True), ("2026-05-01", "b", False), ("2026-06-01", "b", True), ("2026-06-01", "c", False),
    ("2026-07-01", "c", False), columns=["churned"],
)  # fmt: skip
TOLD = moments(
    ("2026-05-01", "a", "use"), ("2026-05-01", "b", "use"), ("2026-05-01", "a", "bill"), ("2026-06-01", "c", "use"),
    columns=["rule"],
)  # fmt: skip


@pytest.mark.parametrize("words", [("True", "False"), ("yes", "no"), ("1", "0"), (" TRUE ", "f"), (1.0, 0.0)])
def test_true_and_false_may_be_the_words_of_a_file(words):
    def said(flags):
        return pd.Series([words[0] if flag else words[1] for flag in flags], index=flags.index, dtype=object)

    told = TOLD.assign(alert=[True, False, True, True])
    plain = alert_quality(told, outcomes=OVER_TIME)
    assert plain["alerted"].item() == 2
    held = alert_quality(
        told.assign(alert=said(told["alert"])), outcomes=OVER_TIME.assign(churned=said(OVER_TIME["churned"]))
    )
    pd.testing.assert_frame_equal(held, plain)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S+00:00", "without a zone", "nanoseconds"])
def test_alerts_that_come_out_of_a_file_are_of_the_same_moments(form):
    def held(table):
        at = table["cutoff"]
        plain = {"without a zone": at.dt.tz_localize(None), "nanoseconds": at.astype("datetime64[ns, UTC]")}
        return table.assign(cutoff=plain[form] if form in plain else at.dt.strftime(form))

    for by in (None, "cutoff"):
        plain = alert_quality(TOLD, outcomes=OVER_TIME, by=by)
        pd.testing.assert_frame_equal(alert_quality(held(TOLD), outcomes=OVER_TIME, by=by), plain)
        assert plain["alerted"].sum() > 0
    scores = OVER_TIME.drop(columns="churned").assign(band="red", score=range(len(OVER_TIME)))
    pd.testing.assert_frame_equal(lift(held(scores), outcomes=OVER_TIME), lift(scores, outcomes=OVER_TIME))
    pd.testing.assert_frame_equal(
        churn_by_band(held(scores), outcomes=OVER_TIME), churn_by_band(scores, outcomes=OVER_TIME)
    )


def test_alerts_of_several_moments_are_held_against_what_came_after_each():
    row = alert_quality(TOLD, outcomes=OVER_TIME).iloc[0]
    assert (row["customers"], row["alerted"], row["churned"], row["precision"]) == (5, 3, 2, pytest.approx(1 / 3))
    by = alert_quality(TOLD, outcomes=OVER_TIME, by="cutoff")
    assert by["cutoff"].dt.month.tolist() == [5, 6, 7]
    assert by["alerted"].tolist() == [2, 1, 0]
    assert by["recall"].fillna(-1).tolist() == [1, 0, -1]
    rules = alert_quality(TOLD, outcomes=OVER_TIME, by="rule").set_index("rule")
    assert rules.loc["bill", ["customers", "alerted", "precision", "recall"]].tolist() == [5, 1, 1, 0.5]
    assert rules.loc["use", ["alerted", "churned", "precision"]].tolist() == [3, 2, pytest.approx(1 / 3)]
    for told in (TOLD, TOLD[::-1], TOLD.iloc[[2, 0, 1, 3]]):
        assert alert_quality(told, outcomes=OVER_TIME, by="rule")["rule"].tolist() == ["bill", "use"]  # in any order
    assert len(alert_quality(TOLD[:0], outcomes=OVER_TIME, by="rule")) == 0
    with pytest.raises(EventTableError, match="1 customer has an alert and no outcome"):
        alert_quality(TOLD.assign(cutoff=TOLD["cutoff"].max()).drop_duplicates("customer_id")[:1], outcomes=OVER_TIME)
    with pytest.raises(ValueError, match="'cutoff' is not a column of alerts"):
        alert_quality(TOLD.drop(columns="cutoff"), outcomes=OVER_TIME)
    with pytest.raises(ValueError, match="by: 'month' is not known"):
        alert_quality(TOLD, outcomes=OVER_TIME, by="month")


def test_churn_is_counted_by_the_band_that_stood_at_the_moment():
    scores = moments(
        ("2026-05-01", "a", "red"), ("2026-05-01", "b", "green"), ("2026-06-01", "b", "red"),
        ("2026-06-01", "c", None), ("2026-07-01", "z", "red"), columns=["band"],
    )  # fmt: skip
    table = churn_by_band(scores, outcomes=OVER_TIME, min_n=1).set_index("band")
    assert table["customers"].to_dict() == {"red": 2, "yellow": 0, "green": 1, "unknown": 1}
    assert (table.loc["red", "churn_rate"], table.loc["red", "lift"], table.loc["green", "churn_rate"]) == (1, 2, 0)
    low, high = wilson(2, 2)
    assert tuple(table.loc["red", ["churn_rate_low", "churn_rate_high"]]) == (low, high)
    assert table.loc["yellow", "reason"] == "zero_denominator"
    assert churn_by_band(scores, outcomes=OVER_TIME).attrs["settings"]["undecided"] == 1
    held = churn_by_band(scores, outcomes=OVER_TIME)
    assert held["reason"].tolist() == ["below_min_n", "zero_denominator", "below_min_n", "below_min_n"]
    assert headline(held) == "– of no band enough customers were watched."
    with pytest.raises(ValueError, match="band: 'amber' is none"):
        churn_by_band(scores.assign(band="amber"), outcomes=OVER_TIME)
    with pytest.raises(EventTableError, match="scores: 1 customer stands there twice"):
        churn_by_band(scores.drop(columns="cutoff"), outcomes=OVER_TIME)


def test_bands_are_told_apart_only_where_their_limits_are():
    many = pd.DataFrame({"customer_id": range(200), "band": ["red"] * 100 + ["green"] * 100})
    gone = pd.DataFrame({"customer_id": range(200), "churned": [k < 40 or k == 150 for k in range(200)]})
    table = churn_by_band(many, outcomes=gone)
    assert headline(table) == (
        f"40{THIN}% of 100 red customers left (31 to 50), of 100 green ones 1.0{THIN}% (0.2 to 5.4)."
    )
    level = churn_by_band(many, outcomes=gone.assign(churned=[k % 5 == 0 for k in range(200)]))
    assert headline(level).endswith(", which may be chance.")
    assert footnotes(table)[1] == f"40 / 100 = 40.0{THIN}%, red. 95{THIN}% Wilson intervals."
    assert "100" in show(table, "x").html
    assert len(plot_churn_by_band(table).texts) > 0
    assert "watched" not in show(plot_churn_by_band(churn_by_band(many[:0], outcomes=gone)), "x").html


def test_a_score_that_means_health_is_judged_from_below():
    scores = moments(
        ("2026-05-01", "a", 10), ("2026-05-01", "b", 90), ("2026-06-01", "b", 20), ("2026-06-01", "c", 80),
        ("2026-07-01", "z", 1), columns=["score"],
    )  # fmt: skip
    table = lift(scores, outcomes=OVER_TIME, lowest=True, fraction=0.5)
    assert table[["rows", "selected", "rate", "lift"]].iloc[0].tolist() == [4, 2, 1, 2]
    assert table.attrs["settings"]["undecided"] == 1
    assert "2 with the lowest scores" in headline(table)
    assert lift(scores, outcomes=OVER_TIME, fraction=0.5)["rate"].item() == 0


# -- scores ------------------------------------------------------------------------------------------------------------


def known(*rows, columns=("customer_id", "measure", "score")):
    return pd.DataFrame(rows, columns=columns)


WEIGHTS = {"usage": 40, "nps": 20, "support": 40}
ANN = known(("ann", "usage", 80), ("ann", "nps", None), ("ann", "support", 50))


def test_what_is_missing_has_no_weight_unless_it_is_told_otherwise():
    row = health_score(ANN, weights=WEIGHTS).iloc[0]
    assert (row["score"], row["coverage"], row["missing"], row["top_reason"]) == (65, 0.8, "nps", "support")
    assert health_score(ANN[ANN["measure"] != "nps"], weights=WEIGHTS).iloc[0].equals(row)  # no row is as no score
    zero = health_score(ANN, weights=WEIGHTS, missing="zero").iloc[0]
    assert (zero["score"], zero["coverage"], zero["top_reason"]) == (52, 0.8, "nps")
    out = health_score(ANN, weights=WEIGHTS, missing="exclude").iloc[0]
    assert (out["reason"], out["coverage"], pd.isna(out["score"]), pd.isna(out["band"])) == (
        "low_coverage", 0.8, True, True,
    )  # fmt: skip


def test_groups_are_not_rounded_before_they_are_weighed():
    groups = {"forecast": (7, [83]), "engagement": (5, [76, 65]), "usage": (8, [81, 65, 90]), "manager": (3, [54])}
    rows = [("c", f"{g} {k}", s, g) for g, (_, scores) in groups.items() for k, s in enumerate(scores)]
    table = known(*rows, columns=("customer_id", "measure", "score", "group"))
    weights = {g: w for g, (w, _) in groups.items()}
    row = health_score(table, weights=weights).iloc[0]
    assert row["score"] == pytest.approx((581 + 352.5 + 8 * 236 / 3 + 162) / 23)  # 74.99; of rounded groups 74.87
    assert (row["score_rounded"], row["coverage"]) == (75, 1)
    parts = health_score(table, weights=weights, by="group")
    assert parts["group"].tolist() == list(groups)
    assert parts["score"].tolist() == pytest.approx([83, 70.5, 236 / 3, 54])
    assert parts["top_reason"].tolist() == ["forecast 0", "engagement 1", "usage 1", "manager 0"]


def test_a_group_of_which_half_is_known_says_so_and_full_marks_cost_nothing():
    rows = [("c", "a", 100, "use"), ("c", "b", None, "use"), ("c", "d", 99, "money")]
    table = health_score(known(*rows, columns=("customer_id", "measure", "score", "group")), by="group",
                         weights={"use": 1, "money": 1}).set_index("group")  # fmt: skip
    assert table["coverage"].to_dict() == {"use": 0.5, "money": 1}
    assert table["missing"].fillna("-").to_dict() == {"use": "b", "money": "-"}
    assert table["top_reason"].fillna("-").to_dict() == {"use": "-", "money": "d"}


def test_of_whom_nothing_is_known_there_is_no_score_also_where_it_would_count_as_0():
    row = health_score(known(("a", "usage", None)), weights={"usage": 1}, missing="zero", min_coverage=0).iloc[0]
    assert (pd.isna(row["score"]), row["reason"]) == (True, "low_coverage")


def test_by_a_column_each_of_its_values_is_scored_by_itself():
    measures = moments(
        ("2026-06-01", "a", "usage", 30), ("2026-05-01", "a", "usage", 90), ("2026-05-01", "b", "nps", 50),
        columns=["measure", "score"],
    )  # fmt: skip
    table = health_score(measures, weights={"usage": 1, "nps": 1}, by="cutoff")
    assert list(zip(table["cutoff"].dt.month, table["customer_id"], table["score"], strict=True)) == [
        (5, "a", 90), (5, "b", 50), (6, "a", 30),
    ]  # fmt: skip
    assert list(health_score(measures[:0], weights={"usage": 1}, by="cutoff")) == list(table)
    with pytest.raises(ValueError, match="by: 'measure' is a column of the result"):
        health_score(measures, weights={"usage": 1, "nps": 1}, by="measure")


def test_shares_and_bands_have_their_ranges():
    for wrong in (-0.1, 1.5):
        with pytest.raises(ValueError, match="is not a share of the weight"):
            health_score(ANN, weights=WEIGHTS, min_coverage=wrong)
    for bands in ((40, 100.5), (-1, 70), (70, 40)):
        with pytest.raises(ValueError, match="are not two rising numbers"):
            health_score(ANN, weights=WEIGHTS, bands=bands)


def test_exactly_the_least_coverage_is_enough():
    weights = {"usage": 1, "nps": 1}
    assert health_score(known(("a", "usage", 40)), weights=weights).iloc[0]["score"] == 40
    under = health_score(known(("a", "usage", 40)), weights=weights, min_coverage=0.51).iloc[0]
    assert (under["reason"], under["missing"]) == ("low_coverage", "nps")
    nothing = health_score(known(("a", "usage", None)), weights=weights, min_coverage=0).iloc[0]
    assert (nothing["coverage"], nothing["reason"]) == (0, "low_coverage")


def test_a_band_begins_with_its_limit():
    table = known(*((f"c{k}", "usage", s) for k, s in enumerate([0, 39.9, 40, 69.9, 70, 100])))
    assert health_score(table, weights={"usage": 1})["band"].tolist() == ["red"] * 2 + ["yellow"] * 2 + ["green"] * 2


def test_full_marks_have_no_reason_and_a_weight_of_nothing_is_not_missed():
    row = health_score(known(("a", "usage", 100)), weights={"usage": 2, "nps": 0}).iloc[0]
    assert (row["score"], row["coverage"]) == (100, 1)
    assert row[["top_reason", "missing", "reason"]].isna().all()


@settings(deadline=None, max_examples=30)
@given(
    scores=st.lists(st.one_of(st.none(), st.integers(0, 100)), min_size=3, max_size=3),
    factor=st.integers(1, 9),
)
def test_weights_need_not_sum_to_anything(scores, factor):
    table = known(*(("a", name, score) for name, score in zip(WEIGHTS, scores, strict=True)))
    one = health_score(table, weights=WEIGHTS, min_coverage=0)
    many = health_score(table, weights={k: v * factor / 7 for k, v in WEIGHTS.items()}, min_coverage=0)
    pd.testing.assert_frame_equal(one, many)
    there = [s for s in scores if s is not None]
    assert one["score"].isna().item() if not there else min(there) - 1e-9 <= one["score"].item() <= max(there) + 1e-9


@pytest.mark.parametrize(
    ("rows", "weights", "error", "match"),
    [
        ([("a", "usage", 101)], WEIGHTS, EventTableError, "no number from 0 to 100"),
        ([("a", "usage", "good")], WEIGHTS, EventTableError, "no number from 0 to 100"),
        ([("a", "usage", 1), ("a", "usage", 2)], WEIGHTS, EventTableError, "1 row gives a measure of a customer again"),
        ([(None, "usage", 1)], WEIGHTS, EventTableError, "have no customer_id"),
        ([("a", "usge", 1)], WEIGHTS, ValueError, "Did you mean 'usage'"),
        ([("a", "usage", 1)], {"usage": -1}, ValueError, "are not weights"),
        ([("a", "usage", 1)], {"usage": 0}, ValueError, "are not weights"),
    ],
)
def test_a_measure_that_cannot_be_weighed_is_refused(rows, weights, error, match):
    with pytest.raises(error, match=match):
        health_score(known(*rows), weights=weights)


def test_groups_are_asked_for_where_there_are_groups():
    with pytest.raises(ValueError, match="by: 'group' is not a column"):
        health_score(ANN, weights=WEIGHTS, by="group")


# -- in words ----------------------------------------------------------------------------------------------------------


def test_lift_is_said_with_both_rates():
    assert headline(lift(TIED)) == (
        f"3.3 times as many left of the 2 with the highest scores as of all 20: 66.7{THIN}% against 20.0{THIN}%."
    )
    assert footnotes(lift(TIED))[1] == f"66.7{THIN}% / 20.0{THIN}% = 3.33."
    assert headline(lift(TIED.assign(churned=0))).startswith("– nobody left")
    assert "Of all, %" in show(lift(TIED), "x").html


def test_alerts_are_said_with_the_rate_of_all():
    table = alert_quality(alerted(0, 1, 2, 7, 8), outcomes=OUTCOMES)
    assert headline(table) == (
        f"60{THIN}% of 5 customers with an alert left (23 to 88), of all 20.0{THIN}%; of 4 who left 75{THIN}% had one "
        "(30 to 95)."
    )
    assert footnotes(table)[1] == f"3 / 5 = 60.0{THIN}%; 3 / 4 = 75.0{THIN}%. 95{THIN}% Wilson intervals."
    assert headline(alert_quality(alerted(), outcomes=OUTCOMES)) == "– there was no alert; 4 of 20 customers left."


def test_scores_say_who_is_red_and_why():
    table = pd.concat([ANN, known(("ben", "usage", 10), ("ben", "support", 90), ("cat", "nps", 3))])
    scores = health_score(table, weights=WEIGHTS | {"usage": 60})
    assert headline(scores) == ("0 of 2 customers with a score are red; of 1 more too little is known.")
    low = health_score(table, weights=WEIGHTS | {"usage": 60}, bands=(50, 70))
    assert headline(low) == (
        "1 of 2 customers with a score is red; what costs them most is usage (1); of 1 more too little is known."
    )
    assert footnotes(low)[1] == "Weights: usage: 60, nps: 20, support: 40."
    assert "Costs most points" in show(low, "x").html


def test_alerts_of_rules_and_of_moments_are_said_with_the_one_that_is_meant():
    rules = alert_quality(TOLD, outcomes=OVER_TIME, by="rule")
    assert headline(rules) == (
        "100\u202f% of 1 customer with an alert of bill left (21 to 100), of all 40.0\u202f%; "
        "of 2 who left 50\u202f% had one (9 to 91). Of 2 rules it is the most often right."
    )
    assert footnotes(rules)[1].startswith("1 / 1 = 100.0\u202f%; 1 / 2 = 50.0\u202f%, bill.")
    moments = alert_quality(TOLD, outcomes=OVER_TIME, by="cutoff")
    assert headline(moments).startswith("0\u202f% of 1 customer with an alert at 1 Jun 2026 left")
    assert headline(alert_quality(TOLD[:0], outcomes=OVER_TIME, by="rule")) == "– there was no alert."


def test_scores_of_several_moments_count_a_customer_once_at_the_last():
    known = pd.DataFrame({"customer_id": list("abab"), "measure": "use", "score": [10, 90, 10, 20]})
    scores = health_score(
        known.assign(cutoff=pd.to_datetime(["2026-05-01"] * 2 + ["2026-06-01"] * 2, utc=True)),
        weights={"use": 1}, by="cutoff",
    )  # fmt: skip
    assert headline(scores) == ("2 of 2 customers with a score are red at 1 Jun 2026; what costs them most is use (2).")
