"""How does a figure become a small SVG that a page may hold? Only the elements and attributes that pages allow.

Colours are the author's. On a white ground the white and the black follow the page in the dark; a figure whose text may
lie on areas of colour keeps its white ground, for the page cannot know what is below the text.
"""

import hashlib
from html import escape
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_hex, to_rgba
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox, Transform

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST = 60_000  # characters: more than pixels take
SCALE = 4 / 3  # pixels of a page to a point
PAD = 5.0  # points around what is drawn
FONT = 10.0  # points, as pyplot writes
PAPER = "#ffffff"
THEME = {PAPER: "paper", "#000000": "ink", "#b0b0b0": "rule", "#cccccc": "rule"}  # grids, and the edges of legends
NAME = "clip"  # of a shape that others are cut to, until the figure has a name


class NotDrawableError(Exception):
    """The figure holds what paths and text cannot say, or too much of it."""


def figure_svg(figure: "Figure", alt: str) -> str:
    """The figure as inline SVG, cut to what is drawn.

    Raises
    ------
    NotDrawableError
        It has images or shades, or would be larger than its pixels.
    """
    dpi, patch = figure.get_dpi(), figure.patch.get_visible()
    themed = _follows_the_page(figure)
    figure.set_dpi(72)  # a point a unit
    try:
        width, height = (72 * float(side) for side in figure.get_size_inches())
        renderer = _Renderer(width, height, themed)
        figure.patch.set_visible(False)  # it reaches further than what is drawn, or less far
        figure.draw(renderer)
        drawn = figure.get_tightbbox(renderer)  # inches
    finally:
        figure.set_dpi(dpi)
        figure.patch.set_visible(patch)
    box = Bbox(72 * drawn.get_points()).padded(PAD) if np.isfinite(drawn.get_points()).all() else Bbox.unit()
    x, y, w, h = (round(v, 1) for v in (box.x0, height - box.y1, box.width, box.height))
    ground = "" if themed else f'<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{_ground(figure)}"/>'
    inner = ground + renderer.defined() + "".join(renderer.parts)
    own = hashlib.sha256(inner.encode()).hexdigest()[:8]  # two figures on a page do not share names
    inner = inner.replace(f'id="{NAME}-', f'id="{NAME}-{own}-').replace(f"url(#{NAME}-", f"url(#{NAME}-{own}-")
    size = f'width="{w * SCALE:.0f}" height="{h * SCALE:.0f}" viewBox="{x} {y} {w} {h}"'
    return (
        f'<svg class="plain" {size} font-size="{FONT:.0f}" role="img" aria-label="{escape(alt, quote=True)}">'
        f"{inner}</svg>"
    )


def _ground(figure: "Figure") -> str:
    red, green, blue, alpha = to_rgba(figure.get_facecolor())
    return to_hex((red, green, blue)) if figure.patch.get_visible() and alpha > 0 else PAPER


def _follows_the_page(figure: "Figure") -> bool:
    """Whether black and white may change with the page: a white ground, and no text over areas of colour."""
    grounds = [_ground(figure), *(to_hex(ax.get_facecolor()) for ax in figure.axes)]
    covered = any(ax.texts and (ax.patches or ax.collections or ax.tables) for ax in figure.axes)
    return set(grounds) == {PAPER} and not covered


class _Renderer(RendererBase):
    def __init__(self, width: float, height: float, themed: bool) -> None:
        super().__init__()
        self.width, self.height, self.themed = width, height, themed
        self.parts: list[str] = []
        self.clips: dict[str, str] = {}  # shapes that others are cut to, and their names
        self.size = 0

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.width, self.height

    def flipy(self) -> bool:
        return True

    def draw_image(self, *args: Any, **kwargs: Any) -> None:
        raise NotDrawableError

    def draw_gouraud_triangles(self, *args: Any, **kwargs: Any) -> None:
        raise NotDrawableError

    def draw_path(self, gc: GraphicsContextBase, path: Path, transform: Transform, rgbFace: Any = None) -> None:
        if gc.get_hatch() is not None:
            raise NotDrawableError
        face = rgbFace if rgbFace is not None and (len(rgbFace) < 4 or rgbFace[3] > 0) else None
        line = gc.get_linewidth() if gc.get_rgb()[3] > 0 else 0.0
        if face is None and line == 0:
            return
        simplify = face is None and bool(path.should_simplify)
        data = _path_data(path, transform + self._down(), simplify)
        if data:
            reach = path.get_extents(transform).padded(line / 2)
            self._add(f'<path d="{data}" {self._paint(gc, face, line)}{self._clip(gc, reach)}/>')

    def draw_markers(
        self, gc: GraphicsContextBase, marker_path: Path, marker_trans: Transform, path: Path, trans: Transform,
        rgbFace: Any = None,
    ) -> None:  # fmt: skip
        """Round dots of one colour are lines of no length with round ends: one path for all of a series."""
        round_ = np.shape(marker_path.vertices) == np.shape(Path.unit_circle().vertices)
        face = None if rgbFace is None or (len(rgbFace) > 3 and rgbFace[3] < 1) else to_hex(rgbFace[:3])
        if not round_ or face is None or (gc.get_linewidth() > 0 and face != to_hex(gc.get_rgb()[:3])):
            super().draw_markers(gc, marker_path, marker_trans, path, trans, rgbFace)
            return
        points = np.asarray(trans.transform(path.vertices))
        inside = np.isfinite(points).all(axis=1)
        bounds = gc.get_clip_rectangle()
        if bounds is not None:  # a dot is drawn whole where its middle is inside
            low, high = bounds.padded(0.5).get_points()
            inside &= ((points >= low) & (points <= high)).all(axis=1)
        self._expect(int(inside.sum()), len("M0 0h0"))
        data = "".join(f"M{_round(x)} {_round(self.height - y)}h0" for x, y in points[inside])
        if data:
            wide = float(np.ptp(np.asarray(marker_trans.transform(marker_path.vertices))[:, 0])) + gc.get_linewidth()
            classes, colour = self._colour("stroke", face)
            paint = f'fill="none" {colour} stroke-width="{_round(wide)}" stroke-linecap="round"'
            self._add(f'<path d="{data}"{_classes(classes)} {paint}/>')

    def draw_path_collection(
        self, gc: GraphicsContextBase, master_transform: Transform, paths: Any, all_transforms: Any, offsets: Any,
        *args: Any, **kwargs: Any,
    ) -> None:  # fmt: skip
        self._expect(int(np.isfinite(np.ma.filled(offsets, np.nan)).all(axis=-1).sum()), len('<path d="M0 0z" />'))
        super().draw_path_collection(gc, master_transform, paths, all_transforms, offsets, *args, **kwargs)

    def draw_text(
        self, gc: GraphicsContextBase, x: float, y: float, s: str, prop: Any, angle: float,
        ismath: Any = False, mtext: Any = None,
    ) -> None:  # fmt: skip
        if ismath:  # formulas are shapes
            self._draw_text_as_path(gc, x, y, s, prop, angle, ismath, mtext=mtext)  # type: ignore[attr-defined]
            return
        anchor = "start"
        if mtext is not None and angle == 0 and "\n" not in mtext.get_text():
            x = float(mtext.get_transform().transform(mtext.get_unitless_position())[0])
            anchor = {"left": "start", "center": "middle", "right": "end"}[mtext.get_horizontalalignment()]
        size, weight, alpha = prop.get_size_in_points(), prop.get_weight(), gc.get_rgb()[3]
        bold = weight in ("bold", "semibold", "heavy", "black") or (isinstance(weight, int | float) and weight >= 600)
        classes, colour = self._colour("fill", to_hex(gc.get_rgb()[:3]))
        said = f' font-size="{_round(size)}"' if abs(size - FONT) > 0.05 else ""
        said += ' font-weight="600"' if bold else ""
        said += ' font-style="italic"' if prop.get_style() == "italic" else ""
        said += f' text-anchor="{anchor}"' if anchor != "start" else ""
        said += f' fill-opacity="{alpha:.2g}"' if alpha < 1 else ""
        said += f' transform="rotate({_round(-angle)} {_round(x)} {_round(y)})"' if angle else ""
        self._add(f'<text x="{_round(x)}" y="{_round(y)}"{_classes(classes)} {colour}{said}>{escape(s)}</text>')

    def defined(self) -> str:
        """The shapes that others are cut to."""
        shapes = (f'<clipPath id="{name}"><path d="{data}"/></clipPath>' for data, name in self.clips.items())
        return f"<defs>{''.join(shapes)}</defs>" if self.clips else ""

    def _down(self) -> Transform:
        """A page counts from the top."""
        return Affine2D().scale(1, -1).translate(0, self.height)

    def _add(self, part: str) -> None:
        self.parts.append(part)
        self.size += len(part)
        if self.size > LARGEST:
            raise NotDrawableError

    def _expect(self, count: int, least: int) -> None:
        """Do not begin what will be too large: a million dots would be written one by one first."""
        if self.size + count * least > LARGEST:
            raise NotDrawableError

    def _colour(self, what: str, hex_: str) -> tuple[list[str], str]:
        """Class and attribute of a colour; the class follows the page."""
        name = THEME.get(hex_) if self.themed else None
        return [f"{what[0]}-{name}"] if name else [], f'{what}="{hex_}"'

    def _paint(self, gc: GraphicsContextBase, face: Any, line: float) -> str:
        classes, said = ([], 'fill="none"') if face is None else self._colour("fill", to_hex(face[:3]))
        if face is not None:
            alpha = gc.get_alpha() if gc.get_forced_alpha() else (face[3] if len(face) > 3 else 1)
            said += f' fill-opacity="{alpha:.2g}"' if alpha < 1 else ""
        if line > 0:
            rgb, dashes = gc.get_rgb(), gc.get_dashes()[1]
            names, colour = self._colour("stroke", to_hex(rgb[:3]))
            classes = [*classes, *names]
            said += f' {colour} stroke-width="{_round(line)}"'
            if dashes is not None:
                said += f' stroke-dasharray="{" ".join(map(_round, np.asarray(dashes, float).tolist()))}"'
            said += f' stroke-opacity="{rgb[3]:.2g}"' if rgb[3] < 1 else ""
        if not gc.get_antialiased():  # cells that touch, between which the ground would shine
            said += ' shape-rendering="crispEdges"'
        return f"{_classes(classes).lstrip()} {said}".lstrip()

    def _clip(self, gc: GraphicsContextBase, reach: Any) -> str:
        """What cuts a shape off, where it reaches further."""
        path, transform = cast("tuple[Path | None, Transform | None]", gc.get_clip_path())
        bounds = gc.get_clip_rectangle()
        if path is not None and transform is not None:
            data = _path_data(path, transform + self._down(), simplify=False)
        elif bounds is not None and reach is not None and not _holds(bounds.padded(0.5), reach):
            x0, y0, x1, y1 = (
                _round(v) for v in (bounds.x0, self.height - bounds.y1, bounds.x1, self.height - bounds.y0)
            )
            data = f"M{x0} {y0}H{x1}V{y1}H{x0}z"
        else:
            return ""
        return f' clip-path="url(#{self.clips.setdefault(data, f"{NAME}-{len(self.clips)}")})"'


def _holds(outer: Bbox, inner: Bbox) -> bool:
    return bool(outer.x0 <= inner.x0 and outer.y0 <= inner.y0 and inner.x1 <= outer.x1 and inner.y1 <= outer.y1)


def _classes(names: list[str]) -> str:
    return f' class="{" ".join(names)}"' if names else ""


def _round(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _path_data(path: Path, transform: Transform, simplify: bool) -> str:
    """SVG path data, in tenths of a point."""
    letters = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
    said: list[str] = []
    last = ""
    for points, code in path.iter_segments(transform, simplify=simplify, curves=True):
        if code == Path.CLOSEPOLY:
            said.append("z")
        elif code in letters and np.isfinite(points).all():
            place = " ".join(map(_round, np.asarray(points, float).tolist()))
            if code != Path.LINETO or place != last:
                said.append(letters[code] + place)
            last = place
    return "".join(said) if len(said) > 1 else ""
