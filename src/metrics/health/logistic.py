"""Logistic regression by Newton's steps: with a ridge for what is told, and without one for how sure that is.

A ridge pulls every chance towards the mean, so that limits around it leave out the truth where a signal is strong. The
limits are therefore those of Firth's fit, which pulls no coefficient, and is finite where the likelihood's is not.
"""

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
    ridge: float

    def standard(self, columns: Floats) -> Floats:
        """The columns on the scale of the fit; what is missing is as the mean."""
        return np.nan_to_num((columns - self.mean) / self.scale, nan=0.0)

    def log_odds(self, columns: Floats) -> Floats:
        """Log odds of each row."""
        found: Floats = _with_one(self.standard(columns)) @ self.weights
        return found

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
    return Logistic(mean, scale, weights, float(ridge))


@dataclass(frozen=True)
class Unpulled:
    """Firth's fit to the rows of `fit`: `basis` are the directions of the columns that these rows tell apart."""

    fit: Logistic
    basis: Floats
    weights: Floats
    covariance: Floats

    def limits(self, columns: Floats, quantile: float) -> tuple[Floats, Floats]:
        """Limits of the log odds of each row, by Wald; they hold what the fit with the ridge tells."""
        design = _with_one(self.fit.standard(columns))
        seen = design @ self.basis
        score, variance = seen @ self.weights, np.einsum("ij,jk,ik->i", seen, self.covariance, seen)
        # Of what the past never told apart nothing is known but the ridge.
        unseen = ((design - seen @ self.basis.T) ** 2).sum(axis=1) / self.fit.ridge
        half, told = quantile * np.sqrt(variance + unseen), self.fit.log_odds(columns)
        return np.minimum(score - half, told), np.maximum(score + half, told)


def unpulled(fit: Logistic, columns: Floats, hit: Floats) -> Unpulled:
    """Maximum of the likelihood x the root of its information, by modified scores.

    Firth (1993), Biometrika 80:27; for separated and rare outcomes Heinze & Schemper (2002), Statistics in Medicine
    21:2409.
    """
    whole = _with_one(fit.standard(columns))
    _, size, turned = np.linalg.svd(whole, full_matrices=False)
    basis = turned[size > 1e-8 * size[0]].T
    design, none = whole @ basis, np.zeros(basis.shape[1])
    weights = basis.T @ np.r_[np.log(hit.mean() / (1 - hit.mean())), np.zeros(whole.shape[1] - 1)]
    value = _modified_loss(design, hit, weights)
    for _ in range(_STEPS):
        chance = expit(design @ weights)
        covariance = np.linalg.inv(_curvature(design, chance, none))
        weight = np.einsum("ij,jk,ik->i", design, covariance, design) * chance * (1 - chance)
        step = covariance @ (design.T @ (hit - chance + weight * (0.5 - chance)))
        step = step / max(1.0, float(np.abs(step).max()) / 5)
        while (moved := _modified_loss(design, hit, weights + step)) > value + 1e-12 * abs(value):
            step = step / 2
        weights, value = weights + step, moved
        if np.abs(step).max() < _CLOSE:
            break
    covariance = np.linalg.inv(_curvature(design, expit(design @ weights), none))
    return Unpulled(fit, basis, weights, np.asarray(covariance, np.float64))


def expit(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), for large and small x alike."""
    half = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + half), half / (1 + half))


def _with_one(columns: Floats) -> Floats:
    return np.column_stack([np.ones(len(columns)), columns])


def _loss(design: Floats, hit: Floats, penalty: Floats, weights: Floats) -> float:
    score = design @ weights
    return float(np.logaddexp(0, score).sum() - hit @ score + (penalty * weights**2).sum() / 2)


def _modified_loss(design: Floats, hit: Floats, weights: Floats) -> float:
    none = np.zeros(len(weights))
    _, information = np.linalg.slogdet(_curvature(design, expit(design @ weights), none))
    return _loss(design, hit, none, weights) - float(information) / 2


def _curvature(design: Floats, chance: Floats, penalty: Floats) -> Floats:
    found: Floats = design.T @ (design * (chance * (1 - chance))[:, None]) + np.diag(penalty)
    return found
