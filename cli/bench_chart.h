/* bench_chart.h - line charts as inline SVG: linear, logarithmic, and percentiles spread towards
 * the tail. Colours come from the page's style (html.c). */
#ifndef CLI_BENCH_CHART_H
#define CLI_BENCH_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum chart_scale {
    CHART_LINEAR, /* from 0; values below are gaps */
    CHART_LOG,    /* of values above 0; others are gaps */
    CHART_TAIL    /* of percentiles: as far from 99 to 99.9 as from 90 to 99 */
};
enum chart_unit { CHART_COUNT, CHART_TIME, CHART_SECONDS, CHART_PERCENT }; /* TIME is in us */

struct chart_axis {
    const char *title;
    enum chart_scale scale;
    enum chart_unit unit;
    double max; /* of a linear one: it goes on to there; 0: as far as there are values */
};

struct chart_point {
    double x, y; /* y NaN: a gap */
};

enum { CHART_HUES = 4 };
struct chart_line {
    const char *label; /* in the legend; NULL: not there */
    const char *name;  /* when pointed at; NULL: the label */
    int hue;           /* 1 to CHART_HUES */
    bool thin, dashed;
    const struct chart_point *v;
    size_t n;
};

struct chart {
    const char *title; /* for those who cannot see it */
    struct chart_axis x, y;
    const struct chart_line *lines;
    size_t n;
};

/* A figure with a legend above; a sentence instead if there is no point to show. */
void chart_write(const struct chart *c, FILE *page);

#endif
