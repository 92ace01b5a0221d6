"""What was divided by what, for surveys and complaints."""

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length
from metrics.display.kinds import setting
from metrics.display.numbers import count, counted, plain, signed
from metrics.display.voice import questions_in_words
from metrics.display.worked import last_complete, left_out, level, quotient, whose


def change_foot(table: pd.DataFrame) -> list[str]:
    """Score after minus score before."""
    lines = ["Difference = score after − score before, in points."]
    row = last_complete(table, "difference")
    if row is None:
        return [*lines, "Too few answers on a side, so that nothing can be compared."]
    was = plain(row["before"], 2)
    worked = f"{plain(row['after'], 2)} {numbers.MINUS} {f'({was})' if row['before'] < 0 else was}"
    how = "the two answers of a person taken together" if row["paired"] else "no person taken to have answered twice"
    said = whose(table, row, period_length(table))
    return [*lines, f"{worked} = {signed(row['difference'], 2)} points{said}; {how}. {level(table)} interval."]


def churned_foot(table: pd.DataFrame) -> list[str]:
    """Churned of those who were watched."""
    span = setting(table, "follow_up", "the time")
    lines = [f"Churn rate = customers not paying {span} after their answer / customers watched for as long."]
    row = last_complete(table, "churn_rate")
    if row is not None:
        worked = f"{quotient(row['churned'], row['followed'])}, {row['band']}s."
        lines.append(f"{worked} {level(table)} Wilson intervals; of differences Newcombe's.")
    recent, n = table["too_recent"].sum(), table["responses"].sum()
    others = n - recent - table["followed"].sum()
    return [
        *lines,
        f"Left out: {count(recent)} who answered too recently, {count(others)} who paid nothing when they answered.",
    ]


def satisfaction_foot(table: pd.DataFrame) -> list[str]:
    """Satisfied of those who answered."""
    boxes, scale = setting(table, "satisfied"), setting(table, "scale")
    what = f" ({', '.join(map(str, boxes))} of {scale})" if isinstance(boxes, list) else ""
    lines = [f"CSAT = satisfied answers{what} / answers."]
    row = last_complete(table, "customer_satisfaction")
    if row is None:
        return [*lines, "Too few answers, so that no share exists."]
    said = whose(table, row, period_length(table))
    worked = f"{quotient(row['satisfied'], row['responses'])}{said}. {level(table)} Wilson intervals."
    return [*lines, f"{worked}{left_out(table)}"]


def effort_foot(table: pd.DataFrame) -> list[str]:
    """The score of the last row by its method."""
    method, scale = table["method"].iloc[0], setting(table, "scale", 7)
    words = {
        "percent": "Share of those who found it easy",
        "net": "100 × (found it easy − found it hard) / answers",
        "mean": "Mean of the answers",
    }
    high = "easy" if table["direction"].iloc[0] == "ease" else "hard"
    lines = [f"{words[method]}, on a scale of 1 to {scale} on which high is {high}."]
    row = last_complete(table, "customer_effort")
    if row is None:
        return [*lines, "Too few answers, so that no score exists."]
    score, said = row["customer_effort"], whose(table, row, period_length(table))
    worked = f"{plain(score, 2)} of {counted(row['responses'], 'answer')}{said}."
    if method == "percent":
        worked = f"{quotient(round(score * row['responses'] / 100), row['responses'])}{said}."
    return [*lines, f"{worked} {level(table)} intervals.{left_out(table)}"]


def response_foot(table: pd.DataFrame) -> list[str]:
    """Answered of those that arrived."""
    base = str(setting(table, "denominator", "delivered"))
    time = setting(table, "cutoff", "the time to answer")
    lines = [f"Answered = answers within {time} of sending / surveys {base}, by the time of sending."]
    row = last_complete(table, "response_rate")
    if row is None:
        return [*lines, "No send is over, so that no rate exists."]
    worked = f"{quotient(row['answered'], row[base])}{whose(table, row, period_length(table))}."
    return [*lines, f"{worked} {level(table)} Wilson intervals."]


def completion_foot(table: pd.DataFrame) -> list[str]:
    """Finished of those that were begun."""
    lines = ["Finished = surveys finished / surveys begun, by the number of questions asked."]
    row = last_complete(table[table["questions"].notna()], "completion_rate")
    if row is not None:
        said = f"{whose(table, row, None)}, {questions_in_words(row)}"
        lines.append(f"{quotient(row['completed'], row['responses'])}{said}. {level(table)} Wilson intervals.")
    else:
        lines.append("Too few surveys of one length, so that no rate exists.")
    if table["unknown"].sum():
        lines.append(f"Left out: {count(table['unknown'].sum())} of which it is not known whether they were finished.")
    return lines


def complaint_foot(table: pd.DataFrame) -> list[str]:
    """Complaints over customers."""
    per = setting(table, "per", 100)
    lines = [f"Complaints per {per:g} = {per:g} × complaints / active customers."]
    row = last_complete(table, "complaint_rate")
    if row is None:
        return [*lines, "No period is over that has customers, so that no rate exists."]
    worked = f"{per:g} × {count(row['complaints'])} / {count(row['customers'])} = {plain(row['complaint_rate'], 2)}"
    return [*lines, f"{worked}{whose(table, row, period_length(table))}. {level(table)} Poisson intervals."]
