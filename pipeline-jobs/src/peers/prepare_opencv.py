"""The peer of `bench prepare`: OpenCV from Python, one process a core.

usage: prepare_opencv.py LIST OUT SIZE QUALITY PROCESSES

LIST is a file with one picture path a line, or a folder of pictures. Every picture is read at the
coarsest reduced scale that keeps the wanted side, its centre square is averaged down to SIZE and
appended as JPEG to its process's file in OUT. Prints one line of JSON; the time runs from
when every process has loaded OpenCV until the last has written its last picture.
"""

import json
import multiprocessing
import os
import sys
import time

import cv2


def flags(shorter, size):
    if shorter >= 8 * size:
        return cv2.IMREAD_REDUCED_COLOR_8
    if shorter >= 4 * size:
        return cv2.IMREAD_REDUCED_COLOR_4
    if shorter >= 2 * size:
        return cv2.IMREAD_REDUCED_COLOR_2
    return cv2.IMREAD_COLOR


def convert(path, size, quality, flag):
    picture = cv2.imread(path, flag)
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    small = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]


def work(paths, out, size, quality, flag, ready, done):
    cv2.setNumThreads(1)
    with open(out, "wb", buffering=0) as file:
        ready.wait()
        for path in paths:
            file.write(convert(path, size, quality, flag))
        done.wait()


def main(source, out, size, quality, processes):
    if os.path.isdir(source):
        names = sorted(os.listdir(source))
        paths = [os.path.join(source, n) for n in names if n.endswith(".jpg")]
    else:
        with open(source, encoding="utf-8") as lines:
            paths = lines.read().splitlines()
    height, width = cv2.imread(paths[0]).shape[:2]  # all have one size
    flag = flags(min(height, width), size)
    ready = multiprocessing.Barrier(processes + 1, timeout=600)
    done = multiprocessing.Barrier(processes + 1, timeout=600)
    parts = [os.path.join(out, f"small-{i}") for i in range(processes)]
    workers = [
        multiprocessing.Process(
            target=work,
            args=(paths[i::processes], parts[i], size, quality, flag, ready, done),
        )
        for i in range(processes)
    ]
    for worker in workers:
        worker.start()
    ready.wait()
    start = time.perf_counter()
    done.wait()
    seconds = time.perf_counter() - start
    for worker in workers:
        worker.join()
    if any(worker.exitcode != 0 for worker in workers):
        sys.exit(1)
    print(
        json.dumps(
            {
                "pictures": len(paths),
                "processes": processes,
                "seconds": seconds,
                "pictures_per_second": len(paths) / seconds,
                "opencv": cv2.__version__,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *(int(word) for word in sys.argv[3:6]))
