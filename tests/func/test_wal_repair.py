"""chronik-wal repair: a damaged log makes the start refuse; the copy starts, serves all that could be saved at the
offsets it had, and what was lost was told before."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker, program, until  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402

# No checkpoint covers the records: they are in the log, and unsynced in the partition logs.
# Partition logs have each record as soon as it is acknowledged.
SETTINGS = ('wal.segment.bytes=1048576', 'wal.checkpoint.bytes=1073741824', 'log.buffer.bytes=0')
PARTS, COUNT, BLOCK = 3, 30, 4096


def value(p, i):
    return b'%d/%d ' % (p, i) + bytes(500)


def run(*args):
    return subprocess.run([program('chronik-wal'), *args], capture_output=True, text=True)


def frames(path, *more):
    done = run('dump', '-o', 'jsonl', *more, path)
    return [json.loads(line) for line in done.stdout.splitlines()]


def flip(path, at):
    with open(path, 'r+b') as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 0x10]))


def wipe(path, at, n=BLOCK):
    with open(path, 'r+b') as f:
        f.seek(at)
        f.write(bytes(n))


def fill(t):
    b = Broker(t, *SETTINGS, dir='whole').start()
    with b.client() as c:
        c.create('t', PARTS)
        c.create('u', 1)
        for i in range(COUNT):
            c.produce('t', {p: batch([value(p, i)]) for p in range(PARTS)})
        c.produce('u', {0: batch([b'only'])})
    # The broker idles: a MARK says that everything is durable.
    until(lambda: frames(b.dir, '--type', 'MARK', '--shard', '1'))
    b.kill()
    return b


class Copy:
    """A copy of the whole directory, to be damaged."""
    n = 0

    def __init__(self, t, whole, logs):
        Copy.n += 1
        self.t, self.dir = t, os.path.join(t.work, f'damaged-{Copy.n}')
        self.fixed = Broker(t, *SETTINGS, dir=f'repaired-{Copy.n}')
        shutil.copytree(whole.dir, self.dir)
        if not logs:  # what a power cut may leave of files that were never synced
            for name in os.listdir(self.dir + '/log'):
                for file in os.listdir(f'{self.dir}/log/{name}'):
                    if file.endswith('.log'):
                        os.truncate(f'{self.dir}/log/{name}/{file}', 0)

    def place(self, p, i):
        """(file, byte) of a batch in the log."""
        f = [f for f in frames(self.dir, '-t', 't', '-p', str(p)) if f['base_offset'] == i][0]
        return f['file'], f['position'], f['group']

    def refuses(self, what):
        b = Broker(self.t, *SETTINGS, dir=os.path.basename(self.dir))
        self.t.same(b.refusal(), 1, f'{what}: the start refuses')

    def repair(self):
        """What the repair says. It says the same without doing it."""
        told = run('repair', self.dir, '--validate-only', '-o', 'json')
        done = run('repair', self.dir, '--output', self.fixed.dir, '-o', 'json')
        self.t.same((told.returncode, done.returncode), (0, 0), 'it is repaired'
                    + (': ' + done.stderr if done.returncode else ''))
        said, first = json.loads(done.stdout), json.loads(told.stdout)
        self.t.same(first.pop('output'), None, 'and told of before')
        said.pop('output')
        self.t.same(first, said, 'in the same words')
        self.t.same(run('verify', self.fixed.dir).returncode, 0, 'the copy is sound')
        again = run('repair', self.fixed.dir, '--output', self.fixed.dir + '-again')
        self.t.ok(again.returncode == 1 and 'nothing is wrong' in again.stderr,
                  'and needs no repair', again.stderr)
        return said

    def serves(self, what, lost=(), end=COUNT):
        """The copy serves everything of t but (partition, offset)s, and goes on at `end`."""
        with self.fixed as b, b.client() as c:
            for p in range(PARTS):
                found = {}
                offset = 0
                while offset < end:
                    error, _, records = c.fetch('t', {p: offset})[p]
                    got = batches(records)
                    if error or not got:
                        break
                    for x in got:
                        found.update(zip(range(x.base, x.last + 1), (v for _, v in x.records())))
                    offset = got[-1].last + 1
                want = {i: value(p, i) for i in range(end) if (p, i) not in lost}
                self.t.ok(found == want, f'{what}: partition {p} has all it can have',
                          f'{error}, {len(found)} records, not {len(want)}: '
                          f'{sorted(set(want) ^ set(found))[:5]}')
                self.t.same(c.produce('t', {p: batch([b'more'])})[p][:2], (0, end), 'and goes on behind it')


def ranges(said):
    return sorted((r['partition'], r['from_offset'], r['to_offset'], r['fate']) for r in said['ranges'])


with Tap() as t:
    whole = fill(t)
    GROUP, LOG = 'saved from a damaged group', 'saved from the partition log'

    done = run('repair', whole.dir, '--output', os.path.join(t.work, 'none'))
    t.ok(done.returncode == 1 and 'nothing is wrong' in done.stderr, 'a sound directory is refused', done)
    t.ok(not os.path.exists(os.path.join(t.work, 'none')), 'and nothing written')

    x = Copy(t, whole, logs=True)
    file, at, _ = x.place(1, 10)
    flip(file, at + 200)
    x.refuses('a byte of a record')
    said = x.repair()
    t.same(ranges(said), [(0, 10, 10, GROUP), (1, 10, 10, LOG), (2, 10, 10, GROUP)],
           'its batch comes from the partition log, the others of the group from the group')
    t.same((said['lost_offsets'], len(said['shards'][1]['lost_entries'])), (0, 1), 'no record is lost')
    x.serves('a byte of a record')

    x = Copy(t, whole, logs=False)
    file, at, _ = x.place(1, 10)
    flip(file, at + 200)
    x.refuses('a byte of a record, the partition logs lost')
    said = x.repair()
    t.same(ranges(said), [(0, 10, 10, GROUP), (1, 10, 10, 'lost'), (2, 10, 10, GROUP)], 'one batch is lost')
    t.same((said['lost_offsets'], said['shards'][1]['untold_entries']), (1, 0), 'and nothing else')
    x.serves('a byte of a record, the partition logs lost', lost={(1, 10)})

    x = Copy(t, whole, logs=False)
    file, _, group = x.place(1, 10)
    wipe(file, group)
    x.refuses('a wiped block')
    said = x.repair()
    t.same(ranges(said), [(p, 10, 10, 'lost') for p in range(PARTS)], 'costs what was in it')
    t.same(said['shards'][1]['untold_entries'], 1, 'and says that more may have been')
    x.serves('a wiped block', lost={(p, 10) for p in range(PARTS)})

    x = Copy(t, whole, logs=False)
    file, _, group = x.place(1, 10)
    flip(file, group + 40)
    x.refuses("a group's header")
    t.same(ranges(x.repair()), [], 'costs nothing')
    x.serves("a group's header")

    x = Copy(t, whole, logs=False)
    flip(x.place(1, 10)[0], 20)
    x.refuses("a segment's header")
    t.same(x.repair()['lost_offsets'], 0, 'costs nothing')
    x.serves("a segment's header")

    x = Copy(t, whole, logs=False)
    file, _, group = x.place(0, COUNT - 1)
    wipe(file, group)
    x.refuses('the last records')
    said = x.repair()
    t.same((said['lost_offsets'], said['shards'][1]['untold_entries']), (0, 1),
           'leave no trace, and it is said that they may have been there')
    x.serves('the last records', end=COUNT - 1)

    x = Copy(t, whole, logs=True)
    file, _, group = x.place(0, COUNT - 1)
    wipe(file, group)
    said = x.repair()
    t.same(ranges(said), [(p, COUNT - 1, COUNT - 1, LOG) for p in range(PARTS)],
           'unless the partition logs have them')
    x.serves('the last records, in the partition logs')

    # ---- metadata

    x = Copy(t, whole, logs=True)
    lost = [f for f in frames(x.dir, '--shard', '0', '--type', 'COMMAND')
            if 'name' in str(f['detail']) and "'u'" in str(f['detail'])][0]
    flip(lost['file'], lost['position'] + 20)
    x.refuses('a command of the metadata')
    said = x.repair()
    t.same((said['shards'][0]['lost_entries'], [os.path.basename(o['directory']) for o in said['lost_topics']]),
           ([lost['index']], ['u-0']), 'costs the topic that it made')
    x.serves('a command of the metadata')

    # ---- checkpoints

    x = Copy(t, whole, logs=True)
    flip(x.dir + '/wal/1/checkpoint.0', 100)
    t.same(x.repair()['lost_offsets'], 0, 'one damaged checkpoint costs nothing')
    x.serves('a checkpoint')
    x = Copy(t, whole, logs=True)
    for n in '01':
        if os.path.exists(f'{x.dir}/wal/1/checkpoint.{n}'):
            flip(f'{x.dir}/wal/1/checkpoint.{n}', 100)
    done = run('repair', x.dir, '--output', x.dir + '-to')
    t.ok(done.returncode == 8 and 'no good checkpoint' in done.stderr, 'two cannot be repaired', done)

    # ---- one shard's log alone

    x = Copy(t, whole, logs=True)
    file, at, _ = x.place(2, 5)
    flip(file, at + 200)
    done = run('repair', x.dir + '/wal/1', '--output', x.dir + '-to')
    t.ok(done.returncode == 0 and '1 offset lost' in done.stdout, "a shard's log can be repaired alone", done)
    t.same(run('verify', x.dir + '-to').returncode, 0, 'into one that is sound')

    # ---- refusals

    with Broker(t, *SETTINGS, dir='whole'):
        done = run('repair', whole.dir, '--output', x.dir + '-no')
        t.ok(done.returncode == 1 and 'a broker runs' in done.stderr, 'a directory in use', done)
    for args, status, what in (([x.dir], 2, 'no --output'),
                               ([x.dir, '--output', whole.dir], 4, 'an output that has something'),
                               (['--output', x.dir + '-no', t.work + '/nowhere'], 3, 'no such directory'),
                               ([x.dir, '--output', x.dir + '-no', '-o', 'xml'], 2, 'an unknown format')):
        done = run('repair', *args)
        t.same((done.returncode, len(done.stderr.splitlines())), (status, 1), what)
    t.ok(not os.path.exists(x.dir + '-no'), 'none of them writes anything')
