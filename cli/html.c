#include "cli/html.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Hues are named for what they show, not for what they are: --h1 to --h4 tell lines apart. */
static const char style[] =
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1c2430;--muted:#5b6675;--rule:#d8dee6;"
    "--grid:#e8ecf1;--panel:#f6f8fa;--warn-bg:#fff6e0;--warn:#8a5a00;--bad:#b3261e;--good:#1a7f4b;"
    "--h1:#2563c9;--h2:#c2570c;--h3:#8b3fa8;--h4:#0f7b6c}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161c;--fg:#e3e8ef;--muted:#98a3b3;"
    "--rule:#323b47;--grid:#242c36;--panel:#1a2028;--warn-bg:#33290f;--warn:#f0c05a;--bad:#ff8a80;"
    "--good:#5fd39a;--h1:#6ea8ff;--h2:#ff9d57;--h3:#cf8ff0;--h4:#4fc9b5}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:28px 20px 48px;max-width:980px;background:var(--bg);"
    "color:var(--fg);font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}\n"
    "h1{font-size:1.6rem;line-height:1.25;margin:0}h2{font-size:1.15rem;margin:36px 0 8px}"
    "h3{font-size:.95rem;margin:22px 0 4px}\n"
    "p{margin:6px 0}.sub{color:var(--muted)}\n"
    ".tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:10px;"
    "margin:20px 0}\n"
    ".tile{background:var(--panel);border:1px solid var(--rule);border-radius:8px;"
    "padding:10px 12px}.tile b{display:block;font-size:1.3rem;font-weight:600;white-space:nowrap}"
    ".tile span{color:var(--muted);font-size:.82rem}\n"
    ".warn{background:var(--warn-bg);border-left:4px solid var(--warn);border-radius:4px;"
    "padding:8px 14px;margin:16px 0}.warn ul{margin:0;padding-left:18px}\n"
    "table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:4px 12px;border-bottom:1px solid var(--rule);text-align:right;"
    "white-space:nowrap}th{color:var(--muted);font-weight:500}"
    "td:first-child,th:first-child,.t td,.t th{text-align:left}.t td{white-space:normal;"
    "overflow-wrap:anywhere}.t th{vertical-align:top;font-weight:400}\n"
    ".wide{overflow-x:auto}.two{display:grid;grid-template-columns:"
    "repeat(auto-fit,minmax(320px,1fr));gap:0 36px;align-items:start}\n"
    "figure{margin:8px 0 20px;overflow-x:auto}svg{display:block;width:100%;height:auto}"
    "figure svg{min-width:600px}\n"
    ".legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.85rem;color:var(--muted);"
    "padding-left:64px}.legend i{display:inline-block;width:18px;height:0;margin-right:6px;"
    "vertical-align:middle;border-top:3px solid}.legend i.dash{border-top-style:dashed}\n"
    ".g{stroke:var(--grid)}.ax{stroke:var(--muted)}"
    "svg text{fill:var(--muted);font-size:12px}\n"
    ".l{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}.thin{stroke-width:1.3;"
    "opacity:.75}"
    ".dash{stroke-dasharray:6 4}.dot{stroke:none}.hit{fill:transparent;stroke:none}\n"
    ".h1{stroke:var(--h1);color:var(--h1)}.h2{stroke:var(--h2);color:var(--h2)}"
    ".h3{stroke:var(--h3);color:var(--h3)}.h4{stroke:var(--h4);color:var(--h4)}\n"
    ".dot.h1{fill:var(--h1)}.dot.h2{fill:var(--h2)}.dot.h3{fill:var(--h3)}.dot.h4{fill:var(--h4)}\n"
    ".strip{width:160px;height:26px}td small{display:block;color:var(--muted)}.strip "
    ".l{stroke-width:5;opacity:.45;stroke-linecap:butt}"
    ".strip .m{stroke-width:3}\n"
    ".good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}"
    ".none{color:var(--muted)}\n"
    "summary{cursor:pointer;color:var(--muted);margin:10px 0}code{font-size:.85rem;"
    "overflow-wrap:anywhere}footer{margin-top:40px;color:var(--muted);font-size:.85rem}\n"
    "@media(max-width:640px){.tiles{grid-template-columns:repeat(2,1fr)}}\n"
    "@media print{details>*{display:block}}\n";

FILE *html_open(const char *path, const char *title, struct err *e)
{
    FILE *page = fopen(path, "we");
    if (!page) {
        err_code(e, -errno, "%s", path);
        return NULL;
    }
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
          page);
    html_str(page, title);
    fprintf(page, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
    return page;
}

int html_close(FILE *page, const char *path, struct err *e)
{
    fputs("</body>\n</html>\n", page);
    bool failed = ferror(page) != 0;
    errno = 0;
    if (fclose(page) || failed)
        return err_code(e, errno ? -errno : -EIO, "%s", path);
    return 0;
}

void html_text(FILE *page, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '&')
            fputs("&amp;", page);
        else if (c == '<')
            fputs("&lt;", page);
        else if (c == '>')
            fputs("&gt;", page);
        else if (c == '"')
            fputs("&quot;", page);
        else if (c == '\'')
            fputs("&#39;", page);
        else if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
            fputs("\xef\xbf\xbd", page);
        else
            fputc(c, page);
    }
}

void html_str(FILE *page, const char *text)
{
    html_text(page, span_str(text));
}

void html_number(FILE *page, double v, int digits)
{
    char text[64];
    if (!isfinite(v) || fabs(v) >= 1e30) {
        fputc('-', page);
        return;
    }
    snprintf(text, sizeof text, "%.*f", digits, v);
    size_t whole = strcspn(text, "."), at = text[0] == '-';
    fwrite(text, 1, at, page);
    for (; at < whole; at++) {
        fputc(text[at], page);
        size_t left = whole - at - 1;
        if (left && left % 3 == 0)
            fputc(',', page);
    }
    fputs(text + whole, page);
}

const char *html_time(double us, char out[HTML_TIME_SIZE])
{
    static const struct {
        const char *name;
        double us;
    } units[] = {{"s", 1e6}, {"ms", 1e3}, {"\xc2\xb5s", 1}};
    size_t i = 0;
    while (i < 2 && us < units[i].us)
        i++;
    double v = us / units[i].us;
    if (!isfinite(us))
        snprintf(out, HTML_TIME_SIZE, "-");
    else
        snprintf(out, HTML_TIME_SIZE, "%.*f %s", v >= 100 ? 0 : v >= 10 ? 1 : 2, v, units[i].name);
    return out;
}
