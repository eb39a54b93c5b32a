"""Records that are on the disk only: readers bring them into memory, sparingly while the log is in use, and loops, which
others wait for, read nothing that is not there."""
import errno
import glob
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import PATIENCE, Broker  # noqa: E402
from records import batch  # noqa: E402
from strace import Strace, need_strace  # noqa: E402
from tap import Tap  # noqa: E402

BATCHES, PIECE = 8, 256 << 10  # READER_PIECE
# A call that strace cuts in two, since another thread's came between, names its file in the first half only.
CALL = r'^(\d+) +(?:%s\([^)]*/t-0/\d+\.log>|<\.\.\. %s resumed>).* = (\d+)$'
READ, SENT = (re.compile(CALL % (call, call), re.M) for call in ('pread64', 'sendfile'))


class Segment:
    """The file of a partition, as long as it stays what it is."""

    def __init__(self, broker):
        self.path, = glob.glob(os.path.join(broker.dir, 'log', 't-0', '*.log'))
        self.fd = os.open(self.path, os.O_RDONLY)
        os.posix_fadvise(self.fd, 0, 0, os.POSIX_FADV_RANDOM)  # so that one page read is one page cached
        self.bytes = os.pread(self.fd, 1 << 30, 0)

    def is_cached(self, at):
        try:
            return bool(os.preadv(self.fd, [bytearray(1)], at, os.RWF_NOWAIT))
        except BlockingIOError:
            return False
        except OSError as e:
            if e.errno != errno.EOPNOTSUPP:
                raise
            return True  # so overlayfs says; the broker takes it for that, too

    def drop(self):
        """Out of the page cache, but for the first page and the last, and one that is looked for. False: it stays there on
        this file system."""
        os.fsync(self.fd)
        os.posix_fadvise(self.fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.pread(self.fd, 1, 0)
        os.pread(self.fd, 1, len(self.bytes) - 1)
        return not self.is_cached(len(self.bytes) // 2)


def by_thread(pattern, text, threads):
    """{name: bytes}"""
    out = {}
    for thread, n in pattern.findall(text):
        name = re.sub('-.*', '', threads.get(int(thread), '?'))
        out[name] = out.get(name, 0) + int(n)
    return out


def cold_fetch(t, b, c, segment, what):
    """Fetch all of it while none of it is in memory; what the threads did, as strace tells it."""
    trace = os.path.join(t.work, 'trace')
    with Strace(b, '-y', '-e', 'trace=pread64,sendfile,fadvise64', out=trace) as s:
        threads = s.threads()
        segment.drop()
        got = c.fetch('t', {0: 0})[0]
    with open(trace) as f:
        text = f.read()
    read, sent = by_thread(READ, text, threads), by_thread(SENT, text, threads)
    t.ok(got[0] == 0 and got[2] == segment.bytes, f'{what}: what was written comes', (got[0], len(got[2])))
    # The end of a reply that a socket took in parts may be small enough to be copied by the loop: it is in memory then.
    t.ok(read.get('loop', 0) < PIECE, f'{what}: no loop reads it from the disk', read)
    t.ok(read.get('reader', 0) >= PIECE, f'{what}: readers read it', read)  # what the system read ahead they pass over
    # Of its last call strace may not see the end: the client has all by then.
    t.ok(set(sent) == {'loop'} and sent['loop'] <= len(segment.bytes), f'{what}: and loops send it', sent)
    return 'POSIX_FADV_RANDOM' in text


def one_goes_on(b, stop):
    with b.client() as c:
        while not stop.is_set():
            c.produce('other', {0: batch([b'x'])})


need_strace()

def cold_reads(t, b, segment):
    with b.client() as c:
        cold_fetch(t, b, c, segment, 'its own')

        # While commits go on; how soon the readers see the first of them is their business.
        stop, end = threading.Event(), time.monotonic() + PATIENCE
        producer = threading.Thread(target=one_goes_on, args=(b, stop))
        producer.start()
        try:
            sparing = False
            while not sparing and time.monotonic() < end:
                sparing = cold_fetch(t, b, c, segment, 'beside a producer')
            t.ok(sparing, 'nothing is read ahead beside a producer')
        finally:
            stop.set()
            producer.join()
    t.same(b.stop(), 0, 'the broker stops')
    b.start()
    with b.client() as c:
        c.fetch('t', {0: 0}, most=1)  # opens the file, loads its index
        cold_fetch(t, b, c, segment, 'of another life')


with Tap() as t, Broker(t, 'num.network.threads=1') as b:
    with b.client() as c:
        c.create('t', 1)
        c.create('other', 1)
        one = batch([b'x' * 100000])
        for i in range(BATCHES):
            c.produce('t', {0: one})
    segment = Segment(b)
    t.ok(len(segment.bytes) > BATCHES * 100000, 'records in a file', len(segment.bytes))
    if segment.drop():
        cold_reads(t, b, segment)
    else:
        t.skip('cold reads', 'this file system keeps what it is asked to drop, or does not tell')
    os.close(segment.fd)
    t.same(b.stop(), 0, 'the broker stops cleanly')
