/*
 * validate_compare.c
 *	  What a half of a legacy row and its message must have in common.
 *
 * In: a plan. Out: tests, as SQL; see validate_compare.h. Every comparison is
 * null-safe. A column of the messages for which nothing is mapped is the
 * application's to fill, and is not looked at.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "columns.h"
#include "relation.h"
#include "validate_compare.h"

static void compare_time(const MigrationPlan *plan, RowTests *tests);
static void compare_group(const MigrationPlan *plan, RowTests *tests);
static void compare_owner(const MigrationPlan *plan, Part part, Field field,
						  const char *column, const char *conversations,
						  RowTests *tests);
static void compare_sessions(const MigrationPlan *plan, RowTests *tests);
static void compare_session(const Column *session, const char *metadata,
							bool is_own, RowTests *tests);
static void compare_left_media(const MigrationPlan *plan, RowTests *tests);
static void compare_labels(const Mapping *mapping, RowTests *tests);
static char *answered_message(const MigrationPlan *plan);
static void compare_reply(const MigrationPlan *plan, RowTests *tests);
static void compare_media(const MigrationPlan *plan, RowTests *tests);
static void compare_medium(const MigrationPlan *plan, RowTests *tests);
static char *part_column(const Mapping *mapping, Part part);
static void add(RowTests *tests, Check check, const char *condition,
				const char *detail);

void
chatmig_validate_compare(const MigrationPlan *plan, RowTests *tests)
{
	/* rows that stay are what they are; what is new is whose they are */
	if (plan->in_place)
	{
		compare_group(plan, tests);
		return;
	}
	add(tests, CHECK_MESSAGE_CONTENT, CONTENTS_DIFFER, "''");
	add(tests, CHECK_MESSAGE_ROLE,
		"(m.role::text COLLATE \"C\") IS DISTINCT FROM h.role",
		"format('has the role %L, not %L.', m.role, h.role)");
	compare_time(plan, tests);
	compare_group(plan, tests);
	compare_labels(plan->mapping, tests);
	chatmig_validate_compare_metadata(plan, tests);
	if (chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_REPLY_TO) != NULL)
		compare_reply(plan, tests);
	if (plan->has_media)
		compare_media(plan, tests);
	if (plan->has_leftovers && HAS_PART(plan->mapping, PART_MEDIA))
		compare_left_media(plan, tests);
}

char *
chatmig_validate_compare_medium(const MigrationPlan *plan)
{
	RowTests own = {0};

	compare_medium(plan, &own);
	return psprintf("CASE WHEN s.chatmig_media THEN d.id IS NULL OR %s "
					"ELSE t.media_id IS NOT NULL END",
					chatmig_validate_sql_any(&own));
}

char *
chatmig_validate_compare_row_time(const Mapping *mapping)
{
	char *key = chatmig_validate_sql_column(&mapping->keys[0]);

	if (mapping->time_kind == TIME_NONE)
		return psprintf("(%s IS NOT NULL)", key);
	return psprintf("(num_nulls(%s, %s) = 0)", key,
					part_column(mapping, PART_TIME));
}

char *
chatmig_validate_compare_own_time(const Mapping *mapping)
{
	char *row_time = chatmig_validate_compare_row_time(mapping);

	return mapping->shape == SHAPE_TRANSCRIPT
			   ? psprintf("(h.at IS NOT NULL OR %s)", row_time)
			   : row_time;
}

char *
chatmig_validate_compare_half_time(const MigrationPlan *plan)
{
	char *row_time = chatmig_validate_sql_time(plan);

	return plan->mapping->shape == SHAPE_TRANSCRIPT
			   ? psprintf("coalesce(h.at, %s)", row_time)
			   : row_time;
}

/*
 * Where readers sort by time alone, a question is a step before the answer
 * that it has in its row.
 */
char *
chatmig_validate_compare_written_time(const MigrationPlan *plan)
{
	char *time = psprintf("(%s)::timestamptz(%d)",
						  chatmig_validate_compare_half_time(plan),
						  plan->time_precision);

	if (!plan->keeps_apart || plan->mapping->shape != SHAPE_PAIR)
		return time;
	return psprintf("(%s - CASE WHEN h.part = 1 AND t.message_ids[2] IS NOT "
					"NULL AND isfinite(%s) THEN %s ELSE interval '0' END)",
					time, time, chatmig_validate_sql_step(plan));
}

/* Times that the row does not have are for validate_neighbours.c. */
static void
compare_time(const MigrationPlan *plan, RowTests *tests)
{
	char *time = chatmig_validate_compare_half_time(plan);
	char *differs = psprintf("m.created_at IS DISTINCT FROM %s", time);

	/* a target's column may keep fewer digits */
	if (plan->time_precision < MAX_TIMESTAMP_PRECISION)
		differs =
			psprintf("m.created_at IS DISTINCT FROM (%s)::timestamptz(%d)",
					 time, plan->time_precision);
	/* a later one must be right behind another message: see the walk */
	if (plan->keeps_apart && plan->mapping->time_kind != TIME_NONE)
		differs = psprintf("(m.created_at >= %s) IS NOT TRUE",
						   chatmig_validate_compare_written_time(plan));
	add(tests, CHECK_MESSAGE_TIME,
		psprintf("CASE WHEN %s THEN %s ELSE false END",
				 chatmig_validate_compare_own_time(plan->mapping), differs),
		psprintf("format('has the time %%s, not %%s.', "
				 "coalesce(m.created_at::text, 'NULL'), "
				 "coalesce((%s)::text, 'NULL'))",
				 time));
}

/* Once a message is in another conversation, that one's owner is no news. */
static void
compare_group(const MigrationPlan *plan, RowTests *tests)
{
	add(tests, CHECK_MESSAGE_OWNER,
		"m.conversation_id IS DISTINCT FROM t.conversation_id",
		"format('is in conversation %s, not %s.', "
		"coalesce(m.conversation_id::text, 'NULL'), t.conversation_id)");
	compare_owner(plan, PART_OWNER, FIELD_OWNER, plan->owner_column, "k.owner",
				  tests);
	compare_owner(plan, PART_COUNTERPART, FIELD_COUNTERPART,
				  plan->counterpart_column, "k.counterpart", tests);
	if (HAS_PART(plan->mapping, PART_SESSION))
		compare_sessions(plan, tests);
}

#define IN_ITS_CONVERSATION                                                    \
	"k.is_present AND m.conversation_id = t.conversation_id"

/*
 * The conversation's, and the message's where that has a column for it. Rows
 * that stay have their own anyway; and a conversation without a table has what
 * its messages say.
 */
static void
compare_owner(const MigrationPlan *plan, Part part, Field field,
			  const char *column, const char *conversations, RowTests *tests)
{
	const Column *source = &plan->mapping->parts[part];
	const char *name = chatmig_part_names[part];
	char *value;
	char *own;

	if (column == NULL)
		return;
	value = part_column(plan->mapping, part);
	own = psprintf("m.%s", quote_identifier(column));
	if (plan->uses[TARGET_CONVERSATIONS] || plan->in_place)
		add(tests, CHECK_MESSAGE_OWNER,
			psprintf(
				IN_ITS_CONVERSATION " AND %s",
				chatmig_validate_sql_differs(source, value, conversations)),
			psprintf("format('is in a conversation of the %s %%L, not %%L.', "
					 "%s, %s)",
					 name, conversations, value));
	if (!plan->in_place &&
		chatmig_relation_column(plan, TARGET_MESSAGES, field) != NULL)
		add(tests, CHECK_MESSAGE_OWNER,
			chatmig_validate_sql_differs(source, value, own),
			psprintf("format('has the %s %%L, not %%L.', %s, %s)", name, own,
					 value));
}

/* As metadata: the trace's, or the conversation's; and the message's own. */
static void
compare_sessions(const MigrationPlan *plan, RowTests *tests)
{
	const TargetTable table = TARGET_CONVERSATIONS;
	const Column *session = &plan->mapping->parts[PART_SESSION];

	if (plan->session_is_left)
		compare_session(session, "(m." LEFT_COLUMN " -> 'session')", true,
						tests);
	else if (plan->in_place ||
			 (plan->uses[table] &&
			  (chatmig_relation_column(plan, table, FIELD_METADATA) != NULL ||
			   chatmig_relation_column(plan, table, FIELD_SESSION) != NULL)))
		compare_session(session, "k.metadata", false, tests);
	if (!plan->in_place &&
		chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_SESSION) != NULL)
		compare_session(session,
						psprintf("jsonb_build_object(%s, m." SESSION_COLUMN ")",
								 quote_literal_cstr(session->name)),
						true, tests);
}

/*
 * In the conversation's metadata, or the trace's, as a number or as text. Texts
 * that are equal in the session's own collation or type are in one
 * conversation.
 */
static void
compare_session(const Column *session, const char *metadata, bool is_own,
				RowTests *tests)
{
	char *value = chatmig_validate_sql_column(session);
	char *kept =
		psprintf("%s -> %s", metadata, quote_literal_cstr(session->name));
	char *text =
		psprintf("(%s ->> %s)", metadata, quote_literal_cstr(session->name));
	char *same = psprintf("%s = format('%%s', %s)", text, value);
	char category;
	bool is_preferred;

	get_type_category_preferred(getBaseType(session->type), &category,
								&is_preferred);
	if (category == TYPCATEGORY_STRING)
	{
		char *typed = psprintf("(%s::%s)", text,
							   chatmig_validate_sql_type(session->type));

		same = psprintf("NOT %s",
						chatmig_validate_sql_differs(session, value, typed));
	}
	add(tests, CHECK_MESSAGE_OWNER,
		psprintf("%sCASE WHEN %s IS NULL THEN coalesce(%s, 'null') <> "
				 "'null' ELSE %s IS DISTINCT FROM to_jsonb(%s) "
				 "AND (%s) IS NOT TRUE END",
				 is_own ? "" : IN_ITS_CONVERSATION " AND ", value, kept, kept,
				 value, same),
		psprintf("format('%s the session %%s, not %%L.', "
				 "coalesce((%s)::text, 'NULL'), %s)",
				 is_own ? "has" : "is in a conversation of", kept, value));
}

/* The model is all messages', the tokens are the last one's. */
static void
compare_labels(const Mapping *mapping, RowTests *tests)
{
	bool is_transcript = mapping->shape == SHAPE_TRANSCRIPT;

	if (HAS_PART(mapping, PART_MODEL) || is_transcript)
	{
		char *model =
			!HAS_PART(mapping, PART_MODEL)
				? pstrdup("h.model")
				: psprintf("%s::text", part_column(mapping, PART_MODEL));

		if (HAS_PART(mapping, PART_MODEL) && is_transcript)
			model = psprintf("coalesce(%s, h.model)", model);

		add(tests, CHECK_MESSAGE_MODEL,
			psprintf("(m.model::text COLLATE \"C\") IS DISTINCT FROM %s",
					 model),
			psprintf("format('has the model %%L, not %%L.', m.model, %s)",
					 model));
	}
	if (HAS_PART(mapping, PART_TOKENS))
	{
		char *is_last =
			is_transcript ? "h.is_last"
			: mapping->shape == SHAPE_FLAT
				? "h.part = 1"
				: psprintf("h.part = CASE WHEN coalesce(%s, '') = '' "
						   "THEN 1 ELSE 2 END",
						   chatmig_validate_sql_text(mapping, PART_ANSWER));
		char *tokens = psprintf("CASE WHEN %s THEN %s::bigint END", is_last,
								part_column(mapping, PART_TOKENS));

		add(tests, CHECK_MESSAGE_TOKENS,
			psprintf("m.tokens::bigint IS DISTINCT FROM %s", tokens),
			psprintf("format('has %%s tokens, not %%s.', "
					 "coalesce(m.tokens::text, 'NULL'), "
					 "coalesce((%s)::text, 'NULL'))",
					 tokens));
	}
}

/*
 * An answer refers to its question. The foreign key lets go of a question that
 * is deleted, which is that one's fault and not the answer's.
 */
static void
compare_reply(const MigrationPlan *plan, RowTests *tests)
{
	char *answered = answered_message(plan);

	add(tests, CHECK_MESSAGE_REPLY,
		psprintf("CASE WHEN m.reply_to_id IS NOT DISTINCT FROM %s THEN false "
				 "WHEN m.reply_to_id IS NOT NULL THEN true "
				 "ELSE EXISTS (SELECT FROM %s AS q "
				 "WHERE q.id = %s) END",
				 answered, plan->relation[TARGET_MESSAGES], answered),
		psprintf("format('replies to %%s, not to %%s.', "
				 "coalesce('message ' || m.reply_to_id, 'nothing'), "
				 "coalesce('message ' || %s, 'nothing'))",
				 answered));
}

/* SQL: which message it must reply to; NULL for none. */
static char *
answered_message(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	char *other;

	if (mapping->shape == SHAPE_TRANSCRIPT)
		return pstrdup("h.question");
	if (!HAS_PART(mapping, PART_REPLY_TO))
		return pstrdup("CASE WHEN h.part = 2 THEN t.message_ids[1] END");
	/* an answer alone is the first of its row */
	other = psprintf("(SELECT coalesce(a.message_ids[2], a.message_ids[1]) "
					 "FROM %s AS a WHERE a.key_1 = %s "
					 "AND a.key_1 <> t.key_1)",
					 plan->qualified[TARGET_TRACE],
					 part_column(mapping, PART_REPLY_TO));
	return psprintf("CASE WHEN h.part = 2 AND t.message_ids[1] IS NOT NULL "
					"THEN t.message_ids[1] ELSE %s END",
					other);
}

/* The row's medium, and then that the message has it and no other. */
static void
compare_media(const MigrationPlan *plan, RowTests *tests)
{
	const Mapping *mapping = plan->mapping;
	char *has = chatmig_validate_sql_has_media(mapping);
	char *url = chatmig_validate_sql_media_url(mapping);
	char *expected = psprintf("CASE WHEN h.part = 1 AND %s THEN d.id END", has);
	RowTests own = {0};

	add(tests, CHECK_MEDIA, psprintf("h.part = 1 AND %s AND d.id IS NULL", has),
		psprintf("format('has lost its medium, %%L.', left(%s, 200))", url));
	add(tests, CHECK_MEDIA,
		psprintf("NOT (h.part = 1 AND %s AND d.id IS NULL) "
				 "AND m.media_id IS DISTINCT FROM %s",
				 has, expected),
		psprintf("format('has %%s, not %%s.', "
				 "coalesce('medium ' || m.media_id, 'no medium'), "
				 "coalesce('medium ' || %s, 'none'))",
				 expected));
	compare_medium(plan, &own);
	for (int i = 0; i < own.n; i++)
		add(tests, CHECK_MEDIA,
			psprintf("h.part = 1 AND %s AND d.id IS NOT NULL AND %s", has,
					 own.list[i].condition),
			own.list[i].detail);
}

/* What of a medium the trace keeps: all of it, or what has no column. */
static void
compare_left_media(const MigrationPlan *plan, RowTests *tests)
{
	static const struct
	{
		Part part;
		Field field;
		const char *name;
	} parts[] = {{PART_MEDIA, FIELD_URL, "media"},
				 {PART_MEDIA_TYPE, FIELD_TYPE, "media_type"}};

	for (int i = 0; i < lengthof(parts); i++)
	{
		char *value;
		char *left = psprintf("m." LEFT_COLUMN " ->> '%s'", parts[i].name);

		if (!HAS_PART(plan->mapping, parts[i].part) ||
			(plan->has_media &&
			 chatmig_relation_column(plan, TARGET_MEDIA, parts[i].field) !=
				 NULL))
			continue;
		value = psprintf("%s::text", part_column(plan->mapping, parts[i].part));
		add(tests, CHECK_MEDIA,
			psprintf("h.part = 1 AND %s AND ((%s) COLLATE \"C\") "
					 "IS DISTINCT FROM %s",
					 chatmig_validate_sql_has_media(plan->mapping), left,
					 value),
			psprintf("format('has %%L as the %s of its medium in the trace, "
					 "not %%L.', left(%s, 200), left(%s, 200))",
					 parts[i].name, left, value));
	}
}

/* The medium d, which is there, against the legacy row. */
static void
compare_medium(const MigrationPlan *plan, RowTests *tests)
{
	const Mapping *mapping = plan->mapping;

	chatmig_validate_compare_columns(plan, tests);
	if (plan->owner_column &&
		chatmig_relation_column(plan, TARGET_MEDIA, FIELD_OWNER) != NULL)
	{
		char *owner = psprintf("d.%s", quote_identifier(plan->owner_column));
		char *value = part_column(mapping, PART_OWNER);

		add(tests, CHECK_MEDIA,
			chatmig_validate_sql_differs(&mapping->parts[PART_OWNER], value,
										 owner),
			psprintf("format('has a medium of the owner %%L, not %%L.', "
					 "%s, %s)",
					 owner, value));
	}
}

static char *
part_column(const Mapping *mapping, Part part)
{
	return chatmig_validate_sql_column(&mapping->parts[part]);
}

static void
add(RowTests *tests, Check check, const char *condition, const char *detail)
{
	chatmig_validate_sql_add(tests, check, CHECK_VIOLATION, condition, detail);
}
