#!/usr/bin/env python3
"""Record what Kafka clients send, a request a line in hex, without its size, header included.

    capture.py serve OUT [-- CMD...]
        Answer the clients, well enough for a producer, a consumer and a group of one. {broker} in
        CMD becomes the address; without CMD it is printed, and served until interrupted.
    capture.py proxy LISTEN UPSTREAM OUT
        Pass everything on to a broker (HOST:PORT each). LISTEN has to be the address that the
        broker advertises, else clients go past the proxy after their first connection.

OUT is appended to. make_frames.py makes frames of it. `serve` needs kafka-python 3.0 or newer,
which encodes the answers: what is recorded does not depend on this project's code at all.
"""
import socket
import struct
import subprocess
import sys
import threading
import time


class Recorder:
    def __init__(self, path):
        self.out = open(path, 'a')
        self.lock = threading.Lock()

    def request(self, frame):
        with self.lock:
            print(frame.hex(), file=self.out, flush=True)


def read_exactly(sock, n):
    data = b''
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            return None
        data += more
    return data


def read_frame(sock):
    size = read_exactly(sock, 4)
    return read_exactly(sock, struct.unpack('>i', size)[0]) if size else None


def listen(host, port):
    sock = socket.create_server((host, port))
    return sock, sock.getsockname()[1]


def accept_forever(server, serve):
    while True:
        client, _ = server.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()


# The broker: one node, every topic exists and has one partition in memory, one member a group.

class Broker:
    NODE = {'node_id': 1, 'host': '127.0.0.1', 'rack': None}

    def __init__(self, port, recorder):
        import make_frames
        self.apis = make_frames.our_apis()
        self.classes = make_frames.new_classes()
        for c in self.classes.values():
            make_frames.undo_patches(c._struct)
        self.node = dict(self.NODE, port=port)
        self.recorder = recorder
        self.lock = threading.Lock()
        self.logs = {}         # topic: [(base offset, bytes)]
        self.ends = {}         # topic: next offset
        self.metadata = {}     # group: protocols of its member
        self.assignments = {}  # group: assignment of its member

    def serve(self, sock):
        with sock:
            while True:
                frame = read_frame(sock)
                if frame is None:
                    return
                self.recorder.request(frame)
                answer = self.answer(frame)
                if answer:
                    sock.sendall(struct.pack('>i', len(answer)) + answer)

    def answer(self, frame):
        key, version, correlation_id = struct.unpack('>hhi', frame[:8])
        name = self.apis[key][0]
        req = self.classes[key, 'req'].decode(frame, version=version, header=True)
        values = getattr(self, 'h_' + name)(req, version)
        if values is None:
            return None
        cls = self.classes[key, 'resp']
        resp = cls(version=version, **self.members(cls._struct, version, values))
        resp.with_header(correlation_id=correlation_id)
        return resp.encode(header=True)

    def members(self, struct_, version, values):
        """Of plain values those that the version has, nested ones as kafka-python wants them."""
        found = {}
        for f in (struct_.array_of if struct_.is_array() else struct_)._fields:
            if not f.for_version_q(version) or f.name not in values:
                continue
            v = values[f.name]
            if f.is_struct_array() and v is not None:
                v = [f(version=version, **self.members(f, version, x)) for x in v]
            elif f.is_struct():
                v = f(version=version, **self.members(f, version, v))
            found[f.name] = v
        return found

    def h_ApiVersions(self, req, version):
        return {'api_keys': [{'api_key': k, 'min_version': lo, 'max_version': hi}
                             for k, (name, lo, hi) in sorted(self.apis.items())
                             if hasattr(self, 'h_' + name)]}

    def topic(self, name):
        part = {'partition_index': 0, 'leader_id': 1, 'leader_epoch': 0, 'replica_nodes': [1],
                'isr_nodes': [1]}
        return {'name': name, 'partitions': [part], 'authorized_operations': -2**31,
                'topic_authorized_operations': -2**31}

    def h_Metadata(self, req, version):
        wanted = [t.name for t in req.topics or []]
        if req.topics is None or (version == 0 and not wanted):
            wanted = sorted(self.ends)
        with self.lock:
            for name in wanted:
                self.ends.setdefault(name, 0)
        return {'brokers': [self.node], 'cluster_id': 'capture', 'controller_id': 1,
                'topics': [self.topic(name) for name in wanted], 'authorized_operations': -2**31,
                'cluster_authorized_operations': -2**31}

    def append(self, topic, records):
        with self.lock:
            base = self.ends.setdefault(topic, 0)
            at = 0
            while at < len(records):
                size = 12 + struct.unpack('>i', records[at + 8:at + 12])[0]
                batch = struct.pack('>q', self.ends[topic]) + records[at + 8:at + size]
                self.logs.setdefault(topic, []).append((self.ends[topic], batch))
                self.ends[topic] += 1 + struct.unpack('>i', batch[23:27])[0]
                at += size
            return base

    def h_Produce(self, req, version):
        topics = [{'name': t.name, 'partition_responses': [
            {'index': p.index, 'base_offset': self.append(t.name, bytes(p.records))}
            for p in t.partition_data]} for t in req.topic_data]
        return {'responses': topics} if req.acks != 0 else None

    def h_Fetch(self, req, version):
        def records(topic, offset):
            return b''.join(b for base, b in self.logs.get(topic, []) if base >= offset)
        if not any(records(t.topic, p.fetch_offset) for t in req.topics for p in t.partitions):
            time.sleep(min(req.max_wait_ms, 100) / 1000)
        return {'responses': [{'topic': t.topic, 'partitions': [
            {'partition_index': p.partition, 'high_watermark': self.ends.get(t.topic, 0),
             'last_stable_offset': self.ends.get(t.topic, 0), 'log_start_offset': 0,
             'aborted_transactions': None, 'records': records(t.topic, p.fetch_offset)}
            for p in t.partitions]} for t in req.topics]}

    def h_ListOffsets(self, req, version):
        return {'topics': [{'name': t.name, 'partitions': [
            {'partition_index': p.partition_index, 'timestamp': -1, 'leader_epoch': 0,
             'offset': self.ends.get(t.name, 0) if p.timestamp == -1 else 0}
            for p in t.partitions]} for t in req.topics]}

    def h_OffsetForLeaderEpoch(self, req, version):
        return {'topics': [{'topic': t.topic, 'partitions': [
            {'partition': p.partition, 'leader_epoch': 0, 'end_offset': self.ends.get(t.topic, 0)}
            for p in t.partitions]} for t in req.topics]}

    def h_FindCoordinator(self, req, version):
        if version < 4:
            return self.node
        return {'coordinators': [dict(self.node, key=k, error_message=None)
                                 for k in req.coordinator_keys]}

    def h_JoinGroup(self, req, version):
        member = req.member_id or 'member-1'
        if version >= 4 and not req.member_id and not req.group_instance_id:
            return {'error_code': 79, 'member_id': member, 'protocol_name': '', 'leader': ''}
        first = req.protocols[0]
        return {'generation_id': 1, 'protocol_type': req.protocol_type, 'protocol_name': first.name,
                'leader': member, 'member_id': member, 'members': [
                    {'member_id': member, 'group_instance_id': req.group_instance_id,
                     'metadata': bytes(first.metadata)}]}

    def h_SyncGroup(self, req, version):
        for a in req.assignments:
            self.assignments[req.group_id] = bytes(a.assignment)
        return {'protocol_type': req.protocol_type, 'protocol_name': req.protocol_name,
                'assignment': self.assignments.get(req.group_id, b'')}

    def h_Heartbeat(self, req, version):
        return {}

    def h_LeaveGroup(self, req, version):
        return {'members': [{'member_id': m.member_id, 'group_instance_id': m.group_instance_id}
                            for m in req.members] if version >= 3 else []}

    def h_OffsetCommit(self, req, version):
        return {'topics': [{'name': t.name, 'partitions': [
            {'partition_index': p.partition_index} for p in t.partitions]} for t in req.topics]}

    def h_OffsetFetch(self, req, version):
        def topics(asked):
            return [{'name': t.name, 'partitions': [
                {'partition_index': p, 'committed_offset': -1, 'metadata': ''}
                for p in t.partition_indexes]} for t in asked or []]
        if version < 8:
            return {'topics': topics(req.topics)}
        return {'groups': [{'group_id': g.group_id, 'topics': topics(g.topics)}
                           for g in req.groups]}

    def h_InitProducerId(self, req, version):
        return {'producer_id': 1000, 'producer_epoch': 0}

    def h_CreateTopics(self, req, version):
        for t in req.topics:
            self.ends.setdefault(t.name, 0)
        return {'topics': [{'name': t.name, 'error_message': None, 'num_partitions': 1,
                            'replication_factor': 1} for t in req.topics]}

    def h_DeleteTopics(self, req, version):
        names = [t.name for t in req.topics] if version >= 6 else req.topic_names
        return {'responses': [{'name': n} for n in names]}

    def h_CreatePartitions(self, req, version):
        return {'results': [{'name': t.name} for t in req.topics]}

    def h_DescribeConfigs(self, req, version):
        return {'results': [{'resource_type': r.resource_type, 'resource_name': r.resource_name,
                             'error_message': None} for r in req.resources]}

    def h_AlterConfigs(self, req, version):
        return {'responses': [{'resource_type': r.resource_type, 'resource_name': r.resource_name,
                               'error_message': None} for r in req.resources]}

    h_IncrementalAlterConfigs = h_AlterConfigs

    def h_ListGroups(self, req, version):
        return {'groups': [{'group_id': g, 'protocol_type': 'consumer', 'group_state': 'Stable',
                            'group_type': 'classic'} for g in self.assignments]}

    def h_DescribeGroups(self, req, version):
        return {'groups': [{'group_id': g, 'group_state': 'Empty', 'protocol_type': 'consumer',
                            'protocol_data': '', 'authorized_operations': -2**31}
                           for g in req.groups]}

    def h_DeleteGroups(self, req, version):
        return {'results': [{'group_id': g} for g in req.groups_names]}

    def h_DeleteRecords(self, req, version):
        return {'topics': [{'name': t.name, 'partitions': [
            {'partition_index': p.partition_index, 'low_watermark': max(p.offset, 0)}
            for p in t.partitions]} for t in req.topics]}

    def h_OffsetDelete(self, req, version):
        return {'topics': [{'name': t.name, 'partitions': [
            {'partition_index': p.partition_index} for p in t.partitions]} for t in req.topics]}

    def h_DescribeCluster(self, req, version):
        return {'cluster_id': 'capture', 'controller_id': 1, 'authorized_operations': -2**31,
                'cluster_authorized_operations': -2**31,
                'brokers': [dict(self.node, broker_id=1)]}


def serve(out, command):
    server, port = listen('127.0.0.1', 0)
    broker = Broker(port, Recorder(out))
    threading.Thread(target=accept_forever, args=(server, broker.serve), daemon=True).start()
    address = '127.0.0.1:%d' % port
    if command:
        return subprocess.run([a.replace('{broker}', address) for a in command]).returncode
    print(address, flush=True)
    threading.Event().wait()


# The proxy.

def pump(source, sink, recorder):
    while True:
        frame = read_frame(source)
        if frame is None:
            break
        if recorder:
            recorder.request(frame)
        sink.sendall(struct.pack('>i', len(frame)) + frame)
    for s in (source, sink):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def host_port(text):
    host, port = text.rsplit(':', 1)
    return host, int(port)


def proxy(at, upstream, out):
    recorder = Recorder(out)

    def serve_one(client):
        broker = socket.create_connection(host_port(upstream))
        threading.Thread(target=pump, args=(broker, client, None), daemon=True).start()
        pump(client, broker, recorder)

    server, port = listen(*host_port(at))
    print('127.0.0.1:%d' % port, flush=True)
    accept_forever(server, serve_one)


def main(args):
    if len(args) >= 2 and args[0] == 'serve' and args[2:3] in ([], ['--']):
        return serve(args[1], args[3:])
    if len(args) == 4 and args[0] == 'proxy':
        return proxy(*args[1:])
    raise SystemExit(__doc__)


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
