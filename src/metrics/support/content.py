"""Is what was made for one customer used by others?"""

import numpy as np
import pandas as pd

from metrics.events import EventTableError
from metrics.files import several
from metrics.files.values import id_texts
from metrics.intervals import add_rate, no_denominator
from metrics.periods import When, duration, instant, microseconds, spoken
from metrics.results import blank, keys, result, too_few
from metrics.steps import unknown
from metrics.support.tickets import ticket_times

_RATE = ["reuse_rate", "reuse_rate_low", "reuse_rate_high"]
_RESULT = ["contents", "reused", *_RATE, "other_customers", "other_views", "reason"]


def content_reuse(
    views: pd.DataFrame,
    *,
    contents: pd.DataFrame,
    as_of: When,
    window: str = "90 days",
    by: str | list[str] | None = None,
    min_n: int = 10,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What share of the content made for one customer do others use within `window`, and how many of them?

    Parameters
    ----------
    views
        One row per view: ``user_id`` (the customer), ``timestamp``, ``content_id``; such as the events of one name.
    contents
        One row per content: ``content_id``, ``customer_id`` (for whom it was made), ``made_at``.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    window
        A view counts in [made, made + `window`). Contents that still have it are left out and counted in
        ``attrs["settings"]["too_recent"]``.
    by
        Column or list of columns of `contents`: a row for each value, missing is one too.
    min_n
        A rate over fewer contents is NA with the reason ``below_min_n``; its counts stand.
    tz
        Zone of a date in `as_of`.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row (per group)
        contents         count   whose window is over
        reused           count   of these, seen by another customer within it
        reuse_rate (…)   0 to 1  reused / contents, Wilson
        other_customers  count   of other customers who saw one, each once for each content
        other_views      count   of their views
        reason           text    ``immature`` (all windows are open), ``zero_denominator`` or ``below_min_n``

    Raises
    ------
    ValueError
        A column that is missing, times without a zone, a window without a unit.
    EventTableError
        A content that stands twice, or has no name, customer or time.

    Examples
    --------
    >>> at = lambda *days: pd.to_datetime(list(days), utc=True)
    >>> contents = pd.DataFrame({"content_id": ["guide", "deck"], "customer_id": ["ann", "ben"]})
    >>> contents["made_at"] = at("2026-01-01", "2026-01-01")
    >>> views = pd.DataFrame({"user_id": ["ann", "ben", "ben"], "content_id": ["guide", "guide", "deck"]})
    >>> views["timestamp"] = at("2026-01-02", "2026-01-09", "2026-01-09")
    >>> table = content_reuse(views, contents=contents, as_of="2026-06-01", min_n=1)
    >>> table[["contents", "reused", "reuse_rate", "other_customers"]]
       contents  reused  reuse_rate  other_customers
    0         2       1         0.5                1
    """
    by, wait, end = keys(by, taken=_RESULT), duration(window), instant(as_of, tz=tz)
    for name, table, columns in (
        ("views", views, ["user_id", "timestamp", "content_id"]),
        ("contents", contents, ["content_id", "customer_id", "made_at", *by]),
    ):
        for column in columns:
            if column not in table:
                raise ValueError(unknown(name, column, table.columns, f"a column of {name}", "columns"))
    made = contents[list(dict.fromkeys(["content_id", "customer_id", *by]))].reset_index(drop=True)
    made["content_id"], made["_made"] = id_texts(made["content_id"]), ticket_times(contents, "made_at")
    wrong = made[["content_id", "customer_id"]].isna().any(axis=1) | (made["_made"] == np.iinfo(np.int64).min)
    wrong |= made.duplicated("content_id")
    if wrong.any():
        raise EventTableError(
            f"contents: {int(wrong.sum()):,} of {len(made):,} rows have no name, customer or time, or the name of "
            f"another row (first: row {int(wrong.to_numpy().argmax())}). Give one row for each content."
        )
    made = made[made["_made"] < end]
    over = made["_made"] + wait <= end
    made["customer_id"] = id_texts(made["customer_id"])
    seen = pd.DataFrame({name: id_texts(views[name]).array for name in ("user_id", "content_id")}).assign(
        _at=_instants(views)
    )
    met = seen[seen["user_id"].notna()].merge(made[over], on="content_id")
    met = met[(met["_at"] >= met["_made"]) & (met["_at"] - met["_made"] < wait)]
    met = met[met["user_id"] != met["customer_id"]]
    each = met.groupby("content_id").agg(_customers=("user_id", "nunique"), _views=("user_id", "size"))
    # Who still has the window is in no count, and yet their group has a row.
    rows = made.assign(_contents=over.astype(int)).merge(each, left_on="content_id", right_index=True, how="left")
    rows = rows.assign(_reused=rows["_customers"].notna().astype(int)).fillna({"_customers": 0, "_views": 0})
    sums = {
        "contents": ("_contents", "sum"), "reused": ("_reused", "sum"), "other_customers": ("_customers", "sum"),
        "other_views": ("_views", "sum"),
    }  # fmt: skip
    if by:
        table = rows.groupby(by, dropna=False, sort=True).agg(**sums).reset_index()
    else:
        table = pd.DataFrame([{name: rows[column].sum() for name, (column, _) in sums.items()}])
    table = table.astype(dict.fromkeys(sums, "int64"))
    table = add_rate(table, "reuse_rate", "reused", "contents", confidence)
    early = (table["contents"] == 0) & bool((~over).any())
    table["reason"] = too_few(no_denominator(table["contents"]).mask(early, "immature"), table["contents"], min_n)
    table = blank(table, table["reason"].notna(), _RATE)
    settings = {
        "window": window, "as_of": spoken(end, tz), "tz": tz, "by": by or None, "min_n": min_n,
        "confidence": confidence, "too_recent": int((~over).sum()) or None,
    }  # fmt: skip
    definition = f"Contents that another customer than theirs saw within {window} of being made / contents as old."
    return result(table, metric="content_reuse", definition=definition, settings=settings, columns=[*by, *_RESULT])


def _instants(views: pd.DataFrame) -> np.ndarray:
    stamps = pd.to_datetime(views["timestamp"])
    if stamps.dt.tz is None:
        raise ValueError("views: timestamp has no zone. Localise it, or read the file with read_events.")
    missing = stamps.isna()
    if missing.any():
        found = several(int(missing.sum()), "row has", "rows have")
        raise EventTableError(f"views: {found} no timestamp. Fill it in or leave them out.")
    return microseconds(stamps)
