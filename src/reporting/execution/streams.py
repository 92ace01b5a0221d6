"""What a cell prints as one text, so that a page does not tell at which instants the kernel sent its parts."""

from itertools import pairwise
from typing import Any


def merged(outputs: list[Any]) -> list[Any]:
    """Outputs of a cell with all that it printed in the place of the first part, what went to stderr behind stdout.

    nbclient does so too (`coalesce_streams`), in a time that grows with the square of a line: a table printed as JSON
    in one line of 200,000 characters took longer than the report may.
    """
    streams: dict[str, Any] = {}
    parts: dict[str, list[str]] = {}
    found = []
    for output in outputs:
        if output["output_type"] != "stream":
            found.append(output)
            continue
        name = output["name"]
        if name not in streams:
            streams[name] = output
            found.append(output)
        parts.setdefault(name, []).append(output["text"])
    for name, output in streams.items():
        output["text"] = _rewritten("".join(parts[name]))
    for place, (output, following) in enumerate(pairwise(list(found))):
        if _is(output, "stderr") and _is(following, "stdout"):
            found[place : place + 2] = [following, output]
    return found


def _rewritten(text: str) -> str:
    r"""What is left on a terminal of lines that were written over: of each, what stands behind its last return.

    >>> _rewritten("10 %\r50 %\r100 %\nready\r\n")
    '100 %\nready\r\n'
    """
    if "\r" not in text:
        return text
    lines = text.split("\n")
    return "\n".join(line[line.rstrip("\r").rfind("\r") + 1 :] for line in lines)


def _is(output: Any, name: str) -> bool:
    return bool(output["output_type"] == "stream" and output["name"] == name)
