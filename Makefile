# chatmig: from old chat tables to conversations that hold messages
#
#   make, make install     build for, and install into, the server of PG_CONFIG
#   make installcheck      SQL and isolation tests on that server, once it runs
#   make test              all that is missing, then every test (as root, Debian)
#   make soak              10,000 random histories; HISTORIES=, SEED= for others
#   make memcheck          the tests under AddressSanitizer and UBSan (as root)
#   make fuzz              libFuzzer for what reads users' input; FUZZ_SECONDS=
#   make lint              cppcheck and clang-tidy 14
#   make demo              all that is missing, then one migration to watch
#   make bench             chatmig and its rivals, measured; ROWS=, USERS=, RUNS=
#   make bench-size        one large table, and ten small ones; ROWS=, RUNS=
#   make format            src/ as .clang-format wants it

EXTENSION = chatmig
MODULE_big = chatmig
PGFILEDESC = "chatmig - chat histories into conversations"

DATA = \
	sql/chatmig--1.0.sql \
	sql/chatmig--1.0--2.0.sql \
	sql/chatmig--2.0.sql

# In the order in which a row travels.
OBJS = \
	src/chatmig.o \
	src/register.o \
	src/profile.o \
	src/amend.o \
	src/arguments.o \
	src/options.o \
	src/draft.o \
	src/epoch.o \
	src/detect.o \
	src/evidence.o \
	src/sample.o \
	src/witness.o \
	src/transcript_path.o \
	src/suit.o \
	src/subject.o \
	src/vocabulary.o \
	src/confidence.o \
	src/survey.o \
	src/create.o \
	src/difference.o \
	src/mapping.o \
	src/part_type.o \
	src/media_keys.o \
	src/role.o \
	src/plan.o \
	src/plan_target.o \
	src/plan_check.o \
	src/role_values.o \
	src/existing.o \
	src/existing_check.o \
	src/relation.o \
	src/destination.o \
	src/field.o \
	src/keys.o \
	src/migrate.o \
	src/share.o \
	src/share_worker.o \
	src/share_report.o \
	src/travel.o \
	src/report.o \
	src/accept.o \
	src/read.o \
	src/read_query.o \
	src/read_share.o \
	src/read_media.o \
	src/read_metadata.o \
	src/json.o \
	src/times.o \
	src/fingerprint.o \
	src/summary.o \
	src/skip.o \
	src/owner_table.o \
	src/split.o \
	src/split_transcript.o \
	src/element.o \
	src/fit.o \
	src/group.o \
	src/title.o \
	src/write.o \
	src/write_conversation.o \
	src/writer.o \
	src/leftover.o \
	src/media.o \
	src/link.o \
	src/write_link.o \
	src/write_reply.o \
	src/place.o \
	src/sequence.o \
	src/session.o \
	src/identity.o \
	src/bulk.o \
	src/bulk_page.o \
	src/new_page.o \
	src/full_page.o \
	src/row_check.o \
	src/send.o \
	src/insert.o \
	src/insert_reference.o \
	src/target.o \
	src/reindex.o \
	src/proof.o \
	src/columns.o \
	src/reference.o \
	src/defer.o \
	src/snapshot.o \
	src/validate.o \
	src/validate_checks.o \
	src/validate_compare.o \
	src/validate_conversation.o \
	src/validate_definition.o \
	src/validate_describe.o \
	src/validate_digest.o \
	src/validate_duplicates.o \
	src/validate_hash.o \
	src/validate_ledger.o \
	src/validate_legacy.o \
	src/validate_mapping.o \
	src/validate_snapshot.o \
	src/validate_messages.o \
	src/validate_media.o \
	src/validate_metadata.o \
	src/validate_neighbours.o \
	src/validate_order.o \
	src/validate_owners.o \
	src/validate_references.o \
	src/validate_sql.o \
	src/validate_survey.o \
	src/validate_summary.o \
	src/validate_summary_sql.o \
	src/validate_tables.o \
	src/validate_target.o \
	src/validate_time.o \
	src/validate_trace.o \
	src/validate_transcript.o \
	src/validate_walk.o \
	src/validation.o \
	src/rollback.o \
	src/rollback_check.o \
	src/rollback_find.o \
	src/rollback_link.o \
	src/rollback_copy.o \
	src/serve.o \
	src/serve_create.o \
	src/serve_append.o \
	src/serve_place.o \
	src/serve_history.o \
	src/serve_list.o \
	src/serve_statistics.o \
	src/serve_change.o \
	src/serve_id.o \
	src/serve_input.o \
	src/serve_call.o \
	src/serve_cache.o \
	src/serve_sql.o \
	src/serve_target.o \
	src/rights.o \
	src/ledger.o \
	src/ledger_access.o \
	src/caller.o \
	src/query.o

# test/sql/NAME.sql, and what it must print: expected/NAME.out
REGRESS = \
	times \
	detect \
	create \
	register \
	profiles \
	plan \
	split \
	transcript \
	grouping \
	replies \
	types \
	migrate \
	load \
	shares \
	pages \
	reindex \
	paths \
	validate \
	validate_targets \
	survey \
	summary \
	altered \
	rollback \
	targets \
	targets_rows \
	targets_found \
	references \
	rights \
	rights_everywhere \
	attacks \
	attacks_hooks \
	attacks_schema \
	attacks_events \
	hostile_names \
	hostile_json \
	sources \
	system_auraflow \
	system_lyra \
	system_whatsapp \
	system_mentor \
	system_surrealpilot \
	serve \
	serve_targets \
	serve_rights \
	serve_deleted

# test/specs/NAME.spec, and what it must print: expected/NAME.out
ISOLATION = \
	concurrent_runs \
	concurrent_writers \
	concurrent_rollback \
	interleave_source \
	interleave_target \
	interleave_isolation \
	interleave_validate \
	interleave_rollback \
	serve_append \
	serve_delete \
	serve_active \
	serve_grouped \
	serve_cache

# test/expected is a link to expected/: that is where pg_regress looks.
TEST_OUTPUT = test/output
REGRESS_PREP = $(TEST_OUTPUT)
REGRESS_OPTS = --inputdir=$(srcdir)/test --outputdir=$(TEST_OUTPUT)/sql \
	--encoding=UTF8 --no-locale
ISOLATION_OPTS = --inputdir=$(srcdir)/test --outputdir=$(TEST_OUTPUT)/specs \
	--encoding=UTF8 --no-locale
EXTRA_CLEAN = $(TEST_OUTPUT)

PG_CPPFLAGS = -I$(srcdir)/src
# The server's own headers and its PG_FUNCTION_ARGS trip these three.
PG_CFLAGS = -Wall -Wextra \
	-Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
ifneq (,$(CI)$(WERROR))
PG_CFLAGS += -Werror
endif

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
SERVER_HEADERS := $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)

.DEFAULT_GOAL := all

# Neither pg_config nor PGXS proves that there are headers: on Debian libpq-dev
# brings the one, and postgresql-client-15 the other.
ifneq (,$(and $(wildcard $(PGXS)),$(wildcard $(SERVER_HEADERS)/postgres.h)))

# JIT bitcode needs the clang that the server was built with; without it
# chatmig is built without bitcode, and nothing else is lost.
CLANG_OF_SERVER := $(shell sed -n 's/^CLANG *= *//p' $(dir $(PGXS))../Makefile.global)
ifeq (,$(shell command -v '$(CLANG_OF_SERVER)'))
override with_llvm := no
endif

include $(PGXS)

# PGXS tracks no headers.
$(OBJS) $(OBJS:.o=.bc): $(wildcard $(srcdir)/src/*.h)

$(TEST_OUTPUT):
	$(MKDIR_P) $@

else

define NO_HEADERS
chatmig cannot be built: '$(PG_CONFIG)' knows of no PostgreSQL server headers.
  Debian:     apt-get install build-essential postgresql-server-dev-15
  elsewhere:  make PG_CONFIG=/path/to/pg_config
  'make demo' and 'make test' install by themselves what they need
endef

all install installdirs uninstall installcheck:
	$(error $(NO_HEADERS))

clean distclean maintainer-clean:
	rm -rf src/*.o src/*.bc $(MODULE_big).so $(EXTRA_CLEAN)

endif

bench:
	bench/run

bench-size:
	bench/run size

demo:
	demo/run

test:
	test/bin/test

soak:
	test/bin/soak

memcheck:
	test/bin/memcheck

fuzz:
	test/bin/fuzz

lint:
	test/bin/lint

format:
	clang-format-14 -i src/*.[ch]

# The lists above, for the scripts in test/.
print-%:
	@echo $($*)

.PHONY: all bench bench-size clean demo distclean format fuzz install installcheck \
	installdirs lint maintainer-clean memcheck soak test uninstall
