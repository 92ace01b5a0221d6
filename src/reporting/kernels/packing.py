"""How a report's kernel writes its messages: as Jupyter does, and half a sign as a question mark.

Jupyter's own way fails at half a sign, as of an emoji that an export cut in two: what a cell printed was lost without a
word, and a table or an error was told as one of encodings.
"""

import json
from typing import Any

from jupyter_client.jsonutil import json_clean, json_default
from jupyter_client.session import json_packer


def pack(message: Any) -> bytes:
    """A message as bytes."""
    try:
        return json_packer(message)
    except UnicodeEncodeError:
        text = json.dumps(json_clean(message), default=json_default, ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8", "replace")
