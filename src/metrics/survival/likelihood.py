"""Where is the likelihood of the counts of a cohort highest, and how sharply?

The parameters are searched as the logit of the share lost in the first period, m = alpha / (alpha + beta), the
logarithm of alpha + beta (how alike the customers are) and, for BdW, the logarithm of c. Two edges are known
beforehand: all customers alike (alpha + beta without end), and nobody lost after the first period (alpha + beta
towards 0).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrics.intervals import Floats
from metrics.survival.retention import log_survival

_ALIKE, _APART = np.log(1e9), np.log(1e-9)  # logarithms of alpha + beta that stand for the two edges
_SHAPES = (np.log(0.02), np.log(20.0))
_BOUNDS = [(-30.0, 30.0), (_APART, _ALIKE), _SHAPES]
_LONGEST, _SHORTER = 2.5, 3.0 ** -np.arange(12)  # of a step; and its parts that are tried
_STARTS = [(total, shape) for total in (-2.0, 0.0, 2.0, 4.0) for shape in (0.0, 0.6, -0.6)]


@dataclass(frozen=True)
class Peak:
    """The highest point, the point as searched, and the variances of those coordinates that lie inside."""

    values: Floats  # alpha, beta(, c), or the retention rate
    log_likelihood: float
    point: Floats  # logit of m, log of alpha + beta(, log of c)
    variance: Floats  # of the point; 0 for a coordinate at an edge
    inside: npt.NDArray[np.bool_]  # which coordinates are not at an edge

    def log_errors(self) -> Floats:
        """Standard errors of the logarithms of the parameters, NaN where a parameter lies at an edge."""
        if len(self.point) == 1:  # the retention rate itself
            share = self.values[0]
            return np.array([np.sqrt(self.variance[0, 0]) / share if self.inside[0] else np.nan])
        errors: Floats = self.error_of(np.log)
        if not self.inside[:2].all():
            errors[:2] = np.nan
        errors[2:][~self.inside[2:]] = np.nan
        return errors

    def error_of(self, function: Callable[[Floats], Floats]) -> Floats:
        """Standard errors of what follows from the parameters: the delta method."""
        step, slopes = 1e-5, []
        for k in range(len(self.point)):
            ahead, behind = self.point.copy(), self.point.copy()
            ahead[k] += step
            behind[k] -= step
            slopes.append((function(parameters(ahead)) - function(parameters(behind))) / (2 * step))
        slope: Floats = np.array(slopes)
        spread: Floats = np.sqrt(np.maximum(np.einsum("it,ij,jt->t", slope, self.variance, slope), 0))
        return spread


def parameters(point: Floats) -> Floats:
    """alpha, beta(, c) of a point."""
    total = np.exp(point[1])
    share = 1 / (1 + np.exp(-point[0]))
    values: Floats = np.r_[total * share, total / (1 + np.exp(point[0])), np.exp(point[2:])]
    return values


def log_likelihood(point: Floats, lost: Floats, left: float) -> float:
    """Of how many left in each period and how many are still there."""
    period = np.arange(len(lost) + 1.0)
    values = parameters(point)
    stayed = log_survival(values[0], values[1], period ** (values[2] if len(values) > 2 else 1.0))
    step = np.minimum(np.diff(stayed), -1e-300)
    some = lost > 0
    said = float(np.sum(lost[some] * (stayed[:-1] + np.log(-np.expm1(step)))[some]))
    return said + (left * float(stayed[-1]) if left else 0.0)


def homogeneous(lost: Floats, left: float, *, free_shape: bool, as_rate: bool = False) -> Peak:
    """The highest point if all customers are alike: a constant rate, or a discrete Weibull's."""
    exposed = np.cumsum(np.r_[left, lost[::-1]])[::-1][:-1]
    rate = 1 - float(lost.sum() / exposed.sum())
    if as_rate:
        some = float(lost.sum()), float(exposed.sum() - lost.sum())
        said = sum(n * np.log(p) for n, p in zip(some, (1 - rate, rate), strict=True) if n)
        variance = np.array([[rate * (1 - rate) / exposed.sum()]])
        return Peak(np.array([rate]), float(said), np.array([rate]), variance, np.array([0 < rate < 1]))
    start = np.log((1 - rate) / max(rate, 1e-12))
    if not free_shape:
        return _at(np.array([start, _ALIKE]), lost, left, free=[0])
    best = _climb([np.array([start, _ALIKE, shape]) for shape in (0.0, 0.7, -0.7)], lost, left, free=[0, 2])
    return _at(best, lost, left, free=[0, 2])


def peak(lost: Floats, left: float, *, free_shape: bool) -> tuple[Peak, str | None]:
    """The highest point of sBG or BdW, and the edge at which it lies, if it does."""
    alike = homogeneous(lost, left, free_shape=free_shape)
    first = float(alike.point[0])
    if not lost[1:].sum():
        share = lost[0] / (lost.sum() + left)
        point = np.r_[np.log(share / (1 - share)), _APART, [0.0] * free_shape]
        return _at(point, lost, left, free=[0]), "nobody_lost_later"
    starts = [np.r_[first, total, [shape] * free_shape] for total, shape in _STARTS if free_shape or not shape]
    free = [0, 1, 2] if free_shape else [0, 1]
    starts.sort(key=lambda start: -log_likelihood(start, lost, left))
    best = _climb(starts[:2], lost, left, free=free)
    inner = _at(best, lost, left, free=free)
    slack = 1e-7 * max(1.0, abs(alike.log_likelihood)) / 10
    if inner.log_likelihood <= alike.log_likelihood + slack or best[1] > _ALIKE - 1:
        return alike, "no_difference_between_customers"
    if free_shape and not _SHAPES[0] + 1e-3 < best[2] < _SHAPES[1] - 1e-3:
        return _at(best, lost, left, free=[0, 1]), "shape_at_its_limit"
    if not inner.inside.all():
        return inner, "no_single_maximum"
    return inner, None


def _climb(starts: list[Floats], lost: Floats, left: float, *, free: list[int]) -> Floats:
    """The highest of the points to which the starts lead, by the free coordinates."""
    return max((_uphill(start, lost, left, free) for start in starts), key=lambda at: log_likelihood(at, lost, left))


def _uphill(point: Floats, lost: Floats, left: float, free: list[int]) -> Floats:
    """Newton's method within the bounds: as if all curved down, and each step shortened until it leads up."""
    low, high = np.array(_BOUNDS)[free].T
    for _ in range(80):
        slope, bend = _derivatives(point, lost, left, free)
        at = point[free]
        stopped = ((at <= low) & (slope < 0)) | ((at >= high) & (slope > 0))
        slope, bend = np.where(stopped, 0, slope), np.where(stopped | stopped[:, None], -np.eye(len(at)), bend)
        curve, axes = np.linalg.eigh(-bend)
        step = axes @ (axes.T @ slope / np.maximum(np.abs(curve), 1e-12))
        step *= min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-300))
        here, gain = log_likelihood(point, lost, left), 0.0
        for shorter in _SHORTER:
            moved = point.copy()
            moved[free] = np.clip(at + shorter * step, low, high)
            gain = log_likelihood(moved, lost, left) - here
            if gain > 0:
                point = moved
                break
        if not gain > 1e-9:
            return point
    return point


def _derivatives(point: Floats, lost: Floats, left: float, free: list[int]) -> tuple[Floats, Floats]:
    """Slope and curvature of the log-likelihood by differences."""
    h, many = 1e-3, len(free)

    def at(*moves: tuple[int, float]) -> float:
        moved = point.copy()
        for k, by in moves:
            moved[free[k]] += by
        return log_likelihood(moved, lost, left)

    here = at()
    slope, bend = np.zeros(many), np.zeros((many, many))
    for i in range(many):
        one, two = (at((i, h)), at((i, -h))), (at((i, 2 * h)), at((i, -2 * h)))
        slope[i] = (8 * (one[0] - one[1]) - (two[0] - two[1])) / (12 * h)
        bend[i, i] = (16 * (one[0] + one[1]) - (two[0] + two[1]) - 30 * here) / (12 * h * h)
        for j in range(i):
            corners = at((i, h), (j, h)) + at((i, -h), (j, -h)) - at((i, h), (j, -h)) - at((i, -h), (j, h))
            bend[i, j] = bend[j, i] = corners / (4 * h * h)
    return slope, bend


def _at(point: Floats, lost: Floats, left: float, *, free: list[int]) -> Peak:
    """The peak at a point, with variances for its free coordinates where the likelihood falls off on all sides."""
    _, bend = _derivatives(point, lost, left, free)
    variance, inside = np.zeros((len(point), len(point))), np.zeros(len(point), bool)
    if len(free) and np.linalg.eigvalsh(-bend).min() > 1e-8 * max(float(lost.sum()), 1.0):
        variance[np.ix_(free, free)] = np.linalg.inv(-bend)
        inside[free] = True
    return Peak(parameters(point), log_likelihood(point, lost, left), point, variance, inside)
