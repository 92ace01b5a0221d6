"""Logistic regression with a ridge, by Newton's steps: coefficients, and how sure they are."""

from dataclasses import dataclass

import numpy as np

from metrics.intervals import Floats

_STEPS, _CLOSE = 100, 1e-10


@dataclass(frozen=True)
class Logistic:
    """A fitted regression: columns are set to mean 0 and deviation 1 by what it was fitted on."""

    mean: Floats
    scale: Floats
    weights: Floats  # the intercept first
    covariance: Floats

    def standard(self, columns: Floats) -> Floats:
        """The columns on the scale of the fit; what is missing is as the mean."""
        return np.nan_to_num((columns - self.mean) / self.scale, nan=0.0)

    def log_odds(self, columns: Floats) -> tuple[Floats, Floats]:
        """Log odds of each row, and their standard error."""
        design = _with_one(self.standard(columns))
        error = np.sqrt(np.einsum("ij,jk,ik->i", design, self.covariance, design))
        return design @ self.weights, error

    def parts(self, columns: Floats) -> Floats:
        """What each column adds to the log odds of each row, against a row that is as the mean."""
        found: Floats = self.standard(columns) * self.weights[1:]
        return found


def fit_logistic(columns: Floats, hit: Floats, *, ridge: float) -> Logistic:
    """Maximum of the likelihood less `ridge` / 2 x the sum of squared coefficients; the intercept is free.

    Both outcomes must occur. Le Cessie & van Houwelingen (1992), Applied Statistics 41:191.
    """
    known = ~np.isnan(columns)
    many = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, columns, 0.0).sum(axis=0) / many
    spread = np.sqrt((np.where(known, columns - mean, 0.0) ** 2).sum(axis=0) / many)
    scale = np.where(spread > 1e-12 * (1 + np.abs(mean)), spread, np.inf)  # a constant column says nothing
    design = _with_one(np.nan_to_num((columns - mean) / scale, nan=0.0))
    penalty = np.full(design.shape[1], float(ridge))
    penalty[0] = 0.0
    weights = np.zeros(design.shape[1])
    weights[0] = np.log(hit.mean() / (1 - hit.mean()))
    value = _loss(design, hit, penalty, weights)
    for _ in range(_STEPS):
        chance = expit(design @ weights)
        slope = design.T @ (hit - chance) - penalty * weights
        step = np.linalg.solve(_curvature(design, chance, penalty), slope)
        # Far from the maximum a full step may overshoot; a shorter one in its direction never does.
        while (moved := _loss(design, hit, penalty, weights + step)) > value + 1e-12 * abs(value):
            step = step / 2
        weights, value = weights + step, moved
        if np.abs(step).max() < _CLOSE:
            break
    covariance: Floats = np.asarray(np.linalg.inv(_curvature(design, expit(design @ weights), penalty)), np.float64)
    return Logistic(mean, scale, weights, covariance)


def expit(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), for large and small x alike."""
    half = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + half), half / (1 + half))


def _with_one(columns: Floats) -> Floats:
    return np.column_stack([np.ones(len(columns)), columns])


def _loss(design: Floats, hit: Floats, penalty: Floats, weights: Floats) -> float:
    score = design @ weights
    return float(np.logaddexp(0, score).sum() - hit @ score + (penalty * weights**2).sum() / 2)


def _curvature(design: Floats, chance: Floats, penalty: Floats) -> Floats:
    found: Floats = design.T @ (design * (chance * (1 - chance))[:, None]) + np.diag(penalty)
    return found
