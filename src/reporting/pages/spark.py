"""The course of a key figure as a small line: SVG that follows the colours of the page, with its figures in words."""

from collections.abc import Sequence
from html import escape

from markupsafe import Markup

from reporting.pages.facts import Point

WIDTH, HEIGHT, EDGE = 112, 26, 5
SHOWN = 12  # runs


def spark(title: str, history: Sequence[Point], *, colour: str = "blue") -> Markup:
    """Line of the last figures, its last point marked; nothing where there are fewer than two.

    Parameters
    ----------
    title
        Whose figures they are.
    history
        Oldest first.
    colour
        Of the last point: ``blue``, ``red`` or ``mid``.
    """
    values = [point.number for point in history if point.number is not None][-SHOWN:]
    if len(values) < 2:
        return Markup()
    low, high = min(values), max(values)
    step = (WIDTH - 2 * EDGE) / (len(values) - 1)
    span = HEIGHT - 2 * EDGE
    points = [
        (EDGE + step * i, HEIGHT / 2 if high == low else EDGE + span * (high - value) / (high - low))
        for i, value in enumerate(values)
    ]
    path = "L".join(f"{x:.0f} {y:.1f}" for x, y in points)
    x, y = points[-1]
    said = f"first {values[0]:g}, last {values[-1]:g}, lowest {low:g}, highest {high:g}"
    words = f"{title}: last {len(values)} values, {said}"
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(words)}">'
        f'<path d="M{path}" class="s-muted"/><circle cx="{x:.0f}" cy="{y:.1f}" r="2.8" class="f-{colour}"/></svg>'
    )
