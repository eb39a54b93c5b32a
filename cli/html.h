/* html.h - pages that stand alone: one file, no scripts, nothing from the network, light or dark as
 * the reader's screen is. */
#ifndef CLI_HTML_H
#define CLI_HTML_H

#include <stdio.h>

#include "base/err.h"
#include "base/span.h"

/* Begin a page in a new file. NULL: e says why. */
FILE *html_open(const char *path, const char *title, struct err *e);
/* End it. 0, or a code if any of it could not be written. */
int html_close(FILE *page, const char *path, struct err *e);

/* Text of whatever origin, as element content or within double quotes. UTF-8; control characters
 * become U+FFFD. */
void html_text(FILE *page, struct span text);
void html_str(FILE *page, const char *text);

/* A number with its thousands apart, to `digits` behind the point: "1,234.5". "-" if not finite. */
void html_number(FILE *page, double v, int digits);
/* A time in microseconds with a unit that suits it: "870 µs", "1.25 ms". Gives out. */
enum { HTML_TIME_SIZE = 32 };
const char *html_time(double us, char out[HTML_TIME_SIZE]);

#endif
