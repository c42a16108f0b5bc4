# baton.  `make help` lists what can be made.
#
# One file, no configure step.  What is built goes to build/VARIANT, where the
# variant is plain, or the sanitizers of SAN=address,undefined.  CFLAGS and
# LDFLAGS are the packager's; ours stand in OWN.
#
# What a target needs of the system is installed first (.ci/deps); then it calls
# this file again, so that pkg-config is asked when it can answer.

VERSION := 0.1.0

CC         ?= cc
CFLAGS     ?= -O2 -g
PKG_CONFIG ?= pkg-config
prefix     ?= /usr/local
sbindir    ?= $(prefix)/sbin
datadir    ?= $(prefix)/share
mandir     ?= $(datadir)/man
includedir ?= $(prefix)/include
appdir     ?= $(prefix)/lib/baton
pkgconfigdir ?= $(datadir)/pkgconfig
unitdir    ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
completiondir ?= $(datadir)/bash-completion/completions
sysconfdir ?= $(if $(filter /usr,$(prefix)),/etc,$(prefix)/etc)
logrotatedir ?= $(sysconfdir)/logrotate.d
INSTALL    ?= install
V          ?= 0
Q          := $(if $(filter 1,$(V)),,@)
say         = @$(if $(Q),echo "  $(1)    $(2)")

comma := ,
empty :=
space := $(empty) $(empty)
B     := build/$(or $(subst $(comma),-,$(SAN)),plain)$(if $(filter clang%,$(notdir $(CC))),-clang)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
    -Wcast-qual -Wwrite-strings -Wpointer-arith -Wundef -Wvla -Wformat=2 \
    -Wnull-dereference -Wimplicit-fallthrough -Wno-unused-parameter
HARDEN := -fPIE -fstack-protector-strong \
    $(if $(SAN),-U_FORTIFY_SOURCE,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
OWN := -std=gnu11 -D_GNU_SOURCE -DBT_VERSION='"$(VERSION)"' \
    -DBT_SYSCONFDIR='"$(sysconfdir)"' -I. -Isrc -Iinclude -fvisibility=hidden \
    $(WARN) $(if $(WERROR),-Werror) $(HARDEN) \
    $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all \
    -fno-omit-frame-pointer)
OWN_LD := -pie -Wl,-z,relro,-z,now \
    $(if $(SAN),-fsanitize=$(subst fuzzer-no-link,fuzzer,$(SAN)))

# llhttp: the library where there is one (Debian 13), else the generated C of
# Debian 12's node-llhttp, compiled strict (the header alone means loose).
ifeq ($(shell $(PKG_CONFIG) --exists libllhttp 2>/dev/null && echo yes),yes)
LLHTTP_CFLAGS := $(shell $(PKG_CONFIG) --cflags libllhttp)
LLHTTP_LIBS   := $(shell $(PKG_CONFIG) --libs libllhttp)
LLHTTP_OBJ    :=
else
LLHTTP_DIR    := /usr/share/llhttp
LLHTTP_CFLAGS := -isystem /usr/share/include/llhttp -DLLHTTP_STRICT_MODE=1
LLHTTP_LIBS   :=
LLHTTP_OBJ    := $(addprefix $B/llhttp/,llhttp.o api.o http.o)
endif

PKGS       := libevent_core libcrypt zlib libsodium libcares
DEP_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null) $(LLHTTP_CFLAGS)
DEP_LIBS   := $(LLHTTP_LIBS) $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
CHECK_CFLAGS := $(shell $(PKG_CONFIG) --cflags check 2>/dev/null)
CHECK_LIBS   := $(shell $(PKG_CONFIG) --libs check 2>/dev/null)

SRC        := $(sort $(filter-out src/apps/%,$(wildcard src/*.c src/*/*.c)))
OBJ        := $(SRC:%.c=$B/%.o)
LIB_OBJ    := $(filter-out $B/src/main.o,$(OBJ)) $(LLHTTP_OBJ)
UNIT_OBJ   := $(patsubst %.c,$B/%.o,$(sort $(wildcard tests/unit/*.c)))
SYSTEM_OBJ := $(patsubst %.c,$B/%.o,$(sort $(wildcard tests/system/*.c)))
TORTURE_OBJ := $(patsubst %.c,$B/%.o,$(sort $(wildcard tests/torture/*.c)))
FUZZ_OBJ   := $(patsubst %.c,$B/%.o,$(sort $(wildcard tests/fuzz/*.c)))
FUZZERS    := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
DAEMON     := $(and $(wildcard src/main.c),$B/baton)
APPS       := $(patsubst src/apps/%.c,$B/apps/%.so,$(sort $(wildcard src/apps/*.c))) \
    $B/apps/shop.so
TEST_APPS  := $(patsubst tests/apps/%.c,$B/test-apps/%.so,$(sort $(wildcard tests/apps/*.c)))
HEADERS    := $(sort $(wildcard include/baton/*.h src/*/*.h tests/*/*.h))

all: $(DAEMON) $(APPS) ## build the daemon and its applications (default)

$B/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(OWN) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(DEP_CFLAGS))' \
	    | cmp -s - $@ || echo '$(subst ','\'',$(CC) $(OWN) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(DEP_CFLAGS))' > $@

$B/%.o: %.c $B/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(OWN) $(CPPFLAGS) $(CFLAGS) $(DEP_CFLAGS) \
	    $(if $(filter tests/%,$<),$(CHECK_CFLAGS)) -MMD -MP -c -o $@ $<

# Generated code: its own warnings are not ours to mend.
$B/llhttp/%.o: $(LLHTTP_DIR)/%.c $B/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -w $(HARDEN) $(LLHTTP_CFLAGS) $(CPPFLAGS) $(CFLAGS) \
	    $(if $(SAN),-fsanitize=$(SAN)) -c -o $@ $<

$B/libbaton.a: $(LIB_OBJ)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# Applications find baton_...() in the program that loads them.
$B/baton: $B/src/main.o $B/libbaton.a
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_LD) $(CFLAGS) $(LDFLAGS) -Wl,--dynamic-list=src/app/exports \
	    -o $@ $B/src/main.o -Wl,--whole-archive $B/libbaton.a \
	    -Wl,--no-whole-archive $(DEP_LIBS)

define build_app
	@mkdir -p $(@D)
	$(call say,APP,$@)
	$(Q)$(CC) -std=gnu11 -Iinclude -fvisibility=hidden $(WARN) \
	    $(if $(WERROR),-Werror) -fPIC $(CPPFLAGS) $(CFLAGS) \
	    $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) \
	    $(LDFLAGS) -shared -o $@ $(filter %.c,$^)
endef

# Applications: one file each, built as anybody's would be; and those of tests.
$B/test-apps/%.so: tests/apps/%.c $(wildcard include/baton/*.h) $B/flags
	$(build_app)

$B/apps/%.so: src/apps/%.c $(wildcard include/baton/*.h) $B/flags
	$(build_app)

# One that is larger has a folder.
$B/apps/shop.so: $(wildcard src/apps/shop/*.[ch] include/baton/*.h) $B/flags
	$(build_app)

$B/unit: $(UNIT_OBJ) $B/libbaton.a
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_LD) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(DEP_LIBS) $(CHECK_LIBS)

$B/system: $(SYSTEM_OBJ) $B/libbaton.a
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_LD) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(DEP_LIBS) $(CHECK_LIBS)

$B/torture: $(TORTURE_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_LD) $(CFLAGS) $(LDFLAGS) -o $@ $^

# ---- running it

PORT ?= 8080
WWW  ?= conf/www

# As many jobs as CPUs, unless -j said how many; + hands them on.
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
AGAIN = +@$(MAKE) --no-print-directory $(JOBS)

run: ## build what is missing and serve conf/www (PORT=8080, WWW=folder)
	@.ci/deps build
	$(AGAIN) run-now

run-now: $B/baton
	@echo "baton: http://127.0.0.1:$(PORT)/ is $(WWW); Ctrl-C stops it"
	@exec $B/baton -l 127.0.0.1:$(PORT) -r $(WWW)

# ---- checking it

# Suites by name; each is named in the one file that has it.
suites = $(shell sed -n 's/^BT_$(1)_SUITE(\([a-z0-9_]*\)).*/\1/p' $(2) /dev/null)
UNIT_SUITES   := $(call suites,UNIT,$(wildcard tests/unit/*.c))
SYSTEM_SUITES := $(call suites,SYSTEM,$(wildcard tests/system/*.c))
TESTS         ?=
unknown_tests := $(filter-out $(UNIT_SUITES) $(SYSTEM_SUITES),$(TESTS))

UNIT_ENV := $(if $(SAN),ASAN_OPTIONS=$${ASAN_OPTIONS:-quarantine_size_mb=4})

# $(call run_suites,PROGRAM,SUITES,LOG): runs those of TESTS, or all.  A pipe's
# status is its last command's, so the program's own goes through a file; and a
# program that ends well without Check's closing line has not ended well.  Of what
# was freed AddressSanitizer keeps little in the unit tests: each of them is a fork
# of one process, and the search for leaks at its end goes through all of that.
define run_suites
@$(if $(unknown_tests),echo "no such tests: $(unknown_tests)" >&2; exit 1;) \
case "$(strip $(TESTS)):$(strip $(filter $(TESTS),$(2)))" in \
:*|*:?*) ;; \
*) exit 0 ;; \
esac; \
{ $(if $(filter unit,$(1)),$(UNIT_ENV)) $B/$(1) $(if $(TESTS),$(filter $(TESTS),$(2)),$(2)); \
    echo $$? > $B/$(3).status; } 2>&1 | tee $B/$(3).log; \
test "`cat $B/$(3).status`" = 0 || { echo "$(1) tests failed" >&2; exit 1; }; \
grep -q '100%: Checks: [1-9][0-9]*, Failures: 0, Errors: 0' $B/$(3).log || \
    { echo "$(1) tests did not say that all passed" >&2; exit 1; }
endef

check: ## headers, layers, unit, system, short torture (TESTS="str channel")
	@.ci/deps check
	$(AGAIN) check-now

check-now: headers layers $(DAEMON) run-unit $(if $(SYSTEM_OBJ),run-system) run-torture
	@echo "check: all passed ($B)"

unit: run-unit ## unit tests alone (TESTS=...)
system: run-system ## system tests alone (TESTS=...)

# Unit tests in two halves, side by side with -j, then system tests in two halves,
# which mostly wait for daemons of their own; then the torture, which wants the
# machine for itself.
halve = $(shell printf '%s\n' $(1) | awk 'NR % 2 == $(2)')
UNIT_HALVES := run-unit-1 run-unit-0
run-unit: $(UNIT_HALVES)
$(UNIT_HALVES): run-unit-%: $B/unit
	$(call run_suites,unit,$(call halve,$(UNIT_SUITES),$*),unit-$*)

SYSTEM_HALVES := run-system-1 run-system-0
run-system: $(SYSTEM_HALVES)
$(SYSTEM_HALVES): run-system-%: $B/system $(DAEMON) $(APPS) $(TEST_APPS) | $(if $(filter check-now,$(MAKECMDGOALS)),run-unit)
	$(call run_suites,system,$(call halve,$(SYSTEM_SUITES),$*),system-$*)

# Two runs by one seed: what may cost nobody anything, wrk beside it, with a service
# manager that stores descriptors; then with workers killed and the service
# restarted without that, which may cost those who were there.
# CALM and ROUGH may be set, to "--actions kill=1,reload=9" for instance.
TORTURE_SECONDS ?= 600
TORTURE_SEED    ?= 1
CALM            ?= --store --actions reload,hup,burst,bad,upgrade,hang,resize,restart
ROUGH           ?= --actions reload,hup,burst,bad,upgrade,hang,resize,kill,restart
torture_run      = $B/torture --program $B/baton --seed $(TORTURE_SEED) \
    $(if $(SAN),--sanitized)
torture_few      = $(if $(SAN),--clients busy=2$(comma)thinking=16$(comma)post=4$(comma)split=4$(comma)idle=200$(comma)proxied=8$(comma)tunnel=8)

torture: ## real load while the daemon is reloaded, killed … (TORTURE_SECONDS=600)
	@.ci/deps check
	$(AGAIN) $B/torture $(DAEMON)
	@$(torture_run) --seconds $$(($(TORTURE_SECONDS) / 2)) --every 700 \
	    --clients idle=5000 --wrk 16 $(CALM)
	@$(torture_run) --seconds $$(($(TORTURE_SECONDS) / 2)) --every 700 \
	    --clients idle=5000 $(ROUGH)

torture-compare: ## what clients of baton and other servers meet, a table
	@.ci/deps compare
	$(AGAIN) $B/torture $(DAEMON)
	@BATON=$(abspath $B/baton) TORTURE=$(abspath $B/torture) tests/torture/compare

torture-short: run-torture ## the same in 20 s, as `make check` does it

run-torture: $B/torture $(DAEMON) | $(if $(filter check-now,$(MAKECMDGOALS)),run-unit run-system)
ifeq ($(strip $(TESTS)),)
	@$(torture_run) --seconds 8 $(torture_few) $(CALM)
	@$(torture_run) --seconds 8 $(torture_few) $(ROUGH)
else
	@:
endif

browser: ## the shop in a headless Chromium, where there is one
	@.ci/deps build
	$(AGAIN) $B/baton $(APPS)
	@tests/browser/run $B

FUZZ_SECONDS ?= 10

fuzz: ## fuzz each target for FUZZ_SECONDS=10 (clang)
	@.ci/deps ci
	$(AGAIN) fuzz-now B=build/fuzz SAN=fuzzer-no-link,address,undefined \
	    CC=$(if $(findstring clang,$(CC)),$(CC),clang)

fuzz-now: $(FUZZERS:%=fuzz-%)
	@echo "fuzz: $(or $(FUZZERS),nothing to do)"

$B/fuzz_%: $B/tests/fuzz/fuzz_%.o $B/libbaton.a
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_LD) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) \
	    $(filter %.a,$^) $(DEP_LIBS)

$B/fuzz_connection $B/fuzz_proxy: $B/tests/fuzz/answers.o $B/tests/fuzz/place.o
$B/fuzz_proxy: $B/tests/fuzz/behind.o

# The corpus is copied: what a run finds is kept in build/, beside it.
fuzz-%: $B/fuzz_%
	@mkdir -p $B/corpus/$* $B/found/$*
	@if [ -d tests/fuzz/corpus/$* ]; then \
	    cp -R tests/fuzz/corpus/$*/. $B/corpus/$*; fi
	$(call say,FUZZ,$*)
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 \
	    -artifact_prefix=$B/found/$*/ \
	    $(if $(wildcard tests/fuzz/$*.dict),-dict=tests/fuzz/$*.dict) \
	    $B/corpus/$* > $B/found/$*.log 2>&1 || \
	    { tail -n 60 $B/found/$*.log >&2; exit 1; }
	@sed -n 's/^stat::number_of_executed_units: */        executions: /p' \
	    $B/found/$*.log

# Each source by gcc's analyzer and by clang-tidy (.clang-tidy says what for, one
# at a time: 14 takes va_list of the second for uninitialized), all by cppcheck,
# which reads no system headers.
analyze: ## -fanalyzer, clang-tidy and cppcheck, which want nothing more
	@.ci/deps ci
	$(AGAIN) analyze-now

APP_SRC := $(wildcard src/apps/*.c src/apps/*/*.c)

analyze-now: $(SRC:%.c=$B/analyzed/%.ok) $(APP_SRC:%.c=$B/analyzed/%.ok) $B/analyzed/cppcheck.ok
	@echo "analyze: nothing found"

$B/analyzed/%.ok: %.c $(HEADERS) .clang-tidy $B/flags
	@mkdir -p $(@D)
	$(call say,ANALYZE,$<)
	$(Q)gcc $(OWN) -O2 $(DEP_CFLAGS) -fanalyzer -Werror -c -o /dev/null $<
	$(Q)clang-tidy --quiet $< -- $(OWN) $(DEP_CFLAGS) > $@.log 2>&1 || \
	    { cat $@.log >&2; exit 1; }
	@touch $@

$B/analyzed/cppcheck.ok: $(SRC) $(HEADERS) $B/flags
	@mkdir -p $(@D)
	$(call say,CPPCHECK,src)
	$(Q)cppcheck -q --enable=warning,performance,portability --std=c11 \
	    --inline-suppr --error-exitcode=1 -D_GNU_SOURCE -I. -Isrc -Iinclude \
	    -D'STAILQ_FOREACH(v,q,f)=for((v)=(q)->stqh_first;v;(v)=(v)->f.stqe_next)' \
	    $(filter -D%,$(LLHTTP_CFLAGS)) src
	@touch $@

headers: $(HEADERS:%.h=$B/headers/%.ok) ## compile every header alone

# Included, since a compiler warns of functions unused in the main file.
$B/headers/%.ok: %.h $(HEADERS) $B/flags
	@mkdir -p $(@D)
	$(Q)echo '#include "$<"' | $(CC) $(OWN) $(CPPFLAGS) $(CFLAGS) $(DEP_CFLAGS) \
	    $(CHECK_CFLAGS) -fsyntax-only -x c - && touch $@

# Which rooms may be included from which; a room may include itself, main.c all.
LAYERS := \
    base: \
    conf:base channel:base scoreboard:base http:base \
    handlers:base,conf,channel,scoreboard,http \
    app:base,conf,channel,scoreboard,http,handlers \
    proxy:base,conf,channel,scoreboard,http,handlers \
    worker:base,conf,channel,scoreboard,http,app,proxy,handlers \
    master:base,conf,channel,scoreboard \
    channel/heritage.h:base,conf,scoreboard

layers: ## print the includes that point upwards
	@awk -v layers='$(LAYERS)' 'BEGIN { \
	    n = split(layers, row, " "); \
	    for (i = 1; i <= n; i++) { \
	        split(row[i], side, ":"); known[side[1]] = 1; \
	        m = split(side[2], to, ","); \
	        for (k = 1; k <= m; k++) may[side[1], to[k]] = 1; } } \
	/^[ \t]*#[ \t]*include[ \t]*"/ { \
	    file = FILENAME; sub(/^src\//, "", file); split(file, part, "/"); \
	    room = part[1]; from = (file in known) ? file : room; \
	    split($$0, quoted, "\""); split(quoted[2], target, "/"); \
	    if (target[1] == room || (from, target[1]) in may) next; \
	    print FILENAME ":" FNR ": " room " must not include " quoted[2]; \
	    bad = 1 } \
	END { exit bad }' $(wildcard src/*/*.[ch])

STYLED = $(wildcard include/baton/*.h src/*.c src/*/*.[ch] src/apps/*/*.[ch] tests/*/*.[ch] bench/*.[ch])

format: ## clang-format all sources in place (CHECK=1: only say which)
	@clang-format --style=file $(if $(CHECK),--dry-run -Werror,-i) $(STYLED)

# ---- comparing it

$B/floor $B/idle $B/probe $B/proxy_ends $B/restarting: $B/%: bench/%.c $B/flags
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) -O2 -Wall -Wextra -o $@ $<

$B/cold_disk: $B/bench/cold_disk.o $B/tests/system/fuse.o
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_LD) $(CFLAGS) $(LDFLAGS) -o $@ $^

bench-cold: ## a file in memory beside others on a slow disk
	@.ci/deps bench
	$(AGAIN) $B/baton $B/cold_disk
	@BATON=$(abspath $B/baton) DISK=$(abspath $B/cold_disk) bench/cold

$B/continuations: $B/bench/continuations.o $B/libbaton.a
	$(call say,LD,$@)
	$(Q)$(CC) $(OWN_LD) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(DEP_LIBS)

bench-apps: ## applications: work beside the loop, continuations
	@.ci/deps bench
	$(AGAIN) $B/baton $B/probe $B/continuations $(APPS) $(TEST_APPS)
	@BUILD=$(abspath $B) bench/apps

bench-proxy: ## in front of another server, against three that can be there
	@.ci/deps bench
	$(AGAIN) $B/baton $B/proxy_ends
	@BATON=$(abspath $B/baton) ENDS=$(abspath $B/proxy_ends) \
	    OUT=$(abspath build/bench) bench/proxy

bench-restart: ## in front of an application that restarts, or is away
	@.ci/deps bench
	$(AGAIN) $B/baton $B/restarting $B/proxy_ends
	@BATON=$(abspath $B/baton) APPLICATION=$(abspath $B/restarting) \
	    ENDS=$(abspath $B/proxy_ends) OUT=$(abspath build/bench) bench/restart

bench: ## measure against five other servers and a bare loop
	@.ci/deps bench
	$(AGAIN) $B/baton $B/floor $B/idle
	@BATON=$(abspath $B/baton) FLOOR=$(abspath $B/floor) \
	    HOLD=$(abspath $B/idle) bench/run

# ---- installing it

MAN  := $(wildcard src/man/*.[1-9])
CONF := $(wildcard conf/*.conf)
UNIT := $(wildcard conf/*.service conf/*.socket)
D     = $(DESTDIR)

# The folders, as they were chosen.
FOLDERS = sed -e 's,@sbindir@,$(sbindir),g' -e 's,@sysconfdir@,$(sysconfdir),g' \
    -e 's,@includedir@,$(includedir),g' -e 's,@appdir@,$(appdir),g' \
    -e 's,@version@,$(VERSION),g' \
    -e 's,/usr/share/baton,$(datadir)/baton,g' -e 's,/usr/lib/baton,$(appdir),g'

# A shell command that installs $file as $to; where that was edited it stays, and
# the new one is laid beside it.
install_conf = $(FOLDERS) $$file > $B/installed; \
    if [ -n "$(DESTDIR)" ] || ! [ -e $$to ] || cmp -s $B/installed $$to; \
    then new=$$to; else new=$$to$(1); fi; \
    $(INSTALL) -m 644 $B/installed $$new; echo "$$new"

install: $B/baton $(APPS) ## into DESTDIR, under prefix=/usr/local
	$(INSTALL) -d $(D)$(sbindir) $(D)$(sysconfdir)/baton $(D)$(unitdir) \
	    $(D)$(datadir)/baton/www $(D)$(logrotatedir) $(D)$(sysusersdir) \
	    $(D)$(completiondir) $(D)$(includedir)/baton $(D)$(appdir) \
	    $(D)$(pkgconfigdir) $(D)$(datadir)/doc/baton
	$(INSTALL) -m 755 $B/baton $(D)$(sbindir)/baton
	$(INSTALL) -m 644 $(wildcard include/baton/*.h) $(D)$(includedir)/baton
	$(INSTALL) -m 644 $(APPS) $(D)$(appdir)
	@$(FOLDERS) conf/baton.pc.in > $B/installed
	$(INSTALL) -m 644 $B/installed $(D)$(pkgconfigdir)/baton.pc
	@set -e; for file in `find src/apps -name '*.[ch]' | sort`; do \
	    to=$(D)$(datadir)/doc/baton/examples/$${file#src/apps/}; \
	    $(INSTALL) -d $${to%/*}; $(INSTALL) -m 644 $$file $$to; \
	    echo "$$to"; done
	$(INSTALL) -m 644 $(wildcard conf/www/*) $(D)$(datadir)/baton/www
	$(INSTALL) -m 644 conf/baton.sysusers $(D)$(sysusersdir)/baton.conf
	$(INSTALL) -m 644 conf/baton.bash-completion $(D)$(completiondir)/baton
	@set -e; for page in $(MAN); do \
	    dir=$(D)$(mandir)/man$${page##*.}; set -x; \
	    $(INSTALL) -d $$dir; $(INSTALL) -m 644 $$page $$dir; \
	    { set +x; } 2>/dev/null; done
	@set -e; for file in $(CONF); do \
	    to=$(D)$(sysconfdir)/baton/$${file##*/}; $(call install_conf,.new); done
	@set -e; file=conf/baton.logrotate; to=$(D)$(logrotatedir)/baton; \
	    $(call install_conf,.dpkg-new)
	@set -e; for file in $(UNIT); do \
	    to=$(D)$(unitdir)/$${file##*/}; \
	    $(FOLDERS) $$file > $$to; chmod 644 $$to; echo "$$to"; done

# What somebody may have edited stays, and so do the logs and the user.
uninstall: ## take that away again, but for conf files and logs
	rm -f $(D)$(sbindir)/baton $(D)$(sysusersdir)/baton.conf \
	    $(D)$(completiondir)/baton $(D)$(pkgconfigdir)/baton.pc \
	    $(foreach f,$(APPS),$(D)$(appdir)/$(notdir $f)) \
	    $(foreach f,$(UNIT),$(D)$(unitdir)/$(notdir $f)) \
	    $(foreach f,$(MAN),$(D)$(mandir)/man$(subst .,,$(suffix $f))/$(notdir $f)) \
	    $(foreach f,$(wildcard conf/www/*),$(D)$(datadir)/baton/www/$(notdir $f))
	rm -rf $(D)$(includedir)/baton $(D)$(datadir)/doc/baton/examples
	-rmdir $(D)$(datadir)/baton/www $(D)$(datadir)/baton $(D)$(appdir)

# In a folder of its own: the folders are compiled in.
DEB_REVISION ?= 1
ARCH         = $(shell dpkg --print-architecture)
DEB          = build/baton_$(VERSION)-$(DEB_REVISION)_$(ARCH).deb

deb: ## a Debian package, build/baton_VERSION_ARCH.deb
	@.ci/deps deb
	$(AGAIN) deb-now prefix=/usr B=build/deb-$(VERSION) \
	    CFLAGS='$(CFLAGS) -ffile-prefix-map=$(CURDIR)/='

deb-now: $B/baton
	@rm -rf $B/root $B/root-dbgsym
	$(Q)$(MAKE) -s install DESTDIR=$(CURDIR)/$B/root >$B/install.log 2>&1 || \
	    { cat $B/install.log >&2; exit 1; }
	$(Q)conf/debian/package $B/root $(VERSION)-$(DEB_REVISION) $(DEB) \
	    $(subst /baton_,/baton-dbgsym_,$(DEB))

# The same program under a newer number, for it to be upgraded to.
test-service: ## the package under a real systemd, booted for it (root)
	@.ci/deps service
	$(AGAIN) deb
	$(AGAIN) deb VERSION=$(VERSION).1
	lintian --fail-on error --allow-root $(DEB) $(subst /baton_,/baton-dbgsym_,$(DEB))
	tests/systemd/run $(DEB) $(subst _$(VERSION)-,_$(VERSION).1-,$(DEB))

deps: ## install what building, testing and CI need
	@.ci/deps ci

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(firstword $(MAKEFILE_LIST)) | \
	    awk -F'|' '{ printf "  make %-15s %s\n", $$1, $$2 }'
	@echo '  SAN=address,undefined  a sanitized variant      V=1  show the commands'
	@echo '  CC=clang               another compiler         WERROR=1  warnings are errors'

clean: ## remove build/
	rm -rf build

FORCE:
.PHONY: all run run-now check check-now unit system run-unit $(UNIT_HALVES) \
    run-system $(SYSTEM_HALVES) \
    run-torture torture torture-short torture-compare fuzz fuzz-now \
    browser analyze analyze-now headers layers format bench bench-cold \
    bench-proxy bench-restart install uninstall deb deb-now test-service deps help clean FORCE
.SECONDARY:
-include $(OBJ:.o=.d) $(UNIT_OBJ:.o=.d) $(SYSTEM_OBJ:.o=.d) $(FUZZ_OBJ:.o=.d) $(TORTURE_OBJ:.o=.d)
