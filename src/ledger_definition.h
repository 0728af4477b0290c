/*
 * ledger_definition.h
 *	  What a table has beside its rows, as chatmig's own tables keep it.
 *
 * A jsonb array of objects, each of which has "kind", "name", "type" and
 * "columns" (an array of names, or null):
 *
 *	  constraint	that holds: valid, and enforced; type is contype, of a
 *					foreign key with confdeltype behind it
 *	  index			valid, and of no constraint; columns in order, null where
 *					one is an expression
 *	  not_null		name is a column's
 *	  default		name is a column's; or it is an identity
 *	  trigger		that fires; of users alone
 *	  logged		it is: a crash does not empty it
 *
 * By names, so that it outlives pg_dump. Whoever compares must know that tables
 * and columns are renamed.
 */
#ifndef CHATMIG_LEDGER_DEFINITION_H
#define CHATMIG_LEDGER_DEFINITION_H

/* SQL for all that the table with this OID has; NULL for nothing. */
#define TABLE_DEFINITION(relation)                                             \
	"(SELECT jsonb_agg(jsonb_build_object('kind', d.kind, 'name', d.name, "    \
	"'type', d.type, 'columns', d.columns)) FROM ("                            \
	"SELECT 'constraint' AS kind, c.conname::text AS name, "                   \
	"c.contype::text || btrim(c.confdeltype::text) AS type, "                  \
	"(SELECT array_agg(a.attname::text "                                       \
	"ORDER BY a.attname) FROM pg_attribute AS a "                              \
	"WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)) "            \
	"AS columns FROM pg_constraint AS c WHERE c.conrelid = " relation " "      \
	"AND c.contype IN ('p', 'u', 'x', 'c', 'f') AND c.convalidated "           \
	"AND NOT EXISTS (SELECT FROM pg_trigger AS g "                             \
	"WHERE g.tgconstraint = c.oid AND g.tgenabled = 'D') "                     \
	"UNION ALL SELECT 'index', r.relname, NULL, (SELECT array_agg("            \
	"a.attname::text ORDER BY k) FROM generate_series(0, i.indnkeyatts - 1) "  \
	"AS k LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid "             \
	"AND a.attnum = i.indkey[k]) FROM pg_index AS i "                          \
	"JOIN pg_class AS r ON r.oid = i.indexrelid "                              \
	"WHERE i.indrelid = " relation " AND i.indisvalid "                        \
	"AND NOT EXISTS (SELECT FROM pg_constraint AS c "                          \
	"WHERE c.conindid = i.indexrelid AND c.conrelid = i.indrelid) "            \
	"UNION ALL SELECT k.kind, a.attname, NULL, NULL FROM pg_attribute AS a "   \
	"CROSS JOIN LATERAL (VALUES ('not_null', a.attnotnull), ('default', "      \
	"a.attgenerated = '' AND (a.atthasdef OR a.attidentity <> ''))) "          \
	"AS k (kind, has) WHERE a.attrelid = " relation " AND a.attnum > 0 "       \
	"AND NOT a.attisdropped AND k.has "                                        \
	"UNION ALL SELECT 'trigger', g.tgname, NULL, NULL FROM pg_trigger AS g "   \
	"WHERE g.tgrelid = " relation " AND NOT g.tgisinternal "                   \
	"AND g.tgenabled <> 'D' "                                                  \
	"UNION ALL SELECT 'logged', r.relname, NULL, NULL FROM pg_class AS r "     \
	"WHERE r.oid = " relation " AND r.relpersistence <> 'u') AS d)"

#endif /* CHATMIG_LEDGER_DEFINITION_H */
