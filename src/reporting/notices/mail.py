"""A hook that sends an e-mail: `python -m reporting.notices.mail --host … --from … --to …`.

    on_failure = ["python", "-m", "reporting.notices.mail", "--host", "smtp.example.org",
                  "--from", "reports@example.org", "--to", "team@example.org",
                  "--user", "reports", "--password", "env:SMTP_PASSWORD"]

The password is named by where it is, ``env:NAME`` or ``file:PATH``. The connection is encrypted, unless it goes to
this machine or `--security none` says otherwise.
"""

import argparse
import json
import smtplib
import ssl
import sys
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any

from reporting.errors import RefusedError
from reporting.notices.words import subject, text
from reporting.recipe.secrets import secret

SECONDS = 20  # for each answer of the server
LOCAL = ("localhost", "127.0.0.1", "::1")


def message(entry: Mapping[str, Any], sender: str, receivers: Sequence[str]) -> EmailMessage:
    """The mail of an entry, plain text."""
    mail = EmailMessage()
    mail["Subject"] = subject(entry)
    mail["From"] = sender
    mail["To"] = ", ".join(receivers)
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or None)
    mail["Auto-Submitted"] = "auto-generated"  # so that nobody's absence note answers
    mail.set_content(text(entry) + "\n")
    return mail


def main(argv: Sequence[str] | None = None) -> int:
    """Read an entry from standard input and send it; 0 if it was sent, 1 if not."""
    parser = argparse.ArgumentParser(prog="reporting.notices.mail", description="Send a notice by e-mail.")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, help="587, or 465 with --security tls")
    parser.add_argument("--security", choices=("starttls", "tls", "none"), help="starttls; none to this machine")
    parser.add_argument("--from", dest="sender", required=True)
    parser.add_argument("--to", dest="receivers", action="append", required=True)
    parser.add_argument("--user")
    parser.add_argument("--password", help="env:NAME or file:PATH, never the password itself")
    given = parser.parse_args(argv)
    security = given.security or ("none" if given.host in LOCAL else "starttls")
    port = given.port or {"tls": 465, "starttls": 587, "none": 25}[security]
    try:
        password = secret(given.password) if given.password else ""
        mail = message(json.load(sys.stdin), given.sender, given.receivers)
        context = ssl.create_default_context()
        if security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(given.host, port, timeout=SECONDS, context=context)
        else:
            server = smtplib.SMTP(given.host, port, timeout=SECONDS)
        with server:
            if security == "starttls":
                server.starttls(context=context)
            if given.user:
                server.login(given.user, password)
            server.send_message(mail)
    except RefusedError as error:
        return _failed(str(error))
    except smtplib.SMTPAuthenticationError:
        return _failed(f"{given.host}:{port} refused user and password.")
    except (OSError, ValueError, smtplib.SMTPException) as error:
        return _failed(f"{given.host}:{port}: the mail was not sent: {error}")
    return 0


def _failed(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
