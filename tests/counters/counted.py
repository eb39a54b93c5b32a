"""A broker whose requests are counted: what they cost in system calls, syncs, bytes, allocations, copies and waits."""
import collections
import mmap
import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import BUILD, Broker  # noqa: E402

COUNT_CALLS = os.path.join(BUILD, 'tests/counters/count_calls')
PRELOAD = os.path.join(BUILD, 'tests/counters/.libs/preload.so')
FILE = 'CHRONIK_COUNTERS'

# As in counters.h: 64 bits each.
HEAD = ('listener', 'allocations', 'allocated', 'copied')
CALLS = 1024
SIZE = 8 * (len(HEAD) + CALLS)


def call_names():
    out = subprocess.run([COUNT_CALLS, '--names'], capture_output=True, text=True, check=True).stdout
    return {int(n): name for n, name in (line.split() for line in out.splitlines())}


class Counted(Broker):
    """with_calls: by a filter that each system call has to go through, which makes threads wait more often than they do
    otherwise; so what threads wait is told only without."""

    def __init__(self, tap, *settings, with_calls, dir):
        super().__init__(tap, *settings, dir=dir)
        self.with_calls = with_calls
        path = self.path = os.path.join(tap.work, dir + '.counters')
        with open(path, 'wb') as f:
            f.truncate(SIZE)
        with open(path, 'rb') as f:
            self.map = mmap.mmap(f.fileno(), SIZE, access=mmap.ACCESS_READ)
        under = ['env', f'LD_PRELOAD={PRELOAD}', f'{FILE}={path}']
        self.args = [*under, *([COUNT_CALLS] if with_calls else []), *self.args]
        self.names = call_names()

    def why_no_calls(self):
        """None: they are counted."""
        listener, = struct.unpack_from('q', self.map)
        return None if listener > 0 else os.strerror(-listener)

    def forget(self):
        """Count from zero, between two runs."""
        with open(self.path, 'r+b') as f:
            f.write(bytes(SIZE))

    def figures(self):
        """Everything that can be told without disturbing the broker."""
        values = struct.unpack_from(f'{len(HEAD) + CALLS}Q', self.map)
        out = collections.Counter(dict(zip(HEAD, values)))
        if self.with_calls:
            for number, n in enumerate(values[len(HEAD):]):
                if n:
                    out['calls'] += n
                    out[self.names.get(number, f'call {number}')] += n
        else:
            out['waits'] = self.waits()
        with open(f'/proc/{self.process.pid}/io') as f:
            out['written'] = int(re.search(r'wchar: (\d+)', f.read()).group(1))
        return out

    def waits(self):
        """How often threads gave up their processor of their own accord."""
        tasks, n = f'/proc/{self.process.pid}/task', 0
        for task in os.listdir(tasks):
            with open(f'{tasks}/{task}/status') as f:
                n += int(re.search(r'\nvoluntary_ctxt_switches:\s+(\d+)', f.read()).group(1))
        return n

    def cost(self, load):
        """What `load` costs: a Counter."""
        wal = collections.Counter(self.stats('shard=1'))
        before = self.figures()
        load()
        cost = self.figures()
        cost.subtract(before)
        after = collections.Counter(self.stats('shard=1'))
        cost['syncs'], cost['logged'] = after['syncs'] - wal['syncs'], after['bytes'] - wal['bytes']
        return cost
