"""What does a column say? Its head in words, its unit, and how its cells are written, from its name alone."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from metrics.display import health, numbers, of_health, of_kpis, of_loyalty, of_money
from metrics.display.heads import HEADS
from metrics.display.kinds import groups_of, metric_of, setting

MODELS = {
    **of_health.MODELS,
    "bgnbd": "BG/NBD", "mbgnbd": "MBG/NBD", "pareto_nbd": "Pareto/NBD", "nbd": "NBD", "bgbb": "BG/BB",
    "recency": "last purchase first", "rate": "rate so far", "aov_x_frequency": "order value × frequency",
    "gamma_gamma": "Gamma-Gamma",
}  # fmt: skip
REASONS = {
    "zero_denominator": "nobody to count",
    "limits_unknown": "no limits, for users stand in several cohorts",
    "one_user": "one user alone has no limits",
    "below_min_n": "too few to say",
    "unequal_periods": "longer than the first period",
    "too_large": "too large to add up",
    "no_responses": "no answers",
    "no_losses": "no losses",
    "no_churn_observed": "no churn seen",
    "mixed_currencies": "over two currencies",
    "no_amount": "no amounts given",
    "no_expiry": "no end is known",
    "immature": "too early to say",
    "above_one": "no rate is so high",
    "incomplete_period": "not over yet",
    "no_margin": "no margin given",
    "no_value": "nothing known of spend",
    "no_cac": "no cost given",
    "no_population_mean": "spend has no mean",
    "never_pays_back": "never paid back",
    "no_repeat_purchases": "nobody bought again",
    "too_few_customers": "too few customers",
    "ranking_only": "it only ranks",
    "control": "compared with",
    "no_control": "nobody has what it is compared with",
    "first_step": "all, by definition",
    "zero_variance": "nobody differs",
    "sample_ratio_mismatch": "withheld: the variants are not as large as they should be",
    "above_half": "more than half are still there",
    "nobody_watched": "nobody was watched",
    "one_group": "one group only",
    "constant": "the same for everybody",
    "not_estimable": "cannot be told apart",
    "never_at_risk_together": "never watched together",
    "nobody_lost": "nobody has left",
    "nobody_left": "all left at once",
    "too_few_periods": "too few periods",
    "too_few_churned": "too few left to learn from",
}
_PERIODS = {"day": "Day", "week": "Week", "month": "Month", "quarter": "Quarter", "year": "Year"}
_STAYS = ("time", "median", "restricted_mean", "until")
_STAYING = ("survival_curve", "survival_summary", "compare_survival", "compare_survival_pairs", "project_retention")
OF_VOICE = {  # columns on the scale of a survey, or per so many customers
    "nps_change": ("before", "after", "difference"),
    "change_effects": ("before", "after", "difference"),
    "nps_by_churn": ("risk_ratio",),
    "customer_satisfaction": ("customer_satisfaction",),
    "customer_effort": ("customer_effort",),
    "complaint_rate": ("complaint_rate",),
}
_MONEY = (
    *health.MONEY,
    *of_health.MONEY,
    "revenue",
    "margin",
    "clv",
    "monetary_value",
    "amount",
    "net",
    "expected_value",
    "ltv",
    "cac",
)
SHORT = 0.05  # days; a column with a shorter median than that is told in minutes and hours, not in parts of a day


@dataclass(frozen=True)
class Column:
    """How one column is written: its head, its cells, and whether they are words."""

    head: str
    write: Callable[[Any], str]
    words: bool = False
    estimate: bool = False


def reason_in_words(reason: object) -> str:
    """``below_min_n`` as "too few to say"; codes of several estimates, "name: code; …", one by one."""
    if numbers.is_missing(reason):
        return ""
    said = [part.rsplit(": ", 1)[-1].strip() for part in str(reason).split(";")]
    return ", ".join(dict.fromkeys(REASONS.get(code, code.replace("_", " ")) for code in said))


def whose_reason(reason: object, estimate: str) -> str:
    """Of a reason that names its estimates, ``p_value: zero_variance``, what is said of this one, in words."""
    name = {"p_adjusted": "p_value"}.get(estimate, estimate)
    said = [] if numbers.is_missing(reason) else [part.strip() for part in str(reason).split(";")]
    return reason_in_words("; ".join(part for part in said if part.startswith(f"{name}: ")) or None)


def in_short(told: str) -> str:
    """A reason told by `explain_funnel`, without the fractions of a second that decide nothing."""
    if re.search(r"\b0\.\d+ seconds", told):
        return told
    told = re.sub(r"(\d\d:\d\d:\d\d)\.\d+", r"\1", told)
    told = re.sub(r"\b(minutes?) 0\.\d+ seconds", r"\1", told)
    return re.sub(r"\b(\d+)\.\d+ seconds", lambda found: f"{found[1]} second{'s' * (found[1] != '1')}", told)


def column_of(table: pd.DataFrame, name: str) -> Column:
    """How the column `name` of this table is written."""
    cells, text = table[name], str(name)
    head = HEADS.get(text, text.replace("_", " ").strip().capitalize() or numbers.MISSING)
    metric = metric_of(table)
    if metric == "kpi_sheet" and text in of_kpis.HEADS:
        words = text in ("side", "kpi", "status")
        return Column(of_kpis.HEADS[text], of_kpis.WRITERS.get(text, numbers.count), words, estimate=text == "value")
    if metric == "funnel_drivers":
        head = _head_of_drivers(table, text, head)
    if metric == "explain_funnel":
        head = {"event": "Step", "outcome": "What it means", "reason": "Why"}.get(text, head)
        if text == "timestamp":
            return _local_times(table, text)
    if metric in ("event_dictionary", "property_coverage"):
        head = {"event": "Event"}.get(text, head)
    if metric in ("quick_ratio", "average_rate"):
        head = {"quick_ratio": "Quick ratio", "rate": "Rate, %"}.get(text, head)
    if metric == "sample_size" and text in ("baseline", "target", "alpha", "power"):
        head = f"{text.capitalize()}, %"
        return Column(head, lambda v: numbers.percent(v, numbers.free_decimals([100 * v])))
    if text == "conversion_rate" and "converted" in table:
        head = "Converted, %"
    head = of_loyalty.OWN_HEADS.get(metric or "", {}).get(text, head)
    if text == "period":
        head = (period_length(table) or text).removeprefix("1 ").capitalize()
    if text == "retention_rate" and "customers_start" in table:
        head = "Retention, %"
    if text == "expected" and metric == "holdout_tracking":
        head = "Expected"
    if text in ("p_alive", "p_buy"):
        return Column(head, lambda v: numbers.percent(v, 0))
    if text in ("error", "revenue_error", "holdout_error", "mrr_change_90d"):
        return Column(head, lambda v: numbers.signed(100 * v, 1), estimate=text == "error")
    if "customer_id" in table and text in ("expected_purchases", "clv"):  # of one customer
        decimals = (
            1
            if text == "expected_purchases"
            or max([float(v) for v in cells if not numbers.is_missing(v)], default=0.0) < 100
            else 0
        )
        head = f"{head}, {table['basis'].iloc[0]}" if text == "clv" and "basis" in table and len(table) else head
        return Column(head, lambda v: numbers.plain(v, decimals), estimate=True)
    if metric == "fitted_parameters" and text in ("estimate", "std_error"):
        return Column(head, numbers.significant, estimate=text == "estimate")
    if text in ("auc", "brier", "correlation", "mae", "mse"):
        return Column(head, lambda v: numbers.plain(v, 3), estimate=f"{text}_low" in table)
    if text == "auc_difference":
        return Column(head, lambda v: numbers.signed(v, 3), estimate=True)
    if text == "rule" and metric in ("churn_alerts", "replay_alerts", "alert_quality"):
        return Column("Sign", lambda v: _word(v).replace("_", " "), words=True)
    if metric == "forecast_churn" and text == "top_reason":
        return Column("Above all for", lambda v: of_health.SIGNALS.get(str(v), _word(v)), words=True)
    if text == "model" and not pd.api.types.is_numeric_dtype(cells):
        return Column("Model or rule", lambda v: MODELS.get(str(v), _word(v)), words=True)
    if pd.api.types.is_bool_dtype(cells):
        return Column(head, lambda v: numbers.MISSING if numbers.is_missing(v) else "yes" if v else "no", words=True)
    if pd.api.types.is_datetime64_any_dtype(cells):
        return _dates(table, text, head)
    if pd.api.types.is_timedelta64_dtype(cells):
        has_limits = f"{text}_low" in table
        return Column(head, lambda v: numbers.duration(v.total_seconds()), estimate=has_limits)
    if metric in _STAYING:
        head = {"churned": "Left", "other_churned": "Other left", "retention_rate": "Retention, %"}.get(text, head)
        if text in _STAYS and setting(table, "unit"):
            head = f"{head}, {setting(table, 'unit')}s"
    if text in groups_of(table):  # a name, also where it is a number: the year 2018, not 2,018
        return Column(head, lambda v: f"{int(v)}" if isinstance(v, float) and v.is_integer() else _word(v), words=True)
    if not pd.api.types.is_numeric_dtype(cells):
        return Column(head, _word, words=True)
    values = [float(v) for v in cells if not numbers.is_missing(v)]
    widths = _widths(table, text)
    estimate = bool(widths) or f"{text}_low" in table
    if metric == "compare_variants" and text in ("difference", "adjusted_difference", "mean") and "mean" in table:
        decimals = numbers.decimals_for(widths)
        write = numbers.plain if text == "mean" else numbers.signed
        return Column(head, lambda v: write(v, decimals), estimate=text != "mean")
    if text == "probability_better":
        return Column(head, lambda v: numbers.percent(v, 1))
    if metric in OF_VOICE and text in OF_VOICE[metric]:
        return _voice(table, metric, text, head, widths)
    if text in ("difference", "relative_lift") and f"{text}_low" in table:  # of rates
        decimals = numbers.decimals_for([100 * w for w in widths])
        head = f"{head}, points" if text == "difference" else head
        return Column(head, lambda v: numbers.signed(100 * v, decimals), estimate=text == "difference")
    if text == "difference":
        return Column(head, lambda v: numbers.signed(v, numbers.free_decimals(values)))
    if text in ("difference_to_stop", "smallest_effect"):  # of rates
        return Column(head, lambda v: numbers.plain(100 * v, 1))
    if text == "z" and metric == "sequential_boundaries":
        return Column(head, lambda v: numbers.plain(v, 2))
    if text in of_loyalty.MONEY:
        decimals, write = numbers.decimals_for(widths), numbers.signed if text == "value_difference" else numbers.plain
        if setting(table, "currency"):
            head = (
                f"{setting(table, 'currency')} a customer"
                if write is numbers.plain
                else (f"Difference, {setting(table, 'currency')}")
            )
        return Column(head, lambda v: write(v, decimals), estimate=True)
    if text in ("p_value", "p_adjusted", "proportional_p_value"):
        return Column(head, numbers.chance)
    if (
        text.endswith(("_rate", "_share"))
        or (metric in of_money.MARKS and text in of_money.SHARES)
        or text in ("share", "proportion", "survival", "rate", "precision", "recall", "coverage", "churn_probability")
        or (text == "margin" and _is_share(cells))
        or (text == "not_yet" and estimate)
    ):
        decimals = numbers.decimals_for([100 * w for w in widths or _other_rates(table)])
        if text == "margin":
            decimals = 0
        if text in ("share", "proportion") and not widths:
            decimals = 1 if "source_step" in table else 2
        head = head if head.endswith("%") else f"{head}, %"
        return Column(head, lambda v: numbers.percent(v, decimals), estimate=estimate)
    if text == "net_promoter_score":
        decimals = numbers.decimals_for(widths)
        return Column(head, lambda v: numbers.plain(v, decimals), estimate=estimate)
    if text.endswith("_seconds"):
        return Column(head, lambda v: numbers.duration(v))
    if text.endswith("_value") or text in _MONEY or (metric in of_money.MARKS and text in of_money.MONEY):
        decimals = numbers.money_decimals(values)
        if metric == "mrr_rollforward":  # all columns alike, so that a row can be added up
            decimals = 0 if (table[["opening", "closing"]] >= 1_000).to_numpy().any() else decimals
        currency = setting(table, "currency")
        head = f"{head}, {currency}" if currency else head
        return Column(head, lambda v: numbers.plain(v, decimals), estimate=estimate)
    if text == "median_days" and min((abs(v) for v in values), default=1.0) < SHORT:
        return Column("Median time", lambda v: _short_time(86_400 * v), estimate=estimate)
    if text.endswith("_days"):
        head = f"{head.removesuffix(' days')}, days"
    if text in ("recency", "T") and setting(table, "unit"):
        head = f"{head}, {setting(table, 'unit')}s"
    decimals = numbers.decimals_for(widths) if widths else numbers.free_decimals(values)
    return Column(head, lambda v: numbers.plain(v, decimals), estimate=estimate)


def _short_time(seconds: float) -> str:
    """A time of a few minutes with a decimal, for its limits would be the same minutes; else as any other."""
    if numbers.is_missing(seconds) or not 90 <= abs(seconds) < 597:
        return numbers.duration(seconds)
    return numbers.with_unit(numbers.plain(seconds / 60, 1), "min")


def _voice(table: pd.DataFrame, metric: str, name: str, head: str, widths: list[float]) -> Column:
    """Scores of surveys, which are on their own scale and no rates of 0 to 1."""
    if name == "risk_ratio":
        return Column(head, numbers.ratio, estimate=True)
    if metric == "complaint_rate":
        head = f"Complaints per {setting(table, 'per', 100):g}"
    if metric == "customer_effort" and setting(table, "method") == "percent":
        head = "Found it easy, %"
    decimals = numbers.decimals_for(widths or _widths(table, "difference"))
    if metric == "change_effects" and health.is_share(table):
        decimals = numbers.decimals_for([100 * w for w in _widths(table, "difference")])
        if name == "difference":
            return Column(f"{head}, points", lambda v: numbers.signed(100 * v, decimals), estimate=True)
        return Column(f"{head}, %", lambda v: numbers.percent(v, decimals))
    if name == "difference":
        head = head if metric == "change_effects" else f"{head}, points"
        return Column(head, lambda v: numbers.signed(v, decimals), estimate=True)
    return Column(head, lambda v: numbers.plain(v, decimals), estimate=name not in ("before", "after"))


def _head_of_drivers(table: pd.DataFrame, name: str, head: str) -> str:
    """The shares of drivers say in their heads of how many they are."""
    heads = {"event": "Event"}
    if len(table):
        heads["converted_share"] = f"Of {numbers.count(table['of_converted'].iloc[0])} converted, %"
        heads["dropped_share"] = f"Of {numbers.count(table['of_dropped'].iloc[0])} dropped, %"
    return heads.get(name, head)


def _local_times(table: pd.DataFrame, name: str) -> Column:
    """Instants on the clocks of the table's zone, as the reasons beside them tell them; the head says which."""
    tz = setting(table, "tz", "UTC")

    def write(stamp: Any) -> str:
        return numbers.moment(stamp.tz_convert(tz)).replace(" ", "\u00a0") if stamp.tzinfo else numbers.moment(stamp)

    return Column(f"Time, {str(tz).split('/')[-1].replace('_', ' ')}", write, words=True)


def _widths(table: pd.DataFrame, name: str) -> list[float]:
    low, high = f"{name}_low", f"{name}_high"
    if low not in table or high not in table:
        return []
    return [float(w) for w in (table[high] - table[low]) if not numbers.is_missing(w)]


def _other_rates(table: pd.DataFrame) -> list[float]:
    """Widths of the table's first rate with limits: its complement supports no more digits."""
    rates = [str(name) for name in table.columns if str(name).endswith("_rate") and f"{name}_low" in table]
    return _widths(table, rates[0]) if rates else []


def _is_share(cells: "pd.Series[Any]") -> bool:
    known = cells.dropna()
    return bool(len(known)) and bool(known.between(0, 1).all())


def _dates(table: pd.DataFrame, name: str, head: str) -> Column:
    cells = table[name]
    if name not in ("period_start", "cohort"):
        return Column(head, lambda v: numbers.moment(v).replace(" ", "\u00a0"))
    length = period_length(table)
    years = sorted(set(cells.dropna().dt.year))
    head = _PERIODS.get(length or "", "Cohort" if name == "cohort" else "From")
    one_year = len(years) == 1
    if one_year and length in ("day", "week", None):
        head = f"{head},\u00a0{years[0]}"
    return Column(head, lambda v: numbers.period(v, length, year=not one_year).replace(" ", "\u00a0"), words=True)


def period_length(table: pd.DataFrame) -> str | None:
    """The period of this table: from its settings, else from its dates."""
    said = setting(table, "period")
    if isinstance(said, str):
        return said
    name = next((n for n in ("period_start", "cohort") if n in table), None)
    return numbers.length_of(table[name]) if name else None


def _word(value: object) -> str:
    if isinstance(value, float) and not numbers.is_missing(value):
        return numbers.plain(value, numbers.free_decimals([value]))
    if isinstance(value, pd.Timestamp):
        return numbers.moment(value)
    return numbers.MISSING if numbers.is_missing(value) else str(value)
