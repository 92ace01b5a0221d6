import time

import pytest
from nbclient import client
from nbformat.v4 import new_output

from reporting.execution.streams import merged


def said(outputs):
    return [(part.get("name", part.output_type), part.get("text", "")) for part in outputs]


def printed(*parts):
    return [
        new_output("stream", name=part[0], text=part[1]) if isinstance(part, tuple) else new_output("display_data")
        for part in parts
    ]


def test_what_was_printed_in_parts_stands_in_the_place_of_the_first():
    found = merged(printed(("stdout", "a\n"), "figure", ("stdout", "b\n"), ("stderr", "w\n"), ("stdout", "c\n")))
    assert said(found) == [("stdout", "a\nb\nc\n"), ("display_data", ""), ("stderr", "w\n")]


def test_stderr_stands_behind_stdout_whichever_came_first():
    assert said(merged(printed(("stderr", "w\n"), ("stdout", "a\n")))) == [("stdout", "a\n"), ("stderr", "w\n")]


@pytest.mark.parametrize("text", ["a\rb\rc\nd\r\ne", "a\rb\r\nc", "\ra", "a\r", "10 %\r20 %", "no return\n", ""])
def test_lines_that_were_written_over_are_read_as_nbclient_reads_them(text):
    assert merged(printed(("stdout", text)))[0].text == client._RGX_CARRIAGERETURN.sub("", text)


def test_a_line_of_a_million_letters_takes_no_time():
    began = time.perf_counter()
    assert len(merged(printed(("stdout", "x" * 500_000), ("stdout", "y" * 500_000)))[0].text) == 1_000_000
    assert time.perf_counter() - began < 0.5
