"""Attacks in every place of every page, in Chromium: nothing runs, nothing is asked for.

Each defence is also tested alone: cleaning and escaping without the policy, the policy without cleaning and escaping.
Without both the attacks do run, so the tests would see it.
"""

import socketserver
import threading
from typing import NamedTuple

import pytest
from playwright.sync_api import sync_playwright

from reporting.pages.pdf import find_browser
from tests.browser import hostile
from tests.browser.conftest import QUIET
from tests.browser.hostile import PAYLOADS, SINKS

pytestmark = pytest.mark.browser


class Outcome(NamedTuple):
    """What opening a page led to."""

    ran: set[int]  # payloads
    reached: int  # connections to the attacker's machine
    tried: list[str]  # addresses, also those that the browser refused to ask
    whole: bool  # the page has its foot


QUIET_PAGE = Outcome(set(), 0, [], True)
POKE = """() => {
    for (const part of document.querySelectorAll('details')) part.open = true;
    for (const part of document.querySelectorAll('[autofocus], [tabindex], a, summary')) {
        part.focus();
        part.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}));
    }
    for (const link of document.querySelectorAll('a')) {
        const target = link.getAttribute('href') || link.getAttribute('xlink:href') || '';
        const is_code = target.toLowerCase().replace(/\\s/g, '').startsWith('javascript:');
        if (is_code) link.dispatchEvent(new MouseEvent('click'));
    }
}"""
LEAVES = "http-equiv=refresh"  # a policy in a page cannot stop it from leading elsewhere; cleaning does


@pytest.fixture(scope="module")
def world():
    """The attacker's machine: a connection to it, encrypted or not, is counted."""

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def get_request(self):
            connection, place = super().get_request()
            self.asked.append(place)
            return connection, place

    server = Listener(("127.0.0.1", 0), socketserver.StreamRequestHandler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def lab(world):
    """A Chromium that finds the attacker's machine, and no other."""
    path = find_browser() or pytest.fail("No Chromium on the path. Install the package 'chromium'.")
    rules = f"--host-resolver-rules=MAP evil.example 127.0.0.1:{world.server_address[1]},MAP * ~NOTFOUND"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=[*QUIET, rules])
        yield chromium
        chromium.close()


@pytest.fixture
def outcome(lab, world, tmp_path):
    """Open some HTML, touch everything, and say which payloads ran and what was asked of other machines."""

    def opened(html, **settings):
        file = tmp_path / "page.html"
        file.write_text(html, encoding="utf-8")
        context = lab.new_context(**settings)
        page = context.new_page()
        tried = []
        page.on("request", lambda request: tried.append(request.url))
        world.asked.clear()
        page.goto(file.as_uri())
        ran = set()
        if page.url == file.as_uri():
            page.evaluate(POKE)
            page.wait_for_timeout(60)
            ran = set(page.evaluate("window.RAN || []"))
        whole = page.locator("footer").count() == 1
        context.close()
        own = ("data:", file.as_uri(), "about:")
        return Outcome(ran, len(world.asked), [url for url in tried if not url.startswith(own)], whole)

    return opened


PAGES = {
    "report": lambda: hostile.report(PAYLOADS),
    "figures": lambda: hostile.figures(PAYLOADS[::8]),
    "index": lambda: hostile.index(PAYLOADS),
    "long index": lambda: hostile.index(PAYLOADS, many=True),
    **{f"error {i}": lambda i=i: hostile.error(PAYLOADS[i]) for i in range(0, len(PAYLOADS), 4)},
    **{f"error of all, {i}": lambda i=i: hostile.error(" ".join(PAYLOADS[i::3])) for i in range(3)},
    **{f"title {i}": lambda i=i: hostile.titled(" ".join(PAYLOADS[i::3])) for i in range(3)},
}


def test_there_are_enough_pairs_of_payload_and_place():
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 40
    assert len(set(SINKS)) == len(SINKS) >= 40
    assert len(PAYLOADS) * len(SINKS) >= 1600


@pytest.mark.parametrize("name", PAGES)
def test_with_all_defences_nothing_runs_and_nothing_is_asked_for(name, outcome):
    assert outcome(PAGES[name]()) == QUIET_PAGE


@pytest.mark.parametrize("name", PAGES)
def test_cleaning_and_escaping_alone_stop_everything(name, outcome):
    html = PAGES[name]()
    assert outcome(html, bypass_csp=True) == QUIET_PAGE


@pytest.mark.parametrize("kind", ["report", "index", "error"])
def test_the_policy_alone_lets_nothing_run_and_fetches_nothing(kind, outcome):
    make = {"report": lambda x: hostile.report([x]), "index": lambda x: hostile.index([x]), "error": hostile.error}
    payloads = [text for text in PAYLOADS if LEAVES not in text]
    with hostile.Undefended():
        pages = [make[kind](text) for text in (payloads if kind == "report" else payloads[::6])]
    for html in pages:
        found = outcome(html)
        assert (found.ran, found.reached) == (set(), 0)


def test_without_any_defence_the_attacks_do_run(outcome):
    with hostile.Undefended():
        pages = [hostile.report([text]) for text in PAYLOADS[::2] if LEAVES not in text]
    found = [outcome(html, bypass_csp=True) for html in pages]
    assert len(set().union(*(one.ran for one in found))) >= 8
    assert sum(one.reached > 0 for one in found) >= 3
