import pytest

from reporting.errors import RefusedError
from reporting.recipe.parameters import read_parameters, settle
from tests.reporting.notebooks import PARAMETERS, write_notebook


@pytest.fixture
def notebook(tmp_path):
    return write_notebook(tmp_path / "funnel.ipynb", "%md # Funnel")


def declare(tmp_path, source):
    return read_parameters(write_notebook(tmp_path / "funnel.ipynb", "%md # Funnel", parameters=source))


def test_name_type_default_and_comment_are_read(notebook):
    weeks = read_parameters(notebook)["weeks"]
    assert (weeks.name, weeks.declared, weeks.default, weeks.comment) == ("weeks", "int", 4, "weeks to show")


def test_the_order_is_that_of_the_cell(notebook):
    assert list(read_parameters(notebook)) == [line.split(":")[0] for line in PARAMETERS.split("\n") if line]


def test_a_notebook_without_a_parameters_cell_has_none(tmp_path):
    assert declare(tmp_path, None) == {}


def test_nothing_in_the_cell_is_run(tmp_path):
    with pytest.raises(RefusedError, match="which would have to run"):
        declare(tmp_path, f"out: str = open({str(tmp_path / 'ran')!r}, 'w').name")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("plan", "007", "007"),
        ("plan", " 5", " 5"),
        ("plan", "", None),
        ("plan", "nan", "nan"),
        ("tz", "a=b", "a=b"),
        ("weeks", "-12", -12),
        ("share", "1", 1.0),
        ("share", "9e-1", 0.9),
        ("by_plan", "True", True),
        ("by_plan", "no", False),
        ("steps", "visit, sign up,pay", ["visit", "sign up", "pay"]),
        ("steps", "", []),
        ("steps", "['visit', \"pay, at last\"]", ["visit", "pay, at last"]),
        ("steps", "[visit],pay", ["[visit]", "pay"]),
        ("steps", "[visit", ["[visit"]),
        ("as_of", "2026-02-28", "2026-02-28"),
        ("as_of", "2026-02-28T12:00+01:00", "2026-02-28T12:00+01:00"),
    ],
)
def test_text_is_read_by_the_declared_type(notebook, name, text, value):
    read = read_parameters(notebook)[name].from_text(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("weeks", "abc"), ("weeks", "4.0"), ("weeks", "1_000"), ("weeks", ""), ("weeks", " 5"), ("weeks", "٤"),
        ("share", "nan"), ("share", "inf"), ("share", "1e999"), ("share", "1_0.0"), ("share", "half"),
        ("by_plan", "1"), ("by_plan", "maybe"),
    ],
)  # fmt: skip
def test_text_of_another_type_is_refused(notebook, name, text):
    with pytest.raises(RefusedError, match=rf"{name} is .* but it is declared .*\. Give "):
        read_parameters(notebook)[name].from_text(text)


@pytest.mark.parametrize("text", ["2026-02-30", "gestern", "20260701", "2026-W27-3", ""])
def test_what_is_no_date_is_refused_in_words_of_dates(notebook, text):
    with pytest.raises(RefusedError) as refused:
        read_parameters(notebook)["as_of"].from_text(text)
    assert str(refused.value) == f"as_of is {text!r}, which is no date. Write it as 2026-07-01."


def test_a_date_that_may_be_absent_may_be_left_empty(tmp_path):
    since = declare(tmp_path, "since: str | None = None")["since"]
    assert since.from_text("") is None
    with pytest.raises(RefusedError, match="Write it as 2026-07-01, or leave it empty"):
        since.from_text("May")


def test_an_unknown_name_is_refused_with_the_nearest(notebook):
    with pytest.raises(RefusedError, match=r"funnel.ipynb has no parameter 'wekks'. Did you mean 'weeks'\?"):
        settle(notebook, read_parameters(notebook), {"wekks": 3})


def test_all_problems_are_named_at_once(notebook):
    with pytest.raises(RefusedError) as refused:
        settle(notebook, read_parameters(notebook), {"wekks": 3, "share": "x", "as_of": "soon"})
    assert len(str(refused.value).splitlines()) == 3


def test_a_value_of_another_type_is_refused(notebook):
    for given in ({"weeks": 4.0}, {"weeks": True}, {"share": float("nan")}, {"steps": "visit"}, {"tz": None}):
        with pytest.raises(RefusedError, match="but it is declared"):
            settle(notebook, read_parameters(notebook), given)


def test_a_parameter_without_default_must_be_given(tmp_path):
    parameters = declare(tmp_path, "segment: str  # customers to show")
    with pytest.raises(RefusedError, match=r"segment has no value. Give one: -p segment=…"):
        settle(tmp_path / "funnel.ipynb", parameters, {})
    assert settle(tmp_path / "funnel.ipynb", parameters, {"segment": "S1"}) == {"segment": "S1"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("weeks = 4", r"line 1: 'weeks = 4' is no typed parameter"),
        ("import os", "is no typed parameter"),
        ("weeks: int = 'four'", "weeks is 'four', but it is declared int"),
        ("as_of: str = 'today'", "as_of is 'today', which is no date"),
        ("weeks: dict = {}", "weeks is declared dict. Use one of str, int"),
        ("weeks: int | str = 4", "Use one of"),
        ("weeks: int = 4\nweeks: int = 5", "weeks is declared twice"),
        ("weeks: int = ", "is not Python"),
    ],
)
def test_a_cell_that_holds_anything_else_is_refused(tmp_path, source, message):
    with pytest.raises(RefusedError, match=message):
        declare(tmp_path, source)


def test_a_file_that_is_no_notebook_is_refused(tmp_path):
    (tmp_path / "page.ipynb").write_text("<html>")
    for path, message in [(tmp_path / "page.ipynb", "not a notebook"), (tmp_path / "no.ipynb", "cannot be read")]:
        with pytest.raises(RefusedError, match=message):
            read_parameters(path)


@pytest.mark.parametrize("default", ["'half \\ud83d'", "['half \\ud83d']"])
def test_a_default_with_half_a_sign_is_refused(tmp_path, default):
    kind = "list[str]" if default.startswith("[") else "str"
    notebook = write_notebook(tmp_path / "a.ipynb", parameters=f"name: {kind} = {default}")
    with pytest.raises(RefusedError, match=r"parameters cell, line 1: name is .*Give a"):
        read_parameters(notebook)


def test_a_file_that_is_nested_without_end_is_no_notebook(tmp_path):
    (tmp_path / "a.ipynb").write_text("[" * 100_000)
    with pytest.raises(RefusedError, match="this is not a notebook"):
        read_parameters(tmp_path / "a.ipynb")
