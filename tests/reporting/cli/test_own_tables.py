"""Every report from tables of one's own that hold the least: what they lack is left out in a sentence."""

import html
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from reporting.cli import demo, report

app = typer.Typer()
app.add_typer(report, name="report")
app.command("demo")(demo)

ROOT = Path(__file__).parents[3]
PEOPLE = range(60)


def day(number):
    return f"2026-{1 + number // 28 % 6:02}-{1 + number % 28:02}T{number % 24:02}:30:00Z"


def table(path, head, rows):
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture
def tables(tmp_path):
    orders = [(f"o{k}", f"p{k * 7 % 60}", day(k), 10 + k % 9, "USD") for k in range(300)]
    return {
        "events": table(
            tmp_path / "events.csv",
            "user_id,event,timestamp",
            [(f"p{k % 60}", ("open", "buy", "share")[k // 60 % 3], day(k * 5 % 168)) for k in range(900)],
        ),
        "answers": table(
            tmp_path / "answers.csv",
            "response_id,respondent_id,answered_at,score",
            [(f"r{k}", f"p{k}", day(2 * k), k % 11) for k in PEOPLE],
        ),
        "subscriptions": table(
            tmp_path / "subscriptions.csv",
            "customer_id,subscription_id,start,end,status,interval,interval_count,unit_amount_minor,quantity,currency",
            [
                (f"p{k}", f"s{k}", day(k), day(k + 60) if k % 4 == 0 else "", "active", "month", 1, 900, 1, "USD")
                for k in PEOPLE
            ],
        ),
        "mails": table(
            tmp_path / "mails.csv",
            "message_id,recipient_id,campaign_id,event,at",
            [(f"m{k}", f"p{k}", "hello", event, day(k)) for k in PEOPLE for event in ("sent", "delivered")],
        ),
        "orders": table(tmp_path / "orders.csv", "order_id,user_id,timestamp,net,currency", orders),
    }


@pytest.mark.slow
def test_a_table_from_excel_in_german_is_read_as_it_says_itself(tmp_path):
    rows = [f"Müller{k};{1 + k % 28:02}.01.2026;{k % 11}" for k in PEOPLE]
    path = tmp_path / "antworten.csv"
    path.write_text("\n".join(["Kunde;Datum;Note", *rows]), encoding="cp1252")
    words = ["report", "run", "nps", "--recipe", str(ROOT / "reports/reports.toml"), "--data", str(path)]
    words += ["--as-of", "2026-07-01", "--out", str(tmp_path / "out"), "-p", "rename=Note=score", "-p", "timezone=UTC"]
    refused = CliRunner().invoke(app, words)
    assert "Here that is -p encoding=" in refused.output
    answer = CliRunner().invoke(app, [*words, "-p", "encoding=cp1252"])
    assert answer.exit_code == 0, answer.output


@pytest.mark.slow
@pytest.mark.parametrize(("by", "said"), [("country", "DE"), ("planet", "planet in the data (by)")])
def test_answers_are_compared_by_what_is_known_of_customers(tables, tmp_path, by, said):
    known = [(f"p{k}", day(k), ("DE", "NL")[k % 2]) for k in PEOPLE]
    people = table(tmp_path / "people.csv", "customer_id,signup_at,country", known)
    words = ["run", "nps", "--recipe", str(ROOT / "reports/reports.toml"), "--data", str(tables["answers"])]
    words += ["--data", f"customers_file={people}", "--as-of", "2026-07-01", "--out", str(tmp_path / "out")]
    answer = CliRunner().invoke(app, ["report", *words, "-p", f"by={by}"])
    assert answer.exit_code == 0, answer.output
    part = (tmp_path / "out/latest/nps.html").read_text().partition("Who is satisfied?</h2>")[2]
    assert said in part.partition("<h2")[0]


NAMED = {  # what only the user can say: which events of theirs are meant
    "overview": ["-p", "steps=open,buy,share"],
    "onboarding_funnel": ["-p", "steps=open,buy,share"],
    "onboarding": ["-p", "start_event=open", "-p", "onboarded=buy", "-p", "training=share", "-p", "features=share"],
    "change_log": ["-p", "feature=share"],
    "customer_status": ["-p", "customer=p3"],
}


def empty_parts(page):
    """Headings under which there is prose alone, neither a result nor a word that it is left out."""
    page = re.sub(r'<div class="note">.*?</div>', "", page, flags=re.DOTALL)  # a note is no part
    parts = re.split(r"<h[23][^>]*>", page.partition("</nav>")[2])[1:]
    titled = [re.match(r"[^<]*", part)[0] for part in parts]
    shows = [bool(re.search(r'<table|<figure|<dl|class="(left-out|headline)|left out, for', part)) for part in parts]
    return [title for title, has in zip(titled, shows, strict=True) if not has]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "name", "left_out"),
    [
        ("events", "overview", "surveys_file"),
        ("events", "onboarding_funnel", ""),
        ("events", "onboarding", "tickets_file"),
        ("events", "retention", ""),
        ("events", "churn", "subscriptions_file"),
        ("events", "change_log", "changes_file"),
        ("events", "data_quality", ""),
        ("answers", "nps", ""),
        ("answers", "voice_of_customer", "question_type"),
        ("subscriptions", "revenue", ""),
        ("subscriptions", "billing_recovery", "invoices_file"),
        ("subscriptions", "kpi_sheet", "spend_file"),
        ("subscriptions", "customer_health", "events_file"),
        ("subscriptions", "customer_status", "tickets_file"),
        ("orders", "lifetime_value", ""),
        ("mails", "email_tests", "variants"),
    ],
    ids=lambda value: value or None,
)
def test_the_least_that_a_report_can_be_made_of(tables, tmp_path, which, name, left_out):
    words = ["run", name, "--recipe", str(ROOT / "reports/reports.toml"), "--data", str(tables[which])]
    words += ["--as-of", "2026-07-01", "--out", str(tmp_path / "out"), *NAMED.get(name, [])]
    answer = CliRunner().invoke(app, ["report", *words])
    assert answer.exit_code == 0, answer.output
    [page] = [
        path for path in (tmp_path / "out/latest").rglob("*.html") if path.name not in ("index.html", "runs.html")
    ]
    text = html.unescape(page.read_text())
    said = re.findall(r"(?:Left out: this part|left out, for this) needs (.*?)\.</p>", text)
    assert any(left_out in sentence for sentence in said) if left_out else True
    assert "data/demo" not in text
    assert empty_parts(text) == []
    assert "u10" not in re.sub(r"sha256:[\w ]+", "", text)  # nobody of the demo
