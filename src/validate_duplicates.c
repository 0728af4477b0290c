/*
 * validate_duplicates.c
 *	  Turns that are there twice, the second time in another conversation.
 *
 * In: a plan that has been migrated. Finds messages that no legacy row
 * explains, in conversations that no legacy row explains either, that are as
 * old as the history and say what a migrated message says: the same words, in
 * the same role, of the same owner, at the same time. In a migrated
 * conversation any such message is unexpected, and not looked at here.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "relation.h"
#include "validate_sql.h"
#include "validation.h"

static char *owner_of(const MigrationPlan *plan, const char *alias);
static char *same_owner(const MigrationPlan *plan);
static char *made_conversations(const MigrationPlan *plan);

/* So that no collation calls two contents the same, and NULL is a time. */
#define SAME_WORDS                                                             \
	"(x.content COLLATE \"C\") = (o.content::text COLLATE \"C\") "             \
	"AND x.role = (o.role::text COLLATE \"C\") "                               \
	"AND x.at = coalesce(o.created_at, '-infinity')"

/*
 * What might be one is looked for first: mostly there is none. In others'
 * tables they may have been there before, and whoever forced the migration may
 * have wanted them twice.
 */
void
chatmig_validate_duplicates(Validation *validation)
{
	const MigrationPlan *plan = validation->plan;
	const char *messages;
	char *key;

	if (plan == NULL || plan->in_place ||
		(validation->survey.is_made && !validation->survey.has_strangers) ||
		!chatmig_validate_wants(validation, CHECK_MESSAGE_DUPLICATE,
								CHECK_MESSAGE_DUPLICATE))
		return;
	messages = plan->relation[TARGET_MESSAGES];
	key = chatmig_validate_sql_key(plan->mapping, "t.key_%d");
	chatmig_validate_query(
		validation,
		psprintf(
			"WITH x AS MATERIALIZED (SELECT x.id, x.conversation_id, "
			"x.content::text AS content, "
			"(x.role::text COLLATE \"C\") AS role, "
			"coalesce(x.created_at, '-infinity') AS at, %s AS owner "
			"FROM %s AS x WHERE (x.created_at >= %s::timestamptz) IS NOT TRUE "
			"AND x.content <> '' AND NOT EXISTS (SELECT FROM (%s) AS r "
			"WHERE r.conversation_id = x.conversation_id)) "
			"SELECT DISTINCT ON (x.id) %d, %d, %s, x.conversation_id::text, "
			"x.id::text, format('The message %%s was made of no legacy row, "
			"and says at the same time the same as message %%s of legacy key "
			"%%s.', x.id, o.id, %s) "
			"FROM %s AS t CROSS JOIN LATERAL unnest(t.message_ids) AS i (id) "
			"JOIN %s AS o ON o.id = i.id "
			"JOIN x ON " SAME_WORDS " AND %s "
			"WHERE x.id NOT IN (SELECT i.id FROM %s AS t CROSS JOIN LATERAL "
			"unnest(t.message_ids) AS i (id) WHERE i.id IS NOT NULL) "
			"ORDER BY x.id, o.id",
			owner_of(plan, "x"), messages,
			quote_literal_cstr(timestamptz_to_str(plan->migrated_at)),
			made_conversations(plan), CHECK_MESSAGE_DUPLICATE,
			plan->created[TARGET_MESSAGES] ? CHECK_VIOLATION : CHECK_WARNING,
			key, key, plan->qualified[TARGET_TRACE], messages, same_owner(plan),
			plan->qualified[TARGET_TRACE]),
		NULL);
}

/* A message's own, or its conversation's; NULL where nobody has one. */
static char *
owner_of(const MigrationPlan *plan, const char *alias)
{
	const char *column;

	if (plan->owner_column == NULL)
		return pstrdup("NULL::int");
	column = quote_identifier(plan->owner_column);
	if (chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_OWNER) != NULL)
		return psprintf("%s.%s", alias, column);
	return psprintf("(SELECT c.%s FROM %s AS c WHERE c.id = "
					"%s.conversation_id)",
					column, plan->relation[TARGET_CONVERSATIONS], alias);
}

static char *
same_owner(const MigrationPlan *plan)
{
	const Column *owner = &plan->mapping->parts[PART_OWNER];

	if (plan->owner_column == NULL)
		return pstrdup("true");
	return psprintf("NOT %s", chatmig_validate_sql_differs(
								  owner, "x.owner", owner_of(plan, "o")));
}

static char *
made_conversations(const MigrationPlan *plan)
{
	return psprintf("SELECT r.conversation_id FROM %s AS r%s",
					plan->qualified[TARGET_TRACE],
					plan->uses[TARGET_OWNERS]
						? psprintf(" UNION ALL SELECT r.conversation_id "
								   "FROM %s AS r",
								   plan->qualified[TARGET_OWNERS])
						: "");
}
