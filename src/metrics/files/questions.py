"""Questions: which column of a survey is the score, which the comment, and who answered."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

USERS = ("user_id", "userid", "uid", "customer_id", "customerid", "external_id", "member_id", "account_user_id")
PLACEHOLDER = re.compile(
    r"x{3,}|\{\{.*\}\}|hidden:.*|undefined|null", re.IGNORECASE
)  # a hidden field that nobody filled
KINDS = {
    "nps": r"recommend|empfehl|recommand|recomend|net promoter|\bnps\b",
    "csat": r"satisf|zufrieden|\bcsat\b|how happy",
    "ces": r"\beffort|how easy|easy (was|is|it)|made it easy|aufwand|wie einfach|\bces\b",
}


def kind_of_question(text: str) -> str | None:
    """The kind of score that a question asks for, None where it asks for none.

    >>> [kind_of_question(q) for q in ("Would you recommend us?", "How easy was it?", "Anything else?")]
    ['nps', 'ces', None]
    """
    low = text.lower()
    return next((kind for kind, words in KINDS.items() if re.search(words, low)), None)


def score_question(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> tuple[str | None, str | None]:
    """The column of the score and its kind: a question that asks for one, whose answers are scores, or most of them."""
    most = [name for name in names if _are_scores(rows, name)]
    scored = [name for name in most if _are_scores(rows, name, all)]
    for name in (*scored, *most):
        kind = kind_of_question(name)
        if kind is not None:
            return name, kind
    only = scored if scored else most
    return (only[0], "nps" if _highest(rows, only[0]) > 7 else "csat") if len(only) == 1 else (None, None)


def comment_question(rows: Sequence[Mapping[str, Any]], names: Iterable[str], score: str | None) -> str | None:
    """The first question after the score whose answers are no scores."""
    order = list(names)
    after = order[order.index(score) + 1 :] if score in order else order
    return next((name for name in after if not _are_scores(rows, name)), None)


def read_score(answer: Any) -> int | None:
    """The score at the beginning of an answer; labels beside it do not matter.

    >>> read_score("10 - Extremely likely"), read_score("0"), read_score("Not at all"), read_score("7.5")
    (10, 0, None, None)
    """
    found = re.match(r"\s*(-?\d{1,3})(?![\d.,])", str(answer)) if answer is not None else None
    return int(found[1]) if found else None


def score_told(answer: Any) -> Any:
    """The score of an answer, or what was answered in its place: whether that is one, who counts scores will say.

    >>> score_told("10 - Extremely likely"), score_told("N/A"), score_told(None)
    (10, 'N/A', None)
    """
    score = read_score(answer)
    return answer if score is None else score


def named_user(row: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Who it was, by the first of these columns that holds an id and no placeholder."""
    for name in names:
        value = row.get(name)
        if value is not None and not PLACEHOLDER.fullmatch(str(value).strip()) and str(value).strip():
            return str(value).strip()
    return None


def user_columns(names: Iterable[str]) -> list[str]:
    """Columns that are named like the id of a user, the surest name first."""
    plain = {re.sub(r"[\W]+", "_", name.strip().lower()).strip("_"): name for name in names}
    return [plain[name] for name in USERS if name in plain]


def _most(are: list[bool]) -> bool:
    return sum(are) > len(are) / 2


def _are_scores(rows: Sequence[Mapping[str, Any]], name: str, share: Callable[[list[bool]], bool] = _most) -> bool:
    answers = [row[name] for row in rows if row.get(name) is not None]
    return bool(answers) and share([read_score(answer) is not None for answer in answers])


def _highest(rows: Sequence[Mapping[str, Any]], name: str) -> int:
    return max(read_score(row.get(name)) or 0 for row in rows)
