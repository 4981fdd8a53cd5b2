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
# # Is the stochastic differential equation telling the truth?
#
# The equation knows mean and variance of the batch noise. Here is noise with the variance of a normal law and a tail to one side, in two equal
# wells. The law of SGD itself (`transfer-operator`, no sampling noise) and walkers of SGD stand beside the equation.

# %%
import numpy as np

import fpsolve

pushes = np.array([2, -0.5, -0.5, -0.5, -0.5])
problem = fpsolve.Problem({"x": (-2.6, 2.4, 81)}, samples=lambda p: (p**2 - 1) ** 2 / 4 + p * pushes)
run = problem.run(
    {
        "dynamics": {"learning_rate": 0.2, "batch_size": 1},
        "grid": {"axes": [{"from": -2.6, "to": 2.4, "cells": 400}]},
        "initial": {"kind": "gaussian", "mean": [0.0], "std": [0.3]},
        "time": {"at": [0, 10, 1000]},
        "engines": ["fokker-planck", "transfer-operator", "sgd"],
        "sgd": {"walkers": 5000},
    },
    progress=False,
)
right = {}
for group in ("fokker_planck", "transfer_operator", "sgd"):
    density = run[group].density.isel(time=-1)
    right[group] = float(density.where(density.x > 0).sum() * density.x.diff("x").mean())
right

# %% [markdown]
# The equation says one half. SGD is in the left well.

# %%
assert abs(right["fokker_planck"] - 0.5) < 0.02
assert right["transfer_operator"] < 0.1 and abs(right["sgd"] - right["transfer_operator"]) < 0.02
axes = run.plot.density(engine="fokker_planck")
axes = run.plot.density(engine="transfer_operator", ax=axes)

# %% [markdown]
# With larger batches at the same ratio of learning rate and batch size it becomes right: the tail averages out.

# %%
small = problem.run(
    {
        "dynamics": {"learning_rate": 0.2, "batch_size": 16},
        "grid": {"axes": [{"from": -2.6, "to": 2.4, "cells": 400}]},
        "initial": {"kind": "gaussian", "mean": [-1.0], "std": [0.3]},
        "time": {"at": [0, 10]},
        "engines": ["fokker-planck", "transfer-operator"],
    },
    progress=False,
)
a, b = (small[group].density.isel(time=-1) for group in ("fokker_planck", "transfer_operator"))
distance = 0.5 * float(abs(a - b).sum() * a.x.diff("x").mean())
print("total variation", distance)
assert distance < 0.1
