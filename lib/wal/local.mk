# lib/wal: the write-ahead log of a shard; wal.h says its format
libchronik_la_SOURCES += \
	lib/wal/chain.c lib/wal/chain.h \
	lib/wal/format.c \
	lib/wal/frame.c \
	lib/wal/frame.def \
	lib/wal/group.c lib/wal/group.h \
	lib/wal/payload.c \
	lib/wal/prepare.c \
	lib/wal/reader.c lib/wal/reader.h \
	lib/wal/salvage.c lib/wal/salvage.h \
	lib/wal/segfile.c lib/wal/segfile.h \
	lib/wal/segment.c \
	lib/wal/state.h \
	lib/wal/wal.h \
	lib/wal/write.c \
	lib/wal/writer.c lib/wal/writer.h
