#!/usr/bin/env python3
"""compare.py A B: are two files of JSON objects, one a line, the same? Metadata commands are another
format's business (chronik-meta(5)): their detail is left out."""
import json
import sys


def rows(path):
    with open(path) as f:
        for line in f:
            r = json.loads(line)
            if r["type"] == "COMMAND":
                r["detail"] = None
            yield r


a, b = list(rows(sys.argv[1])), list(rows(sys.argv[2]))
for i, (x, y) in enumerate(zip(a, b)):
    if x != y:
        sys.exit(f"line {i + 1}:\n  {x}\n  {y}")
if len(a) != len(b):
    sys.exit(f"{len(a)} and {len(b)} lines")
