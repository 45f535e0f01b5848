/*-------------------------------------------------------------------------
 *
 * compat.h
 *		Differences between PostgreSQL 14 and 18, under the newest name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_COMPAT_H
#define CRM_COMPAT_H

#include "postgres.h"

#include "utils/guc.h"

#if PG_VERSION_NUM < 140000
#error "crmaudit needs PostgreSQL 14 or later"
#endif

/* pg_get_querydef() came with 15 */
#if PG_VERSION_NUM >= 150000
#define CRM_HAS_QUERYDEF 1
#endif

/* who may act as a role: a member, since 16 one that was granted SET */
#if PG_VERSION_NUM >= 160000
#define check_is_member_of_role(member, role) check_can_set_role(member, role)
#endif

#if PG_VERSION_NUM >= 150000
#include "access/xlogrecovery.h"
#endif

#include "miscadmin.h"

#if PG_VERSION_NUM >= 150000
#define CRM_REQUEST_SHMEM(previous, hook) \
	((previous) = shmem_request_hook, shmem_request_hook = (hook))
#else
/* Libraries ask for shared memory while they are loaded. */
typedef void (*shmem_request_hook_type) (void);
#define CRM_REQUEST_SHMEM(previous, hook)	((void) (previous), (hook) ())
#endif

#if PG_VERSION_NUM < 150000
#include "access/xlog.h"

/* RecoveryInProgress() has set it. */
#define GetWALInsertionTimeLine()	ThisTimeLineID

/* Sorts are not read at random here. */
#define TUPLESORT_NONE	false

#define MarkGUCPrefixReserved(prefix)	EmitWarningsOnPlaceholders(prefix)

#include "funcapi.h"

/* Only the default flags are used here. */
static inline void
InitMaterializedSRF(FunctionCallInfo fcinfo, bits32 flags)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;
	TupleDesc	desc;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		(rsinfo->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = tuplestore_begin_heap(true, false, work_mem);
	rsinfo->setDesc = desc;
	MemoryContextSwitchTo(old);
}
#endif

/* Names of a qualified name, as written. */
#if PG_VERSION_NUM >= 160000
#define crm_qualified_name_list(name)	stringToQualifiedNameList(name, NULL)
#else
#define crm_qualified_name_list(name)	stringToQualifiedNameList(name)
#endif

#if PG_VERSION_NUM < 160000
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "utils/acl.h"

/* Errors cannot be saved for the caller yet. */
#define errsave(context, ...) \
	do { \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
	} while (0)

/* Only relations and schemas are asked about here. */
#define object_ownercheck(classid, objectid, roleid) \
	((classid) == NamespaceRelationId ? \
	 pg_namespace_ownercheck(objectid, roleid) : \
	 pg_class_ownercheck(objectid, roleid))

/* Only schemas are asked about here. */
#define object_aclcheck(classid, objectid, roleid, mode) \
	pg_namespace_aclcheck(objectid, roleid, mode)
#endif

/* Whether a part of ALTER TABLE computes the values of a column anew. */
#if PG_VERSION_NUM >= 170000
#define crm_computes_column(command) \
	((command)->subtype == AT_SetExpression || \
	 ((command)->subtype == AT_AlterColumnType && \
	  ((ColumnDef *) (command)->def)->raw_default != NULL))
#else
#define crm_computes_column(command) \
	((command)->subtype == AT_AlterColumnType && \
	 ((ColumnDef *) (command)->def)->raw_default != NULL)
#endif

#if PG_VERSION_NUM >= 160000
#define crm_insert_index_tuples(target, slot, estate) \
	ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL, false)
#else
#define crm_insert_index_tuples(target, slot, estate) \
	ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL)
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* A message to another process, waiting for room. */
#if PG_VERSION_NUM >= 150000
#define crm_shm_mq_sendv(queue, parts, count) \
	shm_mq_sendv(queue, parts, count, false, true)
#else
#define crm_shm_mq_sendv(queue, parts, count) \
	shm_mq_sendv(queue, parts, count, false)
#endif

#if PG_VERSION_NUM >= 160000
#define crm_tuplesort_getdatum(state, datum, isnull) \
	tuplesort_getdatum(state, true, false, datum, isnull, NULL)
#else
#define crm_tuplesort_getdatum(state, datum, isnull) \
	tuplesort_getdatum(state, true, datum, isnull, NULL)
#endif

#include "optimizer/clauses.h"

#if PG_VERSION_NUM >= 160000
#include "access/sysattr.h"
#include "nodes/multibitmapset.h"
#endif

/* Whether a column is among those that find_nonnullable_vars() found. */
static inline bool
crm_is_nonnullable(List *found, int varno, int attno)
{
#if PG_VERSION_NUM >= 160000
	return mbms_is_member(varno, attno - FirstLowInvalidHeapAttributeNumber, found);
#else
	ListCell   *cell;

	foreach(cell, found)
	{
		Var		   *var = lfirst_node(Var, cell);

		if (var->varno == varno && var->varattno == attno)
			return true;
	}
	return false;
#endif
}

#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn()
#endif

#include "access/genam.h"
#include "catalog/catversion.h"

/* Early trees of 18 are as 17 was. */
#if CATALOG_VERSION_NO < 202503110
/* Scans are not instrumented here. */
#define index_beginscan(heap, index, snapshot, instrument, nkeys, norderbys) \
	index_beginscan(heap, index, snapshot, nkeys, norderbys)
#endif

#endif							/* CRM_COMPAT_H */
