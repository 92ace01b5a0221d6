"""What would the alerts have said? The rules of `churn_alerts` at cut-offs of the past, on what was known by then."""

from typing import Any

import pandas as pd

from metrics.files.values import id_texts
from metrics.health.alerts import churn_alerts
from metrics.health.signals import need
from metrics.results import result
from metrics.revenue.lines import priced


def replay_alerts(snapshots: pd.DataFrame, **settings: Any) -> pd.DataFrame:
    """Which alerts would have been told at each cut-off of the past?

    Parameters
    ----------
    snapshots
        As `customer_snapshots` gives them: the cut-offs, and the customers who were here at each. `alert_quality`
        holds the alerts against their outcomes.
    **settings
        The rules, tables and limits of `churn_alerts`, all but ``as_of``. Without ``previous`` a rule is silent on whom
        it alerted at an earlier cut-off less than ``cooldown`` before.

    Returns
    -------
    DataFrame, the rows of `churn_alerts` by cut-off
        cutoff  instant
        …       the columns of `churn_alerts`

    Raises
    ------
    ValueError, EventTableError
        As `churn_alerts`; a column that is missing.

    Notes
    -----
    Who was alerted then would have been called, and might have stayed. So rules look as good here as they are, and
    alerts that were acted on look worse.

    Examples
    --------
    >>> at = lambda *days: pd.to_datetime(list(days), utc=True)
    >>> snapshots = pd.DataFrame({"cutoff": at("2026-05-01", "2026-06-01"), "customer_id": ["ann", "ann"]})
    >>> invoices = pd.DataFrame({"customer_id": ["ann"], "due_at": at("2026-05-20"), "paid_at": at("2026-06-09")})
    >>> replay_alerts(snapshots, rules=["overdue_invoice"], invoices=invoices)[["cutoff", "customer_id", "rule"]]
                         cutoff customer_id             rule
    0 2026-06-01 00:00:00+00:00         ann  overdue_invoice
    """
    need("snapshots", snapshots, ["cutoff", "customer_id"])
    if "as_of" in settings:
        raise ValueError("as_of: the cut-offs of the snapshots say when. Leave it out.")
    earlier = settings.pop("previous", None)
    if settings.get("subscriptions") is not None:
        settings["subscriptions"] = priced(settings["subscriptions"])  # once, and not at each cut-off
    parts: list[pd.DataFrame] = []
    told = [] if earlier is None else [earlier]
    for cutoff, rows in snapshots.groupby("cutoff", sort=True):
        previous = pd.concat(told, ignore_index=True) if told else None
        alerts = churn_alerts(as_of=pd.Timestamp(cutoff), previous=previous, **settings)  # type: ignore[arg-type]
        part = alerts[alerts["customer_id"].isin(id_texts(rows["customer_id"]))]
        parts.append(part.assign(cutoff=cutoff))
        told.append(part.assign(at=cutoff)[["customer_id", "rule", "at", "alert"]])
    end = pd.Timestamp(0, unit="us", tz="UTC")
    model = churn_alerts(as_of=end, **settings).iloc[:0] if not parts else parts[0]
    table = (
        pd.concat(parts, ignore_index=True) if parts else model.assign(cutoff=pd.Series(dtype="datetime64[us, UTC]"))
    )
    columns = ["cutoff", *(str(name) for name in table if name != "cutoff")]
    kept = {
        name: value for name, value in model.attrs["settings"].items() if name not in ("as_of", "skipped", "outside")
    }
    definition = "Alerts as the same rules would have told them at each cut-off of the past, on what was known by then."
    return result(table, metric="replay_alerts", definition=definition, settings=kept, columns=columns)
