/*
 * survey.c
 *	  Detection for a whole database.
 *
 * Nothing here waits, and nothing that others do at the same time is an
 * error: what is locked exclusively or gone is passed over. Locks are given
 * back table by table, since thousands would fill the lock table.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "detect.h"
#include "ledger.h"

/* A relation with a shape, kept until all are found. */
typedef struct FoundRelation
{
	Oid relid;
	char *name; /* schema-qualified, to sort by */
	Detection *detection;
} FoundRelation;

static List *list_relations(void);
static bool is_worth_looking_at(Form_pg_class form, Oid information_schema);
static Detection *detect_unlocked(Oid relid, char **name);
static int compare_found(const ListCell *a, const ListCell *b);

void
chatmig_detect_all(DetectFound found, void *state)
{
	List *relids = list_relations();
	List *results = NIL;
	ListCell *lc;

	foreach(lc, relids)
	{
		MemoryContext context = AllocSetContextCreate(
			CurrentMemoryContext, "chatmig detection", ALLOCSET_SMALL_SIZES);
		MemoryContext caller = MemoryContextSwitchTo(context);
		FoundRelation *result = palloc0(sizeof(FoundRelation));

		CHECK_FOR_INTERRUPTS();
		result->relid = lfirst_oid(lc);
		result->detection = detect_unlocked(result->relid, &result->name);
		MemoryContextSwitchTo(caller);
		if (result->detection != NULL && result->detection->has_shape)
			results = lappend(results, result);
		else
			MemoryContextDelete(context);
	}

	list_sort(results, compare_found);
	foreach(lc, results)
	{
		FoundRelation *result = lfirst(lc);

		if (!chatmig_ledger_is_target(result->relid))
			found(result->relid, result->detection, state);
	}
}

void
chatmig_detect_one(Oid relid, DetectFound found, void *state)
{
	Relation rel = try_relation_open(relid, AccessShareLock);

	if (rel == NULL)
		return;
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT,
								  ACLMASK_ANY) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for relation \"%s\"",
						RelationGetRelationName(rel)),
				 errdetail("Detection shows what a table's columns are for."),
				 errhint("Ask its owner to GRANT SELECT on it.")));
	found(relid, chatmig_detect_relation(rel, NULL), state);
	relation_close(rel, AccessShareLock);
}

/* All that chatmig_detect_all() has to look at, without a lock on any. */
static List *
list_relations(void)
{
	Relation catalog = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan =
		systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	Oid information_schema = get_namespace_oid("information_schema", true);
	List *relids = NIL;
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (is_worth_looking_at(form, information_schema))
			relids = lappend_oid(relids, form->oid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return relids;
}

static bool
is_worth_looking_at(Form_pg_class form, Oid information_schema)
{
	switch (form->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
			break;
		default:
			return false;
	}
	return !form->relispartition && form->relnatts >= 2 &&
		   !IsCatalogNamespace(form->relnamespace) &&
		   !IsToastNamespace(form->relnamespace) &&
		   form->relnamespace != information_schema &&
		   !isAnyTempNamespace(form->relnamespace);
}

/*
 * NULL for what is locked, gone, not the current role's to read, or a member
 * of an extension. The lock is given back at once: detection of a database
 * must not hold thousands of them.
 */
static Detection *
detect_unlocked(Oid relid, char **name)
{
	Detection *detection = NULL;
	Relation rel;
	bool is_missing = false;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return NULL;
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
	{
		UnlockRelationOid(relid, AccessShareLock);
		return NULL;
	}
	if (pg_class_aclcheck_ext(relid, GetUserId(), ACL_SELECT, &is_missing) ==
			ACLCHECK_OK &&
		object_aclcheck(NamespaceRelationId, RelationGetNamespace(rel),
						GetUserId(), ACL_USAGE) == ACLCHECK_OK)
		detection = chatmig_detect_relation(rel, NULL);
	if (detection != NULL && detection->has_shape)
	{
		if (OidIsValid(getExtensionOfObject(RelationRelationId, relid)))
			detection = NULL;
		else
			*name =
				psprintf("%s.%s", get_namespace_name(RelationGetNamespace(rel)),
						 RelationGetRelationName(rel));
	}
	relation_close(rel, AccessShareLock);
	return detection;
}

/* The likeliest first. */
static int
compare_found(const ListCell *a, const ListCell *b)
{
	const FoundRelation *left = lfirst(a);
	const FoundRelation *right = lfirst(b);

	if (left->detection->confidence != right->detection->confidence)
		return left->detection->confidence > right->detection->confidence ? -1
																		  : 1;
	return strcmp(left->name, right->name);
}
