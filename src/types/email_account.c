/*-------------------------------------------------------------------------
 *
 * email_account.c
 *		Whose mailbox an e-mail address is: the key of its mailbox, and names
 *		of duties.
 *
 * What a provider does with a local part is its own affair (RFC 5321, section
 * 2.3.11).  The table has only what providers document:
 *
 *	- Gmail: dots do not count, +tag, googlemail.com is the same (Gmail Help,
 *	  "Dots don't matter in Gmail addresses", "Create a specific address").
 *	- Outlook.com, with Hotmail, Live and MSN: +tag (Microsoft Support, "Add or
 *	  remove an email alias"; Exchange, "Plus addressing").
 *	- iCloud: +tag; me.com, mac.com and icloud.com are one mailbox (Apple
 *	  Support, "iCloud Mail addresses").
 *	- Fastmail: +tag (Fastmail Help, "Plus addressing and subdomain
 *	  addressing").
 *	- Proton: +tag; proton.me, protonmail.com and pm.me are one mailbox (Proton
 *	  Support, "Addresses and aliases", "+Aliases").
 *	- Zoho: +tag (Zoho Mail help, "Plus addressing").
 *	- Yandex: +tag; the domains are one mailbox, and a dot in the name is as
 *	  good as a hyphen (Yandex Help, "Email aliases").
 *	- Yahoo: a disposable address is base-keyword (Yahoo Help, "Disposable
 *	  email addresses"); an account's own name has no hyphen.
 *
 *-------------------------------------------------------------------------
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "types/email.h"
#include "types/email_domain.h"

/* What a provider does with the local part. */
#define PLUS			1		/* passes over + and what follows */
#define HYPHEN			2		/* passes over the first - and what follows */
#define NO_DOTS			4		/* passes over dots */
#define DOT_IS_HYPHEN	8		/* takes a dot for a hyphen */

typedef struct Provider
{
	const char *domain;
	unsigned	folds;
	const char *same_as;		/* the domain it is one with; NULL if none */
} Provider;

/* Sorted by domain. */
static const Provider providers[] = {
	{"fastmail.cn", PLUS, NULL},
	{"fastmail.co.uk", PLUS, NULL},
	{"fastmail.com", PLUS, NULL},
	{"fastmail.com.au", PLUS, NULL},
	{"fastmail.es", PLUS, NULL},
	{"fastmail.fm", PLUS, NULL},
	{"fastmail.im", PLUS, NULL},
	{"fastmail.in", PLUS, NULL},
	{"fastmail.jp", PLUS, NULL},
	{"fastmail.mx", PLUS, NULL},
	{"fastmail.net", PLUS, NULL},
	{"fastmail.nl", PLUS, NULL},
	{"fastmail.se", PLUS, NULL},
	{"fastmail.to", PLUS, NULL},
	{"fastmail.tw", PLUS, NULL},
	{"fastmail.us", PLUS, NULL},
	{"gmail.com", PLUS | NO_DOTS, "gmail.com"},
	{"googlemail.com", PLUS | NO_DOTS, "gmail.com"},
	{"hotmail.be", PLUS, NULL},
	{"hotmail.ca", PLUS, NULL},
	{"hotmail.ch", PLUS, NULL},
	{"hotmail.co.il", PLUS, NULL},
	{"hotmail.co.jp", PLUS, NULL},
	{"hotmail.co.kr", PLUS, NULL},
	{"hotmail.co.nz", PLUS, NULL},
	{"hotmail.co.th", PLUS, NULL},
	{"hotmail.co.uk", PLUS, NULL},
	{"hotmail.co.za", PLUS, NULL},
	{"hotmail.com", PLUS, NULL},
	{"hotmail.com.au", PLUS, NULL},
	{"hotmail.com.br", PLUS, NULL},
	{"hotmail.com.tr", PLUS, NULL},
	{"hotmail.cz", PLUS, NULL},
	{"hotmail.de", PLUS, NULL},
	{"hotmail.dk", PLUS, NULL},
	{"hotmail.es", PLUS, NULL},
	{"hotmail.fi", PLUS, NULL},
	{"hotmail.fr", PLUS, NULL},
	{"hotmail.gr", PLUS, NULL},
	{"hotmail.hu", PLUS, NULL},
	{"hotmail.it", PLUS, NULL},
	{"hotmail.nl", PLUS, NULL},
	{"hotmail.no", PLUS, NULL},
	{"hotmail.se", PLUS, NULL},
	{"hotmail.sg", PLUS, NULL},
	{"icloud.com", PLUS, "icloud.com"},
	{"live.at", PLUS, NULL},
	{"live.be", PLUS, NULL},
	{"live.ca", PLUS, NULL},
	{"live.cl", PLUS, NULL},
	{"live.cn", PLUS, NULL},
	{"live.co.kr", PLUS, NULL},
	{"live.co.uk", PLUS, NULL},
	{"live.co.za", PLUS, NULL},
	{"live.com", PLUS, NULL},
	{"live.com.ar", PLUS, NULL},
	{"live.com.au", PLUS, NULL},
	{"live.com.mx", PLUS, NULL},
	{"live.com.pt", PLUS, NULL},
	{"live.com.sg", PLUS, NULL},
	{"live.de", PLUS, NULL},
	{"live.dk", PLUS, NULL},
	{"live.fr", PLUS, NULL},
	{"live.hk", PLUS, NULL},
	{"live.ie", PLUS, NULL},
	{"live.in", PLUS, NULL},
	{"live.it", PLUS, NULL},
	{"live.jp", PLUS, NULL},
	{"live.nl", PLUS, NULL},
	{"live.no", PLUS, NULL},
	{"live.ru", PLUS, NULL},
	{"live.se", PLUS, NULL},
	{"mac.com", PLUS, "icloud.com"},
	{"me.com", PLUS, "icloud.com"},
	{"msn.com", PLUS, NULL},
	{"outlook.at", PLUS, NULL},
	{"outlook.be", PLUS, NULL},
	{"outlook.cl", PLUS, NULL},
	{"outlook.co.id", PLUS, NULL},
	{"outlook.co.il", PLUS, NULL},
	{"outlook.co.nz", PLUS, NULL},
	{"outlook.co.th", PLUS, NULL},
	{"outlook.com", PLUS, NULL},
	{"outlook.com.ar", PLUS, NULL},
	{"outlook.com.au", PLUS, NULL},
	{"outlook.com.br", PLUS, NULL},
	{"outlook.com.gr", PLUS, NULL},
	{"outlook.com.pe", PLUS, NULL},
	{"outlook.com.tr", PLUS, NULL},
	{"outlook.com.vn", PLUS, NULL},
	{"outlook.cz", PLUS, NULL},
	{"outlook.de", PLUS, NULL},
	{"outlook.dk", PLUS, NULL},
	{"outlook.es", PLUS, NULL},
	{"outlook.fr", PLUS, NULL},
	{"outlook.hu", PLUS, NULL},
	{"outlook.ie", PLUS, NULL},
	{"outlook.in", PLUS, NULL},
	{"outlook.it", PLUS, NULL},
	{"outlook.jp", PLUS, NULL},
	{"outlook.kr", PLUS, NULL},
	{"outlook.lv", PLUS, NULL},
	{"outlook.my", PLUS, NULL},
	{"outlook.ph", PLUS, NULL},
	{"outlook.pt", PLUS, NULL},
	{"outlook.sa", PLUS, NULL},
	{"outlook.sg", PLUS, NULL},
	{"outlook.sk", PLUS, NULL},
	{"pm.me", PLUS, "proton.me"},
	{"proton.me", PLUS, "proton.me"},
	{"protonmail.ch", PLUS, "proton.me"},
	{"protonmail.com", PLUS, "proton.me"},
	{"rocketmail.com", HYPHEN, NULL},
	{"windowslive.com", PLUS, NULL},
	{"ya.ru", PLUS | DOT_IS_HYPHEN, "yandex.ru"},
	{"yahoo.at", HYPHEN, NULL},
	{"yahoo.be", HYPHEN, NULL},
	{"yahoo.ca", HYPHEN, NULL},
	{"yahoo.ch", HYPHEN, NULL},
	{"yahoo.cn", HYPHEN, NULL},
	{"yahoo.co.id", HYPHEN, NULL},
	{"yahoo.co.il", HYPHEN, NULL},
	{"yahoo.co.in", HYPHEN, NULL},
	{"yahoo.co.kr", HYPHEN, NULL},
	{"yahoo.co.nz", HYPHEN, NULL},
	{"yahoo.co.th", HYPHEN, NULL},
	{"yahoo.co.uk", HYPHEN, NULL},
	{"yahoo.co.za", HYPHEN, NULL},
	{"yahoo.com", HYPHEN, NULL},
	{"yahoo.com.ar", HYPHEN, NULL},
	{"yahoo.com.au", HYPHEN, NULL},
	{"yahoo.com.br", HYPHEN, NULL},
	{"yahoo.com.cn", HYPHEN, NULL},
	{"yahoo.com.co", HYPHEN, NULL},
	{"yahoo.com.hk", HYPHEN, NULL},
	{"yahoo.com.mx", HYPHEN, NULL},
	{"yahoo.com.my", HYPHEN, NULL},
	{"yahoo.com.ph", HYPHEN, NULL},
	{"yahoo.com.sg", HYPHEN, NULL},
	{"yahoo.com.tr", HYPHEN, NULL},
	{"yahoo.com.tw", HYPHEN, NULL},
	{"yahoo.com.vn", HYPHEN, NULL},
	{"yahoo.cz", HYPHEN, NULL},
	{"yahoo.de", HYPHEN, NULL},
	{"yahoo.dk", HYPHEN, NULL},
	{"yahoo.es", HYPHEN, NULL},
	{"yahoo.fi", HYPHEN, NULL},
	{"yahoo.fr", HYPHEN, NULL},
	{"yahoo.gr", HYPHEN, NULL},
	{"yahoo.hu", HYPHEN, NULL},
	{"yahoo.ie", HYPHEN, NULL},
	{"yahoo.in", HYPHEN, NULL},
	{"yahoo.it", HYPHEN, NULL},
	{"yahoo.nl", HYPHEN, NULL},
	{"yahoo.no", HYPHEN, NULL},
	{"yahoo.pl", HYPHEN, NULL},
	{"yahoo.pt", HYPHEN, NULL},
	{"yahoo.ro", HYPHEN, NULL},
	{"yahoo.se", HYPHEN, NULL},
	{"yandex.by", PLUS | DOT_IS_HYPHEN, "yandex.ru"},
	{"yandex.com", PLUS | DOT_IS_HYPHEN, "yandex.ru"},
	{"yandex.kz", PLUS | DOT_IS_HYPHEN, "yandex.ru"},
	{"yandex.ru", PLUS | DOT_IS_HYPHEN, "yandex.ru"},
	{"yandex.ua", PLUS | DOT_IS_HYPHEN, "yandex.ru"},
	{"ymail.com", HYPHEN, NULL},
	{"zoho.com", PLUS, NULL},
	{"zohomail.com", PLUS, NULL}
};

/*
 * The names of RFC 2142, those that certificate authorities write to, and
 * what companies use.  Sorted.
 */
static const char *const role_accounts[] = {
	"abuse", "account", "accounting", "accounts", "admin", "administrator",
	"alert", "alerts", "all", "billing", "booking", "bookings", "bounce",
	"bounces", "business", "career", "careers", "compliance", "contact",
	"contact-us", "contacts", "contactus", "customer-service",
	"customercare", "customerservice", "devnull", "dns", "do-not-reply",
	"do_not_reply", "donotreply", "dpo", "enquiries", "enquiry", "everyone",
	"feedback", "finance", "ftp", "hello", "help", "help-desk", "helpdesk",
	"hostmaster", "hr", "info", "inquiries", "inquiry", "invoice",
	"invoices", "ispfeedback", "ispsupport", "it", "itsupport", "job",
	"jobs", "legal", "list", "list-request", "mail", "mailer-daemon",
	"marketing", "media", "news", "newsletter", "newsletters", "no-reply",
	"no_reply", "noc", "noreply", "notification", "notifications", "null",
	"office", "order", "orders", "partner", "partners", "payments",
	"payroll", "phishing", "post", "postmaster", "pr", "press", "privacy",
	"procurement", "purchasing", "reception", "recruiting", "recruitment",
	"registrar", "registration", "reservations", "returns", "root", "sales",
	"secretariat", "secretary", "security", "service", "services",
	"shipping", "shop", "spam", "ssladmin", "sslwebmaster", "staff", "store",
	"subscribe", "support", "sysadmin", "team", "tech", "technical",
	"techsupport", "undisclosed-recipients", "unsubscribe", "usenet", "uucp",
	"webadmin", "webmaster", "welcome", "www"
};

/* The longest name of a role, with some room. */
#define ROLE_MAX		32

/* A piece of text that is looked up. */
typedef struct Slice
{
	const char *text;
	size_t		length;
} Slice;

/* Orders a slice and a terminated word. */
static int
compare_slice(const Slice *slice, const char *word)
{
	size_t		length = strlen(word);
	int			order = memcmp(slice->text, word,
							   length < slice->length ? length : slice->length);

	if (order == 0)
		order = (slice->length > length) - (slice->length < length);
	return order;
}

static int
compare_provider(const void *key, const void *provider)
{
	return compare_slice(key, ((const Provider *) provider)->domain);
}

static int
compare_role(const void *key, const void *role)
{
	return compare_slice(key, *(const char *const *) role);
}

/* Returns what is known of the provider of this domain, or NULL. */
static const Provider *
find_provider(const char *domain, size_t length)
{
	Slice		key = {domain, length};

	return bsearch(&key, providers, sizeof(providers) / sizeof(providers[0]),
				   sizeof(providers[0]), compare_provider);
}

/*
 * Folds the local part in "out" as the provider does.  Returns its new length;
 * a fold that would leave nothing is not made.
 */
static size_t
fold_local(char *out, size_t length, unsigned folds)
{
	char		mark = folds & PLUS ? '+' : '-';
	size_t		kept = 0;

	if (folds & (PLUS | HYPHEN))
	{
		const char *tag = memchr(out, mark, length);

		if (tag != NULL && tag != out)
			length = (size_t) (tag - out);
	}
	for (size_t i = 0; i < length; i++)
	{
		if (out[i] == '.' && (folds & NO_DOTS))
			continue;
		out[kept++] = out[i] == '.' && (folds & DOT_IS_HYPHEN) ? '-' : out[i];
	}
	return kept;
}

/* Contract in email.h. */
int
crm_email_match_key(const char *canonical, size_t length,
					char out[CRM_EMAIL_KEY_SIZE])
{
	const Provider *provider;
	const char *domain;
	size_t		domain_length;
	size_t		at = length;

	/* the last @ sign: a quoted local part may hold others */
	while (at > 0 && canonical[at - 1] != '@')
		at--;
	out[0] = '\0';
	if (at == 0 || length > CRM_CANONICAL_MAX)
		return 0;
	domain = canonical + at;
	domain_length = length - at;
	at--;
	memcpy(out, canonical, at);
	crm_ascii_lower(out, at);
	provider = find_provider(domain, domain_length);
	if (provider != NULL && out[0] != '"')
	{
		at = fold_local(out, at, provider->folds);
		if (provider->same_as != NULL)
		{
			domain = provider->same_as;
			domain_length = strlen(domain);
		}
	}
	if (at + 1 + domain_length >= CRM_EMAIL_KEY_SIZE)
	{
		out[0] = '\0';
		return 0;
	}
	out[at] = '@';
	memcpy(out + at + 1, domain, domain_length);
	length = at + 1 + domain_length;
	out[length] = '\0';
	return (int) length;
}

/* Contract in email.h. */
bool
crm_email_is_role_account(const char *local, size_t length)
{
	char		name[ROLE_MAX];
	Slice		key = {name, length};
	const char *tag = memchr(local, '+', length);

	if (tag != NULL)
		key.length = (size_t) (tag - local);
	if (key.length == 0 || key.length > sizeof(name))
		return false;
	memcpy(name, local, key.length);
	crm_ascii_lower(name, key.length);
	return bsearch(&key, role_accounts,
				   sizeof(role_accounts) / sizeof(role_accounts[0]),
				   sizeof(role_accounts[0]), compare_role) != NULL;
}
