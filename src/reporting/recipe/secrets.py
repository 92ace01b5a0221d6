"""Secrets: named in a recipe by where they are, never by what they are.

A secret parameter is given as a reference, ``env:DB_URL`` or ``file:../db_url``, and that is
all that a cell, a page or a manifest ever holds. A notebook asks for the value itself, with
`secret`. Should the value come up in an output, it is taken out before anything is written.
"""

import base64
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from reporting.errors import RefusedError

REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:[^\x00-\x1f]+")
MASK = "\u2588\u2588\u2588\u2588"


def secret(reference: str) -> str:
    """Value of a secret.

    Parameters
    ----------
    reference
        ``"env:NAME"``, a variable of the environment, or ``"file:PATH"``, a file that holds nothing else.

    Raises
    ------
    RefusedError
        There is no such variable or file, or the reference is none.
    """
    kind, _, where = reference.partition(":")
    if kind == "env" and where:
        value = os.environ.get(where)
        if value:
            return value
        raise RefusedError(f"{reference}: the environment has no variable {where}. Set it before the run.")
    if kind == "file" and where:
        try:
            return Path(where).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise RefusedError(f"{reference}: this file cannot be read: {error.strerror}.") from None
    raise RefusedError("A secret is given by where it is: env:NAME or file:PATH.")


def check_reference(name: str, value: object) -> str:
    """A reference to a secret, if the value is one; the message of a refusal does not repeat the value.

    Raises
    ------
    RefusedError
        It is none, and may be the secret itself.
    """
    if isinstance(value, str) and REFERENCE.fullmatch(value):
        return value
    raise RefusedError(
        f"{name} is a secret, and is given by where it is: env:NAME or file:PATH. What was given is not repeated here."
    )


WINDOW = 16  # letters of a secret in a row that betray it
BLOCK = WINDOW // 2  # a window holds one of these whole, wherever it begins: only every eighth letter is looked at
LEAST = 6  # letters, below which a word would be found anywhere


class Secrets:
    """Values that must not stand in anything that is written, by the parameters that refer to them.

    A value is looked for as it is, in pieces of 16 letters (a table cuts long texts), and as Python, JSON,
    HTML, URLs, base64 and hexadecimal digits write it. The password in a URL is a secret of its own.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})
        for name, value in self.values.items():
            if len(value) < LEAST:
                raise RefusedError(f"{name}: this secret is shorter than {LEAST} letters, too short to be looked for.")
        self._short: dict[str, set[str]] = {}
        self._long: dict[str, set[str]] = {}
        self._blocks: dict[str, set[str]] = {}
        for name, value in self.values.items():
            forms = {form for part in _parts(value) for form in _forms(part)}
            self._short[name] = {form for form in forms if len(form) < WINDOW}
            self._long[name] = {form[i : i + WINDOW] for form in forms for i in range(len(form) - WINDOW + 1)}
            self._blocks[name] = {form[i : i + BLOCK] for form in self._long[name] for i in range(WINDOW - BLOCK + 1)}

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self.values)})"

    def redact(self, text: str) -> str:
        """Text without them.

        >>> Secrets({"key": "correct horse battery"}).redact("key=correct%20horse%20battery!")
        'key=████!'
        """
        spans = sorted(span for name in self.values for span in self._spans(name, text))
        parts, end = [], 0
        for start, stop in spans:
            if start >= end:
                parts += [text[end:start], MASK]
            end = max(end, stop)
        return "".join([*parts, text[end:]])

    def redact_notebook(self, text: str) -> str:
        """Text of a notebook file without them, in all that its outputs say."""
        try:
            notebook = json.loads(text)
        except ValueError:
            return self.redact(text)
        return json.dumps(self._redacted(notebook), ensure_ascii=False, indent=1) + "\n"

    def found_in(self, content: bytes) -> list[str]:
        """Parameters whose values stand in a file of this content, also if tags or line ends part them."""
        text = content.decode("utf-8", "replace")
        texts = [text, _unpictured(text)]
        if text.lstrip().startswith("{"):
            texts += _said_by_notebook(text)
        bare = unescape(re.sub(r"<[^>]*>", "", text))
        squeezed = ["".join(part.split()) for part in (*texts[2:], bare)]
        found = []
        for name, value in self.values.items():
            in_a_row = any(True for part in (*texts, bare) for _ in self._spans(name, part))
            parted = ["".join(part.split()) for part in _parts(value)]
            if in_a_row or any(part in said for part in parted for said in squeezed):
                found.append(name)
        return found

    def _spans(self, name: str, text: str) -> Iterator[tuple[int, int]]:
        for form in self._short[name]:
            start = text.find(form)
            while start >= 0:
                yield start, start + len(form)
                start = text.find(form, start + 1)
        windows, blocks = self._long[name], self._blocks[name]
        if not windows:
            return
        for block in range(0, len(text) - BLOCK + 1, BLOCK):
            if (
                text[block : block + BLOCK] in blocks
            ):  # then look at each window that this block is the first whole one of
                for start in range(max(0, block - BLOCK + 1), block + 1):
                    if text[start : start + WINDOW] in windows:
                        yield start, start + WINDOW

    def _redacted(self, node: Any) -> Any:
        if isinstance(node, str):
            return self.redact(node)
        if isinstance(node, list):
            if node and all(isinstance(part, str) for part in node):  # lines of one text
                return self.redact("".join(node)).splitlines(keepends=True)
            return [self._redacted(part) for part in node]
        if isinstance(node, dict):
            return {self.redact(key): self._redacted(part) for key, part in node.items()}
        return node


NONE = Secrets()


def _parts(value: str) -> list[str]:
    """The secret, and the password in it if it is a URL."""
    passwords = re.findall(r"://[^:/@\s]*:([^@\s]+)@", value)
    return [value, *[part for password in passwords for part in {password, unquote(password)} if len(part) >= LEAST]]


def _forms(value: str) -> set[str]:
    """A text as it may be written."""
    written = {value, repr(value)[1:-1], json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    written |= {json.dumps(form)[1:-1] for form in set(written)}
    marks = {'"': ("&quot;", "&#34;", '"'), "'": ("&#x27;", "&#39;", "'")}
    for double in marks['"']:
        for single in marks["'"]:
            written.add(escape(value, quote=False).replace('"', double).replace("'", single))
    for quoted in (quote(value), quote(value, safe=""), quote_plus(value)):
        written |= {quoted, re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)}
    code = value.encode()
    written |= {code.hex(), code.hex().upper()}
    for shift in range(3):  # base64 of a longer text has three ways to write what stands in it
        coded = base64.b64encode(b"\0" * shift + code).decode().rstrip("=")
        whole = coded[{0: 0, 1: 2, 2: 3}[shift] : len(coded) - (1 if (len(code) + shift) % 3 else 0)]
        written |= {whole, whole.replace("+", "-").replace("/", "_")}
    return {form for form in written if len(form) >= LEAST}


def _unpictured(text: str) -> str:
    """What is written inside the pictures of a file."""
    said = []
    for coded in re.findall(r"[A-Za-z0-9+/]{80,}={0,2}", text):
        with suppress(ValueError):
            said.append(base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("latin-1"))
    return "\n".join(said)


def _said_by_notebook(text: str) -> list[str]:
    """All that a notebook's outputs say in one go, and each kind of them."""
    try:
        cells = json.loads(text)["cells"]
        parts = [part for cell in cells for part in cell.get("outputs", [])]
        said: dict[str, list[str]] = {}
        for part in parts:
            for kind, words in ({part.get("name", "error"): part.get("text", "")} | part.get("data", {})).items():
                plain = "".join(words) if isinstance(words, list) else str(words)
                plain = unescape(re.sub(r"<[^>]*>", "", plain)) if "html" in kind or "svg" in kind else plain
                said.setdefault(kind, []).append(plain)
                if kind in ("stdout", "stderr", "text/plain"):
                    said.setdefault("", []).append(plain)
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
    return ["".join(words) for words in said.values()]
