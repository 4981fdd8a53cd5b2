"""Makes deep-linear.csv and phase-retrieval.csv: 40 samples each, by the standard library alone.

deep-linear: y = a + 0.1 b + 0.4 n; phase-retrieval: y = (a1 + a2/2)^2 + 0.5 n; a, b, a1, a2 and n are standard normal.
"""

import random

random.seed(7)
normal = lambda: random.gauss(0, 1)
with open("deep-linear.csv", "w") as file:
    file.write("a,b,y\n")
    for _ in range(40):
        a, b = normal(), normal()
        file.write(f"{a:.4f},{b:.4f},{a + 0.1 * b + 0.4 * normal():.4f}\n")
with open("phase-retrieval.csv", "w") as file:
    file.write("a1,a2,y\n")
    for _ in range(40):
        a, b = normal(), normal()
        file.write(f"{a:.4f},{b:.4f},{(a + 0.5 * b) ** 2 + 0.5 * normal():.4f}\n")
