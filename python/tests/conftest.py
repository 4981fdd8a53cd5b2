"""A small scenario that all tests start from."""

import copy

import matplotlib
import pytest

matplotlib.use("Agg")

SCENARIO = {
    "name": "well",
    "seed": 3,
    "engines": ["fokker-planck", "langevin"],
    "model": {"kind": "formula", "variables": ["x"], "loss": "(x^2 - 1)^2/4"},
    "dynamics": {"temperature": 0.1},
    "grid": {"axes": [{"from": -2.5, "to": 2.5, "cells": 100}]},
    "initial": {"kind": "gaussian", "mean": [-1.0], "std": [0.2]},
    "time": {"end": 2.0, "outputs": 3},
    "langevin": {"walkers": 500},
}


@pytest.fixture
def scenario():
    return copy.deepcopy(SCENARIO)
