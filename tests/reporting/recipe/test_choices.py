import pytest

from reporting.errors import RefusedError
from reporting.publishing.plan import Request, plan_reports
from reporting.recipe.file import read_recipe
from reporting.recipe.own_data import read_data
from tests.reporting.notebooks import write_notebook

FILES = 'customers_file: str = "demo.csv"\nothers_file: str = "other.csv"'
PARAMETERS = 'segment: str = "S01"\nweeks: int = 4\ntz: str = "UTC"'


@pytest.fixture
def plans(tmp_path):
    write_notebook(tmp_path / "segment.ipynb", "%md # Segment", parameters=PARAMETERS)

    def read(each, more="", **request):
        text = f'[report.segment]\nnotebook = "segment.ipynb"\n{more}\n{each}'
        (tmp_path / "reports.toml").write_text(text)
        return plan_reports(read_recipe(tmp_path / "reports.toml"), Request(**request))[0]

    read.folder = tmp_path
    return read


def test_a_list_makes_a_page_for_each_of_its_values(plans):
    found = plans('each.segment = ["S01", "Größe XL"]', 'title = "Segment {segment}, {weeks} weeks"')
    assert [plan.name for plan in found] == ["segment/s01", "segment/grosse-xl"]
    assert [plan.title for plan in found] == ["Segment S01, 4 weeks", "Segment Größe XL, 4 weeks"]
    assert [plan.given for plan in found] == [{"segment": "S01"}, {"segment": "Größe XL"}]


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet", "jsonl"])
def test_a_column_of_the_data_makes_a_page_for_each_of_its_values(plans, kind):
    import pandas as pd

    table = pd.DataFrame({"segment": ["007", "S02", "007", None, "1_000", ""], "n": range(6)})
    path = plans.folder / f"data.{kind}"
    if kind == "parquet":
        table.to_parquet(path)
    elif kind == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_csv(path, index=False)
    found = plans(f'each.segment = {{ column = "segment", from = "data.{kind}" }}')
    assert [plan.values["segment"] for plan in found] == ["007", "1_000", "S02"]
    assert [plan.name for plan in found] == ["segment/007", "segment/1_000", "segment/s02"]


def test_the_column_may_be_of_a_table_that_a_parameter_names(plans, monkeypatch):
    write_notebook(plans.folder / "segment.ipynb", "%md # S", parameters=f"{PARAMETERS}\n{FILES}")
    for name, value in {"demo": "demo", "mine": "mine", "other": "x"}.items():
        (plans.folder / f"{name}.csv").write_text(f"segment\n{value}\n")
    monkeypatch.chdir(plans.folder)
    more = 'data = "customers_file"'
    each = 'each.segment = { column = "segment", from = "customers_file" }'
    assert [plan.name for plan in plans(each, more)] == ["segment/demo"]
    assert [plan.name for plan in plans(each, more, data=read_data(["customers_file=mine.csv"]))] == ["segment/mine"]
    each = each.replace("customers_file", "others_file")
    with pytest.raises(RefusedError, match=r"each.segment reads others_file, which is not given. Add --data others_fi"):
        plans(each, more, data=read_data(["customers_file=mine.csv"]))
    assert [plan.name for plan in plans(each, more)] == ["segment/x"]


def test_a_value_of_ones_own_data_needs_not_stand_in_the_list(plans, monkeypatch):
    write_notebook(plans.folder / "segment.ipynb", "%md # S", parameters=f"{PARAMETERS}\n{FILES}")
    for name in ("demo.csv", "other.csv", "mine.csv"):
        (plans.folder / name).touch()
    monkeypatch.chdir(plans.folder)
    each, more = 'each.segment = ["S01", "S02"]', 'data = "customers_file"'
    mine = read_data(["customers_file=mine.csv"])
    [plan] = plans(each, more, data=mine, params={"segment": "X 9"})
    assert (plan.name, plan.values["segment"]) == ("segment/x-9", "X 9")
    assert [plan.name for plan in plans(each, more, data=mine, params={"segment": "S02"})] == ["segment/s02"]
    with pytest.raises(RefusedError, match=r"segment has no page for segment 'X 9'"):
        plans(each, more, params={"segment": "X 9"})


def test_two_lists_make_a_page_for_each_pair(plans):
    found = plans('each.segment = ["a", "b"]\neach.weeks = [4, 8]')
    assert [plan.name for plan in found] == ["segment/a-4", "segment/a-8", "segment/b-4", "segment/b-8"]
    assert found[1].values["weeks"] == 8


def test_a_file_of_sets_makes_a_page_for_each_row(plans):
    (plans.folder / "sets.csv").write_text("slug,segment,weeks\nbig,S01,12\nsmall,s01,4\n")
    found = plans('each = "sets.csv"')
    assert [(plan.name, plan.values["segment"], plan.values["weeks"]) for plan in found] == [
        ("segment/big", "S01", 12),
        ("segment/small", "s01", 4),
    ]


def test_pages_can_be_chosen_by_name_and_by_value(plans):
    each = 'each.segment = ["S01", "S02", "S03"]'
    assert [plan.name for plan in plans(each, names=["segment/s02"])] == ["segment/s02"]
    assert [plan.name for plan in plans(each, params={"segment": "S03"})] == ["segment/s03"]
    with pytest.raises(RefusedError, match=r"segment has no page 's11'. Did you mean 's01'"):
        plans(each, names=["segment/s11"])
    with pytest.raises(RefusedError, match=r"segment has no page for segment 'S04'. Did you mean"):
        plans(each, params={"segment": "S04"})


def test_the_command_builds_that_page_again(plans):
    [_, plan] = plans('each.segment = ["S01", "S02"]', params={"weeks": "9"})
    assert "run segment/s02 " in plan.command
    assert plan.command.endswith("-p weeks=9")


@pytest.mark.parametrize(
    ("each", "message"),
    [
        ('each.segment = ["S01", "s01"]', "segment 'S01' and segment 'S01' would|would both be the page 's01'"),
        ('each.segment = ["S 1", "S-1"]', "would both be the page 's-1'"),
        ('each.segment = ["…"]', "makes no name of a page"),
        ('each.segment = ["' + "x" * 65 + '"]', "makes no name of a page"),
        ("each.segment = []", "has no values"),
        ("each.segment = 3", "Give a list, or a table"),
        ('each.segment = { colum = "segment", from = "data.csv" }', "Give a list, or a table"),
        ('each.segment = { column = "segment", from = "gone.csv" }', "there is no"),
        ('each.segment = { column = "sgment", from = "data.csv" }', "data.csv has no column 'sgment'"),
        ('each.segment = { column = "segment", from = "data.csv", at_most = 2 }', "3 values, more than 2 pages"),
        ('each.segmnt = ["a"]', "has no parameter 'segmnt'. Did you mean 'segment'"),
        ('each.weeks = ["four"]', "weeks is 'four', but it is declared int"),
        ('each = "gone.csv"', "there is no"),
        ('each = "data.csv"', "has no parameter 'n'"),
        ('each = "uneven.csv"', "line 3: it has not as many cells as the head"),
        ('each = "slug.csv"', "makes no name of a page .found '../../etc/passwd'"),
    ],
)  # fmt: skip
def test_sets_that_would_lose_or_misplace_a_page_are_refused(plans, each, message):
    (plans.folder / "data.csv").write_text("n,segment\n1,a\n2,b\n3,c\n")
    (plans.folder / "uneven.csv").write_text("segment,weeks\na,1\nb\n")
    (plans.folder / "slug.csv").write_text("slug,segment\n../../etc/passwd,a\n")
    with pytest.raises(RefusedError, match=message):
        plans(each)


def test_a_title_names_parameters_only(plans):
    for title in ("{sgment}", "{segment.__class__}", "{0}", "{segment!r}", "{segment"):
        with pytest.raises(RefusedError, match="title"):
            plans('each.segment = ["a"]', f'title = "{title}"')


@pytest.mark.parametrize("value", ["../../etc/passwd", "/etc/passwd", "..", "a/b", "C:\\x", "a\x00b", ".hidden", "-rf"])
def test_no_value_names_a_place_outside(value):
    from reporting.recipe.choices import slug_of

    assert not set(slug_of(value)) - set("abcdefghijklmnopqrstuvwxyz0123456789_-")
    assert not slug_of(value).startswith(("-", ".", "_"))
