"""Is there what a part of a notebook needs?"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class Given:
    """Whether values are there: true if all are. By itself a notebook shows nothing of it; `show` says what is not."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self.missing = missing

    def __bool__(self) -> bool:
        return not self.missing

    def __repr__(self) -> str:
        return f"not given: {', '.join(self.missing)}" if self.missing else "given"

    def _ipython_display_(self) -> None:
        """Leave a cell that ends in ``part and …`` empty."""


def given(table: "pd.DataFrame | Given | None" = None, /, **values: Any) -> Given:
    """Ask whether a part of a notebook has what it needs.

    Definition: a value is given unless it is None, an empty text or an empty list; with a table, also unless the table
    has the columns that it names and, if it has rows, a value in each.

    Parameters
    ----------
    table
        The data in which the values name columns, such as those of ``by``. What `given` returned stands for a table
        that is not there.
    **values
        Parameters of the notebook by their names, such as the files of its tables.

    Returns
    -------
    Given
        True if all are given. ``show(part)`` says in a sentence what is not, and nothing if all are; a cell that ends
        in ``part and show(…)`` shows nothing if something is not.

    Raises
    ------
    ValueError
        There is no value to ask about.

    Examples
    --------
    >>> given(events_file="events.csv", tickets_file="")
    not given: tickets_file
    >>> bool(given(events_file="events.csv"))
    True
    >>> import pandas as pd
    >>> given(pd.DataFrame({"plan": ["pro"]}), by=["plan", "country"])
    not given: country in the data (by)
    >>> given(pd.DataFrame({"plan": [None, None]}), by="plan")
    not given: values of plan in the data, where all are missing (by)
    >>> given(pd.DataFrame({"plan": []}), by="plan")
    given
    """
    if not values:
        raise ValueError("given: no value to ask about. Name what the part needs: events_file=events_file.")
    missing = [name for name, value in values.items() if _is_absent(value)]
    if isinstance(table, Given):
        return Given((*table.missing, *missing))
    if table is not None:
        named = [(name, column) for name, value in values.items() if name not in missing for column in _listed(value)]
        for name, column in named:
            if column not in table:
                missing.append(f"{column} in the data ({name})")
            elif len(table) and table[column].isna().to_numpy().all():  # as where tables call customers otherwise
                missing.append(f"values of {column} in the data, where all are missing ({name})")
    return Given(tuple(missing))


def given_any(*parts: Given) -> Given:
    """Ask whether a part of a notebook has one at least of what it can be made of.

    Parameters
    ----------
    *parts
        What `given` returned.

    Returns
    -------
    Given
        True if one of them is; else ``show(part)`` says in a sentence what would do.

    Raises
    ------
    ValueError
        There is no part.

    Examples
    --------
    >>> use, voice = given(events_file=""), given(surveys_file="")
    >>> given_any(use, voice)
    not given: one of events_file, surveys_file
    >>> bool(given_any(use, given(tickets_file="tickets.csv")))
    True
    """
    if not parts:
        raise ValueError("given_any: no part to ask about. Name some, as given returns them.")
    if any(parts):
        return Given(())
    return Given((f"one of {', '.join(' and '.join(part.missing) for part in parts)}",))


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def _is_absent(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple | dict) and not value)
