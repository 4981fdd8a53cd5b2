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
# # From traces to Fokker–Planck
#
# Only the path of an optimizer is known. Its steps give drift and noise at each place, its residuals say whether these can be enough, and the
# Fokker–Planck equation with them says where it should have been.

# %%
import tempfile
from pathlib import Path

import numpy as np

import fpsolve

generator = np.random.default_rng(1)
walkers, rows, learning_rate = 32, 8000, 0.05


def descend(momentum):
    x, v, trace = np.where(np.arange(walkers) % 2, 1.0, -1.0), np.zeros(walkers), []
    for step in range(1000 + rows):
        gradient = x**3 - x + (1.5 + 0.5 * x) * generator.normal(size=walkers)
        v = momentum * v - learning_rate * gradient
        x = x + v
        if step >= 1000:
            trace.append(x)
    return np.array(trace).T[:, :, None]


def run(trace):
    low, high = np.quantile(trace, [0.001, 0.999])
    scenario = {
        "model": {"kind": "traces", "file": "traces.npz", "variables": ["x"]},
        "dynamics": {"learning_rate": learning_rate, "batch_size": 1},
        "grid": {"axes": [{"from": float(low), "to": float(high), "cells": 120}]},
        "initial": {"kind": "uniform"},
        "time": {"end": 50.0, "outputs": 3},
        "engines": ["fokker-planck"],
    }
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "traces.npz", trace=trace, stride=1, learning_rate=learning_rate, batch_size=1)
        return fpsolve.run(scenario, progress=False, data_folders=[folder])


plain = run(descend(0.0))
plain.traces

# %%
found = plain.traces
x = found.x.values
print("D at 0:", float(found.diffusion.interp(x=0.0).squeeze()), "truth 2.25")
z = ((found.drift[0] - (x - x**3)) / found.drift_se[0]).values
print("drift: root mean square of the errors in bars", np.sqrt(np.nanmean(z**2)))
distance, floor = (found.attrs[f"total_variation_{name}"] for name in ("fokker_planck", "noise_floor"))
print(found.attrs["nature"], "– total variation to the histogram", distance, "where chance alone makes", floor)
assert found.attrs["nature"] == "markov" and distance < 2.5 * floor + 0.02

# %% [markdown]
# With momentum the position alone is no Markov process; the residual correlation is close to the momentum.

# %%
heavy = run(descend(0.8))
print(heavy.traces.attrs["nature"], heavy.traces.attrs["residual_correlation"])
assert heavy.traces.attrs["nature"] == "add velocity"
