"""Writes a safetensors file: the length of a header, the header, and the arrays behind it."""

import json

import numpy

TYPES = {numpy.dtype("float32"): "F32", numpy.dtype("int32"): "I32"}


def write(path, arrays):
    """Arrays of float32 or int32 by name, in the order of their names."""
    header, place = {}, 0
    for name in sorted(arrays):
        array = arrays[name]
        header[name] = {
            "dtype": TYPES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [place, place + array.nbytes],
        }
        place += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in sorted(arrays):
            file.write(numpy.ascontiguousarray(arrays[name]).tobytes())
    print(f"{path}: {8 + len(text) + place} bytes, {len(arrays)} arrays")
