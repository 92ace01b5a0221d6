"""Cohorts of firsts near the beginning of a log may hold old users, and say so."""

import pandas as pd
import pytest

import metrics
from metrics import Step, cohort_retention, event_log, retention_curve, user_days

# Wednesday 7 January is the first day of the log; somebody new comes in each of eight weeks, and ann comes always.
LOG = event_log("""
    2026-01-07  ann  visit
    2026-01-12  ben  visit
    2026-01-12  ann  visit
    2026-02-02  cat  visit
    2026-02-08 23:59:59.999  edge  visit    # the last moment of the last week that is uncertain
    2026-02-09  dan  visit
    2026-02-16  eve  visit
""")


def uncertain(log=LOG, as_of="2026-03-01", **options):
    table = cohort_retention(log, periods=1, as_of=as_of, **options)
    return table.loc[table["uncertain"], "cohort"].dt.strftime("%d %b").drop_duplicates().tolist()


WEEKS = ["05 Jan", "12 Jan", "19 Jan", "26 Jan", "02 Feb"]


def test_a_cohort_with_less_than_four_weeks_of_history_is_uncertain():
    assert uncertain() == WEEKS  # the first week may be cut, so that four whole ones follow it


def test_a_beginning_that_is_known_counts_to_the_moment():
    assert uncertain(observed_from="2026-01-12") == WEEKS
    assert uncertain(observed_from="2026-01-12 00:01") == [*WEEKS, "09 Feb"]  # a minute short of 28 days
    assert uncertain(observed_from="2026-01-05") == WEEKS[:-1]


def test_how_much_history_is_needed_may_be_said():
    assert uncertain(look_back="14 days") == ["05 Jan", "12 Jan", "19 Jan"]
    assert uncertain(look_back="14 days", observed_from="2026-01-12") == ["05 Jan", "12 Jan", "19 Jan"]
    assert uncertain(look_back=None) == []
    with pytest.raises(ValueError, match="look_back: '4' is not a span"):
        uncertain(look_back="4")


def test_only_cohorts_that_speak_of_all_history_can_be_wrong_about_it():
    assert uncertain(cohort="first_ever") == WEEKS
    assert uncertain(cohort="recurring") == []
    assert uncertain(cohort="first_in_range", since="2026-01-05") == []


def test_a_range_does_not_move_the_beginning_of_the_log():
    assert uncertain(since="2026-02-01") == ["02 Feb"]
    assert uncertain(since="2026-02-09") == []


def people(once, twice):
    log = event_log("2026-01-05 zoe visit\n2026-02-23 zoe visit")
    rows = [log.assign(user_id=f"twice {k}") for k in range(twice)]
    rows += [log.iloc[:1].assign(user_id=f"once {k}") for k in range(once)]
    return pd.concat(rows, ignore_index=True)


def test_a_start_of_once_in_a_lifetime_is_always_the_first():
    assert uncertain(people(99, 1), as_of="2026-03-09")[:1] == ["05 Jan"]  # one of a hundred comes again
    assert uncertain(people(100, 1), as_of="2026-03-09") == []  # less
    log = event_log("2026-01-05 ann sign_up\n2026-01-12 ann visit\n2026-01-19 ann visit")
    assert uncertain(log, start_event="sign_up") == []
    assert uncertain(log, start_event="visit") == ["12 Jan"]
    assert uncertain(log, start_event=Step("visit"), return_event="visit") == ["12 Jan"]


def test_two_visits_of_one_week_are_one_start():
    log = event_log("2026-01-05 ann visit\n2026-01-06 ann visit\n2026-01-07 ben visit")
    assert uncertain(log) == []


def test_months_count_the_days_of_their_history():
    log = event_log("2026-01-15 ann v\n2026-02-15 ann v\n2026-03-15 ben v\n2026-04-15 cat v")
    options = {"period": "month", "as_of": "2026-05-01"}
    assert uncertain(log, **options) == ["01 Jan", "01 Feb"]  # 1 March has the 28 days of February before it
    assert uncertain(log, look_back="29 days", **options) == ["01 Jan", "01 Feb", "01 Mar"]


def test_the_clocks_of_the_zone_say_when_the_log_begins():
    log = event_log("2026-03-16 ann v\n2026-03-23 ann v\n2026-03-30 ben v\n2026-04-13 cat v")
    options = {"tz": "Europe/Berlin", "look_back": "14 days", "as_of": "2026-05-01"}
    assert uncertain(log, observed_from="2026-03-16", **options) == ["16 Mar", "23 Mar"]  # 30 March, by 14 dates
    assert uncertain(log, observed_from="2026-03-15T23:00Z", **options) == ["16 Mar", "23 Mar"]  # the same midnight


def test_the_curve_without_the_uncertain_is_one_of_the_others():
    table = cohort_retention(LOG, periods=1, as_of="2026-03-01")
    curve = retention_curve(table[~table["uncertain"]])
    assert curve["users"].tolist() == [2, 1]  # of dan and eve; the week after eve's runs
    assert retention_curve(table)["users"].tolist() == [6, 5]


def test_days_and_files_know_the_same_beginning(tmp_path):
    metrics.write_events(LOG, tmp_path / "log")
    asked = {"periods": 2, "as_of": "2026-03-01", "tz": "Europe/Berlin"}
    table = cohort_retention(LOG, **asked)
    for source in (metrics.open_events(tmp_path / "log"), user_days(LOG, as_of="2026-03-01", tz="Europe/Berlin")):
        pd.testing.assert_frame_equal(cohort_retention(source, **asked), table)


def test_the_flag_is_told_in_words_table_and_figure():
    table = cohort_retention(LOG, periods=1, as_of="2026-03-01")
    assert "Cohorts before 2026-02-09 are uncertain" in table.attrs["definition"]
    html = metrics.show(table, "Cohorts").html
    assert html.count("†") == 5 + 1  # a mark each, and the foot
    assert "† The log before it is short" in html
    axes = metrics.plot_retention_matrix(table)
    assert sum("†" in text.get_text() for text in axes.texts) == 3  # a week of nobody has no row
    assert "uncertain" in metrics.definitions(table).html
    certain = cohort_retention(LOG, periods=1, look_back=None, as_of="2026-03-01")
    assert "†" not in metrics.show(certain).html
