import pandas as pd
import pytest

from metrics import EventTableError, contract_retention, definitions, fit_retention, project_retention, show
from tests.metrics.subscriptions_by_hand import AS_OF, DAYS, lives, whole_days
from tests.metrics.test_display_money import said
from tests.metrics.test_revenue import log

BOOK = log("""
    ann   a1  2026-01-31  -           10
    ben   b1  2026-01-10  2026-03-10  10   # ends with the second month: not there after it
    cat   c1  2026-01-10  2026-03-11  10   # one day longer: there after two months, not after three
    dan   d1  2026-01-05  2026-02-01  10   # gone before the first month is over
    dan   d2  2026-02-20  -           10   # and back: has left all the same
    edge  e1  2026-02-28  -           10   # watched for three months to the day
    late  l1  2026-03-01  -           10   # a day too late for that
""")
THREE = {"periods": 3, "as_of": "2026-05-29", "min_n": 1}


def counts(table):
    return table["active"].tolist()


def test_contracts_are_counted_at_each_return_of_their_first_day():
    table = contract_retention(BOOK, **THREE)
    assert counts(table) == [5, 4, 3, 2]
    assert table["gone"].tolist() == [0, 1, 1, 1]
    assert (table["customers"].unique(), table["too_recent"].unique()) == ([5], [1])
    assert table["kept_rate"].tolist() == [1, 0.8, 0.6, 0.4]
    assert table["renewal_rate"].tolist()[1:] == [0.8, 0.75, pytest.approx(2 / 3)]
    assert table.loc[0, ["kept_rate_low", "kept_rate_high"]].tolist() == [1, 1]
    assert pd.isna(table.loc[0, "renewal_rate"])


@pytest.mark.parametrize(("as_of", "customers"), [("2026-05-28", 4), ("2026-05-28T23:59", 4), ("2026-05-29", 5)])
def test_the_last_day_must_be_over(as_of, customers):
    assert contract_retention(BOOK, **THREE | {"as_of": as_of})["customers"].iloc[0] == customers


def test_the_31st_returns_on_the_last_day_of_a_shorter_month():
    rows = log("""
        ann  a1  2026-01-31  2026-02-28  10
        ben  b1  2026-01-31  2026-03-01  10
        cat  c1  2026-01-31  2026-03-31  10
        dan  d1  2026-01-31  2026-04-01  10
    """)
    assert counts(contract_retention(rows, periods=2, as_of="2026-04-02", min_n=1)) == [4, 3, 1]


def test_days_are_those_of_the_zone():
    rows = log("ann a1 2026-03-01T23:30 2026-04-02T21:30 10")  # in Berlin from 2 March to 2 April
    assert counts(contract_retention(rows, periods=1, as_of="2026-05-01", min_n=1)) == [1, 1]
    assert counts(contract_retention(rows, periods=1, as_of="2026-05-01", tz="Europe/Berlin", min_n=1)) == [1, 0]


def test_a_pause_is_no_end_until_it_lasts_too_long_and_a_trial_no_beginning():
    rows = log("""
        ann  a1  2026-01-01  2026-01-10  10  status=trialing
        ann  a1  2026-01-10  2026-02-01  10  status=active
        ann  a1  2026-02-01  -           10  status=paused
    """)
    assert counts(contract_retention(rows, periods=4, as_of="2026-06-01", min_n=1)) == [1, 1, 1, 1, 0]
    assert counts(contract_retention(rows, periods=2, paused="churn", as_of="2026-06-01", min_n=1)) == [1, 0, 0]
    assert counts(contract_retention(rows, periods=4, pause_limit=None, as_of="2026-06-01", min_n=1)) == [1] * 5


def test_a_change_of_plan_is_no_end_and_a_group_is_that_of_the_first_row():
    rows = log("""
        ann  a1  2026-01-10  2026-02-15  10  plan=small
        ann  a2  2026-02-15  -           20  plan=large
        ben  b1  2026-01-10  2026-02-10  20  plan=large
    """)
    table = contract_retention(rows, periods=2, by="plan", as_of="2026-04-01", min_n=1)
    assert table["plan"].tolist() == ["large"] * 3 + ["small"] * 3
    assert counts(table) == [1, 0, 0, 1, 1, 1]
    of_each = contract_retention(rows, periods=2, level="subscription", as_of="2026-04-15", min_n=1)
    assert (counts(of_each), of_each["too_recent"].iloc[0]) == ([2, 1, 0], 1)


def test_since_and_until_choose_whose_beginning_is_counted():
    one = contract_retention(BOOK, since="2026-01-10", until="2026-01-31", **THREE)
    assert counts(one) == [2, 2, 1, 0]
    assert one["too_recent"].unique() == [0]
    none = contract_retention(BOOK, since="2027-01-01", **THREE)
    assert counts(none) == [0] * 4
    assert none["reason"].tolist() == ["kept_rate: zero_denominator; renewal_rate: zero_denominator"] * 4


def test_a_day_belongs_to_a_range_if_it_begins_in_it():
    noon = contract_retention(BOOK, since="2026-01-10T12:00", **THREE)
    assert noon["customers"].iloc[0] == 2  # ann and edge: ben and cat began on a day that had begun
    assert contract_retention(BOOK, until="2026-01-10T12:00", **THREE)["customers"].iloc[0] == 3


def test_few_customers_have_counts_and_no_rate():
    table = contract_retention(BOOK, **THREE | {"min_n": 4})
    assert table["renewal_rate"].notna().tolist() == [False, True, True, False]
    assert table["reason"].tolist()[3] == "renewal_rate: below_min_n"
    assert contract_retention(BOOK, **THREE | {"min_n": 10})["kept_rate"].isna().all()


def test_what_a_fit_takes_is_what_is_counted():
    table = contract_retention(BOOK, **THREE)
    assert fit_retention(table, unit="month").log_likelihood == fit_retention([5, 4, 3, 2], unit="month").log_likelihood
    ahead = project_retention(table, unit="month", periods=6)
    assert ahead["active"].tolist()[:4] == [5, 4, 3, 2]


@pytest.mark.parametrize(("period", "days"), [("week", 7), ("day", 1)])
def test_random_lives_agree_with_a_count_day_by_day(period, days):
    rows = lives(seed=3, customers=120)
    live, held = whole_days(rows)
    periods, expected, recent = 5, [0] * 6, 0
    for who in sorted(live):
        paying = [day for day in range(DAYS) if live[who][day] > 0]
        if not paying:
            continue
        began = paying[0]
        if began + periods * days >= DAYS:
            recent += 1
            continue
        gone = next((d for d in range(began, DAYS) if live[who][d] <= 0 and held[who][d] <= 0), DAYS)
        for k in range(periods + 1):
            expected[k] += gone > began + k * days
    table = contract_retention(rows, period=period, periods=periods, past_due_grace=None, as_of=AS_OF, min_n=1)
    assert counts(table) == expected
    assert table["too_recent"].iloc[0] == recent > 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"periods": 0}, "periods: 0 is no number"),
        ({"period": "hour"}, "no length in local days"),
        ({"period": "fortnight"}, "'fortnight' is not known"),
        ({"by": "plan"}, "plan"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked, said):
    with pytest.raises(ValueError, match=said):
        contract_retention(BOOK, **THREE | asked)


def test_a_row_that_ends_before_it_starts_is_refused():
    with pytest.raises(EventTableError, match="end before they start"):
        contract_retention(log("ann a1 2026-03-01 2026-02-01 10"), **THREE)


def test_the_table_says_what_it_counts():
    table = contract_retention(BOOK, **THREE)
    assert said(table) == (
        "40 % of 5 who began still had their contract after 3 months (12 to 77); 1 began too recently to be watched "
        "for so long."
    )
    html = show(table, "Contracts").html.replace("\u202f", " ")
    assert "2 / 5 = 40.0 %, month 3" in html
    assert "too_recent" not in html
    assert "first MRR lies at least 3 months before" in definitions(table).html
    rows = pd.concat([BOOK.assign(plan="small"), BOOK.assign(plan="large", customer_id=BOOK["customer_id"] + "2")])
    compared = said(contract_retention(rows, by="plan", **THREE))
    assert compared.startswith("40 % of large still had their contract after 3 months")
    assert said(contract_retention(BOOK, **THREE | {"min_n": 10})).startswith("– too few began long enough ago")
