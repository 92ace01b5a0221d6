import os
import shlex
from pathlib import Path

import pytest

from reporting.errors import RefusedError
from reporting.publishing.digests import Digests
from reporting.publishing.inputs import inputs_of
from reporting.publishing.plan import Request, plan_reports
from reporting.recipe.file import read_recipe
from reporting.recipe.own_data import read_data
from tests.reporting.notebooks import write_notebook

RECIPE = """
[defaults]
params = { as_of = 2026-06-01, weeks = 8 }
[report.funnel]
notebook = "notebooks/funnel.ipynb"
data = "events_file"
params = { weeks = 12 }
[report.nps]
notebook = "notebooks/nps.ipynb"
data = "surveys_file"
"""

MAY = {"as_of": "2026-05-01"}


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    write_notebook(tmp_path / "notebooks/funnel.ipynb", "%md # Funnel")
    write_notebook(
        tmp_path / "notebooks/nps.ipynb",
        "%md # Score",
        parameters='surveys_file: str = "events.csv"\nas_of: str = "2026-07-01"',
    )
    (tmp_path / "reports.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return read_recipe(Path("reports.toml"))


def values(recipe, **request):
    plans, _ = plan_reports(recipe, Request(**request))
    return {plan.report.name: plan.values for plan in plans}


def test_the_nearer_setting_wins(recipe):
    planned = values(recipe)["funnel"]
    assert planned["tz"] == "Europe/Berlin"  # notebook
    assert planned["as_of"] == "2026-06-01"  # defaults of the recipe
    assert planned["weeks"] == 12  # its report
    assert values(recipe, params={"weeks": "3"})["funnel"]["weeks"] == 3  # command line


def test_a_parameter_reaches_the_reports_that_have_it(recipe):
    planned = values(recipe, params={"as_of": "2026-05-01", "weeks": "3"})
    assert planned["nps"] == {"surveys_file": "events.csv", "as_of": "2026-05-01"}
    assert planned["funnel"]["weeks"] == 3


def test_a_parameter_that_no_report_has_is_refused(recipe):
    with pytest.raises(RefusedError, match=r"No chosen report has a parameter 'week'. Did you mean 'weeks'\?"):
        plan_reports(recipe, Request(params={"week": "3"}))
    with pytest.raises(RefusedError, match="No chosen report has a parameter 'weeks'"):
        plan_reports(recipe, Request(names=["nps"], params={"weeks": "3"}))


def test_data_of_ones_own_go_to_the_reports_that_read_events(recipe):
    Path("my.csv").touch()
    plans, left_out = plan_reports(recipe, Request(data={"": Path("my.csv")}, params=MAY))
    assert [plan.report.name for plan in plans] == ["funnel"]
    assert [report.name for report in left_out] == ["nps"]
    assert plans[0].values["events_file"] == "../my.csv"  # from the notebook's folder


def test_data_of_ones_own_go_to_a_named_report(recipe):
    Path("answers.csv").touch()
    planned = values(recipe, names=["nps"], data={"": Path("answers.csv")}, params=MAY)
    assert planned["nps"]["surveys_file"] == "../answers.csv"


def test_a_file_named_on_the_command_line_is_one_of_the_users_folder(recipe):
    Path("my.csv").touch()
    assert values(recipe, names=["nps"])["nps"]["surveys_file"] == "events.csv"  # the notebook's own stays
    assert values(recipe, params={"surveys_file": "my.csv", **MAY})["nps"]["surveys_file"] == "../my.csv"


@pytest.mark.parametrize(
    "own", [{"data": {"": Path("my.csv")}}, {"names": ["funnel"], "params": {"events_file": "my.csv"}}]
)
def test_data_of_ones_own_do_not_meet_the_date_of_others(recipe, own):
    Path("my.csv").touch()
    with pytest.raises(RefusedError, match=r"my.csv comes without --as-of, and 2026-06-01 is .* Give --as-of"):
        plan_reports(recipe, Request(**own))


def test_a_report_without_a_date_needs_none_for_data_of_ones_own(recipe):
    write_notebook(Path("notebooks/nps.ipynb"), "%md # Score", parameters='surveys_file: str = "events.csv"')
    Path("my.csv").touch()
    assert values(recipe, names=["nps"], data={"": Path("my.csv")}) == {"nps": {"surveys_file": "../my.csv"}}


def test_the_command_builds_the_same_plan_again(recipe):
    Path("my data").mkdir()
    Path("my data/my.csv").touch()
    recipe = read_recipe("reports.toml", Path("own pages"))
    given = {"as_of": "2026-05-01", "steps": "sign up,pay", "plan": ""}
    [plan], _ = plan_reports(recipe, Request(data={"": Path("my data/my.csv")}, params=given))
    assert shlex.split(plan.command) == [
        *["metrics", "report", "run", "funnel", "--recipe", "reports.toml", "--data", "my data/my.csv"],
        *["--as-of", "2026-05-01", "-p", "steps=sign up,pay", "-p", "plan=", "--out", "own pages"],
    ]
    plans, _ = plan_reports(recipe, Request(params={"weeks": "3"}))
    assert [plan.command for plan in plans] == [  # what another report reads is no parameter of this one
        "metrics report run funnel --recipe reports.toml -p weeks=3 --out 'own pages'",
        "metrics report run nps --recipe reports.toml --out 'own pages'",
    ]


@pytest.mark.parametrize(
    ("typed", "inside", "outside"),
    [
        ("x/my.csv", "read '../x/my.csv': empty.", "read 'x/my.csv': empty."),
        ("x", "../x/my.csv: empty.", "x/my.csv: empty."),
        ("x/*.csv", "../x/my.csv: empty.", "x/my.csv: empty."),
        ("{here}/x/my.csv", "../x/my.csv: empty.", "{here}/x/my.csv: empty."),
        ("x/my.csv", "other/../x/my.csv: empty.", "other/../x/my.csv: empty."),
        (None, "events.csv: empty.", "notebooks/events.csv: empty."),
    ],
)
def test_a_message_names_paths_as_the_user_does(recipe, typed, inside, outside):
    Path("x").mkdir()
    Path("x/my.csv").touch()
    here = Path.cwd()
    params = {"events_file": typed.format(here=here), **MAY} if typed else {}
    [plan], _ = plan_reports(recipe, Request(names=["funnel"], params=params))
    assert plan.as_typed(inside) == outside.format(here=here)


def test_data_are_named_without_their_folders(recipe):
    Path("x").mkdir()
    [plan], _ = plan_reports(recipe, Request(names=["nps"], params={"surveys_file": f"{Path.cwd()}/x/.", **MAY}))
    assert plan.data_names == ["x"]


TWO_TABLES = """surveys_file: str = "answers.csv"
sends_file: str = "sends.csv"
plans_file: str | None = "plans.csv"
"""


@pytest.fixture
def with_tables(recipe):
    for name in ("answers.csv", "sends.csv", "plans.csv"):
        Path("notebooks", name).touch()
    for name in ("my.csv", "my-sends.csv"):
        Path(name).touch()
    write_notebook(Path("notebooks/nps.ipynb"), "%md # Score", parameters=TWO_TABLES)
    return recipe


def given(*words):
    return {"data": read_data(words)}


def test_beside_a_table_of_ones_own_stands_none_of_the_recipes(with_tables):
    tables = {"surveys_file": "answers.csv", "sends_file": "sends.csv", "plans_file": "plans.csv"}
    assert values(with_tables, names=["nps"])["nps"] == tables
    alone = {"surveys_file": "../my.csv", "sends_file": "", "plans_file": None}
    assert values(with_tables, names=["nps"], **given("my.csv"))["nps"] == alone
    assert values(with_tables, names=["nps"], **given("surveys_file=my.csv"))["nps"] == alone
    both = alone | {"sends_file": "../my-sends.csv"}
    assert values(with_tables, names=["nps"], **given("my.csv", "sends_file=my-sends.csv"))["nps"] == both
    set_by_name = {"params": {"sends_file": "my-sends.csv"}}
    assert values(with_tables, names=["nps"], **given("my.csv"), **set_by_name)["nps"] == both
    assert values(with_tables, names=["nps"], **set_by_name)["nps"] == tables | {"sends_file": "../my-sends.csv"}


def test_named_tables_choose_the_reports_they_feed(with_tables):
    plans, left_out = plan_reports(with_tables, Request(**given("surveys_file=my.csv")))
    assert ([plan.name for plan in plans], [report.name for report in left_out]) == (["nps"], ["funnel"])
    plans, left_out = plan_reports(with_tables, Request(params=MAY, **given("my.csv", "surveys_file=my.csv")))
    assert ([plan.name for plan in plans], left_out) == (["funnel", "nps"], [])
    assert plans[1].command.startswith(
        "metrics report run nps --recipe reports.toml --data my.csv --data surveys_file=my"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["my.csv", "my.csv"], r"An export without a name is given twice. Name the others, --data PARAMETER=FILE\."),
        (["sends_file=my.csv", "sends_file=my.csv"], r"sends_file is given twice"),
        (["sends_file=my.csv"], r"report.nps reads surveys_file above all. Add --data surveys_file=FILE\."),
        (["my.csv", "send_file=my.csv"], r"no chosen report has a parameter 'send_file'. Did you mean 'sends_file'"),
        (["my.csv", "sends_file=gone.csv"], r"--data sends_file=gone.csv: no such file"),
    ],
)
def test_tables_that_cannot_be_given_are_refused(with_tables, words, message):
    with pytest.raises(RefusedError, match=message):
        plan_reports(with_tables, Request(names=["nps"], **given(*words)))


def test_a_report_that_any_of_its_tables_will_do_for_can_do_without_the_main_one(with_tables):
    path = Path("reports.toml")
    path.write_text(path.read_text() + "any_data = true\n")
    recipe = read_recipe(path)
    assert values(recipe, names=["nps"], **given("sends_file=my.csv"))["nps"] == {
        "surveys_file": "", "sends_file": "../my.csv", "plans_file": None,
    }  # fmt: skip
    with pytest.raises(RefusedError, match=r"no chosen report has a parameter 'send_file'"):
        plan_reports(recipe, Request(names=["nps"], **given("send_file=my.csv")))


def test_absent_data_are_refused(recipe):
    with pytest.raises(RefusedError, match=r"--data my.csv: no such file"):
        plan_reports(recipe, Request(data={"": Path("my.csv")}))
    with pytest.raises(RefusedError, match=r"events_file is 'gone.csv', and nothing is there"):
        plan_reports(recipe, Request(params={"events_file": "gone.csv", **MAY}))


def test_what_names_the_recipes_own_data_is_another_thing_with_data_of_ones_own(recipe):
    path = Path("reports.toml")
    path.write_text(f'{RECIPE}params = {{ as_of = 2026-03-01 }}\nwith_data = {{ as_of = "2026-05-01", by = "" }}\n')
    write_notebook(
        Path("notebooks/nps.ipynb"),
        "%md # Score",
        parameters='surveys_file: str = "events.csv"\nas_of: str = "2026-07-01"\nby: str | None = "plan"',
    )
    recipe = read_recipe(path)
    Path("my.csv").touch()
    assert values(recipe, names=["nps"])["nps"] | {"surveys_file": ""} == {
        "surveys_file": "", "as_of": "2026-03-01", "by": "plan",
    }  # fmt: skip
    own = values(recipe, names=["nps"], params={"as_of": "2026-05-02"}, **given("my.csv"))["nps"]
    assert (own["by"], own["as_of"]) == (None, "2026-05-02")
    asked = values(recipe, names=["nps"], params={"by": "team", **MAY}, **given("my.csv"))["nps"]
    assert (asked["by"], asked["as_of"]) == ("team", "2026-05-01")
    path.write_text(path.read_text().replace("by =", "bye ="))
    with pytest.raises(
        RefusedError, match=r"report\.nps\.with_data: nps\.ipynb has no parameter 'bye'. Did you mean 'by'"
    ):
        plan_reports(read_recipe(path), Request(names=["nps"]))


@pytest.mark.parametrize("place", ["plain", "in [2026]", "a * and ?", "50 % #1 ü"])
def test_a_file_of_any_name_is_itself_and_no_pattern(recipe, tmp_path, place):
    folder = tmp_path / place
    folder.mkdir()
    (folder / "e[1].csv").write_text("a")
    plans, _ = plan_reports(recipe, Request(names=["nps"], params={**MAY, "surveys_file": f"{place}/e[1].csv"}))
    before = inputs_of(plans[0], Digests())["data"]
    (folder / "e[1].csv").write_text("b")
    assert "" != before != inputs_of(plans[0], Digests())["data"]


def test_a_pattern_reaches_as_deep_as_those_who_read_it(recipe, tmp_path):
    deep = tmp_path / "notebooks/years/2026/07"
    deep.mkdir(parents=True)
    (deep / "e.csv").write_text("a")
    plans, _ = plan_reports(recipe, Request(names=["nps"], params={**MAY, "surveys_file": "notebooks/years/**/*.csv"}))
    before = inputs_of(plans[0], Digests())["data"]
    (deep / "e.csv").write_text("b")
    assert inputs_of(plans[0], Digests())["data"] != before


def test_links_to_nothing_and_pipes_are_no_data(recipe, tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "e.csv").write_text("a")
    os.symlink("someone@machine.123", folder / ".#e.csv")  # an editor's
    os.mkfifo(folder / "pipe")
    plans, _ = plan_reports(recipe, Request(names=["nps"], params={**MAY, "surveys_file": "tables"}))
    assert inputs_of(plans[0], Digests())["data"]
    with pytest.raises(RefusedError, match="surveys_file is 'tables/pipe', and neither a file nor a folder is there"):
        plan_reports(recipe, Request(names=["nps"], params={**MAY, "surveys_file": "tables/pipe"}))
    with pytest.raises(RefusedError, match="and nothing is there"):
        plan_reports(recipe, Request(names=["nps"], params={**MAY, "surveys_file": "tables/.#e.csv"}))
