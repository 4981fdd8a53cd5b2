"""A stand-in for PyTorch in NumPy: the calls that fpsolve.torch makes, with reverse mode for a few operations.

Used where PyTorch cannot be had. What it cannot show is whether PyTorch's own functions take these calls.
"""

import contextlib
import types

import numpy as np


class Tensor:
    """An array with the operations that made it."""

    def __init__(self, array, parents=()):
        self.array, self.parents = np.asarray(array, dtype=np.float64), parents

    shape = property(lambda self: self.array.shape)
    ndim = property(lambda self: self.array.ndim)
    dtype = property(lambda self: self.array.dtype)
    device = "cpu"

    def __len__(self):
        return len(self.array)

    def __matmul__(self, other):
        a, b = self, as_tensor(other)
        return Tensor(a.array @ b.array, ((a, lambda g: g @ b.array.T), (b, lambda g: a.array.T @ g)))

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor(self.array + other.array, ((self, lambda g: _to(g, self.shape)), (other, lambda g: _to(g, other.shape))))

    def __sub__(self, other):
        return self + as_tensor(other) * -1.0

    def __mul__(self, other):
        a, b = self, as_tensor(other)
        return Tensor(a.array * b.array, ((a, lambda g: _to(g * b.array, a.shape)), (b, lambda g: _to(g * a.array, b.shape))))

    def tanh(self):
        h = np.tanh(self.array)
        return Tensor(h, ((self, lambda g: g * (1 - h * h)),))

    def mean(self, axis=None):
        size = self.array.size if axis is None else self.shape[axis]
        spread = lambda g: np.broadcast_to(g if axis is None else np.expand_dims(g, axis), self.shape) / size  # noqa: E731
        return Tensor(self.array.mean(axis), ((self, spread),))

    def reshape(self, *shape):
        return Tensor(self.array.reshape(*shape), ((self, lambda g: g.reshape(self.shape)),))

    def requires_grad_(self, wanted):
        return self

    def detach(self):
        return self

    def cpu(self):
        return self

    def is_complex(self):
        return False

    def double(self):
        return self

    def clone(self):
        return Tensor(self.array.copy())

    def numpy(self):
        return self.array


def _to(gradient, shape):
    """Sums a gradient over the axes that were broadcast."""
    while gradient.ndim > len(shape):
        gradient = gradient.sum(0)
    for axis, n in enumerate(shape):
        if n == 1 and gradient.shape[axis] > 1:
            gradient = gradient.sum(axis, keepdims=True)
    return gradient


def as_tensor(value, dtype=None, device=None):
    return value if isinstance(value, Tensor) else Tensor(value)


def _grad(output, inputs):
    order, seen = [], set()

    def visit(tensor):
        if id(tensor) not in seen:
            seen.add(id(tensor))
            for parent, _ in tensor.parents:
                visit(parent)
            order.append(tensor)

    visit(output)
    gradients = {id(output): np.ones(output.shape)}
    for tensor in reversed(order):
        for parent, back in tensor.parents:
            gradients[id(parent)] = gradients.get(id(parent), 0) + back(gradients[id(tensor)])
    return [Tensor(gradients[id(tensor)]) for tensor in inputs]


def _functional_call(model, named, arguments):
    return model.forward(named, *arguments)


def _jvp(function, primals, tangents):
    step = 1e-6
    (named,), (tangent,) = primals, tangents
    moved = [{k: Tensor(v.array + s * tangent[k].array) for k, v in named.items()} for s in (step, -step)]
    plus, minus = (function(m).array for m in moved)
    return function(named), Tensor((plus - minus) / (2 * step))


class Network:
    """tanh(x W + b) w: two layers."""

    def __init__(self, inputs=3, hidden=4, seed=0):
        generator = np.random.default_rng(seed)
        self.weights = {
            "first.weight": Tensor(generator.normal(size=(inputs, hidden))),
            "first.bias": Tensor(0.1 * generator.normal(size=hidden)),
            "last.weight": Tensor(generator.normal(size=(hidden, 1))),
        }
        self.training = True

    def named_parameters(self):
        return list(self.weights.items())

    def modules(self):
        return [self]

    def eval(self):
        self.training = False

    def train(self, wanted=True):
        self.training = wanted

    def forward(self, named, x):
        return (as_tensor(x) @ named["first.weight"] + named["first.bias"]).tanh() @ named["last.weight"]


def module():
    """The stand-in as a module."""
    torch = types.ModuleType("torch")
    torch.as_tensor, torch.no_grad = as_tensor, contextlib.nullcontext
    torch.func = types.SimpleNamespace(functional_call=_functional_call, jvp=_jvp)
    torch.autograd = types.SimpleNamespace(grad=_grad)
    return torch
