"""What was sent to a broker, what it acknowledged, and what it then has to hold.

Content is unique and batches are stored as they were sent, so a batch is known by the hash of its
bytes. Workers write here from threads of their own; verify() runs while none does.
"""
import threading
import time

from records import batches
from wire import ERRORS, error_name

FETCH_BYTES = 4 << 20
UNKNOWN = ERRORS['UNKNOWN_TOPIC_OR_PARTITION']
LOADING = ERRORS['COORDINATOR_LOAD_IN_PROGRESS']
PRESENT, ABSENT, UNSURE = 'present', 'absent', 'unsure'


class Log:
    """A partition: base offsets and hashes. keeps: bytes of records that retention leaves, or None;
    keyed: it is compacted, and every batch is one record with a key."""

    def __init__(self, keeps=None, keyed=False):
        self.keeps, self.keyed = keeps, keyed
        self.sent = set()
        self.acked = {}   # base offset: hash
        self.seen = {}    # the same, of what a consumer was given before
        self.keys = {}    # hash: key, of a keyed one
        self.start = 0    # the log start, as far as it was acknowledged or seen
        self.asked = 0    # and as far as somebody asked to move it


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.topics = {}   # name: PRESENT, ABSENT or UNSURE
        self.logs = {}     # (topic, partition): Log
        self.offsets = {}  # (group, topic, partition): [acknowledged, highest sent]
        self.faults = []
        self.counts = {}   # what: how often

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + n

    def fault(self, text):
        with self.lock:
            self.faults.append(text)

    # Topics.

    def creating(self, topic):
        self.topics[topic] = UNSURE

    def created(self, topic, partitions, **kind):
        with self.lock:
            self.topics[topic] = PRESENT
            for n in range(partitions):
                self.logs[topic, n] = Log(**kind)

    def deleting(self, topic):
        self.topics[topic] = UNSURE

    def deleted(self, topic):
        with self.lock:
            self.topics[topic] = ABSENT
            for key in [k for k in self.logs if k[0] == topic]:
                del self.logs[key]

    # Batches, by their bytes from the attributes on.

    def sending(self, topic, partition, body, key=None):
        log = self.logs[topic, partition]
        log.sent.add(hash(body))
        if key is not None:
            log.keys[hash(body)] = key

    def acked(self, topic, partition, base, body):
        self.logs[topic, partition].acked[base] = hash(body)
        self.count('batches acknowledged')

    def seen(self, topic, partition, batch):
        self.logs[topic, partition].seen[batch.base] = hash(batch.body)

    # Log starts.

    def trimming(self, topic, partition, offset):
        log = self.logs[topic, partition]
        log.asked = max(log.asked, offset)

    def trimmed(self, topic, partition, low):
        log = self.logs[topic, partition]
        log.start = max(log.start, low)
        self.count('trims acknowledged')

    # Offsets of groups: one committer each, which only moves forward.

    def committing(self, key, offset):
        self.offsets.setdefault(key, [-1, -1])[1] = offset

    def committed(self, key, offset):
        self.offsets[key][0] = offset
        self.count('commits acknowledged')

    # The broker's side.

    def verify(self, c):
        """Read everything back by a client; what is wrong goes to faults."""
        self.verify_topics(c)
        for (topic, partition), log in sorted(self.logs.items()):
            self.verify_log(c, topic, partition, log)
        for (group, topic, partition), (acked, sent) in sorted(self.offsets.items()):
            offset = self.committed_offset(c, group, topic, partition)
            if not acked <= offset <= sent:
                self.fault(f'group {group}, {topic}-{partition}: offset {offset}, '
                           f'acknowledged {acked}, sent up to {sent}')

    def committed_offset(self, c, group, topic, partition):
        """Waits while the coordinator reads groups back."""
        while True:
            error, found = c.committed(group, [(topic, partition)])
            if error != LOADING:
                break
            time.sleep(0.01)
        if error:
            self.fault(f'group {group}: {error_name(error)}')
        return found[topic, partition][0]

    def verify_topics(self, c):
        found = c.metadata(sorted(self.topics), create=False)
        for topic, state in sorted(self.topics.items()):
            error, partitions = found[topic]
            there = error == 0
            if error not in (0, UNKNOWN):
                self.fault(f'topic {topic}: {error_name(error)}')
            elif state == PRESENT and not there:
                self.fault(f'topic {topic}: its creation was acknowledged, and it is not there')
            elif state == ABSENT and there:
                self.fault(f'topic {topic}: its deletion was acknowledged, and it is there')
            elif state == UNSURE and there:
                known = any(k[0] == topic for k in self.logs)
                self.topics[topic] = PRESENT
                if not known:
                    self.created(topic, partitions)
                self.count('unsure topics that are there')
            elif state == UNSURE:
                self.deleted(topic)
                self.count('unsure topics that are not there')

    def read(self, c, topic, partition, offset=0, gaps=False):
        """All batches of a partition from an offset on, in the order of the log."""
        found = []
        while True:
            error, high, data = c.fetch(topic, {partition: offset}, most=FETCH_BYTES)[partition]
            if error:
                raise ValueError(f'fetch at {offset}: {error_name(error)}')
            for b in batches(data, verify=False):  # they are compared with what was sent
                if b.last < offset or (b.base > offset and not gaps):
                    raise ValueError(f'batch at {b.base} where {offset} was to come')
                found.append(b)
                offset = b.last + 1
            if offset >= high:
                return found
            if not data:
                raise ValueError(f'nothing at offset {offset} below the high watermark {high}')

    def verify_log(self, c, topic, partition, log):
        name = f'{topic}-{partition}'
        try:
            start, found = self.read_all(c, topic, partition, log)
        except ValueError as e:
            self.fault(f'{name}: {e}')
            return
        self.count('batches read back', len(found))
        self.verify_retention(name, log, start, found)
        if log.keyed:
            self.verify_keys(name, log, found)
            found = [b for b in found if b.records()]  # the others keep a place
        held = {b.base: hash(b.body) for b in found}
        for what, claims in (('acknowledged', log.acked), ('read before', log.seen)):
            for base, content in claims.items():
                if base < start or log.keyed and base not in held:
                    continue
                if base not in held:
                    self.fault(f'{name}: the batch at {base}, {what}, is lost')
                elif held[base] != content:
                    self.fault(f'{name}: the batch at {base}, {what}, has other bytes')
        stray = [base for base, content in held.items() if content not in log.sent]
        if stray:
            self.fault(f'{name}: at {stray[:3]} are bytes that nobody sent')
        if len(set(held.values())) != len(held):
            self.fault(f'{name}: {len(held) - len(set(held.values()))} batches are there twice')
        self.verify_sequences(name, start, found)

    def read_all(self, c, topic, partition, log):
        """(log start, batches). Retention may be at work meanwhile."""
        while True:
            start = self.log_start(c, topic, partition, log)
            try:
                return start, self.read(c, topic, partition, start, gaps=log.keyed)
            except ValueError:
                if log.keeps is None or self.log_start(c, topic, partition, log) == start:
                    raise

    def log_start(self, c, topic, partition, log):
        error, start = c.offset(topic, -2, partition)
        if error:
            raise ValueError(f'log start: {error_name(error)}')
        if start < log.start:
            raise ValueError(f'the log starts at {start}, and started at {log.start} before')
        return start

    def verify_retention(self, name, log, start, found):
        """Beyond what was asked for only retention moves the log start, and leaves enough."""
        left = sum(len(b.whole) for b in found)
        if start > log.asked and (log.keeps is None or left < log.keeps):
            self.fault(f'{name}: the log starts at {start}, {log.asked} was asked for, '
                       f'{left} bytes are left')
        if start > log.start:
            self.count('log starts that moved')
        log.start = start

    def verify_keys(self, name, log, found):
        """What is gone from a compacted log has a successor: a record of its key behind it."""
        newest, held = {}, set()
        for b in found:
            for key, _ in b.records():
                newest[key] = b.base
                held.add(b.base)
        gone = 0
        for base, content in log.acked.items():
            if base in held or base < log.start:
                continue
            gone += 1
            if newest.get(log.keys[content], -1) <= base:
                self.fault(f'{name}: the record at {base}, acknowledged and the last of its key, '
                           'is lost')
        self.count('records compacted away', gone)

    def verify_sequences(self, name, start, found):
        """Of an idempotent producer all batches are there once and in order, from the first on, or
        from the first that the log still has."""
        due = {}
        for b in found:
            pid, epoch, sequence = b.producer
            if pid >= 0:
                want = due.get((pid, epoch), sequence if start else 0)
                if sequence != want:
                    self.fault(f'{name}: at {b.base} producer {pid} has sequence {sequence}, '
                               f'not {want}')
                due[pid, epoch] = sequence + b.last - b.base + 1

