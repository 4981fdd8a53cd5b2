"""Problems of Python functions."""

import traceback

import numpy as np
import pytest

import fpsolve

REST = {
    "dynamics": {"temperature": 0.2},
    "initial": {"kind": "gaussian", "mean": [-1.0], "std": [0.3]},
    "time": {"end": 2.0, "outputs": 3},
    "engines": ["fokker-planck"],
}
NODES = {"x": (-2.5, 2.5, 61)}


def formula(model, rest):
    return fpsolve.run({**rest, "model": model, "grid": {"axes": [{"from": -2.5, "to": 2.5, "cells": 200}]}}, progress=False)


def test_drift_and_diffusion_are_the_problem_of_the_formulas():
    given = fpsolve.Problem(NODES, drift=lambda p: p - p**3, diffusion=lambda p: 1 + p[:, 0] ** 2)
    table = given.run(REST, progress=False)
    exact = formula(
        {"kind": "formula", "variables": ["x"], "drift": ["x - x^3"]}, {**REST, "noise": {"kind": "formula", "diffusion": [["1 + x^2"]]}}
    )
    distance = 0.5 * abs(table.fokker_planck.density - exact.fokker_planck.density).sum("x") * 5 / 200
    assert float(distance.max()) < 1e-9  # cubics are exact
    assert "loss" not in table.problem


def test_a_loss_gives_its_slopes():
    given = fpsolve.Problem(NODES, loss=lambda p: np.cos(2 * p[:, 0]) + p[:, 0] ** 2)
    table = given.run(REST, progress=False)
    exact = formula({"kind": "formula", "variables": ["x"], "loss": "cos(2*x) + x^2"}, REST)
    assert float(abs(table.problem.drift - exact.problem.drift).max()) < 2e-3
    assert float(abs(table.stationary.density - exact.stationary.density).sum()) * 5 / 200 < 1e-3


def test_samples_run_every_engine():
    a = np.array([0.5, -0.5, 1.0, -1.0])
    given = fpsolve.Problem({"x": (-3.0, 3.0, 41)}, samples=lambda p: (p - a) ** 2 / 2, batch=7)
    assert given.arrays["losses"].shape == (4, 41)
    rest = {**REST, "dynamics": {"learning_rate": 0.1, "batch_size": 1}, "engines": ["fokker-planck", "sgd", "transfer-operator"], "sgd": {"walkers": 2000}}
    run = given.run(rest, progress=False)
    # OU: variance T D = eta/2 * mean(a^2)
    assert run.number("stationary/covariance/x/x") == pytest.approx(0.05 * np.mean(a**2), rel=0.02)
    assert run["problem/table"].attrs["samples"] == 4


def test_three_variables():
    nodes = {name: (-2.0, 2.0, 9) for name in "xyz"}
    given = fpsolve.Problem(nodes, loss=lambda p: (p**2).sum(1) / 2, diffusion=lambda p: np.broadcast_to(np.eye(3), (len(p), 3, 3)))
    rest = {**REST, "initial": {"kind": "gaussian", "mean": [0.5, 0.0, 0.0], "std": [0.3] * 3}, "grid": {"axes": [{"from": -2, "to": 2, "cells": 16}] * 3}}
    run = given.run(rest, progress=False)
    assert run.problem.drift.dims == ("component", "x", "y", "z")
    assert float(abs(run.problem.drift[0] + run.problem.x).max()) < 1e-9


def test_errors_of_the_user_come_back_with_their_traceback():
    def broken(points):
        return np.log(points["x"])

    with pytest.raises(fpsolve.CallableError, match=r"loss at points from \(-2.5\).*IndexError") as caught:
        fpsolve.Problem(NODES, loss=broken)
    frames = traceback.extract_tb(caught.value.__cause__.__traceback__)
    assert any(frame.name == "broken" for frame in frames)


@pytest.mark.parametrize(
    "functions, words",
    [
        ({"loss": lambda p: p[:3, 0]}, "gave the shape"),
        ({"loss": lambda p: np.where(p[:, 0] > 1, np.nan, 0.0)}, r"loss at \(1.0"),
        ({"drift": lambda p: np.ones((len(p), 2))}, r"not \(61, 1\)"),
        ({"samples": lambda p: np.ones(len(p))}, "gave the shape"),
        ({"loss": lambda p: p[:, 0], "diffusion": lambda p: np.ones((len(p), 2, 2))}, r"not \(61, 1, 1\)"),
    ],
)
def test_wrong_numbers_are_told(functions, words):
    with pytest.raises(fpsolve.CallableError, match=words):
        fpsolve.Problem(NODES, **functions)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (-1, 1, 1)])
def test_one_number_at_a_point_may_stand_in_columns(shape):
    square = lambda p: (1 + p**2).reshape(shape)  # noqa: E731
    given = fpsolve.Problem(NODES, loss=square, drift=square, diffusion=square)
    exact = 1 + given.nodes["x"] ** 2
    assert {name: array.shape for name, array in given.arrays.items()} == {"loss": (61,), "drift": (1, 61), "diffusion": (1, 1, 61)}
    assert all(np.array_equal(array.ravel(), exact) for array in given.arrays.values())


@pytest.mark.parametrize(
    "value, words",
    [
        (lambda p: p[:, 0] + 0j, r"complex numbers: give their real part \(`.real`\)"),
        (lambda p: np.ma.masked_less(p[:, 0], 0), "masked entries in place of numbers: fill them"),
        (lambda p: None, "is there a `return`"),
        (lambda p: "no numbers", "could not convert string"),
    ],
)
def test_what_is_no_number_is_told(value, words):
    with pytest.raises(fpsolve.CallableError, match=rf"loss at points from \(-2.5\) to \(2.5\): .*{words}"):
        fpsolve.Problem(NODES, loss=value)
    assert "loss" in fpsolve.Problem(NODES, loss=lambda p: np.ma.asarray(p[:, 0])).arrays  # nothing is masked


def test_samples_stand_alone():
    samples = lambda p: (p - np.array([1.0, -1.0])) ** 2  # noqa: E731
    for other in ("loss", "drift", "diffusion"):
        with pytest.raises(ValueError, match=f"samples and {other} are given.*leave {other} out, or samples"):
            fpsolve.Problem(NODES, samples=samples, **{other: lambda p: p})


def test_unknown_words_are_told():
    with pytest.raises(TypeError, match="Problem has no argument 'diffuson': did you mean 'diffusion'"):
        fpsolve.Problem(NODES, loss=lambda p: p, diffuson=lambda p: p)
    given = fpsolve.Problem(NODES, loss=lambda p: p**2)
    with pytest.raises(TypeError, match="run has no argument 'outptu': did you mean 'output'"):
        given.run(REST, outptu="a.h5")
    with pytest.raises(TypeError, match="the scenario must be a dict"):
        given.run("scenario.toml")
    given.arrays["difusion"] = np.ones(61)
    with pytest.raises(ValueError, match="no array 'difusion': did you mean 'diffusion'"):
        given.run(REST, progress=False)


@pytest.mark.parametrize("name", ["file", "allow_pickle", "args", "self"])
def test_a_variable_may_have_any_name(name, tmp_path):
    given = fpsolve.Problem({name: (-2.5, 2.5, np.int64(61))}, loss=lambda p: p**2)
    given.save(tmp_path / "table")
    with np.load(tmp_path / "table.npz") as table:
        assert set(table) == {name, "loss"} and np.array_equal(table[name], given.nodes[name])
    if name == "file":
        assert given.run(REST, progress=False).variables == [name]


def test_wrong_arguments_are_told():
    for nodes in ((0, 1, 3), (0, 1, True), (0, 1, 41.0), (0, np.inf, 41), (0, 1j, 41), np.ma.masked_less(np.arange(5), 2), "abc", None):
        with pytest.raises(ValueError, match="the nodes of 'x'"):
            fpsolve.Problem({"x": nodes}, loss=lambda p: p[:, 0])
    with pytest.raises(ValueError, match="cannot be called 'drift'"):
        fpsolve.Problem({"drift": (0, 1, 4)}, loss=lambda p: p[:, 0])
    with pytest.raises(ValueError, match="batch must be a whole number"):
        fpsolve.Problem(NODES, loss=lambda p: p[:, 0], batch=2.5)
    with pytest.raises(ValueError, match="samples, a loss or a drift"):
        fpsolve.Problem(NODES)
    with pytest.raises(ValueError, match="1 to 3 components"):
        fpsolve.Problem({c: (0, 1, 4) for c in "abcd"}, loss=lambda p: p[:, 0])
    with pytest.raises(ValueError, match="'x' must be finite and increase"):
        fpsolve.Problem({"x": [0, 2, 1, 3]}, loss=lambda p: p[:, 0])
    given = fpsolve.Problem(NODES, loss=lambda p: p[:, 0] ** 2)
    with pytest.raises(ValueError, match="already|take its place"):
        given.run({**REST, "model": {}})
    with pytest.raises(fpsolve.ScenarioError, match='engine "sgd" needs a model with samples'):
        given.run({**REST, "engines": ["sgd"]}, progress=False)
    with pytest.raises(fpsolve.ScenarioError, match="the table only from -2.5 to 2.5"):
        given.run({**REST, "grid": {"axes": [{"from": -3, "to": 3, "cells": 60}]}}, progress=False)
