# lib/shard: see ARCHITECTURE.md
libchronik_la_SOURCES += \
	lib/shard/bootstrap.c \
	lib/shard/checkpoint.c lib/shard/checkpoint.h \
	lib/shard/compaction.c lib/shard/compaction.h \
	lib/shard/conf.c lib/shard/conf.h \
	lib/shard/consensus.c lib/shard/consensus.h \
	lib/shard/data_apply.c lib/shard/data_buffer.c lib/shard/data_checkpoint.c lib/shard/data_stage.c \
	lib/shard/entries.c lib/shard/entries.h \
	lib/shard/jobs.c \
	lib/shard/machine_data.c lib/shard/machine_data.h \
	lib/shard/machine_meta.c \
	lib/shard/meta_entry.c lib/shard/meta_entry.h \
	lib/shard/message.c lib/shard/message.h \
	lib/shard/node.c lib/shard/node_init.c lib/shard/node_meta.c lib/shard/node_impl.h lib/shard/node.h \
	lib/shard/payload.c lib/shard/payload.h \
	lib/shard/producers.c lib/shard/producers.h \
	lib/shard/receive.c \
	lib/shard/recover.c \
	lib/shard/refused.c lib/shard/refused.h \
	lib/shard/retention.c lib/shard/retention.h \
	lib/shard/shard.c lib/shard/shard.h lib/shard/shard_impl.h \
	lib/shard/space.c \
	lib/shard/wall.c lib/shard/wall.h \
	lib/shard/write_back.c lib/shard/write_back.h
