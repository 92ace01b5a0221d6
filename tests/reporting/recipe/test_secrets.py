"""Canaries: a secret put out in every way a notebook knows, and looked for in every file that was written."""

import base64
import json
import re
import time
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from reporting.errors import RefusedError
from reporting.execution.jobs import Outcome
from reporting.publishing.plan import plan_reports
from reporting.publishing.run import run_reports
from reporting.recipe.file import read_recipe
from reporting.recipe.secrets import MASK, Secrets, secret
from tests.reporting.notebooks import write_notebook

CANARY = "canary+7/Zq\"9<&>Vw-K3'tÜx2 p0rtland=END"
LONG = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
PARAMETERS = 'db: str = ""  # where the orders are'
RECIPE = """
[defaults]
out = "out"
[report.orders]
notebook = "orders.ipynb"
params.db = { type = "secret", from = "env:REPORTS_TEST_CANARY" }
"""


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data):
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {key.replace("_", "/"): v for key, v in data.items()},
    }


def failed(text):
    return {"output_type": "error", "ename": "ValueError", "evalue": text, "traceback": [f"ValueError: {text}"]}


FRAME = f"<table><tr><td>{escape(CANARY)}</td></tr></table>"
SVG = f"<svg viewBox='0 0 9 9'><title>{escape(CANARY)}</title><text x='1' y='1'>{escape(CANARY)}</text></svg>"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 60 + b"tEXtTitle\0" + CANARY.encode() + b"\0" * 60).decode()
KINDS = {
    "plain": [stream(f"connected to {CANARY}\n")],
    "on stderr": [stream(f"warning: {CANARY}\n", "stderr")],
    "as Python writes it": [shown(text_plain=repr(CANARY))],
    "as JSON writes it": [stream(json.dumps({"db": CANARY}))],
    "as JSON in JSON": [stream(json.dumps(json.dumps(CANARY)))],
    "escaped for HTML": [shown(text_html=f"<p>{escape(CANARY)}</p>")],
    "escaped for a URL": [stream(f"https://db/?key={quote(CANARY, safe='')}")],
    "in base64": [stream(base64.b64encode(CANARY.encode()).decode())],
    "in base64 of more": [stream(base64.b64encode(b"ab" + CANARY.encode() + b"xyz").decode())],
    "in hexadecimal digits": [stream(CANARY.encode().hex())],
    "in a table": [shown(text_html=FRAME, text_plain=f"                 db\n0  {CANARY}")],
    "in a table that cuts": [shown(text_plain=f"                 db\n0  {CANARY[:30]}...")],
    "in a figure's text": [shown(**{"image_svg+xml": SVG})],
    "in a picture's title": [shown(image_png=PNG)],
    "in an exception": [failed(f"no connection to {CANARY}")],
    "split over outputs": [stream(CANARY[:14]), stream("-", "stderr"), stream(CANARY[14:24]), stream(CANARY[24:])],
    "split by tags": [shown(text_html="".join(f"<b>{escape(letter)}</b>" for letter in CANARY))],
    "split over lines": [stream("\n".join(CANARY))],
}


def readings(text):
    """A text, and what it says to one who decodes it."""
    yield from (text, unescape(text), unquote(text), text.replace("\\\\", "\\"))
    for _ in range(4):
        text = re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text).replace("\\\\", "\\")
        text = text.replace('\\"', '"').replace("\\'", "'").replace("\\n", "\n")
        yield text
        yield unescape(re.sub(r"<[^>]*>", "", text))
    for coded in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", text):
        for start in range(4):
            part = coded[start:].rstrip("=")
            yield base64.b64decode(part[: len(part) // 4 * 4]).decode("utf-8", "ignore")
    for digits in re.findall(r"(?:[0-9a-f]{2}){12,}", text):
        yield bytes.fromhex(digits).decode("utf-8", "ignore")


def betrayed(text):
    """Whether one who has the file learns the secret, or half of it."""
    bare = "".join(CANARY.split())
    for reading in readings(text):
        squeezed = "".join(reading.split())
        if any(bare[start : start + 20] in squeezed for start in range(len(bare) - 19)):
            return True
    return False


def files_with_it(folder):
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and betrayed(path.read_bytes().decode("utf-8", "replace")):
            found.append(path.name)
    return found


@pytest.fixture
def orders(tmp_path, monkeypatch):
    monkeypatch.setenv("REPORTS_TEST_CANARY", CANARY)
    write_notebook(tmp_path / "orders.ipynb", "%md # Orders", parameters=PARAMETERS)
    (tmp_path / "reports.toml").write_text(RECIPE)
    recipe = read_recipe(tmp_path / "reports.toml")
    return recipe, plan_reports(recipe)[0]


def put_out(outputs):
    """A runner whose notebook puts these out, and whose page shows all of them."""

    def run(jobs, **settings):
        for job in jobs:
            cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "execution_count": 1}
            notebook = {"cells": [cell | {"outputs": outputs}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
            job.output.write_text(json.dumps(notebook))
            job.log.write_text("".join(str(part.get("text", "")) for part in outputs))
            if outputs[0]["output_type"] == "error":
                words = outputs[0]["evalue"]
                yield Outcome(job, "failed", cell=1, cause=words, source=f"connect({CANARY!r})", traceback=words)
                continue
            from reporting.execution.jupyter import nbformat
            from reporting.publishing.rendering import make

            result = make(nbformat.read(job.output, as_version=4), job.argument)
            yield Outcome(job, "built", result=result)

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_no_file_betrays_a_secret(orders, kind):
    recipe, plans = orders
    run = run_reports(recipe, plans, runner=put_out(KINDS[kind]))
    assert files_with_it(recipe.out) == []
    assert CANARY not in "".join(str(error) for error in run.errors.values())
    assert (recipe.out / "index.html").is_file()
    assert [entry.status for entry in run.entries] == ["failed" if kind.startswith(("split", "in an ex")) else "built"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_search_of_this_test_finds_what_nobody_took_out(kind):
    said = (
        json.dumps(KINDS[kind])
        if not kind.startswith("split")
        else "".join(
            part.get("text") or "".join(part["data"].values()) for part in KINDS[kind] if part.get("name") != "stderr"
        )
    )
    assert betrayed(said), kind


def test_a_page_says_that_something_was_there(orders):
    recipe, plans = orders
    run_reports(recipe, plans, runner=put_out(KINDS["plain"]))
    assert f"connected to {MASK}" in (recipe.out / "latest/orders.html").read_text()


def test_a_page_is_searched_for_itself_and_not_only_its_notebook(orders):
    recipe, plans = orders

    def run(jobs, **settings):
        [outcome] = put_out([stream("well")])(jobs)
        page = Path(outcome.job.argument["page"])
        page.write_text(page.read_text().replace("well", "".join(f"<b>{escape(letter)}</b>" for letter in CANARY)))
        yield outcome

    [entry] = run_reports(recipe, plans, runner=run).entries
    assert entry.status == "failed"
    assert "would have been published" in entry.cause
    assert files_with_it(recipe.out) == []


def test_the_reference_is_all_that_is_recorded(orders):
    recipe, plans = orders
    run = run_reports(recipe, plans, runner=put_out([stream("well")]))
    assert plans[0].given == {"db": "env:REPORTS_TEST_CANARY"}
    assert run.entries[0].parameters == {"db": "env:REPORTS_TEST_CANARY"}
    assert "env:REPORTS_TEST_CANARY" in (recipe.out / "latest/orders.html").read_text()
    assert CANARY not in repr(plans)


def test_data_behind_a_secret_are_read_again_every_time(orders):
    recipe, plans = orders
    for _ in range(2):
        assert [entry.status for entry in run_reports(recipe, plans, runner=put_out([stream("x")])).entries] == [
            "built"
        ]


def test_a_file_is_found_from_the_recipe(tmp_path, monkeypatch):
    (tmp_path / "key").write_text("correct horse battery\n")
    write_notebook(tmp_path / "orders.ipynb", "%md # Orders", parameters=PARAMETERS)
    (tmp_path / "reports.toml").write_text(RECIPE.replace("env:REPORTS_TEST_CANARY", "file:key"))
    [plan] = plan_reports(read_recipe(tmp_path / "reports.toml"))[0]
    assert secret(plan.given["db"]) == "correct horse battery"


@pytest.mark.parametrize("value", ["", "abc"])
def test_a_secret_that_is_absent_or_too_short_is_refused(orders, monkeypatch, value):
    monkeypatch.setenv("REPORTS_TEST_CANARY", value)
    with pytest.raises(RefusedError, match=r"has no variable|too short"):
        plan_reports(orders[0])


def test_the_password_of_a_url_is_a_secret_too():
    hidden = Secrets({"db": "postgresql://shop:pa%2Fss%20word@db.example.com/shop"})
    assert hidden.redact("login as shop with pa/ss word failed") == f"login as shop with {MASK} failed"


@pytest.mark.parametrize("before", range(20))
@pytest.mark.parametrize("after", [0, 1, 7, 40])
def test_a_piece_is_found_wherever_it_stands(before, after):
    known = Secrets({"key": LONG})
    piece = LONG[5:21]
    text = "-" * before + piece + "-" * after
    assert known.redact(text) == "-" * before + MASK + "-" * after
    assert known.found_in(text.encode()) == ["key"]
    short = text.replace(piece, piece[:15])
    assert known.redact(short) == short


def test_ten_million_letters_are_searched_at_once():
    known = Secrets({"key": LONG})
    began = time.process_time()
    assert known.redact("b" * 10_000_000) == "b" * 10_000_000
    assert time.process_time() - began < 0.8  # letter by letter it took twice as long


def test_other_words_stay():
    text = "Nothing here is secret, not even canary birds or END."
    assert Secrets({"db": CANARY}).redact(text) == text
    assert Secrets({"db": CANARY}).found_in(text.encode()) == []


@pytest.mark.slow
def test_a_real_notebook_betrays_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("REPORTS_TEST_CANARY", CANARY)
    cells = [
        "from reporting import secret\nkey = secret(db)\nprint(key)\nkey",
        "import pandas as pd\npd.DataFrame({'db': [key], 'n': [1]})",
        "print(pd.DataFrame({'db': [key]}))",
        "import base64, json, urllib.parse\nprint(base64.b64encode(key.encode()).decode(), json.dumps(key))",
        "print(urllib.parse.quote(key))",
        "import matplotlib.pyplot as plt\nfrom IPython.display import SVG\nimport io\n"
        "plt.rcParams['svg.fonttype'] = 'none'\n"
        "figure, axes = plt.subplots(); axes.set_title(key.replace('$', '')); file = io.StringIO()\n"
        "figure.savefig(file, format='svg'); plt.close(figure)\nSVG(file.getvalue())",
        "import pathlib\nlines = [p.read_bytes() for p in pathlib.Path('/proc').glob('[0-9]*/cmdline')]\n"
        "assert lines and not any(key.encode() in line for line in lines)",
        "raise ValueError(f'no connection to {key}')",
    ]
    (tmp_path / "reports.toml").write_text(RECIPE)
    for number in (len(cells) - 1, len(cells)):
        write_notebook(tmp_path / "orders.ipynb", "%md # Orders", *cells[:number], parameters=PARAMETERS)
        recipe = read_recipe(tmp_path / "reports.toml")
        run = run_reports(recipe, plan_reports(recipe)[0])
        assert [entry.status for entry in run.entries] == ["built" if number < len(cells) else "failed"]
        assert files_with_it(recipe.out) == []
