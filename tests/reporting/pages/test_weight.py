"""How heavy is a page? Four charts of the product with their tables, and no more than a mail can carry."""

import gzip

import pandas as pd
import pytest
from nbformat import from_dict, v4

import metrics
from reporting.pages.facts import Origin
from reporting.pages.page import render_page

PARAMETERS = [("weeks", "4", "weeks to show")]
ORIGIN = Origin("Product", "As of 1 Jul 2026", PARAMETERS, "four.ipynb", "c41d90e", "9be1" * 16, ["events.csv"])
STEPS = ["sign_up", "confirm_email", "create_project", "invite_teammate", "share_project"]
AS_OF = "2026-07-01"


def notebook(*cells):
    return from_dict({**v4.new_notebook(), "cells": [{**cell, "id": f"cell-{i}"} for i, cell in enumerate(cells)]})


def md(source):
    return v4.new_markdown_cell(source)


def shown(thing):
    return v4.new_code_cell("", outputs=[v4.new_output("display_data", dict(thing._repr_mimebundle_()))])


@pytest.mark.slow
def test_a_page_of_four_charts_with_their_tables_is_90_kb_at_most():
    events = metrics.read_events("data/demo/events.csv.gz")
    funnel = metrics.conversion_funnel(events, STEPS, as_of=AS_OF)
    trend = metrics.funnel_trend(events, STEPS, as_of=AS_OF, period="month")
    weeks = {"period": "week", "periods": 8, "since": "2026-04-01"}
    cohorts = metrics.cohort_retention(events, start_event="sign_up", as_of=AS_OF, **weeks)
    churn = metrics.churn_rate(events, as_of=AS_OF, period="month")
    charts = [
        metrics.show(metrics.plot_funnel(funnel), "From sign-up to a shared project"),
        metrics.show(metrics.plot_funnel_trend(trend), "Share that reaches the last step"),
        metrics.show(metrics.plot_retention_matrix(metrics.retention_matrix(cohorts)), "Seen again in the n-th week"),
        metrics.show(metrics.plot_churn(churn), "Share of the active who went silent"),
    ]
    cells = [md("# Product: how are we doing?\n\nFour charts and their tables."), shown(metrics.headline(funnel))]
    for number, chart in enumerate(charts, start=1):
        cells += [
            md(f"## Chart {number}\n\nWhat it shows."),
            shown(chart),
            md("> **How to read it.** From left to right."),
        ]
    cells += [shown(metrics.show(funnel, "Users by step")), shown(metrics.definitions(funnel, trend, cohorts, churn))]
    html, _ = render_page(notebook(*cells), ORIGIN)
    assert html.count("<figure") == 4
    assert html.count('role="img"') == 8  # each drawn for wide and for narrow screens
    assert len(html.encode()) <= 90_000
    assert len(gzip.compress(html.encode(), mtime=0)) <= 20_000


def test_a_page_without_charts_weighs_little():
    table = metrics.show(pd.DataFrame({"plan": ["pro"], "users": [3]}), "Users")
    html, _ = render_page(notebook(md("# T\n\nQ"), shown(table)), ORIGIN)
    assert len(html.encode()) <= 20_000
