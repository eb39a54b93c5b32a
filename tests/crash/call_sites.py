#!/usr/bin/env python3
"""A kill, EIO, ENOSPC and a short write at every call by which chronikd changes its disk.

    call_sites.py [SITES [SEED]]        2 sites by default, 0: all; in the build tree's top directory

A short life of a broker, from its first start to its stop, does everything that changes files, and
fault_shim notes each call. Each has a site: the call, and what kind of file it is made on. Then the
same life runs again and again, with one call at a site killed, refused or cut short; the broker starts
on what that leaves, and all it acknowledged has to be there. The shim tells whether it got to the call:
a site that is never hit fails the run, unless not every life has it.
"""
import collections
import concurrent.futures
import itertools
import os
import random
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'common')]
from broker import BUILD, Broker  # noqa: E402
from ledger import Ledger  # noqa: E402
from records import BODY_AT, batch  # noqa: E402
from tap import Tap  # noqa: E402

SHIM = os.path.join(BUILD, 'tests/crash/.libs/fault_shim.so')
FAULTS = {'a kill': 'kill', 'EIO': '5', 'ENOSPC': '28', 'a short write': 'short'}
TRIES = 8  # at a site, for each fault
LIVES = 4  # at a time
BASELINES = 3

SETTINGS = ('wal.segment.bytes=1048576', 'wal.max.bytes=16777216', 'wal.checkpoint.bytes=262144',
            'wal.checkpoint.ms=50', 'log.retention.check.interval.ms=30',
            'log.cleaner.backoff.ms=30', 'log.dir.reserved.bytes=0', 'offsets.topic.num.partitions=1')
KEEPS = 30000
CONFIGS = {'short': [('retention.bytes', str(KEEPS)), ('segment.bytes', '16384')],
           'keyed': [('cleanup.policy', 'compact'), ('segment.bytes', '8192'),
                     ('min.cleanable.dirty.ratio', '0.1')]}
MARKS = {'short': {'keeps': KEEPS}, 'keyed': {'keyed': True}}
ROUNDS = 40
MANY = 25  # sites: some of them are met when records have been acknowledged

# What sort of file a path is of; and a pattern for all of that sort.
KINDS = ((r'\d{20}', 'N', '[0-9]{20}'),
         (r'[\w-]{22}-\d+-(?=new|delete)', 'ID-', '[-_A-Za-z0-9]{22}-[0-9]+-'),
         (r'^log/[a-z_]+-\d+', 'log/T', 'log/[a-z_]+-[0-9]+'),
         (r'(?<=checkpoint\.)\d', 'n', '[01]'))


def kind(path):
    for found, short, _ in KINDS:
        path = re.sub(found, short, path)
    return path


def pattern(kind):
    out = re.escape(kind).replace(r'\-', '-')
    for _, short, wanted in KINDS:
        out = re.sub(r'(?<![A-Za-z])' + re.escape(re.escape(short).replace(r'\-', '-'))
                     + ('(?![A-Za-z])' if short[-1].isalpha() else ''), lambda _: wanted, out)
    return f'^{out}$'


class Life:
    """One life of a broker on a directory of its own, perhaps with a fault."""
    numbers = itertools.count()

    def __init__(self, tap, fault=None, site=None, nth=0):
        number = next(Life.numbers)
        self.ledger = Ledger()
        self.broker = Broker(tap, *SETTINGS, dir=f'life-{number}')
        self.trace = os.path.join(tap.work, f'trace-{number}')
        env = {'LD_PRELOAD': SHIM, 'FAULT_ROOT': self.broker.dir, 'FAULT_TRACE': self.trace,
               'ASAN_OPTIONS': 'verify_asan_link_order=0:' + os.environ.get('ASAN_OPTIONS', '')}
        if fault:
            env.update(FAULT_CALL=site[0], FAULT_PATH=pattern(site[1]), FAULT_NTH=str(nth),
                       FAULT_WHAT=FAULTS[fault])
        self.plain = self.broker.args
        self.broker.args = ['env'] + [f'{k}={v}' for k, v in env.items()] + self.plain

    def produce(self, c, topic, parts, key=None):
        for p, data in parts.items():
            self.ledger.sending(topic, p, data[BODY_AT:], key)
        for p, (error, base, *_) in c.produce(topic, parts).items():
            if error == 0:
                self.ledger.acked(topic, p, base, parts[p][BODY_AT:])

    def create(self, c, name, partitions):
        self.ledger.creating(name)
        if c.create(name, partitions, CONFIGS.get(name, ())) == 0:
            self.ledger.created(name, partitions, **MARKS.get(name, {}))

    def delete(self, c, name):
        if self.ledger.topics.get(name) != 'present':
            return
        self.ledger.deleting(name)
        if c.delete(name) == 0:
            self.ledger.deleted(name)

    def trim(self, c, i):
        offset = c.offset('short', -1)[1]
        if offset <= 0:
            return
        self.ledger.trimming('short', 0, offset // 2)
        error, low = c.delete_records({('short', 0): offset // 2})['short', 0]
        if error == 0:
            self.ledger.trimmed('short', 0, low)

    def round(self, c, i):
        def there(name):
            return self.ledger.topics.get(name) == 'present'
        if there('plain'):
            self.produce(c, 'plain', {p: batch([b'%d/%d' % (p, i) + bytes(12000)]) for p in (0, 1)})
        for k in range(4 if there('keyed') else 0):
            key = b'k%d' % (k % 3)
            self.produce(c, 'keyed', {0: batch([b'%d/%d' % (i, k) + bytes(800)], key=key)}, key)
        if there('short'):
            self.produce(c, 'short', {0: batch([b'%d' % i + bytes(5000)])})
        if i % 10 == 3:
            self.create(c, 'passing', 1)
        if i % 10 == 5 and there('passing'):
            self.produce(c, 'passing', {0: batch([b'passing %d' % i])})
        if i % 10 == 8:
            self.delete(c, 'passing')
        if i % 13 == 7 and there('short'):
            self.trim(c, i)
        if i % 16 == 9 and there('plain') and c.coordinator('g') == 0:
            key = 'g', 'plain', 0
            self.ledger.committing(key, i)
            if c.commit('g', {('plain', 0): i})['plain', 0] == 0:
                self.ledger.committed(key, i)

    def live(self):
        """Everything a broker does; what fails fails."""
        self.broker.launch()
        end = time.monotonic() + 20
        while not self.broker.serves():
            if not self.broker.running() or time.monotonic() > end:
                return
            time.sleep(0.005)
        try:
            with self.broker.client(patience=10) as c:
                for name, n in (('plain', 2), ('keyed', 1), ('short', 1)):
                    self.create(c, name, n)
                for i in range(ROUNDS):
                    self.round(c, i)
        except (ConnectionError, OSError):
            pass

    def run(self):
        """Until a stop, or a kill where it does not come to one."""
        self.live()
        if self.broker.running():
            self.broker.process.terminate()
            try:
                self.broker.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        self.broker.kill()
        return self

    def calls(self):
        """[(site, whether the fault came to it)]"""
        found = []
        with open(self.trace) as f:
            for line in f:
                name, path, *hit = line.split()
                found.append(((name, kind(path)), bool(hit)))
        return found

    def check(self):
        """The next life, without a fault: the faults of the ledger."""
        self.broker.args = self.plain
        try:
            self.broker.start()
        except RuntimeError as e:
            return [f'the next start: {e}']
        try:
            with self.broker.client() as c:
                self.ledger.verify(c)
                for (topic, p) in list(self.ledger.logs):
                    error = c.produce(topic, {p: batch([b'after'], key=b'after')})[p][0]
                    if error:
                        self.ledger.fault(f'{topic}-{p} takes no records after it: {error}')
        finally:
            self.broker.kill()
        return self.ledger.faults


def survey(tap):
    """{site: how many calls it has in a life}, and the sites that every life has: what is cleaned up after a
    compaction that was overtaken, for one, depends on time."""
    calls, always = collections.Counter(), None
    for _ in range(BASELINES):
        life = Life(tap).run()
        faults = life.check()
        if faults:
            raise RuntimeError(f'without any fault: {faults[:3]}')
        found = collections.Counter(site for site, _ in life.calls())
        always = set(found) if always is None else always & set(found)
        for site, n in found.items():
            calls[site] = min(calls[site] or n, n)
    return calls, always


class Sweep:
    def __init__(self, tap, rng):
        self.tap, self.rng = tap, rng
        self.calls, self.always = survey(tap)
        self.lives = self.missed = self.acked = 0

    def attempt(self, site, fault, nth):
        """(was it hit, what is lost)"""
        life = Life(self.tap, fault, site, nth).run()
        hit = any(hit for _, hit in life.calls())
        faults = life.check()
        self.lives += 1
        self.missed += not hit
        self.acked += life.ledger.counts.get('batches acknowledged', 0)
        if faults:
            return hit, '\n'.join([f'number {nth}, {life.broker.dir}'] + faults[:3])
        shutil.rmtree(life.broker.dir)
        os.unlink(life.trace)
        return hit, ''

    def site(self, site):
        """[(fault, was it hit, what is lost)]"""
        results = []
        for fault in FAULTS:
            if fault == 'a short write' and not site[0].startswith('pwrite'):
                continue
            hit, lost, most = False, '', self.calls[site]
            for _ in range(TRIES):
                hit, lost = self.attempt(site, fault, self.rng.randint(1, most))
                if hit or lost:
                    break
                most = (most + 1) // 2  # it is not the same in every life
            results.append((fault, hit, lost))
        return results

    def go(self, sites):
        with concurrent.futures.ThreadPoolExecutor(LIVES) as pool:
            for site, results in zip(sites, pool.map(self.site, sites)):
                for fault, hit, lost in results:
                    what = f'{fault} at {" ".join(site)}'
                    if hit or lost or site in self.always:
                        self.tap.ok(hit and not lost, what, lost or 'it was never hit')
                    else:
                        self.tap.skip(what, f'none of {TRIES} lives came to it')


def main():
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().getrandbits(32)
    if not os.access(SHIM, os.R_OK):
        print('1..0 # SKIP there is no fault_shim here: libraries are not shared')
        return
    print(f'# call_sites.py {wanted} {seed}', flush=True)
    with Tap() as t:
        sweep = Sweep(t, random.Random(seed))
        sites = sorted(sweep.calls)
        t.note(f'{len(sites)} sites')
        if wanted:
            sites = sweep.rng.sample(sites, min(wanted, len(sites)))
        sweep.go(sites)
        t.note(f'{sweep.lives} lives, {sweep.missed} that the fault missed, '
               f'{sweep.acked} batches acknowledged in them')
        if not wanted or wanted >= MANY:  # a few may all be of the first start
            t.ok(sweep.acked > 0, 'there was something to lose')


if __name__ == '__main__':
    main()
