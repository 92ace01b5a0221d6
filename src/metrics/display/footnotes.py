"""What was divided by what? The foot of each metric's table: the formula in words, then the same with its figures.

The row that is worked out is the one a reader should check: the last period that is over, the last step, the total.
"""

from collections.abc import Callable
from typing import Any

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
from metrics.display.columns import period_length
from metrics.display.kinds import group_of, metric_of, parts, required, setting
from metrics.display.numbers import count, percent, plain, with_unit
from metrics.display.tests_said import looks_foot, variants_foot
from metrics.display.voice_feet import (
    change_foot,
    churned_foot,
    complaint_foot,
    completion_foot,
    effort_foot,
    response_foot,
    satisfaction_foot,
)
from metrics.display.whole import in_order, lacking
from metrics.display.worked import last_complete, left_out, level, quotient, whose


def footnotes(table: pd.DataFrame) -> list[str]:
    """Lines under a table; none for a table of no metric."""
    make = _FEET.get(metric_of(table) or "")
    return [line for line in make(in_order(table)) if line] if make and len(table) and not lacking(table) else []


def _funnel(table: pd.DataFrame) -> list[str]:
    group, funnel = parts(table)[0]
    left_out = len(funnel) - len(required(funnel))
    funnel = required(funnel)
    if len(funnel) < 2:
        return []
    last, before, first = funnel.iloc[-1], funnel.iloc[-2], funnel.iloc[0]
    if not first["users"]:
        return ["Nobody did the first step, so that no rate exists."]
    of = f" ({group})" if group else ""
    lines = [
        "Users of the step before = users + stopped + open: "
        f"{count(before['users'])} = {count(last['users'])} + {count(last['dropped'])} + {count(last['open'])}{of}.",
        f"Step rate = users / users of the step before: {quotient(last['users'], before['users'])}."
        if before["users"]
        else "",
        f"From start = users / users of the first step: {quotient(last['users'], first['users'])}.",
    ]
    open_rate: Any = last.get("censored_conversion_rate")
    if funnel["open"].sum() and not numbers.is_missing(open_rate):
        lines.append(
            "Who still has time counts as not converted so far; with open windows allowed for (Kaplan-Meier) "
            f"{with_unit(percent(open_rate))} reach the last step."
        )
    if left_out:
        lines.append("An optional step loses nobody: its rate is of the step that must be done before it.")
    return [" ".join(line for line in lines[:1]), " ".join(line for line in lines[1:3] if line), *lines[3:]]


def _times(table: pd.DataFrame) -> list[str]:
    return ["Time from the last step that must be done before it, of the users who reached the step."]


def _trend(table: pd.DataFrame) -> list[str]:
    row = last_complete(table, "conversion_rate")
    lines = ["Conversion rate = converted / users who began in the period, whose windows are all over."]
    if row is None:
        return [*lines, "No period is finished yet."]
    when = numbers.period_in_words(row["period_start"], period_length(table))
    return [*lines, f"{quotient(row['converted'], row['users'])}, {when}. {level(table)} Wilson intervals."]


def _compared(table: pd.DataFrame) -> list[str]:
    lines = ["Difference = rate of the group − rate of the control, at the same step."]
    known = table[table["difference"].notna()]
    if len(known):
        row = known.iloc[-1]
        worked = f"{with_unit(percent(row['conversion_rate']))} − "
        worked += with_unit(percent(row["conversion_rate"] - row["difference"]))
        points = numbers.signed(100 * row["difference"], 1)
        group = "(missing)" if numbers.is_missing(row["group"]) else row["group"]
        lines[0] += f" {worked} = {points} points, {group} at {row['event']}. {level(table)} Newcombe intervals."
    lines.append(
        f"p: how often chance alone would show at least as much, allowed for {count(table['p_value'].notna().sum())} "
        "tests in this table."
    )
    if setting(table, "mature_only"):
        lines.append("Only users whose window is over; the group is that of the entry.")
    return lines


def _drivers(table: pd.DataFrame) -> list[str]:
    known = table[table["odds_ratio"].notna()]
    lines = ["Odds ratio = odds of having done it among the converted / odds among the dropped; 1 is alike in both."]
    if len(known):
        row = known.iloc[0]
        lines.append(
            f"{row['event']}: {quotient(row['converted'], row['of_converted'])} of the converted, "
            f"{quotient(row['dropped'], row['of_dropped'])} of the dropped. {level(table)} intervals."
        )
    if setting(table, "exposure") == "matched":
        lines.append("The dropped are looked at for as long as the converted took, so that their counts are means.")
    return [*lines, "An association, not an effect: who means to stay does more of everything."]


def _explained(table: pd.DataFrame) -> list[str]:
    meanings = {
        "counted": "counted: a user of that step",
        "dropped": "dropped: the window is over and the step was not done in it",
        "open": "open: there is still time",
        "excluded": "excluded: the attempt is void",
        "skipped": "skipped: an optional step",
        "not counted": "not counted: another attempt counts or none does",
    }
    said = "; ".join(text for outcome, text in meanings.items() if table["outcome"].eq(outcome).any())
    window, tz = setting(table, "window"), setting(table, "tz", "UTC")
    asked = f"All within {window} of step 1. " if window else ""
    return [f"{asked}Times are those of {tz}.", f"{said[:1].upper()}{said[1:]}."]


def _reconciled(table: pd.DataFrame) -> list[str]:
    lines = ["Difference = users only there − users only as asked for."]
    moved = table[table["users_only_here"] + table["users_missing"] > 0]
    if len(moved):
        row = moved.iloc[-1]
        lines[0] += (
            f" {count(row['users_only_here'])} − {count(row['users_missing'])} = "
            f"{numbers.signed(float(row['difference']))}, {row['tool']} at {row['event']}."
        )
    return [*lines, "Each rule is switched on alone; behind it, how many it adds and takes away."]


def _paths(table: pd.DataFrame) -> list[str]:
    row = table.iloc[0]
    group = "" if "outcome" in table else group_of(table, row)
    worked = quotient(row["users"], round(row["users"] / row["share"]), row["share"])
    lines = [
        f"Share = users who went from one to the other / users at the first: {worked}, "
        f"{row['source']} to {row['target']}{f', {group}' if group else ''}."
    ]
    as_of, gap = setting(table, "as_of"), setting(table, "session_gap")
    if table["target"].eq("(exit)").any():
        window = setting(table, "window")
        when = f"within {window} of entering" if window else f"before {as_of}" if as_of else "in the time observed"
        lines.append(f"(exit): nothing more followed{' in the session' if gap else ''} {when}.")
    if table["target"].eq("(open)").any():
        lines.append(f"(open): the session was not over at {as_of}.")
    if gap and "outcome" not in table:
        lines.append("A user with several sessions may be on several edges: shares can add up to more than 100 %.")
    return lines


def _drop_offs(table: pd.DataFrame) -> list[str]:
    lines = _paths(table)
    undecided = setting(table, "open_users", 0)
    if table["difference"].notna().any():
        lines.append(
            "Difference = share of those who dropped − share of those who converted; "
            f"{level(table)} Newcombe intervals. Of many differences some lie outside theirs by chance."
        )
    if undecided:
        lines.append(f"{count(undecided)} who still {'has' if undecided == 1 else 'have'} time are left out.")
    return lines


UNCERTAIN = "†"  # beside a cohort that may hold units that began before the log


def _cohorts(table: pd.DataFrame) -> list[str]:
    lines = ["Retention rate = users of the cohort who came back in that period / users of the cohort."]
    done = table[table["complete"].astype(bool) & (table["users"] > 0)]
    later = done[done["period"] > 0]
    if len(later):
        row = later[later["period"] == later["period"].min()].iloc[-1]
        length = period_length(table) or "period"
        when = numbers.period_in_words(row["cohort"], period_length(table))
        lines.append(f"{quotient(row['retained'], row['users'])}, cohort of {when}, {length} {int(row['period'])}.")
    if not table["complete"].all():
        lines.append("* The period is not over yet.")
    if "uncertain" in table and table["uncertain"].any():
        lines.append(
            f"{UNCERTAIN} The log before it is short: what looks like a first may be the return of an old user."
        )
    return lines


def _matrix(table: pd.DataFrame) -> list[str]:
    estimate = setting(table, "estimate", "retention_rate")
    if estimate == "retention_rate":
        return ["Retention rate = users of the cohort who came back in that period / users of the cohort."]
    each = ", of each user at most as much as in the first" if estimate.startswith("gross") else ""
    return [f"Kept = money of the cohort in that period / its money in the first{each}."]


def _curve(table: pd.DataFrame) -> list[str]:
    weighted = setting(table, "weighted", True)
    words = "sum of users who came back / sum of users" if weighted else "mean of the cohorts' rates"
    lines = [f"Retention rate = {words}, over cohorts whose period is over."]
    later = table[(table["period"] > 0) & table["retention_rate"].notna()]
    if len(later) and weighted:
        row = later.iloc[-1]
        unit = period_length(table) or "period"
        worked, many = quotient(row["retained"], row["users"]), "cohort" if row["cohorts"] == 1 else "cohorts"
        lines.append(f"{worked} in {unit} {int(row['period'])}, {count(row['cohorts'])} {many}.")
    return lines


def _churn(table: pd.DataFrame) -> list[str]:
    lines = ["Churn rate = churned / users active at the start."]
    row = last_complete(table, "churn_rate")
    if row is None:
        return [*lines, "No period is finished with enough users, so that no rate exists."]
    when = "the whole range"
    if "period_start" in table:
        when = numbers.period_in_words(row["period_start"], period_length(table))
    worked = f"{quotient(row['churned'], row['users'])}, {when}, users active at its opening."
    return [*lines, f"{worked} {level(table)} Wilson intervals."]


def _counts_retention(table: pd.DataFrame) -> list[str]:
    row = table.iloc[0]
    lines = ["Retention rate = (customers at the end − new customers) / customers at the start."]
    if numbers.is_missing(row["retention_rate"]):
        return [*lines, "No customers at the start, so that no rate exists."]
    worked = f"({count(row['customers_end'])} − {count(row['customers_new'])}) / {count(row['customers_start'])}"
    return [*lines, f"{worked} = {with_unit(percent(row['retention_rate']))}, customers present at opening."]


def _counts_churn(table: pd.DataFrame) -> list[str]:
    row = table.iloc[0]
    among, returned = row.get("lost_among_new", 0), row.get("lost_and_returned", 0)
    excused = bool(among or returned)
    words = "(customers lost − lost among new − lost and returned)" if excused else "customers lost"
    lines = [f"Churn rate = {words} / customers at the start."]
    if numbers.is_missing(row["churn_rate"]):
        return [*lines, "No customers at the start, so that no rate exists."]
    part = count(row["customers_lost"])
    if excused:
        part = f"({part} − {count(among)} − {count(returned)})"
    worked = f"{part} / {count(row['customers_start'])} = {with_unit(percent(row['churn_rate']))}"
    return [*lines, f"{worked}, customers present at opening."]


def _nps(table: pd.DataFrame) -> list[str]:
    lines = ["NPS = 100 × (promoters − detractors) / responses, from −100 to 100."]
    row = last_complete(table, "net_promoter_score")
    if row is None:
        return [*lines, "Too few responses, so that no score exists."]
    worked = f"100 × ({count(row['promoters'])} − {count(row['detractors'])}) / {count(row['responses'])}"
    said, rest = whose(table, row, period_length(table)), left_out(table)
    if setting(table, "level") == "account" or setting(table, "weight"):
        lines[0] = "NPS = 100 × the (weighted) mean of +1 (promoter), 0 and −1 (detractor) over the voices."
        return [*lines, f"{plain(row['net_promoter_score'], 2)}{said}.{rest}"]
    return [*lines, f"{worked} = {plain(row['net_promoter_score'], 2)}{said}.{rest}"]


def _orders(table: pd.DataFrame) -> list[str]:
    repeat = int((table["frequency"] > 0).sum())
    lines = ["Repeat share = customers with a further purchase / all customers."]
    return [*lines, f"{quotient(repeat, len(table))}. Purchases of one day count once."]


def _simple(table: pd.DataFrame) -> list[str]:
    row = table.iloc[0]
    lines = ["Lifetime value = average order value × orders a year × years."]
    if numbers.is_missing(row.get("revenue")):
        return lines
    factors = [plain(row["average_order_value"], 2)]
    factors += [plain(row[name], numbers.free_decimals([row[name]])) for name in ("orders_per_year", "lifetime_years")]
    worked = f"{' × '.join(factors)} = {plain(row['revenue'], 2)} revenue"
    if not numbers.is_missing(row.get("margin_value")) and not numbers.is_missing(row.get("margin")):
        worked += f"; × {with_unit(percent(row['margin'], 0))} margin = {plain(row['margin_value'], 2)}"
    return [*lines, f"{worked}."]


def _account(table: pd.DataFrame) -> list[str]:
    sums = table.groupby("stage")["rows"].sum()
    stages = ["kept", "duplicate", "system", "rejected"]
    values = [int(sums.get(stage, 0)) for stage in stages]
    read = int(sums["read"]) if "read" in sums else sum(values)
    equals = "=" if read == sum(values) else "≠"
    return [f"Read = {' + '.join(stages)}: {count(read)} {equals} {' + '.join(count(value) for value in values)}."]


def _checks(table: pd.DataFrame) -> list[str]:
    return ["Share = rows with the problem / all rows. A row may have several problems."]


_FEET: dict[str, Callable[[pd.DataFrame], list[str]]] = {
    **money.FEET,
    **growth.FEET,
    **contacts.FEET,
    **loyalty.FEET,
    **warnings.FEET,
    **kpis.FEET,
    "conversion_funnel": _funnel,
    "time_to_convert": _times,
    "funnel_trend": _trend,
    "compare_funnels": _compared,
    "funnel_drivers": _drivers,
    "explain_funnel": _explained,
    "reconcile_funnel": _reconciled,
    "drop_off_paths": _drop_offs,
    "user_paths": _paths,
    "cohort_retention": _cohorts,
    "retention_matrix": _matrix,
    "retention_curve": _curve,
    "active_users": activity.active_foot,
    "lifecycle": activity.lifecycle_foot,
    "stickiness": activity.stickiness_foot,
    "milestones": activity.milestones_foot,
    "time_to_milestone": activity.times_foot,
    "feature_adoption": activity.adoption_foot,
    "feature_usage": activity.usage_foot,
    "onboarding_outcomes": activity.outcomes_foot,
    "churn_rate": _churn,
    "customer_retention_rate": _counts_retention,
    "customer_churn_rate": _counts_churn,
    "survival_curve": staying.curve_foot,
    "survival_summary": staying.summary_foot,
    "compare_survival": staying.compared_foot,
    "compare_survival_pairs": staying.pairs_foot,
    "cox_regression": staying.cox_foot,
    "project_retention": staying.projected_foot,
    "net_promoter_score": _nps,
    "compare_variants": variants_foot,
    "sequential_boundaries": looks_foot,
    "nps_change": change_foot,
    "nps_by_churn": churned_foot,
    "customer_satisfaction": satisfaction_foot,
    "customer_effort": effort_foot,
    "response_rate": response_foot,
    "completion_by_length": completion_foot,
    "complaint_rate": complaint_foot,
    "health_score": health.score_foot,
    "churn_alerts": health.alerts_foot,
    "customer_status": health.status_foot,
    "alert_quality": health.quality_foot,
    "lift": health.lift_foot,
    "change_effects": health.changes_foot,
    "orders_summary": _orders,
    "customer_lifetime_value": lifetime.value_foot,
    "forecast_customers": lifetime.value_foot,
    "forecast_total": lifetime.total_foot,
    "holdout_check": lifetime.holdout_foot,
    "holdout_by_frequency": lifetime.frequency_foot,
    "holdout_tracking": lifetime.tracking_foot,
    "fitted_parameters": lifetime.parameters_foot,
    "unit_economics": lifetime.economics_foot,
    "simple_lifetime_value": _simple,
    "account": _account,
    "check_events": _checks,
}
