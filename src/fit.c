/*
 * fit.c
 *	  Messages that a target which was there before cannot hold.
 *
 * In: a row's messages, as split made them. Out: those that fit; the others
 * are rejects. A message that is cut off would be a lost one.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "fit.h"

static void drop(SplitRow *split, int i, int nkept);
static SplitReject *refusal(const MigrationPlan *plan, const Message *message);
static SplitReject *too_long(const MigrationPlan *plan, Field field,
							 Value value);
static int64 characters(Value value, int64 limit);

void
chatmig_fit_row(const MigrationPlan *plan, SplitRow *split)
{
	int n = 0;

	if (plan->fields[TARGET_MESSAGES] == NULL || plan->in_place)
		return;
	for (int i = 0; i < split->nmessages; i++)
	{
		SplitReject *reject = refusal(plan, &split->messages[i]);

		if (reject == NULL)
			split->messages[n++] = split->messages[i];
		else if (plan->mapping->shape > SHAPE_FLAT)
		{
			reject->part = split->messages[i].part;
			split->rejects = lappend(split->rejects, reject);
			drop(split, i, n);
		}
		else
		{
			split->rejects = list_make1(reject);
			n = 0;
			break;
		}
	}
	split->nmessages = n;
}

/*
 * Of a transcript: the next message has nothing to reply to, and what the row
 * cost is for the last one that comes through.
 */
static void
drop(SplitRow *split, int i, int nkept)
{
	if (i + 1 < split->nmessages)
		split->messages[i + 1].replies = false;
	else if (nkept > 0)
		split->messages[nkept - 1].tokens = split->messages[i].tokens;
}

/* NULL: it fits. */
static SplitReject *
refusal(const MigrationPlan *plan, const Message *message)
{
	SplitReject *reject;

	if (plan->role_values[message->role] == NULL)
	{
		reject = palloc0(sizeof(SplitReject));
		reject->code = "role_not_allowed";
		reject->reason = psprintf("%s has no role for the messages of the %s.",
								  plan->qualified[TARGET_MESSAGES],
								  chatmig_role_names[message->role]);
		return reject;
	}
	reject = too_long(plan, FIELD_CONTENT, message->content);
	if (reject == NULL)
		reject = too_long(plan, FIELD_MODEL, message->model);
	return reject;
}

static SplitReject *
too_long(const MigrationPlan *plan, Field field, Value value)
{
	const Column *column = &plan->fields[TARGET_MESSAGES][field];
	int64 limit = column->typmod - VARHDRSZ;
	SplitReject *reject;
	int64 length;

	if (value.isnull || column->name == NULL || column->typmod < 0 ||
		getBaseType(column->type) == TEXTOID)
		return NULL;
	length = characters(value, limit);
	if (length <= limit)
		return NULL;
	reject = palloc0(sizeof(SplitReject));
	reject->code = "too_long";
	reject->reason =
		psprintf("Its %s has %lld characters; column \"%s\" of %s takes %lld.",
				 chatmig_field_names[field], (long long) length, column->name,
				 plan->qualified[TARGET_MESSAGES], (long long) limit);
	return reject;
}

/* Not fetched where its bytes are few enough already. */
static int64
characters(Value value, int64 limit)
{
	int64 bytes = toast_raw_datum_size(value.datum) - VARHDRSZ;
	text *whole;

	if (bytes <= limit)
		return bytes;
	whole = DatumGetTextPP(value.datum);
	return pg_mbstrlen_with_len(VARDATA_ANY(whole), VARSIZE_ANY_EXHDR(whole));
}
