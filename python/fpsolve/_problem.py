"""Problems of Python functions: tabulated on a lattice, interpolated by cubic splines."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ._run import Run, run

Array = npt.NDArray[np.float64]
Function = Callable[[Any], Any]


class CallableError(RuntimeError):
    """A function of the user failed or gave something else than numbers of the right shape; its own error is the cause."""


class Problem:
    """Functions of theta, evaluated in batches at the nodes of a lattice.

    Each function takes points of shape ``(n, d)`` (float64) and gives an array of NumPy, JAX or PyTorch:

    ``samples``
        ``(n, m)``: the loss of each of m samples. Every engine runs: D is the covariance of their gradients.
    ``loss``
        ``(n,)``: the loss; the drift is minus its gradient.
    ``drift``
        ``(n, d)``: the drift b; beside a loss it is compared with its slopes.
    ``diffusion``
        ``(n, d, d)``: the diffusion matrix D (without the temperature), symmetric and >= 0. For d = 1 ``(n,)`` will do, and so for drift.

    Parameters
    ----------
    variables
        Names of the components of theta, each with its nodes: ``{"x": (-2, 2, 41)}`` for 41 even nodes, or the nodes themselves. At least 4.
    batch
        Points that a function is given at a time.

    Raises
    ------
    CallableError
        A function failed, with its traceback, or gave numbers of another shape or none that are finite.
    """

    def __init__(
        self,
        variables: Mapping[str, Sequence[float] | Array],
        *,
        drift: Function | None = None,
        diffusion: Function | None = None,
        loss: Function | None = None,
        samples: Function | None = None,
        batch: int = 1024,
    ):
        if drift is None and loss is None and samples is None:
            raise ValueError("give samples, a loss or a drift")
        if batch < 1:
            raise ValueError("batch must be at least 1")
        self.nodes = {name: _nodes(name, given) for name, given in variables.items()}
        d = len(self.nodes)
        if not 1 <= d <= 3:
            raise ValueError(f"theta has 1 to 3 components, not {d}")
        points = np.stack([axis.ravel() for axis in np.meshgrid(*self.nodes.values(), indexing="ij")], axis=1)
        shape = tuple(len(nodes) for nodes in self.nodes.values())
        self.arrays: dict[str, Array] = {}
        for key, array, function, trailing in (
            ("samples", "losses", samples, (None,)),
            ("loss", "loss", loss, ()),
            ("drift", "drift", drift, (d,)),
            ("diffusion", "diffusion", diffusion, (d, d)),
        ):
            if function is not None:
                values = _evaluate(key, function, points, trailing, batch, self.place)
                self.arrays[array] = np.ascontiguousarray(np.moveaxis(values, 0, -1)).reshape(values.shape[1:] + shape)

    @staticmethod
    def place(point: Array) -> str:
        """A point in words."""
        return "(" + ", ".join(f"{x:g}" for x in point) + ")"

    @property
    def model(self) -> dict[str, Any]:
        """The table ``[model]`` of a scenario, without its file."""
        return {"kind": "table", "variables": list(self.nodes)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the table as .npz, for scenarios with ``[model] kind = "table"``."""
        arrays: dict[str, Any] = {**self.nodes, **self.arrays}
        np.savez(Path(path), **arrays)

    def run(self, scenario: Mapping[str, Any], **options: Any) -> Run:
        """Runs a scenario (a dict without ``"model"``) on these functions; ``options`` as for :func:`fpsolve.run`.

        Without ``"grid"`` the grid is the box of the nodes, with 200 cells on one axis, 100 on each of two, 40 on each of three.
        """
        if "model" in scenario:
            raise ValueError('the scenario has a "model": the functions take its place')
        cells = {1: 200, 2: 100, 3: 40}[len(self.nodes)]
        axes = [{"from": float(nodes[0]), "to": float(nodes[-1]), "cells": cells} for nodes in self.nodes.values()]
        with tempfile.TemporaryDirectory(prefix="fpsolve-") as folder:
            self.save(Path(folder) / "problem.npz")
            whole = {"name": "problem", "grid": {"axes": axes}, **scenario, "model": {**self.model, "file": "problem.npz"}}
            folders = [folder, *options.pop("data_folders", ())]
            return run(whole, data_folders=folders, **options)


def _nodes(name: str, given: Sequence[float] | Array) -> Array:
    if isinstance(given, tuple) and len(given) == 3 and isinstance(given[2], int):
        given = np.linspace(given[0], given[1], given[2])
    nodes = np.asarray(given, dtype=np.float64)
    if nodes.ndim != 1 or len(nodes) < 4:
        raise ValueError(f"the nodes of {name!r} are (from, to, number), or at least 4 numbers on one axis")
    if not (np.isfinite(nodes).all() and (np.diff(nodes) > 0).all()):
        raise ValueError(f"the nodes of {name!r} must be finite and increase")
    return nodes


def _numbers(value: Any) -> Array:
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach().cpu().numpy()
    return np.asarray(value, dtype=np.float64)


def _evaluate(
    key: str,
    function: Function,
    points: Array,
    trailing: tuple[int | None, ...],
    batch: int,
    place: Callable[[Array], str],
) -> Array:
    parts: list[Array] = []
    for first in range(0, len(points), batch):
        here = points[first : first + batch]
        where = f"{key} at points from {place(here[0])} to {place(here[-1])}"
        try:
            values = _numbers(function(here.copy()))
        except Exception as error:
            raise CallableError(f"{where}: {type(error).__name__}: {error}") from error
        width = tuple(values.shape[1 + k] if n is None and values.ndim > 1 + k else n for k, n in enumerate(trailing))
        if values.shape == (len(here),) and all(n == 1 for n in trailing):
            values = values.reshape(len(here), *(1 for _ in trailing))
        if values.shape != (len(here), *width) or (parts and values.shape[1:] != parts[0].shape[1:]):
            wanted = ", ".join([str(len(here)), *("m" if n is None else str(n) for n in trailing)])
            raise CallableError(f"{where}: gave the shape {values.shape}, not ({wanted})")
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            raise CallableError(f"{key} at {place(here[row])}: not a finite number")
        parts.append(values)
    return np.concatenate(parts)
