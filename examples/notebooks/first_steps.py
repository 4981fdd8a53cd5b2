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
# # First steps
#
# A loss with two wells, noise of one temperature. What is the density of the parameter in time, where does it end, how long does a change of
# the well take?

# %%
import fpsolve

scenario = {
    "name": "first-steps",
    "model": {"kind": "formula", "variables": ["x"], "loss": "(x^2 - 1)^2/4 + 0.1*x"},
    "dynamics": {"temperature": 0.06},
    "grid": {"axes": [{"from": -2.2, "to": 2.2, "cells": 160}]},
    "initial": {"kind": "gaussian", "mean": [1.0], "std": [0.1]},
    "time": {"end": 60.0, "outputs": 7},
    "langevin": {"walkers": 5000},
    "analysis": {"first_passage": [{"name": "over", "from": [1.0], "target": "x < -0.9", "walkers": 1000}]},
}
run = fpsolve.run(scenario, progress=False)
run

# %% [markdown]
# Everything that was computed is in the record, as xarray data sets. Densities are averages over cells; their sum over the cells is 1.

# %%
run.fokker_planck

# %%
density = run.fokker_planck.density
mass = (density * density.x.diff("x").mean()).sum("x")
assert abs(mass - 1).max() < 1e-6
axes = run.plot.landscape()

# %% [markdown]
# The mean time to the other well, from the grid and from walkers:

# %%
escape = run["escape/over"].attrs
print(f"grid {escape['from_value']:.1f}, walkers {escape['langevin_mean']:.1f} ± {escape['langevin_mean_se']:.1f}")
assert abs(escape["from_value"] - escape["langevin_mean"]) < 5 * escape["langevin_mean_se"] + 0.05 * escape["from_value"]

# %% [markdown]
# Lower temperatures keep it for longer: one run for each.

# %%
times = fpsolve.sweep(scenario, {"dynamics.temperature": [0.06, 0.08, 0.1]}, ["escape/over/from_value"], progress=False)
times["escape/over/from_value"]
