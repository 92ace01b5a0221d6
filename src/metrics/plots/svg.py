"""How does a figure become a small SVG inside a page?

A renderer for matplotlib that writes only what a page needs: paths rounded to a tenth of a pixel, text as text, each
colour as a light hex for a bare notebook and as a class (``f-blue``, ``s-rule``) for a page that has a dark side.
A colour outside the palette stops it, since no page could follow.
"""

from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_hex
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Transform

from metrics.plots.style import ON_HEAT, PALETTE, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FONT = 'font-family="system-ui, sans-serif" font-size="12"'
_TOKENS = {hex_: name for name, hex_ in PALETTE.items()}


def figure_svg(figure: "Figure", *, kind: str, alt: str, hatch: str) -> str:
    """The figure as inline SVG of class `kind` (wide or narrow), its hatches pointing to the pattern `hatch`."""
    dpi, ground = figure.get_dpi(), figure.patch.get_visible()
    figure.set_dpi(72)
    figure.patch.set_visible(False)
    try:
        width, height = (72 * float(side) for side in figure.get_size_inches())
        renderer = _Renderer(width, height, hatch)
        with house_style():
            figure.draw(renderer)
    finally:
        figure.set_dpi(dpi)
        figure.patch.set_visible(ground)
    hidden = ' display="none"' if kind == "narrow" else ""
    size = f'width="{_round(width)}" height="{_round(height)}" viewBox="0 0 {_round(width)} {_round(height)}"'
    ground_rect = f'<path d="M0 0H{_round(width)}V{_round(height)}H0z" class="f-paper" fill="{PALETTE["paper"]}"/>'
    label = escape(alt, quote=True)
    inner = ground_rect + "".join(renderer.parts)
    # what stands a little outside, as the figures of an axis may, is not cut where no page says so
    return f'<svg class="{kind}"{hidden} {size} overflow="visible" {FONT} role="img" aria-label="{label}">{inner}</svg>'


def hatch_svg(name: str) -> str:
    """The pattern of what is unfinished, in an SVG of no size."""
    return (
        f'<svg width="0" height="0" aria-hidden="true"><defs><pattern id="{name}" width="5" height="5" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<path d="M0 0V5" class="s-mid" stroke="{PALETTE["mid"]}" stroke-width="1.6"/></pattern></defs></svg>'
    )


def token(colour: object, name: str | None = None) -> tuple[str, str]:
    """Hex and palette name of a colour; `name` tells apart text colours that differ only in the dark."""
    hex_ = to_hex(colour, keep_alpha=False)  # type: ignore[arg-type]
    if name in ON_HEAT and ON_HEAT[name] == hex_:
        return hex_, name
    if hex_ not in _TOKENS:
        raise ValueError(
            f"The figure has the colour {hex_}, which is not in the palette, so that a page could not follow in the "
            f"dark. Use one of {', '.join(sorted(_TOKENS))}, or display the figure without show."
        )
    return hex_, _TOKENS[hex_]


def _round(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


class _Renderer(RendererBase):
    def __init__(self, width: float, height: float, hatch: str) -> None:
        super().__init__()
        self.width, self.height, self.hatch = width, height, hatch
        self.parts: list[str] = []

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.width, self.height

    def flipy(self) -> bool:
        return True

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        return _measured(s, prop, ismath)

    def draw_path(self, gc: GraphicsContextBase, path: Path, transform: Transform, rgbFace: Any = None) -> None:
        flipped = transform + Affine2D().scale(1, -1).translate(0, self.height)
        data = _path_data(path, flipped)
        if not data:
            return
        line = gc.get_linewidth()
        classes, paint = [], 'fill="none"'
        if gc.get_hatch() is not None:
            paint = f'fill="url(#{self.hatch})"'
        elif rgbFace is not None and (len(rgbFace) < 4 or rgbFace[3] > 0):
            name, paint = self._fill(gc, rgbFace)
            classes.append(name)
        if line > 0 and gc.get_rgb()[3] > 0:
            name, stroke = self._stroke(gc, line)
            classes.append(name)
            paint += f" {stroke}"
        if paint != 'fill="none"':
            marks = f' class="{" ".join(classes)}"' if classes else ""
            self.parts.append(f'<path d="{data}"{marks} {paint}/>')

    def draw_markers(
        self, gc: GraphicsContextBase, marker_path: Path, marker_trans: Transform, path: Path, trans: Transform,
        rgbFace: Any = None,
    ) -> None:  # fmt: skip
        """Dots without a rim are lines of no length with round ends: one short path for all of a series."""
        is_dot = np.shape(marker_path.vertices) == np.shape(Path.unit_circle().vertices)
        if not is_dot or rgbFace is None or gc.get_linewidth() > 0 or (len(rgbFace) > 3 and rgbFace[3] < 1):
            super().draw_markers(gc, marker_path, marker_trans, path, trans, rgbFace)
            return
        points = np.asarray(trans.transform(path.vertices))
        data = "".join(f"M{_round(x)} {_round(self.height - y)}h0" for x, y in points[np.isfinite(points).all(axis=1)])
        if data:
            hex_, name = token(rgbFace[:3])
            width = _round(float(np.ptp(np.asarray(marker_trans.transform(marker_path.vertices))[:, 0])))
            self.parts.append(
                f'<path d="{data}" class="s-{name}" fill="none" stroke="{hex_}" stroke-width="{width}" '
                'stroke-linecap="round"/>'
            )

    def draw_text(
        self, gc: GraphicsContextBase, x: float, y: float, s: str, prop: Any, angle: float,
        ismath: Any = False, mtext: Any = None,
    ) -> None:  # fmt: skip
        anchor, gid = "start", None
        if mtext is not None:
            gid = mtext.get_gid()
            if angle == 0 and "\n" not in mtext.get_text():
                x = mtext.get_transform().transform(mtext.get_unitless_position())[0]
                anchor = {"left": "start", "center": "middle", "right": "end"}[mtext.get_horizontalalignment()]
        hex_, name = token(gc.get_rgb(), gid)
        size = prop.get_size_in_points()
        extra = f' font-size="{_round(size)}"' if abs(size - 12) > 0.05 else ""
        bold = prop.get_weight() in ("bold", "semibold") or (
            isinstance(prop.get_weight(), int | float) and prop.get_weight() >= 600
        )
        extra += ' font-weight="600"' if bold else ""
        extra += f' text-anchor="{anchor}"' if anchor != "start" else ""
        extra += f' transform="rotate({-angle:.0f} {_round(x)} {_round(y)})"' if angle else ""
        place = f'x="{_round(x)}" y="{_round(y)}"'
        self.parts.append(f'<text {place} class="f-{name}" fill="{hex_}"{extra}>{escape(s)}</text>')

    def draw_image(self, *args: Any, **kwargs: Any) -> None:
        raise ValueError("The figure holds an image, which a page cannot theme. Draw it with paths, or without show.")

    @staticmethod
    def _stroke(gc: GraphicsContextBase, width: float) -> tuple[str, str]:
        hex_, name = token(gc.get_rgb())
        dashes = gc.get_dashes()[1]
        said = (
            f' stroke-dasharray="{" ".join(map(_round, np.asarray(dashes, float).tolist()))}"'
            if dashes is not None
            else ""
        )
        alpha = gc.get_rgb()[3]
        said += f' stroke-opacity="{alpha:.2g}"' if alpha < 1 else ""
        return f"s-{name}", f'stroke="{hex_}" stroke-width="{_round(width)}"{said}'

    @staticmethod
    def _fill(gc: GraphicsContextBase, face: Any) -> tuple[str, str]:
        hex_, name = token(face[:3])
        alpha = gc.get_alpha() if gc.get_forced_alpha() else (face[3] if len(face) > 3 else 1)
        opacity = f' fill-opacity="{alpha:.2g}"' if alpha < 1 else ""
        return f"f-{name}", f'fill="{hex_}"{opacity}'


@lru_cache(4096)
def _measured(text: str, font: Any, ismath: Any) -> tuple[float, float, float]:
    """Width, height and descent of a text: both widths of a figure say much the same, and so do figures of a page."""
    return RendererBase().get_text_width_height_descent(text, font, ismath)


def _path_data(path: Path, transform: Transform) -> str:
    """SVG path data; axis-parallel lines as H and V."""
    said: list[str] = []
    last = ("", "")
    for points, code in path.iter_segments(transform, simplify=False, curves=True):
        if not np.isfinite(points).all():
            continue
        p = [_round(v) for v in np.asarray(points, float).tolist()]
        if code == Path.MOVETO:
            said.append(f"M{p[0]} {p[1]}")
        elif code == Path.LINETO:
            same_x, same_y = p[0] == last[0], p[1] == last[1]
            if not (same_x and same_y):
                said.append(f"V{p[1]}" if same_x else f"H{p[0]}" if same_y else f"L{p[0]} {p[1]}")
        elif code == Path.CURVE3:
            said.append(f"Q{' '.join(p)}")
        elif code == Path.CURVE4:
            said.append(f"C{' '.join(p)}")
        elif code == Path.CLOSEPOLY:
            said.append("z")
            continue
        last = (p[-2], p[-1])
    return "".join(said) if len(said) > 1 else ""
