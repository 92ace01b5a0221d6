"""Tables that come again: read from a CSV file, numbered anew, or two of them set together."""

import io

import pandas as pd
import pytest

import metrics

EVENTS = metrics.event_log("""
    2026-01-05  ann   visit
    2026-01-06  ben   visit
    2026-01-20  cleo  visit
    2026-02-03  ann   visit
    2026-02-09  cleo  visit
    2026-03-03  ann   visit
""")
MONTHS = metrics.lifecycle(EVENTS, period="month", as_of="2026-03-01")
FUNNEL = metrics.conversion_funnel(EVENTS, ["visit", "visit"], window="40 days", as_of="2026-06-01")


def from_csv(table: pd.DataFrame) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))


def test_a_table_from_a_csv_file_is_told_and_shown_as_it_was():
    said = metrics.headline(MONTHS)
    assert "in February 2026" in said
    assert metrics.headline(from_csv(MONTHS)) == said
    plain = MONTHS.copy()
    plain.attrs = {}
    assert metrics.show(from_csv(MONTHS), "Months").html == metrics.show(plain, "Months").html


def test_a_figure_of_times_that_are_text_says_how_to_read_them():
    with pytest.raises(
        ValueError, match=r"period_start holds text \(such as '2026-01-01'\).*parse_dates=\['period_start'\]"
    ):
        metrics.plot_lifecycle(from_csv(MONTHS))


def test_a_table_of_ones_own_keeps_its_texts():
    own = pd.DataFrame({"date": ["2026-01-05"], "what": ["released"]})
    assert "2026-01-05" in metrics.show(own, "Releases").html


@pytest.mark.parametrize("table", [MONTHS, FUNNEL], ids=["months", "funnel"])
def test_two_results_below_each_other_are_told_as_none(table):
    for both in (pd.concat([table, table.assign(new=0)]), pd.concat([table, table], ignore_index=True)):
        assert "several rows for" in metrics.headline(both)
        assert "several rows for" in metrics.headline(table, both)
    named = pd.concat({"before": table, "after": table}, names=["when"]).reset_index(level=0)
    assert "several rows" not in metrics.headline(named)


def test_one_row_a_group_is_one_row():
    answers = pd.DataFrame({"respondent_id": ["ann", "ben"], "score": [9, 3]})
    answers["answered_at"] = pd.Timestamp("2026-01-05", tz="UTC")
    answers["plan"] = ["pro", "free"]
    assert "several rows" not in metrics.headline(metrics.net_promoter_score(answers, by="plan", min_n=1))
    score = metrics.net_promoter_score(answers, min_n=1)
    assert "has several rows, as" in metrics.headline(pd.concat([score, score]))


@pytest.mark.parametrize("table", [MONTHS, FUNNEL], ids=["months", "funnel"])
def test_the_numbers_of_rows_are_no_groups(table):
    assert metrics.headline(table.reset_index()) == metrics.headline(table)


def test_a_property_called_index_tells_groups_all_the_same():
    log = EVENTS.assign(index=[1, 2, 1, 1, 1, 1])
    table = metrics.churn_rate(log, by="index", period="month", as_of="2026-03-01", min_n=1)
    assert "the most of 2 groups" in metrics.headline(table)


@pytest.mark.parametrize("change", [lambda t: t.rename(columns={"users": "people"}), lambda t: t.drop(columns="users")])
def test_a_table_that_lost_a_column_is_told_which(change):
    with pytest.raises(ValueError, match=r"table of conversion_funnel has no \['users'\] any more; its columns are"):
        metrics.headline(change(FUNNEL))
