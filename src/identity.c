/*
 * identity.c
 *	  Ids that follow from what they name. See identity.h.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "hash128.h"
#include "identity.h"

static uint64 unix_milliseconds(Value time);
static void store_bytes(unsigned char *bytes, int n, uint64 value);

PG_FUNCTION_INFO_V1(chatmig_message_id);

/* The largest number of milliseconds that a uuid can hold: year 10889. */
#define MAX_MILLISECONDS ((UINT64CONST(1) << 48) - 1)

/* The largest part that has a place of its own; the hash tells the rest. */
#define MAX_PART 0xFFF

/*
 * RFC 9562, section 5.7; the bytes are in network order, section 4:
 *
 *	  bytes 0 .. 5	 unix_ts_ms  milliseconds since 1970
 *	  byte	6		 ver		 0111 in the upper half, ...
 *	  bytes 6, 7	 rand_a		 ... the part, in 12 bits: what a row holds
 *							 sorts in its order, as RFC 9562, section 6.2,
 *							 method 1 has it for a counter
 *	  byte	8		 var		 10 in the upper two bits, ...
 *	  bytes 8 .. 15  rand_b		 ... 62 bits of the hash
 *
 * Migration and key are hashed one after the other, the first as the seed of
 * the second, so that no two pairs of them give the same bytes.
 */
Datum
chatmig_identity_uuid(const Identity *identity)
{
	pg_uuid_t *uuid = palloc(UUID_LEN);
	Hash128 hash = {identity->kind, identity->part};

	hash =
		hash128_bytes(identity->migration, strlen(identity->migration), hash);
	hash = hash128_bytes(identity->key, strlen(identity->key), hash);

	store_bytes(uuid->data, 6, unix_milliseconds(identity->time));
	store_bytes(uuid->data + 6, 2, Min(identity->part, MAX_PART));
	store_bytes(uuid->data + 8, 8, hash.b);
	uuid->data[6] = (uuid->data[6] & 0x0F) | 0x70;
	uuid->data[8] = (uuid->data[8] & 0x3F) | 0x80;
	return UUIDPGetDatum(uuid);
}

/*
 * chatmig_message_id(migration text, key text, part integer, time timestamp)
 * -> uuid: of a message, by its legacy key as text, its part of the row (1 for
 * a question, 2 for an answer), and its time in UTC.
 */
Datum
chatmig_message_id(PG_FUNCTION_ARGS)
{
	Identity identity = {
		.kind = IDENTITY_MESSAGE,
		.migration = text_to_cstring(PG_GETARG_TEXT_PP(0)),
		.key = text_to_cstring(PG_GETARG_TEXT_PP(1)),
		.part = PG_GETARG_INT32(2),
		.time = {.datum = TimestampGetDatum(PG_GETARG_TIMESTAMP(3))}};

	PG_RETURN_DATUM(chatmig_identity_uuid(&identity));
}

Datum
chatmig_identity_random(TimestampTz time)
{
	pg_uuid_t *uuid = palloc(UUID_LEN);
	Value value = {.datum = TimestampTzGetDatum(time)};

	if (!pg_strong_random(uuid->data, UUID_LEN))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate random values")));
	store_bytes(uuid->data, 6, unix_milliseconds(value));
	uuid->data[6] = (uuid->data[6] & 0x0F) | 0x70;
	uuid->data[8] = (uuid->data[8] & 0x3F) | 0x80;
	return UUIDPGetDatum(uuid);
}

static uint64
unix_milliseconds(Value time)
{
	const int64 epoch =
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	TimestampTz timestamp = DatumGetTimestampTz(time.datum);

	/* Also so that nothing below can overflow. */
	if (!time.isnull && timestamp > DT_NOEND - epoch)
		return MAX_MILLISECONDS;
	if (time.isnull || timestamp < -epoch)
		return 0;
	return Min((uint64) (timestamp + epoch) / 1000, MAX_MILLISECONDS);
}

/* The lower n bytes of the value, the most significant one first. */
static void
store_bytes(unsigned char *bytes, int n, uint64 value)
{
	for (int i = n - 1; i >= 0; i--, value >>= 8)
		bytes[i] = value & 0xFF;
}
