#!/usr/bin/env python3
"""Kill a broker with -9 again and again while it works, and read back what it promised.

    kill9.py [CYCLES [SEED]]        10 cycles by default; run in the build tree's top directory

A cycle starts chronikd on the same directory, puts a mixed load on it (load.py), kills it in one
of the PHASES, starts it again and checks (ledger.py): every acknowledged batch stands at its offset
with its bytes, those of idempotent producers exactly once and in order, whatever a consumer was
given is still there, nothing is there that nobody sent, acknowledged topics exist or are gone,
no group's offset is lower than acknowledged, no log starts before where it was trimmed to or behind
what retention leaves, and of each key of a compacted topic the last record is there. A cycle in
which nothing was acknowledged before the kill fails the run.

What the broker was really doing is told by what it left (evidence.py), and by what its clients
waited for. Each of WANTED has to have been met: cycles are added that hunt for what is missing,
and if they do not find it the run fails. With few cycles only what is met is told.

The seed decides everything but the timing. CHRONIK_TEST_KEEP=1 keeps the directory. A kill proves
nothing about syncs, since the page cache survives it: that is what power_cut is for.
"""
import collections
import itertools
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
import load  # noqa: E402
from broker import Broker, program  # noqa: E402
from evidence import under_way  # noqa: E402
from ledger import Ledger  # noqa: E402
from tap import Tap  # noqa: E402
from wire import error_name  # noqa: E402

# Small files, so that within a second of load segments roll and checkpoints are made.
SETTINGS = ('wal.segment.bytes=1048576', 'wal.max.bytes=16777216', 'wal.checkpoint.bytes=1048576',
            'wal.checkpoint.ms=200', 'log.segment.bytes=262144', 'log.index.interval.bytes=512',
            'log.retention.check.interval.ms=40', 'log.cleaner.backoff.ms=40')
KEEPS = 60000    # bytes that retention leaves of a partition of the topic it is set for
COMPACTED = [('cleanup.policy', 'compact'), ('segment.bytes', '16384'),
             ('min.cleanable.dirty.ratio', '0.1')]
RETAINED = [('retention.bytes', str(KEEPS)), ('segment.bytes', '16384')]
HUNTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'hunter.py')
WIDE = 8         # partitions of the topic that single requests cover whole
CYCLES_OF_AN_ERA = 10  # then all topics are new, lest reading back take longer and longer
PATIENCE = 120   # seconds for what has to happen before a kill
STARTS = 100     # that are begun to kill one of them
HUNTS = 40       # cycles that may be added for what no kill has met yet
ALL_FROM = 100   # cycles from which on everything WANTED has to be met


class Missed(Exception):
    """The kill could not be placed where it was meant to be."""


class Era:
    """Topics, producers and groups that live through some cycles."""

    def __init__(self, run, number):
        self.run, self.ledger = run, run.ledger
        kinds = ('plain', 'wide', 'once', 'short', 'keyed')
        self.plain, self.wide, self.once, self.short, self.keyed = (f'{k}-{number}' for k in kinds)
        self.topics = {self.plain: 2, self.wide: WIDE, self.once: 3, self.short: 2, self.keyed: 1}
        configs = {self.short: RETAINED, self.keyed: COMPACTED}
        marks = {self.short: {'keeps': KEEPS}, self.keyed: {'keyed': True}}
        self.group = f'group-{number}'
        with run.broker.client() as c:
            for name, n in self.topics.items():
                error = c.create(name, n, configs.get(name, ()))
                if error:
                    raise RuntimeError(f'creation of {name}: {error_name(error)}')
                self.ledger.created(name, n, **marks.get(name, {}))
        self.sequences = [load.Sequence(self.once, n) for n in range(3)]
        self.workers = []

    def start_load(self):
        """Workers are made anew for every life of the broker."""
        def new(kind, *arguments):
            seed = self.run.rng.getrandbits(64)
            return kind(self.ledger, self.run.broker.port, random.Random(seed), *arguments)
        self.churn = new(load.Churn)
        self.committer = new(load.Committer, (self.group, self.plain, 0))
        self.workers = [
            new(load.Plain, self.plain, [0]), new(load.Plain, self.plain, [1]),
            new(load.Plain, self.wide, range(WIDE)), new(load.Unacknowledged, self.wide, [0, 3]),
            *(new(load.Idempotent, s) for s in self.sequences),
            new(load.Plain, self.short, [0, 1]), new(load.Trimmer, self.short, 1),
            new(load.Keyed, self.keyed),
            new(load.Reader, self.wide, 0), new(load.Reader, self.once, 1), self.churn,
            self.committer]
        for w in self.workers:
            w.start()

    def finish_load(self):
        """Wait for the workers of a broker that was killed, or that stop as they were told."""
        for w in self.workers:
            w.join(PATIENCE)
            if w.is_alive():
                self.ledger.fault(f'{type(w).__name__} waits although the broker is gone')

    def drain(self):
        """Let idempotent producers get every answer that is open."""
        self.start_load()
        for w in self.workers:
            w.stopping.set()
        self.finish_load()

    def drop(self):
        with self.run.broker.client() as c:
            for name in self.topics:
                error = c.delete(name)
                if error:
                    self.ledger.fault(f'deletion of {name}: {error_name(error)}')
                self.ledger.deleted(name)
        self.ledger.offsets.clear()


class Run:
    def __init__(self, tap, cycles, seed):
        self.tap, self.cycles = tap, cycles
        self.rng = random.Random(seed)
        self.ledger = Ledger()
        self.broker = Broker(tap, *SETTINGS)
        self.start_seconds = 0.1
        self.done = collections.Counter()
        self.met = collections.Counter()  # what was under way at kills

    def start(self):
        begun = time.monotonic()
        self.broker.start()
        self.start_seconds = time.monotonic() - begun

    def wait(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end or not self.broker.running():
                raise Missed(f'{what} did not happen in {PATIENCE} s: {self.broker.lines()[-2:]}')
            time.sleep(0.0002)

    def wait_for_acks(self):
        before = self.ledger.counts.get('batches acknowledged', 0)
        self.wait(lambda: self.ledger.counts.get('batches acknowledged', 0) > before,
                  'an acknowledgement')

    def hunt(self, parts, wanted, what):
        """Kill as soon as there is a name in one of `parts` that matches."""
        done = subprocess.run([sys.executable, '-SE', HUNTER, str(self.broker.process.pid),
                               str(PATIENCE), wanted]
                              + [os.path.join(self.broker.dir, part) for part in parts],
                              capture_output=True)
        if done.returncode:
            raise Missed(f'{what} did not happen in {PATIENCE} s: {self.broker.lines()[-2:]}')
        self.kill()

    def kill(self):
        self.broker.kill()
        found = under_way(self.broker.dir)
        if any(s.open for s in self.era.sequences):
            found.add('group commit')
        if self.era.committer.asking.is_set():
            found.add('offset commit')
        if self.era.churn.asking.is_set():
            found.add('topic change')
        self.met.update(found)
        self.era.finish_load()

    # Where a kill can come. Each is called with the load running and something acknowledged.

    def load(self):
        """at any moment, 5 to 400 ms after the load began"""
        time.sleep(self.rng.uniform(0.005, 0.4))
        self.kill()

    def checkpoint(self):
        """while a checkpoint is written"""
        self.hunt(('wal/0', 'wal/1'), r'^checkpoint.*tmp$', 'a checkpoint')

    def snapshot(self):
        """while a snapshot of the metadata is written"""
        self.hunt(('meta',), r'tmp$', 'a snapshot')

    def roll(self):
        """when the log gets a new segment"""
        def segments():
            return {n for n in os.listdir(os.path.join(self.broker.dir, 'wal/1'))
                    if n.endswith('.wal')}
        before = segments()
        self.wait(lambda: segments() - before, 'a new segment')
        time.sleep(self.rng.uniform(0, 0.002))
        self.kill()

    def recycling(self):
        """while a segment of the log is made, from an old one if there is one"""
        self.hunt(('wal/1',), r'^\d+\.tmp$', 'a new segment')

    def retention(self):
        """while old records are removed"""
        before = len(self.broker.lines())
        self.wait(lambda: any('records removed' in line for line in self.broker.lines()[before:]),
                  'retention')
        self.kill()

    def compaction(self):
        """while a partition log is compacted"""
        self.hunt((f'log/{self.era.keyed}-0',), r'\.(cleaned|swap)$', 'a compaction')

    def deletion(self):
        """while the files of a deleted topic go"""
        self.hunt(('log',), r'-delete$', 'a deletion')

    def topics(self):
        """while a topic is created or deleted"""
        time.sleep(self.rng.uniform(0, 0.1))
        self.wait(self.era.churn.asking.is_set, 'a change of topics')
        time.sleep(self.rng.uniform(0, 0.004))
        self.kill()

    def commits(self):
        """while a group's offset is committed"""
        time.sleep(self.rng.uniform(0, 0.1))
        self.wait(self.era.committer.asking.is_set, 'a commit')
        time.sleep(self.rng.uniform(0, 0.001))
        self.kill()

    def recovery(self):
        """while it recovers from a kill, up to three times"""
        self.load()
        self.kill_starts(self.rng.randint(1, 3), self.broker, 'recovery')

    def start_after_stop(self):
        """while it starts on what it left itself"""
        for w in self.era.workers:
            w.stopping.set()
        self.era.finish_load()
        if self.broker.stop():
            self.ledger.fault(f'SIGTERM: {self.broker.lines()[-2:]}')
        self.kill_starts(1, self.broker, 'start after a stop')

    def first_start(self):
        """while it makes a new directory; it has to start on what is there then"""
        self.kill()
        fresh = Broker(self.tap, *SETTINGS, dir=f'first-{sum(self.done.values())}')
        self.kill_starts(2, fresh, 'first start')
        try:
            fresh.start()
            with fresh.client() as c:
                error = c.create('first')
            if error:
                self.ledger.fault(f'first start: creation of a topic: {error_name(error)}')
        finally:
            fresh.kill()

    def bench(self):
        """under the load of 32 clients of chronik-bench, which keeps its own ledger"""
        acks = os.path.join(self.tap.work, f'acks-{sum(self.done.values())}')
        topic = os.path.basename(acks)
        command = [program('chronik-bench'), '-b', f'127.0.0.1:{self.broker.port}', '-t', topic]
        bench = subprocess.Popen(
            command + ['-m', 'produce', '-p', '6', '--create-topic', '-c', '32', '-s', '200',
                       '-d', '60s', '--acks', 'all', '--ack-log', acks,
                       '--report-interval-secs', '0'],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            # Two lines say which run it is.
            self.wait(lambda: os.path.exists(acks) and os.path.getsize(acks) > 500,
                      'an acknowledgement to chronik-bench')
            time.sleep(self.rng.uniform(0.005, 0.3))
            self.kill()
            bench.wait(PATIENCE)
        finally:
            bench.kill()
            bench.wait()
        self.check_bench = command + ['--check-ack-log', acks]

    def kill_starts(self, times, broker, what):
        """A start that was over before the kill bounds how long the next one is given, however long others took."""
        for _ in range(times):
            longest = self.start_seconds
            for _ in range(STARTS):
                broker.launch()
                given = self.rng.uniform(0, longest)
                time.sleep(given)
                served = broker.serves()
                ended = broker.kill() != -signal.SIGKILL
                if ended:
                    self.ledger.fault(f'start: ended by itself: {broker.lines()[-2:]}')
                if not served:
                    break
                longest = given
            else:
                raise Missed(f'{STARTS} starts were over before they could be killed')
            self.ledger.count('starts killed')
            self.met[what] += 1

    def verify_files(self):
        """What a kill leaves is no corruption to the tools that need no broker."""
        for tool in ('chronik-wal', 'chronik-meta'):
            done = subprocess.run([program(tool), 'verify', self.broker.dir], capture_output=True,
                                  text=True)
            if done.returncode:
                self.ledger.fault(f'{tool} verify: {done.returncode}: {done.stdout}{done.stderr}')

    PHASES = [load, checkpoint, topics, recovery, commits, bench, roll, first_start,
              start_after_stop, snapshot, recycling, retention, compaction, deletion]
    # What kills have to meet, and the phase that hunts for it.
    WANTED = {'group commit': load, 'checkpoint': checkpoint, 'snapshot': snapshot,
              'roll': recycling, 'recycling': recycling, 'retention': retention,
              'compaction': compaction, 'topic change': topics, 'topic delete': deletion,
              'offset commit': commits, 'recovery': recovery, 'first start': first_start,
              'start after a stop': start_after_stop}

    def cycle(self, phase):
        self.check_bench = None
        self.era.start_load()
        self.wait_for_acks()
        phase(self)
        self.verify_files()
        self.start()
        if self.check_bench:
            port = ['-b', f'127.0.0.1:{self.broker.port}']  # a new one
            done = subprocess.run(self.check_bench + port, capture_output=True, text=True)
            if done.returncode:
                self.ledger.fault(f'chronik-bench: {done.stdout}{done.stderr}')
        with self.broker.client() as c:
            self.ledger.verify(c)
        self.done[phase.__name__] += 1

    def missing(self):
        return [what for what in self.WANTED if not self.met[what]]

    def hunts(self):
        """Cycles for what no kill has met yet, until there is nothing left or no patience."""
        for _ in range(HUNTS):
            left = self.missing()
            if not left:
                return
            yield self.WANTED[self.rng.choice(left)]

    def phases(self):
        """Each phase as often as the others, in an order by the seed."""
        order = []
        while len(order) < self.cycles:
            turn = self.PHASES[:]
            self.rng.shuffle(turn)
            order += turn
        return order[:self.cycles]

    def go(self):
        self.start()
        more = self.hunts() if self.cycles >= ALL_FROM else ()
        for number, phase in enumerate(itertools.chain(self.phases(), more)):
            if number % CYCLES_OF_AN_ERA == 0:
                if number:
                    self.end_era()
                self.era = Era(self, number // CYCLES_OF_AN_ERA)
            begun = time.monotonic()
            self.cycle(phase)
            print(f'# cycle {number + 1}: {phase.__name__}, {time.monotonic() - begun:.2f} s',
                  flush=True)
            if self.ledger.faults:
                return
        self.end_era()
        if self.broker.stop():
            self.ledger.fault(f'SIGTERM: {self.broker.lines()[-2:]}')

    def end_era(self):
        self.era.drain()
        with self.broker.client() as c:
            self.ledger.verify(c)
        self.era.drop()


def main():
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().getrandbits(32)
    print(f'# {cycles} cycles, seed {seed}: kill9.py {cycles} {seed}', flush=True)
    with Tap() as t:
        run = Run(t, cycles, seed)
        try:
            run.go()
        except (Missed, RuntimeError) as e:
            run.ledger.fault(str(e))
        finally:
            run.broker.kill()
        for what, n in sorted(run.done.items()):
            t.note(f'killed {n} times {getattr(Run, what).__doc__}')
        for what in run.WANTED:
            t.note(f'under way when it was killed: {what}: {run.met[what]} times')
        for what, n in sorted(run.ledger.counts.items()):
            t.note(f'{what}: {n}')
        for fault in run.ledger.faults[:20]:
            t.note(f'FAULT {fault}')
        t.ok(not run.ledger.faults and sum(run.done.values()) >= cycles,
             f'{cycles} kills of a working broker lose nothing')
        if cycles >= ALL_FROM:
            t.same(run.missing(), [], 'kills met everything a broker does')


if __name__ == '__main__':
    main()
