"""Our side of what is asked of days of users, called as an analyst would call it."""

from typing import Any

import metrics
from benchmarks.question import AS_OF
from benchmarks.worker import Ask

Rows = list[list[Any]]


def cohorts(file: str) -> Ask:
    """Weekly first-time cohorts, a triangle of 26 weeks: cohort's week, weeks since, users retained."""
    return lambda: _cohorts(metrics.open_events(file))


def actives(file: str) -> Ask:
    """Users active on each day, in seven days and in thirty."""
    return lambda: _actives(metrics.open_events(file))


def lifecycle(file: str) -> Ask:
    """By week: new, returning, resurrected and dormant users."""
    return lambda: _lifecycle(metrics.open_events(file))


def churn(file: str) -> Ask:
    """Monthly churn after thirty days of silence: users active at each month's start, and those who churned."""
    return lambda: _churn(metrics.open_events(file))


def all_four(file: str) -> Ask:
    """All of these from one read of the events."""

    def ask() -> Rows:
        days = metrics.user_days(metrics.open_events(file), as_of=AS_OF)
        return [*_cohorts(days), *_actives(days), *_lifecycle(days), *_churn(days)]

    return ask


def _cohorts(events: Any) -> Rows:
    table = metrics.cohort_retention(events, period="week", periods=26, as_of=AS_OF)
    kept = table[table["retained"] > 0]
    week = (kept["cohort"] - table["cohort"].min()).dt.days // 7
    return [list(row) for row in zip(week, kept["period"], kept["retained"], strict=True)]


def _actives(events: Any) -> Rows:
    table = metrics.active_users(events, as_of=AS_OF)
    return table.loc[table["daily"] > 0, ["daily", "weekly", "monthly"]].to_numpy().tolist()


def _lifecycle(events: Any) -> Rows:
    table = metrics.lifecycle(events, period="week", as_of=AS_OF)
    table = table[table["active"] > 0]
    return table[["new", "returning", "resurrected", "dormant"]].to_numpy().tolist()


def _churn(events: Any) -> Rows:
    table = metrics.churn_rate(events, inactive_for="30 days", period="month", as_of=AS_OF)
    return table[["users", "churned"]].to_numpy().tolist()
