"""Hooks: what they are given, how long they may take, and the two ready ones against servers of this machine."""

import io
import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from reporting.notices import mail, send, subject, text, webhook
from tests.reporting.processes import gone, pid_in

FAILED = {
    "event": "failed", "report": "churn", "title": "Churn: who goes silent?", "cause": "ValueError: no rows",
    "notebook": "churn.ipynb", "cell": 4, "runs": 4, "since": "2026-11-09T06:05:00+00:00",
    "page": "latest/churn.error.html",
}  # fmt: skip
FIRED = {
    "event": "alert", "report": "churn", "title": "Churn: who goes silent?",
    "alerts": [{"rule": "churn-high", "sentence": "Churn in June 2026: 39.3 %, above the limit of 35 %."}],
}  # fmt: skip


def python(code):
    return ["python", "-c", code]


def test_a_hook_gets_the_entry_as_json_in_the_folder_of_the_recipe(tmp_path):
    copy = "import json, sys; open('seen', 'w').write(json.dumps(json.load(sys.stdin)))"
    assert send(python(copy), FAILED, folder=tmp_path) == []
    assert json.loads((tmp_path / "seen").read_text()) == FAILED


def test_no_shell_reads_the_words_of_a_hook(tmp_path):
    argv = ["python", "-c", "import sys; open('seen', 'w').write(sys.argv[1])", "$(touch pwned); `touch pwned` > pwned"]
    assert send(argv, {"cause": "; touch pwned"}, folder=tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seen"]
    assert (tmp_path / "seen").read_text() == argv[-1]


def test_several_hooks_all_run_and_each_that_failed_is_named(tmp_path):
    hooks = [python("raise SystemExit('the server is full')"), ["no-such-program"], python("open('seen', 'w')")]
    problems = send(hooks, FAILED, folder=tmp_path)
    assert problems == [
        "The hook 'python' ended with exit code 1: the server is full",
        "The hook 'no-such-program' was not run: there is no such program.",
    ]
    assert (tmp_path / "seen").exists()


def test_a_program_with_a_path_is_relative_to_the_recipe(tmp_path):
    (tmp_path / "notify").write_text("#!/bin/sh\ncat > seen\n")
    assert send(["./notify"], FAILED, folder=tmp_path)  # not executable yet
    (tmp_path / "notify").chmod(0o755)
    assert send(["./notify"], FAILED, folder=tmp_path) == []
    assert (tmp_path / "seen").stat().st_size


def test_a_hook_that_does_not_read_or_says_much_is_no_trouble(tmp_path):
    assert send(python("pass"), {"cause": "x" * 1_000_000}, folder=tmp_path) == []
    [problem] = send(python("print('y' * 1_000_000); raise SystemExit(3)"), FAILED, folder=tmp_path)
    assert problem.startswith("The hook 'python' ended with exit code 3: yyy")
    assert len(problem) < 500


def left_behind(code, before=""):
    """A hook that ends at once and leaves a program in the background, which writes down who it is."""
    code = f"import os, time\nopen('pid.tmp', 'w').write(str(os.getpid()))\nos.rename('pid.tmp', 'pid')\n{code}"
    return python(f"import os, subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {code!r}])\n{before}")


def test_what_a_hook_leaves_in_the_background_has_its_time(tmp_path):
    assert send(left_behind("time.sleep(0.3); open('sent', 'w')"), FAILED, folder=tmp_path) == []
    assert (tmp_path / "sent").exists()


@pytest.mark.slow
@pytest.mark.parametrize("code", ["", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"])
@pytest.mark.parametrize("before", ["", "time.sleep(60)"])
def test_what_a_hook_leaves_in_the_background_ends_with_its_time(tmp_path, code, before):
    [problem] = send(left_behind(f"{code}time.sleep(60)", before), FAILED, folder=tmp_path, timeout=1)
    assert ("took longer than its 1 seconds" if before else "left something running for its 1 seconds") in problem
    assert gone(pid_in(tmp_path / "pid"), seconds=0.5)


def test_a_hook_is_told_on_a_disk_that_is_full_too(tmp_path, monkeypatch):
    def full(*given, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    assert send(python("open('seen', 'w'); print('x')"), FAILED, folder=tmp_path) == []
    assert (tmp_path / "seen").exists()
    assert send(python("raise SystemExit(3)"), FAILED, folder=tmp_path) == ["The hook 'python' ended with exit code 3."]


def test_a_hook_ends_with_the_run_that_is_told_to_end(tmp_path, monkeypatch):
    def interrupted(process, content, timeout):
        pid_in(tmp_path / "pid")
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    code = "import os, time\nopen('pid.tmp', 'w').write(str(os.getpid()))\nos.rename('pid.tmp', 'pid')\ntime.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        send(python(code), FAILED, folder=tmp_path)
    assert gone(pid_in(tmp_path / "pid"), seconds=0.5)


@pytest.mark.slow
def test_a_hook_that_does_not_end_is_ended_with_all_it_started(tmp_path):
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open('pid', 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    began = time.monotonic()
    [problem] = send(python(code), FAILED, folder=tmp_path, timeout=1)
    assert "took longer than its 1 seconds and was ended" in problem
    assert time.monotonic() - began < 8
    state = f"/proc/{(tmp_path / 'pid').read_text()}/stat"
    time.sleep(0.2)
    try:
        with open(state) as file:
            assert file.read().split()[2] == "Z"  # ended, and not yet collected by its new parent
    except FileNotFoundError:
        pass


def test_no_hooks_is_no_work():
    assert send([], FAILED) == []


def test_a_failure_in_words():
    assert subject(FAILED) == "Failed: Churn (4 runs in a row)"
    assert text(FAILED).splitlines()[:3] == [
        "ValueError: no rows",
        "Where: churn.ipynb, cell 4",
        "Failing since: 2026-11-09T06:05:00+00:00",
    ]
    assert subject(FIRED) == "Rule fired: Churn (churn-high)"
    assert text(FIRED) == "Churn in June 2026: 39.3 %, above the limit of 35 %."


def test_a_job_that_could_not_tell_is_told_by_its_scheduler():
    refused = {"event": "job", "job": "metrics-reports", "exit": "2"}
    assert subject(refused) == "The job metrics-reports ended with 2, before it could tell more"
    assert text(refused) == "It was refused before anything ran. metrics report check says why."


class Smtp(threading.Thread):
    """As much of a mail server as a client needs: it takes one mail and keeps what was said."""

    def __init__(self, refuse=False):
        super().__init__(daemon=True)
        self.refuse, self.said, self.data = refuse, [], b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 here\r\n")
            for line in lines:
                words = line.strip().decode()
                self.said.append(words)
                verb = words.upper().split(" ")[0]
                if verb == "EHLO":
                    connection.sendall(b"250-here\r\n250 AUTH PLAIN\r\n")
                elif verb == "AUTH":
                    connection.sendall(b"535 no\r\n" if self.refuse else b"235 yes\r\n")
                elif verb == "DATA":
                    connection.sendall(b"354 go on\r\n")
                    body = []
                    for part in lines:
                        if part == b".\r\n":
                            break
                        body.append(part)
                    self.data = b"".join(body)
                    connection.sendall(b"250 taken\r\n")
                elif verb == "QUIT":
                    connection.sendall(b"221 bye\r\n")
                    return
                else:
                    connection.sendall(b"250 fine\r\n")


@contextmanager
def smtp(**settings):
    server = Smtp(**settings)
    server.start()
    yield server
    server.listener.close()
    server.join(5)


def mailed(monkeypatch, entry, server, *more):
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(entry)))
    where = ["--host", "127.0.0.1", "--port", str(server.port), "--from", "reports@example.org"]
    return mail.main([*where, "--to", "a@example.org", "--to", "b@example.org", *more])


def test_a_mail_is_sent_to_all_with_the_password_by_reference(monkeypatch):
    monkeypatch.setenv("SMTP_PASSWORD", "canary-7c31")
    with smtp() as server:
        assert mailed(monkeypatch, FAILED, server, "--user", "reports", "--password", "env:SMTP_PASSWORD") == 0
    received = message_from_bytes(server.data, policy=policy.default)
    assert received["Subject"] == "Failed: Churn (4 runs in a row)"
    assert received["To"] == "a@example.org, b@example.org"
    assert received["Auto-Submitted"] == "auto-generated"
    assert received.get_content().startswith("ValueError: no rows")
    assert [line for line in server.said if line.startswith("rcpt")] == [
        "rcpt TO:<a@example.org>",
        "rcpt TO:<b@example.org>",
    ]
    assert b"canary" not in server.data


@pytest.mark.parametrize("field", ["title", "cause", "report"])
def test_no_text_of_a_report_can_add_a_header_or_a_receiver(field, monkeypatch):
    entry = {**FAILED, "title": "Churn", field: "x\r\nBcc: evil@example.org\r\n\r\nbody"}
    with smtp() as server:
        assert mailed(monkeypatch, entry, server) == 0
    received = message_from_bytes(server.data, policy=policy.default)
    assert received["Bcc"] is None
    assert not any("evil" in line for line in server.said)
    assert not any(line.startswith("Bcc") for line in received.get_content().splitlines())


def test_a_mail_that_cannot_be_sent_says_why_without_the_password(monkeypatch, capsys):
    monkeypatch.setenv("SMTP_PASSWORD", "canary-7c31")
    with smtp(refuse=True) as server:
        assert mailed(monkeypatch, FAILED, server, "--user", "reports", "--password", "env:SMTP_PASSWORD") == 1
    said = capsys.readouterr().err
    assert "refused user and password" in said
    assert "canary" not in said
    assert mailed(monkeypatch, FAILED, server, "--user", "u", "--password", "env:NO_SUCH_NAME") == 1
    assert "NO_SUCH_NAME" in capsys.readouterr().err
    assert mailed(monkeypatch, FAILED, server, "--user", "u", "--password", "plain-canary") == 1
    assert "canary" not in capsys.readouterr().err
    assert mailed(monkeypatch, FAILED, server) == 1  # nobody listens any more
    assert "the mail was not sent" in capsys.readouterr().err


def test_a_connection_to_another_machine_is_encrypted(monkeypatch, capsys):
    with smtp() as server:  # it offers no STARTTLS
        assert mailed(monkeypatch, FAILED, server, "--security", "starttls") == 1
    assert server.data == b""
    assert "STARTTLS" in capsys.readouterr().err


@contextmanager
def chat(status=200, **headers):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.taken.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.taken = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def posted(monkeypatch, entry, url, *more):
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(entry)))
    monkeypatch.setenv("CHAT_WEBHOOK", url)
    return webhook.main(["--url", "env:CHAT_WEBHOOK", *more])


def test_a_chat_gets_one_message(monkeypatch):
    with chat() as server:
        assert posted(monkeypatch, FIRED, f"http://127.0.0.1:{server.server_port}/canary") == 0
        assert posted(monkeypatch, FIRED, f"http://127.0.0.1:{server.server_port}/", "--field", "content") == 0
    words = "Rule fired: Churn (churn-high)\nChurn in June 2026: 39.3 %, above the limit of 35 %."
    assert server.taken == [("/canary", {"text": words}), ("/", {"content": words})]


def test_a_chat_that_answers_no_or_sends_elsewhere_is_told_without_its_address(monkeypatch, capsys):
    with chat(status=403) as server:
        assert posted(monkeypatch, FIRED, f"http://127.0.0.1:{server.server_port}/canary") == 1
    said = capsys.readouterr().err
    assert "answered 403" in said
    with chat(status=302, Location="http://127.0.0.1:9/evil") as server:
        assert posted(monkeypatch, FIRED, f"http://127.0.0.1:{server.server_port}/canary") == 1
    said += capsys.readouterr().err
    assert "answered 302" in said
    assert posted(monkeypatch, FIRED, f"http://127.0.0.1:{server.server_port}/canary") == 1
    said += capsys.readouterr().err
    assert "was not reached" in said
    assert "canary" not in said
    assert "http" not in said


@pytest.mark.parametrize("url", ["http://example.org/x", "file:///etc/passwd", "ftp://127.0.0.1/x", "nonsense"])
def test_only_https_addresses_leave_the_machine(url, monkeypatch, capsys):
    assert posted(monkeypatch, FIRED, url) == 1
    assert "no https address" in capsys.readouterr().err


def test_a_word_that_no_command_can_hold_is_a_sentence(tmp_path):
    assert send(["python", "a\0b"], {"cause": "half \ud83d"}, folder=tmp_path) == [
        "The hook 'python' was not run: embedded null byte."
    ]
