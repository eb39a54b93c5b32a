#!/usr/bin/env python3
"""Break every rule of lint.py once, on a small tree that keeps them all. TAP."""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
import lint  # noqa: E402

GOOD = {
    'Makefile.am': 'include cli/local.mk\n',
    'lib/base/rd.h': '/* What it reads. */\nint rd_read(int n);\nint rd_peek(int n);\n'
                     '\nbool rd_left(int n); /* bytes */\n',
    'dev': 'BUILD_PACKAGES=(gcc make\n    libx-dev)\n',
    'README.md': 'apt-get install gcc make \\\n    libx-dev\n',
    'lib/base/wr.h': '/* wr.h - a list and a table:\n *\n * - first\n *   and on\n * - second\n'
                     ' *\n *   a     the one\n *   b     the other\n *\n * The end.\n */\n',
    'lib/base/json.c': '#include <jansson.h>\n#include <isa-l/crc.h>\n#include <raft.h>\n',
    'lib/batch/codec.c': '#include <zlib.h>\n#include <lz4frame.h>\n#include <zstd.h>\n'
                         '#include <snappy-c.h>\n#include <isa-l/igzip_lib.h>\n#include "config.h"\n',
    'lib/loop/loop.c': '#include <event2/event.h>\n',
    'lib/shard/shard.c': '#include "base/rd.h"\n#include "kp/kp.h"\n',
    'lib/kp/schema/fetch.kp': 'api Fetch key 1 versions 4-17\n',
    'broker/api.def': 'API(FETCH, 4, 17, 4, 17, h_fetch)\n',
    'broker/h_fetch.c': '#include "shard/shard.h"\n#include "broker/api.h"\n'
                        '\nvoid h_fetch(struct request *q)\n{\n}\n',
    'broker/main.c': '#include "cli/opt.h"\n',
    'cli/local.mk': 'bin_PROGRAMS = chronik-x\nbashcomp_DATA = completions/chronik-x.bash\n'
                    'man_MANS = man/chronik-x.1 man/chronik-wal.5 \\\n'
                    '\tman/chronik-plog.5 man/chronik-meta.5\n',
    'man/chronik-x.1.in': 'x\n',
    'man/chronik-wal.5': 'x\n', 'man/chronik-plog.5': 'x\n', 'man/chronik-meta.5': 'x\n',
    'tests/x.mk': 'UNIT_TESTS += tests/unit/x/test_y\n',
    'tests/unit/x/test_y.c': 'int main(void) { return 0; }\n',
}

# (rule, file, its new text or None, what the complaint says)
BREAKS = [
    ('arrows', 'lib/base/rd.h', '#include "batch/batch.h"\n', 'base may not include "batch/batch.h"'),
    ('arrows', 'lib/shard/shard.c', '#include "client/conn.h"\n', 'shard may not'),
    ('arrows', 'broker/api.c', '#include "cli/out.h"\n', 'broker may not'),
    ('arrows', 'cli/x.c', '#include "broker/api.h"\n', 'cli may not'),
    ('arrows', 'cli/x.c', '#include "out.h"\n', 'does not start with its room'),
    ('arrows', 'lib/new/x.c', '#include "base/rd.h"\n', 'in no arrow'),
    ('one_file_each', 'cli/x.c', '#include <raft.h>\n', '<raft.h> is included by 2'),
    ('one_file_each', 'broker/loop.c', '#include <event2/util.h>\n', '<event2/> is included by 2'),
    ('one_file_each', 'lib/loop/loop.c', '', '<event2/> is included by 0'),
    ('programs_documented', 'man/chronik-x.1.in', None, 'has no source'),
    ('programs_documented', 'cli/local.mk', 'bin_PROGRAMS = chronik-x\n', 'is not installed'),
    ('programs_documented', 'cli/local.mk', GOOD['cli/local.mk'].replace('bashcomp', 'other'),
     'no completion'),
    ('programs_documented', 'cli/local.mk', '', 'no programs'),
    ('formats_documented', 'man/chronik-wal.5', None, 'man/chronik-wal.5'),
    ('formats_documented', 'man/chronik-plog.5', None, 'man/chronik-plog.5'),
    ('formats_documented', 'man/chronik-meta.5', None, 'man/chronik-meta.5'),
    ('formats_documented', 'cli/local.mk', GOOD['cli/local.mk'].replace('man/chronik-meta.5', ''),
     'man/chronik-meta.5'),
    ('apis_handled', 'broker/h_fetch.c', '', 'h_fetch is defined nowhere'),
    ('apis_handled', 'lib/kp/schema/fetch.kp', '', 'FETCH has no schema'),
    ('apis_handled', 'broker/h_x.c', 'void h_x(struct request *q)\n{\n}\n', 'in no row'),
    ('apis_handled', 'broker/api.def', '', 'no rows'),
    ('nothing_left_over', 'lib/base/rd.c',
     '/* TO' + 'DO: write it */\n', 'still to be done'),
    ('small_files', 'lib/base/rd.c', '\n' * 901, '901 lines'),
    ('functions_explained', 'lib/base/rd.h', GOOD['lib/base/rd.h'] + '\nint rd_skip(int n);\n',
     'rd_skip'),
    ('functions_explained', 'lib/base/rd.h', 'struct rd {\n    int n; /* bytes */\n'
     '    /* Where. */\n    int at;\n};\nint rd_skip(struct rd *r);\n', 'rd_skip'),
    ('functions_explained', 'lib/base/rd.h', 'enum { RD_MAX = 9 }; /* of them */\n'
     'int rd_read(int n); /* bytes */\nint rd_skip(int n);\n', 'rd_skip'),
    ('functions_explained', 'broker/x.h', 'int x_do(int n);\n', 'x_do'),
    ('functions_explained', 'cli/x.h', 'int x_do(int n);\n', 'x_do'),
    ('tables_whole', 'lib/base/x.h', '/* x.h - a table:\n *\n * a     the one b     the other\n */\n',
     'lib/base/x.h:3'),
    ('tables_whole', 'lib/base/x.h', '/* x.h - a list:\n *\n *   a  the one,\n * or b\n */\n',
     'lib/base/x.h:4'),
    ('all_distributed', 'tests/lint/x.py', '', 'tests/lint/x.py'),
    ('all_distributed', 'docs/x.md', '', 'docs/x.md'),
    ('all_distributed', 'samples/x.sh', '', 'samples/x.sh'),
    ('packages_named', 'README.md', 'gcc make libx\n', 'libx-dev is not named'),
    ('packages_named', 'dev', '', 'no BUILD_PACKAGES'),
]


def plant(root, files):
    for path, text in files.items():
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as f:
            f.write(text)


def complaints(files):
    with tempfile.TemporaryDirectory() as root:
        plant(root, files)
        tree = lint.Tree(root)
        return {rule.__name__: list(rule(tree)) for rule in lint.RULES}


def main():
    number = failed = 0

    def check(ok, what, seen):
        nonlocal number, failed
        number += 1
        failed += not ok
        print(f'{"ok" if ok else "not ok"} {number} - {what}')
        if not ok:
            print(f'# {seen}')

    found = complaints(GOOD)
    check(not any(found.values()), 'a tree that keeps the rules passes', found)
    for rule, path, text, want in BREAKS:
        files = {p: t for p, t in GOOD.items() if p != path}
        if text is not None:
            files[path] = text
        found = complaints(files)
        check(any(want in c for c in found[rule]), f'{rule}: {want}', found)
    missed = {r.__name__ for r in lint.RULES} - {b[0] for b in BREAKS}
    check(not missed, 'every rule was broken', missed)
    print(f'1..{number}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
