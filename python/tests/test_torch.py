"""fpsolve.torch, against PyTorch where it is installed and against a stand-in for it in NumPy (see torch_stand_in.py)."""

import sys

import numpy as np
import pytest
import torch_stand_in

import fpsolve
import fpsolve.torch as ft

generator = np.random.default_rng(2)
X = generator.normal(size=(40, 3))
Y = np.sin(X[:, :1])
AXES = {"s": (-0.6, 0.6, 13), "t": (-0.5, 0.5, 11)}


def squares(output, target):
    off = output - target
    return off * off


@pytest.fixture(params=["stand-in", "PyTorch"])
def torch(request, monkeypatch):
    if request.param == "PyTorch":
        return pytest.importorskip("torch")
    monkeypatch.setitem(sys.modules, "torch", torch_stand_in.module())
    return torch_stand_in


@pytest.fixture
def data(torch):
    return (X, Y) if torch is torch_stand_in else (torch.from_numpy(X), torch.from_numpy(Y))


@pytest.fixture
def model(torch):
    """The network of the stand-in."""
    own = torch_stand_in.Network()
    if torch is torch_stand_in:
        return own

    class Layer(torch.nn.Module):
        pass

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, weight in own.weights.items():
                layer, kind = name.split(".")
                if not hasattr(self, layer):
                    self.add_module(layer, Layer())
                getattr(self, layer).register_parameter(kind, torch.nn.Parameter(torch.from_numpy(weight.array.copy())))

        def forward(self, x):
            return (x @ self.first.weight + self.first.bias).tanh() @ self.last.weight

    return Network()


def losses(vector):
    """Losses of the samples, by the stand-in's own arithmetic."""
    network, named, first = torch_stand_in.Network(), {}, 0
    for name, parameter in network.named_parameters():
        size = int(np.prod(parameter.shape))
        named[name] = torch_stand_in.Tensor(vector[first : first + size].reshape(parameter.shape))
        first += size
    return (network.forward(named, X).array[:, 0] - Y[:, 0]) ** 2


def put(model, vector):
    """Gives a model the parameters of a flat vector."""
    first = 0
    for _, parameter in model.named_parameters():
        size = int(np.prod(parameter.shape))
        values = vector[first : first + size].reshape(tuple(parameter.shape))
        if isinstance(parameter, torch_stand_in.Tensor):
            parameter.array = values
        else:
            parameter.data = parameter.new_tensor(values)
        first += size


def test_a_slice_has_the_losses_of_the_plane(model, data, tmp_path):
    origin, directions = ft.parameters(model), ft.random(model, 2, seed=1)
    table = ft.slice(model, squares, data, origin, directions, AXES, gradients=True)
    assert table.arrays["losses"].shape == (40, 13, 11) and table.arrays["gradients"].shape == (40, 2, 13, 11)
    assert model.training
    point = (table.nodes["s"][4], table.nodes["t"][7])
    assert np.allclose(table.arrays["losses"][:, 4, 7], losses(table.weights(point)), atol=1e-12)
    step = 1e-5
    slope = (losses(table.weights((point[0] + step, point[1]))) - losses(table.weights((point[0] - step, point[1])))) / (2 * step)
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


def test_the_plane_is_orthogonal_and_the_rate_goes_with_its_length(model, data):
    a, b = generator.normal(size=(2, len(ft.parameters(model))))
    table = ft.slice(model, squares, data, ft.parameters(model), [a, a + 0.1 * b], {"s": (-1, 1, 4), "t": (-1, 1, 4)}, length=2.0)
    gram = table.directions @ table.directions.T
    assert np.allclose(gram, 4 * np.eye(2)) and table.learning_rate(0.4) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="direction 1"):
        ft.orthonormal([a, 2 * a])


def test_wrong_losses_are_told(model, data):
    origin, direction = ft.parameters(model), ft.random(model, 1)
    with pytest.raises(ValueError, match='use reduction="none"'):
        ft.slice(model, lambda o, t: squares(o, t).mean(), data, origin, direction, {"s": (-1, 1, 4)})
    with pytest.raises(ValueError, match="2 axes for 1 directions"):
        ft.slice(model, squares, data, origin, direction, AXES)
    with pytest.raises(ValueError, match="loss of sample 0 is not finite"):
        ft.slice(model, lambda o, t: squares(o, t) * np.inf, data, origin, direction, {"s": (-1, 1, 4)})
    with pytest.raises(ValueError, match="the origin has 19 numbers, and the model 20 parameters"):
        ft.slice(model, squares, data, origin[:-1], [generator.normal(size=len(origin) - 1)], {"s": (-1, 1, 4)})
    with pytest.raises(ValueError, match="each output against every target"):
        ft.slice(model, squares, (data[0], data[1].reshape(-1)), origin, direction, {"s": (-1, 1, 4)})


@pytest.mark.parametrize(
    "options, words",
    [
        ({"batch_norm": "freezed"}, "batch_norm cannot be 'freezed': did you mean 'frozen'"),
        ({"batch_norm": "never"}, "There are frozen, recomputed"),
        ({"directions": np.ones(20)}, r"write \[direction\]"),
        ({"directions": []}, "at least one direction"),
        ({"directions": np.eye(4, 20)}, "4 directions: a table has 1 to 3 variables"),
        ({"directions": [np.ones(19)]}, "direction 0 has 19 numbers, not 20"),
        ({"directions": [np.full(20, np.nan)]}, "direction 0 has numbers that are not finite"),
        ({"directions": [np.ones(20) * 1j]}, "direction 0 must be flat numbers.*complex"),
        ({"origin": None}, "the origin must be flat numbers"),
        ({"origin": np.full(20, np.inf)}, "the origin has numbers that are not finite"),
        ({"directions": None}, "a list of vectors, not None"),
        ({"length": 0}, "length must be a number above 0"),
        ({"length": "long"}, "length must be a number above 0"),
        ({"axes": {"origin": (-1, 1, 4)}}, "cannot be called 'origin'"),
    ],
)
def test_wrong_arguments_of_slices_are_told(model, data, options, words):
    given = {"origin": ft.parameters(model), "directions": [np.ones(20)], "axes": {"s": (-1, 1, 4)}, **options}
    with pytest.raises(ValueError, match=words):
        ft.slice(model, squares, data, **given)


def test_wrong_arguments_of_directions_and_recorders_are_told(model, data, tmp_path):
    origin = ft.parameters(model)
    u, v = ft.orthonormal(ft.random(model, 2))
    for call in (lambda: ft.random(model, 0), lambda: ft.pca([origin, u, v], 1.5), lambda: ft.hessian(model, squares, data, origin, 0)):
        with pytest.raises(ValueError, match="k must be a whole number from 1 on"):
            call()
    with pytest.raises(ValueError, match="checkpoint 1 has 19 numbers, not 20"):
        ft.pca([origin, origin[:-1], u])
    with pytest.raises(ValueError, match="vector 0 has 19 numbers, not 20"):
        ft.minima(origin, origin[:-1])
    with pytest.raises(ValueError, match=r"write \[direction\]"):
        ft.orthonormal(u)
    for directions, words in (
        (u, r"write \[direction\]"),
        ([2 * u, v], "lengths 2, 1: take those of a slice"),
        ([u, (u + v) / np.sqrt(2)], "not orthogonal"),
        ([0 * u], "lengths 0: "),
        ([u[:-1]], "direction 0 has 19 numbers, not 20"),
        (np.eye(4, 20), "traces have 1 to 3 variables"),
    ):
        with pytest.raises(ValueError, match=words):
            ft.TraceRecorder(model, origin, directions)
    for stride in (0, 1.5, "2"):
        with pytest.raises(ValueError, match="stride must be a whole number from 1 on"):
            ft.TraceRecorder(model, origin, [u, v], stride=stride)
    recorder = ft.TraceRecorder(model, origin, [3 * u, 3 * v], stride=np.int64(2))
    with pytest.raises(ValueError, match="no step was recorded"):
        recorder.save(tmp_path / "trace.npz", 0.1, 1)
    recorder.record()
    with pytest.raises(ValueError, match="batch_size must be"):
        recorder.save(tmp_path / "trace.npz", 0.1, 0)
    with pytest.raises(ValueError, match="learning_rate must be"):
        recorder.save(tmp_path / "trace.npz", float("nan"), 1)
    recorder.save(tmp_path / "trace.npz", 0.9, 1)
    assert np.load(tmp_path / "trace.npz")["learning_rate"] == pytest.approx(0.1)


@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_half_precision_is_converted_or_refused(kind):
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(3, 1).to(getattr(torch, kind))
    origin = ft.parameters(model)
    assert origin.dtype == np.float64 and np.array_equal(origin[3:], model.bias.detach().float().numpy())
    recorder = ft.TraceRecorder(model, origin, ft.orthonormal(torch.eye(2, 4, dtype=getattr(torch, kind))))
    recorder.record()
    assert np.array_equal(recorder.trace, [[0, 0]])
    for call in (
        lambda: ft.slice(model, squares, (X, Y), origin, np.eye(1, 4), {"s": (-1, 1, 4)}),
        lambda: ft.hessian(model, squares, (X, Y), origin),
    ):
        with pytest.raises(ValueError, match=rf"weight is {kind}.*copy.deepcopy\(model\).float\(\)"):
            call()


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
    own = origin[:12].reshape(3, 4)
    assert np.allclose(np.linalg.norm(rows, axis=1), np.linalg.norm(own, axis=1)) and (random[12:16] == 0).all()
    assert np.allclose(ft.minima(origin, origin + u, origin + v), [u, v])


def test_directions_of_curvature(model, data):
    origin = ft.parameters(model)
    directions, values, residuals = ft.hessian(model, squares, data, origin, 2, iterations=20)
    n, step = len(origin), 1e-4
    mean = lambda vector: losses(vector).mean()  # noqa: E731
    unit = np.eye(n) * step
    exact = np.array([[(mean(origin + a + b) - mean(origin + a - b) - mean(origin - a + b) + mean(origin - a - b)) / (4 * step**2) for a in unit] for b in unit])
    top = np.linalg.eigvalsh(exact)
    top = top[np.argsort(-abs(top))[:2]]
    assert np.allclose(values, top, rtol=1e-2) and (residuals < 1e-2 * abs(values[0])).all()
    assert abs(directions[0] @ exact @ directions[0] - top[0]) < 1e-2 * abs(top[0])


def test_a_trace_is_recorded_and_runs(model, data, tmp_path):
    origin, directions = ft.parameters(model), ft.orthonormal(ft.random(model, 1, seed=1))
    recorder = ft.TraceRecorder(model, origin, directions)
    coordinate = 0.0
    for _ in range(6000):
        coordinate += -0.1 * coordinate + 0.1 * generator.normal()
        put(model, origin + coordinate * directions[0])
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


def test_without_pytorch_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    model = torch_stand_in.Network()
    with pytest.raises(ImportError, match=r"pip install 'fpsolve\[torch\]'"):
        ft.slice(model, squares, (X, Y), ft.parameters(model), ft.random(model, 1), {"s": (-1, 1, 4)})


@pytest.fixture
def classifier():
    """Two layers with a batch norm and dropout between them, in single precision; inputs, classes."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 2))
    return torch, model, (torch.tensor(X, dtype=torch.float32), torch.tensor((X[:, 0] > 0).astype(np.int64)))


def test_batch_norm_is_frozen_at_the_origin_or_taken_anew(classifier):
    torch, model, (x, y) = classifier
    loss = torch.nn.CrossEntropyLoss(reduction="none")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    origin, directions = ft.parameters(model), ft.random(model, 1, seed=2)
    assert (directions[0][20:25] == 0).all()  # scale of the batch norm
    tables = {kind: ft.slice(model, loss, (x, y), origin, directions, {"s": (-1, 1, 5)}, kind, gradients=True) for kind in ("frozen", "recomputed")}
    after = model.state_dict()
    assert model.training and all(torch.equal(after[name], value) for name, value in before.items())
    # by hand: statistics over all samples at the origin, or at the node; no dropout
    first, norm, _, _, last = model
    for node in (0, 2, 4):
        for kind, table in tables.items():
            put(model, table.weights([table.nodes["s"][node]]))
            hidden = first(x)
            if kind == "frozen":
                moved = [parameter.clone() for parameter in first.parameters()]
                put(model, origin)
                statistics = first(x)
                put(model, table.weights([table.nodes["s"][node]]))
                assert all(torch.equal(a, b) for a, b in zip(moved, first.parameters()))
            else:
                statistics = hidden
            scaled = (hidden - statistics.mean(0)) / (statistics.var(0, unbiased=True) + norm.eps).sqrt()
            exact = loss(last(torch.tanh(scaled * norm.weight + norm.bias)), y).detach().numpy()
            assert np.allclose(table.arrays["losses"][:, node], exact, atol=2e-5), kind
    # gradients at fixed statistics are slopes of the losses
    frozen = tables["frozen"]
    fine = ft.slice(model, loss, (x, y), origin, directions, {"s": (-1e-2, 1e-2, 5)}, gradients=True)
    slope = (fine.arrays["losses"][:, 4] - fine.arrays["losses"][:, 0]) / 2e-2
    assert np.allclose(fine.arrays["gradients"][:, 0, 2], slope, atol=1e-3) and frozen.batch_norm == "frozen"


def test_an_optimizer_of_pytorch_leaves_its_trace(classifier):
    torch, model, (x, y) = classifier
    loss, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1)
    checkpoints, origin = [], ft.parameters(model)
    directions = ft.orthonormal(ft.random(model, 2, seed=5))
    recorder = ft.TraceRecorder(model, origin, directions, stride=2)
    generator = torch.Generator().manual_seed(1)
    for _ in range(20):
        batch = torch.randint(0, len(x), (8,), generator=generator)
        optimizer.zero_grad()
        loss(model(x[batch]), y[batch]).backward()
        optimizer.step()
        recorder.record()
        checkpoints.append(torch.nn.utils.parameters_to_vector(model.parameters()).clone())
    assert recorder.trace.shape == (10, 2)
    off = np.array([c.detach().numpy() for c in checkpoints[::2]], dtype=float) - origin
    assert np.allclose(recorder.trace, off @ directions.T, atol=1e-6)
    assert np.allclose(recorder.distance, np.linalg.norm(off - off @ directions.T @ directions, axis=1), atol=1e-6)
    found, explained = ft.pca(checkpoints)
    assert found.shape == (2, len(origin)) and 0 < explained.sum() <= 1 + 1e-12
    vectors, values, residuals = ft.hessian(model, torch.nn.CrossEntropyLoss(reduction="none"), (x, y), ft.parameters(model), 1)
    assert vectors.shape == (1, len(origin)) and values[0] > 0 and residuals[0] < 0.05 * values[0]
