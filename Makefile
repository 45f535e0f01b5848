# crmaudit
#
# make, make install, make installcheck   as with every PGXS extension
# make test, demo, bench, soak            do their own set-up in a private place
# make fuzz, oracle                       hold the parsers against all bytes, and others
# make lint, indent, expected, deps       for developers

EXTENSION = crmaudit
MODULE_big = crmaudit

# The control file is the one place that holds the version.
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" crmaudit.control)

PARTS = types rules gate calendar findings scoring sweep ledger profile audit
CFILES := $(sort $(wildcard src/*.c $(PARTS:%=src/%/*.c)))
HFILES := $(sort $(wildcard src/*.h $(PARTS:%=src/%/*.h)))
OBJS = $(CFILES:.c=.o)

PIECES := $(sort $(wildcard sql/install/*.sql))
DATA = $(wildcard sql/upgrade/*.sql)
DATA_built = sql/crmaudit--$(EXTVERSION).sql

PG_CPPFLAGS = -Isrc -DCRMAUDIT_VERSION='"$(EXTVERSION)"'
# The map keeps what files share among themselves (crm_*) out of the symbol
# table, -Bsymbolic keeps other libraries from replacing the rest.
SHLIB_LINK = -lidn2 -Wl,-Bsymbolic -Wl,--version-script=src/exports.map

# "make test" turns warnings into errors; a packager's compiler may be newer.
ifdef WERROR
PG_CFLAGS = -Werror
endif

# Tests: inputs under test/, outputs in expected/.  "setup" comes first, since
# it creates the extension; a specification gets it from the driver.
TEST_SQL := $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS = $(filter setup,$(TEST_SQL)) $(filter-out setup,$(TEST_SQL))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=crmaudit
PROVE_TESTS = $(wildcard test/t/*.pl)
ifneq (,$(PROVE_TESTS))
TAP_TESTS = 1
endif

EXTRA_CLEAN = results regression.diffs regression.out tmp_check

PG_CONFIG ?= pg_config

# These need PG_CONFIG at most, and must work before PostgreSQL is installed.
STANDALONE = deps test expected lint demo demo-stop bench soak fuzz oracle test-crm
.PHONY: $(STANDALONE) indent

ifneq (,$(filter-out $(STANDALONE),$(or $(MAKECMDGOALS),all)))
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq (,$(PGXS))
$(error $(PG_CONFIG) does not run; "make deps" installs what is missing)
endif
include $(PGXS)

# PGXS on Debian tracks no header dependencies.
$(OBJS) $(OBJS:.o=.bc): $(HFILES)
crmaudit.so: src/exports.map

# The directory is listed so that adding or removing a piece is noticed.  The
# script is ASCII, as a database of any encoding can read it; Chinese words are
# escaped, and crmaudit.unescape() reads them.
$(DATA_built): $(PIECES) sql/install crmaudit.control
	cat $(PIECES) | perl -CS -pe 's/([^\x00-\x7f])/sprintf "\\u%04x", ord $$1/ge' > $@

# The list of type names comes from what is built.
indent: all
	@test/lint/indent
endif

deps:
	@test/deps

# make test [ONLY="regress isolation tap lint"] [TESTS="name ..."]; make hands
# variables of its command line to what it runs.
test:
	@test/run

# Accept what the tests print now.  Read the difference before committing it.
expected:
	@ONLY="regress isolation" ACCEPT=1 test/run

lint:
	@ONLY=lint test/run

demo:
	@demo/run

demo-stop:
	@demo/run stop

# make bench [ROUNDS=5] [ROWS=500000] [ENTRIES=5000000] [SWEEP_ROWS=10000000] [CUSTOMERS=1000000]
#	[CASES="types ledger sweep demo_exact plain gate_12 ..."]
bench:
	@bench/run

# Long runs of what "make test" does shortly.
# make soak [TRANSACTIONS=1000000]
soak:
	@TRANSACTIONS=$${TRANSACTIONS:-1000000} ONLY=tap TESTS=ledger_soak test/run

# make fuzz [RUNS=10000000] [JOBS=1] [CORPUS=DIRECTORY] [KINDS="phone ..."]
fuzz:
	@test/fuzz/run $(KINDS)

# Random values, judged by other software too, which it gets from Debian and npm.
# make oracle [KINDS="phone ..."] [COUNT=10000] [SEED=1]
oracle:
	@test/oracle/run $(KINDS) $(COUNT)

# Real CRMs, with what they need from Debian.
test-crm:
	@test/crm/tryton/run
