"""Which texts of a figure are formulas? What an author writes is; what stands in data mostly is not.

matplotlib takes all that stands between two dollars for a formula, if a text has an even number of them. So the plan
"$5 to $10" lost its dollars and its spaces, and a customer called "$a_$" ended the whole report, for it is no formula
that can be read. Here a formula has to look like one, and to be one: as in Pandoc, it begins and ends at something
that is no space, no digit follows its end, and matplotlib can read it. All other texts are drawn as they are.
"""

import re
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import Any

TEXTS = "matplotlib.text"
INSIDE = r"(?:[^$\\]|\\.)"
# Pandoc's rule (pandoc.org/MANUAL.html#extension-tex_math_dollars), or what no price holds: a command or a power
FORMULA = re.compile(rf"(?<!\\)\$(?:(?!\s){INSIDE}+(?<!\s)\$(?!\d)|(?=[^$]*[\\^]){INSIDE}+\$)")


def install() -> None:
    """Let matplotlib draw as formulas only what is one: at once if it is loaded, else as soon as it is."""
    if TEXTS in sys.modules:
        _install()
    elif not any(isinstance(finder, _Watch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watch())


class _Watch(MetaPathFinder):
    """Waits for the import of matplotlib's texts, for the cell that does it may lay out a figure too."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        """The module as others find it, which is made to ask once it is there."""
        if fullname != TEXTS:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _install()

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _install() -> None:
    texts = sys.modules.get(TEXTS)
    before = getattr(getattr(texts, "Text", None), "_preprocess_math", None)
    if texts is None or before is None or hasattr(before, "asked"):
        return

    def asked(self: Any, text: str) -> tuple[str, Any]:
        found, kind = before(self, text)
        return (text.replace(r"\$", "$"), False) if kind is True and not is_formula(text) else (found, kind)

    asked.asked = True  # type: ignore[attr-defined]
    texts.Text._preprocess_math = asked


@lru_cache(1000)
def is_formula(text: str) -> bool:
    r"""Whether all that stands between dollars in a text is a formula.

    >>> [is_formula(text) for text in ("$x^2$", r"growth $\alpha_1$ of $n$", "$5 to $10", "100 $ or 200 $", "$a_$")]
    [True, True, False, False, False]
    >>> is_formula(r"$\pm$5"), is_formula(r"$\mathdefault{10^{3}}$"), is_formula("$5-$10")
    (True, True, False)
    """
    from matplotlib.mathtext import MathTextParser

    if "$" in re.sub(r"\\\$", "", FORMULA.sub("", text)):
        return False
    try:
        MathTextParser("path").parse(text)
    except ValueError:
        return False
    return True
