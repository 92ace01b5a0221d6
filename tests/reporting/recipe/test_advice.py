"""How the parameters that an error names are set on the command line."""

import ast
import shlex

import pytest

from reporting.recipe.advice import options_named
from reporting.recipe.types import read_type

VALUES = {"rename": [], "steps": ["a", "b"], "timezone": None, "as_of": "2026-07-01", "window": "14 days"}


@pytest.mark.parametrize(
    ("cause", "options"),
    [
        ("ValueError: steps: 'pay' is not in the event table.", "-p steps=A,B"),
        ("EventTableError: log.csv: Say timezone='Europe/Berlin'.", "-p timezone=Europe/Berlin"),
        ("Say rename=['Kunden Nr=user_id', 'Zeit=timestamp'].", "-p 'rename=Kunden Nr=user_id,Zeit=timestamp'"),
        ("ValueError: as_of: 'x' is no moment.", "--as-of VALUE"),
        ("window=14 is no span; rename=['a=b'].", "-p window=VALUE -p rename=a=b"),
        ("Exit: the window: it is too short; max_window=3.", ""),
        ("Its columns are ['steps: all', 'window=3'].", ""),
        ("ZeroDivisionError: division by zero", ""),
    ],
    ids=["a step", "a zone", "names", "as_of", "two of them", "no parameter", "quoted", "none"],
)
def test_options_are_those_of_the_parameters_that_the_error_names(cause, options):
    assert options_named(cause, VALUES) == options


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("my/people.csv", ""),
        ("log.csv", "-p rename=wer=user_id"),
        ("my/log.csv and people.csv", "-p rename=wer=user_id"),
        ("other.csv", "-p rename=wer=user_id"),
        ("nopeople.csv", "-p rename=wer=user_id"),
    ],
)
def test_what_names_columns_of_the_main_table_is_no_advice_on_another_one(file, options):
    values = VALUES | {"events_file": "../log.csv", "customers_file": "../my/people.csv", "orders_file": ""}
    cause = f"EventTableError: {file}: has no user_id column. Say which it is, as rename=['wer=user_id']."
    assert options_named(cause, values, "events_file") == options


def test_names_that_hold_a_comma_come_as_a_list_that_the_command_line_reads():
    options = options_named("Say rename=['Gut, oder nicht?=score'].", VALUES)
    assert options == """-p 'rename=["Gut, oder nicht?=score"]'"""
    text = shlex.split(options)[1].removeprefix("rename=")
    assert read_type(ast.parse("list[str]", mode="eval").body).from_text(text) == ["Gut, oder nicht?=score"]
