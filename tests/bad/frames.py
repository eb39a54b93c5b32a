"""Frames that are not what they say: the connection ends, and nothing else happens."""
import struct

import wire as w
from cases import answers, closes
from wire import Pack

MAX_REQUEST = 1 << 20  # socket.request.max.bytes of the broker under test

# What stands before the first array of a request, at the version given.
BEFORE_ARRAY = [
    (w.PRODUCE, 3, Pack().string(None).i16(-1).i32(1000)),
    (w.FETCH, 4, Pack().i32(-1).i32(0).i32(0).i32(1000).i8(0)),
    (w.LIST_OFFSETS, 1, Pack().i32(-1)),
    (w.METADATA, 1, Pack()),
    (w.CREATE_TOPICS, 2, Pack()),
    (w.DELETE_TOPICS, 1, Pack()),
    (w.OFFSET_FOR_LEADER_EPOCH, 2, Pack()),
    (w.DESCRIBE_CONFIGS, 1, Pack()),
    (w.OFFSET_COMMIT, 2, Pack().string('g').i32(-1).string('').i64(-1)),
    (w.OFFSET_FETCH, 1, Pack().string('g')),
    (w.JOIN_GROUP, 0, Pack().string('g').i32(10000).string('').string('consumer')),
    (w.SYNC_GROUP, 0, Pack().string('g').i32(1).string('m')),
    (w.LEAVE_GROUP, 3, Pack().string('g')),
]

# The first version of each API that has nothing but a string to read, and more of them.
BEFORE_STRING = [
    (w.PRODUCE, 3, Pack()),
    (w.FIND_COORDINATOR, 0, Pack()),
    (w.HEARTBEAT, 0, Pack()),
    (w.INIT_PRODUCER_ID, 0, Pack()),
]


def array_claims(count, name):
    for key, version, before in BEFORE_ARRAY:
        body = bytes(before.bytes) + struct.pack('>i', count)
        yield closes(w.NAMES[key], f'{name} in an array',
                     lambda c, k=key, v=version, b=body: c.send(k, v, b))


def string_claims():
    for key, version, before in BEFORE_STRING:
        body = bytes(before.bytes) + struct.pack('>h', 30000) + b'short'
        yield closes(w.NAMES[key], 'a string longer than the frame',
                     lambda c, k=key, v=version, b=body: c.send(k, v, b))


def served_versions(subject):
    """{api key: (lowest, highest)} as it is advertised."""
    with subject.wire() as c:
        u = c.call(w.API_VERSIONS, 0, b'')
        u.i16()
        return {k: (lo, hi) for k, lo, hi in u.array(lambda a: (a.i16(), a.i16(), a.i16()))}


def versions(served):
    """Every API, a version too high and one too low, and a request that ends behind its header."""
    for key, (low, high) in sorted(served.items()):
        name = w.NAMES.get(key, f'API {key}')
        if key != w.API_VERSIONS:
            yield closes(name, 'a version above the advertised ones', lambda c, k=key, v=high + 1:
                         c.send(k, v, b'\0' * 16))
            yield closes(name, 'a negative version', lambda c, k=key: c.send(k, -1, b'\0' * 16))
        if low > 0:
            yield closes(name, 'a version below the advertised ones', lambda c, k=key, v=low - 1:
                         c.send(k, v, b'\0' * 16))
        if key != w.API_VERSIONS:
            yield closes(name, 'a body that is missing', lambda c, k=key, v=low if low else 3:
                         c.send(k, v, b''))


def too_new(c):
    """ApiVersions alone is answered, in version 0, with the error and its own range."""
    u = c.call(w.API_VERSIONS, 99, b'\0' * 8)
    return u.i16()


def flexible(body):
    """ApiVersions 3: two compact strings and tagged fields, of which body is to be the bytes."""
    def send(c):
        head = Pack().i16(w.API_VERSIONS).i16(3).i32(1).string('x').raw(body)
        c.send_frame(bytes(head.bytes))
    return send


def names_of_bytes():
    string = b'\x02x'
    yield closes('API_VERSIONS', 'a compact string longer than the frame', flexible(b'\0\xff\x7fx'))
    yield closes('API_VERSIONS', 'a length of eleven bytes', flexible(b'\0' + b'\xff' * 11))
    yield closes('API_VERSIONS', 'two billion tagged fields in the header',
                 flexible(b'\xff\xff\xff\xff\x07'))
    yield closes('API_VERSIONS', 'a tagged field longer than the frame',
                 flexible(b'\0' + string + string + b'\x01\x00\xff\xff\x03'))
    yield closes('METADATA', 'a compact array of two billion topics', lambda c: c.send(
        w.METADATA, 9, b'\xff\xff\xff\xff\x07', flexible=True))


def raw(data):
    return lambda c: c.send_raw(data)


def of_any_kind():
    yield closes('frame', 'a negative length', raw(struct.pack('>i', -1)))
    yield closes('frame', 'the smallest length there is', raw(struct.pack('>i', -1 << 31)))
    yield closes('frame', 'a length of zero', raw(struct.pack('>i', 0)))
    yield closes('frame', 'a length above socket.request.max.bytes',
                 raw(struct.pack('>i', MAX_REQUEST + 1)))
    yield closes('frame', 'the largest length there is', raw(struct.pack('>i', (1 << 31) - 1)))
    yield closes('frame', 'a header cut short', raw(struct.pack('>ihh', 4, 3, 0)))
    yield closes('frame', 'a client id longer than the frame',
                 raw(struct.pack('>ihhih', 10, 3, 0, 1, 1000)))
    yield closes('frame', 'a client id of length -2', raw(struct.pack('>ihhih', 10, 3, 0, 1, -2)))
    yield closes('frame', 'HTTP', raw(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
    yield closes('frame', 'TLS', raw(bytes.fromhex('160301020001000300') + bytes(60)))
    for key, why in ((-1, 'a negative API'), (1000, 'an API that there is not'),
                     (71, 'GetTelemetrySubscriptions, which is not served'),
                     (24, 'AddPartitionsToTxn, which is not served'),
                     (52, 'Vote, which no client sends')):
        yield closes('frame', why, lambda c, k=key: c.send(k, 0, b'\0' * 16))
    yield answers('API_VERSIONS', 'a version above the advertised ones', 'UNSUPPORTED_VERSION',
                  too_new)


def cases(subject):
    served = served_versions(subject)
    yield from of_any_kind()
    yield from names_of_bytes()
    yield from versions(served)
    yield from (c for count, name in ((0x7fffffff, 'two billion elements'), (-2, 'a count of -2'))
                for c in array_claims(count, name))
    yield from string_claims()
