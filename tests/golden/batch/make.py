#!/usr/bin/env python3
"""Make the record batches of this directory with libraries that are not ours.

    pip install kafka-python==3.0.12 lz4==4.4.5 zstandard==0.25.0 python-snappy==0.7.3
    ./make.py DIRECTORY

The builder is kafka-python's; the codecs are python-lz4, python-zstandard and python-snappy. The variants
hold what kafka-python does not write but other clients do. What the records hold is said once here and
once, independently, in tests/unit/batch/test_golden.c. gzip puts the time into its bytes, so a new run
changes that file.
"""
import gzip
import os
import sys

import lz4.frame
import snappy
import zstandard
from kafka.record import default_records
from kafka.record.default_records import DefaultRecordBatchBuilder as Builder

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
FIRST_TIME = 1700000000000


def record(i):
    key = None if i % 5 == 0 else b"key-%d" % i
    value = b"value-%d-" % i + b"x" * (37 * i)
    if i % 7 == 5:
        value = b""
    if i % 7 == 6:
        value = None
    headers = [("h", b"v%d" % i), ("n", None), ("", b"")] if i % 3 == 0 else []
    return FIRST_TIME + (10 * i if i % 4 != 3 else -5), key, value, headers


def batch(codec, producer=(-1, -1, -1), transactional=False):
    b = Builder(2, codec, transactional, *producer, 1 << 20)
    for i in range(20):
        assert b.append(i, *record(i))
    return bytes(b.build())


def with_codec(name, codec, encode):
    """A batch whose compressed bytes come from `encode` instead of kafka-python's wrapper."""
    kept = getattr(default_records, name)
    setattr(default_records, name, encode)
    try:
        return batch(codec)
    finally:
        setattr(default_records, name, kept)


def gzip_members(data):
    half = len(data) // 2
    return gzip.compress(bytes(data[:half]), mtime=0) + gzip.compress(bytes(data[half:]), mtime=0)


def lz4_linked(data):
    return lz4.frame.compress(bytes(data), block_linked=True, block_size=lz4.frame.BLOCKSIZE_MAX64KB,
                              content_checksum=True, block_checksum=True, store_size=True)


def zstd_stream(data):
    z = zstandard.ZstdCompressor(level=9, write_checksum=True).compressobj()
    return z.compress(bytes(data)) + z.flush()


FILES = {
    "none": batch(NONE),
    "gzip": batch(GZIP),
    "snappy-xerial": batch(SNAPPY),
    "lz4": batch(LZ4),
    "zstd": batch(ZSTD),
    "transactional": batch(NONE, (4711, 3, 100), True),
    "gzip-members": with_codec("gzip_encode", GZIP, gzip_members),
    "snappy-raw": with_codec("snappy_encode", SNAPPY, lambda data: snappy.compress(bytes(data))),
    "lz4-linked": with_codec("lz4_encode", LZ4, lz4_linked),
    "zstd-stream": with_codec("zstd_encode", ZSTD, zstd_stream),
}

for name, data in FILES.items():
    with open(os.path.join(sys.argv[1], name + ".batch"), "wb") as f:
        f.write(data)
