# baton.  `make help` lists what can be made.
#
# One file, no configure step.  What is built goes to build/VARIANT, where the
# variant is plain, or the sanitizers of SAN=address,undefined.  CFLAGS and
# LDFLAGS are the packager's; ours stand in OWN.

VERSION := 0.1.0

CC         ?= cc
CFLAGS     ?= -O2 -g
PKG_CONFIG ?= pkg-config
prefix     ?= /usr/local
sbindir    ?= $(prefix)/sbin
mandir     ?= $(prefix)/share/man
sysconfdir ?= $(if $(filter /usr,$(prefix)),/etc,$(prefix)/etc)
V          ?= 0
Q          := $(if $(filter 1,$(V)),,@)

comma := ,
empty :=
space := $(empty) $(empty)
B     := build/$(or $(subst $(comma),-,$(SAN)),plain)$(if $(filter clang%,$(CC)),-clang)

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
OWN_LD := -pie -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN))

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

PKGS       := libevent_core
DEP_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null) $(LLHTTP_CFLAGS)
DEP_LIBS   := $(LLHTTP_LIBS) $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
CHECK_CFLAGS := $(shell $(PKG_CONFIG) --cflags check 2>/dev/null)
CHECK_LIBS   := $(shell $(PKG_CONFIG) --libs check 2>/dev/null)

SRC        := $(sort $(wildcard src/*.c src/*/*.c))
OBJ        := $(SRC:%.c=$B/%.o)
LIB_OBJ    := $(filter-out $B/src/main.o,$(OBJ)) $(LLHTTP_OBJ)
UNIT_OBJ   := $(patsubst %.c,$B/%.o,$(sort $(wildcard tests/unit/*.c)))
SYSTEM_OBJ := $(patsubst %.c,$B/%.o,$(sort $(wildcard tests/system/*.c)))
FUZZ_SRC   := $(sort $(wildcard tests/fuzz/fuzz_*.c))
HEADERS    := $(sort $(wildcard include/baton/*.h src/*/*.h tests/*/*.h))

all: $B/baton ## build the daemon (default)

$B/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(OWN) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(DEP_CFLAGS))' \
	    | cmp -s - $@ || echo '$(subst ','\'',$(CC) $(OWN) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(DEP_CFLAGS))' > $@

$B/%.o: %.c $B/flags
	@mkdir -p $(@D)
	@$(if $(Q),echo "  CC    $<")
	$(Q)$(CC) $(OWN) $(CPPFLAGS) $(CFLAGS) $(DEP_CFLAGS) \
	    $(if $(filter tests/%,$<),$(CHECK_CFLAGS)) -MMD -MP -c -o $@ $<

# Generated code: its own warnings are not ours to mend.
$B/llhttp/%.o: $(LLHTTP_DIR)/%.c $B/flags
	@mkdir -p $(@D)
	@$(if $(Q),echo "  CC    $<")
	$(Q)$(CC) -std=gnu11 -w $(HARDEN) $(LLHTTP_CFLAGS) $(CPPFLAGS) $(CFLAGS) \
	    $(if $(SAN),-fsanitize=$(SAN)) -c -o $@ $<

$B/libbaton.a: $(LIB_OBJ)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$B/baton: $B/src/main.o $B/libbaton.a
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(OWN_LD) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(DEP_LIBS)

$B/unit: $(UNIT_OBJ) $B/libbaton.a
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(OWN_LD) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(DEP_LIBS) $(CHECK_LIBS)

$B/system: $(SYSTEM_OBJ) $B/libbaton.a
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(OWN_LD) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(DEP_LIBS) $(CHECK_LIBS)

headers: $(HEADERS:%.h=$B/headers/%.ok) ## compile every header alone

$B/headers/%.ok: %.h $B/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(OWN) $(CPPFLAGS) $(CFLAGS) $(DEP_CFLAGS) $(CHECK_CFLAGS) \
	    -fsyntax-only -x c $< && touch $@

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | \
	    awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'
	@echo '  SAN=address,undefined  a sanitized variant      V=1  show the commands'
	@echo '  CC=clang               another compiler         WERROR=1  warnings are errors'

clean: ## remove build/
	rm -rf build

FORCE:
.PHONY: all headers help clean FORCE
.SECONDARY:
-include $(OBJ:.o=.d) $(UNIT_OBJ:.o=.d) $(SYSTEM_OBJ:.o=.d)
