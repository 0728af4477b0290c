/*
 * validate_references.c
 *	  What conversations and media refer to, and what refers to them.
 *
 * In: a plan that has been migrated. Finds conversations whose owner or
 * counterpart does not exist in the table that the legacy table's foreign key
 * refers to, and media as old as the history that no message has. Foreign
 * keys forbid most of this, as long as they are there and enforced.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "validation.h"

/* A foreign key of one column of the legacy table's group. */
typedef struct Reference
{
	AttrNumber attnum;
	char *table;  /* qualified and quoted */
	char *column; /* quoted */
	char *equals; /* as OPERATOR(schema.=), its column on the left */
	bool is_readable;
	bool is_enforced; /* by conversations' own foreign key */
} Reference;

typedef struct ReferenceList
{
	MemoryContext context;
	List *list;
} ReferenceList;

static List *find_references(const Validation *validation);
static bool add_reference(TupleTableSlot *slot, void *state);
static void check_reference(Validation *validation, const Reference *reference);
static void check_media(Validation *validation);

void
chatmig_validate_references(Validation *validation)
{
	ListCell *lc;

	if (validation->plan == NULL)
		return;
	if (chatmig_validate_wants(validation, CHECK_CONVERSATION_ORPHAN,
							   CHECK_CONVERSATION_ORPHAN))
	{
		foreach(lc, find_references(validation))
			check_reference(validation, lfirst(lc));
	}
	if (validation->plan->has_media &&
		chatmig_validate_wants(validation, CHECK_MEDIA, CHECK_MEDIA))
		check_media(validation);
}

/*
 * Who owns the legacy table may refer to the owners' table, but need not be
 * allowed to read it; the foreign key has to do then.
 */
static List *
find_references(const Validation *validation)
{
	const Mapping *mapping = validation->mapping;
	ReferenceList references = {.context = CurrentMemoryContext};
	const MigrationPlan *plan = validation->plan;
	QueryArgs args = {0};

	chatmig_query_arg(&args, OIDOID, ObjectIdGetDatum(validation->source),
					  false);
	chatmig_query_arg(&args, INT2OID,
					  Int16GetDatum(mapping->parts[PART_OWNER].attnum), false);
	chatmig_query_arg(&args, INT2OID,
					  Int16GetDatum(mapping->parts[PART_COUNTERPART].attnum),
					  false);
	chatmig_query_arg(&args, OIDOID,
					  ObjectIdGetDatum(plan->tables[TARGET_CONVERSATIONS]),
					  false);
	chatmig_query_text_arg(&args, plan->owner_column);
	chatmig_query_text_arg(&args, plan->counterpart_column);
	chatmig_query_stream(
		"SELECT c.conkey[1], format('%I.%I', n.nspname, r.relname), "
		"quote_ident(a.attname), "
		"format('OPERATOR(%I.%s)', p.nspname, o.oprname), "
		"has_schema_privilege(n.oid, 'USAGE') "
		"AND has_column_privilege(r.oid, a.attnum, 'SELECT') "
		"AND NOT row_security_active(r.oid), "
		"EXISTS (SELECT FROM pg_constraint AS k JOIN pg_attribute AS b "
		"ON b.attrelid = k.conrelid AND b.attnum = k.conkey[1] "
		"WHERE k.contype = 'f' AND k.conrelid = $4 AND k.convalidated "
		"AND k.confrelid = c.confrelid AND k.confkey = c.confkey "
		"AND b.attname = CASE c.conkey[1] WHEN $2 THEN $5 ELSE $6 END "
		"AND NOT EXISTS (SELECT FROM pg_trigger AS g "
		"WHERE g.tgconstraint = k.oid AND g.tgenabled = 'D')) "
		"FROM pg_constraint AS c "
		"JOIN pg_class AS r ON r.oid = c.confrelid "
		"JOIN pg_namespace AS n ON n.oid = r.relnamespace "
		"JOIN pg_attribute AS a ON a.attrelid = r.oid "
		"AND a.attnum = c.confkey[1] "
		"JOIN pg_operator AS o ON o.oid = c.conpfeqop[1] "
		"JOIN pg_namespace AS p ON p.oid = o.oprnamespace "
		"WHERE c.contype = 'f' AND c.conrelid = $1 "
		"AND cardinality(c.conkey) = 1 AND c.conkey[1] IN ($2, $3)",
		&args, false, NULL, add_reference, &references);
	return references.list;
}

static bool
add_reference(TupleTableSlot *slot, void *state)
{
	ReferenceList *references = state;
	MemoryContext old = MemoryContextSwitchTo(references->context);
	Reference *reference = palloc(sizeof(Reference));

	slot_getallattrs(slot);
	reference->attnum = DatumGetInt16(slot->tts_values[0]);
	reference->table = TextDatumGetCString(slot->tts_values[1]);
	reference->column = TextDatumGetCString(slot->tts_values[2]);
	reference->equals = TextDatumGetCString(slot->tts_values[3]);
	reference->is_readable = DatumGetBool(slot->tts_values[4]);
	reference->is_enforced = DatumGetBool(slot->tts_values[5]);
	references->list = lappend(references->list, reference);
	MemoryContextSwitchTo(old);
	return true;
}

static void
check_reference(Validation *validation, const Reference *reference)
{
	const MigrationPlan *plan = validation->plan;
	bool is_owner =
		reference->attnum == plan->mapping->parts[PART_OWNER].attnum;
	const char *column = quote_identifier(is_owner ? plan->owner_column
												   : plan->counterpart_column);

	if (!reference->is_readable && reference->is_enforced)
		return;
	if (!reference->is_readable)
	{
		chatmig_validate_skip(
			validation, CHECK_CONVERSATION_ORPHAN, CHECK_CONVERSATION_ORPHAN,
			psprintf("%s may not read %s",
					 GetUserNameFromId(validation->source_owner, false),
					 reference->table));
		return;
	}
	chatmig_validate_query(
		validation,
		psprintf("SELECT %d, %d, NULL::text, c.id::text, NULL::text, "
				 "format('The %s %%L of conversation %%s is not in %%s.', "
				 "c.%s, c.id, %s) FROM %s AS c WHERE c.%s IS NOT NULL "
				 "AND NOT EXISTS (SELECT FROM %s AS r WHERE r.%s %s c.%s)",
				 CHECK_CONVERSATION_ORPHAN, CHECK_VIOLATION,
				 chatmig_part_names[is_owner ? PART_OWNER : PART_COUNTERPART],
				 column, quote_literal_cstr(reference->table),
				 plan->relation[TARGET_CONVERSATIONS], column, reference->table,
				 reference->column, reference->equals, column),
		NULL);
}

/*
 * A medium in the trace is looked at together with its message. What is
 * younger than the registration may be the application's; what is in others'
 * tables, too, unless it is one of the trace's a second time.
 */
static void
check_media(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;
	const char *media = plan->relation[TARGET_MEDIA];
	char *is_known = "true";
	QueryArgs args = {0};

	if (chatmig_plan_fills(plan, TARGET_MEDIA))
		is_known = psprintf("EXISTS (SELECT FROM %s AS e JOIN %s AS t "
							"ON t.media_id = e.id WHERE e.url = d.url "
							"AND e.created_at = d.created_at)",
							media, plan->qualified[TARGET_TRACE]);
	chatmig_query_arg(&args, TIMESTAMPTZOID,
					  TimestampTzGetDatum(validation->registered_at), false);
	chatmig_validate_query(
		validation,
		psprintf("SELECT %d, %d, NULL::text, NULL::text, NULL::text, "
				 "format('No message has the medium %%s (%%L).', d.id, "
				 "left(d.url, 200)) FROM %s AS d "
				 "WHERE (d.created_at >= $1) IS NOT TRUE "
				 "AND NOT EXISTS (SELECT FROM %s AS t "
				 "WHERE t.media_id = d.id) "
				 "AND NOT EXISTS (SELECT FROM %s AS m "
				 "WHERE m.media_id = d.id) AND %s",
				 CHECK_MEDIA,
				 plan->created[TARGET_MEDIA] ? CHECK_VIOLATION : CHECK_WARNING,
				 media, plan->qualified[TARGET_TRACE],
				 plan->relation[TARGET_MESSAGES], is_known),
		&args);
}
