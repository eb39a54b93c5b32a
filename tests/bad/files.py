"""Damage on disk: the start is refused, or the first read fails, with one line that names the file;
the offline checks say so too. What is only a hint, or only the end of an unfinished write, does no
harm."""
import os
import shutil
import subprocess
import time

from broker import PATIENCE, Broker, program
from cases import Case
from records import batch, batches
from wire import error_name

# Of the batches the first 70 bring on a checkpoint, the others none; nor does time.
SETTINGS = ('wal.segment.bytes=1048576', 'wal.checkpoint.bytes=262144', 'wal.checkpoint.ms=3600000',
            'log.index.interval.bytes=512', 'log.segment.bytes=131072')
BATCHES, BEFORE_CHECKPOINT = 100, 70
BLOCK = 4096
LOG = 'log/t-0/00000000000000000000.log'
SERVES = 'all records are served'


def value(n):
    return b'%d' % n + bytes(3000)


class Directories:
    """Two data directories to make damaged copies of: one whose broker was killed, one whose broker
    stopped cleanly."""

    def __init__(self, tap):
        self.tap, self.copies = tap, 0
        killed = Broker(tap, *SETTINGS, dir='killed').start()
        with killed.client() as c:
            c.create('t')
            made = killed.stats('shard=1')['checkpoints']
            for n in range(BEFORE_CHECKPOINT):
                c.produce('t', {0: batch([value(n)])})
            end = time.monotonic() + PATIENCE
            while killed.stats('shard=1')['checkpoints'] == made and time.monotonic() < end:
                time.sleep(0.01)
            for n in range(BEFORE_CHECKPOINT, BATCHES):
                c.produce('t', {0: batch([value(n)])})
        killed.kill()
        shutil.copytree(killed.dir, os.path.join(tap.work, 'stopped'))
        Broker(tap, *SETTINGS, dir='stopped').start().stop()
        Broker(tap, *SETTINGS, dir='other').start().kill()

    def copy(self, kind):
        self.copies += 1
        name = f'{kind}-{self.copies}'
        shutil.copytree(os.path.join(self.tap.work, kind), os.path.join(self.tap.work, name))
        return Broker(self.tap, *SETTINGS, dir=name)


# What can happen to a file. Each gives a function of its path.

def flip(at):
    """One bit; at may be negative, from the end."""
    def damage(path):
        with open(path, 'r+b') as f:
            f.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
            byte = f.read(1)[0]
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([byte ^ 4]))
    return damage


def cut(size):
    return lambda path: os.truncate(path, size if size >= 0 else os.path.getsize(path) + size)


def write(text):
    def damage(path):
        with open(path, 'w') as f:
            f.write(text)
    return damage


def replace(old, new):
    def damage(path):
        with open(path) as f:
            text = f.read()
        if old not in text:
            raise RuntimeError(f'{path} does not hold {old!r}')
        write(text.replace(old, new))(path)
    return damage


remove = os.unlink


# What can come of it.

def start(b, name):
    """Of a start: refused with one line that names the file, or not."""
    status = b.refusal()
    errors = [line for line in b.lines() if ' ERROR ' in line or line.startswith('chronikd')]
    if status is None:
        return 'it serves'
    if status != 1 or len(errors) != 1:
        return f'status {status}, {len(errors)} lines of errors: {b.lines()[-3:]}'
    return f'start refused, naming {name}' if name in errors[0] else f'start refused: {errors[0]}'


def verify(tool, b, name):
    done = subprocess.run([program(tool), 'verify', b.dir], capture_output=True, text=True)
    said = done.stdout + done.stderr
    if done.returncode == 8 and name in said:
        return f'exit 8, naming {name}'
    return f'exit {done.returncode}: {said[-300:]}'


def serve(b):
    """Read the topic back."""
    with b, b.client() as c:
        found, offset = [], 0
        while offset < BATCHES:
            error, _, records = c.fetch('t', {0: offset})[0]
            if error:
                named = [line for line in b.lines() if '.log' in line]
                return f'{error_name(error)} and {len(named)} line that names the file'
            got = batches(records)
            if not got:
                return f'nothing at offset {offset}'
            found += [v.rstrip(b'\0') for whole in got for _, v in whole.records()]
            offset = got[-1].last + 1
    return SERVES if found == [b'%d' % n for n in range(BATCHES)] else 'other records'


def cases(directories):
    def case(target, fault, expected, kind, path, damage, outcome):
        def run(_):
            b = directories.copy(kind)
            try:
                damage(os.path.join(b.dir, path))
                return outcome(b)
            finally:
                b.kill()
                shutil.rmtree(b.dir)
        return Case(target, fault, expected, run)

    def refused(target, fault, kind, path, damage, name=None):
        name = name or os.path.basename(path)
        return case(target, fault, f'start refused, naming {name}', kind, path, damage,
                    lambda b: start(b, name))

    def found(tool, target, fault, kind, path, damage, name=None):
        name = name or os.path.basename(path)
        return case(f'{tool} verify, {target}', fault, f'exit 8, naming {name}', kind, path, damage,
                    lambda b: verify(tool, b, name))

    def harmless(target, fault, kind, path, damage):
        return case(target, fault, SERVES, kind, path, damage, serve)

    # Segment 2 is live in the directory whose broker was killed: segment 1 was cut at the start. A
    # batch is alone in its block (and others hold marks); what is behind the latest checkpoint is needed, and
    # durable by what follows it.
    live = 'wal/1/00000000000000000002.wal'
    with open(os.path.join(directories.tap.work, 'killed', live), 'rb') as f:
        log = f.read()
    early, late = (log.index(value(n)) // BLOCK * BLOCK for n in (1, BATCHES - 10))
    for fault, damage in [('a flipped bit in its header', flip(20)),
                          ('a flipped bit in the magic', flip(0)),
                          ('a file of half the size', cut(1 << 19)),
                          ('an empty file', cut(0)),
                          ('a missing file', remove)]:
        yield refused('WAL segment', fault, 'killed', live, damage)
        yield found('chronik-wal', 'WAL segment', fault, 'killed', live, damage)
    for fault, at in [("a flipped bit in a group's header", 24),
                      ("a flipped bit in a group's payload", 2000),
                      ('a flipped bit in the padding behind a group', BLOCK - 6)]:
        yield refused('WAL group', fault, 'killed', live, flip(late + at))
        yield found('chronik-wal', 'WAL group', fault, 'killed', live, flip(late + at))
        yield found('chronik-wal', 'WAL group before the checkpoint', fault, 'killed', live,
                    flip(early + at))
        yield harmless('WAL group before the checkpoint', fault, 'killed', live, flip(early + at))
    yield refused('WAL segment', "another cluster's file", 'killed', live, lambda path: shutil.copy(
        os.path.join(directories.tap.work, 'other', live), path))
    for n in (0, 1):
        yield found('chronik-wal', f'checkpoint {n}', 'a flipped bit', 'stopped',
                    f'wal/1/checkpoint.{n}', flip(60))
    yield refused('checkpoints', 'a flipped bit in each', 'stopped', 'wal/1', lambda path: [
        flip(60)(os.path.join(path, f'checkpoint.{n}')) for n in (0, 1)], 'checkpoint')
    yield refused('checkpoints', 'both missing', 'stopped', 'wal/1', lambda path: [
        remove(os.path.join(path, f'checkpoint.{n}')) for n in (0, 1)], 'checkpoint')
    yield refused('checkpoints', 'a log that is empty beside them', 'stopped', 'wal/1',
                  lambda path: [remove(os.path.join(path, n)) for n in os.listdir(path)
                                if n.endswith('.wal')], 'wal/1')

    def newest(path):
        return os.path.join(path, sorted(os.listdir(path))[-1])
    for fault, damage in [('a flipped bit', flip(100)), ('a file cut short', cut(-5)),
                          ('an empty file', cut(0)), ('text', write('not a snapshot\n'))]:
        yield refused('metadata snapshot', fault, 'stopped', 'meta',
                      lambda path, d=damage: d(newest(path)), '.snapshot')
        yield found('chronik-meta', 'metadata snapshot', fault, 'stopped', 'meta',
                    lambda path, d=damage: d(newest(path)), '.snapshot')
    yield refused('metadata snapshots', 'all missing', 'stopped', 'meta', lambda path: [
        remove(os.path.join(path, n)) for n in os.listdir(path)], 'meta: the metadata snapshot')
    meta_log = 'wal/0/00000000000000000002.wal'
    yield refused('metadata log', 'a flipped bit', 'killed', meta_log, flip(2 * BLOCK + 100))
    yield found('chronik-meta', 'metadata log', 'a flipped bit', 'killed', meta_log,
                flip(2 * BLOCK + 100))

    for fault, damage in [('a flipped bit', flip(30)), ('an empty file', cut(0)),
                          ('text', write('hello\n')), ('a file cut short', cut(-10)),
                          ('a missing file', remove),
                          ('a newer format', replace('format=1', 'format=2'))]:
        yield refused('node.meta', fault, 'stopped', 'node.meta', damage)

    yield case('partition log', 'a flipped bit',
               'KAFKA_STORAGE_ERROR and 1 line that names the file', 'stopped', LOG, flip(5000),
               serve)
    yield refused('partition log', 'a file cut short of its checkpoint', 'stopped',
                  'log/t-0', lambda path: cut(-100)(os.path.join(path, sorted(
                      n for n in os.listdir(path) if n.endswith('.log'))[-1])), '.log')
    yield refused('partition log', 'a missing directory', 'stopped', 'log/t-0', shutil.rmtree,
                  't-0')
    for kind in ('.index', '.timeindex', '.check'):
        hint = LOG.replace('.log', kind)
        yield harmless(f'{kind} file', 'a flipped bit', 'stopped', hint, flip(4))
        yield harmless(f'{kind} file', 'an empty file', 'stopped', hint, cut(0))
        yield harmless(f'{kind} file', 'a missing file', 'stopped', hint, remove)
    for n in (0, 1):
        yield harmless(f'checkpoint {n}', 'a flipped bit, the other being whole', 'stopped',
                       f'wal/1/checkpoint.{n}', flip(60))
