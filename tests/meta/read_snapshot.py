#!/usr/bin/env python3
"""Read a metadata snapshot as chronik-meta(5) describes it, and print what `chronik-meta dump -o jsonl` prints.

    read_snapshot.py FILE

Exit status 8 for a file that is not valid. This is a second opinion: it was written from the manual page alone
and shares nothing with the C sources.
"""
import base64
import json
import struct
import sys


class Bad(Exception):
    pass


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


TABLE = crc_table()


def crc(data):
    c = 0xFFFFFFFF
    for byte in data:
        c = c >> 8 ^ TABLE[(c ^ byte) & 0xFF]
    return c ^ 0xFFFFFFFF


def need(condition, why):
    if not condition:
        raise Bad(why)


def id_text(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Fields:
    """The flexible encoding of a record's fields."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, n):
        need(self.at + n <= len(self.data), "a field ends behind its record")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, code):
        return struct.unpack(">" + code, self.take(struct.calcsize(code)))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def string(self):
        n = self.varint()
        return None if n == 0 else self.take(n - 1).decode()

    def uuid(self):
        return self.take(16)

    def tags(self):
        for _ in range(self.varint()):
            self.varint()
            self.take(self.varint())

    def array(self, element, tagged=True):
        out = []
        for _ in range(self.varint() - 1):
            out.append(element())
            if tagged:
                self.tags()
        return out


def partition(f):
    return {"partition": f.number("i"), "shard": f.number("I"), "leader": f.number("i"),
            "replicas": f.array(lambda: f.number("i"), tagged=False)}


def configs(f):
    return {name: value for name, value in f.array(lambda: (f.string(), f.string()))}


def state(f, image):
    image["next_producer_id"] = f.number("q")


def server(f, image):
    node, role = f.number("q"), f.number("b")
    image[("standbys", "voters", "spares")[role]].append(node)


def node(f, image):
    image["brokers"].append({"node_id": f.number("i"), "host": f.string(), "port": f.number("i"),
                             "rack": f.string()})


def broker_configs(f, image):
    need(f.number("b") == 4, "settings of something else than a broker")
    f.uuid()
    image["broker_configs"].append({"node_id": f.number("i"), "configs": configs(f)})


def topic(f, image):
    image["topics"].append({"name": f.string(), "id": id_text(f.uuid()), "created_ms": f.number("q"),
                            "partitions": f.array(lambda: partition(f)), "configs": configs(f)})


SECTIONS = {1: state, 2: server, 3: node, 4: broker_configs, 5: topic}


def read_section(data, at, end, image):
    """Gives the section's type and where the next one begins."""
    need(end - at >= 24, "no room for a section")
    kind, flags, length, records, check = struct.unpack_from("<IIQII", data, at)
    need(length <= end - at - 24, "a section longer than the file")
    body = data[at + 24:at + 24 + length]
    need(crc(data[at:at + 20] + body) == check, "checksum of a section")
    if kind not in SECTIONS:
        need(flags & 1, "a section of a newer program")
        return None, at + 24 + length
    need(flags in (0, 1), "flags of a newer program")
    here = 0
    for _ in range(records):
        need(here + 4 <= length, "a record ends behind its section")
        n = struct.unpack_from("<I", body, here)[0]
        need(here + 4 + n <= length, "a record ends behind its section")
        f = Fields(body[here + 4:here + 4 + n])
        need(f.number("h") == 0, "a record of a newer version")
        SECTIONS[kind](f, image)
        f.tags()
        need(f.at == n, "bytes behind a record's fields")
        here += 4 + n
    need(here == length, "bytes behind a section's records")
    return kind, at + 24 + length


def read(data):
    need(len(data) >= 96 and data[:8] == b"CHRONMET", "no snapshot")
    version, header, check, flags = struct.unpack_from("<IIII", data, 8)
    need(80 <= header <= len(data), "a header longer than the file")
    need(crc(data[:16] + b"\0\0\0\0" + data[20:header]) == check, "checksum of the header")
    need(version == 1 and flags == 0 and header == 80, "a newer version")
    index, term, _, size, sections, zero = struct.unpack_from("<QQqQII", data, 40)
    need(size == len(data) and zero == 0, "size")
    image = {"cluster_id": id_text(data[24:40]), "index": index, "term": term, "voters": [], "standbys": [],
             "spares": [], "next_producer_id": None, "brokers": [], "broker_configs": [], "topics": []}
    at, kinds = 80, []
    for _ in range(sections):
        kind, at = read_section(data, at, len(data) - 16, image)
        if kind:
            kinds.append(kind)
    need(at == len(data) - 16 and kinds == [1, 2, 3, 4, 5], "sections")
    magic, zero, check = struct.unpack_from("<8sII", data, at)
    need(magic == b"CHRONEND" and zero == 0 and crc(data[:-4]) == check, "trailer")
    return image


def main():
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    try:
        print(json.dumps(read(data), separators=(",", ":"), ensure_ascii=False))
    except (Bad, UnicodeDecodeError) as e:
        print(f"{sys.argv[1]}: {e}", file=sys.stderr)
        return 8
    return 0


if __name__ == "__main__":
    sys.exit(main())
