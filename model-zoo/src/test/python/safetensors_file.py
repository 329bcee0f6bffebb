"""Writes a safetensors file: the length of a header, the header, and the arrays behind it."""

import json

import numpy

TYPES = {"uint8": "U8", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32"}


def write(path, arrays, metadata=None):
    """Arrays by name, in their order, and a dictionary of strings."""
    header = {} if metadata is None else {"__metadata__": metadata}
    place = 0
    for name, array in arrays.items():
        header[name] = {
            "dtype": TYPES[str(array.dtype)],
            "shape": list(array.shape),
            "data_offsets": [place, place + array.nbytes],
        }
        place += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(numpy.ascontiguousarray(array).tobytes())
    print(f"{path}: {8 + len(text) + place} bytes, {len(arrays)} arrays")
