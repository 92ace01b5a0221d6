"""What does a metric table say, in one honest sentence? The number, of whom, its interval, and how it changed.

A sentence opens with its number, so that a page can set it large. A change whose interval holds 0 "may be chance".
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from metrics.display import (
    activity,
    contacts,
    growth,
    health,
    kpis,
    lifetime,
    loyalty,
    money,
    numbers,
    staying,
    warnings,
)
from metrics.display.again import dated, doubled
from metrics.display.columns import period_length, reason_in_words
from metrics.display.comparisons import groups_said as of_groups
from metrics.display.comparisons import lasts, periods_said, previous, than_when, when_told
from metrics.display.estimates import Estimate, Sentence, change, compared, none
from metrics.display.kinds import before_loss, has_groups, largest_loss, lost_by, metric_of, parts, required, setting
from metrics.display.numbers import count, counted, percent, plain, share, with_unit
from metrics.display.stories import (
    drivers_said,
    drop_offs_said,
    groups_said,
    one_user_said,
    paths_said,
    tools_said,
)
from metrics.display.tests_said import looks_said, split_said, variants_said
from metrics.display.voice import (
    change_said,
    churn_by_band_said,
    complaints_said,
    completion_said,
    effort_said,
    responses_said,
    satisfaction_said,
)
from metrics.display.whole import in_order, lacking
from metrics.display.worked import last_complete
from metrics.intervals import wilson


def sentence(table: pd.DataFrame, before: pd.DataFrame | None = None) -> Sentence:
    """The sentence of a metric table; with `before`, a table of the same metric, also what changed."""
    table, before = dated(table), before if before is None else dated(before)
    metric = metric_of(table)
    if metric not in _SAID:
        if lost := lost_by(table):
            raise ValueError(
                f"headline: the table of {table.attrs['metric']} has no {lost} any more; its columns are "
                f"{[str(c) for c in table.columns]}. Give it with these, or use show."
            )
        raise ValueError(
            f"headline: no metric has the columns {[str(c) for c in table.columns]}. Known are {sorted(_SAID)}. "
            "Give the table of one of them, or use show for this one."
        )
    if before is not None and metric_of(before) != metric:
        raise ValueError(
            f"before: {metric_of(before)!r} is another metric than {metric!r}. Give two tables of one metric."
        )
    for one, which in ((table, "table"), (before, "table before")):
        if one is not None and (lacks := lacking(one)):
            return none(f"the {which} is not whole: it lacks {lacks}. Give all of its rows.")
        if one is not None and (twice := doubled(one)):
            return none(
                f"the {which} has {twice}, as where two results are set together. Give one, or "
                "put the column first that tells them apart."
            )
    return _SAID[metric](in_order(table), before if before is None else in_order(before))


def _funnel(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    if has_groups(table):
        ends = pd.DataFrame([required(part).iloc[-1].to_dict() | {"group": name} for name, part in parts(table)])
        undecided = ends["censored_conversion_rate"].notna().all() if "censored_conversion_rate" in ends else False
        name = "censored_conversion_rate" if undecided and table["open"].any() else "conversion_rate"
        return of_groups(ends, name, f"reach {ends.iloc[-1]['event']}")
    if not len(table) or not table.iloc[0]["users"]:
        return none("nobody did the first step, so that no rate exists.")
    first, last = table.iloc[0], required(table).iloc[-1]
    still = int(table["open"].sum())
    # Open windows are undecided, not lost: the Kaplan-Meier share, once somebody was watched to the window's end.
    decided = not still or numbers.is_missing(last.get("censored_conversion_rate"))
    name = "conversion_rate" if decided else "censored_conversion_rate"
    rate, window = Estimate.of(last, name), setting(table, "window")
    in_time = f" within {window}" if window else ""
    than = required(before).iloc[-1] if before is not None and len(before) and before.iloc[0]["users"] else None
    changed, limits = compared(rate, than, name, "before")
    text = f"of {count(first['users'])} who did {first['event']} did {last['event']}{in_time} {rate.limits()}{changed}"
    loss = largest_loss(table)
    if loss is not None:
        row = table.iloc[loss]
        lost = share(row["dropped"], before_loss(table, loss))
        text += f"; most are lost at {row['event']} ({lost} of those before)"
    has = "has" if still == 1 else "have"
    weight = "count as not converted so far" if decided else "are taken as undecided"
    text += f". {count(still)} who still {has} time {weight}." if still else "."
    return Sentence(rate.number(), text, "%", [rate.limits(), *limits])


def _trend(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    return periods_said(
        table, before, "conversion_rate", lambda row, when: f"of {count(row['users'])} who began in {when} converted"
    )


def _churn(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    if has_groups(table):
        rows = lasts(table, "churn_rate")
        if not len(rows):
            return none("no period is finished with enough users, so that no rate exists.")
        return of_groups(rows, "churn_rate", f"churned in {when_told(table, rows)}")
    return periods_said(
        table, before, "churn_rate",
        lambda row, when: (
            f"of {counted(row['users'], 'user')} active at the start{' of ' + when if when else ''} churned"
        ),
    )  # fmt: skip


def _at(table: pd.DataFrame, period: int) -> pd.Series:
    """Rate of one period over all finished cohorts, with its Wilson interval."""
    cells = table[(table["period"] == period) & (table["users"] > 0)]
    if "complete" in cells:
        cells = cells[cells["complete"].astype(bool)]
    if "cohorts" in cells and len(cells) == 1:
        return cells.iloc[0]
    users, retained = float(cells["users"].sum()), float(cells["retained"].sum())
    low, high = wilson(retained, users, float(setting(table, "confidence", 0.95)))
    rate = retained / users if users else np.nan
    return pd.Series({"users": users, "retention_rate": rate, "retention_rate_low": low, "retention_rate_high": high})


def _retention(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    done = table[table["users"] > 0]
    if "complete" in done:
        done = done[done["complete"].astype(bool)]
    later = sorted(p for p in done["period"].unique() if p > 0)
    if not later:
        return none("no period after the first is finished yet, so that nobody can have come back.")
    unit = period_length(table) or "period"
    if has_groups(table):
        rows = pd.DataFrame([_at(part, later[0]).to_dict() | {"group": name} for name, part in parts(table)])
        return of_groups(rows, "retention_rate", f"came back in {unit} {later[0]}")
    row = _at(table, later[0])
    rate = Estimate.of(row, "retention_rate")
    than = _at(before, later[0]) if before is not None and len(before) else None
    changed, limits = compared(rate, than, "retention_rate", "before")
    text = f"of {counted(row['users'], 'user')} came back in {unit} {later[0]} {rate.limits()}{changed}"
    pieces = [rate.limits(), *limits]
    if len(later) > 1:
        end = _at(table, later[-1])
        last = Estimate.of(end, "retention_rate")
        text += f"; {with_unit(last.number())} in {unit} {later[-1]} {last.limits()}, of {count(end['users'])}"
        pieces.append(last.limits())
    return Sentence(rate.number(), f"{text}.", "%", pieces)


def _matrix(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    later = [int(p) for p in table.columns.astype(int) if p > 0 and table[p].notna().any()]
    if not later:
        return none("no period after the first is finished yet, so that nobody can have come back.")
    cells, unit = table[later[0]].dropna(), setting(table, "period", "period")
    low, high = percent(cells.min(), 0), percent(cells.max(), 0)
    came = "come back" if setting(table, "estimate", "retention_rate") == "retention_rate" else "of its money comes"
    among = f"in the middle one of {counted(len(cells), 'cohort')}; they lie between {low} and {high}"
    if len(cells) == 1:
        among = "in the only cohort for which it is over"
    return Sentence(percent(cells.median(), 0), f"{came} in {unit} {later[0]} {among}.", "%")


def _counts(name: str, words: str) -> Callable[[pd.DataFrame, pd.DataFrame | None], Sentence]:
    def say(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
        row = table.iloc[0]
        if numbers.is_missing(row[name]):
            return none("there were no customers at the start, so that no rate exists.")
        rate = Estimate.of(row, name)
        than = before.iloc[0] if before is not None and len(before) else None
        changed, limits = compared(rate, than, name, "before")
        text = f"of {counted(row['customers_start'], 'customer')} present at opening {words} {rate.limits()}{changed}."
        return Sentence(rate.number(), text, "%", [rate.limits(), *limits])

    return say


def _nps(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    name, dated = "net_promoter_score", "period_start" in table
    if has_groups(table):
        rows = lasts(table, name)
        when = ""
        if dated and len(rows):
            when = f" in {numbers.period_in_words(rows.iloc[0]['period_start'], period_length(table))}"
        return of_groups(rows, name, f"net promoter score{when}", unit="", scale=1)
    row = last_complete(table, name)
    if row is None:
        why = reason_in_words(table.iloc[-1].get("reason")) if len(table) else "no answers"
        return none(f"there is no net promoter score: {why or 'no answers'}.")
    score = Estimate.of(row, name, 1)
    other, than = None, "before"
    if before is not None:
        other = last_complete(before, name)
    elif dated and not setting(table, "rolling"):  # windows that overlap share answers
        other = previous(table, row, name)
        than = than_when(table, other)
    changed, limits = compared(score, other, name, than, 1)
    when = f" of {numbers.period_in_words(row['period_start'], period_length(table))}" if dated else ""
    up, down = (share(row[band], row["responses"]) for band in ("promoters", "detractors"))
    text = (
        f"is the net promoter score{when} {score.limits()}{changed}. "
        f"Of {count(row['responses'])} who answered, {up} are promoters and {down} detractors."
    )
    return Sentence(plain(score.value, score.decimals), text, "", [score.limits(), *limits])


def _orders(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    if not len(table):
        return none("nobody has bought.")
    rate = _repeat(table)
    changed, limits = change(rate, _repeat(before), "before") if before is not None and len(before) else ("", [])
    text = f"of {counted(len(table), 'customer')} bought again {rate.limits()}{': ' + changed if changed else ''}."
    return Sentence(rate.number(), text, "%", [rate.limits(), *limits])


def _repeat(table: pd.DataFrame) -> Estimate:
    again, n = float((table["frequency"] > 0).sum()), float(len(table))
    low, high = wilson(again, n, 0.95)
    return Estimate(100 * again / n, 100 * float(low), 100 * float(high))


def _simple(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    row = table.iloc[0]
    if numbers.is_missing(row.get("revenue")):
        why = reason_in_words(row.get("reason"))
        return none(f"the simple formula has no answer{': ' + why if why else ''}.")
    factors = (
        f"{plain(row['average_order_value'], 2)} an order × {_short(row['orders_per_year'])} orders a year × "
        f"{_short(row['lifetime_years'])} years"
    )
    text = f"of revenue is what a customer brings in a lifetime by the simple formula: {factors}."
    margin: Any = row.get("margin_value")
    if not numbers.is_missing(margin):
        text = f"{text[:-1]}; {plain(margin, 2)} of it margin."
    return Sentence(plain(row["revenue"], 2), text)


def _short(value: float) -> str:
    return plain(value, numbers.free_decimals([value]))


def _account(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    sums = table.groupby("stage")["rows"].sum()
    kept = float(sums.get("kept", 0))
    read = float(sums["read"]) if "read" in sums else float(sums.sum())
    others = ", ".join(f"{count(sums[s])} {s}" for s in ("duplicate", "system", "rejected") if sums.get(s, 0) > 0)
    return Sentence(count(kept), f"of {counted(read, 'row')} read were kept{'; ' + others if others else ''}.")


def _checks(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    found = table[table["rows"] > 0]
    if not len(found):
        return Sentence("0", f"of {counted(len(table), 'check')} found something.")
    worst = found.iloc[int(found["rows"].astype(float).argmax())]
    problem = str(worst["problem"]).replace("_", " ")
    return Sentence(
        count(len(found)),
        f"of {counted(len(table), 'check')} found something, most often: {problem} ({counted(worst['rows'], 'row')}).",
    )


def _arrivals(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    rows, gaps = float(table["rows"].sum()), int((table["rows"] == 0).sum())
    if not rows:
        return none("no row lies before the end of what was observed.")
    text = f"of {counted(len(table), 'day')} {'has' if gaps == 1 else 'have'} no events"
    if "late" in table and table["late"].notna().any():
        after = setting(table, "late_after", "allowed")
        text += f"; {with_unit(share_of(table['late'].sum(), rows))} of the rows arrived more than {after} late"
    if table["anonymous"].sum():
        text += f"; {with_unit(share_of(table['anonymous'].sum(), rows))} belong to nobody known"
    return Sentence(count(gaps), f"{text}.")


def share_of(part: float, whole: float) -> str:
    """A share of rows, to a tenth of a per cent."""
    return percent(float(part) / whole, 1)


_SAID: dict[str, Callable[[pd.DataFrame, pd.DataFrame | None], Sentence]] = {
    **money.SAID,
    **growth.SAID,
    **contacts.SAID,
    **loyalty.SAID,
    "conversion_funnel": _funnel,
    "funnel_trend": _trend,
    "compare_funnels": groups_said,
    "funnel_drivers": drivers_said,
    "explain_funnel": one_user_said,
    "reconcile_funnel": tools_said,
    "drop_off_paths": drop_offs_said,
    "user_paths": paths_said,
    "cohort_retention": _retention,
    "retention_curve": _retention,
    "retention_matrix": _matrix,
    "active_users": activity.active_said,
    "lifecycle": activity.lifecycle_said,
    "stickiness": activity.stickiness_said,
    "milestones": activity.milestones_said,
    "time_to_milestone": activity.times_said,
    "feature_adoption": activity.adoption_said,
    "feature_usage": activity.usage_said,
    "onboarding_outcomes": activity.outcomes_said,
    "churn_rate": _churn,
    "customer_retention_rate": _counts("retention_rate", "stayed"),
    "customer_churn_rate": _counts("churn_rate", "left"),
    "survival_curve": staying.curve_said,
    "survival_summary": staying.summary_said,
    "compare_survival": staying.compared_said,
    "compare_survival_pairs": staying.pairs_said,
    "cox_regression": staying.cox_said,
    "project_retention": staying.projected_said,
    "net_promoter_score": _nps,
    "compare_variants": variants_said,
    "sample_ratio_check": split_said,
    "sequential_boundaries": looks_said,
    "nps_change": change_said,
    "nps_by_churn": churn_by_band_said,
    "customer_satisfaction": satisfaction_said,
    "customer_effort": effort_said,
    "response_rate": responses_said,
    "completion_by_length": completion_said,
    "complaint_rate": complaints_said,
    "health_score": health.score_said,
    "churn_alerts": health.alerts_said,
    "customer_status": health.status_said,
    "alert_quality": health.quality_said,
    "lift": health.lift_said,
    "change_effects": health.changes_said,
    **warnings.SAID,
    **kpis.SAID,
    "orders_summary": _orders,
    "customer_lifetime_value": lifetime.value_said,
    "forecast_customers": lifetime.value_said,
    "forecast_total": lifetime.total_said,
    "holdout_check": lifetime.holdout_said,
    "holdout_tracking": lifetime.tracking_said,
    "unit_economics": lifetime.economics_said,
    "simple_lifetime_value": _simple,
    "event_arrivals": _arrivals,
    "account": _account,
    "check_events": _checks,
}
