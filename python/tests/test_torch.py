"""fpsolve.torch, against a stand-in for PyTorch in NumPy (see torch_stand_in.py)."""

import sys

import numpy as np
import pytest
import torch_stand_in

import fpsolve
import fpsolve.torch as ft

generator = np.random.default_rng(2)
X = generator.normal(size=(40, 3))
Y = np.sin(X[:, :1])
DATA = (X, Y)
AXES = {"s": (-0.6, 0.6, 13), "t": (-0.5, 0.5, 11)}


def squares(output, target):
    off = output - target
    return off * off


@pytest.fixture(autouse=True)
def torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", torch_stand_in.module())


@pytest.fixture
def model():
    return torch_stand_in.Network()


def losses(model, vector):
    named, first = {}, 0
    for name, parameter in model.named_parameters():
        size = int(np.prod(parameter.shape))
        named[name] = torch_stand_in.Tensor(vector[first : first + size].reshape(parameter.shape))
        first += size
    return (model.forward(named, X).array[:, 0] - Y[:, 0]) ** 2


def test_a_slice_has_the_losses_of_the_plane(model, tmp_path):
    origin, directions = ft.parameters(model), ft.random(model, 2, seed=1)
    table = ft.slice(model, squares, DATA, origin, directions, AXES, gradients=True)
    assert table.arrays["losses"].shape == (40, 13, 11) and table.arrays["gradients"].shape == (40, 2, 13, 11)
    assert model.training
    point = (table.nodes["s"][4], table.nodes["t"][7])
    assert np.allclose(table.arrays["losses"][:, 4, 7], losses(model, table.weights(point)), atol=1e-12)
    step = 1e-5
    slope = (losses(model, table.weights((point[0] + step, point[1]))) - losses(model, table.weights((point[0] - step, point[1])))) / (2 * step)
    assert np.allclose(table.arrays["gradients"][:, 0, 4, 7], slope, atol=1e-6)
    run = table.run(
        {
            "dynamics": {"learning_rate": table.learning_rate(0.05), "batch_size": 4},
            "grid": {"axes": [{"from": -0.6, "to": 0.6, "cells": 24}, {"from": -0.5, "to": 0.5, "cells": 20}]},
            "initial": {"kind": "gaussian", "mean": [0.0, 0.0], "std": [0.1, 0.1]},
            "time": {"at": [0, 0.5]},
            "engines": ["fokker-planck", "sgd"],
            "sgd": {"walkers": 300},
        },
        progress=False,
    )
    errors = run["problem/table"].attrs
    assert errors["samples"] == 40 and errors["difference_gradients"] < 0.02
    table.save(tmp_path / "slice.npz")
    assert {"s", "t", "losses", "gradients", "origin", "directions"} <= set(np.load(tmp_path / "slice.npz"))


def test_the_plane_is_orthogonal_and_the_rate_goes_with_its_length(model):
    a, b = generator.normal(size=(2, len(ft.parameters(model))))
    table = ft.slice(model, squares, DATA, ft.parameters(model), [a, a + 0.1 * b], {"s": (-1, 1, 4), "t": (-1, 1, 4)}, length=2.0)
    gram = table.directions @ table.directions.T
    assert np.allclose(gram, 4 * np.eye(2)) and table.learning_rate(0.4) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="direction 1"):
        ft.orthonormal([a, 2 * a])


def test_wrong_losses_are_told(model):
    origin, direction = ft.parameters(model), ft.random(model, 1)
    with pytest.raises(ValueError, match='use reduction="none"'):
        ft.slice(model, lambda o, t: squares(o, t).mean(), DATA, origin, direction, {"s": (-1, 1, 4)})
    with pytest.raises(ValueError, match="2 axes for 1 directions"):
        ft.slice(model, squares, DATA, origin, direction, AXES)
    with pytest.raises(ValueError, match="loss of sample 0 is not finite"):
        ft.slice(model, lambda o, t: squares(o, t) * np.inf, DATA, origin, direction, {"s": (-1, 1, 4)})
    with pytest.raises(ValueError, match="for a model of"):
        ft.slice(model, squares, DATA, origin[:-1], [generator.normal(size=len(origin) - 1)], {"s": (-1, 1, 4)})


def test_directions(model):
    origin = ft.parameters(model)
    u, v = ft.orthonormal(generator.normal(size=(2, len(origin))))
    path = [origin + np.cos(k) * 3 * u + np.sin(k) * v for k in np.linspace(0, 6, 30)]
    directions, explained = ft.pca(path)
    assert explained.sum() == pytest.approx(1.0) and abs(directions[0] @ u) > 0.9
    assert np.allclose(directions @ directions.T, np.eye(2), atol=1e-10)
    with pytest.raises(ValueError, match="fewer than 2 directions"):
        ft.pca([origin, origin + u, origin + 2 * u, origin + 3 * u])
    random = ft.random(model, 1, seed=3)[0]
    rows = random[:12].reshape(3, 4)
    own = model.weights["first.weight"].array
    assert np.allclose(np.linalg.norm(rows, axis=1), np.linalg.norm(own, axis=1)) and (random[12:16] == 0).all()
    assert np.allclose(ft.minima(origin, origin + u, origin + v), [u, v])


def test_directions_of_curvature(model):
    origin = ft.parameters(model)
    directions, values, residuals = ft.hessian(model, squares, DATA, origin, 2, iterations=20)
    n, step = len(origin), 1e-4
    mean = lambda vector: losses(model, vector).mean()  # noqa: E731
    unit = np.eye(n) * step
    exact = np.array([[(mean(origin + a + b) - mean(origin + a - b) - mean(origin - a + b) + mean(origin - a - b)) / (4 * step**2) for a in unit] for b in unit])
    top = np.linalg.eigvalsh(exact)
    top = top[np.argsort(-abs(top))[:2]]
    assert np.allclose(values, top, rtol=1e-2) and (residuals < 1e-2 * abs(values[0])).all()
    assert abs(directions[0] @ exact @ directions[0] - top[0]) < 1e-2 * abs(top[0])


def test_a_trace_is_recorded_and_runs(model, tmp_path):
    origin, directions = ft.parameters(model), ft.orthonormal(ft.random(model, 1, seed=1))
    recorder = ft.TraceRecorder(model, origin, directions)
    coordinate = 0.0
    for _ in range(6000):
        coordinate += -0.1 * coordinate + 0.1 * generator.normal()
        vector, first = origin + coordinate * directions[0], 0
        for _, parameter in model.named_parameters():
            size = parameter.array.size
            parameter.array = vector[first : first + size].reshape(parameter.shape)
            first += size
        recorder.record()
    assert recorder.trace.shape == (6000, 1) and recorder.distance.max() < 1e-12
    recorder.save(tmp_path / "trace.npz", learning_rate=0.1, batch_size=1)
    low, high = np.quantile(recorder.trace, [0.001, 0.999])
    run = fpsolve.run(
        {
            "model": {"kind": "traces", "file": "trace.npz", "variables": ["s"]},
            "dynamics": {"learning_rate": 0.1, "batch_size": 1},
            "grid": {"axes": [{"from": float(low), "to": float(high), "cells": 60}]},
            "initial": {"kind": "uniform"},
            "time": {"end": 20.0, "outputs": 2},
            "engines": ["fokker-planck"],
        },
        progress=False,
        data_folders=[tmp_path],
    )
    assert run.traces.attrs["nature"] == "markov"
    assert float(run.traces.diffusion.median()) == pytest.approx(1.0, rel=0.15)  # A = 0.1²/(2·0.1), D = 2 A/0.1


def test_without_pytorch_it_says_what_to_install(monkeypatch, model):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'fpsolve\[torch\]'"):
        ft.slice(model, squares, DATA, ft.parameters(model), ft.random(model, 1), {"s": (-1, 1, 4)})
