"""The notebooks are thin: prose between single calls, and nothing in them that a parameter could make untrue."""

import ast
import json
import re
from pathlib import Path

import pytest

from reporting.publishing.plan import plan_reports
from reporting.recipe.file import read_recipe
from reporting.recipe.parameters import read_parameters

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells(path, kind):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def test_the_recipe_and_its_notebooks_fit_together():
    plans, left_out = plan_reports(read_recipe(ROOT / "reports" / "reports.toml"))
    assert sorted({plan.report.notebook.name for plan in plans}) == [path.name for path in NOTEBOOKS]
    assert left_out == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_code_is_single_calls(path):
    for cell in cells(path, "code"):
        if "parameters" in cell["metadata"].get("tags", []):
            continue
        tree = ast.parse(source(cell))
        kinds = (ast.FunctionDef, ast.Lambda, ast.For, ast.While, ast.If, ast.BinOp, ast.comprehension)
        assert not [node for node in ast.walk(tree) if isinstance(node, kinds)], source(cell)


RENAMED = [path for path in NOTEBOOKS if "rename" in read_parameters(path)]


@pytest.mark.parametrize("path", RENAMED, ids=lambda path: path.stem)
def test_a_table_whose_columns_can_be_renamed_may_have_an_encoding(path):
    trees = [ast.parse(source(cell)) for cell in cells(path, "code")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = [{word.arg: ast.unparse(word.value) for word in call.keywords} for call in calls]
    [read] = [words for words in given if "rename" in words]
    assert read["encoding"] == "encoding"
    assert read_parameters(path)["encoding"].default is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_prose_holds_no_number_that_a_parameter_or_the_data_could_change(path):
    allowed = re.compile(r"95 %|[Pp]eriod 0|Promoters answered 9 or 10, passives 7 or 8, detractors 0 to\s+6|not 0")
    for cell in cells(path, "markdown"):
        words = allowed.sub("", source(cell).replace("\n> ", " "))
        assert not re.search(r"\d", words), source(cell)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_story_has_its_fixed_beginning_and_end(path):
    titles = [line for cell in cells(path, "markdown") for line in source(cell).splitlines() if line.startswith("#")]
    assert titles[0].startswith("# ")
    assert titles[0].endswith("?")
    assert titles[-2:] == ["## What the words mean", "## Account of the data"]
    assert "metrics.headline(" in "".join(map(source, cells(path, "code")))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_without_outputs(path):
    assert not [cell for cell in cells(path, "code") if cell["outputs"] or cell["execution_count"]]
