import pytest

from reporting.errors import RefusedError
from reporting.recipe.file import read_recipe
from tests.reporting.notebooks import write_notebook


@pytest.fixture
def recipe(tmp_path):
    write_notebook(tmp_path / "retention.ipynb", "%md # Who stays?")

    def read(text):
        (tmp_path / "reports.toml").write_text(text)
        return read_recipe(tmp_path / "reports.toml")

    return read


def test_paths_are_relative_to_the_recipe(recipe, tmp_path):
    read = recipe('[defaults]\nout = "pages"\n[report.retention]\nnotebook = "retention.ipynb"')
    assert read.out == tmp_path / "pages"
    assert read.reports["retention"].notebook == tmp_path / "retention.ipynb"


def test_a_report_keeps_its_own_timeout(recipe):
    text = '[defaults]\ntimeout = "1 hour"\n[report.a]\nnotebook = "retention.ipynb"\n'
    read = recipe(text + '[report.b]\nnotebook = "retention.ipynb"\ntimeout = "90 seconds"')
    assert [report.timeout for report in read.reports.values()] == [3600, 90]


@pytest.mark.parametrize(
    ("text", "seconds"), [("2 days", 172_800), ("1.5 Weeks", 907_200), (" 26hours ", 93_600), ("90 second", 90)]
)
def test_durations_are_written_as_those_of_parameters(recipe, text, seconds):
    read = recipe(f'[report.a]\nnotebook = "retention.ipynb"\nlate_after = "{text}"\ntimeout = "{text}"')
    assert (read.reports["a"].late_after, read.reports["a"].timeout) == (seconds, seconds)


def test_a_report_keeps_its_own_memory(recipe):
    text = '[defaults]\nmemory = "2 GB"\n[report.a]\nnotebook = "retention.ipynb"\n'
    read = recipe(text + '[report.b]\nnotebook = "retention.ipynb"\nmemory = "800 MB"')
    assert [report.memory for report in read.reports.values()] == [2_000_000_000, 800_000_000]
    assert recipe('[report.a]\nnotebook = "retention.ipynb"').reports["a"].memory is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[report.a]\nnotebok = 'retention.ipynb'", r"report.a.notebok is not a key. Did you mean 'notebook'\?"),
        ("[report.a]\nnotebok = 'retention.ipynb'", "report.a.notebook is missing. Add notebook = …"),
        ("[defaults]\ntimout = '1 hour'\n[report.a]\nnotebook = 'retention.ipynb'", "Did you mean 'timeout'"),
        ("[reports.a]\nnotebook = 'retention.ipynb'", r"reports is not a key. Did you mean 'report'\?"),
        ("", r"report is missing. Add a table \[report.NAME\]"),
        ("[report.a]\nnotebook = 3", "report.a.notebook is 3, but it must be a text in quotes"),
        ("[report.a]\nnotebook = 'retention.ipynb'\nparams = 3", "report.a.params is 3, but it must be a table"),
        ("[report.a]\nnotebook = 'retention.ipynb'\ntimeout = 600", "600 is no duration. Write a number with its unit"),
        ("[report.a]\nnotebook = 'retention.ipynb'\nlate_after = '2 moons'", "'26 hours', '2 days'"),
        ("[report.a]\nnotebook = 'retention.ipynb'\nlate_after = '0 days'", "'0 days' is no duration"),
        ("[report.a]\nnotebook = 'retention.ipynb'\nlate_after = '9999999999 weeks'", "is more than ten years"),
        (
            "[report.a]\nnotebook = 'retention.ipynb'\nmemory = 2",
            "2 is no amount of memory. Write a number with its",
        ),
        ("[report.a]\nnotebook = 'retention.ipynb'\nmemory = '2 MB'", "'2 MB' is less than the 500 MB that a notebook"),
        (
            "[report.a]\nnotebook = 'retention.ipynb'\ndata = 3",
            "data is 3, but it must be a text in quotes or a list of",
        ),
        (
            "[report.a]\nnotebook = 'retention.ipynb'\non_alert = [1]",
            r"on_alert is \[1\], but it must be a list of texts",
        ),
        ("[report.a]\nnotebook = 'retention.ipynb'\nschedule = 3", "schedule is 3, but it must be a text in quotes"),
        ("[report.a]\nnotebook = 'retention.ipynb'\nretry = 2", "report.a.retry is 2, but it must be a table"),
        ("[report.a]\nnotebook = 'retention.ipynb'\nretry = { tries = 2 }", "report.a.retry.tries is not a key"),
        ("[report.a]\nnotebook = 'retention.ipynb'\nretry.times = 11", "a whole number of at least 0 and at most 10"),
        ("[defaults]\njobs = true", "defaults.jobs is True, but it must be a whole number of at least 1"),
        ("[defaults]\nkernel = 'cold'", "kernel is 'cold', but it must be 'auto' or 'warm' or 'plain'"),
        ("report = 3", "report is 3, but it must be a table"),
        ("[report]\na = 3", "report.a is 3, but it must be a table"),
        ("[report.index]\nnotebook = 'retention.ipynb'", "report.index is no name for a page"),
        ("[report.'../a']\nnotebook = 'retention.ipynb'", "is no name for a page"),
        ("[report.a", "this is not TOML"),
        ("a = " + "[" * 100_000, "this is not TOML"),
        ("a = " + "9" * 5_000, "this is not TOML"),
        ('[report.a]\nnotebook = "a\\u0000.ipynb"', "which no path and no word of a command can hold"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(recipe, text, message):
    with pytest.raises(RefusedError, match=message):
        recipe(text)


def test_all_that_is_wrong_is_named_at_once(recipe):
    with pytest.raises(RefusedError) as refused:
        recipe("[defaults]\njobs = 0\n[report.a]\ntitel = 'x'\ntimeout = 5\n[report.b]\nnotebook = 1\ngroup = 2")
    lines = str(refused.value).splitlines()
    assert [line.split("reports.toml: ")[1].split(" ")[0] for line in lines] == [
        "defaults.jobs", "report.a.titel", "report.a.notebook", "report.a.timeout:", "report.b.notebook",
        "report.b.group",
    ]  # fmt: skip


def test_a_notebook_that_is_not_there_is_no_fault_of_the_other_reports(recipe):
    read = recipe("[report.a]\nnotebook = '../gone.ipynb'\n[report.b]\nnotebook = 'retention.ipynb'")
    assert read.absent() == {"a": "../gone.ipynb"}
    assert "report.a.notebook: there is no '../gone.ipynb' in" in read.absences()["a"]


def test_a_mark_that_an_editor_puts_before_the_text_is_passed_over(recipe, tmp_path):
    path = tmp_path / "reports.toml"
    path.write_text('[report.a]\nnotebook = "a.ipynb"\n', encoding="utf-8-sig")
    assert list(read_recipe(path).reports) == ["a"]


def test_an_absent_recipe_is_refused(tmp_path):
    with pytest.raises(RefusedError, match=r"no such file. Name the recipe with --recipe"):
        read_recipe(tmp_path / "reports.toml")


def test_an_unknown_report_is_refused_with_the_nearest(recipe):
    with pytest.raises(RefusedError, match=r"no report is called 'retntion'. Did you mean 'retention'\?"):
        recipe('[report.retention]\nnotebook = "retention.ipynb"').choose(["retntion"])
