/*
 * fingerprint.c
 *	  A legacy row -> 64 bits that tell whether the row has changed.
 *
 * chatmig_fingerprint(record) -> bigint is a pure function that the read query
 * and validate call once a row. The trace keeps what it returned, and dumps
 * carry that to other servers (of the same byte order, as numbers are hashed as
 * they lie in memory), so it must be the same there, after years, and
 * after changes of the table that change no value:
 *
 * - It is the sum of one hash a column, of the column's name and its value.
 *   So the order of columns does not matter; NULLs and dropped columns add
 *   nothing.
 * - A value is hashed by its bytes, detoasted and without header, so that it
 *   does not matter how it is stored. Where the bytes hold an OID, which a
 *   restored dump would have changed, what it stands for is hashed instead:
 *   an enum's label, the values in an array or a composite, an object's name
 *   (the last depends on search_path; the other settings reach nothing here).
 *
 * Renaming a column, or changing its type, changes the fingerprint.
 *
 * chatmig_hash_text() and the like give what one column adds, and
 * chatmig_hash_sum() adds it up, so that validate hashes a long text once, for
 * its row and for its message.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "hash128.h"

/* How the values of a type are hashed. */
typedef enum ValueKind
{
	VALUE_BYTES, /* their bytes */
	VALUE_ENUM,  /* their label */
	VALUE_NAME,  /* the name of the object that they point to */
	VALUE_ARRAY, /* their elements */
	VALUE_ROW    /* as a row of their own */
} ValueKind;

typedef struct ValueType
{
	ValueKind kind;
	int16 len;
	bool byval;
	char align;
	int skip;                  /* VALUE_BYTES: bytes before the value */
	FmgrInfo output;           /* VALUE_NAME */
	struct ValueType *element; /* VALUE_ARRAY */
	struct RowType *row;       /* VALUE_ROW: of the value before, or NULL */
} ValueType;

/* A row's type, and space for its values; the outermost is in fn_extra. */
typedef struct RowType
{
	MemoryContext context; /* holds all of this */
	Oid type;
	int32 typmod;
	const TypeCacheEntry *entry; /* NULL for a record, which stays as it is */
	uint64 identifier;           /* of the type as it was: ALTER changes it */
	TupleDesc desc;
	int natts;
	ValueType *types; /* these four: arrays of natts */
	Hash128 *names;
	Datum *values;
	bool *nulls;
} RowType;

static uint64 hash_row(HeapTupleHeader header, RowType **cache,
					   MemoryContext context);
static Datum hash_named(const ValueType *type, FunctionCallInfo fcinfo);
static Hash128 hash_first_argument(FunctionCallInfo fcinfo);
static bool is_constant(const Node *call);
static bool is_row_type(const RowType *row, Oid type, int32 typmod);
static RowType *make_row_type(Oid type, int32 typmod, MemoryContext parent);
static Hash128 hash_name_of_column(const char *name, Size len);
static void find_value_type(ValueType *type, Oid oid, MemoryContext context);
static bool points_to_object(Oid type);
static uint64 hash_value(ValueType *type, Datum value, Hash128 seed,
						 MemoryContext context);
static uint64 hash_datum(const ValueType *type, Datum value, Hash128 seed);
static uint64 hash_enum(Oid value, Hash128 seed);
static uint64 hash_name(FmgrInfo *output, Datum value, Hash128 seed);
static uint64 hash_array(ValueType *element, ArrayType *array, Hash128 seed,
						 MemoryContext context);

PG_FUNCTION_INFO_V1(chatmig_fingerprint);
PG_FUNCTION_INFO_V1(chatmig_hash_sum);
PG_FUNCTION_INFO_V1(chatmig_hash_pair);
PG_FUNCTION_INFO_V1(chatmig_hash_varlena);
PG_FUNCTION_INFO_V1(chatmig_hash_four_bytes);
PG_FUNCTION_INFO_V1(chatmig_hash_eight_bytes);
PG_FUNCTION_INFO_V1(chatmig_hash_uuid);

Datum
chatmig_fingerprint(PG_FUNCTION_ARGS)
{
	HeapTupleHeader header = PG_GETARG_HEAPTUPLEHEADER(0);
	RowType *row = fcinfo->flinfo->fn_extra;
	uint64 sum;

	fcinfo->flinfo->fn_extra = NULL; /* not half a type after an error */
	sum = hash_row(header, &row, fcinfo->flinfo->fn_mcxt);
	fcinfo->flinfo->fn_extra = row;
	PG_FREE_IF_COPY(header, 0);
	PG_RETURN_INT64((int64) sum);
}

/*
 * (bigint, ...) -> bigint: the sum of hashes. NULL adds nothing: a column
 * without a value.
 */
Datum
chatmig_hash_sum(PG_FUNCTION_ARGS)
{
	uint64 sum = 0;

	for (int i = 0; i < PG_NARGS(); i++)
		if (!PG_ARGISNULL(i))
			sum += (uint64) PG_GETARG_INT64(i);
	PG_RETURN_INT64((int64) sum);
}

/*
 * (bigint, bigint) -> bigint: the server's hash of a bigint is one of 32 bits
 * of it, so that 1 and 2 to the power of 32 have the same.
 */
Datum
chatmig_hash_pair(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) hash128_pair((uint64) PG_GETARG_INT64(0),
										 (uint64) PG_GETARG_INT64(1)));
}

/*
 * (name text, value text or jsonb) -> bigint: what a column of that name and
 * value adds to its row's fingerprint.
 */
Datum
chatmig_hash_varlena(PG_FUNCTION_ARGS)
{
	static const ValueType type = {.kind = VALUE_BYTES, .len = -1};

	return hash_named(&type, fcinfo);
}

/* The same for a value of integer. */
Datum
chatmig_hash_four_bytes(PG_FUNCTION_ARGS)
{
	static const ValueType type = {
		.kind = VALUE_BYTES, .len = sizeof(int32), .byval = true};

	return hash_named(&type, fcinfo);
}

/* The same for a value of bigint, timestamp or timestamptz. */
Datum
chatmig_hash_eight_bytes(PG_FUNCTION_ARGS)
{
	static const ValueType type = {
		.kind = VALUE_BYTES, .len = sizeof(int64), .byval = true};

	return hash_named(&type, fcinfo);
}

/* The same for a value of uuid. */
Datum
chatmig_hash_uuid(PG_FUNCTION_ARGS)
{
	static const ValueType type = {.kind = VALUE_BYTES, .len = UUID_LEN};

	return hash_named(&type, fcinfo);
}

static Datum
hash_named(const ValueType *type, FunctionCallInfo fcinfo)
{
	PG_RETURN_INT64((int64) hash_datum(type, PG_GETARG_DATUM(1),
									   hash_first_argument(fcinfo)));
}

/* Once, where it is a constant, and what comes of it is in fn_extra then. */
static Hash128
hash_first_argument(FunctionCallInfo fcinfo)
{
	Hash128 *known = fcinfo->flinfo->fn_extra;
	text *name;
	Hash128 hash;

	if (known != NULL)
		return *known;
	name = PG_GETARG_TEXT_PP(0);
	hash = hash_name_of_column(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	if (is_constant(fcinfo->flinfo->fn_expr))
	{
		known = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(Hash128));
		*known = hash;
		fcinfo->flinfo->fn_extra = known;
	}
	return hash;
}

/*
 * The first argument of a call. get_fn_expr_arg_stable() says so of parameters,
 * too, and PL/pgSQL has others in each turn of a loop.
 */
static bool
is_constant(const Node *call)
{
	return call != NULL && IsA(call, FuncExpr) &&
		   IsA(linitial(((const FuncExpr *) call)->args), Const);
}

/*
 * The sum of the columns' hashes. *cache is the type of the row before, or
 * NULL; it becomes this row's, and is allocated below context.
 */
static uint64
hash_row(HeapTupleHeader header, RowType **cache, MemoryContext context)
{
	Oid type = HeapTupleHeaderGetTypeId(header);
	int32 typmod = HeapTupleHeaderGetTypMod(header);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header),
						   .t_data = header};
	RowType *row = *cache;
	uint64 sum = 0;

	check_stack_depth();
	if (row == NULL || !is_row_type(row, type, typmod))
	{
		if (row != NULL)
			MemoryContextDelete(row->context);
		*cache = NULL;
		row = *cache = make_row_type(type, typmod, context);
	}

	heap_deform_tuple(&tuple, row->desc, row->values, row->nulls);
	for (int i = 0; i < row->natts; i++)
		if (!row->nulls[i] && !TupleDescAttr(row->desc, i)->attisdropped)
			sum += hash_value(&row->types[i], row->values[i], row->names[i],
							  row->context);
	return sum;
}

/* Without a look into the server's cache of types, for each row. */
static bool
is_row_type(const RowType *row, Oid type, int32 typmod)
{
	return row->type == type && row->typmod == typmod &&
		   (row->entry == NULL ||
			row->entry->tupDesc_identifier == row->identifier);
}

static RowType *
make_row_type(Oid type, int32 typmod, MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "chatmig fingerprint",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	TupleDesc desc = lookup_rowtype_tupdesc(type, typmod);
	RowType *row = palloc(sizeof(RowType));

	row->context = context;
	row->type = type;
	row->typmod = typmod;
	row->entry = type == RECORDOID ? NULL : lookup_type_cache(type, 0);
	row->identifier = assign_record_type_identifier(type, typmod);
	row->desc = CreateTupleDescCopyConstr(desc);
	row->natts = desc->natts;
	row->types = palloc0(sizeof(ValueType) * desc->natts);
	row->names = palloc0(sizeof(Hash128) * desc->natts);
	row->values = palloc0(sizeof(Datum) * desc->natts);
	row->nulls = palloc0(sizeof(bool) * desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		find_value_type(&row->types[i], att->atttypid, context);
		row->names[i] = hash_name_of_column(NameStr(att->attname),
											strlen(NameStr(att->attname)));
	}
	ReleaseTupleDesc(desc);
	MemoryContextSwitchTo(old);
	return row;
}

static Hash128
hash_name_of_column(const char *name, Size len)
{
	return hash128_bytes(name, len, (Hash128){0, 0});
}

/* Fills a zeroed type. */
static void
find_value_type(ValueType *type, Oid oid, MemoryContext context)
{
	Oid base = getBaseType(oid);
	Oid element = get_element_type(base);
	char typtype = get_typtype(base);

	get_typlenbyvalalign(base, &type->len, &type->byval, &type->align);
	if (OidIsValid(element))
	{
		type->kind = VALUE_ARRAY;
		type->element = MemoryContextAllocZero(context, sizeof(ValueType));
		find_value_type(type->element, element, context);
	}
	else if (typtype == TYPTYPE_COMPOSITE || base == RECORDOID)
		type->kind = VALUE_ROW;
	else if (typtype == TYPTYPE_ENUM)
		type->kind = VALUE_ENUM;
	else if (typtype == TYPTYPE_RANGE || typtype == TYPTYPE_MULTIRANGE)
		type->skip = sizeof(Oid); /* of the range's type */
	else if (points_to_object(base))
	{
		Oid output;
		bool is_varlena;

		type->kind = VALUE_NAME;
		getTypeOutputInfo(base, &output, &is_varlena);
		fmgr_info_cxt(output, &type->output, context);
	}
}

/* True for the types whose values pg_dump writes as an object's name. */
static bool
points_to_object(Oid type)
{
	switch (type)
	{
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGNAMESPACEOID:
		case REGOPERATOROID:
		case REGOPEROID:
		case REGPROCEDUREOID:
		case REGPROCOID:
		case REGROLEOID:
		case REGTYPEOID:
			return true;
		default:
			return false;
	}
}

/* Rows within the value have their types cached below context. */
static uint64
hash_value(ValueType *type, Datum value, Hash128 seed, MemoryContext context)
{
	uint64 sum;

	switch (type->kind)
	{
		case VALUE_BYTES:
			return hash_datum(type, value, seed);
		case VALUE_ENUM:
			return hash_enum(DatumGetObjectId(value), seed);
		case VALUE_NAME:
			return hash_name(&type->output, value, seed);
		case VALUE_ARRAY:
			return hash_array(type->element, DatumGetArrayTypeP(value), seed,
							  context);
		case VALUE_ROW:
			sum = hash_row(DatumGetHeapTupleHeader(value), &type->row, context);
			return hash128_bytes(&sum, sizeof(sum), seed).a;
	}
	pg_unreachable();
}

static uint64
hash_datum(const ValueType *type, Datum value, Hash128 seed)
{
	struct varlena *varlena;
	uint64 hash;

	if (type->byval)
	{
		/* All that a Datum has beyond the value's length may be anything. */
		uint64 word = (uint64) value;

		if (type->len < sizeof(word))
			word &= (UINT64CONST(1) << (type->len * BITS_PER_BYTE)) - 1;
		return hash128_bytes(&word, sizeof(word), seed).a;
	}
	if (type->len > 0)
		return hash128_bytes(DatumGetPointer(value), type->len, seed).a;
	if (type->len == -2)
		return hash128_bytes(DatumGetCString(value),
							 strlen(DatumGetCString(value)), seed)
			.a;

	varlena = PG_DETOAST_DATUM_PACKED(value);
	hash = hash128_bytes(VARDATA_ANY(varlena) + type->skip,
						 VARSIZE_ANY_EXHDR(varlena) - type->skip, seed)
			   .a;
	if ((Pointer) varlena != DatumGetPointer(value))
		pfree(varlena);
	return hash;
}

static uint64
hash_enum(Oid value, Hash128 seed)
{
	HeapTuple tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
	const char *label;
	uint64 hash;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for enum value %u", value);
	label = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel);
	hash = hash128_bytes(label, strlen(label), seed).a;
	ReleaseSysCache(tuple);
	return hash;
}

static uint64
hash_name(FmgrInfo *output, Datum value, Hash128 seed)
{
	char *name = OutputFunctionCall(output, value);
	uint64 hash = hash128_bytes(name, strlen(name), seed).a;

	pfree(name);
	return hash;
}

/* Each element's hash, and where it stands, seed the next one's. */
static uint64
hash_array(ValueType *element, ArrayType *array, Hash128 seed,
		   MemoryContext context)
{
	int ndim = ARR_NDIM(array);
	Datum *values;
	bool *nulls;
	int n;

	seed = hash128_bytes(ARR_DIMS(array), sizeof(int) * ndim, seed);
	seed = hash128_bytes(ARR_LBOUND(array), sizeof(int) * ndim, seed);
	deconstruct_array(array, ARR_ELEMTYPE(array), element->len, element->byval,
					  element->align, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		seed.b = (uint64) i * 2 + nulls[i];
		if (!nulls[i])
			seed.a = hash_value(element, values[i], seed, context);
	}
	pfree(values);
	pfree(nulls);
	return hash128_bytes("", 0, seed).a;
}
