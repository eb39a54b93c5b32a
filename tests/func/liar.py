#!/usr/bin/env python3
"""liar.py PORT-FILE FAULT: a Kafka broker of one topic with two partitions, in memory, that does one thing wrong.

It shows that chronik-bench notices. FAULT is none or one of:
  lose        acknowledges every 7th batch without keeping it
  duplicate   keeps every 7th batch twice
  reorder     keeps every 7th batch behind the next one of its partition
  alter       changes a byte of every 7th batch's last value, and mends the batch's checksum
  rot         changes it and leaves the checksum
  shift       acknowledges offsets that are one too high
  negative    acknowledges offset -1
  repeat      acknowledges the same offset again and again
  refuse      refuses every 7th batch for good
  later       refuses every 7th request once, for a moment (NOT_LEADER_OR_FOLLOWER)
  mute        does not answer the 7th request
  hang-up     closes the connection instead of answering the 7th request, once
  garbage     answers the 7th request with bytes that are no answer
  elsewhere   answers the 7th request for another partition
  unread      answers each Fetch with an error that may pass (KAFKA_STORAGE_ERROR), and makes the file PORT-FILE.fetch
  half-read   does so for partition 1 alone
  read-later  does so for partition 1 in the first three answers
  hopeless    does so for all, and acknowledges the same offset again and again
  secretive   refuses to describe the settings of topics that begin with s (TOPIC_AUTHORIZATION_FAILED)
"""
import socket
import socketserver
import struct
import sys
import threading

PARTITIONS = 2
APIS = {0: (7, 7), 1: (4, 4), 2: (1, 1), 3: (4, 4), 18: (0, 2), 22: (0, 0)}
lock = threading.Lock()


def crc_table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        yield n


TABLE = list(crc_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for b in data:
        crc = crc >> 8 ^ TABLE[(crc ^ b) & 255]
    return crc ^ 0xFFFFFFFF


class Partition:
    def __init__(self):
        self.log, self.end, self.held, self.sequences = [], 0, None, {}

    def append(self, batch):
        count = struct.unpack_from(">i", batch, 57)[0]
        base = self.end
        self.log.append((base, count, struct.pack(">q", base) + batch[8:]))
        self.end += count
        return base


class Liar:
    def __init__(self, fault):
        self.fault, self.parts = fault, [Partition() for _ in range(PARTITIONS)]
        self.produced, self.fetched, self.topic = 0, 0, b"t"
        if fault == "secretive":
            APIS[32] = (1, 1)

    def keep(self, part, batch, odd):
        """Append as the fault has it; the offset to be acknowledged."""
        if odd and self.fault in ("alter", "rot"):
            batch = bytearray(batch)
            batch[-60] ^= 1
            if self.fault == "alter":
                struct.pack_into(">I", batch, 17, crc32c(batch[21:]))
            batch = bytes(batch)
        if odd and self.fault == "lose":
            part.end += struct.unpack_from(">i", batch, 57)[0]
            return part.end - 1
        if odd and self.fault == "reorder" and not part.held:
            part.held = batch
            return part.end + 1
        base = part.append(batch)
        if part.held:
            part.append(part.held)
            part.held = None
        if odd and self.fault == "duplicate":
            part.append(batch)
        return {"shift": base + 1, "negative": -1, "repeat": 0, "hopeless": 0}.get(self.fault, base)

    def produce(self, r):
        r.string()
        acks, _ = r.unpack(">hi")
        r.unpack(">i")
        self.topic = r.string()
        _, index, size = r.unpack(">iii")
        batch = r.take(size)
        self.produced += 1
        odd = self.produced % 7 == 0
        part, error, base = self.parts[index], 0, -1
        pid, _, sequence = struct.unpack_from(">qhi", batch, 43)
        if odd and self.fault == "mute":
            return None
        if odd and self.fault == "garbage":
            return b"\0\0\0\x09what is this"
        if self.produced == 7 and self.fault == "hang-up":
            raise ConnectionError
        if odd and self.fault == "refuse":
            error = 10
        elif odd and self.fault == "later":
            error = 6
        elif pid >= 0 and sequence != part.sequences.get(pid, 0):
            error = 46 if sequence < part.sequences.get(pid, 0) else 45
        else:
            base = self.keep(part, batch, odd)
            part.sequences[pid] = sequence + 1
        if odd and self.fault == "elsewhere":
            index = 1 - index
        if acks == 0:
            return None
        return (struct.pack(">i", 1) + string(self.topic) + struct.pack(">iihqqq", 1, index, error, base, -1, 0)
                + struct.pack(">i", 0))

    def fetch(self, r):
        r.unpack(">iiiib")
        r.unpack(">i")
        topic = r.string()
        self.fetched += 1
        if self.fault == "unread":
            open(sys.argv[1] + ".fetch", "w").close()
        out = []
        for _ in range(r.unpack(">i")[0]):
            index, offset, _ = r.unpack(">iqi")
            part, error = self.parts[index], 0
            if self.fault in ("unread", "hopeless") or index and (
                    self.fault == "half-read" or self.fault == "read-later" and self.fetched <= 3):
                error = 56
            records = b"" if error else b"".join(b for base, n, b in part.log if base + n > offset)
            out.append(struct.pack(">ihqqii", index, error, part.end, part.end, 0, len(records)) + records)
        return struct.pack(">ii", 0, 1) + string(topic) + struct.pack(">i", len(out)) + b"".join(out)

    def list_offsets(self, r):
        r.unpack(">ii")
        topic = r.string()
        out = []
        for _ in range(r.unpack(">i")[0]):
            index, time = r.unpack(">iq")
            out.append(struct.pack(">ihqq", index, 0, -1, 0 if time == -2 else self.parts[index].end))
        return struct.pack(">i", 1) + string(topic) + struct.pack(">i", len(out)) + b"".join(out)

    def metadata(self, r, port):
        names = [r.string() for _ in range(max(0, r.unpack(">i")[0]))]
        out = struct.pack(">iii", 0, 1, 1) + string(b"127.0.0.1") + struct.pack(">ihhii", port, -1, -1, 1, len(names))
        for name in names:
            out += struct.pack(">h", 0) + string(name) + struct.pack(">bi", 0, PARTITIONS)
            for i in range(PARTITIONS):
                out += struct.pack(">hiiiiii", 0, i, 1, 1, 1, 1, 1)
        return out

    def describe_configs(self, r):
        out, n = b"", r.unpack(">i")[0]
        for _ in range(n):
            kind, name = r.unpack(">b")[0], r.string()
            for _ in range(max(0, r.unpack(">i")[0])):
                r.string()
            error = 29 if name.startswith(b"s") else 0
            configs = b"" if error else string(b"retention.ms") + string(b"5") + struct.pack(">bbbi", 0, 1, 0, 0)
            out += struct.pack(">hhb", error, -1, kind) + string(name) + struct.pack(">i", not error) + configs
        return struct.pack(">ii", 0, n) + out

    def api_versions(self, version):
        out = struct.pack(">hi", 35 if version > 2 else 0, len(APIS))
        for key, (low, high) in APIS.items():
            out += struct.pack(">hhh", key, low, high)
        return out + (struct.pack(">i", 0) if version in (1, 2) else b"")

    def answer(self, key, version, r, port):
        if key == 18:
            return self.api_versions(version)
        if key == 22:
            return struct.pack(">ihqh", 0, 0, 1000 + r.client, 0)
        if key == 32:
            return self.describe_configs(r)
        return {0: self.produce, 1: self.fetch, 2: self.list_offsets, 3: lambda x: self.metadata(x, port)}[key](r)


class Reader:
    clients = 0

    def __init__(self, data):
        self.data, self.at = data, 0
        Reader.clients += 1
        self.client = Reader.clients

    def unpack(self, fmt):
        v = struct.unpack_from(fmt, self.data, self.at)
        self.at += struct.calcsize(fmt)
        return v

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def string(self):
        n = self.unpack(">h")[0]
        return self.take(n) if n >= 0 else None


def string(s):
    return struct.pack(">h", len(s)) + s


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while head := self.rfile.read(4):
                r = Reader(self.rfile.read(struct.unpack(">i", head)[0]))
                key, version, correlation = r.unpack(">hhi")
                r.string()
                with lock:
                    body = liar.answer(key, version, r, self.server.server_address[1])
                if body is not None:
                    self.wfile.write(struct.pack(">ii", len(body) + 4, correlation) + body)
        except (ConnectionError, struct.error):
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 128


liar = Liar(sys.argv[2])
with Server(("127.0.0.1", 0), Connection) as server:
    with open(sys.argv[1], "w") as f:
        f.write(str(server.server_address[1]))
    server.serve_forever()
