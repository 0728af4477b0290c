/*
 * vocabulary.c
 *	  What columns and tables of chats are called, as data.
 *
 * Names come in, and how well they fit comes out; no table is opened and
 * nothing is decided here, that is detect.c's. To teach chatmig a new name,
 * add a word to a list below: normalised (see vocabulary.h), "*x" for all
 * names that end in x, words separated by one space.
 *
 * Where a better tier names one column and a worse tier another, the better
 * one is taken. Names that mean the same belong into the same tier, so that a
 * table that has both is ambiguous and its owner is asked.
 */
#include "postgres.h"

#include "vocabulary.h"

#define ANY_ID (HOLDS_TEXT | HOLDS_INT | HOLDS_NUMBER | HOLDS_UUID)
#define FLAG (HOLDS_BOOL | HOLDS_INT)
#define WORD (HOLDS_TEXT | HOLDS_ENUM)

/* Names of columns; "poor" are types that can only just do. */
static const struct
{
	Part part;
	int tier;
	int holds;
	int poor;
	const char *names;
} columns[] = {
	{PART_QUESTION, TIER_CHAT, HOLDS_TEXT, HOLDS_JSON,
	 "usermessage usermsg userprompt userinput userquery userquestion "
	 "usertext usercontent userrequest userutterance usersaid humanmessage "
	 "humaninput humantext messageuser customermessage clientmessage "
	 "visitormessage studentmessage studentquestion patientmessage "
	 "incomingmessage messagein chatinput chatquestion chatprompt "
	 "promptmessage"},
	{PART_QUESTION, TIER_PLAIN, HOLDS_TEXT, HOLDS_JSON,
	 "message question prompt query questiontext problemtext prompttext "
	 "querytext transcribedtext inputtext inputmessage messagetext requesttext"},
	{PART_QUESTION, TIER_WEAK, HOLDS_TEXT, HOLDS_JSON,
	 "input msg text content body utterance ask problem instruction"},
	{PART_QUESTION, TIER_SPEAKER, HOLDS_TEXT, HOLDS_JSON, "user human"},

	{PART_ANSWER, TIER_CHAT, HOLDS_TEXT, HOLDS_JSON,
	 "airesponse aireply aianswer aimessage aioutput aicontent aitext "
	 "botresponse botreply botanswer botmessage botoutput bottext "
	 "chatbotresponse chatbotreply chatresponse chatanswer chatoutput "
	 "assistantmessage assistantresponse assistantreply assistantanswer "
	 "assistantcontent assistantoutput assistanttext llmoutput llmresponse "
	 "llmanswer llmreply gptresponse gptanswer gptreply gptoutput "
	 "chatgptresponse openairesponse clauderesponse geminiresponse "
	 "modelresponse modeloutput modelanswer agentresponse agentreply "
	 "agentmessage machineresponse systemresponse completion "
	 "generatedtext generatedanswer generatedresponse outgoingmessage "
	 "messageout mentorresponse tutorresponse"},
	{PART_ANSWER, TIER_PLAIN, HOLDS_TEXT, HOLDS_JSON,
	 "response answer reply responsetext responsemessage responsecontent "
	 "answertext replytext replymessage outputtext outputmessage"},
	{PART_ANSWER, TIER_WEAK, HOLDS_TEXT, HOLDS_JSON, "output result"},
	{PART_ANSWER, TIER_SPEAKER, HOLDS_TEXT, HOLDS_JSON,
	 "assistant bot ai chatbot"},

	{PART_ROLE, TIER_CHAT, WORD | FLAG, 0,
	 "role messagerole chatrole senderrole authorrole speakerrole msgrole"},
	{PART_ROLE, TIER_CHAT, FLAG, 0,
	 "isuser isbot isai isassistant ishuman isusermessage isbotmessage "
	 "isaimessage isfromuser isfrombot isfromai isfromassistant isfromhuman "
	 "fromuser frombot fromai fromassistant fromhuman sentbyuser sentbybot "
	 "isresponse isbotresponse isairesponse issentbyuser isme"},
	{PART_ROLE, TIER_PLAIN, WORD, 0, "sender speaker"},
	{PART_ROLE, TIER_PLAIN, WORD | HOLDS_INT, 0,
	 "sendertype senderkind authortype speakertype fromtype usertype "
	 "participanttype"},
	{PART_ROLE, TIER_WEAK, WORD, 0,
	 "author from type messagetype msgtype direction source actor who side "
	 "origin sentby sendername"},

	{PART_CONTENT, TIER_CHAT, HOLDS_TEXT, HOLDS_JSON,
	 "content messagecontent messagetext messagebody chatmessage "
	 "textcontent msgtext msgcontent contenttext"},
	{PART_CONTENT, TIER_PLAIN, HOLDS_TEXT, HOLDS_JSON,
	 "message text body parts"},
	{PART_CONTENT, TIER_WEAK, HOLDS_TEXT, HOLDS_JSON, "msg utterance"},

	{PART_OWNER, TIER_CHAT, ANY_ID, 0,
	 "userid user useruuid userpk userref uid ownerid owner enduserid "
	 "appuserid"},
	{PART_OWNER, TIER_PLAIN, ANY_ID, 0,
	 "accountid account customerid customer memberid member clientid client "
	 "profileid studentid student patientid visitorid guestid contactid "
	 "subscriberid employeeid playerid learnerid personid buyerid leadid "
	 "createdby telegramid discordid slackid whatsappid waid "
	 "externaluserid openid unionid *userid *memberid *customerid "
	 "*studentid *patientid"},
	{PART_OWNER, TIER_WEAK, ANY_ID, 0,
	 "workspaceid workspace tenantid organizationid organisationid orgid "
	 "teamid companyid username useremail userphone phone phonenumber "
	 "mobile mobilenumber callerphone customerphone contactphone callerid email emailaddress msisdn wanumber deviceid "
	 "fromnumber fromphone sendernumber senderphone sender from senderid "
	 "authorid author"},

	{PART_COUNTERPART, TIER_CHAT, ANY_ID, 0,
	 "mentorid agentid botid assistantid characterid personaid chatbotid "
	 "companionid coachid tutorid expertid advisorid avatarid"},
	{PART_COUNTERPART, TIER_PLAIN, ANY_ID | HOLDS_ENUM, 0,
	 "mentor agent bot assistant character persona chatbot companion coach "
	 "tutor botname agentname assistantname charactername personaname "
	 "mentorname chatflowid"},

	{PART_SESSION, TIER_CHAT, ANY_ID, 0,
	 "conversationid conversationuuid conversation chatid chatuuid chat "
	 "threadid thread dialogid dialogueid chatsessionid chatthreadid "
	 "conversationkey"},
	{PART_SESSION, TIER_PLAIN, ANY_ID, 0,
	 "sessionid session sessionuuid sessionkey sessiontoken roomid "
	 "chatroomid channelid topicid"},
	{PART_SESSION, TIER_WEAK, ANY_ID, 0,
	 "*sessionid *conversationid *threadid *chatid connectionid"},

	{PART_TIME, TIER_CHAT, HOLDS_TIME, HOLDS_INT | HOLDS_NUMBER | HOLDS_TEXT,
	 "createdat createdon createddate createdtime createtime createdate "
	 "creationdate creationtime createdatutc createdts createdtimestamp "
	 "timestamp messagetime messagetimestamp messagedate messagets sentat "
	 "senton sentdate senttime chattime msgtime"},
	{PART_TIME, TIER_PLAIN, HOLDS_TIME, HOLDS_INT | HOLDS_NUMBER | HOLDS_TEXT,
	 "ts at time datetime date created sent insertedat loggedat addedat "
	 "occurredat askedat postedat requestedat recordedat receivedat "
	 "dateadded datecreated datesent eventtime logtime chatdate timesent"},
	{PART_TIME, TIER_WEAK, HOLDS_TIME, HOLDS_INT | HOLDS_NUMBER | HOLDS_TEXT,
	 "respondedat answeredat repliedat startedat starttime"},

	{PART_MODEL, TIER_CHAT, WORD, 0,
	 "model modelname aimodel llmmodel gptmodel chatmodel"},
	{PART_MODEL, TIER_PLAIN, WORD, 0,
	 "modelid modelused modelslug modelversion llmname llm usedmodel"},
	{PART_MODEL, TIER_WEAK, WORD, 0, "engine aimodelname deployment"},

	{PART_TOKENS, TIER_CHAT, HOLDS_INT, 0,
	 "tokens tokencount numtokens ntokens tokenscount"},
	{PART_TOKENS, TIER_PLAIN, HOLDS_INT, 0,
	 "tokensused usedtokens totaltokens tokenusage tokenstotal"},

	{PART_METADATA, TIER_CHAT, HOLDS_JSON, 0,
	 "metadata meta messagemetadata metadatajson metajson msgmetadata"},
	{PART_METADATA, TIER_PLAIN, HOLDS_JSON, 0,
	 "extra extradata extrametadata additionalmetadata additionaldata "
	 "attributes contentattributes properties"},

	{PART_MEDIA, TIER_CHAT, HOLDS_TEXT, 0,
	 "mediaurl mediauri medialink attachmenturl attachmenturi"},
	{PART_MEDIA, TIER_PLAIN, HOLDS_TEXT, 0,
	 "fileurl imageurl audiourl videourl voiceurl photourl documenturl "
	 "fileuri imageuri"},
	{PART_MEDIA, TIER_WEAK, HOLDS_TEXT, 0,
	 "media image attachment audio video filepath mediapath imagepath"},

	{PART_MEDIA_TYPE, TIER_CHAT, WORD, 0,
	 "mediatype mediamimetype mediakind attachmenttype"},
	{PART_MEDIA_TYPE, TIER_PLAIN, WORD, 0,
	 "mimetype filetype mime contenttype"},
};

/* Names of tables whose rows play a part. */
static const struct
{
	Part part;
	const char *names;
} tables[] = {
	{PART_OWNER,
	 "user *users *user account *accounts member *members customer "
	 "*customers client clients workspace workspaces profile *profiles "
	 "tenant tenants person persons people contact contacts student "
	 "students patient patients organization organizations organisation "
	 "organisations team teams company companies visitor visitors guest "
	 "guests player players employee employees"},
	{PART_COUNTERPART,
	 "mentor mentors agent agents bot bots chatbot chatbots assistant "
	 "assistants character characters persona personas companion "
	 "companions coach coaches tutor tutors expert experts chatflow "
	 "chatflows"},
	{PART_SESSION,
	 "chat chats conversation *conversations thread *threads session "
	 "*sessions dialog dialogs dialogue dialogues chatroom chatrooms "
	 "room rooms"},
};

/* Columns that refer to users and yet do not say whose history it is. */
static const char not_owners[] =
	"updatedby deletedby modifiedby editedby reviewedby approvedby readby "
	"moderatedby answeredby repliedby respondedby assignedto assigneeid "
	"receiverid recipientid receiver recipient toid touserid targetuserid "
	"mentionedid";

/* Tables of any kind say so who wrote a row. */
static const char makers[] = "createdby author authorid addedby";

/*
 * In a flat table these differ from row to row of one conversation, so they
 * would tear it apart.
 */
static const char not_owners_of_flat[] =
	"sender senderid senderuserid from fromid fromuserid fromnumber "
	"fromphone sendernumber senderphone author authorid createdby";

/* Parts of table names; the first list that has a match decides. */
static const struct
{
	TableName verdict;
	const char *words;
} table_words[] = {
	{TABLE_NAME_CHAT, "chat conversation dialog llm gpt assistant"},
	{TABLE_NAME_OTHER,
	 "faq comment ticket mail order contact notification quiz survey poll "
	 "forum review feedback flashcard interview product article blog news "
	 "exam template translation security knowledge audit invoice queue "
	 "outbox webhook apilog apirequest requestlog errorlog accesslog "
	 "systemlog eventlog activit announcement enquir inquir support helpdesk "
	 "testimonial complaint suggestion guestbook campaign alert incident "
	 "appointment trivia riddle"},
	{TABLE_NAME_OTHER, "answers questionnaire onboarding submission assessment "
					   "evaluation"},
	{TABLE_NAME_MESSAGES, "message msg prompt bot talk copilot"},
};

/* Columns that tables of other kinds have, and chats have not. */
static const char foreign_columns[] =
	"subject recipient recipients recipientid recipientemail receiver "
	"receiverid receivertype recipienttype toaddress toemail fromaddress fromemail cc bcc to "
	"ticketid ticketnumber issueid priority postid articleid blogid productid "
	"commentid orderid ordernumber invoiceid reviewid forumid quizid surveyid "
	"questionid examid courseid deckid categoryid slug price amount "
	"quantity sku correctanswer iscorrect options choices difficulty points "
	"sortorder displayorder ispublished published isapproved approved website "
	"fullname firstname lastname httpmethod method endpoint statuscode "
	"retrycount attempts maxattempts scheduledat "
	"helpfulcount viewcount views "
	"questionnumber questionno questionindex questionorder questiontype "
	"selectedoption optionid submissionid formid assessmentid attemptid "
	"level severity loglevel logger loggername stacktrace "
	"nextreview nextreviewat nextreviewdate duedate easefactor repetitions "
	"hint explanation";

static const char transcript_columns[] =
	"messages transcript conversation conversations history chathistory "
	"messagehistory chat dialog dialogue thread envelope envelopejson "
	"chatlog chatdata chatjson messagesjson conversationjson "
	"conversationhistory transcriptjson";

/* Parts of the names of columns of text that may hold JSON. */
static const char json_words[] =
	"json messages conversation transcript history chatlog payload envelope";

static bool in_list(const char *list, const char *name);
static bool has_word_of(const char *list, const char *name);

char *
chatmig_vocabulary_normalise(const char *name)
{
	char *result = palloc(strlen(name) + 1);
	char *to = result;

	for (const char *from = name; *from; from++)
		if (*from != '_' && *from != '-' && *from != ' ')
			*to++ = pg_ascii_tolower((unsigned char) *from);
	*to = '\0';
	return result;
}

int
chatmig_vocabulary_tier(Part part, Shape shape, const char *column, int holds)
{
	if (part == PART_OWNER && !chatmig_vocabulary_may_own(column, shape))
		return TIER_NONE;
	for (int i = 0; i < lengthof(columns); i++)
	{
		if (columns[i].part != part ||
			((columns[i].holds | columns[i].poor) & holds) == 0 ||
			!in_list(columns[i].names, column))
			continue;
		return columns[i].tier + (columns[i].poor & holds ? TIER_STEP : 0);
	}
	return TIER_NONE;
}

bool
chatmig_vocabulary_is_table_of(Part part, const char *table)
{
	for (int i = 0; i < lengthof(tables); i++)
		if (tables[i].part == part)
			return in_list(tables[i].names, table);
	return false;
}

bool
chatmig_vocabulary_may_own(const char *column, Shape shape)
{
	return !in_list(not_owners, column) &&
		   !(shape == SHAPE_FLAT && in_list(not_owners_of_flat, column));
}

bool
chatmig_vocabulary_is_maker(const char *column)
{
	return in_list(makers, column);
}

TableName
chatmig_vocabulary_judge_table(const char *table)
{
	for (int i = 0; i < lengthof(table_words); i++)
		if (has_word_of(table_words[i].words, table))
			return table_words[i].verdict;
	return TABLE_NAME_NEUTRAL;
}

bool
chatmig_vocabulary_is_foreign(const char *column)
{
	return in_list(foreign_columns, column);
}

bool
chatmig_vocabulary_may_be_json(const char *column)
{
	return has_word_of(json_words, column);
}

bool
chatmig_vocabulary_is_transcript(const char *column, int holds)
{
	return (holds & (HOLDS_TEXT | HOLDS_JSON)) != 0 &&
		   in_list(transcript_columns, column);
}

/* True if the name is a word of the list, or ends as a word "*..." says. */
static bool
in_list(const char *list, const char *name)
{
	size_t name_length = strlen(name);

	for (const char *word = list; *word;)
	{
		size_t length = strcspn(word, " ");

		if (*word == '*')
		{
			if (length - 1 <= name_length &&
				strncmp(word + 1, name + name_length - (length - 1),
						length - 1) == 0)
				return true;
		}
		else if (length == name_length && strncmp(word, name, length) == 0)
			return true;
		word += length;
		word += strspn(word, " ");
	}
	return false;
}

/* True if a word of the list is a part of the name. */
static bool
has_word_of(const char *list, const char *name)
{
	for (const char *word = list; *word;)
	{
		size_t length = strcspn(word, " ");

		for (const char *at = name; *at; at++)
			if (strncmp(at, word, length) == 0)
				return true;
		word += length;
		word += strspn(word, " ");
	}
	return false;
}
