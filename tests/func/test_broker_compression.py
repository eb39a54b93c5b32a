"""compression.type: what is stored, and that a connection's records keep their order."""
import gzip
import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import BUILD, PATIENCE, Broker, program  # noqa: E402
from records import HEADER, batch, batches, crc32c, record  # noqa: E402
from tap import Tap  # noqa: E402

TOPIC, SET, DELETE = 2, 0, 1
CODECS = {'uncompressed': 0, 'gzip': 1, 'snappy': 2, 'lz4': 3, 'zstd': 4}
TOO_LARGE, INVALID_RECORD = 10, 87
REQUESTS = 24


def stored(c, topic, offset=0):
    error, _, records = c.fetch(topic, {0: offset})[0]
    return batches(records) if not error else error


def header(b):
    """(attributes, largest timestamp, producer, count) of a batch."""
    h = HEADER.unpack_from(b.whole)
    return h[5], h[8], h[9:12], h[12]


def consumed(b, topic):
    done = subprocess.run([program('chronik-consume'), '-b', f'127.0.0.1:{b.port}', topic, '--from-beginning',
                           '--exit-at-end'], capture_output=True, text=True, timeout=PATIENCE)
    return done.stdout.split('\n')[:-1]


def each_codec(t, b, c):
    words = [b'word word word %d' % i for i in range(20)]
    texts = [w.decode() for w in words]
    packed = batch(words, attributes=1, payload=gzip.compress(b''.join(
        record(i, None, w) for i, w in enumerate(words))), now=1000)
    for name, codec in CODECS.items():
        t.same(c.create(name, 1, [('compression.type', name)]), 0, f'a topic of {name}')
        pid, epoch = c.producer_id()[1:3]
        plain = batch(words, pid=pid, epoch=epoch, seq=0, now=1000)
        t.same(c.produce(name, {0: plain})[0][:2], (0, 0), f'{name}: a plain batch is taken')
        t.same(c.produce(name, {0: packed})[0][:2], (0, 20), f'{name}: and one of gzip')
        got = stored(c, name)
        t.same([header(x)[0] & 7 for x in got], [codec] * 2, f'{name}: both are stored so')
        t.same([header(x)[1:] for x in got], [(1000, (pid, epoch, 0), 20), (1000, (-1, -1, -1), 20)],
               f'{name}: with their times, producer and number')
        t.same([(x.base, x.last) for x in got], [(0, 19), (20, 39)], f'{name}: and offsets')
        t.same(consumed(b, name), texts * 2, f'{name}: the records are what they were')
        t.same(c.produce(name, {0: plain})[0][:2], (0, 0), f'{name}: a batch sent again is known')


def alterations(t, c):
    plain = batch([b'x' * 1000], now=1000)
    t.same(c.create('a', 1), 0, 'a topic that leaves it to the producer')
    c.produce('a', {0: plain})
    t.same(stored(c, 'a')[0].body, plain[21:], 'stores what it gets')
    for changes in [(SET, 'compression.type', 'zstd')], [(SET, 'message.timestamp.type', 'LogAppendTime')], \
            [(DELETE, 'compression.type', None)]:
        t.same(c.alter_configs([(TOPIC, 'a', changes)])[0][0], 0, 'altered')
        c.produce('a', {0: plain})
    got = [header(x) for x in stored(c, 'a')]
    t.same([h[0] & 15 for h in got], [0, 4, 4 | 8, 8], 'each change holds from the next batch on')
    t.ok(got[1][1] == 1000 and got[2][1] > 1000, 'times are as they were or as they were appended')

    packed = batch([b'x' * 1000], attributes=1, payload=gzip.compress(record(0, None, b'x' * 1000)))
    t.same(c.create('small', 1, [('max.message.bytes', '500'), ('compression.type', 'uncompressed')]), 0,
           'a topic of small batches')
    t.same(c.produce('small', {0: packed})[0][0], TOO_LARGE, 'refuses what is too large as it would be stored')
    t.same(c.produce('small', {0: plain})[0][0], TOO_LARGE, 'or as it comes')
    t.same(c.alter_configs([(TOPIC, 'small', [(SET, 'compression.type', 'zstd')])])[0][0], 0, 'altered')
    t.same(c.produce('small', {0: packed})[0][0], 0, 'and takes it smaller')


def large(t, c):
    """Batches that expand to more than a loop checks itself, or not so much, but slowly."""
    t.same(c.create('large', 1, [('max.message.bytes', '8000000')]), 0, 'a topic of large batches')
    t.same(c.create('keyed', 1, [('cleanup.policy', 'compact')]), 0, 'one that wants keys')
    t.same(c.create('repacked', 1, [('compression.type', 'zstd')]), 0, 'and one that packs them otherwise')
    t.same(c.create('dense', 1), 0, 'a topic of what hardly expands')
    many = b''.join(record(i, None, bytes(200000)) for i in range(5))
    dense = b''.join(record(i, None, os.urandom(5000)) for i in range(5))

    def packed(payload, n=5):
        return batch([b''] * n, attributes=1, now=1000, payload=gzip.compress(payload))
    for topic, records in ('large', many), ('repacked', many), ('dense', dense):
        t.same(c.produce(topic, {0: packed(records)})[0][:2], (0, 0), f'{topic}: one is taken')
        t.same(c.produce(topic, {0: packed(records, 6)})[0][0], INVALID_RECORD, f'{topic}: one record too few is noticed')
        wrong = bytearray(packed(records))
        struct.pack_into('>q', wrong, 35, 999999)  # the largest timestamp, which no record has
        struct.pack_into('>I', wrong, 17, crc32c(bytes(wrong[21:])))
        t.same(c.produce(topic, {0: bytes(wrong)})[0][:2], (0, 5), f'{topic}: one that lies about its times is taken')
        t.same([header(b)[1] for b in stored(c, topic)], [1000, 1000], f'{topic}: and put right')
    t.same(c.produce('keyed', {0: packed(many)})[0][0], INVALID_RECORD, 'a record without a key is noticed')


def order(t, c):
    """Requests in flight whose batches take longer and shorter to compress."""
    t.same(c.create('line', 1, [('compression.type', 'gzip'), ('compression.gzip.level', '9')]), 0,
           'a topic that takes its time')
    t.same(c.create('plain', 1), 0, 'and one that does not')
    pid, epoch = c.producer_id()[1:3]
    big = os.urandom(300000)
    sent = []
    for i in range(REQUESTS):
        value = b'small' if i % 2 else big
        sent.append(c.produce_send('line', {0: batch([value], pid=pid, epoch=epoch, seq=i)}))
        sent.append(c.produce_send('plain', {0: batch([b'%d' % i], pid=pid, epoch=epoch, seq=i)}))
    answers = [c.produce_answer(n)[0][:2] for n in sent]
    t.same(answers[::2], [(0, i) for i in range(REQUESTS)], 'requests in flight keep their order')
    t.same(answers[1::2], [(0, i) for i in range(REQUESTS)], 'those between them too')
    c.produce_send('line', {0: batch([big])}, acks=0)
    c.produce_send('line', {0: batch([b'last'])})
    t.same(c.produce_answer()[0][:2], (0, REQUESTS + 1), 'with acks=0 as well')


def without_snappy(t):
    """What finds something else in libsnappy's place says so before it looks into any batch."""
    with open(os.path.join(BUILD, 'Makefile')) as f:
        name = re.search(r'^SNAPPY_SO = (.+)$', f.read(), re.M)[1]
    os.mkdir(os.path.join(t.work, 'lib'))
    with open(os.path.join(t.work, 'lib', name), 'w') as f:
        f.write('no library')
    path = ':'.join(filter(None, [os.path.join(t.work, 'lib'), os.environ.get('LD_LIBRARY_PATH')]))

    def run(*args):
        done = subprocess.run([program(args[0]), *args[1:]], env={**os.environ, 'LD_LIBRARY_PATH': path}, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        return done.returncode, done.stderr
    for args in (['chronikd', '-D', os.path.join(t.work, 'unmade'), '-l', '127.0.0.1:0'], ['chronik-consume', 't'],
                 ['chronik-produce', 't'], ['chronik-log', 'verify', t.work], ['chronik-wal', 'verify', t.work],
                 ['chronik-bench', '-m', 'disk', '-d', '1s']):
        status, said = run(*args)
        t.ok(status == 1 and said.startswith(f'{args[0]}: {name}: ') and said.count('\n') == 1,
             f'{args[0]} without {name}', (status, said))
    t.ok(not os.path.exists(os.path.join(t.work, 'unmade')), 'a broker without it makes no data directory')
    t.same(run('chronik-topic', '--version'), (0, ''), 'chronik-topic does without')


with Tap() as t, Broker(t, 'num.io.threads=3', 'log.retention.ms=-1') as b:
    with b.client() as c:
        each_codec(t, b, c)
        alterations(t, c)
        large(t, c)
        order(t, c)
    gone = b.client()
    for i in range(4):
        gone.produce_send('line', {0: batch([os.urandom(300000)])})
    gone.__exit__()
    with b.client() as c:
        t.same(c.produce('line', {0: batch([b'after'])})[0][0], 0, 'a client that goes meanwhile leaves nothing behind')
    t.same(b.stop(), 0, 'the broker stops cleanly')
    without_snappy(t)
