/*
 * destination.c
 *	  The target of a registration, as the user described it.
 *
 * In: the jsonb that the user wrote. Out: names. A table is given by its name,
 * or as {"table": name, "columns": {field: column}}, or as null where there
 * shall be none. Looks at no catalog: whether such tables exist is found out
 * when a migration is planned.
 */
#include "postgres.h"

#include "arguments.h"
#include "destination.h"

static const char *const target_keys[] = {"schema", "conversations", "messages",
										  "media",  "trace",         "links"};
static const char *const table_keys[] = {"table", "columns"};
static const char *const messages_keys[] = {"table", "columns", "roles"};
/* The first three a link must have. */
static const char *const link_keys[] = {"table", "owner", "conversation",
										"schema"};
#define REQUIRED_LINK_KEYS 3

static void parse_table(Jsonb *jsonb, TargetTable table,
						Destination *destination);
static void parse_columns(Jsonb *jsonb, TargetTable table,
						  DestinationTable *parsed);
static void parse_role(const char *name, const char *value, void *state);
static void parse_links(Jsonb *jsonb, Destination *destination);
static void check_name(const char *name, const char *key);

void
chatmig_destination_parse(Jsonb *jsonb, Destination *destination)
{
	MemSet(destination, 0, sizeof(Destination));
	chatmig_arguments_check(jsonb, "target", target_keys,
							lengthof(target_keys));
	destination->schema = chatmig_arguments_string(jsonb, "target", "schema");
	for (TargetTable table = 0; table < NUM_NAMED_TARGETS; table++)
		parse_table(jsonb, table, destination);
	parse_links(jsonb, destination);
}

static void
parse_table(Jsonb *jsonb, TargetTable table, Destination *destination)
{
	DestinationTable *parsed = &destination->tables[table];
	const char *key = chatmig_target_names[table];
	Jsonb *object;

	if (!chatmig_arguments_has(jsonb, key))
		return;
	parsed->is_named = true;
	parsed->is_none = chatmig_arguments_is_null(jsonb, key);
	if (table == TARGET_TRACE && parsed->is_none)
		parsed->is_named = parsed->is_none = false;
	if (parsed->is_none)
		return;
	object = table == TARGET_TRACE
				 ? NULL
				 : chatmig_arguments_object(jsonb, "target", key);
	if (object == NULL)
		parsed->name = chatmig_arguments_string(jsonb, "target", key);
	else
	{
		bool is_messages = table == TARGET_MESSAGES;

		chatmig_arguments_check(object, psprintf("\"%s\" in target", key),
								is_messages ? messages_keys : table_keys,
								is_messages ? lengthof(messages_keys)
											: lengthof(table_keys));
		parsed->name = chatmig_arguments_string(object, "target", "table");
		if (parsed->name == NULL)
			parsed->name = pstrdup(key);
		parse_columns(object, table, parsed);
		if (is_messages)
			chatmig_arguments_each(object, "target", "roles", parse_role,
								   destination);
	}
	check_name(parsed->name, key);
}

static void
parse_columns(Jsonb *jsonb, TargetTable table, DestinationTable *parsed)
{
	Jsonb *columns = chatmig_arguments_object(jsonb, "target", "columns");
	const char *known[NUM_NAMED_FIELDS];
	int n;
	const FieldDefinition *definitions = chatmig_field_definitions(table, &n);

	if (columns == NULL)
		return;
	for (int i = 0; i < n; i++)
		known[i] = chatmig_field_names[definitions[i].field];
	chatmig_arguments_check(columns,
							psprintf("\"columns\" of \"%s\" in target",
									 chatmig_target_names[table]),
							known, n);
	for (int i = 0; i < n; i++)
	{
		Field field = definitions[i].field;

		parsed->has_column[field] = chatmig_arguments_has(columns, known[i]);
		parsed->columns[field] =
			chatmig_arguments_string(columns, "target", known[i]);
	}
}

static void
parse_role(const char *name, const char *value, void *state)
{
	Destination *destination = state;
	Role role;

	if (!chatmig_role_parse(name, &role))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown role \"%s\" in target", name),
			 errdetail("The messages' table shall call it \"%s\".", value),
			 errhint(
				 "Known roles: user, assistant, system, tool. Write for instance {\"roles\": {\"assistant\": \"%s\"}}.",
				 value)));
	destination->roles[role] = pstrdup(value);
}

static void
parse_links(Jsonb *jsonb, Destination *destination)
{
	ListCell *lc;

	foreach(lc, chatmig_arguments_objects(jsonb, "target", "links"))
	{
		DestinationLink *link = palloc0(sizeof(DestinationLink));
		char **const values[] = {&link->table, &link->owner,
								 &link->conversation};

		chatmig_arguments_check(lfirst(lc), "a link in target", link_keys,
								lengthof(link_keys));
		link->schema = chatmig_arguments_string(lfirst(lc), "target", "schema");
		for (int i = 0; i < REQUIRED_LINK_KEYS; i++)
		{
			*values[i] =
				chatmig_arguments_string(lfirst(lc), "target", link_keys[i]);
			if (*values[i] == NULL)
				ereport(
					ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a link in target has no \"%s\"", link_keys[i]),
					 errdetail(
						 "A link names a table, its column with the owner, and its column for the conversation."),
					 errhint(
						 "Write for instance {\"links\": [{\"table\": \"games\", \"owner\": \"workspace_id\", \"conversation\": \"conversation_id\"}]}.")));
			check_name(*values[i], link_keys[i]);
		}
		destination->links = lappend(destination->links, link);
	}
}

static void
check_name(const char *name, const char *key)
{
	if (name == NULL || (name[0] != '\0' && strlen(name) < NAMEDATALEN))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_NAME),
		 errmsg("invalid name \"%s\" for the %s table", name, key),
		 errdetail("A name has 1 to %d bytes.", NAMEDATALEN - 1),
		 errhint(
			 "Give the name alone; the schema is a key of its own: target => '{\"schema\": \"...\", \"%s\": \"...\"}'.",
			 key)));
}
