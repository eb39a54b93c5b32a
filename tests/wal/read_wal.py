#!/usr/bin/env python3
"""Read write-ahead logs as chronik-wal(5) describes them, and print what `chronik-wal dump -o jsonl` prints.

    read_wal.py PATH

PATH is a segment file, a log's directory, or a directory of numbered logs (or one with such a directory
named wal). Exit status 8 and a line "FILE: byte N: reason" on standard error for corruption.

This is a second opinion: it was written from the manual page alone and shares nothing with the C sources. It
reads files whole and is in no hurry.
"""
import base64
import json
import os
import re
import struct
import sys

BLOCK = 4096
SMALLEST_SEGMENT = 65536
NAMES = {1: "BATCH", 2: "TRIM", 3: "CHANGE", 4: "COMMAND", 5: "NOOP", 6: "BATCH_REF", 16: "OPEN", 17: "STATE",
         18: "MARK", 19: "ROLL", 20: "TOPIC"}
BATCH, TRIM, CHANGE, OPEN, STATE, ROLL, TOPIC = 1, 2, 3, 16, 17, 19, 20
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
ROLES = ["standby", "voter", "spare"]


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


TABLE = crc_table()


def crc(data, before=0):
    c = before ^ 0xFFFFFFFF
    for byte in data:
        c = c >> 8 ^ TABLE[(c ^ byte) & 0xFF]
    return c ^ 0xFFFFFFFF


class Corrupt(Exception):
    def __init__(self, path, position, reason):
        super().__init__(f"{path}: byte {position}: {reason}")


class Segment:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            self.data = f.read()
        head = self.data[:BLOCK]
        if len(head) < BLOCK or head[:8] != b"CHRONWAL":
            raise Corrupt(path, 0, "no segment header")
        version, check, self.id, size = struct.unpack_from("<IIQQ", head, 8)
        if crc(head[:12] + bytes(4) + head[16:]) != check:
            raise Corrupt(path, 0, "header CRC")
        node, self.shard, features, self.salt = struct.unpack_from("<IIQQ", head, 48)
        if version != 1 or features != 0:
            sys.exit(f"{path}: a newer format")
        named = re.fullmatch(r"(\d{20})\.wal", os.path.basename(path))
        if named and int(named[1]) != self.id:
            raise Corrupt(path, 0, "id and name differ")
        if size != len(self.data) or size % BLOCK or size < SMALLEST_SEGMENT:
            raise Corrupt(path, min(size, len(self.data)), "wrong size")

    def header(self, at):
        """The group header at an offset if its checksum, segment and offset are right, else None."""
        h = self.data[at:at + 80]
        if len(h) < 80 or h[:4] != b"CKWG":
            return None
        if crc(h[8:], crc(struct.pack("<Q", self.salt))) != struct.unpack_from("<I", h, 4)[0]:
            return None
        g = Group(self, at, h)
        return g if (g.segment_id, g.offset) == (self.id, at) else None

    def group(self, at):
        g = self.header(at)
        return g if g and g.whole() else None

    def opened(self):
        """The (term, vote, segment, offset) of its OPEN, or None."""
        g = self.group(BLOCK)
        if not g:
            return None
        kind, _, _, body = next(g.frames(), (None, 0, 0, b""))
        if kind != OPEN:
            raise Corrupt(self.path, BLOCK, "no OPEN in the first group")
        return struct.unpack("<QQQQ", body)


class Group:
    def __init__(self, segment, at, h):
        self.segment, self.at = segment, at
        (self.payload_crc, self.length, self.segment_id, self.offset, self.index, self.term, synced_segment,
         synced_offset, self.sync_us) = struct.unpack_from("<IIQQQQQQI", h, 8)
        self.synced = (synced_segment, synced_offset)
        self.end = at + (80 + self.length + BLOCK - 1) // BLOCK * BLOCK

    def whole(self):
        data = self.segment.data
        if self.length < 16 or self.end > len(data):
            return False
        self.payload = data[self.at + 80:self.at + 80 + self.length]
        if crc(self.payload) != self.payload_crc or any(data[self.at + 80 + self.length:self.end]):
            return False
        self.meta_index, self.wall_ms = struct.unpack_from("<Qq", self.payload)
        return True

    def frames(self):
        """(type, flags, offset in the file, body) of each frame."""
        at = 16
        while at < self.length:
            kind, flags, _, n = struct.unpack_from("<BBHI", self.payload, at)
            if at + 8 + n > self.length:
                raise Corrupt(self.segment.path, self.at + 80 + at, "a frame does not fit")
            yield kind, flags, self.at + 80 + at, self.payload[at + 8:at + 8 + n]
            at += 8 + n


def chain(segments):
    """[(segment, end or None)] in order, and the segments behind the last."""
    by_id = {s.id: s for s in segments}
    opens = {s.id: o for s in segments if (o := s.opened())}
    if not opens:
        return [], segments
    at, end = max(opens), None
    younger = [s for s in segments if s.id > at]
    links = []
    while True:
        links.insert(0, (by_id[at], end))
        before, end = opens[at][2:]
        if before < min(by_id):
            return links, younger
        if before not in by_id:
            raise Corrupt(os.path.join(os.path.dirname(segments[0].path), f"{before:020}.wal"), 0, "missing")
        if before not in opens:
            raise Corrupt(by_id[before].path, BLOCK, "named by an OPEN, but its own cannot be read")
        at = before


def judge(place, segment, at, younger):
    """The log ends at a place, unless a later header states that it was durable."""
    seen = [segment.header(o) for o in range(at + BLOCK, len(segment.data), BLOCK)] if segment else []
    for s in younger:
        seen += [s.header(o) for o in range(BLOCK, len(s.data), BLOCK)]
    for g in filter(None, seen):
        if g.synced > place:
            where = next((s for s in younger if s.id == g.synced[0]), None)
            if where:
                raise Corrupt(where.path, BLOCK, "its first group was durable")
            raise Corrupt(segment.path, at, "a later header states that this was durable")


def groups(segments):
    links, younger = chain(segments) if len(segments) > 1 else ([(segments[0], None)], [])
    if not links:
        judge((0, 0), None, 0, younger)
    for segment, end in links:
        at, rolled = BLOCK, False
        while at != end and not rolled:
            g = segment.group(at)
            if not g and end is None:
                judge((segment.id, at), segment, at, younger)
                break
            if not g or (end and g.end > end):
                raise Corrupt(segment.path, at, "no valid group before the end that OPEN states")
            yield g
            at = g.end
            rolled = end is None and next(g.frames(), (0,))[0] == ROLL
        if rolled:
            judge((segment.id, at), None, 0, younger)


def detail(kind, body):
    if kind == TRIM:
        return {"log_start": struct.unpack_from("<q", body, 20)[0]}
    if kind == CHANGE:
        n = struct.unpack_from("<I", body)[0]
        servers = [struct.unpack_from("<QB", body, 4 + 9 * i) for i in range(n)]
        return {"servers": [{"id": i, "role": ROLES[r]} for i, r in servers]}
    if kind == OPEN:
        return dict(zip(("term", "vote", "previous_segment", "previous_end"), struct.unpack("<QQQQ", body)))
    if kind == STATE:
        return dict(zip(("term", "vote"), struct.unpack("<QQ", body)))
    if kind == ROLL:
        return {"next_segment": struct.unpack("<Q", body)[0]}
    return None


def row(g, kind, position, body, topics):
    r = dict.fromkeys(("index", "term", "type", "topic", "topic_id", "partition", "base_offset", "last_offset",
                       "records", "producer_id", "producer_epoch", "base_sequence", "codec", "size", "position",
                       "file", "crc", "shard", "segment", "group", "meta_index", "wall_ms", "detail"))
    r.update(index=g.index, term=g.term, type=NAMES.get(kind, str(kind)), size=len(body), position=position,
             file=g.segment.path, shard=g.segment.shard, segment=g.segment.id, group=g.at,
             meta_index=g.meta_index, wall_ms=g.wall_ms, detail=detail(kind, body))
    if kind in (BATCH, TRIM, TOPIC):
        r["topic_id"] = base64.urlsafe_b64encode(body[:16]).decode().rstrip("=")
        r["topic"] = topics.get(body[:16])
    if kind in (BATCH, TRIM):
        r["partition"] = struct.unpack_from("<I", body, 16)[0]
    if kind == BATCH:
        b = body[20:]
        base, = struct.unpack_from(">q", b)
        check, attributes, last = struct.unpack_from(">IHi", b, 17)
        producer, epoch, sequence, records = struct.unpack_from(">qhii", b, 43)
        assert crc(b[21:]) == check, f"CRC of the batch at {position}"
        r.update(size=len(b), base_offset=base, last_offset=base + last, records=records, producer_id=producer,
                 producer_epoch=epoch, base_sequence=sequence, codec=CODECS[attributes & 7], crc=check)
    return r


def logs(path):
    """The files of each log at a path."""
    if not os.path.isdir(path):
        return [[path]]
    names = sorted(os.listdir(path))
    files = [os.path.join(path, n) for n in names if re.fullmatch(r"\d{20}\.wal", n)]
    if files:
        return [files]
    numbered = sorted((n for n in names if n.isdigit()), key=int)
    if numbered:
        return [files for n in numbered for files in logs(os.path.join(path, n))]
    return logs(os.path.join(path, "wal")) if "wal" in names else []


def main():
    assert crc(b"123456789") == 0xE3069283
    status, topics = 0, {}
    for files in logs(sys.argv[1]):
        found = []
        try:
            for g in groups([Segment(f) for f in files]):
                for kind, _, position, body in g.frames():
                    found.append((g, kind, position, body))
        except Corrupt as e:
            print(e, file=sys.stderr)
            status = 8
        topics.update((body[:16], body[16:].decode()) for _, kind, _, body in found if kind == TOPIC)
        for g, kind, position, body in found:
            print(json.dumps(row(g, kind, position, body, topics), separators=(",", ":")))
    return status


if __name__ == "__main__":
    sys.exit(main())
