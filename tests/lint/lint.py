#!/usr/bin/env python3
"""Hold the source tree to its own rules (ARCHITECTURE.md, HACKING.md). TAP, a test a rule.

    lint.py [TREE]

A rule is a function that takes the tree and yields complaints, each "file:line: what"; RULES lists
them. test_lint.py breaks every rule once.
"""
import os
import re
import sys

# Which rooms a room may include, its own and base apart; what those may include it may too. The
# broker's main reads its command line as the programs do.
ARROWS = {
    'base': [], 'batch': [], 'wal': [], 'kp': [], 'loop': [],
    'plog': ['batch'],
    'meta': ['kp'],
    'shard': ['wal', 'plog', 'batch', 'meta'],
    'client': ['kp', 'batch'],
}
LIB = sorted(ARROWS)
ARROWS['broker'] = LIB
ARROWS['cli'] = LIB
EXCEPTIONS = {('broker/main.c', 'cli')}

# Headers of which one file takes charge, so that the library behind them can be replaced.
ONE_FILE_EACH = ['raft.h', 'jansson.h', 'event2/', 'zlib.h', 'lz4', 'zstd.h', 'snappy-c.h', 'isa-l/crc.h',
                 'isa-l/igzip_lib.h']

# What the data directory consists of: a man page each says every byte of it.
FORMATS = ['chronik-meta', 'chronik-plog', 'chronik-wal']

LINES_MAX = 900


class Tree:
    def __init__(self, root):
        self.root = root

    def files(self, tops, ends):
        """Paths below any of the directories that end with one of ends, sorted."""
        found = []
        for top in tops:
            for here, dirs, names in os.walk(os.path.join(self.root, top)):
                dirs[:] = [d for d in dirs if d not in ('__pycache__', 'node_modules')]
                found += [os.path.relpath(os.path.join(here, n), self.root) for n in names
                          if n.endswith(ends)]
        return sorted(found)

    def c_files(self):
        return self.files(['lib', 'broker', 'cli'], ('.c', '.h'))

    def sources(self):
        return self.files(['lib', 'broker', 'cli', 'tests', 'man', 'samples'],
                          ('.c', '.h', '.def', '.kp', '.awk', '.py', '.sh', '.js', '.java', '.mk',
                           '.in'))

    def read(self, path):
        with open(os.path.join(self.root, path), encoding='utf-8') as f:
            return f.read()

    def has(self, path):
        return os.path.exists(os.path.join(self.root, path))

    def match(self, paths, pattern):
        """(path, line number, match) of every line that matches."""
        pattern = re.compile(pattern)
        for path in paths:
            for number, line in enumerate(self.read(path).split('\n'), 1):
                m = pattern.search(line)
                if m:
                    yield path, number, m


def room_of(path):
    parts = path.split('/')
    return parts[1] if parts[0] == 'lib' else parts[0]


def reach(room):
    """The rooms that a room may include."""
    found, ahead = {room, 'base'}, [room]
    while ahead:
        for r in ARROWS[ahead.pop()]:
            if r not in found:
                found.add(r)
                ahead.append(r)
    return found


def arrows(tree):
    """Rooms include only the rooms below them"""
    for path, number, m in tree.match(tree.c_files(), r'^\s*#\s*include\s*"([^"]+)"'):
        room, target = room_of(path), m.group(1)
        if '/' not in target:
            if target != 'config.h':
                yield f'{path}:{number}: "{target}" does not start with its room'
        elif room not in ARROWS:
            yield f'{path}:{number}: room {room} is in no arrow'
        elif (target.split('/')[0] not in reach(room)
              and (path, target.split('/')[0]) not in EXCEPTIONS):
            yield f'{path}:{number}: {room} may not include "{target}"'


def one_file_each(tree):
    """One file includes each foreign library's header"""
    for header in ONE_FILE_EACH:
        users = sorted({p for p, _, m in tree.match(
            tree.c_files(), r'^\s*#\s*include\s*<([^>]+)>') if m.group(1).startswith(header)})
        if len(users) != 1:
            yield f'<{header}> is included by {len(users)} files: {", ".join(users) or "none"}'


def make_words(tree):
    """Everything that the fragments of the Makefile add to a variable: {variable: {words}}."""
    words = {}
    for path in ['Makefile.am'] + tree.files(['lib', 'broker', 'cli', 'man', 'tests'], ('.mk',)):
        text = re.sub(r'#.*', '', tree.read(path)).replace('\\\n', ' ')
        for m in re.finditer(r'^(\w+)\s*\+?=(.*)$', text, re.M):
            words.setdefault(m.group(1), set()).update(m.group(2).split())
    return words


def programs_documented(tree):
    """Every program has a man page and a completion"""
    words = make_words(tree)
    pages = words.get('man_MANS', set()) | words.get('dist_man_MANS', set())
    programs = words.get('bin_PROGRAMS', set()) | words.get('sbin_PROGRAMS', set())
    if not programs:
        yield 'Makefile.am: no programs found'
    for program in sorted(programs):
        section = '8' if program in words.get('sbin_PROGRAMS', set()) else '1'
        page = f'man/{program}.{section}'
        if page not in pages:
            yield f'{program}: {page} is not installed'
        elif not tree.has(page) and not tree.has(page + '.in'):
            yield f'{program}: {page} has no source'
        if f'completions/{program}.bash' not in words.get('bashcomp_DATA', set()):
            yield f'{program}: no completion is installed'


def formats_documented(tree):
    """Every format on disk has a man page"""
    words = make_words(tree)
    pages = words.get('man_MANS', set()) | words.get('dist_man_MANS', set())
    for name in FORMATS:
        page = f'man/{name}.5'
        if page not in pages or not (tree.has(page) or tree.has(page + '.in')):
            yield f'{page}: missing, or not installed'


def apis_handled(tree):
    """Every row of broker/api.def has its handler and its schema, every handler its row"""
    rows = {}
    for _, number, m in tree.match(['broker/api.def'], r'^API\((\w+),.*,\s*(h_\w+)\)'):
        rows[m.group(2)] = (number, m.group(1))
    if not rows:
        yield 'broker/api.def: no rows found'
    sources = tree.files(['broker'], ('.c',))
    handlers = {m.group(1): f'{p}:{n}' for p, n, m in tree.match(
        sources, r'^(?:int|void|bool|enum \w+) (h_\w+)\(struct \w+ \*\w+\)$')}
    schemas = ''.join(tree.read(p) for p in tree.files(['lib/kp/schema'], ('.kp',)))
    apis = {re.sub(r'(?<!^)(?=[A-Z])', '_', n).upper()
            for n in re.findall(r'^api (\w+) key', schemas, re.M)}
    for handler, (number, api) in sorted(rows.items()):
        if handler not in handlers:
            yield f'broker/api.def:{number}: {handler} is defined nowhere'
        if api not in apis:
            yield f'broker/api.def:{number}: {api} has no schema'
    for handler in sorted(set(handlers) - set(rows)):
        yield f'{handlers[handler]}: {handler} is in no row of broker/api.def'


def nothing_left_over(tree):
    """Nothing is marked as still to be done"""
    mark = 'TO' + 'DO|FIX' + 'ME'
    for path, number, _ in tree.match(tree.sources(), rf'\b({mark})\b'):
        yield f'{path}:{number}: is still to be done'


def small_files(tree):
    """No source file is longer than 900 lines"""
    for path in tree.sources():
        lines = tree.read(path).count('\n')
        if lines > LINES_MAX:
            yield f'{path}: {lines} lines'


def functions_explained(tree):
    """Every function in a header stands below a comment

    A comment on lines of its own serves down to the next empty line or the end of a struct; one
    behind a prototype serves that function. x_init and its like explain themselves, and so may
    headers that only their own room sees.
    """
    prototype = re.compile(r'^(?!static|typedef|extern)\w[\w ]*[ *](\w+)\(')
    plain = re.compile(r'_(init|release|new|free|ref|unref)$')
    for path in tree.files(['lib', 'broker', 'cli'], ('.h',)):
        if path.endswith('_impl.h'):
            continue
        explained = inside = False
        for number, line in enumerate(tree.read(path).split('\n'), 1):
            if not line:
                explained = explained and inside
            if re.match(r'\s*/\*', line):
                explained = inside = True
            if '*/' in line:
                inside = False
            if line.startswith('}'):
                explained = False
            m = prototype.match(line)
            if (m and not inside and not explained and '/*' not in line
                    and not plain.search(m.group(1))):
                yield f'{path}:{number}: {m.group(1)} is not explained'


def tables_whole(tree):
    """No table in a comment was flowed into prose

    Tables and lists are indented. A gap of four blanks in a line that is not comes from one whose
    lines were joined, and so does such a line where an indented one ended (a list's next bullet is
    none).
    """
    for path in tree.c_files():
        indented = False
        for number, line in enumerate(tree.read(path).split('\n'), 1):
            flush = re.match(r'^ \* \S', line) and not line.startswith(' * - ')
            if flush and (indented or re.match(r'^ \* \S.*\S {4,}\S', line)):
                yield f'{path}:{number}: a table or list was flowed into prose'
            indented = re.match(r'^ \* {3,}\S', line)


def all_distributed(tree):
    """Every file below tests, docs and samples is in a release"""
    text = ''.join(tree.read(p) for p in ['Makefile.am'] + tree.files(['man', 'tests'], ('.mk',)))
    words = make_words(tree)
    made = words.get('UNIT_TESTS', set()) | set.union(
        set(), *(v for k, v in words.items() if k.endswith(('_TESTS', '_PROGRAMS'))))
    for path in (tree.files(['tests'], ('.c', '.h', '.py', '.sh', '.t', '.js')) +
                 tree.files(['docs', 'samples'], ('',))):
        if path not in text and os.path.splitext(path)[0] not in made:
            yield f'{path}: is named in no Makefile.am or *.mk'


def packages_named(tree):
    """README names every package that ./dev installs for a build"""
    m = re.search(r'^BUILD_PACKAGES=\(([^)]*)\)', tree.read('dev'), re.M)
    if not m:
        yield 'dev: no BUILD_PACKAGES found'
        return
    named = set(re.split(r'[\s\\]+', tree.read('README.md')))
    for package in m.group(1).split():
        if package not in named:
            yield f'README.md: {package} is not named'


RULES = [arrows, one_file_each, programs_documented, formats_documented, apis_handled,
         nothing_left_over, small_files, functions_explained, tables_whole, all_distributed,
         packages_named]


def main():
    if len(sys.argv) > 2:
        raise SystemExit(__doc__)
    tree = Tree(sys.argv[1] if len(sys.argv) == 2 else os.environ.get('srcdir', '.'))
    failed = 0
    print(f'1..{len(RULES)}')
    for number, rule in enumerate(RULES, 1):
        complaints = list(rule(tree))
        failed += bool(complaints)
        print(f'{"not ok" if complaints else "ok"} {number} - {rule.__doc__.splitlines()[0]}')
        for c in complaints:
            print(f'# {c}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
