# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A slice of a network
#
# A network of two layers in NumPy learns scikit-learn's digits. Its weights are 1,010-dimensional; on a plane through them every sample has a
# loss at every node: a table, on which all engines run. (With PyTorch `fpsolve.torch.slice` makes the same table.)

# %%
import numpy as np
from sklearn.datasets import load_digits

import fpsolve
from fpsolve.torch import orthonormal, pca

digits = load_digits()
generator = np.random.default_rng(0)
chosen = generator.permutation(len(digits.data))[:300]
x, y = digits.data[chosen] / 16.0, digits.target[chosen]
sizes = [(64, 12), (12,), (12, 10), (10,)]


def unpack(theta):
    parts, first = [], 0
    for size in sizes:
        parts.append(theta[first : first + np.prod(size)].reshape(size))
        first += int(np.prod(size))
    return parts


def losses(theta):
    """Cross entropy of each sample, with weight decay."""
    w1, b1, w2, b2 = unpack(theta)
    z = np.tanh(x @ w1 + b1) @ w2 + b2
    return np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y] + 5e-4 * theta @ theta


def gradient(theta, batch):
    w1, b1, w2, b2 = unpack(theta)
    h = np.tanh(x[batch] @ w1 + b1)
    z = h @ w2 + b2
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    p[np.arange(len(batch)), y[batch]] -= 1
    p /= len(batch)
    back = (p @ w2.T) * (1 - h**2)
    return np.concatenate([(x[batch].T @ back).ravel(), back.sum(0), (h.T @ p).ravel(), p.sum(0)]) + 1e-3 * theta


theta = 0.3 * generator.normal(size=sum(int(np.prod(size)) for size in sizes))
path = []
for step in range(2000):
    if step % 50 == 0:
        path.append(theta.copy())
    theta = theta - 0.1 * gradient(theta, generator.integers(len(y), size=16))
path.append(theta)
print("mean loss", losses(theta).mean())

# %% [markdown]
# The plane of the last part of the path: its two directions of largest spread.

# %%
directions, explained = pca(path[-12:])
plane = orthonormal(directions)
print("explained", explained.round(3))
problem = fpsolve.Problem(
    {"s": (-1.5, 1.5, 31), "t": (-1.5, 1.5, 31)},
    samples=lambda points: np.array([losses(theta + point @ plane) for point in points]),
)

# %%
run = problem.run(
    {
        "dynamics": {"learning_rate": 0.2, "batch_size": 1},
        "grid": {"axes": [{"from": -1.5, "to": 1.5, "cells": 80}] * 2},
        "initial": {"kind": "gaussian", "mean": [0.0, 0.0], "std": [0.3, 0.3]},
        "time": {"at": [0, 5, 20]},
        "engines": ["fokker-planck", "sgd"],
        "sgd": {"walkers": 2000},
        "fokker_planck": {"stationary": False},
    },
    progress=False,
)
axes = run.plot.landscape()
errors = run["problem/table"].attrs
print("interpolation errs by", errors["error_gradient"], "of the drift,", errors["error_diffusion"], "of D")
assert errors["error_gradient"] < 0.05

# %% [markdown]
# What ran is SGD that is kept in the plane. It says nothing of motion off it: for that look at [traces](traces_to_fokker_planck.py).
