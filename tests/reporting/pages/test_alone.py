"""A page outside its folder leads nowhere that is not there."""

from reporting.pages.alone import alone

PAGE = """<a href="../../index.html">All reports</a> <a class="x" href="../../latest/churn.html#who" title="T">churn</a>
<a href="../../latest/plan/free.html">free</a> <a href="#here">here</a>"""


def test_links_lead_to_what_goes_along():
    assert alone(PAGE, {"churn": "churn.html", "plan/free": "plan-free.html"}) == (
        'All reports <a class="x" href="churn.html#who" title="T">churn</a>\n'
        '<a href="plan-free.html">free</a> <a href="#here">here</a>'
    )


def test_words_of_other_links_remain():
    assert alone(PAGE, {}) == 'All reports churn\nfree <a href="#here">here</a>'
