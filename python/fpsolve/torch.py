"""From PyTorch: a plane through the weights of a network as a table, directions for it, and the path of an optimizer on it.

    import fpsolve.torch as ft
    origin = ft.parameters(model)
    directions, explained = ft.pca(checkpoints)
    table = ft.slice(model, torch.nn.CrossEntropyLoss(reduction="none"), (x, y), origin, directions, {"s": (-1, 1, 41), "t": (-1, 1, 41)})
    table.save("slice.npz")                 # [model] kind = "table"
    run = table.run({"dynamics": {"learning_rate": table.learning_rate(0.02), "batch_size": 64}, …})

What runs on a slice is stochastic gradient descent that is kept in the plane. PyTorch is imported when a function needs it (``pip install
'fpsolve[torch]'``). Vectors of parameters are flat, in the order of ``model.named_parameters()``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ._problem import Problem, _nodes

Array = npt.NDArray[np.float64]
Vector = Any  # a flat vector of parameters: NumPy or PyTorch

__all__ = ["Slice", "TraceRecorder", "hessian", "minima", "orthonormal", "parameters", "pca", "random", "slice"]


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError("fpsolve.torch needs PyTorch: pip install 'fpsolve[torch]'") from error
    return torch


def _flat(vector: Vector) -> Array:
    if hasattr(vector, "detach"):
        vector = vector.detach().cpu().numpy()
    return np.asarray(vector, dtype=np.float64).ravel()


def parameters(model: Any) -> Array:
    """The parameters of a model as one flat vector."""
    return np.concatenate([_flat(parameter) for _, parameter in model.named_parameters()])


def _named(model: Any, vector: Array) -> dict[str, Any]:
    """The tensors of a flat vector by their names, with the type and device of the model's."""
    torch, named, first = _torch(), {}, 0
    size = sum(int(np.prod(parameter.shape)) for _, parameter in model.named_parameters())
    if size != len(vector):
        raise ValueError(f"a vector of {len(vector)} parameters for a model of {size}")
    for name, parameter in model.named_parameters():
        size = int(np.prod(parameter.shape))
        part = vector[first : first + size].reshape(tuple(parameter.shape))
        named[name] = torch.as_tensor(part, dtype=parameter.dtype, device=parameter.device)
        first += size
    return named


def orthonormal(directions: Sequence[Vector]) -> Array:
    """Directions made orthogonal, each to the length 1 (Gram-Schmidt, in their order). Raises ValueError: they are not independent."""
    kept: list[Array] = []
    for k, direction in enumerate(directions):
        vector = _flat(direction)
        length = np.linalg.norm(vector)
        for _ in range(2):  # twice is enough for orthogonality to rounding
            for other in kept:
                vector = vector - (vector @ other) * other
        rest = np.linalg.norm(vector)
        if not rest > 1e-9 * length:
            raise ValueError(f"direction {k} is zero or depends on those before it")
        kept.append(vector / rest)
    return np.array(kept)


class Slice(Problem):
    """Losses of samples at the nodes of a plane (or line, or box) through the weights: a table, see :class:`fpsolve.Problem`."""

    def __init__(self, nodes: Mapping[str, Array], arrays: Mapping[str, Array], origin: Array, directions: Array, batch_norm: str):
        self.nodes = dict(nodes)
        self.arrays = dict(arrays)
        self.origin, self.directions, self.batch_norm = origin, directions, batch_norm
        self.length = float(np.linalg.norm(directions[0]))
        """Common length of the directions."""

    def learning_rate(self, learning_rate: float) -> float:
        """Learning rate in the coordinates of the plane of descent with ``learning_rate`` in the weights: eta/|a|^2."""
        return learning_rate / self.length**2

    def weights(self, point: Sequence[float]) -> Array:
        """The flat vector of parameters at a point of the plane."""
        return self.origin + np.asarray(point, dtype=np.float64) @ self.directions

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the table as .npz, with ``origin`` and ``directions`` beside it."""
        arrays: dict[str, Any] = {**self.nodes, **self.arrays, "origin": self.origin, "directions": self.directions}
        np.savez(Path(path), **arrays)


def _is_batch_norm(module: Any) -> bool:
    return hasattr(module, "running_mean") and hasattr(module, "track_running_stats")


def _copy(value: Any) -> Any:
    return None if value is None else value.clone()


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """Puts a model into evaluation, and back, with the statistics of its batch norms as they were."""
    norms = [module for module in model.modules() if _is_batch_norm(module)]
    held = ("running_mean", "running_var", "num_batches_tracked")
    before = [(module.momentum, {name: _copy(getattr(module, name, None)) for name in held}) for module in norms]
    training = model.training
    model.eval()
    try:
        yield
    finally:
        for module, (momentum, values) in zip(norms, before):
            module.momentum = momentum
            for name, value in values.items():
                setattr(module, name, value)
        model.train(training)


def _statistics(model: Any, forward: Callable[[], Any]) -> None:
    """Takes the statistics of batch norms from one pass over all samples."""
    norms = [module for module in model.modules() if _is_batch_norm(module)]
    if not norms:
        return
    for module in norms:
        module.momentum = 1.0  # the statistics of this pass alone
        module.train(True)
    forward()
    for module in norms:
        module.train(False)


def _forward_mode(function: Callable[[Any], Any], named: dict[str, Any], tangent: dict[str, Any]) -> Any:
    """The derivative of a function of the named tensors along a tangent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch compiles its own rules of forward mode by torch.jit.script, and warns of it
        return _torch().func.jvp(function, (named,), (tangent,))[1]


def slice(
    model: Any,
    loss_fn: Callable[[Any, Any], Any],
    data: tuple[Any, Any],
    origin: Vector,
    directions: Sequence[Vector],
    axes: Mapping[str, Sequence[float] | Array],
    batch_norm: Literal["frozen", "recomputed"] = "frozen",
    *,
    length: float = 1.0,
    gradients: bool = False,
) -> Slice:
    """Losses of every sample at the nodes of a plane through the weights, by one forward pass a node.

    Parameters
    ----------
    loss_fn
        ``loss_fn(output, target)`` with one loss for each sample (``reduction="none"``); further axes are averaged.
    data
        Inputs and targets, samples first. For more than some thousand samples take a random subset.
    directions
        One to three vectors; they are made orthogonal, and ``length`` long.
    axes
        Names of the coordinates with their nodes, ``{"s": (-1, 1, 41), "t": (-1, 1, 41)}``, in units of the directions.
    batch_norm
        ``"frozen"``: statistics over all samples at the origin, kept on the plane; ``"recomputed"``: at each node.
    gradients
        Whether the gradients of the samples are stored too (``torch.func.jvp``, one pass more for each direction): the run then tells how far the
        slopes of the interpolation are from them.

    Raises
    ------
    ValueError
        Directions that depend on each other; losses that are not one for each sample, or not finite.
    """
    torch = _torch()
    inputs, targets = data
    start, basis = _flat(origin), length * orthonormal(directions)
    nodes = {name: _nodes(name, given) for name, given in axes.items()}
    if len(nodes) != len(basis):
        raise ValueError(f"{len(nodes)} axes for {len(basis)} directions")
    points = np.stack([axis.ravel() for axis in np.meshgrid(*nodes.values(), indexing="ij")], axis=1)
    shape = tuple(len(axis) for axis in nodes.values())

    def losses_at(named: dict[str, Any]) -> Any:
        losses = loss_fn(torch.func.functional_call(model, named, (inputs,)), targets)
        if losses.ndim == 0 or losses.shape[0] != len(inputs):
            raise ValueError(f'loss_fn gave the shape {tuple(losses.shape)} for {len(inputs)} samples: use reduction="none"')
        return losses.reshape(len(inputs), -1).mean(1)

    tangents = [_named(model, direction) for direction in basis]
    losses, slopes = [], []
    with _evaluating(model), torch.no_grad():
        if batch_norm == "frozen":
            _statistics(model, lambda: losses_at(_named(model, start)))
        for point in points:
            named = _named(model, start + point @ basis)
            if batch_norm == "recomputed":
                _statistics(model, lambda: losses_at(named))
            here = losses_at(named).detach().cpu().numpy().astype(np.float64)
            if not np.isfinite(here).all():
                raise ValueError(f"the loss of sample {int(np.argmin(np.isfinite(here)))} is not finite at {Problem.place(point)}")
            losses.append(here)
            if gradients:
                slopes.append([_flat(_forward_mode(losses_at, named, tangent)) for tangent in tangents])
    arrays = {"losses": np.ascontiguousarray(np.array(losses).T).reshape(-1, *shape)}
    if gradients:
        arrays["gradients"] = np.ascontiguousarray(np.moveaxis(np.array(slopes), 0, 2).swapaxes(0, 1)).reshape(-1, len(basis), *shape)
    return Slice(nodes, arrays, start, basis, batch_norm)


def minima(origin: Vector, *others: Vector) -> Array:
    """Directions from one vector of parameters to others: the coordinates of the other k are 0 but for 1 at k, before they are made orthogonal."""
    directions: Array = np.array([_flat(other) - _flat(origin) for other in others])
    return directions


def pca(checkpoints: Sequence[Vector], k: int = 2) -> tuple[Array, Array]:
    """The k directions in which a path spread most, from the checkpoints to the last one, and the shares of the squares that they explain."""
    path = np.array([_flat(checkpoint) for checkpoint in checkpoints])
    off = path[:-1] - path[-1]
    if len(off) < k:
        raise ValueError(f"{k} directions need at least {k + 1} checkpoints, not {len(path)}")
    values, vectors = np.linalg.eigh(off @ off.T)  # the Gram matrix: never parameters × parameters
    values, vectors = values[::-1], vectors[:, ::-1]
    if not values[k - 1] > 1e-14 * len(off) * values[0]:  # less is the rounding of the Gram matrix
        raise ValueError(f"the checkpoints spread in fewer than {k} directions")
    return vectors[:, :k].T @ off / np.sqrt(values[:k, None]), values[:k] / values.sum()


def random(model: Any, k: int = 2, seed: int = 0) -> Array:
    """Random directions, normalised by filters: each filter (row of a weight) as long as the model's own; 0 for biases and batch norms."""
    generator = np.random.default_rng(seed)
    directions: list[Array] = []
    for _ in range(k):
        parts: list[Array] = []
        for _, parameter in model.named_parameters():
            own = _flat(parameter).reshape(tuple(parameter.shape))
            if own.ndim < 2:
                parts.append(np.zeros(own.size))
                continue
            drawn: Array = np.asarray(generator.normal(size=own.shape))
            flat, drawn_flat = own.reshape(len(own), -1), drawn.reshape(len(own), -1)
            scale = np.linalg.norm(flat, axis=1) / np.linalg.norm(drawn_flat, axis=1)
            parts.append((drawn_flat * scale[:, None]).ravel())
        directions.append(np.concatenate(parts))
    return np.array(directions)


def hessian(
    model: Any,
    loss_fn: Callable[[Any, Any], Any],
    data: tuple[Any, Any],
    origin: Vector,
    k: int = 2,
    *,
    iterations: int = 30,
    step: float = 1e-3,
    seed: int = 0,
) -> tuple[Array, Array, Array]:
    """The k directions of largest curvature of the mean loss: vectors, eigenvalues, residuals.

    Lanczos' method; products with the Hessian by central differences of the gradient, two backward passes each.
    """
    torch = _torch()
    inputs, targets = data
    start = _flat(origin)

    def gradient(vector: Array) -> Array:
        named = {name: tensor.requires_grad_(True) for name, tensor in _named(model, vector).items()}
        loss = loss_fn(torch.func.functional_call(model, named, (inputs,)), targets).mean()
        parts: list[Array] = [_flat(part) for part in torch.autograd.grad(loss, list(named.values()))]
        return np.concatenate(parts)

    with _evaluating(model):
        size = step * max(float(np.linalg.norm(start)), 1.0) / float(np.sqrt(max(len(start), 1)))

        def product(vector: Array) -> Array:
            difference: Array = gradient(start + size * vector) - gradient(start - size * vector)
            return difference / (2 * size)

        vector = np.random.default_rng(seed).normal(size=len(start))
        basis, alphas, betas = [vector / np.linalg.norm(vector)], [], []
        for _ in range(min(iterations, len(start))):
            image = product(basis[-1])
            alphas.append(float(image @ basis[-1]))
            for _ in range(2):  # orthogonal to all before
                for other in basis:
                    image = image - (image @ other) * other
            beta = float(np.linalg.norm(image))
            if beta <= 1e-10 * max(abs(alpha) for alpha in alphas) or len(basis) == len(start):
                break
            betas.append(beta)
            basis.append(image / beta)
    n = len(alphas)
    if n < k:
        raise ValueError(f"only {n} directions of curvature were found, not {k}")
    matrix = np.diag(alphas) + np.diag(betas[: n - 1], 1) + np.diag(betas[: n - 1], -1)
    values, vectors = np.linalg.eigh(matrix)
    last = betas[n - 1] if len(betas) >= n else 0.0
    top = np.argsort(-np.abs(values))[:k]
    return vectors[:, top].T @ np.array(basis[:n]), values[top], np.abs(last * vectors[-1, top])


class TraceRecorder:
    """The path of an optimizer, projected onto a plane at each step: call :meth:`record` after ``optimizer.step()``.

    ``stride`` keeps every so many steps. :meth:`save` writes what ``[model] kind = "traces"`` reads.
    """

    def __init__(self, model: Any, origin: Vector, directions: Sequence[Vector], *, stride: int = 1):
        self._model, self._origin, self._directions = model, _flat(origin), np.array([_flat(d) for d in directions])
        self._inverse = np.linalg.pinv(self._directions)
        self._stride, self._steps = stride, 0
        self._trace: list[Array] = []
        self._distance: list[float] = []

    def record(self) -> None:
        """Notes where the model is now."""
        if self._steps % self._stride == 0:
            off = parameters(self._model) - self._origin
            point = off @ self._inverse
            self._trace.append(point)
            self._distance.append(float(np.linalg.norm(off - point @ self._directions)))
        self._steps += 1

    @property
    def trace(self) -> Array:
        """Coordinates in the plane, rows × directions."""
        return np.array(self._trace)

    @property
    def distance(self) -> Array:
        """Distances off the plane, one for each row."""
        return np.array(self._distance)

    def save(self, path: str | os.PathLike[str], learning_rate: float, batch_size: int) -> None:
        """Writes the trace of this one walker; ``learning_rate`` is that in the weights."""
        length = float(np.linalg.norm(self._directions[0]))
        np.savez(
            Path(path),
            trace=self.trace[None],
            trace_distance=self.distance[None],
            stride=np.array(self._stride),
            learning_rate=np.array(learning_rate / length**2),
            batch_size=np.array(batch_size),
        )
