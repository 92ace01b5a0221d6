"""How does a table look? A DataFrame as HTML: words left, numbers right, the unit in the head, the interval smaller.

No style and no script stand in it; the page gives the classes their look. Everything that comes from data is escaped.
"""

import re
from collections.abc import Hashable, Iterator
from html import escape
from typing import Any

import pandas as pd

from metrics.display import numbers, of_contacts, of_health, of_kpis, of_loyalty, of_money
from metrics.display.columns import Column, column_of, in_short, period_length, reason_in_words, whose_reason
from metrics.display.footnotes import UNCERTAIN, footnotes
from metrics.display.kinds import groups_of, is_matrix, largest_loss, limits_of, metric_of, required, setting
from metrics.display.phones import is_too_wide

_SHOWN = {  # where a metric has more columns than can be read at a glance
    **of_money.SHOWN,
    **of_contacts.SHOWN,
    **of_health.SHOWN,
    **of_loyalty.SHOWN,
    **of_kpis.SHOWN,
    "conversion_funnel": [
        "event", "users", "dropped", "open", "excluded", "step_conversion_rate", "conversion_rate", "median_seconds",
    ],
    "time_to_convert": ["event", "users", "p25_seconds", "median_seconds", "p75_seconds", "p90_seconds"],
    "compare_funnels": ["event", "users", "conversion_rate", "difference", "p_adjusted"],
    "funnel_drivers": ["event", "converted_share", "dropped_share", "odds_ratio", "p_adjusted"],
    "explain_funnel": ["event", "timestamp", "outcome", "reason"],
    "reconcile_funnel": ["event", "users", "difference", "users_only_here", "users_missing", "rule"],
    "drop_off_paths": ["source_step", "source", "target", "users", "share", "difference"],
    "user_paths": ["source_step", "source", "target", "users", "share", "mean_seconds"],
    "net_promoter_score": [
        "period_start", "responses", "promoters", "passives", "detractors", "net_promoter_score", "rejected",
        "duplicates", "reason",
    ],
    "survival_curve": ["time", "at_risk", "churned", "censored", "survival"],
    "compare_survival": ["customers", "churned", "expected", "p_value"],
    "compare_survival_pairs": ["churned", "expected", "other_churned", "other_expected", "p_adjusted"],
    "cox_regression": ["covariate", "reference", "hazard_ratio", "p_adjusted", "proportional_p_value"],
    "project_retention": ["period", "active", "survival", "retention_rate"],
    "compare_variants": [
        "variant", "users", "conversion_rate", "mean", "difference", "adjusted_difference", "relative_lift",
        "p_adjusted", "probability_better", "verdict",
    ],
    "change_effects": ["change_id", "note", "before", "after", "difference", "p_adjusted", "confounded_with"],
    "onboarding_outcomes": ["outcome", "onboarded", "onboarded_rate", "others", "others_rate", "difference", "reason"],
    "nps_change": ["responses_before", "responses_after", "before", "after", "difference", "p_value"],
    "nps_by_churn": ["band", "followed", "churned", "too_recent", "churn_rate", "difference", "risk_ratio"],
    "customer_satisfaction": [
        "period_start", "responses", "satisfied", "customer_satisfaction", "mean_score", "rejected", "duplicates",
    ],
    "customer_effort": ["period_start", "responses", "customer_effort", "rejected", "duplicates"],
    "health_score": [
        "customer_id", "group", "score_rounded", "coverage", "band", "missing", "top_reason", "reason",
    ],
    "churn_alerts": ["customer_id", "rule", "evidence", "playbook", "mrr_at_risk", "reason"],
    "orders_summary": [
        "customer_id", "first_order", "last_order", "orders", "frequency", "monetary_value", "revenue",
    ],
    "customer_lifetime_value": [
        "customer_id", "expected_purchases", "expected_value", "clv", "p_buy", "flags", "reason",
    ],
    "forecast_customers": ["customer_id", "expected_purchases", "expected_value", "clv", "p_buy", "flags", "reason"],
    "fitted_parameters": ["parameter", "estimate", "std_error"],
    "holdout_check": [
        "model", "actual_purchases", "predicted_purchases", "error", "auc", "brier", "revenue_error", "reason",
    ],
}  # fmt: skip
_EXTRA = {
    **of_money.EXTRA,
    **of_contacts.EXTRA,
    **of_health.EXTRA,
    **of_loyalty.EXTRA,
    **of_kpis.EXTRA,
    "conversion_funnel": {"open", "excluded", "conversion_rate", "median_seconds"},
    "time_to_convert": {"users", "p25_seconds", "p75_seconds"},
    "compare_funnels": {"users", "conversion_rate", "p_adjusted"},
    "funnel_drivers": {"p_adjusted"},
    "explain_funnel": {"timestamp"},
    "reconcile_funnel": {"users", "users_only_here", "users_missing"},
    "drop_off_paths": {"users", "difference"},
    "user_paths": {"mean_seconds"},
    "net_promoter_score": {"promoters", "passives", "detractors", "rejected", "duplicates"},
    "churn_rate": {"new", "reactivated"},
    "event_arrivals": {"anonymous", "late"},
    "lifecycle": {"quick_ratio"},
    "feature_adoption": {"median_days", "open"},
    "milestones": {"not_yet", "users", "reached"},
    "event_dictionary": {"share", "users", "first_seen", "properties"},
    "property_coverage": {"rows", "filled", "values"},
    "time_to_milestone": {"censored"},
    "funnel_trend": {"converted", "open"},
    "survival_curve": {"censored"},
    "cox_regression": {"reference", "proportional_p_value"},
    "survival_summary": {"restricted_mean", "until"},
    "compare_survival": {"customers"},
    "compare_survival_pairs": {"expected", "other_expected"},
    "compare_variants": {"users", "relative_lift", "p_adjusted", "probability_better"},
    "change_effects": {"before", "after", "p_adjusted"},
    "onboarding_outcomes": {"onboarded", "others"},
    "nps_change": {"responses_before", "responses_after", "p_value"},
    "nps_by_churn": {"too_recent", "difference", "risk_ratio"},
    "customer_satisfaction": {"satisfied", "mean_score", "rejected", "duplicates"},
    "customer_effort": {"rejected", "duplicates"},
    "response_rate": {"sent", "answered"},
    "completion_by_length": {"completed", "unknown"},
    "orders_summary": {"first_order", "frequency", "monetary_value"},
    "customer_lifetime_value": {"expected_value", "p_buy", "flags"},
    "forecast_customers": {"expected_value", "p_buy", "flags"},
    "holdout_check": {"brier", "revenue_error"},
    "holdout_tracking": {"actual", "expected"},
    "unit_economics": {"payback_months"},
    "simple_lifetime_value": {"orders", "discounted_margin_value"},
}
_NOT_BY_GROUP = {  # what gives its place to the groups
    "conversion_funnel": {"median_seconds"},
    "compare_variants": {"relative_lift", "probability_better"},
    "change_effects": {"note"},
}
_OF_REASON = {
    "lifecycle": "quick_ratio",
    "quick_ratio": "quick_ratio",
    "customer_status": "mrr_change_90d",
}  # whose it is
NAME = 20  # letters of a name with hyphens, such as a campaign's, that is kept on one line
_OF_ROW = ("value", "target")  # of the sheet of key figures: each row has its own unit
_NOT_AT_THE_START = {"dropped", "open", "excluded", "step_conversion_rate"}  # who begins has no step before
_EMPTY_IS_NOTHING = {
    *of_money.EMPTY_IS_NOTHING,
    "reason",
    "excluded",
    "flags",
    "days_to_renewal",
    "rejected",
    "duplicates",
}  # columns left out where they say nothing


def table_html(table: pd.DataFrame, caption: str, *, rows: int = 50, name: str | None = None) -> str:
    """The table as an HTML fragment with its foot.

    Parameters
    ----------
    table
        A metric table or any other.
    caption
        Stands above the table; may be empty.
    rows
        Rows to show; a line says how many more there are.
    name
        What a screen reader calls the table, if it has no caption.
    """
    cohorts = is_matrix(table) or metric_of(table) == "cohort_retention"
    head, body, left, kind = _cohort_rows(table, rows) if cohorts else _rows(table, rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    label = escape(caption or name or "Table", quote=True)
    notes = [escape(note) for note in footnotes(table)]
    if left:
        notes.insert(0, f"The first {numbers.counted(rows, 'row')}; {numbers.count(left)} more are not shown.")
    foot = f'<p class="foot">{"<br>".join(notes)}</p>' if notes else ""
    html = (
        f'<div class="table" role="region" aria-label="{label}" tabindex="0"><table{kind}>{title}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    return f'<div class="with-foot">{html}{foot}</div>' if foot else html  # together they are printed on one page


def columns_shown(table: pd.DataFrame) -> list[str]:
    """Names of the columns that a reader needs, in order; limits stand in the cell of their estimate."""
    names = list(table.columns)
    metric = metric_of(table) or ""
    wanted = _SHOWN.get(metric)
    if wanted:
        groups = groups_of(table)
        left_out = _NOT_BY_GROUP.get(metric, set()) if groups else set()
        names = [*groups, *(name for name in wanted if name in names and name not in left_out)]
    limits = {f"{name}{end}" for name in names for end in ("_low", "_high") if f"{name}_low" in table}
    has_estimate = any(f"{name}_low" in table.columns or name == _OF_REASON.get(metric) for name in names)
    hidden = limits | {"complete"} | ({"reason"} if has_estimate else set())
    return [name for name in names if name not in hidden and not _says_nothing(table, name)]


def _says_nothing(table: pd.DataFrame, name: str) -> bool:
    cells = table[name]
    if name == "attempt":  # of one attempt there is no number
        return bool((cells == cells.max()).all())
    if metric_of(table) == "forecast_total" and (name == "period" or name.startswith("cumulative")):
        return bool((table["period"] == 1).all())  # of one period the sum is its own
    if name == "currency" and metric_of(table) == "discount_retention":  # of one it stands in the heads
        return setting(table, "currency") is not None
    if name == "span_start" and "period_start" in table:  # followed over the period itself
        return bool((cells == table["period_start"]).all())
    if name in ("active", "rate_of_active") and "rate_of_due" in table:  # over a range before which nobody was there
        return bool((table["active"] == 0).all())
    if name not in _EMPTY_IS_NOTHING:
        return False
    return bool(
        (cells.isna() | (cells == "")).all() or (pd.api.types.is_numeric_dtype(cells) and (cells.fillna(0) == 0).all())
    )


def _rows(table: pd.DataFrame, limit: int) -> tuple[str, str, int, str]:
    if table.columns.has_duplicates or isinstance(table.columns, pd.MultiIndex):
        table = _flat(table)
    if not isinstance(table.index, pd.RangeIndex) and not table.empty and table.index.name is not None:
        table = table.reset_index()
    names, metric = columns_shown(table), metric_of(table)
    if metric == "account":
        table = table[_tells(table)]
    if "flags" in names and table["flags"].head(limit).isna().all():
        names.remove("flags")
    if not names:
        return '<th scope="col">–</th>', '<tr><th scope="row">No columns</th></tr>', 0, ""
    columns = {name: column_of(table, name) for name in names}
    extra = _EXTRA.get(metric or "", set())
    head = ""
    for k, name in enumerate(names):
        marks = _classes(text=columns[name].words and k > 0, extra=name in extra)
        head += f'<th scope="col"{marks}>{escape(columns[name].head)}</th>'
    loss = largest_loss(table) if metric == "conversion_funnel" and not groups_of(table) else None
    within = ["event"] if metric == "property_coverage" else groups_of(table)
    groups, above = [name for name in within if name in names], None
    kept = set(required(table).index) if metric == "conversion_funnel" else None
    lines: list[tuple[str, list[tuple[str, str, str]]]] = []  # classes of a row; start, content and end of each cell
    for place, (label, row) in enumerate(_cells(table, limit)):
        group = [row[name] for name in groups]
        unfinished = "complete" in table and not bool(row["complete"])
        cells = []
        for k, name in enumerate(names):
            hot = place == loss and name in ("event", "dropped", "step_conversion_rate")
            if metric == "explain_funnel" and name in ("event", "outcome"):
                hot = row["outcome"] in ("dropped", "excluded")
            if metric == "kpi_sheet" and name == "status":
                hot = row["status"] == "missed"
            nobody_lost = name in ("dropped", "open") and kept is not None and label not in kept
            inner = numbers.MISSING if nobody_lost else _cell(row, name, columns[name], metric)
            if name in groups and above is not None and group == above:
                cells.append(("<td", "", "</td>"))  # said once, at the group's first row
            elif k == 0:
                hyphened = columns[name].words and "-" in inner and len(inner) <= NAME
                inner += ' <small class="interval">unfinished</small>' if unfinished else ""
                cells.append((f'<th scope="row"{_classes(name=hyphened, hot=hot)}', inner, "</th>"))
            else:
                marks = _classes(text=columns[name].words, hot=hot, extra=name in extra)
                cells.append((f"<td{marks}", inner, "</td>"))
        above = group
        is_sum = metric == "account" and str(row["stage"]) == "read" and not row.get("reason")
        lines.append((_classes(sum=is_sum, unfinished=unfinished), cells))
    if not lines:
        none = "Nothing" if metric == "check_events" else "No rows"
        return head, f'<tr><th scope="row" colspan="{len(names)}">{none}</th></tr>', 0, ""
    seen = [
        (columns[name].head, [cells[k][1] for _, cells in lines], k == 0 or columns[name].words)
        for k, name in enumerate(names)
        if name not in extra
    ]
    listed = is_too_wide(seen, len(lines))
    heads = [f' data-head="{escape(columns[name].head)}"' if listed and k else "" for k, name in enumerate(names)]
    body = ""
    for marks, cells in lines:
        line = "".join(f"{start}{of}>{inner}{end}" for of, (start, inner, end) in zip(heads, cells, strict=True))
        body += f"<tr{marks}>{line}</tr>"
    return head, body, max(0, len(table) - limit), ' class="listed"' if listed else ""


def _tells(account: pd.DataFrame) -> "pd.Series[bool]":
    """Lines of an account that say something: of what no row became, the sum below tells it."""
    return account["stage"].isin(["read", "kept"]) | (account["rows"] > 0) | account["reason"].str.startswith("not ")


def _cells(table: pd.DataFrame, limit: int) -> Iterator[tuple[Hashable, dict[Any, Any]]]:
    """The first rows with their labels, as plain values: a Series a row would copy the table's attributes each time."""
    first = table.iloc[:limit]
    first.attrs = {}
    values = {name: first[name].tolist() for name in first.columns}
    for place, label in enumerate(first.index):
        yield label, {name: column[place] for name, column in values.items()}


def _cell(row: dict[Any, Any], name: str, column: Column, metric: str | None) -> str:
    value = row[name]
    if metric == "conversion_funnel" and row.get("step") == 1 and name in _NOT_AT_THE_START:
        return numbers.MISSING
    if numbers.is_missing(value):
        whose = column.estimate or name == _OF_REASON.get(metric or "")
        why = whose_reason(row.get("reason"), name) or (reason_in_words(row.get("reason")) if whose else "")
        return numbers.MISSING + (f' <small class="interval reason">{escape(why)}</small>' if why else "")
    written = of_kpis.cell(row, name) if metric == "kpi_sheet" and name in _OF_ROW else column.write(value)
    if name in ("stage", "problem", "flags", "first_purchase") or (name == "reason" and metric == "account"):
        written = _spoken(written, capital=name in ("stage", "problem"))
    elif name == "reason":
        written = in_short(written) if metric == "explain_funnel" else reason_in_words(value)
    elif name == "event" and metric == "explain_funnel" and row["step"] > 0:
        written = f"{row['step']}\u00a0{written}"
    elif name == "rule":
        written = written.replace(" -", f" {numbers.MINUS}")
    text = escape(written)
    if column.words and len(text) > len("2026-07-01"):  # no line ends within a date
        text = re.sub(r"\b\d{4}-\d\d-\d\d\b", r'<span class="whole">\g<0></span>', text)
    limits = limits_of(row, name)
    if limits:
        said = of_kpis.limits(row) if metric == "kpi_sheet" else numbers.span(*(_bound(x, column) for x in limits))
        text += f' <small class="interval">{escape(said)}</small>'
    elif column.estimate and (why := whose_reason(row.get("reason"), name)):
        text += f' <small class="interval reason">{escape(why)}</small>'
    return text


def _bound(value: float, column: Column) -> str:
    return column.write(value).removeprefix(f"<{numbers.NARROW}").removeprefix(f">{numbers.NARROW}")


def _spoken(code: str, *, capital: bool) -> str:
    words = code.replace("_", " ") if re.fullmatch(r"[a-z0-9_, ]+", code) else code
    return words[:1].upper() + words[1:] if capital else words


def _classes(**marks: bool) -> str:
    names = " ".join(name for name, on in marks.items() if on)
    return f' class="{names}"' if names else ""


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose column names are single and differ, so that each can be asked for."""
    names = [" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in table.columns]
    seen: dict[str, int] = {}
    for k, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        names[k] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    flat = table.set_axis(names, axis=1)
    flat.attrs = table.attrs
    return flat


def _cohort_rows(table: pd.DataFrame, limit: int) -> tuple[str, str, int, str]:
    """Cohorts down, periods across, in whole per cent; a cell that is not over carries an asterisk."""
    cells = _long(table) if is_matrix(table) else table
    by = groups_of(cells)
    date = column_of(cells, "cohort")
    periods = sorted(cells["period"].unique())
    if periods[1:] and (cells.loc[cells["period"] == 0, "retention_rate"] == 1).all():
        periods = [p for p in periods if p > 0]  # period 0 is the cohort itself
    sized = "users" in cells
    head = "".join(f'<th scope="col">{escape(str(name).replace("_", " ").capitalize())}</th>' for name in by)
    head += f'<th scope="col">{escape(date.head)}</th>' + ('<th scope="col">Users</th>' if sized else "")
    unit = (period_length(cells) or "period").capitalize()
    head += "".join(f'<th scope="col">{escape(unit)} {p}, %</th>' for p in periods[:1])
    head += "".join(f'<th scope="col">{p}</th>' for p in periods[1:])
    groups = list(cells.groupby([*by, "cohort"], dropna=False, sort=False))
    body = []
    for _, group in groups[:limit]:
        first = group.iloc[0]
        row = [numbers.MISSING if numbers.is_missing(first[name]) else str(first[name]) for name in by]
        row.append(date.write(first["cohort"]) + (f" {UNCERTAIN}" if bool(first.get("uncertain", False)) else ""))
        line = "".join(
            f'<th scope="row">{escape(text)}</th>' if k == 0 else f'<td class="text">{escape(text)}</td>'
            for k, text in enumerate(row)
        )
        if sized:
            line += f"<td>{numbers.count(group['users'].max())}</td>"
        over = group["complete"] if "complete" in group else [True] * len(group)
        known = {p: (rate, done) for p, rate, done in zip(group["period"], group["retention_rate"], over, strict=True)}
        line += "".join(_cohort_cell(*known[p]) if p in known else "<td></td>" for p in periods)
        body.append(f"<tr>{line}</tr>")
    if not body:
        body.append('<tr><th scope="row">No rows</th></tr>')
    return head, "".join(body), max(0, len(groups) - limit), ' class="cohorts"'


def _long(matrix: pd.DataFrame) -> pd.DataFrame:
    cells = matrix.melt(ignore_index=False, value_name="retention_rate").reset_index().dropna(subset="retention_rate")
    cells.attrs = matrix.attrs
    return cells


def _cohort_cell(rate: Any, over: bool) -> str:
    if numbers.is_missing(rate):
        return f"<td>{numbers.MISSING}</td>"
    if over:
        return f"<td>{escape(numbers.percent(rate, 0))}</td>"
    return f'<td class="unfinished">{escape(numbers.percent(rate, 0))}*</td>'
