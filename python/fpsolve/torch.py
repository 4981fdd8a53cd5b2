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
from numbers import Real
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from ._problem import FIELDS, Problem, lattice, save_npz, whole
from ._values import did_you_mean, numbers

Array = npt.NDArray[np.float64]
Vector = Any  # a flat vector of parameters: NumPy or PyTorch
Vectors = Sequence[Vector] | npt.NDArray[Any]
BatchNorm = Literal["frozen", "recomputed"]

__all__ = ["Slice", "TraceRecorder", "hessian", "minima", "orthonormal", "parameters", "pca", "random", "slice"]


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError("fpsolve.torch needs PyTorch: pip install 'fpsolve[torch]'") from error
    return torch


def _flat(vector: Vector, what: str = "a vector of parameters") -> Array:
    try:
        return numbers(vector).ravel()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{what} must be flat numbers, as fpsolve.torch.parameters gives them: {error}") from error


def _vectors(given: Vectors, what: str, size: int | None = None) -> Array:
    """Flat vectors of one length, that of the first or ``size``. Raises ValueError: they are none."""
    try:
        given = list(given)
    except TypeError:
        raise ValueError(f"{what}s are a list of vectors, not {given!r}") from None
    if given and np.ndim(given[0]) == 0:
        raise ValueError(f"{what}s are a list of vectors: for a single one write [{what}]")
    vectors = [_flat(vector, f"{what} {k}") for k, vector in enumerate(given)]
    if not vectors:
        raise ValueError(f"there must be at least one {what}")
    size = len(vectors[0]) if size is None else size
    for k, vector in enumerate(vectors):
        if len(vector) != size:
            raise ValueError(f"{what} {k} has {len(vector)} numbers, not {size}")
        if not np.isfinite(vector).all():
            raise ValueError(f"{what} {k} has numbers that are not finite")
    return np.array(vectors)


def _origin(model: Any, origin: Vector) -> Array:
    """The origin as a vector. Raises ValueError: it is none of the parameters of the model."""
    start, size = _flat(origin, "the origin"), len(parameters(model))
    if len(start) != size:
        raise ValueError(f"the origin has {len(start)} numbers, and the model {size} parameters")
    if not np.isfinite(start).all():
        raise ValueError("the origin has numbers that are not finite")
    return start


def _check_positive(name: str, value: Any) -> None:
    if not (isinstance(value, Real) and 0 < float(value) < float("inf")):
        raise ValueError(f"{name} must be a number above 0, not {value!r}")


def _check_precision(model: Any) -> None:
    """Raises ValueError: the losses of the model are too coarse for slopes."""
    for name, parameter in model.named_parameters():
        if str(parameter.dtype) in ("torch.bfloat16", "torch.float16"):
            kind = str(parameter.dtype).removeprefix("torch.")
            raise ValueError(
                f"the parameter {name} is {kind}, of 2 or 3 digits: losses so coarse have no slopes; "
                "convert a copy: copy.deepcopy(model).float()"
            )


def parameters(model: Any) -> Array:
    """The parameters of a model as one flat vector."""
    return np.concatenate([_flat(parameter) for _, parameter in model.named_parameters()])


def _named(model: Any, vector: Array) -> dict[str, Any]:
    """The tensors of a flat vector by their names, with the type and device of the model's."""
    torch, named, first = _torch(), {}, 0
    for name, parameter in model.named_parameters():
        size = int(np.prod(parameter.shape))
        part = vector[first : first + size].reshape(tuple(parameter.shape))
        named[name] = torch.as_tensor(part, dtype=parameter.dtype, device=parameter.device)
        first += size
    return named


def orthonormal(directions: Vectors) -> Array:
    """Directions made orthogonal, each to the length 1 (Gram-Schmidt, in their order). Raises ValueError: they are not independent."""
    kept: list[Array] = []
    for k, vector in enumerate(_vectors(directions, "direction")):
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
        save_npz(path, {**self._contents(), "origin": self.origin, "directions": self.directions})


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
    directions: Vectors,
    axes: Mapping[str, Sequence[float] | Array],
    batch_norm: BatchNorm = "frozen",
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
        Directions that depend on each other, or more than three; vectors of another length than the model's; a model in half
        precision; losses that are not one for each sample, or not finite.
    """
    torch = _torch()
    kinds = get_args(BatchNorm)
    if batch_norm not in kinds:
        raise ValueError(f"batch_norm cannot be {batch_norm!r}: {did_you_mean(batch_norm, kinds)}")
    _check_positive("length", length)
    _check_precision(model)
    inputs, targets = data
    start = _origin(model, origin)
    given = _vectors(directions, "direction", len(start))
    if len(given) > 3:
        raise ValueError(f"{len(given)} directions: a table has 1 to 3 variables")
    basis = length * orthonormal(given)
    nodes = lattice(axes, (*FIELDS, "origin", "directions"))
    if len(nodes) != len(basis):
        raise ValueError(f"{len(nodes)} axes for {len(basis)} directions")
    points = np.stack([axis.ravel() for axis in np.meshgrid(*nodes.values(), indexing="ij")], axis=1)
    shape = tuple(len(axis) for axis in nodes.values())

    def losses_at(named: dict[str, Any]) -> Any:
        output = torch.func.functional_call(model, named, (inputs,))
        losses = loss_fn(output, targets)
        if losses.ndim == 0 or losses.shape[0] != len(inputs):
            raise ValueError(f'loss_fn gave the shape {tuple(losses.shape)} for {len(inputs)} samples: use reduction="none"')
        sides = [tuple(side.shape) for side in (output, targets) if hasattr(side, "shape")]
        if len(sides) == 2 and np.prod(losses.shape) > max(np.prod(side) for side in sides):
            raise ValueError(
                f"loss_fn gave the shape {tuple(losses.shape)} for outputs {sides[0]} and targets {sides[1]}, "
                "each output against every target: give both the same shape"
            )
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
            here = numbers(losses_at(named))
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
    start = _flat(origin, "the origin")
    return _vectors(others, "vector", len(start)) - start


def pca(checkpoints: Vectors, k: int = 2) -> tuple[Array, Array]:
    """The k directions in which a path spread most, from the checkpoints to the last one, and the shares of the squares that they explain."""
    path, k = _vectors(checkpoints, "checkpoint"), whole("k", k)
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
    for _ in range(whole("k", k)):
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
    torch, k = _torch(), whole("k", k)
    _check_precision(model)
    inputs, targets = data
    start = _origin(model, origin)

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

    ``stride`` keeps every so many steps. :meth:`save` writes what ``[model] kind = "traces"`` reads. The directions are orthogonal
    and of one length, as those of a slice or of :func:`orthonormal`: only then is there one learning rate in their plane.

    Raises
    ------
    ValueError
        Other directions, or none of the model; a stride that is no whole number from 1 on.
    """

    def __init__(self, model: Any, origin: Vector, directions: Vectors, *, stride: int = 1):
        self._model, self._origin = model, _origin(model, origin)
        self._directions = _vectors(directions, "direction", len(self._origin))
        lengths = np.linalg.norm(self._directions, axis=1)
        if len(lengths) > 3:
            raise ValueError(f"{len(lengths)} directions: traces have 1 to 3 variables")
        advice = "take those of a slice, or fpsolve.torch.orthonormal(directions)"
        if not lengths[0] > 0 or not np.allclose(lengths, lengths[0], rtol=1e-4, atol=0.0):
            said = ", ".join(f"{length:g}" for length in lengths)
            raise ValueError(f"the directions have the lengths {said}: {advice}")
        cosines = self._directions @ self._directions.T / lengths[0] ** 2
        if not np.allclose(cosines, np.eye(len(lengths)), atol=1e-3):  # single precision
            raise ValueError(f"the directions are not orthogonal: {advice}")
        self._inverse = np.linalg.pinv(self._directions)
        self._stride, self._steps = whole("stride", stride), 0
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
        """Writes the trace of this one walker; ``learning_rate`` is that in the weights. Raises ValueError: nothing was recorded."""
        if not self._trace:
            raise ValueError("no step was recorded: call record() after each optimizer.step()")
        _check_positive("learning_rate", learning_rate)
        length = float(np.linalg.norm(self._directions[0]))
        arrays = {
            "trace": self.trace[None],
            "trace_distance": self.distance[None],
            "stride": self._stride,
            "learning_rate": learning_rate / length**2,
            "batch_size": whole("batch_size", batch_size),
        }
        save_npz(path, arrays)
