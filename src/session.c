/*
 * session.c
 *	  What a conversation keeps of the session that it was.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "session.h"

static bool is_number(Oid type);

Value
chatmig_session_metadata(const Mapping *mapping, Value session)
{
	const Column *column = &mapping->parts[PART_SESSION];
	JsonbParseState *state = NULL;
	JsonbValue name = {.type = jbvString};
	JsonbValue value = {.type = jbvString};
	Value result = {.isnull = true};
	Oid output;
	bool is_varlena;
	char *text;

	if (column->name == NULL || session.isnull)
		return result;
	getTypeOutputInfo(column->type, &output, &is_varlena);
	text = OidOutputFunctionCall(output, session.datum);
	value.val.string.val = text;
	value.val.string.len = strlen(text);
	if (is_number(getBaseType(column->type)))
	{
		Numeric number = DatumGetNumeric(DirectFunctionCall3(
			numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
			Int32GetDatum(-1)));

		/* JSON has no others, and a dump with them could not be restored */
		if (!numeric_is_nan(number) && !numeric_is_inf(number))
		{
			value.type = jbvNumeric;
			value.val.numeric = number;
		}
	}
	name.val.string.val = column->name;
	name.val.string.len = strlen(column->name);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &name);
	pushJsonbValue(&state, WJB_VALUE, &value);
	result.datum = JsonbPGetDatum(
		JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
	result.isnull = false;
	return result;
}

/* Not all types of that category are written as numbers: money is not. */
static bool
is_number(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID ||
		   type == FLOAT4OID || type == FLOAT8OID || type == NUMERICOID;
}
