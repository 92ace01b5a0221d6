"""A hook that posts to a chat: `python -m reporting.notices.webhook --url env:CHAT_WEBHOOK`.

    on_alert = ["python", "-m", "reporting.notices.webhook", "--url", "env:CHAT_WEBHOOK"]

Slack, Mattermost, Teams and Google Chat take a JSON object with the field ``text``; for Discord say
``--field content``. Whoever knows the address can post, so it is a secret and named by where it is.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from reporting.errors import RefusedError
from reporting.notices.words import subject, text
from reporting.recipe.secrets import secret

SECONDS = 20
LOCAL = ("localhost", "127.0.0.1", "::1")


def payload(entry: Mapping[str, Any], field: str = "text") -> dict[str, str]:
    r"""What is posted. Signs that a chat would read as markup are words.

    >>> payload({"event": "alert", "title": "Churn", "alerts": [{"rule": "r", "sentence": "<!channel> & co"}]})
    {'text': 'Rule fired: Churn (r)\n&lt;!channel&gt; &amp; co'}
    """
    words = f"{subject(entry)}\n{text(entry)}"
    return {field: words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


def main(argv: Sequence[str] | None = None) -> int:
    """Read an entry from standard input and post it; 0 if it was taken, 1 if not."""
    parser = argparse.ArgumentParser(prog="reporting.notices.webhook", description="Post a notice to a chat.")
    parser.add_argument("--url", required=True, help="env:NAME or file:PATH that holds the address")
    parser.add_argument("--field", default="text", help="field of the text: text, or content for Discord")
    given = parser.parse_args(argv)
    try:
        url = secret(given.url)
        place = urlsplit(url)
        if place.scheme != "https" and not (place.scheme == "http" and place.hostname in LOCAL):
            return _failed(f"{given.url} holds no https address.")
        body = json.dumps(payload(json.load(sys.stdin), given.field)).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
        with _opener().open(request, timeout=SECONDS):
            return 0
    except RefusedError as error:
        return _failed(str(error))
    except urllib.error.HTTPError as error:
        return _failed(f"The chat behind {given.url} answered {error.code}.")
    except (OSError, ValueError) as error:
        return _failed(f"The chat behind {given.url} was not reached: {getattr(error, 'reason', type(error).__name__)}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A secret address is not followed elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect)


def _failed(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
