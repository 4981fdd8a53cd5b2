"""Makes traces.npz: stochastic gradient descent with batches of one sample, 32 walkers over 4,000 steps, by NumPy alone.

L(x) = x^4/4 - x^2/2, samples l_i = L + 1.2 (a_i x + 0.35 c_i x^2) with a, c of mean 0, variance 1 and no correlation, i = 1 ... 100; so
b(x) = x - x^3 and D(x) = 1.44 (1 + 0.49 x^2). Learning rate 0.1; the first 2,000 steps are left out.
"""

import sys

import numpy as np

generator = np.random.default_rng(3)
m, walkers, rows, burn, learning_rate = 100, 32, 4000, 2000, 0.1
a, c = generator.normal(size=(2, m))
a = (a - a.mean()) / a.std()
c -= c.mean()
c -= a * (a @ c) / (a @ a)
c /= c.std()
x = np.where(np.arange(walkers) % 2, 1.0, -1.0)
trace = np.empty((walkers, rows), np.float32)
for k in range(burn + rows):
    i = generator.integers(m, size=walkers)
    x = x - learning_rate * (x**3 - x + 1.2 * (a[i] + 0.7 * c[i] * x))
    if k >= burn:
        trace[:, k - burn] = x
np.savez_compressed(
    sys.argv[1] if len(sys.argv) > 1 else "traces.npz",
    trace=trace[:, :, None], stride=1, learning_rate=learning_rate, batch_size=1,
)
