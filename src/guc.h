/*-------------------------------------------------------------------------
 *
 * guc.h
 *		The settings of crmaudit; guc.c says what each is for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_GUC_H
#define CRM_GUC_H

typedef enum CrmModeOverride
{
	CRM_OVERRIDE_DEFAULT,
	CRM_OVERRIDE_OBSERVE,
	CRM_OVERRIDE_OFF
} CrmModeOverride;

typedef enum CrmLanguage
{
	CRM_LANGUAGE_AUTO,
	CRM_LANGUAGE_EN,
	CRM_LANGUAGE_ZH
} CrmLanguage;

extern int	crm_guc_mode;
extern int	crm_guc_language;
extern bool crm_guc_show_values;
extern bool crm_guc_strict_update;
extern int	crm_guc_max_reported;
extern bool crm_guc_refuse_quarantined;
extern char *crm_guc_actor;
extern char *crm_guc_reason;
extern char *crm_guc_shared_users;
extern bool crm_guc_baseline;
extern bool crm_guc_drop_ledger;
extern bool crm_guc_digest_log;
extern char *crm_guc_digest_file;
extern bool crm_guc_digest_notify;
extern char *crm_guc_digest_command;
extern char *crm_guc_databases;
extern int	crm_guc_discovery_interval;
extern int	crm_guc_seal_interval;
extern int	crm_guc_rejection_buffer;

extern void crm_guc_define(void);

#endif							/* CRM_GUC_H */
