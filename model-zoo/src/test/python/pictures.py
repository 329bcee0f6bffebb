"""How Pillow scales pictures: makes model-zoo/src/test/resources/pictures.

usage: python3 pictures.py DIR

    pillow.safetensors    picture [H, W, 3]; "FILTER WxH" [H, W, 3]: what Image.resize makes of it;
                          planes [3, S, S]: scaled to a shorter side of 16 by the bicubic filter, the
                          middle 12 x 12 of it, as (v / 255 - mean) / std with CLIP's first numbers
"""

import os
import sys

import numpy
from PIL import Image

import safetensors_file

WIDTH, HEIGHT, SHORTER, SIDE = 37, 23, 16, 12
MEAN = numpy.array([0.48145466, 0.4578275, 0.40821073])
DEVIATION = numpy.array([0.26862954, 0.26130258, 0.27577711])
SIZES = [(16, 10), (50, 61), (37, 9), (64, 23), (1, 1)]


def main(directory):
    os.makedirs(directory, exist_ok=True)
    picture = numpy.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=numpy.uint8)
    picture[:, :12] = 255 * (numpy.arange(12) // 4 % 2)[None, :, None]  # overshoot is clipped
    image = Image.fromarray(picture)
    arrays = {"picture": picture}
    for name, method in (("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)):
        for width, height in SIZES:
            scaled = numpy.asarray(image.resize((width, height), method))
            arrays[f"{name} {width}x{height}"] = scaled
    longer = int(SHORTER * WIDTH / HEIGHT)
    scaled = numpy.asarray(image.resize((longer, SHORTER), Image.BICUBIC))
    left, top = (longer - SIDE) // 2, (SHORTER - SIDE) // 2
    cut = scaled[top : top + SIDE, left : left + SIDE]
    planes = ((cut / 255 - MEAN) / DEVIATION).transpose(2, 0, 1).astype(numpy.float32)
    arrays["planes"] = numpy.ascontiguousarray(planes)
    order = sorted(arrays, key=lambda name: -arrays[name].itemsize)
    safetensors_file.write(
        os.path.join(directory, "pillow.safetensors"), {name: arrays[name] for name in order}
    )


main(sys.argv[1])
