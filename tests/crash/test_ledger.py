#!/usr/bin/env python3
"""What kill9.py takes for a fault: a broker that lies in one way at a time, in memory. TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from ledger import Ledger, UNKNOWN  # noqa: E402
from records import BODY_AT, batch  # noqa: E402
from tap import Tap  # noqa: E402

VALUES = [[b'a', b'b'], [b'c'], [b'd', b'e']]


def made(values, sequence, base):
    return batch(values, 7, 0, sequence, now=0, base=base)


def last(data):
    return int.from_bytes(data[:8], 'big') + int.from_bytes(data[23:27], 'big')


class Told:
    """Answers as verify() asks, from what a test says the broker holds."""

    def __init__(self):
        self.high = 5
        self.log = [made(v, s, s) for v, s in zip(VALUES, (0, 2, 3))]
        self.topics = {'t': (0, 1), 'gone': (UNKNOWN, 0)}
        self.group_offset = 3
        self.start = 0

    def metadata(self, names, create):
        return {n: self.topics.get(n, (UNKNOWN, 0)) for n in names}

    def fetch(self, topic, offsets, most):
        left = [b for b in self.log if last(b) >= offsets[0]]
        return {0: (0, self.high, b''.join(left))}

    def offset(self, topic, timestamp, partition):
        return 0, self.start

    def committed(self, group, asked):
        return 0, {asked[0]: (self.group_offset, -1, '', 0)}


def ledger():
    """All was acknowledged but the last batch; a consumer was given the first one."""
    kept = Ledger()
    kept.creating('t')
    kept.created('t', 1)
    for data in Told().log:
        kept.sending('t', 0, data[BODY_AT:])
    for base, data in ((0, Told().log[0]), (2, Told().log[1])):
        kept.acked('t', 0, base, data[BODY_AT:])
    kept.creating('gone')
    kept.deleting('gone')
    kept.deleted('gone')
    for offset in (3, 4):
        kept.committing(('g', 't', 0), offset)
        if offset == 3:
            kept.committed(('g', 't', 0), offset)
    return kept


def lose_last_acked(told):
    told.log, told.high = told.log[:1], 2


def alter(told):
    told.log[1] = made([b'x'], 2, 2)


def renumber(told):
    told.log = [made([b'c'], 2, 0), made([b'a', b'b'], 0, 1)]
    told.high = 3


def repeat(told):
    told.log.append(made(VALUES[2], 3, 5))
    told.high = 7


def gap(told):
    told.log[2] = made(VALUES[2], 3, 4)
    told.high = 6


def hold_back(told):
    told.high = 9


def invent(told):
    told.log.append(batch([b'z'], base=5))
    told.high = 6


def forget_topic(told):
    told.topics['t'] = (UNKNOWN, 0)


def bring_back(told):
    told.topics['gone'] = (0, 1)


def fall_back(told):
    told.group_offset = 2


def run_ahead(told):
    told.group_offset = 5


LIES = [
    (lose_last_acked, 'at 2, acknowledged, is lost'),
    (alter, 'at 2, acknowledged, has other bytes'),
    (renumber, 'has other bytes'), (repeat, 'there twice'), (repeat, 'has sequence 3, not 5'),
    (gap, 'where 3 was to come'), (hold_back, 'nothing at offset 5'), (invent, 'nobody sent'),
    (forget_topic, 'its creation was acknowledged'), (bring_back, 'its deletion was acknowledged'),
    (fall_back, 'offset 2'), (run_ahead, 'offset 5')]


with Tap() as t:
    kept = ledger()
    kept.verify(Told())
    t.ok(not kept.faults, 'a broker that keeps its word is believed', kept.faults)
    kept, told = ledger(), Told()
    told.log, told.high = told.log[:2], 3
    kept.verify(told)
    t.ok(not kept.faults, 'what was not acknowledged may be lost', kept.faults)
    for lie, want in LIES:
        kept, told = ledger(), Told()
        lie(told)
        kept.verify(told)
        t.ok(any(want in f for f in kept.faults), f'{lie.__name__}: {want}', kept.faults)
    kept, told = ledger(), Told()
    kept.logs['t', 0].acked.clear()
    kept.logs['t', 0].seen[2] = hash(b'')
    kept.verify(told)
    t.ok(any('read before' in f for f in kept.faults), 'what was read once has to stay')

    # ---- logs that lose records in good order

    def judged(told, **log):
        """What is said of a log that the ledger knows this of."""
        kept = ledger()
        for name, value in log.items():
            setattr(kept.logs['t', 0], name, value)
        kept.verify(told)
        return kept.faults

    def trimmed_to(start):
        told = Told()
        told.start = start
        return told

    t.same(judged(trimmed_to(2), asked=2, start=2), [], 'a trim that was asked for')
    t.same(judged(trimmed_to(1), asked=2), [], 'one that did not get far, into the middle of a batch')
    t.ok(any('2 was asked for' in f for f in judged(trimmed_to(3), asked=2)), 'one that went too far')
    t.ok(any('started at 3 before' in f for f in judged(trimmed_to(2), asked=3, start=3)),
         'one that was taken back')
    t.same(judged(trimmed_to(2), keeps=100), [], 'retention that leaves enough')
    t.ok(any('bytes are left' in f for f in judged(trimmed_to(2), keeps=10000)), 'that leaves too little')

    def keyed(*held):
        """A log that was told a, b, a; what is said if it holds these offsets."""
        kept, told = Ledger(), Told()
        kept.created('t', 1, keyed=True)
        whole = [batch([b'%d' % i], key=key, now=0, base=i) for i, key in enumerate((b'a', b'b', b'a'))]
        for i, data in enumerate(whole):
            kept.sending('t', 0, data[BODY_AT:], data_key(i))
            kept.acked('t', 0, i, data[BODY_AT:])
        told.log, told.high = [whole[i] for i in held], 3
        told.log += [] if 2 in held else [batch([], base=2, delta=0)]  # keeps the place
        kept.verify(told)
        return kept.faults

    def data_key(i):
        return (b'a', b'b', b'a')[i]

    t.same(keyed(0, 1, 2), [], 'a compacted log before it is')
    t.same(keyed(1, 2), [], 'and after')
    t.ok(any('record at 1' in f for f in keyed(0, 2)), 'the last of a key has to stay')
    t.ok(any('record at 2' in f for f in keyed(0, 1)), 'also where an older one is left')
