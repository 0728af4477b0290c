/*
 * ledger_access.c
 *	  SQL on chatmig's own tables, as the role that owns them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "caller.h"
#include "ledger_access.h"

/* What begin_access() changed and end_access() puts back. */
typedef struct Access
{
	CallerState caller;
	Oid userid;
	int sec_context;
} Access;

static void begin_access(Access *access);
static void end_access(const Access *access);
static char *qualify(const char *format);

uint64
chatmig_ledger_access_run(const char *sql, const QueryArgs *args)
{
	Access access;
	uint64 processed;

	begin_access(&access);
	processed = chatmig_query_run(qualify(sql), args);
	end_access(&access);
	return processed;
}

void
chatmig_ledger_access_stream(const char *sql, const QueryArgs *args,
							 QueryRow row, void *state)
{
	Access access;

	begin_access(&access);
	chatmig_query_stream(qualify(sql), args, false, NULL, row, state);
	end_access(&access);
}

List *
chatmig_ledger_access_list(const char *sql, const QueryArgs *args)
{
	Access access;
	List *list;

	begin_access(&access);
	list = chatmig_query_list(qualify(sql), args);
	end_access(&access);
	return list;
}

int64
chatmig_ledger_access_count(const char *sql, const QueryArgs *args)
{
	Access access;
	int64 rows;

	begin_access(&access);
	rows = chatmig_query_count(qualify(sql), args);
	end_access(&access);
	return rows;
}

/*
 * Before 2.0 some names are free: what somebody else has put there is not to
 * be read with the rights of the ledger's owner.
 */
Oid
chatmig_ledger_access_table(const char *name)
{
	Oid relid = get_relname_relid(name, chatmig_ledger_access_schema());

	return chatmig_ledger_access_is_member(relid) ? relid : InvalidOid;
}

bool
chatmig_ledger_access_is_member(Oid relid)
{
	return OidIsValid(relid) &&
		   getExtensionOfObject(RelationRelationId, relid) ==
			   get_extension_oid(EXTENSION_NAME, false);
}

/* Not exported by the server before 16. */
Oid
chatmig_ledger_access_schema(void)
{
	Relation rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid schema;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(EXTENSION_NAME));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" does not exist", EXTENSION_NAME),
				 errhint("Run CREATE EXTENSION %s.", EXTENSION_NAME)));
	schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return schema;
}

void
chatmig_ledger_access_announce(void)
{
	CacheInvalidateRelcacheByRelid(
		chatmig_ledger_access_table("chatmig_migration"));
}

/*
 * Every access is made as the role that owns the ledger, and so under a search
 * path of its own: a user's would lead to the user's functions and operators.
 * The snapshot is a fresh one: what this transaction wrote and others
 * committed.
 */
static void
begin_access(Access *access)
{
	Oid owner =
		chatmig_caller_owner(chatmig_ledger_access_table("chatmig_migration"));

	chatmig_caller_enter_ledger(&access->caller);
	GetUserIdAndSecContext(&access->userid, &access->sec_context);
	SetUserIdAndSecContext(owner,
						   access->sec_context | SECURITY_LOCAL_USERID_CHANGE);
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
end_access(const Access *access)
{
	PopActiveSnapshot();
	SetUserIdAndSecContext(access->userid, access->sec_context);
	chatmig_caller_leave(&access->caller);
}

static char *
qualify(const char *format)
{
	const char *schema =
		quote_identifier(get_namespace_name(chatmig_ledger_access_schema()));

	/* a statement may name three tables */
	return psprintf(format, schema, schema, schema);
}
