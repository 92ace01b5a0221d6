import pytest
from nbformat import v4, validate

from reporting.execution.bundles import well_formed

ALERT = "application/vnd.metrics.alert+json"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"text/html": "<b>38</b>"}, {"text/html": "<b>38</b>"}),
        ({"text/html": ["<b>", "38</b>"]}, {"text/html": "<b>38</b>"}),
        ({"text/html": []}, {"text/html": ""}),
        ({"text/html": 38}, {"text/plain": "38"}),
        ({"text/html": None, "image/png": {"a": 1}}, {"text/plain": "None {'a': 1}"}),
        ({"text/html": ["38", None], "text/plain": "said"}, {"text/plain": "said"}),
        ({"text/plain": 38}, {"text/plain": "38"}),
        ({ALERT: {"fired": True}, "application/json": [38]}, {ALERT: {"fired": True}, "application/json": [38]}),
    ],
)
def test_what_is_no_text_is_shown_as_text_and_a_notebook_may_hold_it(data, found):
    assert well_formed(data) == found
    validate(v4.new_output("display_data", well_formed(data)), "display_data", version=4)
