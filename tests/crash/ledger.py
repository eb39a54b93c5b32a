"""What was sent to a broker, what it acknowledged, and what it then has to hold.

Content is unique and batches are stored as they were sent, so a batch is known by the hash of its
bytes. Workers write here from threads of their own; verify() runs while none does.
"""
import threading

from wire import ERRORS, batches, error_name

FETCH_BYTES = 4 << 20
UNKNOWN = ERRORS['UNKNOWN_TOPIC_OR_PARTITION']
PRESENT, ABSENT, UNSURE = 'present', 'absent', 'unsure'


class Log:
    """A partition: base offsets and hashes."""

    def __init__(self):
        self.sent = set()
        self.acked = {}   # base offset: hash
        self.seen = {}    # the same, of what a consumer was given before


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

    def created(self, topic, partitions):
        with self.lock:
            self.topics[topic] = PRESENT
            for n in range(partitions):
                self.logs[topic, n] = Log()

    def deleting(self, topic):
        self.topics[topic] = UNSURE

    def deleted(self, topic):
        with self.lock:
            self.topics[topic] = ABSENT
            for key in [k for k in self.logs if k[0] == topic]:
                del self.logs[key]

    # Batches, by their bytes from the attributes on.

    def sending(self, topic, partition, body):
        self.logs[topic, partition].sent.add(hash(body))

    def acked(self, topic, partition, base, body):
        self.logs[topic, partition].acked[base] = hash(body)
        self.count('batches acknowledged')

    def seen(self, topic, partition, batch):
        self.logs[topic, partition].seen[batch.base] = hash(batch.body)

    # Offsets of groups: one committer each, which only moves forward.

    def committing(self, key, offset):
        self.offsets.setdefault(key, [-1, -1])[1] = offset

    def committed(self, key, offset):
        self.offsets[key][0] = offset
        self.count('commits acknowledged')

    # The broker's side.

    def verify(self, wire):
        """Read everything back; what is wrong goes to faults."""
        self.verify_topics(wire)
        for (topic, partition), log in sorted(self.logs.items()):
            self.verify_log(wire, topic, partition, log)
        for (group, topic, partition), (acked, sent) in sorted(self.offsets.items()):
            error, found = wire.offset_fetch(group, [(topic, partition)])
            offset = found.get((topic, partition))
            if error or offset is None or not acked <= offset <= sent:
                self.fault(f'group {group}, {topic}-{partition}: offset {offset} '
                           f'({error_name(error)}), acknowledged {acked}, sent up to {sent}')

    def verify_topics(self, wire):
        found = wire.metadata(sorted(self.topics))
        for topic, state in sorted(self.topics.items()):
            error, partitions = found[topic]
            there = error == 0
            if error not in (0, UNKNOWN) or any(partitions.values()):
                self.fault(f'topic {topic}: {error_name(error)}, partitions {partitions}')
            elif state == PRESENT and not there:
                self.fault(f'topic {topic}: its creation was acknowledged, and it is not there')
            elif state == ABSENT and there:
                self.fault(f'topic {topic}: its deletion was acknowledged, and it is there')
            elif state == UNSURE and there:
                known = any(k[0] == topic for k in self.logs)
                self.topics[topic] = PRESENT
                if not known:
                    self.created(topic, len(partitions))
                self.count('unsure topics that are there')
            elif state == UNSURE:
                self.deleted(topic)
                self.count('unsure topics that are not there')

    def read(self, wire, topic, partition):
        """All batches of a partition, in the order of the log."""
        found, offset = [], 0
        while True:
            error, high, data = wire.fetch(topic, partition, offset, FETCH_BYTES)
            if error:
                raise ValueError(f'fetch at {offset}: {error_name(error)}')
            for b in batches(data):
                if b.base != offset:
                    raise ValueError(f'batch at {b.base} where {offset} was to come')
                found.append(b)
                offset += b.count
            if offset >= high:
                return found
            if not data:
                raise ValueError(f'nothing at offset {offset} below the high watermark {high}')

    def verify_log(self, wire, topic, partition, log):
        name = f'{topic}-{partition}'
        try:
            found = self.read(wire, topic, partition)
        except ValueError as e:
            self.fault(f'{name}: {e}')
            return
        self.count('batches read back', len(found))
        held = {b.base: hash(b.body) for b in found}
        for what, claims in (('acknowledged', log.acked), ('read before', log.seen)):
            for base, content in claims.items():
                if base not in held:
                    self.fault(f'{name}: the batch at {base}, {what}, is lost')
                elif held[base] != content:
                    self.fault(f'{name}: the batch at {base}, {what}, has other bytes')
        stray = [base for base, content in held.items() if content not in log.sent]
        if stray:
            self.fault(f'{name}: at {stray[:3]} are bytes that nobody sent')
        if len(set(held.values())) != len(held):
            self.fault(f'{name}: {len(held) - len(set(held.values()))} batches are there twice')
        self.verify_sequences(name, found)

    def verify_sequences(self, name, found):
        """Of an idempotent producer all batches are there once and in order, from the first on."""
        due = {}
        for b in found:
            if b.pid >= 0:
                want = due.get((b.pid, b.epoch), 0)
                if b.sequence != want:
                    self.fault(f'{name}: at {b.base} producer {b.pid} has sequence {b.sequence}, '
                               f'not {want}')
                due[b.pid, b.epoch] = b.sequence + b.count

