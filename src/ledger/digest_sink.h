/*-------------------------------------------------------------------------
 *
 * digest_sink.h
 *		Where digests of blocks go.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_DIGEST_SINK_H
#define CRM_DIGEST_SINK_H

extern void crm_digest_init(void);

/*
 * Remembers the newest block's digest: log and file get it when the
 * transaction commits.  Listeners are notified by the transaction itself.  The
 * caller is connected to SPI.
 */
extern void crm_digest_remember(void);

/*
 * Runs crmaudit.digest_command with the digest of the last block that this
 * process committed, if it has not been run with it.  For the worker, after
 * its transaction.
 */
extern void crm_digest_run_command(void);

#endif							/* CRM_DIGEST_SINK_H */
