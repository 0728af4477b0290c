/*
 * read_share.c
 *	  Shares of a legacy table's rows, for processes that work at once.
 *
 * In: a plan. Out: SQL that is true for the rows of one share. Each process
 * scans the whole table and looks at one column of the rows that are not its
 * own.
 */
#include "postgres.h"

#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "read_share.h"

static const Column *shared_by(const MigrationPlan *plan, const char **name);
static Oid hash_function(const Column *column);
static bool is_callable(Oid function, Oid type);

bool
chatmig_read_share_is_possible(const MigrationPlan *plan)
{
	const char *name;
	const Column *column = shared_by(plan, &name);

	return column != NULL && OidIsValid(hash_function(column));
}

char *
chatmig_read_share_clause(const MigrationPlan *plan)
{
	const char *name;
	const Column *column;
	Oid function;
	char *hash;

	if (plan->nshares == 0)
		return pstrdup("");
	column = shared_by(plan, &name);
	function = hash_function(column);
	if (is_callable(function, getBaseType(column->type)))
		hash = psprintf("%s(q.\"%s\", 0)",
						quote_identifier(get_func_name(function)), name);
	else
		hash = psprintf("hash_record_extended(ROW(q.\"%s\"), 0)", name);
	/* a NULL is an owner, too: guests */
	return psprintf(" WHERE (coalesce(%s, 0) & 2147483647) %% %d = %d", hash,
					plan->nshares, plan->share);
}

/* name: the column's in q. NULL: all rows are one group. */
static const Column *
shared_by(const MigrationPlan *plan, const char **name)
{
	static const Part parts[] = {PART_OWNER, PART_COUNTERPART, PART_SESSION};

	for (int i = 0; i < lengthof(parts); i++)
	{
		*name = chatmig_part_names[parts[i]];
		if (HAS_PART(plan->mapping, parts[i]))
			return &plan->mapping->parts[parts[i]];
	}
	return NULL;
}

static Oid
hash_function(const Column *column)
{
	Oid type = getBaseType(column->type);
	Oid element = get_base_element_type(type);

	/* of char(n), the server hashes trailing blanks there, which are nothing */
	if (getBaseType(OidIsValid(element) ? element : type) == BPCHAROID &&
		OidIsValid(column->collation) &&
		!get_collation_isdeterministic(column->collation))
		return InvalidOid;
	/* unless asked for both, it may be one that agrees with another equality */
	return lookup_type_cache(column->type,
							 TYPECACHE_EQ_OPR | TYPECACHE_HASH_EXTENDED_PROC)
		->hash_extended_proc;
}

/*
 * By its name, in SQL, which is quicker. One of another schema might not be the
 * one that is found, and one for another type may need a cast that there is
 * not.
 */
static bool
is_callable(Oid function, Oid type)
{
	Oid *types;
	int ntypes;

	(void) get_func_signature(function, &types, &ntypes);
	return get_func_namespace(function) == PG_CATALOG_NAMESPACE &&
		   (types[0] == type || IsPolymorphicType(types[0]) ||
			(types[0] == TEXTOID && type == VARCHAROID));
}
