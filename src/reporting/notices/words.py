"""What a notice says, in words for a mail or a chat."""

from collections.abc import Mapping
from typing import Any


def subject(entry: Mapping[str, Any]) -> str:
    """One line.

    >>> subject({"event": "failed", "title": "Churn: who goes silent?", "runs": 4})
    'Failed: Churn (4 runs in a row)'
    >>> subject({"event": "alert", "title": "Churn: who goes silent?", "alerts": [{"rule": "churn-high"}]})
    'Rule fired: Churn (churn-high)'
    """
    title = _line(entry.get("title") or entry.get("report") or "report").split(": ")[0].rstrip("?!.")
    if entry.get("event") == "alert":
        rules = ", ".join(_line(alert.get("rule", "")) for alert in entry.get("alerts") or [])
        return f"Rule fired: {title} ({rules})"
    if entry.get("event") == "job":
        job, code = _line(entry.get("job", "")), _line(entry.get("exit", ""))
        return f"The job {job} ended with {code}, before it could tell more"
    runs = int(entry.get("runs") or 1)
    return f"Failed: {title}" + (f" ({runs} runs in a row)" if runs > 1 else "")


def text(entry: Mapping[str, Any]) -> str:
    """All that matters, a fact a line.

    >>> print(text({"event": "failed", "cause": "ValueError: no rows", "notebook": "churn.ipynb", "cell": 4}))
    ValueError: no rows
    Where: churn.ipynb, cell 4
    """
    if entry.get("event") == "alert":
        lines = [_line(alert.get("sentence", "")) for alert in entry.get("alerts") or []]
    elif entry.get("event") == "job":
        lines = [_JOB.get(str(entry.get("exit")), "It was stopped from outside, or its machine was.")]
    else:
        lines = [_line(entry.get("cause") or "The report was not built.")]
        if entry.get("notebook"):
            where = f"cell {entry['cell']}" if entry.get("cell") else "in no cell"
            lines.append(f"Where: {_line(entry['notebook'])}, {where}")
    for name, words in (("since", "Failing since"), ("last_good", "Last good page"), ("page", "Page"), ("run", "Run")):
        if entry.get(name):
            lines.append(f"{words}: {_line(entry[name])}")
    return "\n".join(lines)


_JOB = {
    "2": "It was refused before anything ran. metrics report check says why.",
    "124": "It ran out of time.",
    "137": "It was killed: most often memory or time ran out.",
}


def _line(value: object) -> str:
    """Text as one line, so that nothing from a report can begin a header or a line of its own."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)).split())[:1000]
