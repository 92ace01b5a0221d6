"""Values on their way into a notebook: JSON between processes, Python in its cell.

JSON knows no dates. They travel as ``{"$date": "2026-07-01"}`` and arrive as what the notebook
declares, a `date` or a `datetime`.
"""

from datetime import date, datetime
from typing import Any

DATE, MOMENT = "$date", "$datetime"


def portable(value: Any) -> Any:
    """A value as JSON can say it.

    >>> portable([date(2026, 7, 1), "2026-07-01"])
    [{'$date': '2026-07-01'}, '2026-07-01']
    """
    if isinstance(value, list):
        return [portable(part) for part in value]
    if isinstance(value, datetime):
        return {MOMENT: value.isoformat()}
    return {DATE: value.isoformat()} if isinstance(value, date) else value


def register_dates() -> None:
    """Let papermill write such values as dates into the cell of parameters."""
    from reporting.execution.jupyter import PythonTranslator, papermill_translators

    class Dates(PythonTranslator):  # type: ignore[misc]
        @classmethod
        def translate_dict(cls, val: dict[str, Any]) -> str:
            for key, kind in ((DATE, "date"), (MOMENT, "datetime")):
                if set(val) == {key}:
                    return f"__import__('datetime').{kind}.fromisoformat({val[key]!r})"
            return str(super().translate_dict(val))

    papermill_translators.register("python", Dates)
