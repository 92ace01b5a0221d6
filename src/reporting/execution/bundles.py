"""What a cell displays, in the form that notebooks hold and pages read: a text for every kind that is no JSON."""

import re
from collections.abc import Mapping
from typing import Any

PLAIN = "text/plain"
JSON = re.compile(r"application/(.*\+)?json")  # these may be anything


def well_formed(data: Mapping[str, Any]) -> dict[str, Any]:
    """A bundle as the notebook format has it. Lists of lines are joined; what is no text at all is shown as such.

    Jupyter checks nothing that comes by ``display(…, raw=True)`` or ``_repr_mimebundle_``, and a number in place of
    HTML failed a report whose cells had all run.

    >>> well_formed({"text/html": ["<b>38</b>", " %"], "image/png": None})
    {'text/html': '<b>38</b> %', 'text/plain': 'None'}
    """
    found = {}
    odd = []
    for kind, value in data.items():
        if isinstance(value, str) or JSON.fullmatch(kind):
            found[kind] = value
        elif isinstance(value, list) and all(isinstance(line, str) for line in value):
            found[kind] = "".join(value)
        else:
            odd.append(str(value))
    return found | {PLAIN: " ".join(odd)} if odd and PLAIN not in found else found
