#!/usr/bin/env python3
"""performance.py BUILDDIR [--seconds N] [--runs N] [--responder PROGRAM] [--dir DIR]

Measure chronikd with chronik-bench and print the table of docs/performance.md. All of a row's subjects run in turn, round after
round, so that a change in the machine's speed meets all of them; a cell is the median of the rounds and their range.

--responder: a program that answers Produce with nothing behind it: `PROGRAM PORT null` at once, `PROGRAM PORT wal FILE` after an
ideal group commit. They are the ceilings of client, loopback and disk on this machine. Left out if not given.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time


class Subject:
    def __init__(self, name, port, proc):
        self.name, self.port, self.proc = name, port, proc

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        self.proc.wait()


def wait_for(path, proc):
    while not os.path.exists(path) or not os.path.getsize(path):
        if proc.poll() is not None:
            sys.exit(f"performance: {proc.args[0]} ended with status {proc.returncode}")
        time.sleep(0.002)
    with open(path) as f:
        return int(f.read())


def start_broker(args, data, extra=()):
    port_file = os.path.join(args.dir, "port")
    if os.path.exists(port_file):
        os.unlink(port_file)
    begin = time.monotonic()
    proc = subprocess.Popen(
        [f"{args.build}/chronikd", "-D", data, "-l", "127.0.0.1:0", "--port-file", port_file, *extra], stderr=subprocess.DEVNULL)
    port = wait_for(port_file, proc)
    return Subject("chronik", port, proc), time.monotonic() - begin


def start_responder(args, kind, port):
    extra = ["wal", os.path.join(args.dir, "responder.wal")] if kind == "wal" else ["null"]
    proc = subprocess.Popen([args.responder, str(port), *extra], stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    return Subject({"wal": "ideal group commit", "null": "null responder"}[kind], port, proc)


def bench(args, port, *options):
    out = subprocess.run([f"{args.build}/chronik-bench", "-b", f"127.0.0.1:{port}", "-d", f"{args.seconds}s", "-w", "1s",
                          "-q", "-o", "json", *options], stdout=subprocess.PIPE)
    if out.returncode:
        sys.exit(f"performance: chronik-bench {' '.join(options)}: status {out.returncode}")
    return json.loads(out.stdout)


def cell(values, unit, digits=0):
    low, mid, high = min(values), statistics.median(values), max(values)
    return f"{mid:,.{digits}f} {unit} ({low:,.{digits}f}–{high:,.{digits}f})"


def row(args, title, subjects, options, figures):
    """figures: list of (heading, function of the report, unit, digits)."""
    got = {s.name: [] for s in subjects}
    for _ in range(args.runs):
        for s in subjects:
            got[s.name].append(bench(args, s.port, *options))
    for s in subjects:
        cells = [cell([f(r) for r in got[s.name]], unit, digits) for _, f, unit, digits in figures]
        print(f"| {title} | {s.name} | " + " | ".join(cells) + " |", flush=True)


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


PRODUCE = [
    ("records/s", lambda r: r["throughput_msg_per_sec"], "/s", 0),
    ("p50", lambda r: r["latency_us"]["p50"], "µs", 0),
    ("p99", lambda r: r["latency_us"]["p99"], "µs", 0),
]
BULK = [
    ("MB/s", lambda r: r["throughput_mb_per_sec"], "MB/s", 0),
    ("p50", lambda r: r["latency_us"]["p50"], "µs", 0),
    ("p99", lambda r: r["latency_us"]["p99"], "µs", 0),
]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--responder")
    parser.add_argument("--dir")
    args = parser.parse_args()
    scratch = args.dir or tempfile.mkdtemp(prefix="chronik-performance.")
    args.dir = scratch
    data = os.path.join(scratch, "data")
    starts = []
    for _ in range(5):
        shutil.rmtree(data, ignore_errors=True)
        chronik, took = start_broker(args, data)
        starts.append(took * 1000)
        idle = rss_kib(chronik.proc.pid)
        chronik.stop()
    chronik, _ = start_broker(args, data)
    subjects = [chronik]
    if args.responder:
        subjects += [start_responder(args, "wal", 19192), start_responder(args, "null", 19193)]

    print("| disk floor | subject | commits/s | p50 | p99 |\n|---|---|---|---|---|")
    got = [bench(args, chronik.port, "-m", "disk", "-s", "4096", "--file", os.path.join(scratch, "disk")) for _ in range(args.runs)]
    print("| 4 KiB write + fdatasync | disk | " + " | ".join(cell([f(r) for r in got], u, d) for _, f, u, d in PRODUCE) + " |")

    print("\n| produce, acks=all | subject | records/s | p50 | p99 |\n|---|---|---|---|---|")
    for clients in (1, 128):
        for partitions in (1, 128, 1000):
            row(args, f"{clients} × 256 B, {partitions} partitions", subjects,
                ["-m", "produce", "-t", f"p{partitions}", "-p", str(partitions), "--create-topic", "-c", str(clients), "-s", "256",
                 "--acks", "all"], PRODUCE)
    print("\n| bulk | subject | throughput | p50 | p99 |\n|---|---|---|---|---|")
    row(args, "8 × 4 in flight, 64 × 1 KiB a request, 16 partitions", subjects,
        ["-m", "produce", "-t", "bulk", "-p", "16", "--create-topic", "-c", "8", "--in-flight", "4", "--batch-size", "64", "-s",
         "1024", "--acks", "all"], BULK)
    row(args, "consume, 4 connections, page cache", [chronik],
        ["-m", "consume", "-t", "bulk", "-c", "4", "--repeat"], BULK)
    loaded = rss_kib(chronik.proc.pid)
    for s in subjects:
        s.stop()

    print(f"\n- Start on an empty directory until it serves: {cell(starts, 'ms', 1)}.")
    print(f"- RSS: idle {idle / 1024:.1f} MiB; after the rows above {loaded / 1024:.1f} MiB.")
    if not args.dir or scratch.startswith(tempfile.gettempdir()):
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
