#!/usr/bin/env python3
"""Files in the format of CIFAR-10 from the photographs that scikit-image and scikit-learn ship: ten classes "which photograph", disjoint tiles
of 32x32 pixels, 100 to learn and 26 to test of each. They exercise readers and networks with real pixels; they are not CIFAR-10.

Usage: python3 networks/tools/cifar_stand_in.py FOLDER      (needs scikit-image, scikit-learn, pillow: pip install)
Writes FOLDER/data_batch_1.bin and FOLDER/test_batch.bin. Licences of the photographs: public domain, CC0 and CC BY, see
skimage/data/README.txt and sklearn/datasets/images/README.txt.
"""

import importlib.util
import pathlib
import sys

import numpy as np
from PIL import Image

PHOTOGRAPHS = {
    "skimage": [
        "data/astronaut.png", "data/chelsea.png", "data/coffee.png", "data/hubble_deep_field.jpg", "data/ihc.png",
        "data/motorcycle_left.png", "data/retina.jpg", "data/rocket.jpg",
    ],
    "sklearn": ["datasets/images/china.jpg", "datasets/images/flower.jpg"],
}
TRAIN, TEST, SIDE = 100, 26, 32


def photographs():
    """The paths of the photographs."""
    for package, names in PHOTOGRAPHS.items():
        found = importlib.util.find_spec(package)
        if found is None:
            sys.exit(f"{package} is not installed: pip install scikit-image scikit-learn pillow")
        yield from (pathlib.Path(found.origin).parent / name for name in names)


def tiles(path, rng):
    """Disjoint tiles of a photograph in random order, as planes of red, green, blue."""
    picture = np.asarray(Image.open(path).convert("RGB"))
    corners = [(y, x) for y in range(0, picture.shape[0] - SIDE + 1, SIDE) for x in range(0, picture.shape[1] - SIDE + 1, SIDE)]
    for k in rng.permutation(len(corners))[: TRAIN + TEST]:
        y, x = corners[k]
        yield picture[y : y + SIDE, x : x + SIDE].transpose(2, 0, 1).tobytes()


def main(folder):
    rng = np.random.default_rng(0)
    train, test = [], []
    for label, path in enumerate(photographs()):
        records = [bytes([label]) + tile for tile in tiles(path, rng)]
        train += records[:TRAIN]
        test += records[TRAIN:]
    folder.mkdir(parents=True, exist_ok=True)
    for name, records in (("data_batch_1.bin", train), ("test_batch.bin", test)):
        order = rng.permutation(len(records))
        (folder / name).write_bytes(b"".join(records[k] for k in order))
        print(folder / name, len(records), "images")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
