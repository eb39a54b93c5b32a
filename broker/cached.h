/* cached.h - is it in the page cache? */
#ifndef BROKER_CACHED_H
#define BROKER_CACHED_H

#include <stdbool.h>
#include <stdint.h>

/* All of bytes [pos, pos + len) of a file, len > 0, so that reading them now waits for no disk.
 * Exact but for pages that are just being read; where the system does not count pages (Linux before
 * 6.5), and then not of long ranges with holes of less than 64 KiB. What is asked for may be gone a
 * moment later: a wrong answer costs time, nothing else. */
bool cached(int fd, uint64_t pos, uint64_t len);

#endif
