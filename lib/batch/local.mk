# lib/batch: record batches and their codecs
libchronik_la_SOURCES += \
	lib/batch/admit.c \
	lib/batch/batch.c lib/batch/batch.h \
	lib/batch/builder.c \
	lib/batch/codec.c lib/batch/codec.h lib/batch/codec_impl.h \
	lib/batch/codec_gzip.c \
	lib/batch/codec_igzip.c \
	lib/batch/codec_lz4.c \
	lib/batch/codec_snappy.c \
	lib/batch/codec_zstd.c \
	lib/batch/filter.c lib/batch/filter.h \
	lib/batch/recompress.c \
	lib/batch/records.c lib/batch/records.h
