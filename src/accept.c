/*
 * accept.c
 *	  Whether tables that were there before can take what the source holds.
 *
 * In: a plan. Out: nothing, or an error that names all that stands in the way:
 * better now than after an hour. Reads the source only if something could:
 * where a role has no place, or where a column is NOT NULL and the source's
 * may be NULL.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "accept.h"
#include "arguments.h"
#include "keys.h"
#include "owner_table.h"
#include "query.h"
#include "relation.h"
#include "role.h"
#include "sequence.h"
#include "skip.h"

/* Roles of the source that the messages' table has no place for. */
typedef struct RoleSearch
{
	const MigrationPlan *plan;
	StringInfoData spellings; /* "system" (3 rows), ... */
	int64 rows;
	Role first;
} RoleSearch;

/* A NOT NULL column, and the rows that have nothing for it. */
typedef struct Unfilled
{
	TargetTable table;
	Field field;
	const char *part; /* what the rows do not have */
	const char *condition;
} Unfilled;

static void check_sequences(const MigrationPlan *plan);
static void check_roles(const MigrationPlan *plan);
static bool receive_role(TupleTableSlot *slot, void *arg);
static void check_parts(const MigrationPlan *plan);
static void check_times(const MigrationPlan *plan);
static void check_positions(const MigrationPlan *plan);
static void check_owner_times(const MigrationPlan *plan);
static void check_unfilled(const MigrationPlan *plan, const Unfilled *unfilled);
static char *coming_rows(const MigrationPlan *plan);
static char *has_message(const MigrationPlan *plan);
static char *is_filled(const MigrationPlan *plan, Part part);
static char *column(const MigrationPlan *plan, Part part);

void
chatmig_accept_check(const MigrationPlan *plan)
{
	check_sequences(plan);
	check_roles(plan);
	check_parts(plan);
	check_times(plan);
	check_positions(plan);
	check_owner_times(plan);
}

static void
check_sequences(const MigrationPlan *plan)
{
	for (TargetTable table = 0; table < NUM_ID_TARGETS; table++)
		if (chatmig_plan_fills(plan, table) &&
			!(table == TARGET_MESSAGES && plan->in_place) &&
			(plan->id_types[table] == INT8OID ||
			 plan->id_types[table] == INT4OID))
			chatmig_sequence_check(plan, table);
}

static void
check_roles(const MigrationPlan *plan)
{
	RoleSearch search = {.plan = plan};
	bool is_complete = true;

	for (Role role = 0; role < NUM_ROLES; role++)
		is_complete &= plan->role_values[role] != NULL;
	if (is_complete || plan->mapping->shape != SHAPE_FLAT)
		return;
	initStringInfo(&search.spellings);
	chatmig_query_stream(psprintf("SELECT s.%s::text, count(*) FROM %s AND %s "
								  "AND s.%s IS NOT NULL GROUP BY 1 ORDER BY 1",
								  column(plan, PART_ROLE), coming_rows(plan),
								  has_message(plan), column(plan, PART_ROLE)),
						 NULL, true, NULL, receive_role, &search);
	if (search.rows == 0)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("%s has no role for the messages of the %s",
				plan->qualified[TARGET_MESSAGES],
				chatmig_role_names[search.first]),
		 errdetail("%s has such rows: %s. %s", plan->source_name,
				   search.spellings.data, plan->roles_allowed),
		 errhint(
			 "Let the column allow it; or say which one it is: target => '{\"messages\": {\"table\": %s, \"roles\": {\"%s\": \"...\"}}}'; or count these rows as another's: mapping => '{\"roles\": {\"...\": \"assistant\"}}'.",
			 chatmig_arguments_quote(plan->table_names[TARGET_MESSAGES]),
			 chatmig_role_names[search.first])));
}

static bool
receive_role(TupleTableSlot *slot, void *arg)
{
	RoleSearch *search = arg;
	const Mapping *mapping = search->plan->mapping;
	char *spelling;
	int64 rows;
	Role role;

	slot_getallattrs(slot);
	spelling = TextDatumGetCString(slot->tts_values[0]);
	rows = DatumGetInt64(slot->tts_values[1]);
	if (!chatmig_role_find(mapping->spellings, mapping->nspellings, spelling,
						   &role) ||
		search->plan->role_values[role] != NULL)
		return true;
	if (search->rows == 0)
		search->first = role;
	appendStringInfo(&search->spellings, "%s" INT64_FORMAT " with \"%s\"",
					 search->rows > 0 ? ", " : "", rows, spelling);
	search->rows += rows;
	return true;
}

/* What a legacy row may not have, and each of its messages needs. */
static void
check_parts(const MigrationPlan *plan)
{
	static const struct
	{
		TargetTable table;
		Field field;
		Part part;
	} parts[] = {{TARGET_CONVERSATIONS, FIELD_OWNER, PART_OWNER},
				 {TARGET_CONVERSATIONS, FIELD_COUNTERPART, PART_COUNTERPART},
				 {TARGET_CONVERSATIONS, FIELD_SESSION, PART_SESSION},
				 {TARGET_MESSAGES, FIELD_OWNER, PART_OWNER},
				 {TARGET_MESSAGES, FIELD_COUNTERPART, PART_COUNTERPART},
				 {TARGET_MESSAGES, FIELD_SESSION, PART_SESSION},
				 {TARGET_MESSAGES, FIELD_MODEL, PART_MODEL},
				 {TARGET_MESSAGES, FIELD_TOKENS, PART_TOKENS},
				 {TARGET_MEDIA, FIELD_OWNER, PART_OWNER}};

	for (int i = 0; i < lengthof(parts); i++)
	{
		Unfilled unfilled = {.table = parts[i].table,
							 .field = parts[i].field,
							 .part = chatmig_part_names[parts[i].part]};

		/* a message in a transcript may have a model of its own */
		if (!HAS_PART(plan->mapping, parts[i].part) ||
			(parts[i].part == PART_MODEL &&
			 plan->mapping->shape == SHAPE_TRANSCRIPT))
			continue;
		unfilled.condition = psprintf(
			"%s%s IS NULL%s",
			parts[i].table == TARGET_MEDIA &&
					HAS_PART(plan->mapping, PART_MEDIA)
				? psprintf("%s AND ", is_filled(plan, PART_MEDIA))
				: "",
			psprintf("s.%s", column(plan, parts[i].part)),
			/* the tokens are the answer's */
			parts[i].part == PART_TOKENS && plan->mapping->shape == SHAPE_PAIR
				? psprintf(" OR (%s AND %s)", is_filled(plan, PART_QUESTION),
						   is_filled(plan, PART_ANSWER))
				: "");
		check_unfilled(plan, &unfilled);
	}
}

/* A row without a time takes that of a row of its group, if that has one. */
static void
check_times(const MigrationPlan *plan)
{
	static const TargetTable tables[] = {TARGET_CONVERSATIONS, TARGET_MESSAGES,
										 TARGET_MEDIA};
	static const Field fields[] = {FIELD_CREATED_AT, FIELD_UPDATED_AT};
	static const Part group[] = {PART_OWNER, PART_COUNTERPART, PART_SESSION};
	StringInfoData condition;

	if (!plan->times_missing)
		return;
	initStringInfo(&condition);
	appendStringInfo(&condition,
					 "NOT EXISTS (SELECT FROM %s AS n WHERE n.%s IS NOT NULL",
					 plan->source_name, column(plan, PART_TIME));
	for (int i = 0; i < lengthof(group); i++)
	{
		const char *name;

		if (!HAS_PART(plan->mapping, group[i]))
			continue;
		name = column(plan, group[i]);
		appendStringInfo(
			&condition, " AND (n.%s %s s.%s OR num_nulls(n.%s, s.%s) = 2)",
			name, chatmig_plan_equality(plan->mapping->parts[group[i]].type),
			name, name, name);
	}
	appendStringInfo(&condition, ") AND s.%s IS NULL", column(plan, PART_TIME));
	for (int i = 0; i < lengthof(tables); i++)
		for (int k = 0; k < lengthof(fields); k++)
			if (tables[i] != TARGET_CONVERSATIONS || !plan->options.owner_times)
				check_unfilled(plan, &(Unfilled){tables[i], fields[k], "time",
												 condition.data});
}

/* Those of rows that stay; a rollback could not give them back. */
static void
check_positions(const MigrationPlan *plan)
{
	const Column *position;
	int64 rows;

	if (!plan->in_place || !plan->has_position)
		return;
	position = &plan->fields[TARGET_MESSAGES][FIELD_POSITION];
	rows = chatmig_query_count(
		psprintf("SELECT count(*) FROM %s AND s.%s IS NOT NULL",
				 coming_rows(plan), quote_identifier(position->name)),
		NULL);
	if (rows == 0)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("column \"%s\" of %s holds something already", position->name,
				plan->source_name),
		 errdetail(
			 "Rows of no conversation that have a value there: " INT64_FORMAT
			 ". Migration \"%s\" would overwrite it.",
			 rows, plan->name),
		 errhint(
			 "Leave it alone: target => '{\"messages\": {\"table\": %s, \"columns\": {\"position\": null}}}'.",
			 chatmig_arguments_quote(plan->table_names[TARGET_MESSAGES]))));
}

/* A conversation without messages has no other times. */
static void
check_owner_times(const MigrationPlan *plan)
{
	const Column *fields = plan->fields[TARGET_CONVERSATIONS];
	const Column *found;
	int64 rows;

	if (!plan->uses[TARGET_OWNERS] || fields == NULL)
		return;
	found = fields[FIELD_CREATED_AT].not_null ? &fields[FIELD_CREATED_AT]
											  : &fields[FIELD_UPDATED_AT];
	if (found->name == NULL || !found->not_null)
		return;
	rows = chatmig_query_count(
		psprintf(
			"SELECT count(*) FROM %s AS o WHERE %s IS NULL "
			"AND NOT EXISTS (SELECT FROM %s AS s WHERE %s) "
			"AND NOT EXISTS (SELECT FROM %s AS c WHERE %s)",
			plan->owner_table.qualified,
			chatmig_owner_time(plan, FIELD_CREATED_AT), plan->source_name,
			chatmig_owner_join(plan), plan->relation[TARGET_CONVERSATIONS],
			chatmig_keys_equal(
				psprintf("o.%s", quote_identifier(plan->owner_table.key.name)),
				plan->owner_table.key.type,
				psprintf("c.%s", quote_identifier(plan->owner_column)),
				plan->mapping->parts[PART_OWNER].type)),
		NULL);
	if (rows == 0)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_NOT_NULL_VIOLATION),
		 errmsg(
			 "column \"%s\" of %s is NOT NULL, and not all owners can fill it",
			 found->name, plan->qualified[TARGET_CONVERSATIONS]),
		 errdetail(
			 "Rows of %s without a message and without a time: " INT64_FORMAT
			 ".",
			 plan->owner_table.qualified, rows),
		 errhint(
			 "ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL; or register without the option empty_owners.",
			 plan->qualified[TARGET_CONVERSATIONS],
			 quote_identifier(found->name))));
}

static void
check_unfilled(const MigrationPlan *plan, const Unfilled *unfilled)
{
	const Column *fields = plan->fields[unfilled->table];
	const char *qualified = plan->qualified[unfilled->table];
	const Column *found;
	int64 rows;

	if (!plan->uses[unfilled->table] || fields == NULL ||
		(unfilled->table == TARGET_MESSAGES && plan->in_place))
		return;
	found = &fields[unfilled->field];
	if (found->name == NULL || !found->not_null)
		return;
	rows = chatmig_query_count(
		psprintf("SELECT count(*) FROM %s AND %s AND (%s)", coming_rows(plan),
				 has_message(plan), unfilled->condition),
		NULL);
	if (rows == 0)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_NOT_NULL_VIOLATION),
		 errmsg("column \"%s\" of %s is NOT NULL, and not all rows can fill it",
				found->name, qualified),
		 errdetail("Rows of %s that have no %s for a message: " INT64_FORMAT
				   ".",
				   plan->source_name, unfilled->part, rows),
		 errhint(
			 "ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL; or give these rows a value%s.",
			 qualified, quote_identifier(found->name),
			 unfilled->field == FIELD_MODEL || unfilled->field == FIELD_TOKENS
				 ? psprintf(
					   "; or leave the column to its default, and what is known to the trace: target => '{\"messages\": {\"table\": %s, \"columns\": {\"%s\": null}}}'",
					   chatmig_arguments_quote(
						   plan->table_names[unfilled->table]),
					   chatmig_field_names[unfilled->field])
				 : ", or register a view without them")));
}

/* "source AS s ... WHERE ...": those that a run would look at. */
static char *
coming_rows(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s AS s", plan->source_name);
	if (plan->migrated)
	{
		appendStringInfo(&sql, " LEFT JOIN %s AS t ON ",
						 plan->qualified[TARGET_TRACE]);
		for (int i = 0; i < mapping->nkeys; i++)
			appendStringInfo(&sql, "%st.key_%d %s s.%s", i > 0 ? " AND " : "",
							 i + 1,
							 chatmig_plan_equality(mapping->keys[i].type),
							 quote_identifier(mapping->keys[i].name));
	}
	appendStringInfo(&sql, " WHERE NOT %s%s",
					 chatmig_skip_condition(plan, NULL),
					 plan->migrated ? " AND t.key_1 IS NULL" : "");
	return sql.data;
}

/* Others are counted, or rejected, and not written. */
static char *
has_message(const MigrationPlan *plan)
{
	static const Part parts[] = {PART_QUESTION, PART_ANSWER, PART_CONTENT,
								 PART_TRANSCRIPT, PART_MEDIA};
	StringInfoData sql;

	if (plan->mapping->media_in_metadata)
		return pstrdup("true");
	initStringInfo(&sql);
	for (int i = 0; i < lengthof(parts); i++)
		if (HAS_PART(plan->mapping, parts[i]))
			appendStringInfo(&sql, "%s%s", sql.len > 0 ? " OR " : "",
							 is_filled(plan, parts[i]));
	return psprintf("(%s)", sql.data);
}

static char *
is_filled(const MigrationPlan *plan, Part part)
{
	return psprintf("(s.%s::text <> '') IS TRUE", column(plan, part));
}

static char *
column(const MigrationPlan *plan, Part part)
{
	return pstrdup(quote_identifier(plan->mapping->parts[part].name));
}
