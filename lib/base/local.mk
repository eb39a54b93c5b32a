# lib/base: what every other room stands on; see ARCHITECTURE.md
libchronik_la_SOURCES += \
	lib/base/arena.c lib/base/arena.h \
	lib/base/base64.c lib/base/base64.h \
	lib/base/clock.c lib/base/clock.h \
	lib/base/crc32c.c lib/base/crc32c.h \
	lib/base/endian.h \
	lib/base/err.c lib/base/err.def lib/base/err.h \
	lib/base/hdr.c lib/base/hdr.h \
	lib/base/io.c lib/base/io.h \
	lib/base/io_late.c lib/base/io_late.h \
	lib/base/io_mem.c lib/base/io_mem.h lib/base/io_mem_impl.h \
	lib/base/io_mem_content.c \
	lib/base/io_mem_crash.c \
	lib/base/io_mem_trace.c \
	lib/base/io_mem_tree.c \
	lib/base/io_posix.c \
	lib/base/json.c lib/base/json.h \
	lib/base/log.c lib/base/log.h \
	lib/base/machine.c lib/base/machine.h \
	lib/base/mutant.c lib/base/mutant.def lib/base/mutant.h \
	lib/base/rd.c lib/base/rd.h \
	lib/base/setting.c lib/base/setting.h \
	lib/base/siphash.c lib/base/siphash.h \
	lib/base/span.h \
	lib/base/uuid.c lib/base/uuid.h \
	lib/base/wr.c lib/base/wr.h
