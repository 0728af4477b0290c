/*
 * role.c
 *	  The roles of messages and how applications spell them.
 */
#include "postgres.h"

#include "role.h"

const char *const chatmig_role_names[NUM_ROLES] = {"user", "assistant",
												   "system", "tool"};

/*
 * Collected from the schemas of published chat applications. A spelling is
 * here only if it cannot mean anything else.
 */
const RoleSpelling chatmig_known_spellings[] = {
	{"user", ROLE_USER},
	{"human", ROLE_USER},
	{"customer", ROLE_USER},
	{"client", ROLE_USER},
	{"visitor", ROLE_USER},
	{"guest", ROLE_USER},
	{"usermessage", ROLE_USER},
	{"user_message", ROLE_USER},
	{"humanmessage", ROLE_USER},
	{"assistant", ROLE_ASSISTANT},
	{"ai", ROLE_ASSISTANT},
	{"bot", ROLE_ASSISTANT},
	{"machine", ROLE_ASSISTANT},
	{"agent", ROLE_ASSISTANT},
	{"model", ROLE_ASSISTANT},
	{"chatbot", ROLE_ASSISTANT},
	{"gpt", ROLE_ASSISTANT},
	{"llm", ROLE_ASSISTANT},
	{"apimessage", ROLE_ASSISTANT},
	{"aimessage", ROLE_ASSISTANT},
	{"assistant_message", ROLE_ASSISTANT},
	{"system", ROLE_SYSTEM},
	{"systemmessage", ROLE_SYSTEM},
	{"developer", ROLE_SYSTEM},
	{"tool", ROLE_TOOL},
	{"function", ROLE_TOOL},
	{"toolmessage", ROLE_TOOL},
};
const int chatmig_n_known_spellings = lengthof(chatmig_known_spellings);

bool
chatmig_role_find(const RoleSpelling *own, int n, const char *spelling,
				  Role *role)
{
	for (int i = 0; i < n; i++)
	{
		if (strcmp(own[i].spelling, spelling) == 0)
		{
			*role = own[i].role;
			return true;
		}
	}
	for (int i = 0; i < chatmig_n_known_spellings; i++)
	{
		if (pg_strcasecmp(chatmig_known_spellings[i].spelling, spelling) == 0)
		{
			*role = chatmig_known_spellings[i].role;
			return true;
		}
	}
	return false;
}

bool
chatmig_role_parse(const char *name, Role *role)
{
	for (int i = 0; i < NUM_ROLES; i++)
	{
		if (strcmp(name, chatmig_role_names[i]) == 0)
		{
			*role = i;
			return true;
		}
	}
	return false;
}
