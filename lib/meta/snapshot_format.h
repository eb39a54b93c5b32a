/* snapshot_format.h - an image as the bytes of a file. chronik-meta(5) says the same as prose.
 *
 * All integers of the frame are little-endian; records are in the protocol's encoding.
 *
 * Header, 80 bytes:
 *   0   8   magic "CHRONMET"
 *   8   4   format version, 1
 *   12  4   length of this header, 80
 *   16  4   CRC-32C of the header with this field zero
 *   20  4   flags: 0; a reader refuses those it does not know
 *   24  16  cluster id
 *   40  8   index of the last entry of shard 0's log that is in the image
 *   48  8   its term
 *   56  8   wall time at which this was written, ms
 *   64  8   size of the file in bytes
 *   72  4   number of sections
 *   76  4   zero
 *
 * The first 20 bytes keep their meaning in every version, so that a newer file is told from a
 * broken one.
 *
 * Section, one behind the other:
 *   0   4   type (section.def)
 *   4   4   flags: bit 0: a reader that does not know the type may skip the section
 *   8   8   length of the body in bytes
 *   16  4   number of records
 *   20  4   CRC-32C of bytes 0..19 of this header, then the body
 *   24      body: records, each a u32 length and so many bytes: int16 version (big-endian, as
 *           in commands), then the fields of the section's schema in the flexible encoding
 *
 * The sections this version knows stand in the order of their types, each once; others may stand
 * anywhere.
 *
 * Trailer, 16 bytes:
 *   0   8   magic "CHRONEND"
 *   8   4   zero
 *   12  4   CRC-32C of the whole file before this field
 *
 * A snapshot is valid if all of that holds and every record applies to the image the records before
 * it have made: nodes, settings and topics are the commands that would make them. It is checked
 * whole before any of it is used. The same image, index and time give the same bytes.
 */
#ifndef META_SNAPSHOT_FORMAT_H
#define META_SNAPSHOT_FORMAT_H

enum {
    SNAPSHOT_FORMAT = 1,
    SNAPSHOT_MAGIC = 8, /* bytes of either magic */
    SNAPSHOT_HEADER = 80,
    SNAPSHOT_HEADER_MAX = 4096, /* a newer header is no longer than this */
    SNAPSHOT_HEADER_CRC_AT = 16,
    SNAPSHOT_SIZE_AT = 64,
    SNAPSHOT_SECTION = 24, /* header of a section */
    SNAPSHOT_SECTION_CRC_AT = 20,
    SNAPSHOT_SKIPPABLE = 1, /* flag of a section */
    SNAPSHOT_TRAILER = 16,
};

static const char snapshot_magic[] = "CHRONMET", snapshot_end_magic[] = "CHRONEND";

#endif
