"""Parameters that must be refused, and some that must not: each a line that somebody could type."""

import sys
from datetime import date

import pytest

from reporting.errors import RefusedError
from reporting.publishing.plan import Request, plan_reports
from reporting.recipe.file import read_recipe
from tests.reporting.notebooks import write_notebook

DECLARED = """
from datetime import date, datetime
from typing import Literal, Optional

events_file: str = "events.csv"  # export to read
as_of: str = "2026-07-01"  # first moment not observed
since: str | None = None  # first day
start: date = date(2026, 1, 1)  # day of the launch
moment: datetime = datetime(2026, 1, 1, 6, 30)  # of the launch
weeks: int = 4  # weeks to show
limit: Optional[int] = None  # rows to show
share: float = 0.95  # confidence
by_plan: bool = False  # one line a plan
segment: str = "S01"  # customers
region: Literal["north", "south"] = "north"  # of the shop
level: Literal[1, 2, 3] = 1  # of detail
steps: list[str] = ["visit", "signup"]  # in order
ages: list[int] = [18, 65]  # limits of the groups
rates: list[float] = [0.5]  # to mark
days: list[date] = [date(2026, 1, 1)]  # to mark
plan: str | None = None  # only this plan
currency: str = "EUR"  # of amounts
db: str = ""  # where the orders are
"""

RECIPE = """
[report.funnel]
notebook = "funnel.ipynb"
data = "events_file"
[report.funnel.params]
weeks = { type = "int", min = 1, max = 52, default = 4 }
share = { min = 0.5, max = 0.999 }
segment = { pattern = "S[0-9]{2}" }
start = { min = 2020-01-01, max = 2030-12-31 }
since = { type = "date | None", min = 2020-01-01 }
steps = { pattern = "[a-z_]+" }
ages = { min = 0, max = 120 }
currency = { choices = ["EUR", "USD", "GBP"] }
db = { type = "secret", from = "env:REPORTS_TEST_DB" }
"""

NO_NUMBERS = [
    "",
    " ",
    "abc",
    "4.0",
    "1e3",
    "1_000",
    " 5",
    "5 ",
    "0x10",
    "٤",
    "½",
    "--4",
    "4,000",
    "nan",
    "None",
    "true",
    "²",
]
NO_DATES = ["", "soon", "2026-02-30", "2026-13-01", "20260701", "01.07.2026", "2026-7-1", "2026-W27-3", "today - 1d",
            "today-1", "today-d", "today-1m", "tomorrow", "Today", "2026-07-01T25:00", "2026/07/01",
            " 2026-07-01"]  # fmt: skip

BAD = {
    "weeks": [*NO_NUMBERS, "0", "-1", "53", "9" * 5000],
    "limit": [text for text in NO_NUMBERS if text],
    "share": ["", "half", "nan", "inf", "-inf", "Infinity", "1e999", "1_0.0", "0,95", "0.95%", "0.4", "1", "1.5", "-1"],
    "by_plan": ["", "1", "0", "maybe", "t", "on", "off", "None", "yes!"],
    "segment": ["", "s01", "S1", "S001", "S01 ", "S01\n", "01", "S٠١", "../S01"],
    "region": ["", "east", "North", "nort", "north,south", "None"],
    "level": ["", "0", "4", "one", "1.0", "01"],
    "as_of": NO_DATES,
    "since": [*[text for text in NO_DATES if text], "2019-12-31", "today-9999d"],
    "start": [*NO_DATES, "2019-12-31", "2031-01-01", "2026-07-01T06:00"],
    "moment": ["", "soon", "2026-02-30", "06:30", "2026-07-01T24:30"],
    "steps": ["Visit", "visit;signup", "visit,sign up", "visit,'signup'"],
    "ages": ["a", "1,b", "1.5", "-1", "18,121", "18;65"],
    "rates": ["a", "0.5,nan", "0.5;0.6"],
    "days": ["soon", "2026-01-01,2026-02-30"],
    "currency": ["", "eur", "EURO", "CHF"],
    "db": ["", "hunter2", "postgres://me:hunter2@db/shop", "env:", "file:", "env:A B", "env:REPORTS_TEST_GONE",
           "file:gone"],
    "events_file": ["gone.csv", "gone/*.csv"],
}  # fmt: skip
WRONG_NAMES = {"wekks": "weeks", "segmnt": "segment", "by_plans": "by_plan", "regoin": "region", "as_off": "as_of",
               "sinse": "since", "shares": "share", "currancy": "currency", "step": "steps",
               "limits": "limit"}  # fmt: skip
GOOD = {
    "weeks": ["1", "52", "+4", "04", "12", "007", "51", "2"],
    "limit": ["", "0", "-5", "1000000"],
    "share": ["0.5", ".9", "0.999", "9e-1", "9.5E-1", "0.80"],
    "by_plan": ["true", "False", "YES", "no", "TRUE"],
    "segment": ["S00", "S07", "S10", "S50", "S99"],
    "region": ["north", "south"],
    "level": ["1", "2", "3"],
    "as_of": ["2026-07-01", "2026-02-28T12:00+01:00", "2024-02-29", "today", "yesterday", "today-1d", "today+2w",
              "2026-07-01T06:30:00Z"],
    "since": ["", "2026-01-01", "2020-01-01", "today-30d"],
    "start": ["2026-07-01", "2020-01-01", "2030-12-31", "2024-02-29", "today"],
    "moment": ["2026-07-01", "2026-07-01T06:30", "2026-07-01T06:30+02:00", "today"],
    "steps": ["visit", "visit,signup", "visit, signup", "visit,,signup", "", "a_b"],
    "ages": ["18", "0,120", "18, 65,80", ""],
    "rates": ["0.5", "1,2", "-1.5,1e3", ""],
    "days": ["2026-01-01", "2026-01-01,2024-02-29", "", "today,today-1d"],
    "plan": ["", "007", " 5", "nan", "None", "1_000", "a=b", "it's", 'say "no"', "{x}", "\\n", "日本", "x" * 5000, "-p",
             "<script>", "true", "Infinity", "0x10", "; rm", "%d", "$HOME", "a\tb"],
    "currency": ["EUR", "USD", "GBP"],
    "db": ["env:REPORTS_TEST_DB", "env:REPORTS_TEST_OTHER"],
}  # fmt: skip

BAD_SETS = [{name: text} for name, texts in BAD.items() for text in texts]
GOOD_SETS = [{name: text} for name, texts in GOOD.items() for text in texts]
GOOD_SETS += [{"weeks": "8", "segment": "S02", "region": region, "as_of": "2026-05-01"} for region in GOOD["region"]]


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.setenv("REPORTS_TEST_DB", "postgres://me:correct-horse@db/shop")
    monkeypatch.setenv("REPORTS_TEST_OTHER", "another long secret")
    write_notebook(tmp_path / "funnel.ipynb", "%md # Funnel", parameters=DECLARED)
    (tmp_path / "reports.toml").write_text(RECIPE)
    recipe = read_recipe(tmp_path / "reports.toml")
    return lambda params, today=None: plan_reports(recipe, Request(params=params, today=today))[0][0]


def said_of(plan, params):
    """What is said of a set, nothing if it is good."""
    try:
        plan(params)
    except RefusedError as refused:
        return str(refused)
    return ""


def test_the_corpus_is_as_large_as_it_is_said_to_be():
    assert len(BAD_SETS) + len(WRONG_NAMES) >= 150
    assert len(GOOD_SETS) >= 100


def test_every_bad_set_is_refused_with_its_name_and_in_a_sentence(plan):
    said = [said_of(plan, params) for params in BAD_SETS]
    assert [params for params, message in zip(BAD_SETS, said, strict=True) if not message] == []
    for params, message in zip(BAD_SETS, said, strict=True):
        assert next(iter(params)) in message, params
        assert message.endswith((".", "?")), message
        assert "hunter2" not in message


def test_every_good_set_is_accepted(plan):
    assert [message for params in GOOD_SETS if (message := said_of(plan, params))] == []


@pytest.mark.parametrize(("typed", "meant"), WRONG_NAMES.items())
def test_a_wrong_name_is_refused_with_the_nearest(plan, typed, meant):
    with pytest.raises(RefusedError, match=rf"Did you mean '{meant}'\?"):
        plan({typed: "1"})


def test_text_stays_text(plan):
    for text in GOOD["plan"][1:]:
        assert plan({"plan": text}).given["plan"] == text


def test_dates_are_counted_from_the_day_of_the_run(plan):
    day = date(2026, 3, 1)
    values = plan(
        {"as_of": "today", "since": "yesterday", "start": "today-1w", "days": "2026-01-01,today+1d"}, day
    ).values
    assert (values["as_of"], values["since"], values["start"]) == ("2026-03-01", "2026-02-28", date(2026, 2, 22))
    assert values["days"] == [date(2026, 1, 1), date(2026, 3, 2)]
    with pytest.raises(RefusedError, match="start is '2019-12-25', but the least is 2020-01-01"):
        plan({"start": "today-1w"}, date(2020, 1, 1))


def test_no_set_loads_what_reads_tables(plan):
    before = set(sys.modules)
    for params in [*BAD_SETS[:40], *GOOD_SETS[:40]]:
        said_of(plan, params)
    assert not {"pandas", "pyarrow", "papermill", "nbformat"} & (set(sys.modules) - before)


CONFLICTS = [
    ("weeks = { type = 'str' }", "params.weeks.type is 'str', but the notebook declares int"),
    ("weeks = { type = 'int | None' }", "but the notebook declares int"),
    ("weeks = { type = 'number' }", "type 'number' is unknown"),
    ("weeks = { min = 'a' }", "params.weeks.min is 'a', which is no int"),
    ("weeks = { min = 5, max = 4 }", "no value is left"),
    ("weeks = { min = 5 }", "weeks is 4, but the least is 5"),
    ("weeks = { default = 'four' }", "weeks is 'four', but it is declared int"),
    ("weeks = { pattern = '[0-9]' }", "pattern is for texts"),
    ("weeks = { choices = ['a'] }", "choices has 'a', which is no int"),
    ("weeks = { choices = [] }", "choices is \\[\\], but it must be a list of values"),
    ("segment = { min = 1 }", "min is for numbers and dates"),
    ("segment = { pattern = '(' }", "is no regular expression"),
    ("segment = { patern = 'S' }", "patern is not a key. Did you mean 'pattern'"),
    ("segment = { pattern = 3 }", "pattern is 3, but it must be a text in quotes"),
    ("region = { choices = ['east'] }", "choices has 'east'"),
    ("region = { type = \"Literal['north', 'east']\" }", "but the notebook declares Literal"),
    ("steps = { type = 'list[int]' }", "but the notebook declares list\\[str\\]"),
    ("as_of = { type = 'date', default = 'soon' }", "which is no date"),
    ("db = { type = 'secret', from = 'hunter2' }", "given by where it is"),
    ("db = { type = 'secret', min = 1 }", "a secret has no other keys"),
    ("db = { from = 'env:X' }", "from is for secrets"),
    ("weeks = { type = 'secret', from = 'env:X' }", "but the notebook declares int"),
    ("wekks = { min = 1 }", "has no parameter 'wekks'. Did you mean 'weeks'"),
    ("wekks = 3", "has no parameter 'wekks'. Did you mean 'weeks'"),
    ("weeks = 'four'", "weeks is 'four', but it is declared int"),
]


@pytest.mark.parametrize(("line", "message"), CONFLICTS, ids=[line for line, _ in CONFLICTS])
def test_a_recipe_that_contradicts_its_notebook_is_refused(tmp_path, line, message):
    write_notebook(tmp_path / "funnel.ipynb", "%md # Funnel", parameters=DECLARED)
    (tmp_path / "reports.toml").write_text(
        f'[report.funnel]\nnotebook = "funnel.ipynb"\n[report.funnel.params]\n{line}'
    )
    with pytest.raises(RefusedError, match=message):
        plan_reports(read_recipe(tmp_path / "reports.toml"))


def test_a_secret_that_is_written_into_the_notebook_is_refused_and_not_repeated(tmp_path):
    write_notebook(tmp_path / "funnel.ipynb", "%md # Funnel", parameters='db: str = "postgres://me:hunter2@db"')
    rule = "db = { type = 'secret', from = 'env:HOME' }"
    (tmp_path / "reports.toml").write_text(
        f'[report.funnel]\nnotebook = "funnel.ipynb"\n[report.funnel.params]\n{rule}'
    )
    with pytest.raises(RefusedError) as refused:
        plan_reports(read_recipe(tmp_path / "reports.toml"))
    assert "hunter2" not in str(refused.value)
