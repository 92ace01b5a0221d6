"""Tables of the user's own in place of the recipe's: `--data FILE`, and `--data PARAMETER=FILE` for each further one.

A page shows one company. So where a report gets a table of the user's own, it gets no other table from the recipe:
every parameter that ends in ``_file`` and is not given becomes empty, and the notebook leaves its part out.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from reporting.errors import RefusedError, did_you_mean
from reporting.recipe.file import Report
from reporting.recipe.parameters import Parameter

MAIN = ""  # key of the table without a name: that of each report's key `data`
EVENTS = "events_file"  # what a table without a name is taken for where no report is named


def read_data(words: Sequence[str] | None) -> dict[str, Path]:
    """Paths by parameter, of the words behind `--data`.

    >>> {name: path.name for name, path in read_data(["log.csv", "orders_file=orders.csv"]).items()}
    {'': 'log.csv', 'orders_file': 'orders.csv'}

    Raises
    ------
    RefusedError
        A parameter is given twice.
    """
    found: dict[str, Path] = {}
    for word in words or []:
        match = re.fullmatch(r"([A-Za-z_]\w*_file)=(.*)", word)
        name, path = (match[1], match[2]) if match else (MAIN, word)
        if name in found:
            said = f"{name} is" if name else "An export without a name is"
            raise RefusedError(f"--data {word}: {said} given twice. Name the others, --data PARAMETER=FILE.")
        found[name] = Path(path)
    return found


def check_data(data: Mapping[str, Path], known: Sequence[str]) -> list[str]:
    """Problems of what was given, whatever reads it: a file that is not there, a parameter that no report has."""
    problems = [
        f"--data {said(name, path)}: no such file. Is the path right?"
        for name, path in data.items()
        if not path.exists()
    ]
    files = [name for name in known if name.endswith("_file")]
    problems += [
        f"--data {said(name, path)}: no chosen report has a parameter {name!r}. "
        f"{did_you_mean(name, files, 'Their tables are')}"
        for name, path in data.items()
        if name != MAIN and name not in files
    ]
    return problems


def is_fed(report: Report, data: Mapping[str, Path]) -> bool:
    """Whether a report that nobody named gets its main table."""
    return report.data is not None and (report.data in data or (MAIN in data and report.data == EVENTS))


def fed(report: Report, parameters: Mapping[str, Parameter], data: Mapping[str, Path]) -> dict[str, str]:
    """Tables of the user's own by the parameter that takes them, and empty texts for those of the recipe.

    Raises
    ------
    RefusedError
        The report would be left without its main table.
    """
    if not data:
        return {}
    if report.data is None:
        raise RefusedError(f"report.{report.name} has no key 'data', so --data cannot feed it. Add one, or use -p.")
    given = {name: str(path) for name, path in data.items() if name in parameters}
    if MAIN in data:
        given.setdefault(report.data, str(data[MAIN]))
    if report.data not in given and not (report.any_data and given):
        raise RefusedError(f"report.{report.name} reads {report.data} above all. Add --data {report.data}=FILE.")
    return dict.fromkeys((name for name in parameters if name.endswith("_file")), "") | given


def said(name: str, path: Path) -> str:
    """The word behind `--data`."""
    return f"{name}={path}" if name else str(path)
