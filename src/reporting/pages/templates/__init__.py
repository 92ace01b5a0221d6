"""The look of all pages: one layout, one style sheet, and how dates and digests are written."""

import re
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **context: Any) -> str:
    """Page of a template; every value is escaped unless it was cleaned before."""
    return _environment().get_template(template).render(**context)


@cache
def compile_ahead(*templates: str) -> None:
    """Compile templates, and the layout of all, so that the first page of each need not wait for it."""
    for template in ("layout.html.j2", *templates):
        _environment().get_template(template)


def day(value: str | date) -> str:
    """Date, and the time where there is one.

    >>> day("2026-07-01"), day("2026-07-01T06:30")
    ('1 Jul 2026', '1 Jul 2026, 06:30')
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            return str(value)
    text = f"{value.day} {value:%b %Y}"
    return f"{text}, {value:%H:%M}" if isinstance(value, datetime) else text


def short(digest: str) -> str:
    """Beginning of a digest in groups that can be compared by eye.

    >>> short("9be104d752af6c3088")
    '9be1 04d7 52af 6c30'
    """
    return " ".join(digest[i : i + 4] for i in range(0, 16, 4))


def counted(number: int, noun: str) -> str:
    """Number with its noun; small numbers in words.

    >>> counted(1, "report"), counted(12, "report"), counted(13, "report")
    ('one report', 'twelve reports', '13 reports')
    """
    return f"{in_words(number)} {noun}{'' if number == 1 else 's'}"


def in_words(number: int) -> str:
    """Small numbers in words.

    >>> in_words(3), in_words(30)
    ('three', '30')
    """
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[number] if number < len(words) else str(number)


def bare(style: str) -> str:
    r"""A style sheet without its comments and indents, which every page would carry.

    >>> bare("/* Rows */\n@media print {\n  tr { color: red; } /* seen */\n}")
    '@media print {\ntr { color: red; }\n}'
    """
    lines = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # a run writes dates before it renders anything
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("reporting.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"day": day, "short": short, "counted": counted, "in_words": in_words}
    source = environment.loader.get_source(environment, "style.css")[0] if environment.loader else ""
    environment.globals["style"] = Markup(bare(source))
    return environment
