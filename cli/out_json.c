#include "cli/out.h"
#include "cli/utf8.h"

bool out_is_utf8(struct span s)
{
    for (size_t i = 0; i < s.n;) {
        uint32_t code;
        int n = utf8_next(s.p + i, s.n - i, &code);
        if (!n)
            return false;
        i += (size_t)n;
    }
    return true;
}

static void escape(FILE *f, uint32_t code)
{
    switch (code) {
    case '"':
        fputs("\\\"", f);
        break;
    case '\\':
        fputs("\\\\", f);
        break;
    case '\n':
        fputs("\\n", f);
        break;
    case '\r':
        fputs("\\r", f);
        break;
    case '\t':
        fputs("\\t", f);
        break;
    default:
        fprintf(f, "\\u%04x", (unsigned)code);
    }
}

static bool plain(uint32_t code)
{
    return code >= 0x20 && code != '"' && code != '\\' && code != 0x7f;
}

void out_json_string(FILE *f, struct span s)
{
    putc('"', f);
    for (size_t i = 0; i < s.n;) {
        size_t run = i; /* the longest piece that can be written as it is */
        uint32_t code = 0;
        int n = 0;
        while (i < s.n && (n = utf8_next(s.p + i, s.n - i, &code)) && plain(code))
            i += (size_t)n;
        fwrite(s.p + run, 1, i - run, f);
        if (i == s.n)
            break;
        if (n)
            escape(f, code);
        else
            fputs("\\ufffd", f);
        i += n ? (size_t)n : 1;
    }
    putc('"', f);
}
