#include "cli/bench_chart.h"

#include <math.h>
#include <string.h>

#include "cli/html.h"

enum { WIDTH = 860, HEIGHT = 330, LEFT = 74, RIGHT = 24, TOP = 14, BOTTOM = 52 };
enum { TICKS_MAX = 40, TICKS_WANTED = 7, POINTED_MAX = 200 };
#define NOTHING 1e-6 /* an axis of less is one of nothing, */
#define MOST 1e15    /* and values of more are none */
enum { LETTER = 7, GAP = 10, TICK = 5 };

/* An axis that knows its values: where they are on it, and which of them are told. */
struct scale {
    const struct chart_axis *axis;
    double lo, hi;   /* turned (see turn), hi > lo */
    double from, to; /* where those stand */
    double ticks[TICKS_MAX];
    int n;
};

/* Where a value is on the axis, before that has a length: NaN if it has no place there. The end of
 * the tail has one wherever it ends: INFINITY. */
static double turn(const struct chart_axis *axis, double v)
{
    if (!(v >= 0 && v <= MOST))
        return NAN;
    switch (axis->scale) {
    case CHART_LOG:
        return v >= NOTHING ? log10(v) : NAN;
    case CHART_TAIL:
        return v < 100 ? -log10(1 - v / 100) : INFINITY;
    default:
        return v;
    }
}

static double place(const struct scale *s, double v)
{
    double at = fmin(turn(s->axis, v), s->hi);
    return isnan(turn(s->axis, v)) ? NAN
                                   : s->from + (at - s->lo) / (s->hi - s->lo) * (s->to - s->from);
}

static void tick(struct scale *s, double v)
{
    double at = turn(s->axis, v);
    if (s->n < TICKS_MAX && at >= s->lo - 1e-9 && at <= s->hi + 1e-9)
        s->ticks[s->n++] = v;
}

/* The least of 1, 2, 5 times a power of ten that is not below v. */
static double round_up(double v)
{
    double power = pow(10, floor(log10(v)));
    for (int i = 0; i < 3; i++) {
        static const double steps[] = {1, 2, 5};
        if (steps[i] * power >= v * (1 - 1e-9))
            return steps[i] * power;
    }
    return 10 * power;
}

static void linear_ticks(struct scale *s, bool whole)
{
    s->hi = fmax(s->hi, s->axis->max);
    if (s->hi < NOTHING)
        s->hi = 1;
    double step = round_up(s->hi / TICKS_WANTED);
    s->lo = 0;
    s->hi = whole ? ceil(s->hi / step - 1e-9) * step : s->hi;
    for (int i = 0; i * step <= s->hi * (1 + 1e-9); i++)
        tick(s, i * step);
}

static void log_ticks(struct scale *s)
{
    static const double parts[] = {1, 2, 5};
    s->lo = floor(s->lo * 2) / 2;
    s->hi = ceil(s->hi * 2 + 1e-9) / 2;
    int each = s->hi - s->lo <= 3 ? 3 : 1;
    for (int power = (int)floor(s->lo); power <= (int)ceil(s->hi); power++)
        for (int i = 0; i < each; i++)
            tick(s, parts[i] * pow(10, power));
}

static void tail_ticks(struct scale *s)
{
    tick(s, 0);
    tick(s, 50);
    for (int nines = 1; nines <= 12; nines++)
        tick(s, 100 * (1 - pow(10, -nines)));
}

static bool is_there(const struct chart *c, const struct chart_point *p)
{
    return !isnan(turn(&c->x, p->x)) && !isnan(turn(&c->y, p->y));
}

/* The turned values' bounds; false: there is none. */
static bool bounds(struct scale *s, const struct chart *c, bool x)
{
    s->lo = INFINITY;
    s->hi = -INFINITY;
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->lines[i].n; k++) {
            const struct chart_point *p = &c->lines[i].v[k];
            double at = turn(s->axis, x ? p->x : p->y);
            if (!is_there(c, p) || isinf(at))
                continue;
            s->lo = fmin(s->lo, at);
            s->hi = fmax(s->hi, at);
        }
    return s->lo <= s->hi;
}

static bool make_scale(struct scale *s, const struct chart *c, bool x)
{
    *s = (struct scale){.axis = x ? &c->x : &c->y};
    if (!bounds(s, c, x))
        return false;
    s->from = x ? LEFT : HEIGHT - BOTTOM;
    s->to = x ? WIDTH - RIGHT : TOP;
    if (s->axis->scale == CHART_LINEAR) {
        linear_ticks(s, !x);
    } else if (s->axis->scale == CHART_LOG) {
        log_ticks(s);
    } else {
        s->lo = 0;
        s->hi += 0.08; /* room for the last step, to the maximum */
        tail_ticks(s);
    }
    return true;
}

/* ---- drawing ---- */

static void label(const struct scale *s, double v, char out[HTML_TIME_SIZE])
{
    static const char micro[] = "\xc2\xb5s";
    switch (s->axis->unit) {
    case CHART_TIME:
        if (v < 1e3)
            snprintf(out, HTML_TIME_SIZE, "%g %s", v, micro);
        else
            snprintf(out, HTML_TIME_SIZE, "%g %s", v / (v < 1e6 ? 1e3 : 1e6), v < 1e6 ? "ms" : "s");
        break;
    case CHART_SECONDS:
        snprintf(out, HTML_TIME_SIZE, "%g s", v);
        break;
    case CHART_PERCENT:
        snprintf(out, HTML_TIME_SIZE, "%.12g %%", v);
        break;
    default:
        if (v < 1e3)
            snprintf(out, HTML_TIME_SIZE, "%g", v);
        else
            snprintf(out, HTML_TIME_SIZE, "%g %s", v / (v < 1e6 ? 1e3 : 1e6), v < 1e6 ? "k" : "M");
        break;
    }
}

static void draw_x(const struct scale *s, FILE *page)
{
    char text[HTML_TIME_SIZE];
    double free_from = 0;
    for (int i = 0; i < s->n; i++) {
        double at = place(s, s->ticks[i]);
        fprintf(page, "<path class=\"g\" d=\"M%.1f %dV%d\"/>", at, TOP, HEIGHT - BOTTOM);
        label(s, s->ticks[i], text);
        double half = LETTER * (double)strlen(text) / 2;
        if (at - half < free_from)
            continue;
        free_from = at + half + GAP;
        fprintf(page, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", at,
                HEIGHT - BOTTOM + 18, text);
    }
    fprintf(page, "<path class=\"ax\" d=\"M%d %dH%d\"/>", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT);
    fprintf(page, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
            (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, s->axis->title);
}

static void draw_y(const struct scale *s, FILE *page)
{
    char text[HTML_TIME_SIZE];
    for (int i = 0; i < s->n; i++) {
        double at = place(s, s->ticks[i]);
        fprintf(page, "<path class=\"g\" d=\"M%d %.1fH%d\"/>", LEFT, at, WIDTH - RIGHT);
        label(s, s->ticks[i], text);
        fprintf(page, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - TICK - 2,
                at + 4, text);
    }
    int middle = (TOP + HEIGHT - BOTTOM) / 2;
    fprintf(page,
            "<text x=\"14\" y=\"%d\" text-anchor=\"middle\" transform=\"rotate(-90 14 "
            "%d)\">%s</text>\n",
            middle, middle, s->axis->title);
}

static void draw_points(const struct chart_line *l, const struct scale *x, const struct scale *y,
                        FILE *page)
{
    char at[HTML_TIME_SIZE], v[HTML_TIME_SIZE];
    for (size_t i = 0; i < l->n && l->n <= POINTED_MAX && !l->thin && !l->dashed; i++) {
        double px = place(x, l->v[i].x), py = place(y, l->v[i].y);
        if (!isfinite(px) || !isfinite(py))
            continue;
        if (l->n <= POINTED_MAX / 4)
            fprintf(page, "<circle class=\"dot h%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>", l->hue,
                    px, py);
        label(x, l->v[i].x, at);
        if (y->axis->unit == CHART_TIME)
            html_time(l->v[i].y, v);
        else
            label(y, round(l->v[i].y), v);
        fprintf(page, "<circle class=\"hit\" cx=\"%.1f\" cy=\"%.1f\" r=\"7\"><title>", px, py);
        html_str(page, l->name ? l->name : l->label);
        fprintf(page, ", %s: %s</title></circle>\n", at, v);
    }
}

static void draw_line(const struct chart_line *l, const struct scale *x, const struct scale *y,
                      FILE *page)
{
    bool down = false;
    fprintf(page, "<path class=\"l h%d%s%s\" d=\"", l->hue, l->thin ? " thin" : "",
            l->dashed ? " dash" : "");
    for (size_t i = 0; i < l->n; i++) {
        double px = place(x, l->v[i].x), py = place(y, l->v[i].y);
        bool there = isfinite(px) && isfinite(py);
        if (there) /* h0 makes a dot of a point between gaps */
            fprintf(page, down ? "L%.1f %.1f" : "M%.1f %.1fh0", px, py);
        down = there;
    }
    fputs("\"><title>", page);
    html_str(page, l->name ? l->name : l->label);
    fputs("</title></path>\n", page);
    draw_points(l, x, y, page);
}

static void legend(const struct chart *c, FILE *page)
{
    fputs("<figcaption class=\"legend\">", page);
    for (size_t i = 0; i < c->n; i++)
        if (c->lines[i].label) {
            fprintf(page, "<span><i class=\"h%d%s\"></i>", c->lines[i].hue,
                    c->lines[i].dashed ? " dash" : "");
            html_str(page, c->lines[i].label);
            fputs("</span>", page);
        }
    fputs("</figcaption>\n", page);
}

void chart_write(const struct chart *c, FILE *page)
{
    struct scale x, y;
    if (!make_scale(&x, c, true) || !make_scale(&y, c, false)) {
        fputs("<p class=\"sub\">There is nothing to show: nothing was answered.</p>\n", page);
        return;
    }
    fputs("<figure>\n", page);
    legend(c, page);
    fprintf(page, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    html_str(page, c->title);
    fputs("\">\n", page);
    draw_x(&x, page);
    draw_y(&y, page);
    for (size_t i = 0; i < c->n; i++)
        draw_line(&c->lines[i], &x, &y, page);
    fputs("</svg>\n</figure>\n", page);
}
