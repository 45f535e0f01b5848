/*-------------------------------------------------------------------------
 *
 * gate.h
 *		The gate: rules enforced while rows are written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_GATE_H
#define CRM_GATE_H

#include "rules/rule.h"

#include "commands/trigger.h"
#include "nodes/pg_list.h"

/* A rule that a row breaks, for an error or the quarantine. */
typedef struct Violation
{
	const Rule *rule;
	RuleOutcome outcome;
} Violation;

extern void crm_gate_init(void);

/* Whether rows come from elsewhere, where they were accepted. */
static inline bool
crm_is_replica(void)
{
	return SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;
}

/* From gate_error.c */
extern void crm_gate_refuse(const RuleSet *ruleset, const RuleRow *row,
							List *violations) pg_attribute_noreturn();
extern RuleOutcome crm_gate_eval(const RuleSet *ruleset, const Rule *rule,
								 const RuleRow *row, bool refuses);
extern bool crm_gate_live(const RuleSet *ruleset, const RuleRow *row,
						  bool refuses);
extern const char *crm_violation_words(const Violation *violation);

/* From rejection.c */
extern void crm_rejection_record(const RuleSet *ruleset, const RuleRow *row,
								 List *violations);
extern void crm_rejection_record_error(const RuleSet *ruleset,
									   const RuleRow *row, const Rule *rule);
extern const char *crm_operation_name(char operation);

/* From gate_commit.c */
extern void crm_commit_init(void);
extern void crm_commit_begin(void);
extern void crm_commit_remember(const RuleSet *ruleset, const Rule *rule,
								const Jsonb *row_key);
extern bool crm_commit_awaits(const RuleSet *ruleset, const Rule *rule,
							  const Jsonb *row_key);
extern void crm_commit_carry(const RuleSet *ruleset, TupleTableSlot *old,
							 TupleTableSlot *new);

/* From quarantine.c */
extern void crm_quarantine_put(const RuleSet *ruleset, Relation rel,
							   TupleTableSlot *before, HeapTuple tuple,
							   Jsonb *row_key, List *violations);

/* From normalise.c */
extern HeapTuple crm_normalise(const RuleSet *ruleset, Relation rel,
							   const RuleRow *row, HeapTuple tuple);

/* From score_column.c */
extern HeapTuple crm_fill_score(const RuleSet *ruleset, Relation rel,
								const RuleRow *row, bool row_is_live,
								bool any_changed, HeapTuple tuple);

/* From gate_truncate.c */
extern void crm_truncate_init(void);

/* From gate_trigger.c */
extern CrmMode crm_effective_mode(const RuleSet *ruleset);

/*
 * Does what the DELETE of a row does, where no row trigger fires.  The mode is
 * not off; findings are written by crm_findings_flush().
 */
extern void crm_gate_row_leaves(const RuleSet *ruleset, Relation rel,
								CrmMode mode, TupleTableSlot *slot);
extern void crm_trigger_check(FunctionCallInfo fcinfo, const char *function,
							  const char *timing, const char *level);

#endif							/* CRM_GATE_H */
