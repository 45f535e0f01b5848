/*-------------------------------------------------------------------------
 *
 * delta_private.h
 *		What score_delta.c and delta_write.c share: tallies of a transaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_DELTA_PRIVATE_H
#define CRM_DELTA_PRIVATE_H

#include "lib/ilist.h"
#include "utils/hsearch.h"

#include "scoring/score_delta.h"
#include "scoring/score_live.h"

/* Tallies from which on they are written before the transaction ends. */
#define CRM_TALLIES_MANY	5000

/* Of what concerns a table as a whole. */
#define CRM_MARKER_VERSION	0

/* Identity of a tally; compared as bytes. */
typedef struct TallyKey
{
	Oid			target;
	int			version;		/* of the rule set */
	bool		has_owner;
	char		owner[CRM_OWNER_MAX];
} TallyKey;

struct TallyEntry;

/* What one subtransaction changed. */
typedef struct TallyFrame
{
	SubTransactionId subid;
	bool		covers;			/* frames below do not count */
	bool		truncated;		/* of a marker: the table was truncated, */
	bool		stale;			/* and then something was not counted */
	ScoreTally *tally;
	struct TallyEntry *entry;
	struct TallyFrame *below;	/* of a subtransaction around it */
	dlist_node	node;			/* in the level */
} TallyFrame;

typedef struct TallyEntry
{
	TallyKey	key;
	int			ncells;
	TallyFrame *top;
} TallyEntry;

/* The frames of a subtransaction. */
typedef struct TallyLevel
{
	SubTransactionId subid;
	dlist_head	frames;
	struct TallyLevel *outer;
} TallyLevel;

/* From score_delta.c */
extern HTAB *crm_tallies(void);
extern void crm_frame_drop(TallyFrame *frame);

/* From delta_write.c */
extern void crm_deltas_write(void);
extern void crm_deltas_write_early(void);

#endif							/* CRM_DELTA_PRIVATE_H */
