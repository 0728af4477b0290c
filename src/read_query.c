/*
 * read_query.c
 *	  The query that reads a legacy table.
 *
 * In: a plan. Out: SQL text. The innermost select gives each row of the
 * source what the parts say; missing times come from a side query over keys
 * and times alone; a later run joins the trace. All names are quoted; the
 * search path is pg_catalog, so that no operator or function of a user is
 * called but those of the columns' own types.
 *
 * The layers, from the inside:
 *	  s		the source
 *	  f		for rows without a time, that of a neighbour
 *	  o		where conversations have their owner's times, the owner's row
 *	  t, m	the trace, and the last message of a traced row
 *	  q		all of it, with the columns that ReadColumns counts
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "owner_table.h"
#include "read_media.h"
#include "read_metadata.h"
#include "read_query.h"
#include "read_share.h"
#include "skip.h"

/* The parts that make a group, in the order of GroupKey. */
static const Part group_parts[] = {PART_OWNER, PART_COUNTERPART, PART_SESSION};

/* The select list while it is being built. */
typedef struct SelectList
{
	StringInfoData sql;
	int natts;
} SelectList;

static int add(SelectList *list, const char *name, const char *expression);
static int add_part(SelectList *list, const MigrationPlan *plan, Part part,
					const char *cast);
static void add_contents(SelectList *list, const MigrationPlan *plan,
						 ReadColumns *columns);
static void add_reduced(SelectList *list, const MigrationPlan *plan,
						ReadColumns *columns);
static void add_labels(SelectList *list, const MigrationPlan *plan,
					   ReadColumns *columns);
static bool is_json(const Column *column);
static char *column(const MigrationPlan *plan, Part part);
static char *time_of_row(const MigrationPlan *plan);
static char *time_of_message(const MigrationPlan *plan);
static char *neighbours(const MigrationPlan *plan);
static char *trace_joins(const MigrationPlan *plan);
static const char *last_metadata(const MigrationPlan *plan);
static char *last_position(const MigrationPlan *plan);
static char *pending_owners(const MigrationPlan *plan);
static char *group_columns(const MigrationPlan *plan, const char *prefix);
static char *key_columns(const MigrationPlan *plan, const char *suffix);
static char *key_join(const MigrationPlan *plan, const char *alias);
static char *with_next(const MigrationPlan *plan, const char *inner);

char *
chatmig_read_query(const MigrationPlan *plan, bool reduced,
				   ReadColumns *columns)
{
	const Mapping *mapping = plan->mapping;
	SelectList list = {0};
	StringInfoData sql;

	MemSet(columns, 0, sizeof(ReadColumns));
	initStringInfo(&list.sql);
	columns->keys = 1;
	for (int i = 0; i < mapping->nkeys; i++)
		add(&list, psprintf("key_%d", i + 1),
			psprintf("s.%s", quote_identifier(mapping->keys[i].name)));
	columns->owner = add_part(&list, plan, PART_OWNER, "");
	columns->counterpart = add_part(&list, plan, PART_COUNTERPART, "");
	columns->session = add_part(&list, plan, PART_SESSION, "");
	columns->time = add(&list, "at", time_of_message(plan));
	columns->time_missing =
		add(&list, "time_missing",
			mapping->time_kind == TIME_NONE
				? "true"
				: psprintf("s.%s IS NULL", column(plan, PART_TIME)));
	if (reduced)
		add_reduced(&list, plan, columns);
	else
		add_contents(&list, plan, columns);
	add_labels(&list, plan, columns);
	columns->metadata =
		add(&list, "metadata",
			reduced ? "NULL::jsonb" : chatmig_read_metadata(plan));
	columns->fingerprint =
		add(&list, "fingerprint", reduced ? "0::int8" : plan->fingerprint);
	columns->skipped = add(
		&list, "skipped",
		chatmig_skip_condition(
			plan, mapping->time_kind == TIME_NONE ? NULL : time_of_row(plan)));
	if (plan->options.owner_times)
	{
		columns->owner_created_at =
			add(&list, "owner_created_at",
				chatmig_owner_time(plan, FIELD_CREATED_AT));
		columns->owner_updated_at =
			add(&list, "owner_updated_at",
				chatmig_owner_time(plan, FIELD_UPDATED_AT));
	}
	if (plan->migrated)
	{
		columns->known = add(&list, "known", "t.key_1 IS NOT NULL");
		columns->conversation =
			add(&list, "conversation",
				"CASE WHEN k.id IS NOT NULL THEN t.conversation_id END");
		columns->position = add(&list, "\"position\"", last_position(plan));
		if (!plan->has_position)
			columns->written = add(&list, "written", "m.created_at");
	}

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s FROM %s AS s", list.sql.data,
					 plan->source_rows);
	if (plan->times_missing)
		appendStringInfo(&sql, " LEFT JOIN (%s) AS f ON %s", neighbours(plan),
						 key_join(plan, "f"));
	if (plan->options.owner_times)
		appendStringInfo(&sql, " LEFT JOIN %s AS o ON %s",
						 plan->owner_table.qualified, chatmig_owner_join(plan));
	if (plan->migrated)
	{
		appendStringInfo(&sql, "%s%s", trace_joins(plan), pending_owners(plan));
		/* with_next() adds the run's number, and then these */
		columns->next_conversation = list.natts + 2;
		columns->next_time = list.natts + 3;
		columns->natts = list.natts + 3;
		return with_next(plan, sql.data);
	}
	columns->natts = list.natts;
	return psprintf("SELECT * FROM (%s) AS q%s ORDER BY %sat, %s", sql.data,
					chatmig_read_share_clause(plan), group_columns(plan, "q."),
					key_columns(plan, ""));
}

char *
chatmig_read_query_key(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	StringInfoData sql;

	/* format() calls a type's output function; a cast may say it differently */
	initStringInfo(&sql);
	for (int i = 0; i < mapping->nkeys; i++)
		appendStringInfo(&sql, "%sformat('%%s', s.%s)", i > 0 ? ", " : "",
						 quote_identifier(mapping->keys[i].name));
	if (mapping->nkeys == 1)
		return sql.data;
	return psprintf("jsonb_build_array(%s)::text", sql.data);
}

char *
chatmig_read_query_owners(const MigrationPlan *plan)
{
	const Column *owner = &plan->mapping->parts[PART_OWNER];
	char *key = psprintf(
		"o.%s::%s", quote_identifier(plan->owner_table.key.name),
		format_type_extended(owner->type, -1, FORMAT_TYPE_FORCE_QUALIFY));
	char *without = "true";

	/* in a rehearsal the table may not be there yet, and so no conversation */
	if (!plan->uses[TARGET_CONVERSATIONS] ||
		OidIsValid(plan->tables[TARGET_CONVERSATIONS]))
		without = psprintf("NOT EXISTS (SELECT FROM %s AS c WHERE c.%s %s %s)",
						   plan->relation[TARGET_CONVERSATIONS],
						   quote_identifier(plan->owner_column),
						   chatmig_plan_equality(owner->type), key);
	return psprintf("SELECT %s, %s, %s FROM %s AS o WHERE %s ORDER BY 1", key,
					chatmig_owner_time(plan, FIELD_CREATED_AT),
					chatmig_owner_time(plan, FIELD_UPDATED_AT),
					plan->owner_table.qualified, without);
}

char *
chatmig_read_query_traced(const MigrationPlan *plan)
{
	return psprintf("SELECT count(*) FROM %s AS s JOIN %s AS t ON %s",
					plan->source_name, plan->qualified[TARGET_TRACE],
					key_join(plan, "t"));
}

char *
chatmig_read_query_rejected(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	Column *others = palloc(sizeof(Column) * Max(mapping->ncolumns, 1));
	int nothers = 0;

	for (int i = 0; i < mapping->ncolumns; i++)
		if (mapping->columns[i].attnum !=
			mapping->parts[PART_TRANSCRIPT].attnum)
			others[nothers++] = mapping->columns[i];
	return psprintf(
		"SELECT a.n, CASE WHEN a.is_message THEN %s ELSE %s END "
		"FROM unnest($1, $2) WITH ORDINALITY "
		"AS a(k, is_message, n) JOIN %s AS s ON %s = a.k",
		chatmig_read_metadata_object(others, nothers),
		chatmig_read_metadata_object(mapping->columns, mapping->ncolumns),
		plan->source_name, chatmig_read_query_key(plan));
}

/* Returns the attribute number. */
static int
add(SelectList *list, const char *name, const char *expression)
{
	appendStringInfo(&list->sql, "%s%s AS %s", list->natts > 0 ? ", " : "",
					 expression, name);
	return ++list->natts;
}

/* A column named after its part, or 0 if no column plays it. */
static int
add_part(SelectList *list, const MigrationPlan *plan, Part part,
		 const char *cast)
{
	if (!HAS_PART(plan->mapping, part))
		return 0;
	return add(list, psprintf("\"%s\"", chatmig_part_names[part]),
			   psprintf("s.%s%s", column(plan, part), cast));
}

static void
add_contents(SelectList *list, const MigrationPlan *plan, ReadColumns *columns)
{
	if (plan->mapping->shape == SHAPE_PAIR)
	{
		columns->contents = add_part(list, plan, PART_QUESTION, "::text");
		add_part(list, plan, PART_ANSWER, "::text");
	}
	else if (plan->mapping->shape == SHAPE_TRANSCRIPT)
		columns->contents = add_part(
			list, plan, PART_TRANSCRIPT,
			is_json(&plan->mapping->parts[PART_TRANSCRIPT]) ? "" : "::text");
	else
	{
		columns->contents = add_part(list, plan, PART_CONTENT, "::text");
		columns->role = add_part(list, plan, PART_ROLE, "::text");
	}
}

/* A content's first character, and how much room the whole of it takes. */
static void
add_reduced(SelectList *list, const MigrationPlan *plan, ReadColumns *columns)
{
	static const Part pair[] = {PART_QUESTION, PART_ANSWER};
	static const Part flat[] = {PART_CONTENT};
	bool is_pair = plan->mapping->shape == SHAPE_PAIR;
	const Part *parts = is_pair ? pair : flat;
	int n = is_pair ? lengthof(pair) : lengthof(flat);

	Assert(plan->mapping->shape != SHAPE_TRANSCRIPT);
	columns->contents = list->natts + 1;
	for (int i = 0; i < n; i++)
		add(list, psprintf("content_%d", i + 1),
			psprintf("left(s.%s::text, 1)", column(plan, parts[i])));
	columns->sizes = list->natts + 1;
	for (int i = 0; i < n; i++)
		add(list, psprintf("size_%d", i + 1),
			psprintf("coalesce(pg_column_size(s.%s::text), 0)",
					 column(plan, parts[i])));
	if (!is_pair)
		columns->role = add_part(list, plan, PART_ROLE, "::text");
}

static void
add_labels(SelectList *list, const MigrationPlan *plan, ReadColumns *columns)
{
	columns->model = add_part(list, plan, PART_MODEL, "::text");
	columns->tokens = add_part(
		list, plan, PART_TOKENS,
		chatmig_mapping_tokens_type(plan->mapping) == INT8OID ? "::int8"
															  : "::int4");
	if (!plan->mapping->media_in_metadata)
	{
		columns->media = add_part(list, plan, PART_MEDIA, "::text");
		columns->media_type = add_part(list, plan, PART_MEDIA_TYPE, "::text");
		return;
	}
	columns->media = add(list, "media", chatmig_read_media_url(plan));
	columns->media_type =
		add(list, "media_type", chatmig_read_media_type(plan));
	columns->media_name =
		add(list, "media_name", chatmig_read_media_name(plan));
	columns->summarizes =
		add(list, "summarizes", chatmig_read_media_summarizes(plan));
}

/*
 * A cast would fetch a json or jsonb value, and carry it through the sort; as
 * it is, only a pointer to it travels.
 */
static bool
is_json(const Column *column)
{
	Oid type = getBaseType(column->type);

	return type == JSONOID || type == JSONBOID;
}

static char *
column(const MigrationPlan *plan, Part part)
{
	return pstrdup(quote_identifier(plan->mapping->parts[part].name));
}

/* The row's own time as timestamptz; NULL also where it cannot be read. */
static char *
time_of_row(const MigrationPlan *plan)
{
	const char *schema = chatmig_ledger_schema();
	const char *zone = quote_literal_cstr(plan->options.time_zone);

	switch (plan->mapping->time_kind)
	{
		case TIME_NONE:
			return pstrdup("NULL::timestamptz");
		case TIME_TIMESTAMPTZ:
			return psprintf("s.%s::timestamptz", column(plan, PART_TIME));
		case TIME_TIMESTAMP:
			return psprintf(
				"%s.chatmig_time_from_timestamp(s.%s::timestamp, %s::text)",
				schema, column(plan, PART_TIME), zone);
		case TIME_DATE:
			return psprintf("%s.chatmig_time_from_date(s.%s::date, %s::text)",
							schema, column(plan, PART_TIME), zone);
		case TIME_EPOCH:
			return psprintf(
				"%s.chatmig_time_from_epoch(s.%s::float8, %.0f::float8)",
				schema, column(plan, PART_TIME), plan->mapping->epoch_unit);
		case TIME_TEXT:
			return psprintf("%s.chatmig_time_from_text(s.%s::text, %s::text)",
							schema, column(plan, PART_TIME), zone);
	}
	return NULL;
}

/* The time that the row's messages get. */
static char *
time_of_message(const MigrationPlan *plan)
{
	if (!plan->times_missing)
		return time_of_row(plan);
	/* once given, a time does not change when new neighbours appear */
	return psprintf(
		"CASE WHEN s.%s IS NOT NULL THEN %s ELSE %s END",
		column(plan, PART_TIME), time_of_row(plan),
		!plan->migrated ? "f.at"
		: plan->mapping->shape == SHAPE_TRANSCRIPT
			/* the last message may have a time of its own */
			? psprintf("coalesce(CASE WHEN %s ? '" TIME_MISSING_MARK
					   "' THEN m.created_at END, f.at)",
					   last_metadata(plan))
			: "CASE WHEN t.key_1 IS NULL THEN f.at ELSE coalesce(m.created_at, f.at) END");
}

/* Of the last message; in the trace, where there is no column for them. */
static const char *
last_metadata(const MigrationPlan *plan)
{
	const Column *fields = plan->fields[TARGET_MESSAGES];

	return fields == NULL || fields[FIELD_METADATA].name != NULL
			   ? "m.metadata"
			   : "(t.metadata -> array_upper(t.message_ids, 1)::text "
				 "-> 'metadata')";
}

/*
 * For each row without a time: that of the nearest row before it, by key, in
 * its group, or else of the nearest after it. Over narrow rows alone, and only
 * where there are such rows.
 */
static char *
neighbours(const MigrationPlan *plan)
{
	char *group = group_columns(plan, "g.");
	const char *by_group =
		group[0] == '\0'
			? ""
			: psprintf("PARTITION BY %.*s ", (int) strlen(group) - 2, group);
	char *keys = key_columns(plan, "");
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < plan->mapping->nkeys; i++)
		appendStringInfo(&list, "s.%s AS key_%d, ",
						 quote_identifier(plan->mapping->keys[i].name), i + 1);
	for (int i = 0; i < lengthof(group_parts); i++)
		if (HAS_PART(plan->mapping, group_parts[i]))
			appendStringInfo(&list, "s.%s AS \"%s\", ",
							 column(plan, group_parts[i]),
							 chatmig_part_names[group_parts[i]]);

	return psprintf(
		"SELECT %s, coalesce(before, after) AS at FROM ("
		"SELECT %s, missing, "
		"first_value(at) OVER (PARTITION BY %srun ORDER BY %s) AS before, "
		"first_value(at) OVER (%sORDER BY at IS NULL, %s) AS after "
		"FROM (SELECT *, count(at) OVER (%sORDER BY %s) AS run "
		"FROM (SELECT %s%s AS at, s.%s IS NULL AS missing FROM %s AS s) AS g"
		") AS g) AS g WHERE missing",
		keys, keys, group, keys, by_group, keys, by_group, keys, list.data,
		time_of_row(plan), column(plan, PART_TIME), plan->source_name);
}

/*
 * The trace, and of each row that is in it the last message and, as far as it
 * is still there, the conversation.
 */
static char *
trace_joins(const MigrationPlan *plan)
{
	char *conversations =
		plan->uses[TARGET_CONVERSATIONS]
			? plan->relation[TARGET_CONVERSATIONS]
			: psprintf("(SELECT DISTINCT x.conversation_id AS id FROM %s AS x)",
					   plan->relation[TARGET_MESSAGES]);

	return psprintf(
		" LEFT JOIN %s AS t ON %s"
		" LEFT JOIN %s AS m ON m.id = t.message_ids[array_upper(t.message_ids, 1)]"
		" LEFT JOIN %s AS k ON k.id = t.conversation_id",
		plan->qualified[TARGET_TRACE], key_join(plan, "t"),
		plan->relation[TARGET_MESSAGES], conversations);
}

/* Of what is left of a traced row: its last message may have been deleted. */
static char *
last_position(const MigrationPlan *plan)
{
	return psprintf("coalesce(m.\"position\", (SELECT max(x.\"position\") "
					"FROM %s AS x WHERE x.id = ANY (t.message_ids)))",
					plan->relation[TARGET_MESSAGES]);
}

/*
 * Only rows of those owners who have rows that are not in the trace. Without
 * an owner, the next best part of the group; without any, all rows.
 */
static char *
pending_owners(const MigrationPlan *plan)
{
	for (int i = 0; i < lengthof(group_parts); i++)
	{
		const Column *part = &plan->mapping->parts[group_parts[i]];
		char *pending;
		char *name;

		if (part->name == NULL)
			continue;
		name = column(plan, group_parts[i]);
		pending = psprintf(
			"SELECT s.%s FROM %s AS s LEFT JOIN %s AS t ON %s WHERE t.key_1 IS NULL",
			name, plan->source_name, plan->qualified[TARGET_TRACE],
			key_join(plan, "t"));
		return psprintf(" WHERE s.%s %s ANY (%s) OR "
						"(s.%s IS NULL AND EXISTS (%s AND s.%s IS NULL))",
						name, chatmig_plan_equality(part->type), pending, name,
						pending, name);
	}
	return pstrdup("");
}

/* "owner, counterpart, session, ", as far as they are mapped. */
static char *
group_columns(const MigrationPlan *plan, const char *prefix)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < lengthof(group_parts); i++)
		if (HAS_PART(plan->mapping, group_parts[i]))
			appendStringInfo(&list, "%s\"%s\", ", prefix,
							 chatmig_part_names[group_parts[i]]);
	return list.data;
}

/* "key_1, key_2", each with a suffix such as " DESC". */
static char *
key_columns(const MigrationPlan *plan, const char *suffix)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < plan->mapping->nkeys; i++)
		appendStringInfo(&list, "%skey_%d%s", i > 0 ? ", " : "", i + 1, suffix);
	return list.data;
}

/* A condition: the alias's key_1, ... are the key of s. */
static char *
key_join(const MigrationPlan *plan, const char *alias)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < plan->mapping->nkeys; i++)
	{
		const Column *key = &plan->mapping->keys[i];

		appendStringInfo(&list, "%s%s.key_%d %s s.%s", i > 0 ? " AND " : "",
						 alias, i + 1, chatmig_plan_equality(key->type),
						 quote_identifier(key->name));
	}
	return list.data;
}

/*
 * Adds to each row the conversation and the time of the next traced row of
 * its group that is in one. Counted from the end, a traced row opens a run that
 * goes on with the rows before it until the traced row before those; so the
 * first of a run is the next traced row of all others in it.
 */
static char *
with_next(const MigrationPlan *plan, const char *inner)
{
	char *group = group_columns(plan, "");
	const char *by_group =
		group[0] == '\0'
			? ""
			: psprintf("PARTITION BY %.*s ", (int) strlen(group) - 2, group);
	char *backwards = psprintf("at DESC, %s", key_columns(plan, " DESC"));

	return psprintf(
		"SELECT q.*, first_value(conversation) OVER w, "
		"first_value(at) OVER w FROM ("
		"SELECT q.*, count(conversation) OVER (%sORDER BY %s) AS run "
		"FROM (%s) AS q) AS q "
		"WINDOW w AS (PARTITION BY %srun ORDER BY %s) "
		"ORDER BY %sat, %s",
		by_group, backwards, inner, group, backwards, group,
		key_columns(plan, ""));
}
