"""Compaction: of each key the last record stays, where it was, for every reader, across kills. The
committed offsets of groups, which live in a compacted topic, too."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import PATIENCE, Broker, program, until  # noqa: E402
from records import HEADER, batch, batches  # noqa: E402
from tap import Tap  # noqa: E402

SETTINGS = ('log.cleaner.backoff.ms=50', 'wal.checkpoint.ms=100', 'offsets.topic.num.partitions=1',
            'offsets.topic.segment.bytes=4096')
COMPACT = [('cleanup.policy', 'compact'), ('segment.bytes', '4096'), ('min.cleanable.dirty.ratio', '0.1')]
INVALID_RECORD, KAFKA_STORAGE_ERROR = 87, 56
KEYS, RECORDS = 10, 600


def size(b, dirname):
    """Bytes of a partition's segments; they come and go while we look."""
    total, where = 0, os.path.join(b.dir, 'log', dirname)
    for name in os.listdir(where):
        try:
            total += os.stat(os.path.join(where, name)).st_size if name.endswith('.log') else 0
        except FileNotFoundError:
            pass
    return total


def compacted(b, dirname):
    return sum(f'log compacted partition={dirname} ' in line for line in b.lines())


def put(c, topic, first, n, value=b'%d'):
    """n batches of one record each: key k<i % KEYS>."""
    sent = [c.produce_send(topic, {0: batch([value % i if value else None], key=b'k%d' % (i % KEYS))})
            for i in range(first, first + n)]
    return [c.produce_answer(x)[0][0] for x in sent]


def read(c, topic, offset=None):
    """[(offset, key, value)] as a consumer gets them, from the offset or the start on."""
    at = c.offset(topic, -2)[1] if offset is None else offset
    end, got = c.offset(topic, -1)[1], []
    while at < end:
        error, _, data = c.fetch(topic, {0: at})[0]
        assert error == 0, error
        for x in batches(data):
            found = x.records()
            assert len(found) <= 1 and x.last >= at
            got += [(x.base, k, v) for k, v in found]
            at = x.last + 1
    return got


def kcat(b, *args):
    r = subprocess.run(['kcat', '-b', f'127.0.0.1:{b.port}', '-C', '-t', 'c', '-e', '-q', '-f', '%o %k %s\n', *args],
                       capture_output=True, timeout=PATIENCE)
    return [tuple(x.split(b' ')) for x in r.stdout.splitlines()]


def is_last(got, records):
    """Is the last record of each key there, in its place and in order?"""
    last = {k: (o, v) for o, k, v in got}
    want = {b'k%d' % (i % KEYS): (i, b'%d' % i) for i in range(records - KEYS, records)}
    return last == want and [x[0] for x in got] == sorted(x[0] for x in got)


def consume(b):
    r = subprocess.run([program('chronik-consume'), '-b', f'127.0.0.1:{b.port}', '--from-beginning', '--exit-at-end', 'c'],
                       capture_output=True, timeout=PATIENCE)
    return r.stdout.split()


def ask(b, c):
    """What several readers find in one state of the topic."""
    while True:
        got = read(c, 'c')
        first = got[0][0]
        asked = {'read': got, 'first': first, 'in the gap': read(c, 'c', first // 2)[0], 'time': c.offset('c', 1)[1],
                 'consume': consume(b)}
        if shutil.which('kcat'):
            asked['kcat'] = kcat(b, '-o', 'beginning')
            asked['kcat in the gap'] = kcat(b, '-o', str(first // 2))
        if read(c, 'c') == got:
            return asked


with Tap() as t, Broker(t, *SETTINGS) as b, b.client() as c:
    c.create('c', 1, COMPACT)
    c.create('d', 1, COMPACT + [('delete.retention.ms', '0')])
    t.same(c.produce('c', {0: batch([b'v'])})[0][0], INVALID_RECORD, 'a record without a key is refused')
    t.same(set(put(c, 'c', 0, RECORDS)), {0}, 'records with keys are taken')
    whole = RECORDS * len(batch([b'100'], key=b'k1'))
    t.ok(until(lambda: size(b, 'c-0') < whole / 4), 'the log shrinks, with no traffic to ask for it', size(b, 'c-0'))
    # Compaction may go on meanwhile: what is asked for counts when nothing went between the first answer and the last.
    asked = ask(b, c)
    got, first = asked['read'], asked['first']
    t.ok(is_last(got, RECORDS), 'the last record of each key is where it was', got)
    t.ok(len(got) < RECORDS / 4, 'the others are gone', len(got))
    t.same((c.offset('c', -2), c.offset('c', -1)), ((0, 0), (0, RECORDS)), 'the offsets of the ends stay')
    t.ok(first > 0, 'the log begins with a gap', got[0])
    t.same(asked['in the gap'], got[0], 'reading in a gap gives the next record')
    t.same(asked['time'], first, 'so does looking for a time')
    t.same(c.epoch_end('c', 0), (0, 0, 0), 'the epochs are known')
    if shutil.which('kcat'):
        want = [(b'%d' % o, k, v) for o, k, v in got]
        t.same(asked['kcat'], want, 'librdkafka reads it')
        t.same(asked['kcat in the gap'], want, 'and from within a gap')
    else:
        t.skip('librdkafka', 'kcat is not installed')
    t.same(asked['consume'], [v for _, _, v in got], 'chronik-consume reads it, too')

    put(c, 'd', 0, 200)
    put(c, 'd', 200, KEYS, value=None)
    put(c, 'd', 210, 1)
    t.ok(until(lambda: put(c, 'd', 0, 60) and compacted(b, 'd-0') > 4), 'a log is compacted again and again')
    got = [x for x in read(c, 'd') if x[0] < 210]
    t.same(got, [], 'tombstones go when their time is over, and what they delete before them')

    # ---- groups
    groups = [f'g{i}' for i in range(3)]
    for i in range(60):
        for g in groups:
            c.commit(g, {('c', 0): i}, metadata='x' * 40)
    t.ok(until(lambda: compacted(b, '__consumer_offsets-0') > 0), '__consumer_offsets is compacted')
    t.ok(until(lambda: size(b, '__consumer_offsets-0') < 60 * 3 * 40), 'and smaller than what was committed')

    # ---- what stays when the broker is killed, and killed, and stopped
    before = read(c, 'c')
    for end in (b.kill, b.kill, b.stop):
        end()
        b.start()
        with b.client() as c:
            after = read(c, 'c')
            t.ok(set(after) <= set(before) and is_last(after, RECORDS),
                 'what was compacted reads the same after a restart, but for what was compacted since', after)
            for g in groups:
                until(lambda: c.committed(g, [('c', 0)])[0] == 0)
                t.same(c.committed(g, [('c', 0)])[1]['c', 0][0], 59, f'{g} goes on where it was')
    with b.client() as c:
        put(c, 'c', RECORDS, RECORDS)
        t.ok(until(lambda: size(b, 'c-0') < whole / 4), 'compaction goes on')
        t.ok(is_last(read(c, 'c'), 2 * RECORDS), 'with the right records')
    t.same(b.stop(), 0, 'the broker stops cleanly')
    tool = [program('chronik-log'), 'verify', b.dir]
    r = subprocess.run(tool, capture_output=True, timeout=PATIENCE)
    t.ok(r.returncode == 0 and b'gap' not in r.stdout, 'chronik-log verify finds nothing wrong, and no gap', r.stdout)

    # ---- an offset that no CRC covers, where any might do
    log = os.path.join(b.dir, 'log', 'c-0', '0' * 20 + '.log')
    with open(log, 'r+b') as f:
        f.seek(7)
        low = f.read(1)[0]
        f.seek(7)
        f.write(bytes([low ^ 1]))
    r = subprocess.run(tool, capture_output=True, timeout=PATIENCE)
    t.ok(r.returncode == 8 and log in r.stderr.decode(), 'it finds a batch at a wrong offset', r.stderr)
    b.start()
    with b.client() as c:
        t.same(c.fetch('c', {0: 0})[0][0], KAFKA_STORAGE_ERROR, 'which is not served')
