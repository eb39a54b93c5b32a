"""A topic is deleted and made anew under load, also across kills: it has another id, and nothing of
the one before is in it.

Writers and readers go by the topic's id. Every record says for which id it was written; a reader
of an id must get only those, at the offsets at which they were acknowledged."""
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker  # noqa: E402
from client import Closed  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402
from wire import FETCH, METADATA, NO_ID, NO_TAGS, PRODUCE, carray, cstring, i8, i16, i32, i64, uvarint  # noqa: E402

ROUNDS = 15
KILLS = 3
SETTINGS = ('wal.checkpoint.ms=50', 'log.segment.bytes=4096', 'log.index.interval.bytes=200',
            'wal.segment.bytes=1048576')
GONE = (3, 100, 103)  # unknown topic or partition, unknown topic id, inconsistent topic id
NOT_NOW = (6, 7, 56)
LOADING = 14


def topic_id(c):
    """None: there is none."""
    def partition(r):
        r.i16(), r.i32(), r.i32(), r.i32()
        for _ in range(3):
            r.carray(lambda r: r.i32())
        r.tags()

    def topic(r):
        got = r.i16(), r.cstring(), r.take(16)
        r.i8(), r.carray(partition), r.i32(), r.tags()
        return got

    def broker(r):
        r.i32(), r.cstring(), r.i32(), r.cstring(), r.tags()
    r = c.ask_flexible(METADATA, 12, carray([NO_ID + cstring('t') + NO_TAGS]) + i8(0) + i8(0))
    r.i32(), r.carray(broker), r.cstring(), r.i32()
    error, _, tid = r.carray(topic)[0]
    return None if error else tid


def produce(c, tid, records):
    """(error, base offset)"""
    body = cstring(None) + i16(-1) + i32(30000) + carray(
        [tid + carray([i32(0) + uvarint(len(records) + 1) + records + NO_TAGS]) + NO_TAGS])
    r = c.ask_flexible(PRODUCE, 13, body)
    return r.carray(lambda r: (r.take(16), r.carray(lambda r: (r.i32(), r.i16(), r.i64())))[1])[0][0][1:]


def fetch(c, tid, offset):
    """(error, records)"""
    body = i32(0) + i32(1) + i32(1 << 20) + i8(0) + i32(0) + i32(-1) + carray(
        [tid + carray([i32(0) + i32(-1) + i64(offset) + i32(-1) + i64(-1) + i32(1 << 16) + NO_TAGS])
         + NO_TAGS]) + carray([]) + cstring('')
    r = c.ask_flexible(FETCH, 15, body)
    r.i32(), r.i16(), r.i32()

    def partition(r):
        r.i32()
        error = r.i16()
        r.i64(), r.i64(), r.i64()
        r.carray(lambda r: None), r.i32()
        return error, r.cdata()
    return r.carray(lambda r: (r.take(16), r.carray(partition)))[0][1][0]


class Load:
    def __init__(self, broker):
        self.broker, self.over = broker, False
        self.lock = threading.Lock()
        self.acked = {}     # id: {base offset: value}
        self.wrong = []
        self.read = 0
        self.tid = None     # the one that was made last
        self.threads = [threading.Thread(target=self.run, args=(f,), daemon=True)
                        for f in (self.write, self.write, self.read_some, self.read_some)]
        for x in self.threads:
            x.start()

    def run(self, step):
        """A client at a time, until it is hung up on."""
        while not self.over:
            try:
                with self.broker.client(patience=20) as c:
                    while not self.over:
                        step(c)
            except (OSError, Closed):
                time.sleep(0.005)
            except Exception as e:  # the test must not go on as if nothing was
                self.wrong.append(f'{step.__name__}: {e!r}')
                return

    def write(self, c):
        tid = self.tid
        if not tid:
            time.sleep(0.001)
            return
        value = tid + os.urandom(8)
        error, base = produce(c, tid, batch([value] * 2))
        if error == 0:
            with self.lock:
                self.acked.setdefault(tid, {})[base] = value
        elif error not in GONE + NOT_NOW:
            self.wrong.append(f'Produce: {error}')

    def read_some(self, c):
        tid = self.tid
        if not tid:
            time.sleep(0.001)
            return
        with self.lock:
            offsets = list(self.acked.get(tid, ()))
        offset = random.choice(offsets) if offsets else 0
        error, records = fetch(c, tid, offset)
        if error == 0:
            self.check(tid, records)
        elif error not in GONE + NOT_NOW + (1,):
            self.wrong.append(f'Fetch: {error}')

    def check(self, tid, records):
        for x in batches(records, verify=False):
            values = {v for _, v in x.records()}
            self.read += 1
            with self.lock:
                acked = self.acked.get(tid, {}).get(x.base)
            if len(values) != 1 or not values.copy().pop().startswith(tid):
                self.wrong.append(f'offset {x.base} is of another topic')
            elif acked and acked not in values:
                self.wrong.append(f'offset {x.base} is another record')

    def check_all(self, c, tid):
        """Is what was acknowledged for this id there? How much that is."""
        with self.lock:
            left = dict(self.acked.get(tid, {}))
        n, offset = len(left), 0
        while True:
            error, records = fetch(c, tid, offset)
            if error:
                self.wrong.append(f'Fetch at the end: {error}')
                return n
            got = batches(records)
            if not got:
                break
            self.check(tid, records)
            for x in got:
                left.pop(x.base, None)
            offset = got[-1].last + 1
        if left:
            self.wrong.append(f'{len(left)} acknowledged batches are missing')
        return n

    def end(self):
        self.over = True
        for x in self.threads:
            x.join(30)


with Tap() as t, Broker(t, *SETTINGS) as b:
    load, ids, checked = Load(b), set(), 0
    for i in range(ROUNDS):
        c = b.client()
        error = c.create('t', 1)
        if error:
            t.ok(False, 'the topic is made', error)
            break
        load.tid = topic_id(c)
        ids.add(load.tid)
        want = len(load.acked.get(load.tid, ())) + 20
        end = time.monotonic() + 20
        while len(load.acked.get(load.tid, ())) < want and time.monotonic() < end:
            time.sleep(0.002)
        if i % (ROUNDS // KILLS) == 2:
            b.kill()
            b.start()
            c = b.client()
            if topic_id(c) != load.tid:
                load.wrong.append('the id is another one after a kill')
        checked += load.check_all(c, load.tid)
        if i % (ROUNDS // KILLS) == 4:
            # Deleted, and killed before anything else could happen.
            error = c.delete('t')
            b.kill()
            b.start()
            if topic_id(b.client()) is not None:
                load.wrong.append('a deleted topic is back after a kill')
        else:
            error = c.delete('t')
        if error:
            t.ok(False, 'the topic is deleted', error)
            break
        with b.client() as c:
            if fetch(c, load.tid, 0)[0] not in GONE:
                load.wrong.append('a deleted topic can be read')
    load.end()
    t.same(load.wrong[:5], [], 'nothing of a topic is in the one that took its name, and nothing is missing')
    t.same(len(ids), ROUNDS, 'each has an id of its own')
    t.ok(checked >= 20 * ROUNDS and load.read > ROUNDS, 'while records were written and read',
         (checked, load.read))

    # Nor is what was committed for it, however it was: it is read back with the id.
    c = b.client()
    c.create('u', 2)
    for p, keep in enumerate((-1, 1 << 40)):
        t.same(c.commit('g', {('u', p): 5}, retention=keep), {('u', p): 0}, f'an offset is committed, retention {keep}')
    b.kill()
    b.start()
    c = b.client()
    asked = [('u', 0), ('u', 1)]

    def committed():
        while True:
            error, got = c.committed('g', asked)
            if error != LOADING:
                return error, [got[x][0] for x in asked]
            time.sleep(0.01)
    t.same(committed(), (0, [5, 5]), 'both are there after a kill')
    t.same((c.delete('u'), c.create('u', 2)), (0, 0), 'the topic is made anew')
    t.same(committed(), (0, [-1, -1]), 'and inherits neither')
    c.delete('u')
    t.same(b.stop(), 0, 'the broker stops cleanly')
    left = [d for d in os.listdir(os.path.join(b.dir, 'log')) if d.startswith('t-') or d.endswith('-delete')]
    t.same(left, [], 'and no directory is left')
