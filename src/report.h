/*
 * report.h
 *	  What chatmig_plan() says: the steps of a migration before it is run.
 */
#ifndef CHATMIG_REPORT_H
#define CHATMIG_REPORT_H

#include "migrate.h"

typedef struct PlanStep
{
	const char *object; /* schema-qualified */
	const char *action;
	int64 rows;       /* -1: does not apply */
	int64 bytes;      /* on disk; -1: does not apply */
	const char *lock; /* NULL: none */
	const char *note; /* NULL: none */
} PlanStep;

/* The strings live during the call alone. */
typedef void (*ReportStep)(const PlanStep *step, void *state);

/* Calls step() for each step of a rehearsed migration, in order. */
extern void chatmig_report_plan(const MigrationPlan *plan,
								const MigrateResult *result, ReportStep step,
								void *state);

#endif /* CHATMIG_REPORT_H */
