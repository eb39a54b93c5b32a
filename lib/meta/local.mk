# lib/meta: the cluster's metadata. The schemas of commands and snapshot records become meta_gen.h and
# meta_gen.c in the build directory.
META_SCHEMAS = \
	lib/meta/schema/config_set.kp \
	lib/meta/schema/node_register.kp \
	lib/meta/schema/partitions_add.kp \
	lib/meta/schema/producer_ids.kp \
	lib/meta/schema/snapshot_server.kp \
	lib/meta/schema/snapshot_state.kp \
	lib/meta/schema/topic_create.kp \
	lib/meta/schema/topic_delete.kp

EXTRA_DIST += $(META_SCHEMAS)
BUILT_SOURCES += lib/meta/meta_gen.h
CLEANFILES += lib/meta/meta_gen.h lib/meta/meta_gen.c

libchronik_la_SOURCES += \
	lib/meta/apply.c lib/meta/apply.h \
	lib/meta/command.c lib/meta/command.def lib/meta/command.h \
	lib/meta/image.c lib/meta/image.h \
	lib/meta/image_json.c \
	lib/meta/meta.h \
	lib/meta/pack.h \
	lib/meta/section.def \
	lib/meta/settings.c lib/meta/settings.h lib/meta/topic_setting.def \
	lib/meta/snapshot.c \
	lib/meta/snapshot_file.c \
	lib/meta/snapshot_format.h \
	lib/meta/topic.c lib/meta/topic.h \
	lib/meta/topics.c lib/meta/topics.h
nodist_libchronik_la_SOURCES += lib/meta/meta_gen.c lib/meta/meta_gen.h

lib/meta/meta_gen.h: lib/kp/gen.awk $(META_SCHEMAS)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && (cd $(srcdir) && $(AWK) -v want=h -v prefix=meta -v dir=meta \
		-f lib/kp/gen.awk $(META_SCHEMAS)) > $@.tmp && mv $@.tmp $@

lib/meta/meta_gen.c: lib/kp/gen.awk $(META_SCHEMAS)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && (cd $(srcdir) && $(AWK) -v want=c -v prefix=meta -v dir=meta \
		-f lib/kp/gen.awk $(META_SCHEMAS)) > $@.tmp && mv $@.tmp $@
