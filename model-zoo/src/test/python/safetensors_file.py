"""Safetensors files: the length of a header, the header, and the arrays behind it."""

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


def read(path):
    """All arrays by name."""
    types = {code: name for name, code in TYPES.items()}
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    arrays = {}
    for name, info in header.items():
        if name != "__metadata__":
            begin, end = info["data_offsets"]
            array = numpy.frombuffer(data[begin:end], types[info["dtype"]])
            arrays[name] = array.reshape(info["shape"])
    return arrays
