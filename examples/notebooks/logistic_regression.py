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
# # Logistic regression on real data
#
# Breast tumours of scikit-learn, benign or malignant, by two standardised features: the mean radius and the mean texture. θ are the two
# slopes. SGD draws a batch of samples at each step; D(θ) is the covariance of their gradients, so it is known exactly.

# %%
import numpy as np
from sklearn.datasets import load_breast_cancer

import fpsolve

data = load_breast_cancer()
x, y = data.data[:, :2], 2.0 * data.target - 1
x = (x - x.mean(0)) / x.std(0)


def losses(theta):
    """log(1 + exp(−y θ·x)) of each sample, with a little weight decay: points × samples."""
    return np.logaddexp(0, -y * (theta @ x.T)) + 0.01 * (theta**2).sum(1, keepdims=True)


problem = fpsolve.Problem({"radius": (-4.0, 1.5, 41), "texture": (-2.5, 2.0, 41)}, samples=losses)

# %%
run = problem.run(
    {
        "dynamics": {"learning_rate": 0.5, "batch_size": 8},
        "grid": {"axes": [{"from": -3.2, "to": 1.3, "cells": 64}, {"from": -1.9, "to": 1.4, "cells": 48}]},
        "initial": {"kind": "gaussian", "mean": [0.0, 0.0], "std": [0.25, 0.25]},
        "time": {"at": [0, 2, 10, 40]},
        "engines": ["fokker-planck", "sgd"],
        "sgd": {"walkers": 4000},
    },
    progress=False,
)
axes = run.plot.landscape()
run["problem/table"].attrs

# %% [markdown]
# SGD itself and the diffusion agree in mean and spread:

# %%
for group in ("fokker_planck", "sgd"):
    last = run[group].isel(time=-1)
    print(group, last["mean"].values.round(3), np.sqrt(np.diag(last["covariance"].values)).round(3))
apart = abs(run.fokker_planck["mean"][-1] - run.sgd["mean"][-1])
assert float(apart.max()) < 0.05
