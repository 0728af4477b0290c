/*
 * field.c
 *	  The columns that the tables of a target can have, whatever their names.
 *
 * Nothing but tables: what each field is called, by chatmig and by others, and
 * what it holds.
 */
#include "postgres.h"

#include "field.h"

const char *const chatmig_field_names[NUM_NAMED_FIELDS] = {
	"id",        "conversation", "position", "role",    "content",
	"model",     "tokens",       "metadata", "media",   "reply_to",
	"owner",     "counterpart",  "session",  "title",   "description",
	"is_active", "url",          "type",     "summary", "created_at",
	"updated_at"};

#define NO_PART NUM_PARTS
#define NO_TABLE NUM_TARGETS

#define CREATED                                                                \
	" createdat timestamp created createdon createddate createtime sentat "    \
	"time date insertedat "

#define UPDATED " updatedat updated updatedon modifiedat lastupdated "

static const FieldDefinition conversations[] = {
	{FIELD_ID, KIND_ID, true, NO_PART, NO_TABLE, " id conversationid chatid "},
	{FIELD_OWNER, KIND_PART, false, PART_OWNER, NO_TABLE, " userid ownerid "},
	{FIELD_COUNTERPART, KIND_PART, false, PART_COUNTERPART, NO_TABLE, " "},
	{FIELD_SESSION, KIND_PART, false, PART_SESSION, NO_TABLE, " sessionid "},
	{FIELD_TITLE, KIND_TEXT, false, NO_PART, NO_TABLE,
	 " title name subject topic "},
	{FIELD_DESCRIPTION, KIND_TEXT, false, NO_PART, NO_TABLE,
	 " description summary "},
	{FIELD_IS_ACTIVE, KIND_BOOLEAN, false, NO_PART, NO_TABLE,
	 " isactive active "},
	{FIELD_METADATA, KIND_JSON, false, NO_PART, NO_TABLE,
	 " metadata meta extra "},
	{FIELD_CREATED_AT, KIND_TIME, false, NO_PART, NO_TABLE, CREATED},
	{FIELD_UPDATED_AT, KIND_TIME, false, NO_PART, NO_TABLE,
	 " updatedat updated updatedon lastmessageat lastactivityat modifiedat "
	 "lastupdated "}};

static const FieldDefinition messages[] = {
	{FIELD_ID, KIND_ID, true, NO_PART, NO_TABLE, " id messageid "},
	{FIELD_CONVERSATION, KIND_REFERENCE, true, NO_PART, TARGET_CONVERSATIONS,
	 " conversationid chatid threadid chatconversationid dialogid "},
	{FIELD_POSITION, KIND_INTEGER, false, NO_PART, NO_TABLE,
	 " position ordinal seq sequence sequencenumber messageindex sortorder "},
	{FIELD_ROLE, KIND_ROLE, true, NO_PART, NO_TABLE,
	 " role sender senderrole sendertype author authorrole from "},
	{FIELD_CONTENT, KIND_TEXT, true, NO_PART, NO_TABLE,
	 " content text message body messagetext contents "},
	{FIELD_MODEL, KIND_TEXT, false, NO_PART, NO_TABLE,
	 " model modelname llmmodel llm "},
	{FIELD_TOKENS, KIND_INTEGER, false, NO_PART, NO_TABLE,
	 " tokens tokencount tokensused totaltokens "},
	{FIELD_METADATA, KIND_JSON, false, NO_PART, NO_TABLE,
	 " metadata meta extra additionalkwargs "},
	{FIELD_MEDIA, KIND_REFERENCE, false, NO_PART, TARGET_MEDIA,
	 " mediaid attachmentid fileid "},
	{FIELD_REPLY_TO, KIND_REFERENCE, false, NO_PART, TARGET_MESSAGES,
	 " replytoid replyto inreplyto inreplytoid parentid parentmessageid "},
	{FIELD_OWNER, KIND_PART, false, PART_OWNER, NO_TABLE, " userid ownerid "},
	{FIELD_COUNTERPART, KIND_PART, false, PART_COUNTERPART, NO_TABLE, " "},
	{FIELD_SESSION, KIND_PART, false, PART_SESSION, NO_TABLE, " sessionid "},
	{FIELD_CREATED_AT, KIND_TIME, true, NO_PART, NO_TABLE, CREATED},
	{FIELD_UPDATED_AT, KIND_TIME, false, NO_PART, NO_TABLE, UPDATED}};

static const FieldDefinition media[] = {
	{FIELD_ID, KIND_ID, true, NO_PART, NO_TABLE, " id mediaid "},
	{FIELD_OWNER, KIND_PART, false, PART_OWNER, NO_TABLE, " userid ownerid "},
	{FIELD_URL, KIND_TEXT, true, NO_PART, NO_TABLE,
	 " url uri href path location filepath fileurl "},
	{FIELD_TYPE, KIND_TEXT, false, NO_PART, NO_TABLE,
	 " type mediatype mimetype contenttype kind "},
	{FIELD_SUMMARY, KIND_TEXT, false, NO_PART, NO_TABLE,
	 " summary analysis description caption "},
	{FIELD_METADATA, KIND_JSON, false, NO_PART, NO_TABLE,
	 " metadata meta extra "},
	{FIELD_CREATED_AT, KIND_TIME, false, NO_PART, NO_TABLE, CREATED},
	{FIELD_UPDATED_AT, KIND_TIME, false, NO_PART, NO_TABLE, UPDATED}};

const FieldDefinition *
chatmig_field_definitions(TargetTable table, int *n)
{
	switch (table)
	{
		case TARGET_CONVERSATIONS:
			*n = lengthof(conversations);
			return conversations;
		case TARGET_MESSAGES:
			*n = lengthof(messages);
			return messages;
		case TARGET_MEDIA:
			*n = lengthof(media);
			return media;
		default:
			*n = 0;
			return NULL;
	}
}
