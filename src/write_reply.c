/*
 * write_reply.c
 *	  Messages reply to those of the legacy row that theirs names.
 *
 * In: a plan, and messages that are written: the row that is answered may come
 * after the one that answers. Out: chains of replies, as the legacy table had
 * them.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "query.h"
#include "relation.h"
#include "write_reply.h"

void
chatmig_write_replies(const MigrationPlan *plan)
{
	const Mapping *mapping = plan->mapping;
	const char *id = chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_ID);
	const char *reply =
		chatmig_relation_column(plan, TARGET_MESSAGES, FIELD_REPLY_TO);
	const char *equals = chatmig_plan_equality(mapping->keys[0].type);
	char *named;

	if (!HAS_PART(mapping, PART_REPLY_TO) || plan->in_place || reply == NULL)
		return;
	named =
		psprintf("s.%s", quote_identifier(mapping->parts[PART_REPLY_TO].name));
	(void) chatmig_query_run(
		psprintf("UPDATE %s AS x SET %s = r.answered FROM (SELECT "
				 "(array_remove(t.message_ids, NULL))[1] AS id, "
				 "a.message_ids[array_upper(a.message_ids, 1)] AS answered "
				 "FROM %s AS s JOIN %s AS t ON t.key_1 %s s.%s "
				 "JOIN %s AS a ON a.key_1 %s %s "
				 "WHERE %s IS NOT NULL AND NOT (a.key_1 %s t.key_1)) AS r "
				 "WHERE x.%s = r.id AND x.%s IS NULL",
				 plan->qualified[TARGET_MESSAGES], reply, plan->source_name,
				 plan->qualified[TARGET_TRACE], equals,
				 quote_identifier(mapping->keys[0].name),
				 plan->qualified[TARGET_TRACE], equals, named, named, equals,
				 id, reply),
		NULL);
}
