/* image.h - what holds for every metadata image, wherever it comes from. */
#ifndef TESTS_FUZZ_IMAGE_H
#define TESTS_FUZZ_IMAGE_H

#include "meta/meta.h"

/* Its snapshot can be read, and what was read gives the same bytes; topics are found by name and
 * id, in order. */
void fuzz_image_holds(const struct meta_image *m);

#endif
