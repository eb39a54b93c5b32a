"""Record batches of format 2, right ones and wrong ones."""
import collections
import struct
import time

from wire import Reader, i8, varint


def crc_table():
    """What 16 bits become: two bytes a step."""
    table = []
    for n in range(65536):
        for _ in range(16):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        table.append(n)
    return table


CRC_TABLE = crc_table()


def crc32c(b):
    crc, table = 0xffffffff, CRC_TABLE
    for word, in struct.iter_unpack('<H', b[:len(b) & ~1]):
        crc = table[(crc ^ word) & 0xffff] ^ crc >> 16
    if len(b) & 1:
        # The entry of a byte in the high half of a word is that of the byte alone.
        crc = table[((crc ^ b[-1]) & 0xff) << 8] ^ crc >> 8
    return crc ^ 0xffffffff


HEADER = struct.Struct('>qiibIhiqqqhii')
REST = struct.Struct('>hiqqqhii')  # from the attributes on: what the checksum covers
BODY_AT = HEADER.size - REST.size


def field(v):
    return varint(-1) if v is None else varint(len(v)) + v


def record(index, key, value, headers=()):
    """key, value and the values of headers are bytes or None."""
    body = i8(0) + varint(0) + varint(index) + field(key) + field(value) + varint(len(headers))
    body += b''.join(field(k) + field(v) for k, v in headers)
    return varint(len(body)) + body


def batch(values, pid=-1, epoch=-1, seq=-1, key=None, now=None, attributes=0, **lies):
    """One record batch, uncompressed; every record has the same key. lies stand in the place of
    what would be true: base, leader_epoch, length, magic, crc, delta, count, payload (the records'
    bytes)."""
    now = int(time.time() * 1000) if now is None else now
    payload = lies.get('payload')
    if payload is None:
        payload = b''.join(record(i, key, v) for i, v in enumerate(values))
    rest = REST.pack(attributes, lies.get('delta', len(values) - 1), now, now, pid, epoch, seq,
                     lies.get('count', len(values))) + payload
    crc = lies['crc'] if 'crc' in lies else crc32c(rest)
    return struct.pack('>qiibI', lies.get('base', 0), lies.get('length', 9 + len(rest)),
                       lies.get('leader_epoch', -1), lies.get('magic', 2), crc) + rest


class Batch(collections.namedtuple('Batch', 'base last whole')):
    """One batch as a broker gave it: its first and last offset and all of its bytes."""
    __slots__ = ()

    @property
    def body(self):
        """From the attributes on: what a broker leaves as its producer made it."""
        return self.whole[BODY_AT:]

    @property
    def producer(self):
        """(id, epoch, first sequence)"""
        return HEADER.unpack_from(self.whole)[9:12]

    def records(self):
        """(key, value) of each, uncompressed."""
        r = Reader(self.whole[HEADER.size:])

        def field():
            n = r.varint()
            return None if n < 0 else r.take(n)
        found = []
        for _ in range(HEADER.unpack_from(self.whole)[12]):
            r.varint(), r.i8(), r.varint(), r.varint()
            found.append((field(), field()))
            for _ in range(r.varint()):
                field(), field()
        return found


def batches(b, verify=True):
    """The batches of a Fetch answer; raises if the last one is cut, or if one does not fit its
    checksum, which takes its time."""
    out, at = [], 0
    while at < len(b):
        base, length = struct.unpack_from('>qi', b, at)
        whole = b[at:at + 12 + length]
        if len(whole) < HEADER.size or len(whole) < 12 + length:
            raise ValueError('a batch is cut')
        delta, = struct.unpack_from('>i', whole, 23)
        if verify and crc32c(whole[BODY_AT:]) != struct.unpack_from('>I', whole, 17)[0]:
            raise ValueError('a batch is damaged')
        out.append(Batch(base, base + delta, whole))
        at += len(whole)
    return out
