/*
 * validate_legacy.c
 *	  The legacy table by itself, and against the trace.
 *
 * In: a mapping and, once there is one, a trace. Finds rows without a key of
 * their own; before a migration, rows that will be rejected or have no
 * message; after it, rows that are neither migrated, rejected nor empty, and
 * rows that have changed or gone since. Does not look at messages.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "validate_sql.h"
#include "validate_transcript.h"
#include "validation.h"

/* The range of timestamptz, in seconds since 1970. */
#define FIRST_EPOCH "-210866803200"
#define LAST_EPOCH "9224318015999"

static void check_alone(Validation *validation);
static void check_elements(Validation *validation);
static void test_transcript(RowTests *tests, const Mapping *mapping);
static void check_against_trace(Validation *validation);
static bool may_skip(const MigrationPlan *plan);
static char *is_skipped(const MigrationPlan *plan);
static char *is_there(const MigrationPlan *plan, const char *made);
static char *owner_has(const MigrationPlan *plan, const char *exists,
					   const char *made);
static void add_deleted(RowTests *tests, const MigrationPlan *plan);
static void check_duplicates(Validation *validation);
static void list_rejected(Validation *validation);
static void test_time(RowTests *tests, const Mapping *mapping);
static void test_role(RowTests *tests, const Mapping *mapping);
static char *not_rejected(const Validation *validation);
static bool key_is_proved(const Validation *validation);

void
chatmig_validate_legacy(Validation *validation)
{
	if (validation->mapping == NULL)
		return;
	if (chatmig_validate_wants(validation, CHECK_LEGACY_KEY,
							   CHECK_LEGACY_DELETED) ||
		chatmig_validate_wants(validation, CHECK_LEDGER, CHECK_LEDGER))
	{
		if (validation->plan == NULL)
			check_alone(validation);
		else if (!validation->survey.is_made ||
				 validation->survey.has_odd_rows ||
				 validation->survey.has_untraced)
			check_against_trace(validation);
	}
	if (chatmig_validate_wants(validation, CHECK_LEGACY_KEY,
							   CHECK_LEGACY_KEY) &&
		!key_is_proved(validation))
		check_duplicates(validation);
	if (validation->plan != NULL &&
		chatmig_validate_wants(validation, CHECK_LEGACY_REJECTED,
							   CHECK_LEGACY_REJECTED))
		list_rejected(validation);
}

/* Nothing has been migrated: what can be said of the table alone. */
static void
check_alone(Validation *validation)
{
	const Mapping *mapping = validation->mapping;
	RowTests tests = {0};

	chatmig_validate_sql_add(
		&tests, CHECK_LEGACY_KEY, CHECK_VIOLATION,
		psprintf("num_nulls(%s) > 0",
				 chatmig_validate_sql_key_columns(mapping)),
		"format('The key of the row is NULL: %s ...', left(s.*::text, 100))");
	test_time(&tests, mapping);
	if (mapping->shape == SHAPE_FLAT)
		test_role(&tests, mapping);
	if (mapping->shape == SHAPE_TRANSCRIPT)
		test_transcript(&tests, mapping);
	chatmig_validate_sql_add(&tests, CHECK_LEGACY_EMPTY, CHECK_INFO,
							 chatmig_validate_sql_is_empty(mapping),
							 "'The row holds no message.'");
	chatmig_validate_query(validation,
						   chatmig_validate_sql_tests(
							   &tests, chatmig_validate_sql_key_text(mapping),
							   "NULL::text",
							   psprintf("%s AS s", validation->source_name)),
						   NULL);
	if (mapping->shape == SHAPE_TRANSCRIPT)
		check_elements(validation);
}

/* The messages in transcripts, one by one. */
static void
check_elements(Validation *validation)
{
	static const struct
	{
		Check check;
		const char *fault;
		const char *detail;
	} faults[] = {
		{CHECK_LEGACY_TIME, "invalid_time",
		 "format('The time %s of message %s cannot be read.', h.value, "
		 "h.part)"},
		{CHECK_LEGACY_ROLE, "missing_role",
		 "format('Message %s has no role.', h.part)"},
		{CHECK_LEGACY_ROLE, "unknown_role",
		 "format('The role %L of message %s is not known.', h.value, h.part)"},
		{CHECK_LEGACY_CONTENT, "not_an_object",
		 "format('Message %s is no object.', h.part)"},
		{CHECK_LEGACY_CONTENT, "missing_content",
		 "format('Message %s has no content.', h.part)"},
	};
	const Mapping *mapping = validation->mapping;
	RowTests tests = {0};

	for (int i = 0; i < lengthof(faults); i++)
		chatmig_validate_sql_add(
			&tests, faults[i].check, CHECK_WARNING,
			psprintf("h.fault IS NOT DISTINCT FROM '%s'", faults[i].fault),
			faults[i].detail);
	chatmig_validate_query(
		validation,
		chatmig_validate_sql_tests(
			&tests, chatmig_validate_sql_key_text(mapping), "NULL::text",
			psprintf("%s AS s CROSS JOIN LATERAL %s", validation->source_name,
					 chatmig_validate_transcript_elements(mapping))),
		NULL);
}

static void
test_transcript(RowTests *tests, const Mapping *mapping)
{
	char *fault = chatmig_validate_transcript_fault(mapping);

	chatmig_validate_sql_add(
		tests, CHECK_LEGACY_CONTENT, CHECK_WARNING,
		psprintf("(%s) IS NOT NULL", fault),
		psprintf("'The transcript cannot be read as JSON. ' || %s", fault));
	chatmig_validate_sql_add(tests, CHECK_LEGACY_CONTENT, CHECK_WARNING,
							 chatmig_validate_transcript_is_bare(mapping),
							 "'There is no message in the transcript.'");
}

/*
 * The inner select reduces each row to what is asked of it, so that the join
 * does not carry contents.
 */
static void
check_against_trace(Validation *validation)
{
	const Mapping *mapping = validation->mapping;
	const Column *time = &mapping->parts[PART_TIME];
	bool only_untraced =
		validation->survey.is_made && !validation->survey.has_odd_rows;
	RowTests tests = {0};
	QueryArgs args = {0};

	chatmig_validate_sql_add(
		&tests, CHECK_LEGACY_KEY, CHECK_VIOLATION,
		"s.chatmig_excerpt IS NOT NULL",
		"format('The key of the row is NULL: %s ...', s.chatmig_excerpt)");
	chatmig_validate_sql_add(
		&tests, CHECK_LEGACY_TIME, CHECK_OK, "s.chatmig_is_timeless",
		"'The row has no time; its messages have a neighbour''s.'");
	chatmig_validate_sql_add(&tests, CHECK_LEGACY_EMPTY, CHECK_OK,
							 "s.chatmig_is_empty AND t.key_1 IS NULL",
							 "'The row holds no message.'");
	chatmig_validate_sql_add(
		&tests, CHECK_LEGACY_UNMIGRATED, CHECK_VIOLATION,
		psprintf(
			"s.chatmig_is_present AND t.key_1 IS NULL AND s.chatmig_excerpt IS NULL "
			"AND NOT s.chatmig_is_empty AND NOT s.chatmig_is_skipped AND %s",
			not_rejected(validation)),
		"'The row is neither migrated nor rejected.'");
	if (mapping->shape != SHAPE_TRANSCRIPT)
		chatmig_validate_sql_add(
			&tests, CHECK_LEDGER, CHECK_VIOLATION,
			psprintf("cardinality(t.message_ids) > %d",
					 mapping->shape == SHAPE_PAIR ? 2 : 1),
			"'The trace names more messages of the row than it has texts.'");
	if (may_skip(validation->plan))
		chatmig_validate_sql_add(
			&tests, CHECK_LEGACY_UNMIGRATED, CHECK_INFO,
			"s.chatmig_is_present AND t.key_1 IS NULL AND s.chatmig_is_skipped "
			"AND NOT s.chatmig_is_empty",
			validation->plan->in_place
				? "'The row is the application''s own: it is in a conversation "
				  "already, or was written after the migration.'"
				: "'The row is skipped: its owner has conversations that this "
				  "migration did not make, and no others, or they hold its "
				  "messages.'");
	chatmig_validate_sql_add(
		&tests, CHECK_LEGACY_CHANGED, CHECK_VIOLATION,
		"s.chatmig_fingerprint <> t.fingerprint",
		"'The row is not as it was when it was migrated.'");
	add_deleted(&tests, validation->plan);
	chatmig_validate_query(
		validation,
		chatmig_validate_sql_tests(
			&tests,
			psprintf("CASE WHEN t.key_1 IS NOT NULL THEN %s ELSE %s END",
					 chatmig_validate_sql_key(mapping, "t.key_%d"),
					 chatmig_validate_sql_key_text(mapping)),
			"t.conversation_id::text",
			psprintf(
				"(SELECT %s, true AS chatmig_is_present, %s AS chatmig_is_empty, "
				"%s AS chatmig_is_timeless, %s AS chatmig_is_skipped, "
				"coalesce(%s, 0) AS chatmig_fingerprint, "
				"CASE WHEN num_nulls(%s) > 0 THEN left(s.*::text, 100) END "
				"AS chatmig_excerpt FROM %s AS s %s) AS s %s JOIN %s AS t ON %s",
				chatmig_validate_sql_key_columns(mapping),
				chatmig_validate_sql_is_empty(mapping),
				time->name == NULL
					? "false"
					: psprintf("(%s IS NULL)",
							   chatmig_validate_sql_column(time)),
				is_skipped(validation->plan), validation->plan->fingerprint,
				chatmig_validate_sql_key_columns(mapping),
				validation->plan->source_rows,
				only_untraced ? chatmig_validate_untraced(validation, &args)
							  : "",
				only_untraced ? "LEFT" : "FULL",
				validation->plan->qualified[TARGET_TRACE],
				chatmig_validate_sql_same_key(mapping))),
		&args);
}

/* Only what was there before can have anything that is not of the migration. */
static bool
may_skip(const MigrationPlan *plan)
{
	return plan->fields[TARGET_MESSAGES] != NULL ||
		   plan->fields[TARGET_CONVERSATIONS] != NULL;
}

/*
 * The owner has conversations, and none that the trace knows, or those that it
 * does not know hold the row's messages. Of rows that stay in their table: one
 * has a conversation, or is younger than the migration.
 */
static char *
is_skipped(const MigrationPlan *plan)
{
	char *made;

	if (!may_skip(plan))
		return "false";
	if (plan->in_place)
		return psprintf(
			"EXISTS (SELECT FROM %s AS x WHERE x.id = %s "
			"AND (x.conversation_id IS NOT NULL "
			"OR (x.created_at >= %s::timestamptz) IS NOT FALSE))",
			plan->relation[TARGET_MESSAGES],
			chatmig_validate_sql_column(&plan->mapping->keys[0]),
			quote_literal_cstr(timestamptz_to_str(plan->migrated_at)));
	made = psprintf("SELECT r.conversation_id FROM %s AS r%s",
					plan->qualified[TARGET_TRACE],
					plan->uses[TARGET_OWNERS]
						? psprintf(" UNION ALL SELECT r.conversation_id "
								   "FROM %s AS r",
								   plan->qualified[TARGET_OWNERS])
						: "");
	/* of a migrated row nobody asks */
	return psprintf("CASE WHEN EXISTS (SELECT FROM %s AS t WHERE %s) "
					"THEN false ELSE %s AND (NOT %s OR %s) END",
					plan->qualified[TARGET_TRACE],
					chatmig_validate_sql_same_key(plan->mapping),
					owner_has(plan, "NOT EXISTS", made),
					owner_has(plan, "EXISTS", made), is_there(plan, made));
}

/*
 * s's owner has a conversation that is, or is not, among the made ones. NULL is
 * an owner, too: guests.
 */
static char *
owner_has(const MigrationPlan *plan, const char *exists, const char *made)
{
	const Column *owner = &plan->mapping->parts[PART_OWNER];
	char *among = psprintf("%s (SELECT FROM (%s) AS r "
						   "WHERE r.conversation_id = c.id)",
						   exists, made);
	const char *relation = plan->relation[TARGET_CONVERSATIONS];
	const char *name;
	char *value;

	if (owner->name == NULL)
		return psprintf("EXISTS (SELECT FROM %s AS c WHERE %s)", relation,
						among);
	name = quote_identifier(plan->owner_column);
	value = chatmig_validate_sql_column(owner);
	return psprintf(
		"CASE WHEN %s IS NULL THEN EXISTS (SELECT FROM %s AS c "
		"WHERE c.%s IS NULL AND %s) ELSE %s %s ANY "
		"(SELECT c.%s FROM %s AS c WHERE c.%s IS NOT NULL AND %s) END",
		value, relation, name, among, value, chatmig_plan_equality(owner->type),
		name, relation, name, among);
}

/*
 * Each half of s is in a conversation of its owner that is not among the made
 * ones. Times are compared only where none can be out of range.
 */
static char *
is_there(const MigrationPlan *plan, const char *made)
{
	const Mapping *mapping = plan->mapping;
	const Column *owner = &mapping->parts[PART_OWNER];
	const char *messages = plan->relation[TARGET_MESSAGES];
	bool is_owned = plan->fields[TARGET_MESSAGES] != NULL &&
					plan->fields[TARGET_MESSAGES][FIELD_OWNER].name != NULL;
	StringInfoData sql;

	if (mapping->shape != SHAPE_PAIR && mapping->shape != SHAPE_FLAT)
		return "false";
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "NOT EXISTS (SELECT FROM %s WHERE (h.content <> '' "
					 "OR (h.part = 1 AND %s)) IS TRUE "
					 "AND NOT (md5(h.content) = ANY (SELECT md5(x.content) "
					 "FROM %s AS x) AND EXISTS (SELECT FROM %s AS x%s "
					 "WHERE x.content = h.content "
					 "AND NOT EXISTS (SELECT FROM (%s) AS r "
					 "WHERE r.conversation_id = x.conversation_id)",
					 chatmig_validate_sql_halves(mapping),
					 chatmig_validate_sql_has_media(mapping), messages,
					 messages,
					 is_owned ? ""
							  : psprintf(" JOIN %s AS c "
										 "ON c.id = x.conversation_id",
										 plan->relation[TARGET_CONVERSATIONS]),
					 made);
	if (owner->name != NULL)
	{
		char *theirs = psprintf("%s.%s", is_owned ? "x" : "c",
								quote_identifier(plan->owner_column));
		char *value = chatmig_validate_sql_column(owner);

		appendStringInfo(&sql, " AND (%s %s %s OR num_nulls(%s, %s) = 2)",
						 theirs, chatmig_plan_equality(owner->type), value,
						 theirs, value);
	}
	if (mapping->time_kind == TIME_TIMESTAMPTZ ||
		mapping->time_kind == TIME_TIMESTAMP)
	{
		char *time = chatmig_validate_sql_time(plan);

		appendStringInfo(&sql,
						 " AND x.created_at BETWEEN %s - interval '1 minute' "
						 "AND %s + interval '1 minute'",
						 time, time);
	}
	appendStringInfoString(&sql, ")))");
	return sql.data;
}

/* Where the messages have gone, too, the two sides agree. */
static void
add_deleted(RowTests *tests, const MigrationPlan *plan)
{
	char *has_messages = psprintf("EXISTS (SELECT FROM %s AS m "
								  "WHERE m.id = ANY (t.message_ids))",
								  plan->relation[TARGET_MESSAGES]);
	char *is_deleted =
		chatmig_validate_sql_is_deleted(plan, "t.conversation_id");

	chatmig_validate_sql_add(
		tests, CHECK_LEGACY_DELETED, CHECK_VIOLATION,
		psprintf("s.chatmig_is_present IS NULL AND %s", has_messages),
		"'The row does not exist any more; its messages do.'");
	/* in place they are one and the same: seldom can one tell why it is gone */
	chatmig_validate_sql_add(
		tests, CHECK_LEGACY_DELETED, CHECK_OK,
		psprintf("s.chatmig_is_present IS NULL AND NOT %s%s", has_messages,
				 plan->in_place ? psprintf(" AND %s", is_deleted) : ""),
		"'The row does not exist any more, nor do its messages.'");
	if (plan->in_place)
		chatmig_validate_sql_add(
			tests, CHECK_LEGACY_DELETED, CHECK_WARNING,
			psprintf("s.chatmig_is_present IS NULL AND NOT %s AND NOT %s",
					 has_messages, is_deleted),
			"'The row, which was its message, does not exist any more.'");
}

static void
check_duplicates(Validation *validation)
{
	const Mapping *mapping = validation->mapping;
	char *columns = chatmig_validate_sql_key_columns(mapping);

	chatmig_validate_query(
		validation,
		psprintf("SELECT %d, %d, %s, NULL::text, NULL::text, "
				 "format('%%s rows have this key.', count(*)) "
				 "FROM %s AS s WHERE num_nulls(%s) = 0 "
				 "GROUP BY %s HAVING count(*) > 1",
				 CHECK_LEGACY_KEY, CHECK_VIOLATION,
				 chatmig_validate_sql_key_text(mapping),
				 validation->source_name, columns, columns),
		NULL);
}

static void
list_rejected(Validation *validation)
{
	QueryArgs args = {0};

	chatmig_query_text_arg(&args, validation->name);
	chatmig_validate_query(
		validation,
		psprintf("SELECT %d, %d, j.legacy_key, NULL::text, NULL::text, "
				 "format('Rejected as %%s: %%s', j.code, j.reason) "
				 "FROM %s.chatmig_rejects AS j WHERE j.migration = $1",
				 CHECK_LEGACY_REJECTED, CHECK_WARNING, chatmig_ledger_schema()),
		&args);
}

static void
test_time(RowTests *tests, const Mapping *mapping)
{
	char *time;
	char *invalid;

	if (mapping->time_kind == TIME_NONE)
		return;
	time = chatmig_validate_sql_column(&mapping->parts[PART_TIME]);
	chatmig_validate_sql_add(tests, CHECK_LEGACY_TIME, CHECK_INFO,
							 psprintf("%s IS NULL", time),
							 "'The row has no time.'");
	if (mapping->time_kind == TIME_TEXT)
		invalid =
			psprintf("%s IS NOT NULL AND NOT %s", time,
					 chatmig_validate_sql_is_time(psprintf("%s::text", time)));
	else if (mapping->time_kind == TIME_EPOCH)
		invalid = psprintf(
			"%s NOT BETWEEN " FIRST_EPOCH " * %.0f AND " LAST_EPOCH " * %.0f "
			"AND %s::text NOT IN ('Infinity', '-Infinity')",
			time, mapping->epoch_unit, mapping->epoch_unit, time);
	else
		return;
	chatmig_validate_sql_add(
		tests, CHECK_LEGACY_TIME, CHECK_WARNING,
		psprintf("%s AND NOT %s", invalid,
				 chatmig_validate_sql_is_empty(mapping)),
		psprintf("format('The time %%L cannot be read.', left(%s::text, 60))",
				 time));
}

static void
test_role(RowTests *tests, const Mapping *mapping)
{
	char *role = chatmig_validate_sql_column(&mapping->parts[PART_ROLE]);

	chatmig_validate_sql_add(
		tests, CHECK_LEGACY_ROLE, CHECK_WARNING,
		psprintf("%s IS NULL AND NOT %s", chatmig_validate_sql_role(mapping),
				 chatmig_validate_sql_is_empty(mapping)),
		psprintf("CASE WHEN %s IS NULL THEN 'The row has no role.' ELSE "
				 "format('The role %%L is not known.', left(%s::text, 60)) END",
				 role, role));
}

static char *
not_rejected(const Validation *validation)
{
	return psprintf("NOT EXISTS (SELECT FROM %s.chatmig_rejects AS j "
					"WHERE j.migration = %s AND j.legacy_key = %s)",
					chatmig_ledger_schema(),
					quote_literal_cstr(validation->name),
					chatmig_validate_sql_key_text(validation->mapping));
}

/* True if an index alone proves that each row has a key of its own. */
static bool
key_is_proved(const Validation *validation)
{
	const Mapping *mapping = validation->mapping;
	StringInfoData sql;
	QueryArgs args = {0};

	initStringInfo(&sql);
	appendStringInfoString(
		&sql,
		"SELECT count(*) FROM pg_class AS c "
		"JOIN pg_index AS i ON i.indrelid = c.oid "
		"WHERE c.oid = $1 AND i.indisunique AND i.indisvalid "
		"AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL "
		"AND (c.relkind = 'p' OR NOT c.relhassubclass) "
		"AND NOT EXISTS (SELECT FROM generate_series(0, i.indnkeyatts - 1) "
		"AS k JOIN pg_attribute AS a ON a.attrelid = c.oid "
		"AND a.attnum = i.indkey[k] "
		"WHERE NOT a.attnotnull OR a.attnum NOT IN (");
	for (int i = 0; i < mapping->nkeys; i++)
		appendStringInfo(&sql, "%s%d", i > 0 ? ", " : "",
						 mapping->keys[i].attnum);
	appendStringInfoString(&sql, "))");
	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(validation->source),
					  false);
	return chatmig_query_count(sql.data, &args) > 0;
}
