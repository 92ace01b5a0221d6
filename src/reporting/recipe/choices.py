"""One page for each: of a list, of the values in a column of the data, of the rows of a table.

    each.segment = ["S01", "S02"]
    each.segment = { column = "segment", from = "../data/events.parquet" }
    each.segment = { column = "segment", from = "events_file" }  # the file that this parameter names
    each = "sets.csv"                # a column for each parameter, and `slug` if you like

A page is named by its values in small letters, digits and dashes. Two sets of one name, and a
set without one, are refused: a page would take the place of another.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from reporting.errors import RefusedError
from reporting.recipe.file import Report

MOST = 1000  # pages of one report, unless its `each` says otherwise with `at_most`
LONGEST = 64
KEYS = {"column", "from", "at_most"}


@dataclass(frozen=True)
class Choice:
    """One page of a report: its name behind the report's, and the parameters that make it."""

    slug: str
    values: Mapping[str, Any]


def choices(report: Report, folder: Path, files: Mapping[str, str | None] | None = None) -> list[Choice]:
    """Pages of a report, in the order of their source; a single nameless one if there is one page only.

    Parameters
    ----------
    report
        A report of a recipe.
    folder
        Folder that paths in `each` are relative to.
    files
        What the parameters that name files are set to, relative to the notebook's folder.

    Raises
    ------
    RefusedError
        A source is absent or empty, or names collide. All problems, one a line.
    """
    if not report.each:
        return [Choice("", {})]
    where = f"report.{report.name}.each"
    if "" in report.each:
        rows = _rows(folder / report.each[""], where)
    else:
        given = {name: report.notebook.parent / path if path else None for name, path in (files or {}).items()}
        lists = [_values(f"{where}.{name}", source, folder, given) for name, source in report.each.items()]
        rows = [dict(zip(report.each, values, strict=True)) for values in product(*lists)]
    found: dict[str, Choice] = {}
    problems = []
    for row in rows:
        values = {name: value for name, value in row.items() if name != "slug"}
        said = ", ".join(f"{name} {value!r}" for name, value in values.items())
        slug = str(row["slug"]) if row.get("slug") else "-".join(map(slug_of, values.values()))
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", slug) or len(slug) > LONGEST:
            problems.append(
                f"{where}: {said} makes no name of a page (found {slug[:80]!r}). Names have 1 to {LONGEST} of "
                "a to z, 0 to 9, '-' and '_'. Use a CSV file of sets with a column 'slug'."
            )
        elif slug in found:
            other = ", ".join(f"{name} {value!r}" for name, value in found[slug].values.items())
            problems.append(
                f"{where}: {said} and {other} would both be the page {slug!r}. "
                "Use a CSV file of sets with a column 'slug'."
            )
        else:
            found[slug] = Choice(slug, values)
    if problems:
        raise RefusedError("\n".join(problems))
    return list(found.values())


def slug_of(value: object) -> str:
    """Name for a page from a value.

    >>> slug_of("Größe XL / EU"), slug_of("../../etc"), slug_of("007"), slug_of("…")
    ('grosse-xl-eu', 'etc', '007', '')
    """
    text = unicodedata.normalize("NFKD", str(value).casefold())
    return re.sub(r"[^a-z0-9_]+", "-", "".join(c for c in text if not unicodedata.combining(c))).strip("-_")


def _values(where: str, source: object, folder: Path, given: Mapping[str, Path | None]) -> list[Any]:
    """Values of one parameter; those of a file come as text, to be read by the parameter's type."""
    if isinstance(source, list):
        values, most = source, len(source)
    elif isinstance(source, dict) and {"column", "from"} <= set(source) <= KEYS:
        path = given.get(source["from"], folder / str(source["from"]))
        if path is None:
            raise RefusedError(f"{where} reads {source['from']}, which is not given. Add --data {source['from']}=FILE.")
        values, most = _column(where, str(source["column"]), path), source.get("at_most", MOST)
    else:
        raise RefusedError(
            f"{where} is {source!r}. Give a list, or a table: {{ column = 'segment', from = 'data.parquet' }}."
        )
    if not values:
        raise RefusedError(f"{where} has no values, so there would be no page.")
    if len(values) > most:
        raise RefusedError(
            f"{where} has {len(values):,} values, more than {most:,} pages. "
            "Is it the right column? If so, say at_most = … in its table."
        )
    return values


def _column(where: str, column: str, path: Path) -> list[str]:
    """Distinct values of a column as text, sorted; missing ones have no page."""
    if not path.exists():
        raise RefusedError(f"{where}.from: there is no {str(path)!r}. It is relative to the recipe.")
    import duckdb  # light, and reads every format that a column may stand in

    source = str(path / "**" / "*.parquet" if path.is_dir() else path)
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    reader = {"csv": "read_csv(?, all_varchar = true)", "tsv": "read_csv(?, all_varchar = true)"}.get(kind)
    reader = reader or ("read_json(?)" if kind in ("json", "jsonl", "ndjson") else "read_parquet(?)")
    quoted = '"' + column.replace('"', '""') + '"'
    try:
        with duckdb.connect() as connection:
            query = f"SELECT DISTINCT CAST({quoted} AS VARCHAR) AS value FROM {reader} WHERE {quoted} IS NOT NULL"
            rows = connection.execute(f"{query} ORDER BY value", [source]).fetchall()
    except duckdb.BinderException:
        raise RefusedError(f"{where}: {path.name} has no column {column!r}.") from None
    except duckdb.Error as error:
        raise RefusedError(f"{where}: {path.name} cannot be read: {str(error).splitlines()[0]}") from None
    return [value for (value,) in rows if value != ""]


def _rows(path: Path, where: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
    except FileNotFoundError:
        raise RefusedError(f"{where}: there is no {str(path)!r}. It is relative to the recipe.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RefusedError(f"{where}: {path.name} cannot be read: {error}.") from None
    heads = reader.fieldnames or []
    if not rows or len(set(heads)) < len(heads):
        raise RefusedError(f"{where}: {path.name} needs a head of different names and at least one row.")
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise RefusedError(f"{where}: {path.name}, line {number}: it has not as many cells as the head.")
    return rows
