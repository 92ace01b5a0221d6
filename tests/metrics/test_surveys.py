import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import check_responses, net_promoter_score
from metrics.surveys.answers import round_half_away


def nps(scores, **options):
    options = {"per_respondent": "all", "min_n": 1} | options
    return net_promoter_score(pd.DataFrame({"score": scores}), **options).iloc[0]


def answers(text):
    """Lines of: respondent, day, score."""
    rows = [line.split() for line in text.strip().splitlines()]
    frame = pd.DataFrame(rows, columns=["respondent_id", "answered_at", "score"])
    return frame.assign(answered_at=pd.to_datetime(frame["answered_at"], utc=True, format="ISO8601"))


TWICE = answers("""
    r1  2026-03-02  3
    r1  2026-03-20  9
    r2  2026-03-05  10
    r3  2026-03-06  7
""")


def test_bands_include_0_and_6_and_7_and_9():
    row = nps([0, 6, 7, 8, 9, 10, 10, 9, 5, 10])
    assert row[["promoters", "passives", "detractors"]].tolist() == [5, 2, 3]
    assert row["net_promoter_score"] == 20.0


@pytest.mark.parametrize(
    ("scores", "rounded"), [([9, 3, 3], -33), ([9] + [7] * 7, 13), ([3] + [7] * 7, -13), ([9, 3, 3, 7, 7, 8], -17)]
)
def test_the_score_is_rounded_once_half_away_from_0(scores, rounded):
    assert nps(scores)["net_promoter_score_rounded"] == rounded


def test_halves_that_floats_miss_are_still_halves():
    assert round_half_away([100 * (0.29 - 0.165), 0.1 + 0.2 + 0.2, np.nan]).tolist()[:2] == [13, 1]


@pytest.mark.parametrize(
    ("policy", "score", "n"), [("latest", 200 / 3, 3), ("first", 0, 3), ("all", 25, 4), ("mean", 0, 3)]
)
def test_one_respondent_has_one_voice_chosen_by_policy(policy, score, n):
    row = net_promoter_score(TWICE, per_respondent=policy, min_n=1).iloc[0]
    assert row["responses"] == n
    assert row["net_promoter_score"] == pytest.approx(score)
    assert row["duplicates"] == 4 - n


def test_of_two_answers_at_one_instant_the_lower_counts_in_any_order():
    tie = answers("r 2026-03-02 9\nr 2026-03-02 2")
    for table in (tie, tie.iloc[::-1]):
        assert net_promoter_score(table, min_n=1)["net_promoter_score"].item() == -100


def test_answers_without_a_respondent_each_stand_for_themselves():
    table = TWICE.assign(respondent_id=None)
    assert net_promoter_score(table, min_n=1)["responses"].item() == 4


def test_what_is_no_score_is_counted_and_in_no_denominator():
    row = nps([9, None, "", " ", "ten", 11, -1, 7.5, "10", np.nan])
    assert row[["responses", "promoters", "rejected"]].tolist() == [2, 2, 8]
    assert row["net_promoter_score"] == 100


def test_the_adjusted_wald_limits_are_the_printed_ones():
    row = nps([9] * 25 + [8] * 15 + [1] * 10)
    assert row["net_promoter_score_low"] == pytest.approx(7.299490969)
    assert row["net_promoter_score_high"] == pytest.approx(49.30428262)
    assert [round(x) for x in nps([10] * 5)[["net_promoter_score_low", "net_promoter_score_high"]]] == [17, 100]


def test_the_plain_wald_limits_shrink_when_all_customers_were_asked():
    scores = [9] * 162 + [8] * 108 + [1] * 54
    row = nps(scores, interval="wald")
    assert row["net_promoter_score_low"] == pytest.approx(25.21738388)
    some = nps(scores, interval="wald", population=648)
    assert some["net_promoter_score_low"] == pytest.approx(100 / 3 - 8.11594945 * np.sqrt(324 / 647))
    assert nps(scores, interval="wald", population=324)["net_promoter_score_low"] == pytest.approx(100 / 3)
    with pytest.raises(ValueError, match="smaller than the 324"):
        nps(scores, population=100)


def test_without_answers_there_is_no_score_and_a_reason():
    row = nps([None])
    assert row["reason"] == "no_responses"
    assert np.isnan(row["net_promoter_score"])
    assert pd.isna(row["net_promoter_score_rounded"])
    assert nps([])["responses"] == 0


def test_over_few_answers_the_score_is_held_back_and_the_counts_stand():
    assert nps([9] * 9, min_n=10)["reason"] == "below_min_n"
    assert pd.isna(nps([9] * 10, min_n=10)["reason"])


def test_groups_keep_the_missing_one_and_do_not_average_to_the_whole():
    table = pd.DataFrame({"score": [9] * 60 + [8] * 15 + [1] * 15 + [9] * 2 + [8] + [1] * 7})
    table["segment"] = ["smb"] * 90 + [None] * 10
    by = net_promoter_score(table, per_respondent="all", by="segment", min_n=1)
    assert by["net_promoter_score"].tolist() == [50, -50]
    assert by["segment"].isna().tolist() == [False, True]
    assert nps(table["score"])["net_promoter_score"] == 40


def test_periods_are_cut_by_the_local_date_of_the_answer():
    table = answers("a 2026-01-31T22:59Z 9\nb 2026-01-31T23:00Z 1\na 2026-02-20 1")
    by = net_promoter_score(table, period="month", tz="Europe/Berlin", min_n=1)
    assert by["period_start"].dt.month.tolist() == [1, 2]
    assert by["responses"].tolist() == [1, 2]  # a's answers lie in different months


def test_the_range_is_half_open():
    row = net_promoter_score(TWICE, since="2026-03-02", until="2026-03-20", min_n=1).iloc[0]
    assert row["responses"] == 3
    assert row["promoters"] == 1


def test_problems_are_listed_by_kind():
    table = check_responses(pd.DataFrame({"score": [9, None, 11, 7.5, "x", ""]})).set_index("problem")
    assert table["rows"].to_dict() == {"blank": 2, "not_a_number": 1, "out_of_range": 1, "not_an_integer": 1}
    assert table.loc["not_a_number", "example"] == "x"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per_respondent": "best"}, "per_respondent: 'best'"),
        ({"per_respondent": "latest"}, "'respondent_id' is not a column"),
        ({"by": "plan"}, "'plan' is not a column"),
        ({"score": "points"}, "'points' is not a column"),
        ({"min_n": 0}, "min_n: 0"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        nps([9], **options)


def test_naive_and_missing_times_are_refused():
    naive = TWICE.assign(answered_at=TWICE["answered_at"].dt.tz_localize(None))
    with pytest.raises(ValueError, match="no zone"):
        net_promoter_score(naive)
    with pytest.raises(ValueError, match=r"missing in 1 row \(first: row 0\)"):
        net_promoter_score(TWICE.assign(answered_at=TWICE["answered_at"].mask(TWICE.index == 0)))


@settings(max_examples=10)
@given(st.lists(st.lists(st.integers(0, 10), min_size=1, max_size=60), min_size=10, max_size=10))
def test_the_score_lies_in_its_limits_and_on_its_scale(samples):
    rows = pd.DataFrame(
        [(k, score) for k, sample in enumerate(samples) for score in sample], columns=["group", "score"]
    )
    table = net_promoter_score(rows, by="group", per_respondent="all", min_n=1)
    low, score, high = (table[f"net_promoter_score{side}"] for side in ("_low", "", "_high"))
    assert ((low >= -100) & (low <= high) & (high <= 100)).all()
    assert score.between(-100, 100).all()
    assert (table["promoters"] + table["passives"] + table["detractors"] == table["responses"]).all()
    assert table["responses"].tolist() == [len(sample) for sample in samples]
    alone = [nps(sample)["net_promoter_score_low"] for sample in samples[:1]]
    assert alone == low[:1].tolist()  # a group alone has the limits that it has among others


def test_only_answers_to_the_nps_question_are_read():
    table = pd.DataFrame({"score": [10, 1, 5], "question_type": ["nps", "ces", None]})
    row = net_promoter_score(table, per_respondent="all", min_n=1).iloc[0]
    assert row[["responses", "rejected"]].tolist() == [1, 0]


def test_the_interval_holds_its_score_also_when_nearly_all_were_asked():
    row = nps([10] * 80 + [8] * 15, population=100)
    assert row["net_promoter_score_low"] < row["net_promoter_score"] < row["net_promoter_score_high"]
    everybody = nps([10, 10, 8], population=3)
    limits = everybody[["net_promoter_score_low", "net_promoter_score_high"]]
    assert limits.tolist() == pytest.approx([200 / 3, 200 / 3])
    assert nps([10])["net_promoter_score_high"] == 100


def test_somebody_in_two_groups_has_one_voice():
    table = answers("r 2026-03-02 3\nr 2026-03-05 10").assign(plan=["trial", "pro"])
    by = net_promoter_score(table, by="plan", min_n=1).set_index("plan")
    assert by["responses"].to_dict() == {"pro": 1, "trial": 0}
    assert by["duplicates"].to_dict() == {"pro": 0, "trial": 1}


def test_a_month_without_answers_has_its_row_and_its_reason():
    table = answers("a 2026-01-05 9\nb 2026-03-05 9")
    by = net_promoter_score(table, period="month", min_n=1)
    assert by["responses"].tolist() == [1, 0, 1]
    assert by["reason"].tolist()[1] == "no_responses"


@pytest.mark.parametrize("name", ["value", "score_of", "_x"])
def test_a_property_may_have_any_name_but_those_of_the_result(name):
    table = pd.DataFrame({"score": [9, 1], name: ["iron", "gold"]})
    by = net_promoter_score(table, per_respondent="all", by=name, min_n=1)
    assert by[name].tolist() == ["gold", "iron"]
    with pytest.raises(ValueError, match="by: 'reason' is a column of the result"):
        net_promoter_score(table.rename(columns={name: "reason"}), per_respondent="all", by="reason")
