"""Records that expand to far more than they are, made without the libraries: the bytes of each format are written here. All of
them expand to zeros."""
import struct
import zlib

from records import batch, record
from wire import varint

MIB = 1 << 20
GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4


def gzip(size):
    """Members of 16 MiB, one behind the other: a thousand to one."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    member = packer.compress(bytes(16 * MIB)) + packer.flush()
    return member * (size // (16 * MIB))


def snappy(size):
    """Raw: the length, a literal, copies of 64 bytes: twenty-one to one."""
    length, n = b'', size
    while n >= 128:
        length, n = length + bytes([n & 127 | 128]), n >> 7
    return length + bytes([n]) + b'\0\0' + b'\xfe\1\0' * ((size - 1) // 64)


def lz4(size):
    """Blocks of 4 MiB, each a literal and a match of all the rest: 255 to one, which is all that the format gives."""
    header = b'\x60\x70'  # version 1, blocks of their own, of 4 MiB
    block = 4 * MIB
    match = block - 1 - 5 - 4 - 15  # five literals end a block, four bytes are the least match, fifteen are in the token
    body = b'\x1f\0\1\0' + b'\xff' * (match // 255) + bytes([match % 255]) + b'\x50' + bytes(5)
    one = struct.pack('<I', len(body)) + body
    return struct.pack('<I', 0x184d2204) + header + bytes([LZ4_HEADER_CHECK]) + one * (size // block) + bytes(4)


LZ4_HEADER_CHECK = 0x73  # second byte of xxh32 of the header


def zstd(size):
    """Blocks of 128 KiB that are one byte each: 32,000 to one."""
    block = 128 << 10
    n = size // block
    head = struct.pack('<I', 0xfd2fb528) + b'\0' + bytes([7 << 3])  # no flags, a window of 128 KiB

    def rle(last):
        return struct.pack('<I', last | 1 << 1 | block << 3)[:3] + b'\0'
    return head + rle(0) * (n - 1) + rle(1)


def bombs(packed=MIB, most=1 << 30):
    """{name: a batch of at most so many bytes that expands to as much as its format gives, most at most}."""
    return {'gzip': batch([b'x'], attributes=GZIP, payload=gzip(most)),
            'snappy': batch([b'x'], attributes=SNAPPY, payload=snappy(min(most, packed * 21))),
            'lz4': batch([b'x'], attributes=LZ4, payload=lz4(min(most, (packed // 16500) * 4 * MIB))),
            'zstd': batch([b'x'], attributes=ZSTD, payload=zstd(most))}


def zeros(size):
    """A good batch of one record of so many zeros, packed by gzip."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return batch([b'x'], attributes=GZIP, payload=packer.compress(record(0, None, bytes(size))) + packer.flush())
