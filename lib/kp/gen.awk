# gen.awk - from schemas (*.kp) to C: structs and the field tables that the interpreter walks.
#
#   awk -v want=h -v prefix=kp -v dir=kp -f gen.awk schema/*.kp > kp_gen.h
#   awk -v want=c -v prefix=kp -v dir=kp -f gen.awk schema/*.kp > kp_gen.c
#
#   want    h: declarations · c: tables
#   prefix  of every name (kp -> struct kp_produce_req, kp_produce_req_schema, KP_PRODUCE)
#   dir     the room, for the #include of the header: "<dir>/<prefix>_gen.h"
#
# Runs in any POSIX awk. A schema that it does not understand is an error with file and line, and
# then nothing is printed.
#
# The schema language
#
#   # a comment, to the end of the line
#   api Produce key 0 versions 0-13 flexible 9+      what follows: the sections request and response
#   request                                          struct kp_produce_req, kp_produce_req_schema
#     Name  type  [versions]  [tag N]  [= default]   a field
#   response                                         struct kp_produce_resp, kp_produce_resp_schema
#   record TopicCreated key 3 versions 0             struct kp_topic_created; the key is optional
#
# A field is a line; fields of a nested structure follow it, indented deeper. Names are in the
# protocol's spelling; C gets them in snake case.
#
#   versions   5 · 2-4 · 8+ (to the newest); left out: those of the parent
#   flexible   the first version with compact lengths and tags (KIP-482); left out: none
#   type       bool int8 int16 uint16 int32 uint32 int64 float64 uuid string bytes records
#              []int32 an array of them · [] one of nested structures · {} one nested structure
#              a `?` behind it: null is allowed; `?7+`: from that version on (not for {})
#   tag N      the field is a tagged one (flexible versions only), written unless it has its default
#   = default  what a version without the field decodes to: a number, true, false or null; left out:
#              zero, false, empty
#
# An api or a record with a key also gets a constant (KP_PRODUCE = 0) and all of them a row in
# kp_api_table or kp_record_table.

# What a type is in C and how many bytes it has on the wire; 0: that depends, see least_bytes().
function scalar(type, c, bytes)
{
    c_type[type] = c
    wire[type] = bytes
}

BEGIN {
    scalar("bool", "bool", 1)
    scalar("int8", "int8_t", 1)
    scalar("int16", "int16_t", 2)
    scalar("uint16", "uint16_t", 2)
    scalar("int32", "int32_t", 4)
    scalar("uint32", "uint32_t", 4)
    scalar("int64", "int64_t", 8)
    scalar("float64", "double", 8)
    scalar("uuid", "struct uuid", 16)
    scalar("string", "struct kp_str", 0)
    scalar("bytes", "struct kp_bytes", 0)
    scalar("records", "struct kp_records", 0)
    NEWEST = 32767
    n_nodes = n_roots = n_apis = n_records = failed = 0
    if ((want != "h" && want != "c") || prefix == "" || dir == "") {
        print "gen.awk: want=h|c, prefix and dir must be given" > "/dev/stderr"
        failed = 1
        exit 1
    }
}

function die(why)
{
    print FILENAME ":" FNR ": " why > "/dev/stderr"
    failed = 1
    exit 1
}

# TopicData, timeoutMs, TopicID -> topic_data, timeout_ms, topic_id
function snake(s,    i, c, prev, after, out)
{
    out = ""
    for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1)
        prev = i > 1 ? substr(s, i - 1, 1) : ""
        after = substr(s, i + 1, 1)
        if (c ~ /[A-Z]/ && (prev ~ /[a-z0-9]/ || (prev ~ /[A-Z]/ && after ~ /[a-z]/)))
            out = out "_"
        out = out tolower(c)
    }
    return out
}

# Parse "5", "2-4" or "8+" into RLO and RHI; "+" ends at newest.
function parse_range(s, newest,    at)
{
    if (s ~ /^[0-9]+$/) {
        RLO = RHI = s + 0
    } else if (s ~ /^[0-9]+[+]$/) {
        RLO = s + 0
        RHI = newest
    } else if (s ~ /^[0-9]+-[0-9]+$/) {
        at = index(s, "-")
        RLO = substr(s, 1, at - 1) + 0
        RHI = substr(s, at + 1) + 0
    } else {
        die("\"" s "\" is no range of versions")
    }
    if (RLO > RHI)
        die("the versions " s " end before they begin")
}

# A structure: id of the C struct, versions; the node's fields are kid[node, 1..n_kids[node]].
function new_node(id, lo, hi)
{
    n_nodes++
    node_id[n_nodes] = id
    lo_of[n_nodes] = lo
    hi_of[n_nodes] = hi
    n_kids[n_nodes] = 0
    return n_nodes
}

function new_root(id, title)
{
    if (id in seen_root)
        die("there is a " id " already")
    seen_root[id] = 1
    depth = 0
    indent_of[0] = 0
    node_at[0] = new_node(prefix "_" id, top_lo, top_hi)
    roots[++n_roots] = node_at[0]
    title_of[node_at[0]] = title
    flex_of[node_at[0]] = top_flex
    root = node_at[0]
}

# "api NAME key N versions R flexible F+" and "record NAME ...": the words behind the name.
function parse_top(    i)
{
    if ($2 !~ /^[A-Za-z][A-Za-z0-9]*$/)
        die("a name must follow \"" $1 "\"")
    top_name = $2
    top_key = -1
    top_lo = -1
    top_flex = NEWEST
    for (i = 3; i < NF; i += 2) {
        if ($i == "key" && $(i + 1) ~ /^[0-9]+$/) {
            top_key = $(i + 1)
        } else if ($i == "versions") {
            parse_range($(i + 1), NEWEST)
            top_lo = RLO
            top_hi = RHI
        } else if ($i == "flexible" && $(i + 1) ~ /^[0-9]+[+]$/) {
            top_flex = $(i + 1) + 0
        } else {
            die("\"" $i " " $(i + 1) "\" is not understood")
        }
    }
    if (i == NF || top_lo < 0 || top_hi == NEWEST)
        die("an api or record line is: NAME [key N] versions FIRST-LAST [flexible N+]")
    if (top_key >= 0 && ($1, top_key) in seen_key)
        die("there is an " $1 " of key " top_key " already")
    seen_key[$1, top_key] = 1
    root = 0
}

# Split the type's text into TYPE (scalar, "{}"), IS_ARRAY, NLO and NHI (versions that know null).
function parse_type(s, lo, hi,    at)
{
    NLO = NEWEST
    NHI = -1
    at = index(s, "?")
    if (at) {
        NLO = lo
        NHI = hi
        if (at < length(s)) {
            parse_range(substr(s, at + 1), hi)
            NLO = RLO < lo ? lo : RLO
            NHI = RHI > hi ? hi : RHI
        }
        s = substr(s, 1, at - 1)
    }
    IS_ARRAY = 0
    if (substr(s, 1, 2) == "[]") {
        IS_ARRAY = 1
        s = substr(s, 3)
    }
    TYPE = (IS_ARRAY && s == "") ? "{}" : s
    if (TYPE != "{}" && !(TYPE in c_type))
        die("\"" $2 "\" is no type")
    if (at && !IS_ARRAY && TYPE != "string" && TYPE != "bytes" && TYPE != "records")
        die("a " $2 " cannot be null")
}

# The C initializer for a default, "" if it is the struct's own (all zero bits).
function initializer(type, array, dflt)
{
    if (array)
        return dflt == "null" ? "-1" : ""
    if (type == "string" || type == "bytes" || type == "records") {
        if (dflt == "null")
            return ".n = -1"
        return type == "string" ? ".p = \"\"" : ".p = (const uint8_t *)\"\""
    }
    if (dflt == "" || dflt == "0" || dflt == "false")
        return ""
    # The least values have no literal in C.
    if (dflt == "-2147483648")
        return "INT32_MIN"
    if (dflt == "-9223372036854775808")
        return "INT64_MIN"
    return dflt
}

function check_default(type, array, dflt)
{
    if (dflt == "")
        return
    if (dflt == "null") {
        if (NHI < 0)
            die("null is no default for a field that cannot be null")
    } else if (array || type !~ /^(bool|u?int[0-9]+|float64)$/) {
        die("the only default of a " $2 " is null")
    } else if (type == "bool" ? dflt !~ /^(true|false)$/ : dflt !~ /^-?[0-9]+([.][0-9]+)?$/) {
        die("\"" dflt "\" is no default for " type)
    }
}

function add_field(parent,    i, f, lo, hi, tag, dflt)
{
    if ($1 !~ /^[A-Za-z][A-Za-z0-9_]*$/ || NF < 2)
        die("a field is: Name type [versions] [tag N] [= default]")
    lo = lo_of[parent]
    hi = hi_of[parent]
    i = 3
    if ($i ~ /^[0-9]/) {
        parse_range($i, hi)
        if (RLO < lo || RHI > hi)
            die("the versions " $i " are outside those of what contains the field")
        lo = RLO
        hi = RHI
        i++
    }
    tag = -1
    dflt = ""
    if ($i == "tag" && $(i + 1) ~ /^[0-9]+$/) {
        tag = $(i + 1) + 0
        if (lo < flex_of[root])
            die("a tagged field in a version that is not flexible")
        if ((parent, tag) in seen_tag)
            die("there is a tag " tag " already")
        seen_tag[parent, tag] = 1
        if ($2 ~ /records/)
            die("records cannot be tagged: they may be slices of a file, which are not moved")
        i += 2
    }
    if ($i == "=" && $(i + 1) != "") {
        dflt = $(i + 1)
        i += 2
    }
    if (i != NF + 1)
        die("\"" $i "\" is not understood")
    parse_type($2, lo, hi)
    check_default(TYPE, IS_ARRAY, dflt)

    f = ++n_kids[parent]
    if ((parent, snake($1)) in seen_field)
        die("there is a " $1 " already")
    seen_field[parent, snake($1)] = 1
    f_name[parent, f] = $1
    f_c[parent, f] = snake($1)
    f_type[parent, f] = TYPE
    f_array[parent, f] = IS_ARRAY
    f_lo[parent, f] = lo
    f_hi[parent, f] = hi
    f_nlo[parent, f] = NLO
    f_nhi[parent, f] = NHI
    f_tag[parent, f] = tag
    f_init[parent, f] = TYPE == "{}" && !IS_ARRAY ? "" : initializer(TYPE, IS_ARRAY, dflt)
    f_sub[parent, f] = 0
    if (TYPE == "{}") {
        f_sub[parent, f] = new_node(node_id[parent] "_" snake($1), lo, hi)
        title_of[f_sub[parent, f]] = $1
        flex_of[f_sub[parent, f]] = flex_of[root]
    }
    return f_sub[parent, f]
}

{
    sub(/#.*/, "")
    sub(/[ \t\r]+$/, "")
    if ($0 == "")
        next
    if ($0 ~ /\t/)
        die("indent with spaces")
    match($0, /^ */)
    indent = RLENGTH
}

indent == 0 && $1 == "api" {
    parse_top()
    if (top_key < 0)
        die("an api needs a key")
    n_apis++
    api_name[n_apis] = top_name
    api_key[n_apis] = top_key
    api_lo[n_apis] = top_lo
    api_hi[n_apis] = top_hi
    api_flex[n_apis] = top_flex
    next
}

indent == 0 && $1 == "record" {
    parse_top()
    new_root(snake(top_name), top_name)
    n_records++
    rec_name[n_records] = top_name
    rec_key[n_records] = top_key
    rec_lo[n_records] = top_lo
    rec_hi[n_records] = top_hi
    rec_flex[n_records] = top_flex
    last = 0
    next
}

indent == 0 && ($0 == "request" || $0 == "response") {
    if (top_name == "")
        die($0 " without an api")
    new_root(snake(top_name) ($0 == "request" ? "_req" : "_resp"),
             top_name ($0 == "request" ? "Request" : "Response"))
    last = 0
    next
}

# A field: deeper than the last one makes it a member of that.
{
    if (indent == 0 || !root)
        die("\"" $1 "\" is not understood here")
    if (depth == 0) {
        depth = 1
        indent_of[1] = indent
    } else if (indent > indent_of[depth]) {
        if (!last)
            die("only [] and {} have members")
        depth++
        indent_of[depth] = indent
        node_at[depth - 1] = last
    }
    while (indent < indent_of[depth])
        depth--
    if (indent != indent_of[depth])
        die("the indentation fits no line above")
    last = add_field(node_at[depth - 1])
}

# Least bytes of a value (of an array's element) in one version.
function least_value(node, i, v,    flex)
{
    if (f_sub[node, i])
        return least_struct(f_sub[node, i], v)
    if (wire[f_type[node, i]])
        return wire[f_type[node, i]]
    if (v >= flex_of[node])
        return 1
    return f_type[node, i] == "string" ? 2 : 4
}

function least_struct(node, v,    i, n, flex)
{
    flex = v >= flex_of[node]
    n = flex ? 1 : 0
    for (i = 1; i <= n_kids[node]; i++)
        if (f_lo[node, i] <= v && v <= f_hi[node, i] && f_tag[node, i] < 0)
            n += !f_array[node, i] ? least_value(node, i, v) : flex ? 1 : 4
    return n
}

# Least bytes of an array's element in any version: a count is held against the bytes left by it.
function least_element(node, i,    v, n, min)
{
    min = 0
    for (v = f_lo[node, i]; v <= f_hi[node, i]; v++) {
        n = least_value(node, i, v)
        if (n == 0) {
            print "gen.awk: elements of " f_name[node, i] " are empty in version " v > "/dev/stderr"
            failed = 1
        }
        if (min == 0 || n < min)
            min = n
    }
    return min
}

# What can only be told when all is read.
function finish(    i, f, id)
{
    for (i = 1; i <= n_apis; i++) {
        id = snake(api_name[i])
        if (!((id "_req") in seen_root && (id "_resp") in seen_root)) {
            print "gen.awk: " api_name[i] " lacks its request or its response" > "/dev/stderr"
            failed = 1
        }
    }
    for (i = 1; i <= n_nodes; i++)
        for (f = 1; f <= n_kids[i]; f++)
            if (f_array[i, f])
                least[i, f] = least_element(i, f)
}

function print_struct(node,    i, t)
{
    for (i = 1; i <= n_kids[node]; i++)
        if (f_sub[node, i])
            print_struct(f_sub[node, i])
    print "struct " node_id[node] " {"
    for (i = 1; i <= n_kids[node]; i++) {
        t = f_sub[node, i] ? "struct " node_id[f_sub[node, i]] : c_type[f_type[node, i]]
        if (f_array[node, i]) {
            print "    int32_t n_" f_c[node, i] ";"
            print "    " t " *" f_c[node, i] ";"
        } else {
            print "    " t " " f_c[node, i] ";"
        }
    }
    if (n_kids[node] == 0)
        print "    char no_fields;"
    print "};"
    print "extern const struct kp_schema " node_id[node] "_schema;"
}

function print_enum(what, n, name, key,    i, some)
{
    some = 0
    for (i = 1; i <= n; i++)
        if (key[i] >= 0) {
            if (!some)
                print "\nenum " prefix "_" what " {"
            some = 1
            print "    " toupper(prefix "_" snake(name[i])) " = " key[i] ","
        }
    if (some)
        print "};"
}

# prefix_api_table[PREFIX_API_COUNT], the same for records.
function table(what)
{
    return prefix "_" what "_table[" toupper(prefix "_" what) "_COUNT]"
}

function print_count(what, type, n)
{
    print "\nenum { " toupper(prefix "_" what) "_COUNT = " n " };"
    print "extern const struct " type " " table(what) ";"
}

function print_header(    i, guard)
{
    guard = toupper(prefix) "_GEN_H"
    print "/* Made by gen.awk from the schemas: do not edit. */"
    print "#ifndef " guard "\n#define " guard "\n"
    print "#include \"kp/kp.h\""
    print_enum("api_key", n_apis, api_name, api_key)
    print_enum("record_key", n_records, rec_name, rec_key)
    for (i = 1; i <= n_roots; i++) {
        print ""
        print_struct(roots[i])
    }
    if (n_apis)
        print_count("api", "kp_api", n_apis)
    if (n_records)
        print_count("record", "kp_record_type", n_records)
    print "\n#endif"
}

# The members of a struct's initializer, "" if all is zero.
function initializers(node,    i, s, t)
{
    s = ""
    for (i = 1; i <= n_kids[node]; i++) {
        t = f_init[node, i]
        if (f_sub[node, i] && !f_array[node, i])
            t = initializers(f_sub[node, i])
        if (t == "")
            continue
        if (t ~ /^[.]/)
            t = "{" t "}"
        s = s (s == "" ? "" : ", ") "." (f_array[node, i] ? "n_" : "") f_c[node, i] " = " t
    }
    return s
}

function print_row(node, i,    id, type, c)
{
    id = "struct " node_id[node]
    type = f_sub[node, i] ? "STRUCT" : toupper(f_type[node, i])
    c = f_sub[node, i] ? "struct " node_id[f_sub[node, i]] : c_type[f_type[node, i]]
    print "    {\"" f_name[node, i] "\", KP_T_" type ", " (f_array[node, i] ? "true" : "false") ","
    print "     " f_tag[node, i] ", " f_lo[node, i] ", " f_hi[node, i] ","
    print "     " f_nlo[node, i] ", " f_nhi[node, i] ","
    print "     offsetof(" id ", " f_c[node, i] "),"
    print "     " (f_array[node, i] ? "offsetof(" id ", n_" f_c[node, i] ")" : "0") ","
    print "     sizeof(" c "), " least[node, i] + 0 ","
    print "     " (f_sub[node, i] ? "&" node_id[f_sub[node, i]] "_schema" : "NULL") "},"
}

# Fields in the order of the wire: plain ones as they stand, then the tagged ones by tag. Counts
# them in PLAIN and TAGGED.
function print_rows(node,    i, tag, top)
{
    PLAIN = TAGGED = 0
    top = -1
    for (i = 1; i <= n_kids[node]; i++) {
        if (f_tag[node, i] > top)
            top = f_tag[node, i]
        if (f_tag[node, i] < 0) {
            print_row(node, i)
            PLAIN++
        }
    }
    for (tag = 0; tag <= top; tag++)
        for (i = 1; i <= n_kids[node]; i++)
            if (f_tag[node, i] == tag) {
                print_row(node, i)
                TAGGED++
            }
}

function print_table(node,    i, id, init)
{
    for (i = 1; i <= n_kids[node]; i++)
        if (f_sub[node, i])
            print_table(f_sub[node, i])
    id = node_id[node]
    if (n_kids[node])
        print "static const struct kp_field " id "_f[] = {"
    print_rows(node)
    if (n_kids[node])
        print "};"
    init = initializers(node)
    print "static const struct " id " " id "_init = {" (init == "" ? "0" : init) "};"
    print "const struct kp_schema " id "_schema = {"
    print "    \"" title_of[node] "\", " (n_kids[node] ? id "_f" : "NULL") ", &" id "_init,"
    print "    sizeof(struct " id "), " PLAIN ", " TAGGED ","
    print "    " lo_of[node] ", " hi_of[node] ", " flex_of[node] "};"
}

function print_api(i,    id)
{
    id = prefix "_" snake(api_name[i])
    printf "    {%d, \"%s\", %d, %d, %d, &%s_req_schema, &%s_resp_schema},\n",
        api_key[i], api_name[i], api_lo[i], api_hi[i], api_flex[i], id, id
}

function print_api_table(    i, key, top)
{
    top = -1
    for (i = 1; i <= n_apis; i++)
        if (api_key[i] > top)
            top = api_key[i]
    print "\nconst struct kp_api " table("api") " = {"
    for (key = 0; key <= top; key++)
        for (i = 1; i <= n_apis; i++)
            if (api_key[i] == key)
                print_api(i)
    print "};"
}

function print_source(    i)
{
    print "/* Made by gen.awk from the schemas: do not edit. */"
    print "#include \"" dir "/" prefix "_gen.h\"\n"
    print "#include <stddef.h>\n\n#include \"kp/schema.h\"\n"
    for (i = 1; i <= n_roots; i++)
        print_table(roots[i])
    if (n_apis)
        print_api_table()
    if (n_records) {
        print "\nconst struct kp_record_type " table("record") " = {"
        for (i = 1; i <= n_records; i++)
            printf "    {%d, \"%s\", %d, %d, %d, &%s_%s_schema},\n", rec_key[i], rec_name[i],
                rec_lo[i], rec_hi[i], rec_flex[i], prefix, snake(rec_name[i])
        print "};"
    }
}

END {
    if (!failed)
        finish()
    if (failed)
        exit 1
    if (want == "h")
        print_header()
    else
        print_source()
}
