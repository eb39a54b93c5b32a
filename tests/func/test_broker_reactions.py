"""What the broker does when the system fails it or runs short: one event after the other, and at the
end the table of events and of the reactions that were seen. Every case has a broker of its own, and
ends with a kill and a restart after which all that was acknowledged is there."""
import contextlib
import errno
import os
import resource
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import PATIENCE, Broker, until  # noqa: E402
from records import batch, batches  # noqa: E402
from strace import inject, may_strace, wal_segments  # noqa: E402
from tap import Tap  # noqa: E402
from wire import i16, i32, string  # noqa: E402

STORAGE, TIMED_OUT = 56, 7
TIMEOUT = 30  # seconds that a request is given, unless it says otherwise
LARGE = 30000  # records of this size do not gather in memory before they go to their partition's file
SYNCS = 'fdatasync,fsync,pwritev2'
SMALL = ['wal.segment.bytes=1048576', 'wal.max.bytes=16777216', 'num.network.threads=2']


def log_file(broker, topic, partition=0):
    """The only file of a partition's records."""
    return f'{broker.dir}/log/{topic}-{partition}/{0:020}.log'


@contextlib.contextmanager
def limited(broker, what, most):
    """While it lasts, the broker has a lower limit."""
    was = resource.prlimit(broker.process.pid, what)
    resource.prlimit(broker.process.pid, what, (most, was[1]))
    try:
        yield
    finally:
        resource.prlimit(broker.process.pid, what, was)


class Case:
    """A broker, what it acknowledged, and what it said."""

    def __init__(self, t, name, *settings, **more):
        self.t, self.seen = t, []
        self.broker = Broker(t, *SMALL, *settings, dir=name, **more).start()
        self.acked = {}  # {(topic, partition): offsets}
        self.client = self.broker.client()

    def create(self, topic, n=1):
        self.t.same(self.client.create(topic, n), 0, f'{topic} is created')

    def produce(self, topic, partition=0, size=100, client=None, **more):
        """The error; what is acknowledged is remembered."""
        values = [os.urandom(size)]
        error, base, *_ = (client or self.client).produce(topic, {partition: batch(values)}, **more)[partition]
        if not error:
            self.acked.setdefault((topic, partition), []).append(base)
        return error

    def reads(self, topic, partition=0):
        """Can all that was acknowledged be read?"""
        want = self.acked.get((topic, partition), [])
        got, at = set(), min(want, default=0)
        with self.broker.client() as c:
            while True:
                error, hw, records = c.fetch(topic, {partition: at})[partition]
                if error:
                    return error
                bs = batches(records)
                got.update(b[0] for b in bs)
                if not bs or bs[-1][1] + 1 >= hw:
                    return 0 if got >= set(want) else f'missing {sorted(set(want) - got)[:5]}'
                at = bs[-1][1] + 1

    def said(self, *words):
        return [x for x in self.broker.lines() if all(w in x for w in words)]

    def one_line(self, event, *words):
        """One line says what happened and what to do: it goes into the table."""
        until(lambda: self.said(*words))
        lines = self.said(*words)
        self.t.ok(len(lines) == 1, f'{event}: one line says so', lines or self.broker.lines()[-5:])
        self.seen += lines[:1]

    def said_over(self, event, trouble, over):
        """A line says so when it is over, each time that one said when it began: checkpoints make room, too."""
        def begins():
            return [trouble in x for x in self.broker.lines() if trouble in x or over in x]
        found = until(lambda: not begins()[-1]) and begins()
        self.t.ok(found and found[0] and all(a or b for a, b in zip(found, found[1:])), f'{event}: a line says when it is over')
        self.seen += self.said(trouble)[:1] + self.said(over)[:1]

    def end(self, event, reaction, *topics, restart=True):
        """After a kill and a restart all is there; then a clean stop."""
        if restart:
            self.client.s.close()
            self.broker.kill()
            self.broker.start()
        bad = [(x, self.reads(*x)) for x in self.acked if self.reads(*x) != 0]
        self.t.same(bad, [], f'{event}: all that was acknowledged is there')
        self.t.same(self.broker.stop(), 0, f'{event}: the broker stops cleanly')
        table.append((event, reaction, self.seen))


table = []


# ---- a full disk

def small_disk(t):
    """A command that gives the broker a file system of 48 MiB, that nobody else sees; None if there
    may be none."""
    ns = ['unshare', '-m'] if os.geteuid() == 0 else ['unshare', '-rm']
    disk = os.path.join(t.work, 'disk')
    os.mkdir(disk)
    mount = f'mount -t tmpfs -o size=48m,mode=0777 tmpfs {disk}'
    if subprocess.run([*ns, 'sh', '-c', mount], capture_output=True).returncode:
        return None
    return [*ns, 'sh', '-c', mount + ' && exec "$@"', 'sh']


def ballast(broker):
    """The path, as others see it, of a file on the broker's file system."""
    return f'/proc/{broker.process.pid}/root{broker.dir}/ballast'


def fill(path):
    with open(path, 'wb', buffering=0) as f:
        try:
            while f.write(b'x' * (1 << 16)):
                pass
        except OSError:
            pass


def commit_refused(c):
    """Is a commit told to be sent again, on a disk that is full for small records too? A checkpoint may make room
    between the two."""
    for size in 2000, 50:
        while c.produce('a', size=size) == 0:
            pass
    return c.client.commit('g', {('a', 0): 1})[('a', 0)] in (14, 15, 16)


def full_disk(t):
    under = small_disk(t)
    if not under:
        t.skip('a full disk', 'no file system may be mounted')
        return
    c = Case(t, 'disk', 'log.dir.reserved.bytes=4194304', 'log.segment.bytes=1048576', under=under)
    event = 'ENOSPC: the disk fills up'
    c.create('a', 2)
    c.create('victim')
    t.same([c.produce('victim', size=200000) for _ in range(8)], [0] * 8, f'{event}: there is room')
    error, slowest = 0, 0
    while not error:
        start = time.monotonic()
        error = c.produce('a', size=200000)
        slowest = max(slowest, time.monotonic() - start)
    t.same(error, STORAGE, f'{event}: records are refused')
    t.ok(slowest < TIMEOUT, f'{event}: without waiting for room', slowest)
    t.ok(until(lambda: c.said('disk nearly full', 'reserved=', 'free space')), f'{event}: a line says so')
    t.same((c.reads('a'), c.reads('victim')), (0, 0), f'{event}: all can be read')
    t.ok(any(commit_refused(c) for _ in range(50)), f'{event}: offsets are refused, to be retried')
    t.same(c.client.delete('victim'), 0, f'{event}: a topic is deleted')
    del c.acked[('victim', 0)]
    t.ok(until(lambda: c.produce('a', 1) == 0), f'{event}: then records are taken again, without a restart')
    c.said_over(event, 'disk nearly full', 'disk has room again')

    event = 'ENOSPC: others fill the disk'
    fill(ballast(c.broker))
    t.ok(until(lambda: c.produce('a', 1, size=50000, timeout=1500) in (STORAGE, TIMED_OUT)), f'{event}: refused')
    t.same(c.produce('a', 1, size=1000, timeout=1500), STORAGE, f'{event}: at once, from then on')
    t.same(c.reads('a'), 0, f'{event}: all can be read')
    os.unlink(ballast(c.broker))
    t.ok(until(lambda: c.produce('a', 1) == 0), f'{event}: over by itself')

    # The broker stops while the disk is full, and what waits is answered.
    fill(ballast(c.broker))
    start = time.monotonic()
    t.same(c.broker.stop(), 0, 'SIGTERM with a full disk: a clean stop')
    t.ok(time.monotonic() - start < TIMEOUT, 'SIGTERM with a full disk: in time', time.monotonic() - start)
    table.append(('ENOSPC', 'records refused (56), reads and deletes go on, taken again by itself', c.seen))


def quota(t, code, name):
    """The file system has room for the WAL, and none for a partition."""
    c = Case(t, name.lower(), 'log.dir.reserved.bytes=0')
    event = f'{name} on a partition\'s file'
    c.create('a', 2)
    t.same(c.produce('a', size=LARGE), 0, f'{event}: there is room')
    with inject(c.broker, 'pwritev', f'error={name}', [log_file(c.broker, 'a')]):
        t.same(c.produce('a', size=LARGE, timeout=700), TIMED_OUT, f'{event}: what is logged waits')
        c.one_line(event, 'no room to apply what is logged', os.strerror(code))
        t.same(c.produce('a', 1), STORAGE, f'{event}: records are refused')
        t.same(c.reads('a'), 0, f'{event}: all can be read')
    t.ok(until(lambda: c.produce('a', 1) == 0), f'{event}: over by itself')
    c.one_line(event, 'room to apply what is logged again')
    t.same(c.client.offset('a', -1), (0, 2), f'{event}: what waited is there, once')
    c.end(event, 'logged entries wait, records refused (56), over by itself')


def file_limit(t):
    c = Case(t, 'fsize', 'log.dir.reserved.bytes=0')
    event = 'EFBIG: RLIMIT_FSIZE'
    c.create('a')
    c.produce('a', size=100000)
    # Files of the log are smaller, and whole already.
    with limited(c.broker, resource.RLIMIT_FSIZE, 1200000):
        error = 0
        while not error:
            error = c.produce('a', size=100000, timeout=700)
        t.ok(error in (STORAGE, TIMED_OUT), f'{event}: refused, not killed', error)
        t.ok(c.broker.running(), f'{event}: the broker runs')
        t.same(c.reads('a'), 0, f'{event}: all can be read')
    t.ok(until(lambda: c.produce('a') == 0), f'{event}: over by itself')
    c.end(event, 'as a full disk; no signal kills')


# ---- a broken disk

def broken_sync(t, name):
    c = Case(t, 'sync-' + name.lower())
    event = f'{name} on a write or sync of the log'
    c.create('a')
    t.same(c.produce('a'), 0, f'{event}: the disk works')
    with inject(c.broker, SYNCS, f'error={name}', wal_segments(c.broker, 1)):
        t.same(c.produce('a'), STORAGE, f'{event}: KAFKA_STORAGE_ERROR')
    t.same([c.produce('a') for _ in range(3)], [STORAGE] * 3, f'{event}: and from then on')
    t.same(c.reads('a'), 0, f'{event}: all can be read')
    c.one_line(event, 'stopped:', 'shard=1', '.wal: byte', os.strerror(getattr(errno, name)), 'restart')
    c.end(event, 'shard stopped: nothing acknowledged (56), reads go on, a restart recovers')


def broken_log(t):
    c = Case(t, 'plog')
    event = 'EIO on a partition\'s file'
    c.create('a', 2)
    t.same((c.produce('a', size=LARGE), c.produce('a', 1)), (0, 0), f'{event}: the disk works')
    with inject(c.broker, 'pwritev', 'error=EIO', [log_file(c.broker, 'a')]):
        t.same(c.produce('a', size=LARGE), STORAGE, f'{event}: KAFKA_STORAGE_ERROR')
    t.same((c.produce('a'), c.produce('a', 1)), (STORAGE, 0), f'{event}: of that partition alone, until a restart')
    t.same(c.reads('a', 1), 0, f'{event}: the other one can be read')
    c.one_line(event, 'partition offline', 'partition=a-0', 'Input/output error', 'restart')
    c.end(event, 'that partition offline (56), others go on, a restart recovers')


def no_checkpoint(t):
    c = Case(t, 'checkpoint', 'wal.checkpoint.ms=300')
    event = 'ENOSPC for a checkpoint'
    c.create('a')
    t.same(c.produce('a'), 0, f'{event}: records are taken')
    new = [f'{c.broker.dir}/wal/1/checkpoint.{n}.tmp' for n in (0, 1)]
    with inject(c.broker, 'rename,renameat,renameat2', 'error=ENOSPC', new):
        c.produce('a')
        until(lambda: c.said('checkpoint failed', 'shard=1'))
        time.sleep(2.5)
        t.same(c.produce('a'), 0, f'{event}: as long as the log has room')
    c.one_line(event, 'checkpoint failed', 'shard=1', 'No space left', 'see to')
    c.one_line(event, 'checkpoints succeed again', 'shard=1')
    c.end(event, 'tried every second, said once, over by itself')


def slow_disk(t):
    c = Case(t, 'slow')
    event = 'a slow disk'
    c.create('a')
    start = time.monotonic()
    with inject(c.broker, SYNCS, 'delay_enter=700000', wal_segments(c.broker, 1)):
        t.same([c.produce('a') for _ in range(3)], [0] * 3, f'{event}: records are taken')
    until(lambda: c.said('slow disk', 'shard=1', 'ms'))
    lines, most = c.said('slow disk', 'shard=1', 'ms'), 1 + (time.monotonic() - start) // 10
    t.ok(0 < len(lines) <= most, f'{event}: a line in ten seconds says so', lines)
    c.seen += lines[:1]
    c.end(event, 'requests wait, one line in ten seconds')


# ---- descriptors

def cpu(broker):
    with open(f'/proc/{broker.process.pid}/stat') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def no_accept(t, name):
    c = Case(t, 'accept-' + name.lower())
    event = f'{name} on accept'
    c.create('a')
    start = time.monotonic()
    with inject(c.broker, 'accept4', f'error={name}'):
        late = socket.create_connection(('127.0.0.1', c.broker.port))
        until(lambda: c.said('closed peer=a new client'))
        before = cpu(c.broker)
        time.sleep(1)
        t.ok(cpu(c.broker) - before < 0.5, f'{event}: it does not spin', cpu(c.broker) - before)
        t.same(c.produce('a'), 0, f'{event}: those that are there are served')
    late.close()
    t.ok(until(lambda: c.broker.client().metadata([]) == {}), f'{event}: then new ones are too')
    lines = c.said('closed peer=a new client')
    t.ok(0 < len(lines) <= 1 + (time.monotonic() - start), f'{event}: a line a second says so', lines)
    c.seen += lines[:1]
    c.end(event, 'new connections are closed or wait, no spinning, old ones served')


def no_files(t):
    event = 'EMFILE for a partition\'s files'
    c = Case(t, 'files', 'log.dir.reserved.bytes=0')
    c.create('a', 3)
    t.same(c.produce('a'), 0, f'{event}: one is open')
    with limited(c.broker, resource.RLIMIT_NOFILE, 3):  # only the standard streams stay open all the time
        t.same(c.produce('a', 1, size=LARGE, timeout=700), TIMED_OUT, f'{event}: what is logged waits')
        c.one_line(event, 'no room to apply what is logged', 'Too many open files')
        t.same(c.produce('a', 2), STORAGE, f'{event}: records are refused')
    t.ok(until(lambda: c.produce('a', 2) == 0), f'{event}: over by itself')
    t.same(c.client.offset('a', -1, 1), (0, 1), f'{event}: what waited is there, once')
    c.end(event, 'logged entries wait, records refused (56), no log failed')


def few_at_start(t):
    for settings, limit, words in [((), 40, 'RLIMIT_NOFILE is 40'),
                                   (('max.connections=5000',), 1024, 'max.connections is 5000')]:
        event = f'RLIMIT_NOFILE={limit}' + ''.join(f' with {s}' for s in settings)
        # Its hard limit too, or it would be raised.
        b = Broker(t, *SMALL, *settings, dir=f'few-{limit}', limit=limit)
        t.same(b.refusal(), 1, f'{event}: no start')
        lines = [x for x in b.lines() if words in x]
        t.ok(len(lines) == 1, f'{event}: one line says why', b.lines())
        table.append((event, 'the start is refused', lines))


# ---- memory

def sanitized(broker):
    with open(f'/proc/{broker.process.pid}/maps') as f:
        maps = f.read()
    return 'libasan' in maps or 'libtsan' in maps


def no_memory(t):
    c = Case(t, 'memory')
    event = 'ENOMEM'
    if sanitized(c.broker):
        t.skip(event, 'sanitizers take memory of their own')
        c.broker.kill()
        return
    c.create('a')
    t.same(c.produce('a'), 0, f'{event}: there is memory')
    with open(f'/proc/{c.broker.process.pid}/statm') as f:
        now = int(f.read().split()[0]) * resource.getpagesize()
    with limited(c.broker, resource.RLIMIT_AS, now + (1 << 20)):
        refused = 0
        for _ in range(5):
            try:
                with c.broker.client(patience=2) as big:
                    big.s.sendall(i32(60 << 20) + i16(0) + i16(7) + i32(1) + string('x'))
                    big.s.sendall(b'\0' * (1 << 20))
                    refused += big.is_closed()
            except TimeoutError:
                pass
            except OSError:
                refused += 1
        t.ok(c.broker.running(), f'{event}: the broker stays up')
    t.ok(refused > 0, f'{event}: connections were closed', refused)
    with c.broker.client() as again:
        t.ok(until(lambda: c.produce('a', client=again) == 0), f'{event}: records are taken')
    c.end(event, 'the connection is closed, the broker stays up')


# ---- requests that name no time

def no_time(t):
    c = Case(t, 'time')
    event = 'a stuck disk and SIGTERM'
    c.create('a')
    t.same(c.produce('a', size=LARGE, timeout=0), 0, 'timeout 0: is served as others are')
    with inject(c.broker, 'pwritev', 'error=ENOSPC', [log_file(c.broker, 'a')]), c.broker.client() as waits:
        want = None if sanitized(c.broker) else 0  # leaks are not looked for under strace
        n = waits.produce_send('a', {0: batch([bytes(LARGE)])}, timeout=0)
        until(lambda: c.said('no room to apply'))
        start = time.monotonic()
        c.broker.process.terminate()
        error = waits.produce_answer(n)[0][0]
        t.ok(error in (STORAGE, TIMED_OUT, 6), f'{event}: what waits is answered', error)
        status = c.broker.process.wait(PATIENCE)
        t.ok(want is None or status == want, f'{event}: the stop comes to its end', status)
        t.ok(time.monotonic() - start < TIMEOUT, f'{event}: in time', time.monotonic() - start)
    c.broker.stop()
    c.broker.start()
    c.end(event, 'answered with an error, stopped within the grace', restart=False)


with Tap() as t:
    full_disk(t)
    file_limit(t)
    few_at_start(t)
    no_files(t)
    no_memory(t)
    if may_strace():
        quota(t, errno.EDQUOT, 'EDQUOT')
        for name in ('EIO', 'EROFS'):
            broken_sync(t, name)
        broken_log(t)
        no_checkpoint(t)
        slow_disk(t)
        for name in ('EMFILE', 'ENFILE', 'ENOBUFS'):
            no_accept(t, name)
        no_time(t)
    else:
        t.skip('EDQUOT, EIO, EROFS, ENFILE, slow disks', 'strace is missing or may not trace')
    for event, reaction, lines in table:
        t.note(f'{event} -> {reaction}')
        for line in lines:
            t.note('    ' + line)
    t.ok(len(table) >= 5, 'events were made', len(table))
