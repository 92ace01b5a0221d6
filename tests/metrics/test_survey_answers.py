"""Who answers, who leaves after which answer, and how often customers complain."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from metrics import EventTableError, complaint_rate, net_promoter_score, nps_by_churn, response_rate


def log(text, *columns, times=()):
    rows = [line.split() for line in text.strip().splitlines()]
    frame = pd.DataFrame(rows, columns=list(columns)).replace("-", None)
    return frame.assign(**{c: pd.to_datetime(frame[c], utc=True, format="ISO8601") for c in times})


# -- response rate -----------------------------------------------------------------------------------------------------

SENDS = log(
    """
    ann    2026-03-30T10:00  true
    edge   2026-03-30T10:00  true
    late   2026-03-30T10:00  true
    gone   2026-03-30T10:00  false
    ann    2026-04-20T10:00  true
    open   2026-04-28T10:00  true
    """,
    "respondent_id", "sent_at", "delivered", times=["sent_at"],
)  # fmt: skip
ANSWERS = log(
    """
    ann    2026-04-01T09:00
    ann    2026-04-02T09:00
    edge   2026-04-13T09:59:59.999999
    late   2026-04-13T10:00
    other  2026-04-01T09:00
    """,
    "respondent_id", "answered_at", times=["answered_at"],
)  # fmt: skip


def rate(**options):
    return response_rate(
        SENDS, responses=ANSWERS, **({"as_of": "2026-05-12T10:00Z", "until": "2026-05-01", "min_n": 1} | options)
    )


def test_an_answer_belongs_to_its_send_and_comes_before_the_cutoff():
    table = rate()
    assert table[["sent", "delivered", "answered"]].to_numpy().tolist() == [[4, 3, 2], [2, 2, 0]]
    assert table["response_rate"].tolist() == [pytest.approx(2 / 3), 0]
    assert table["complete"].tolist() == [True, True]
    low, high = proportion_confint(2, 3, method="wilson")
    assert table["response_rate_low"][0] == pytest.approx(low)
    assert table["response_rate_high"][0] == pytest.approx(high)


def test_over_all_that_were_sent_the_rate_is_lower():
    assert rate(denominator="sent")["response_rate"][0] == 0.5


def test_a_send_that_may_still_be_answered_has_not_failed():
    table = rate(as_of="2026-05-12T09:59Z")
    assert table["complete"].tolist() == [True, False]
    assert table["reason"][1] == "immature"
    assert np.isnan(table["response_rate"][1])
    assert rate(as_of="2026-04-30")["reason"][1] == "incomplete_period"


def test_the_range_as_one_ends_with_the_last_send_whose_time_is_over():
    table = rate(period=None, until=None, as_of="2026-05-12T09:59Z")
    assert "period_start" not in table
    assert table["sent"].item() == 5
    assert table["complete"].item()


def test_a_month_without_sends_has_its_row():
    table = rate(since="2026-02-01", until="2026-05-01")
    assert table["sent"].tolist() == [0, 4, 2]
    assert table["reason"][0] == "zero_denominator"


def test_who_answered_has_received_it():
    table = response_rate(
        SENDS.assign(delivered=False), responses=ANSWERS, until="2026-05-01", as_of="2026-06-01", min_n=1
    )
    assert table["delivered"].tolist() == [2, 0]


def test_an_answer_to_another_survey_is_none_to_this_one():
    table = response_rate(
        SENDS.assign(survey_id="a"), responses=ANSWERS.assign(survey_id=["b", "a", "a", "a", "a"]), as_of="2026-06-01",
        until="2026-05-01", by="survey_id", min_n=1,
    )  # fmt: skip
    assert table["answered"].tolist() == [2, 0]  # ann by the second answer
    assert table["survey_id"].tolist() == ["a", "a"]


def test_months_of_sending_are_those_of_the_zone():
    sends = log("ann 2026-03-31T22:30 true", "respondent_id", "sent_at", "delivered", times=["sent_at"])
    table = response_rate(sends, responses=ANSWERS, tz="Europe/Berlin", as_of="2026-06-01", min_n=1)
    assert table["period_start"][0] == pd.Timestamp("2026-04-01")


def test_bad_sends_are_told():
    with pytest.raises(ValueError, match="delivered: 'perhaps' is neither true nor false"):
        response_rate(SENDS.assign(delivered="perhaps"), responses=ANSWERS, as_of="2026-06-01")
    with pytest.raises(ValueError, match="sends: 'delivered' is not a column of the sends"):
        response_rate(SENDS.drop(columns="delivered"), responses=ANSWERS, as_of="2026-06-01")
    naive = ANSWERS.assign(answered_at=ANSWERS["answered_at"].dt.tz_localize(None))
    with pytest.raises(ValueError, match="answered_at has no zone"):
        response_rate(SENDS, responses=naive, as_of="2026-06-01")


# -- answers and churn -------------------------------------------------------------------------------------------------

SAID = log(
    """
    stays   2026-01-10  10
    leaves  2026-01-10  9
    edge    2026-01-10  2
    pauses  2026-01-10  0
    free    2026-01-10  1
    late    2026-05-10  8
    turns   2026-01-10  3
    turns   2026-02-10  10
    """,
    "account_id", "answered_at", "score", times=["answered_at"],
)  # fmt: skip
PAID = log(
    """
    stays   2025-06-01  -           active    9
    leaves  2025-06-01  2026-03-01  active    9
    edge    2025-06-01  2026-04-10  active    9
    pauses  2025-06-01  2026-03-01  active    9
    pauses  2026-03-01  -           paused    9
    free    2025-06-01  -           trialing  9
    late    2025-06-01  -           active    9
    turns   2025-06-01  -           past_due  9
    """,
    "customer_id", "start", "end", "status", "mrr", times=["start", "end"],
)  # fmt: skip


def by_band(**options):
    options = {"subscriptions": PAID, "as_of": "2026-06-01", "min_n": 1} | options
    return nps_by_churn(SAID, **options).set_index("band")


def test_answers_are_those_of_arrow_too_of_whom_a_group_may_have_none_with_a_subscription():
    said = SAID.assign(plan=["x", "y"] * (len(SAID) // 2) + ["z"] * (len(SAID) % 2))
    plain = nps_by_churn(said, subscriptions=PAID, as_of="2026-06-01", min_n=1, by="plan")
    assert (plain.groupby("plan")["responses"].sum() >= 0).all()
    held = nps_by_churn(
        said.convert_dtypes(dtype_backend="pyarrow"), subscriptions=PAID, as_of="2026-06-01", min_n=1, by="plan"
    )
    pd.testing.assert_frame_equal(held.astype(plain.dtypes), plain)
    nobody = SAID[:0].convert_dtypes(dtype_backend="pyarrow")
    assert nps_by_churn(nobody, subscriptions=PAID, as_of="2026-06-01")["responses"].sum() == 0


def test_customers_are_followed_from_their_first_answer_while_paying():
    table = by_band()
    assert table["responses"].to_dict() == {"promoter": 2, "passive": 1, "detractor": 4}  # turns as a detractor
    assert table["followed"].to_dict() == {"promoter": 2, "passive": 0, "detractor": 3}  # free never paid
    assert table["too_recent"].to_dict() == {"promoter": 0, "passive": 1, "detractor": 0}
    # 10 April is 90 days after 10 January: just before it edge still pays. A pause is no loss.
    assert table["churned"].to_dict() == {"promoter": 1, "passive": 0, "detractor": 0}


def test_an_end_a_moment_before_the_end_of_the_follow_up_is_a_loss():
    earlier = PAID.assign(end=PAID["end"].mask(PAID["customer_id"] == "edge", pd.Timestamp("2026-04-09", tz="UTC")))
    assert by_band(subscriptions=earlier)["churned"]["detractor"] == 1


def test_bands_are_compared_with_the_reference():
    said = pd.DataFrame({"account_id": range(90), "score": [10] * 40 + [8] * 30 + [3] * 20})
    said["answered_at"] = pd.Timestamp("2026-01-10", tz="UTC")
    gone = [True] * 2 + [False] * 38 + [True] * 3 + [False] * 27 + [True] * 5 + [False] * 15
    paid = pd.DataFrame({"customer_id": range(90), "mrr": 1, "start": pd.Timestamp("2025-06-01", tz="UTC")})
    paid["end"] = pd.Series(pd.Timestamp("2026-02-20", tz="UTC"), index=paid.index).where(gone)
    table = nps_by_churn(said, subscriptions=paid, as_of="2026-06-01").set_index("band")
    row = table.loc["detractor"]
    assert table["churn_rate"].tolist() == pytest.approx([0.05, 0.1, 0.25])
    assert row["risk_ratio"] == pytest.approx(5)
    limits = row[["difference_low", "difference_high"]].astype(float).tolist()
    assert limits == pytest.approx(list(confint_proportions_2indep(5, 20, 2, 40, method="newcomb")))
    log_limits = confint_proportions_2indep(5, 20, 2, 40, compare="ratio", method="log")
    assert row[["risk_ratio_low", "risk_ratio_high"]].astype(float).tolist() == pytest.approx(list(log_limits))
    assert table["reason"]["promoter"] == "control"
    assert pd.isna(table["reason"]["detractor"])


def test_too_few_are_held_back_with_their_reasons():
    table = by_band(min_n=3)
    assert table["reason"]["detractor"] == "difference: below_min_n; risk_ratio: below_min_n"
    assert table["churn_rate"]["detractor"] == 0
    assert table["reason"]["promoter"] == "churn_rate: below_min_n"
    assert table["reason"]["passive"].startswith("churn_rate: zero_denominator")


def test_prices_do_where_there_is_no_mrr_and_what_costs_nothing_is_no_subscription():
    priced = PAID.drop(columns="mrr").assign(unit_amount_minor=900, quantity=1)
    pd.testing.assert_frame_equal(by_band(subscriptions=priced), by_band())
    assert by_band(subscriptions=priced.assign(unit_amount_minor=0))["followed"].sum() == 0
    with pytest.raises(ValueError, match="unit_amount_minor"):
        by_band(subscriptions=PAID.drop(columns="mrr"))


def test_what_was_recorded_later_was_not_known():
    first = PAID.assign(subscription_id=PAID["customer_id"], recorded_at=pd.Timestamp("2026-01-01", tz="UTC"))
    ends = first[first["customer_id"] == "stays"].assign(
        end=pd.Timestamp("2026-02-01", tz="UTC"), recorded_at=pd.Timestamp("2026-05-15", tz="UTC")
    )
    both = pd.concat([ends, first], ignore_index=True)
    assert by_band(subscriptions=both)["churned"]["promoter"] == 2
    assert by_band(subscriptions=both, as_of="2026-05-15")["churned"]["promoter"] == 1


# -- complaints --------------------------------------------------------------------------------------------------------

TICKETS = log(
    """
    2026-03-31T22:30  true
    2026-04-10T08:00  true
    2026-04-10T09:00  false
    2026-04-11T09:00  -
    2026-05-01T00:00  true
    """,
    "created_at", "is_complaint", times=["created_at"],
)  # fmt: skip
ACTIVE = pd.DataFrame(
    {"period_start": pd.to_datetime(["2026-03-01", "2026-04-01", "2026-05-01"]), "customers": [50, 40, 30]}
)


def test_complaints_are_counted_over_the_customers_of_their_month():
    table = complaint_rate(TICKETS, active=ACTIVE, as_of="2026-06-01")
    assert table["complaints"].tolist() == [1, 1, 1]
    assert table["complaint_rate"].tolist() == pytest.approx([2, 2.5, 100 / 30])
    berlin = complaint_rate(TICKETS, active=ACTIVE, as_of="2026-06-01", tz="Europe/Berlin")
    assert berlin["complaints"].tolist() == [0, 2, 1]


def test_a_month_that_is_not_over_or_without_customers_has_no_rate():
    table = complaint_rate(TICKETS, active=ACTIVE[:2], as_of="2026-05-02")
    assert table["reason"].fillna("").tolist() == ["", "", "incomplete_period"]
    assert table["complete"].tolist() == [True, True, False]
    later = complaint_rate(TICKETS, active=ACTIVE[:2], as_of="2026-06-01")
    assert later["reason"][2] == "zero_denominator"


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 60), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_limits_are_the_exact_ones_of_a_poisson_count(n, confidence):
    tickets = pd.DataFrame({"created_at": [pd.Timestamp("2026-04-02", tz="UTC")] * n, "is_complaint": True})
    tickets["created_at"] = pd.to_datetime(tickets["created_at"], utc=True)
    row = complaint_rate(
        tickets, active=ACTIVE[1:2], since="2026-04-01", as_of="2026-05-01", per=40, confidence=confidence
    ).iloc[0]
    tail = (1 - confidence) / 2
    assert row["complaint_rate_low"] == pytest.approx(stats.chi2.ppf(tail, 2 * n) / 2 if n else 0)
    assert row["complaint_rate_high"] == pytest.approx(stats.chi2.ppf(1 - tail, 2 * n + 2) / 2)


def test_limits_of_complaints_hold_where_customers_complain_again():
    """Each of 500 days about 20 customers complain, 1.5 times on average: Poisson's held the rate on 86 of 100 days."""
    rng = np.random.default_rng(6)
    days = pd.Series(pd.date_range("2024-01-01", periods=500))
    complained = rng.poisson(20, 500)
    times = rng.geometric(1 / 1.5, complained.sum())
    day = np.repeat(np.repeat(np.arange(500), complained), times)
    tickets = pd.DataFrame({
        "created_at": days.iloc[day].dt.tz_localize("UTC").array, "is_complaint": True,
        "customer_id": np.repeat(np.arange(complained.sum()), times).astype(str),
    })  # fmt: skip
    active = pd.DataFrame({"period_start": days, "customers": 100})
    asked = {"active": active, "period": "day", "as_of": "2025-05-15"}
    found = complaint_rate(tickets, **asked)
    assert found["complaint_rate"].mean() == pytest.approx(30, abs=1)
    held = (found["complaint_rate_low"] <= 30) & (found["complaint_rate_high"] >= 30)
    assert held.mean() > 0.93
    once = complaint_rate(tickets.assign(customer_id=np.arange(len(tickets))), **asked)
    unknown = complaint_rate(tickets.assign(customer_id=None), **asked)
    strangers = complaint_rate(tickets.drop(columns="customer_id"), **asked)
    for table in (once, unknown):
        pd.testing.assert_frame_equal(table, strangers)
    assert (found["complaint_rate_high"] >= strangers["complaint_rate_high"]).all()


def test_limits_of_a_weighted_count_are_those_of_fay_and_feuer():
    """Of 3 who complained once and one who did 4 times: gamma limits with the variance of the sum."""
    at = pd.to_datetime(["2026-03-05"] * 7, utc=True)
    tickets = pd.DataFrame({"created_at": at, "is_complaint": True, "customer_id": list("abcdddd")})
    active = pd.DataFrame({"period_start": [pd.Timestamp("2026-03-01")], "customers": [100]})
    row = complaint_rate(tickets, active=active, as_of="2026-04-01").iloc[0]
    y, v, w = 7, 3 + 16, 4
    assert row["complaint_rate_low"] == pytest.approx(v / (2 * y) * stats.chi2.ppf(0.025, 2 * y**2 / v))
    high = (v + w**2) / (2 * (y + w)) * stats.chi2.ppf(0.975, 2 * (y + w) ** 2 / (v + w**2))
    assert row["complaint_rate_high"] == pytest.approx(high)


def test_the_whole_range_takes_one_row_of_customers():
    row = complaint_rate(TICKETS, active=ACTIVE[["customers"]][:1], period=None, as_of="2026-06-01").iloc[0]
    assert (row["complaints"], row["complaint_rate"]) == (3, 6)
    with pytest.raises(ValueError, match="active has 3 rows"):
        complaint_rate(TICKETS, active=ACTIVE, period=None, as_of="2026-06-01")
    with pytest.raises(ValueError, match="two rows for one period"):
        complaint_rate(TICKETS, active=pd.concat([ACTIVE, ACTIVE]), as_of="2026-06-01")


@pytest.mark.parametrize(("answered", "followed"), [("2026-01-10T00:00Z", 0), ("2026-01-10T00:00:01Z", 1)])
def test_an_answer_in_the_instant_that_a_subscription_begins_is_not_one_while_paying(answered, followed):
    def at(text):
        return pd.to_datetime([text], utc=True)

    said = pd.DataFrame({"account_id": ["ann"], "score": [9], "answered_at": at(answered)})
    paid = pd.DataFrame({"customer_id": ["ann"], "mrr": [10], "start": at("2026-01-10"), "end": at(None)})
    table = nps_by_churn(said, subscriptions=paid, as_of="2026-06-01", min_n=1)
    assert table.loc[0, ["responses", "followed"]].tolist() == [1, followed]


@pytest.mark.parametrize(("as_of", "followed"), [("2026-02-09", 1), ("2026-02-08T23:59:59Z", 0)])
def test_who_answered_is_watched_once_the_last_instant_of_the_follow_up_is_over(as_of, followed):
    day = pd.to_datetime(["2026-01-12"], utc=True)
    said = pd.DataFrame({"account_id": ["ann"], "score": [9], "answered_at": day})
    paid = pd.DataFrame({"customer_id": ["ann"], "mrr": [10], "start": day - pd.Timedelta(days=9), "end": [pd.NaT]})
    paid["end"] = pd.to_datetime(paid["end"], utc=True)
    row = nps_by_churn(said, subscriptions=paid, follow_up="28 days", as_of=as_of, min_n=1).iloc[0]
    assert row[["followed", "too_recent"]].tolist() == [followed, 1 - followed]


def test_times_of_answers_may_have_two_offsets_and_words_are_named():
    said = pd.DataFrame({"respondent_id": ["a", "b"], "score": [10, 3]})
    texts = ["2026-01-05T01:00:00+01:00", "2026-07-05T02:00:00.5+02:00"]
    kept = net_promoter_score(said.assign(answered_at=texts), until="2026-07-01", min_n=1)
    assert kept[["responses", "promoters"]].iloc[0].tolist() == [1, 1]
    with pytest.raises(EventTableError, match=r"the times in 'answered_at' cannot be read \(first: row 1, 'soon'\)"):
        net_promoter_score(said.assign(answered_at=[texts[0], "soon"]))
