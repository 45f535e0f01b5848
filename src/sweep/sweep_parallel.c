/*-------------------------------------------------------------------------
 *
 * sweep_parallel.c
 *		A sweep's scan by parallel workers.
 *
 * Workers share the scan of each relation, evaluate the rules, and send what
 * they find through a queue each; the leader puts it where a scan of its own
 * would have, and writes after the scan, for there is no writing in parallel
 * mode.  The leader reads no rows itself while there is a worker: it would
 * take a core from them.
 *
 * Messages: a violation (MESSAGE_FINDING, its row key behind it); values of a
 * group rule (MESSAGE_GROUP); at the end the worker's sums (MESSAGE_SUMS), and
 * one for each owner (MESSAGE_OWNER).
 *
 * A rule whose SQL fails in a worker ends the workers: there are no
 * subtransactions there.  The caller then sweeps without them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "executor/execParallel.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "sweep/sweep.h"

#define KEY_SHARED		UINT64CONST(0xC2A0000000000001)
#define KEY_QUEUES		UINT64CONST(0xC2A0000000000002)
#define KEY_BLOCKS		UINT64CONST(0xC2A0000000000003)
#define KEY_LEAF		UINT64CONST(0xC2A0000000010000)

#define QUEUE_SIZE		(256 * 1024)

/* What all workers get. */
typedef struct SweepShared
{
	Oid			target;
	int			leader_pid;
	int			nleaves;
	int			location_bits;
	int			rule_set_version;
	int			nrules;
	bool		selected[FLEXIBLE_ARRAY_MEMBER];
} SweepShared;

typedef enum MessageKind
{
	MESSAGE_FINDING,
	MESSAGE_GROUP,
	MESSAGE_SUMS,
	MESSAGE_OWNER
} MessageKind;

/* Begins every message; maxaligned data follows. */
typedef struct MessageHead
{
	MessageKind kind;
	int			rule;			/* or group */
	int			state;
	int			reason;
	int64		length;			/* of the data behind it */
	char		owner[CRM_OWNER_MAX];	/* MESSAGE_OWNER only is sent whole */
} MessageHead;

#define HEAD_SIZE	MAXALIGN(offsetof(MessageHead, owner))
#define OWNER_HEAD_SIZE	MAXALIGN(sizeof(MessageHead))

PGDLLEXPORT void crmaudit_sweep_worker(dsm_segment *segment, shm_toc *toc);

/* Whether every rule may run in a worker. */
bool
crm_sweep_parallel_is_safe(const SweepTable *sweep)
{
	if (!sweep->ruleset->live_is_parallel_safe)
		return false;
	for (int i = 0; i < sweep->nrules; i++)
	{
		if (sweep->rules[i].selected && !sweep->rules[i].rule->is_parallel_safe)
			return false;
	}
	return true;
}

/* The worker's side ------------------------------------------------------ */

static void
queue_send(shm_mq_handle *queue, const MessageHead *head, Size head_size,
		   const void *data, Size length)
{
	shm_mq_iovec parts[2] = {{(const char *) head, head_size}, {data, length}};

	if (crm_shm_mq_sendv(queue, parts, length > 0 ? 2 : 1) != SHM_MQ_SUCCESS)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("the leader of a sweep has gone")));
}

static void
worker_emit(SweepTable *sweep, const SweepFinding *finding)
{
	MessageHead head = {MESSAGE_FINDING, finding->rule, finding->outcome.state,
	finding->outcome.reason, VARSIZE_ANY(finding->row_key)};

	queue_send(sweep->sink, &head, HEAD_SIZE, finding->row_key, head.length);
}

static void
worker_emit_group(SweepTable *sweep, SweepGroup *group)
{
	MessageHead head = {MESSAGE_GROUP, (int) (group - sweep->groups), 0, 0,
	group->nbuffered * sizeof(int64)};

	queue_send(sweep->sink, &head, HEAD_SIZE, group->buffer, head.length);
	group->nbuffered = 0;
}

/* Numbers in a tally of so many cells. */
static int
tally_size(int ncells)
{
	return 4 + 3 * ncells;
}

static int64 *
tally_write(int64 *to, const ScoreTally *tally, int ncells)
{
	*to++ = tally->rows;
	*to++ = tally->clean;
	*to++ = tally->evaluations;
	*to++ = tally->errors;
	memcpy(to, tally->assessed, ncells * sizeof(int64));
	memcpy(to + ncells, tally->failed, ncells * sizeof(int64));
	memcpy(to + 2 * ncells, tally->lost, ncells * sizeof(int64));
	return to + 3 * ncells;
}

static const int64 *
tally_add(ScoreTally *tally, const int64 *from, int ncells)
{
	ScoreTally	other = {from[0], from[1], from[2], from[3],
		unconstify(int64 *, from + 4),
		unconstify(int64 *, from + 4 + ncells),
	unconstify(int64 *, from + 4 + 2 * ncells)};

	crm_tally_add(tally, &other, ncells);
	return from + tally_size(ncells);
}

/* The sums of an owner's rows: "full" only where it is another. */
static int64 *
sums_write(const SweepTable *sweep, int64 *to, const SweepSums *sums)
{
	to = tally_write(to, sums->live, sweep->ruleset->ncells);
	return sweep->full_is_live ? to :
		tally_write(to, sums->full, sweep->ruleset->ncells);
}

static void
sums_add(const SweepTable *sweep, SweepSums *sums, const int64 *from)
{
	from = tally_add(sums->live, from, sweep->ruleset->ncells);
	if (!sweep->full_is_live)
		(void) tally_add(sums->full, from, sweep->ruleset->ncells);
}

/* Sends what the worker counted. */
static void
send_sums(SweepTable *sweep)
{
	int			ncells = sweep->ruleset->ncells;
	int			size = 3 + 5 * sweep->nrules + 2 * tally_size(ncells);
	int64	   *sums = palloc0(size * sizeof(int64));
	int64	   *at = sums;
	MessageHead head = {MESSAGE_SUMS, 0, 0, 0, size * sizeof(int64)};
	HASH_SEQ_STATUS status;
	OwnerEntry *entry;

	*at++ = sweep->totals.scanned;
	*at++ = sweep->totals.rows;
	*at++ = sweep->totals.findings;
	for (int i = 0; i < sweep->nrules; i++)
	{
		*at++ = sweep->rules[i].rows;
		*at++ = sweep->rules[i].counted;
		*at++ = sweep->rules[i].assessed;
		*at++ = sweep->rules[i].failures;
		*at++ = sweep->rules[i].errors;
	}
	(void) sums_write(sweep, at, &sweep->ownerless);
	queue_send(sweep->sink, &head, HEAD_SIZE, sums, head.length);
	if (sweep->owners == NULL)
		return;
	hash_seq_init(&status, sweep->owners);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		MessageHead owner = {MESSAGE_OWNER};

		strlcpy(owner.owner, entry->owner, CRM_OWNER_MAX);
		owner.length = sizeof(int64) * (sums_write(sweep, sums, &entry->sums) - sums);
		queue_send(sweep->sink, &owner, OWNER_HEAD_SIZE, sums, owner.length);
	}
}

/*
 * The worker's main function: snapshot, settings and user are the leader's.
 */
void
crmaudit_sweep_worker(dsm_segment *segment, shm_toc *toc)
{
	SweepShared *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	char	   *queues = shm_toc_lookup(toc, KEY_QUEUES, false);
	int64	   *blocks = shm_toc_lookup(toc, KEY_BLOCKS, false);
	shm_mq	   *queue = (shm_mq *) (queues + ParallelWorkerNumber * QUEUE_SIZE);
	shm_mq_handle *handle;
	SweepTable *sweep;
	Oid			userid;
	int			security;

	shm_mq_set_sender(queue, MyProc);
	handle = shm_mq_attach(queue, segment, NULL);
	sweep = crm_sweep_open(shared->target, shared->selected, shared->nrules,
						   GetActiveSnapshot(), true);
	if (sweep->ruleset->rule_set_version != shared->rule_set_version)
		crm_sweep_rules_changed(sweep);
	if (sweep->nleaves != shared->nleaves)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("partitions of relation \"%s\" changed while it was being swept",
						sweep->ruleset->target_name)));
	/* the table may have grown since the leader numbered its rows */
	sweep->location_bits = shared->location_bits;
	for (int i = 0; i < sweep->nleaves; i++)
		sweep->leaves[i].first_block = blocks[i];
	sweep->emit = worker_emit;
	sweep->emit_group = worker_emit_group;
	sweep->sink = handle;
	sweep->progress = crm_sweep_progress_of(shared->leader_pid, shared->target);
	crm_sweep_groups_begin(sweep);
	GetUserIdAndSecContext(&userid, &security);
	SetUserIdAndSecContext(sweep->owner,
						   security | SECURITY_RESTRICTED_OPERATION |
						   SECURITY_NOFORCE_RLS);
	for (int i = 0; i < sweep->nleaves; i++)
	{
		SweepLeaf  *leaf = &sweep->leaves[i];
		ParallelTableScanDesc pscan = shm_toc_lookup(toc, KEY_LEAF + i, false);
		TableScanDesc scan;

		crm_sweep_leaf_open(sweep, leaf);
		scan = table_beginscan_parallel(leaf->rel, pscan);
		crm_sweep_scan_leaf(sweep, leaf, scan);
		table_endscan(scan);
		crm_sweep_leaf_close(leaf);
	}
	SetUserIdAndSecContext(userid, security);
	for (int i = 0; i < sweep->ngroups; i++)
	{
		if (sweep->groups[i].nbuffered > 0)
			worker_emit_group(sweep, &sweep->groups[i]);
	}
	send_sums(sweep);
	shm_mq_detach(handle);
}

/* The leader's side -------------------------------------------------------- */

/* Adds what a worker counted. */
static void
take_sums(SweepTable *sweep, const int64 *at)
{
	sweep->totals.scanned += *at++;
	sweep->totals.rows += *at++;
	sweep->totals.findings += *at++;
	for (int i = 0; i < sweep->nrules; i++)
	{
		sweep->rules[i].rows += *at++;
		sweep->rules[i].counted += *at++;
		sweep->rules[i].assessed += *at++;
		sweep->rules[i].failures += *at++;
		sweep->rules[i].errors += *at++;
	}
	sums_add(sweep, &sweep->ownerless, at);
}

/* Does with a message what the worker would have done in the leader. */
static void
take_message(SweepTable *sweep, char *message)
{
	MessageHead *head = (MessageHead *) message;
	SweepFinding finding = {head->rule};
	int64	   *items;
	ResourceOwner resowner = CurrentResourceOwner;

	/* what is kept must not go with a subtransaction around the workers */
	CurrentResourceOwner = sweep->resowner;
	switch (head->kind)
	{
		case MESSAGE_FINDING:
			finding.outcome.state = head->state;
			finding.outcome.reason = head->reason;
			finding.row_key = (Jsonb *) (message + HEAD_SIZE);
			sweep->emit(sweep, &finding);
			break;
		case MESSAGE_GROUP:
			items = (int64 *) (message + HEAD_SIZE);
			for (int i = 0; i < head->length / sizeof(int64); i++)
				crm_sweep_group_put(sweep, &sweep->groups[head->rule], items[i]);
			break;
		case MESSAGE_SUMS:
			take_sums(sweep, (int64 *) (message + HEAD_SIZE));
			break;
		case MESSAGE_OWNER:
			sums_add(sweep, crm_sweep_owner_sums(sweep, head->owner),
					 (int64 *) (message + OWNER_HEAD_SIZE));
			break;
	}
	CurrentResourceOwner = resowner;
}

/* Takes what workers send until all have detached. */
static void
drain_queues(SweepTable *sweep, shm_mq_handle **queues, int nqueues)
{
	int			open = nqueues;

	while (open > 0)
	{
		bool		any = false;

		for (int i = 0; i < nqueues; i++)
		{
			shm_mq_result result;
			Size		size;
			void	   *data;

			if (queues[i] == NULL)
				continue;
			result = shm_mq_receive(queues[i], &size, &data, true);
			if (result == SHM_MQ_SUCCESS)
			{
				take_message(sweep, data);
				any = true;
			}
			else if (result == SHM_MQ_DETACHED)
			{
				queues[i] = NULL;
				open--;
			}
		}
		CHECK_FOR_INTERRUPTS();
		if (!any && open > 0)
		{
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, 0,
							 PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
		}
	}
}

/* Readies the shared memory for so many workers. */
static ParallelContext *
context_create(SweepTable *sweep, int nworkers)
{
	ParallelContext *context = CreateParallelContext("crmaudit",
													 "crmaudit_sweep_worker",
													 nworkers);
	Size		shared_size = offsetof(SweepShared, selected) +
	(sweep->nrules + 1) * sizeof(bool);
	SweepShared *shared;
	int64	   *blocks;
	char	   *queues;

	shm_toc_estimate_chunk(&context->estimator, shared_size);
	shm_toc_estimate_chunk(&context->estimator, mul_size(QUEUE_SIZE, nworkers));
	for (int i = 0; i < sweep->nleaves; i++)
	{
		crm_sweep_leaf_open(sweep, &sweep->leaves[i]);
		shm_toc_estimate_chunk(&context->estimator,
							   table_parallelscan_estimate(sweep->leaves[i].rel,
														   sweep->snapshot));
	}
	shm_toc_estimate_chunk(&context->estimator,
						   (sweep->nleaves + 1) * sizeof(int64));
	shm_toc_estimate_keys(&context->estimator, 3 + sweep->nleaves);
	InitializeParallelDSM(context);

	shared = shm_toc_allocate(context->toc, shared_size);
	shared->target = sweep->target;
	shared->leader_pid = MyProcPid;
	shared->nleaves = sweep->nleaves;
	shared->location_bits = sweep->location_bits;
	shared->rule_set_version = sweep->ruleset->rule_set_version;
	shared->nrules = sweep->nrules;
	for (int i = 0; i < sweep->nrules; i++)
		shared->selected[i] = sweep->rules[i].selected;
	shm_toc_insert(context->toc, KEY_SHARED, shared);
	queues = shm_toc_allocate(context->toc, mul_size(QUEUE_SIZE, nworkers));
	for (int i = 0; i < context->nworkers; i++)
		shm_mq_set_receiver(shm_mq_create(queues + i * QUEUE_SIZE, QUEUE_SIZE),
							MyProc);
	shm_toc_insert(context->toc, KEY_QUEUES, queues);
	blocks = shm_toc_allocate(context->toc,
							  (sweep->nleaves + 1) * sizeof(int64));
	shm_toc_insert(context->toc, KEY_BLOCKS, blocks);
	for (int i = 0; i < sweep->nleaves; i++)
	{
		Relation	rel = sweep->leaves[i].rel;
		ParallelTableScanDesc pscan =
		shm_toc_allocate(context->toc,
						 table_parallelscan_estimate(rel, sweep->snapshot));

		blocks[i] = sweep->leaves[i].first_block;
		table_parallelscan_initialize(rel, pscan, sweep->snapshot);
		shm_toc_insert(context->toc, KEY_LEAF + i, pscan);
		crm_sweep_leaf_close(&sweep->leaves[i]);
	}
	return context;
}

/*
 * Scans the table by at most so many workers; returns how many there were, 0
 * if none could be started and nothing was done.
 */
int
crm_sweep_scan_parallel(SweepTable *sweep, int nworkers)
{
	ParallelContext *context;
	shm_mq_handle **queues;
	char	   *queue_memory;
	int			launched;

	EnterParallelMode();
	context = context_create(sweep, nworkers);
	LaunchParallelWorkers(context);
	launched = context->nworkers_launched;
	if (launched > 0)
	{
		if (sweep->progress)
			sweep->progress->workers = launched;
		queues = palloc(launched * sizeof(shm_mq_handle *));
		queue_memory = shm_toc_lookup(context->toc, KEY_QUEUES, false);
		for (int i = 0; i < launched; i++)
			queues[i] = shm_mq_attach((shm_mq *) (queue_memory + i * QUEUE_SIZE),
									  context->seg,
									  context->worker[i].bgwhandle);
		drain_queues(sweep, queues, launched);
		WaitForParallelWorkersToFinish(context);
	}
	DestroyParallelContext(context);
	ExitParallelMode();
	return launched;
}
