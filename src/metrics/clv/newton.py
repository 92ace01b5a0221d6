"""Where is a log-likelihood highest? Newton's method on the log scale, kept on the way up and stopped at an edge.

On the log scale every positive parameter is free, and the unit of time or money only shifts it. Each step solves with
the curvature made positive, is shortened until the likelihood rises, and is at most `LONGEST` long in any direction.
At an inner maximum the last full step is tiny. Where the likelihood only approaches its least upper bound (no dropout,
one kind of customer) the gain vanishes while the step stays about one e-fold: that is how an edge is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.intervals import Floats
from metrics.steps import Mask

Derivatives = Callable[[Floats], tuple[float, Floats, Floats]]  # log-likelihood, gradient, Hessian

LONGEST = 2.5
GAIN = 1e-9  # stop where a step can gain no more than this
AT_EDGE = 0.02  # a full step as long as this, where nothing can be gained, leads to an edge
WORTH = 1e-6  # gains below are no reason to walk on towards an edge
FLAT = 15.0  # standard error of a logarithm from which a parameter may be anything
ROUNDS = 200
FAR = 27.0  # no parameter beyond exp(27) or below exp(-27), in a scale of its own


@dataclass(frozen=True)
class Maximum:
    """A maximum, inner or at an edge."""

    at: Floats
    value: float
    hessian: Floats
    step: Floats  # the last full step; long where the parameter runs to an edge

    @property
    def edge(self) -> Mask:
        """Which parameters run to an edge."""
        found: Mask = (np.abs(self.step) > AT_EDGE) | (np.abs(self.at) > FAR - 1)
        inner = np.flatnonzero(~found)
        if len(inner):  # flat in some direction: the data say nothing of it
            spread = np.diag(np.linalg.pinv(-self.hessian[np.ix_(inner, inner)], hermitian=True))
            found[inner[(spread > FLAT**2) | (spread < 0)]] = True
        return found

    @property
    def covariance(self) -> Floats:
        """Of the inner parameters, those at an edge held fixed; 0 for these."""
        inner = np.flatnonzero(~self.edge)
        cov = np.zeros_like(self.hessian)
        if len(inner):
            cov[np.ix_(inner, inner)] = np.linalg.pinv(-self.hessian[np.ix_(inner, inner)], hermitian=True)
        return cov


def maximum(of: Derivatives, start: Floats) -> Maximum:
    """Climb from `start` to the nearest maximum."""
    at = np.clip(np.asarray(start, float), -FAR, FAR)
    value, gradient, hessian = of(at)
    step = np.zeros_like(at)
    for _ in range(ROUNDS):
        free = np.flatnonzero(~(((at <= -FAR) & (gradient <= 0)) | ((at >= FAR) & (gradient >= 0))))
        step = np.zeros_like(at)
        step[free], gain, convex = _step(gradient[free], hessian[np.ix_(free, free)])
        if gain < GAIN and convex and np.abs(step).max(initial=0) < AT_EDGE:
            at = at + step  # the last step doubles the digits that are right, and needs no new look
            break
        if gain < GAIN or (gain < WORTH and (not convex or np.abs(step).max(initial=0) > AT_EDGE)):
            break
        longest = np.abs(step).max(initial=0)
        length = min(1.0, LONGEST / longest) if longest > 0 else 1.0
        found = None
        for _ in range(40):
            there = np.clip(at + length * step, -FAR, FAR)
            tried = of(there)
            if np.isfinite(tried[0]) and tried[0] > value:
                found = there, tried
                break
            length /= 3
            if length * gain < GAIN / 10:
                break
        if found is None:  # as high as the arithmetic can tell
            break
        rise = found[1][0] - value
        at, (value, gradient, hessian) = found
        if rise < 1e-13 * abs(value):
            break
    return Maximum(at, value, hessian, step)


def highest(of: Derivatives, starts: Sequence[Floats]) -> Maximum:
    """The highest of the maxima that are reached from several starts; the first one where they tie."""
    found = [maximum(of, start) for start in starts]
    best = max(m.value for m in found)
    return next(m for m in found if m.value >= best - 1e-7)


def _step(gradient: Floats, hessian: Floats) -> tuple[Floats, float, bool]:
    """A step uphill, what it can gain at most, and whether the likelihood is curved down in all directions."""
    curve, axes = np.linalg.eigh(-hessian)
    most = max(float(np.abs(curve).max(initial=0)), 1e-300)
    convex = bool(curve.min(initial=1) > 1e-10 * most)
    along = axes.T @ gradient
    step = along / np.maximum(np.abs(curve), 1e-12 * most)
    gain = 0.5 * float(np.abs(along * step).sum())
    return axes @ step, gain, convex
