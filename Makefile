# SPDX-License-Identifier: MIT
# "make help" lists the targets. Anything longer than a few lines is a script
# in scripts/.

LUA = lua5.4
PREFIX = /usr/local
VMS = lua5.4 luajit lua5.3 lua5.2 lua5.1
# What test-curl and mutants try where nothing else is asked for.
VERSIONS = 7.81.0 8.5.0 8.14.1
COUNT = 60
SEED = 1

# The version in LUA's paths: 5.1 for LuaJIT, because it has that ABI; a program
# without a version in its name is asked for it.
ABI = $(or $(if $(findstring luajit,$(LUA)),5.1),\
  $(filter 5.%,$(patsubst lua%,%,$(LUA))),\
  $(shell $(LUA) -e 'print((_VERSION:match("5%.%d")))'))
INST_LUADIR = $(PREFIX)/share/lua/$(ABI)
INST_LIBDIR = $(PREFIX)/lib/lua/$(ABI)
INST_BINDIR = $(PREFIX)/bin
INST_SHAREDIR = $(PREFIX)/share

# What pkg-config says, asked once and only where something is compiled.
# LUA_CFLAGS=-I… on the command line replaces it.
PKG_CONFIG = pkg-config
once = $(eval $(1) := $(2))$($(1))
have = $(shell $(PKG_CONFIG) --exists "$(1)" 2>/dev/null && echo yes)
lua_names = $(if $(findstring luajit,$(LUA)),luajit,\
  lua$(ABI) lua-$(ABI) lua$(subst .,,$(ABI)))
lua_package = $(or \
  $(firstword $(foreach p,$(lua_names),$(if $(call have,$p),$p))),\
  $(if $(call have,lua >= $(ABI) lua <= $(ABI).99),lua))
LUA_CFLAGS = $(call once,LUA_CFLAGS,$(shell \
  $(PKG_CONFIG) --cflags $(lua_package) 2>/dev/null))
CURL_CFLAGS = $(call once,CURL_CFLAGS,$(shell \
  $(PKG_CONFIG) --cflags libcurl 2>/dev/null || curl-config --cflags))
CURL_LIBS = $(call once,CURL_LIBS,$(shell \
  $(PKG_CONFIG) --libs libcurl 2>/dev/null || curl-config --libs))
CRYPTO = $(call once,CRYPTO,$(call have,libcrypto))
CRYPTO_CFLAGS = $(call once,CRYPTO_CFLAGS,$(shell \
  $(PKG_CONFIG) --cflags libcrypto))
CRYPTO_LIBS = $(call once,CRYPTO_LIBS,$(shell \
  $(PKG_CONFIG) --libs libcrypto))
EMULATOR = $(call once,EMULATOR,$(call have,libmicrohttpd sqlite3))
EMULATOR_CFLAGS = $(call once,EMULATOR_CFLAGS,$(shell \
  $(PKG_CONFIG) --cflags libmicrohttpd sqlite3))
EMULATOR_LIBS = $(call once,EMULATOR_LIBS,$(shell \
  $(PKG_CONFIG) --libs libmicrohttpd sqlite3))

# The user's CFLAGS and LDFLAGS come last, so that they win.
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
  -Wmissing-prototypes -Wconversion $(if $(CI),-Werror)
FLAGS = -std=c99 -D_GNU_SOURCE -O2 -g -fPIC -fno-plt -fvisibility=hidden \
  -pthread $(WARNINGS)
COMPILE = $(CC) $(FLAGS) -MMD -MP
# Where what knows the client finds its headers.
INCLUDES = -Isrc/core -Isrc/http -Isrc/file
ifeq ($(shell uname),Darwin)
MODULE = $(CC) -bundle -undefined dynamic_lookup -pthread
else
MODULE = $(CC) -shared -pthread
LIBS = -ldl
endif

# The client is three modules, see src/core/capi.h: lipsync.core, which is loaded
# at once, lipsync.http, which links libcurl, and lipsync.file. The others have
# all of the core in them but for the core's own module. lipsync.hmac, which
# links libcrypto, has nothing of it.

OUT = build/$(LUA)
CORE = $(patsubst src/%.c,$(OUT)/obj/%.o,$(wildcard src/core/*.c))
HTTP = $(patsubst src/%.c,$(OUT)/obj/%.o,$(wildcard src/http/*.c \
  src/digest/*.c))
FILE = $(patsubst src/%.c,$(OUT)/obj/%.o,$(wildcard src/file/*.c))
CLIENT = $(CORE) $(HTTP) $(FILE)
HMAC = $(patsubst src/%.c,$(OUT)/obj/%.o,$(wildcard src/hmac/*.c))
# What the command alone needs of the system.
TERMINAL = $(patsubst src/%.c,$(OUT)/obj/%.o,$(wildcard src/terminal/*.c))
# The emulator is a program, a Lua module, and a library that knows neither.
SERVER = $(patsubst src/%.c,build/%.o,$(wildcard src/emulator/*.c \
  $(patsubst %,src/emulator/%/*.c,store service api http webhook) \
  src/digest/*.c))
MAIN = $(patsubst src/%.c,build/%.o,$(wildcard src/emulator/cli/*.c))
BINDING = $(patsubst src/%.c,$(OUT)/obj/%.o,$(wildcard src/emulator/lua/*.c))
UNITS = $(patsubst spec/c/%.c,build/unit/%,$(wildcard spec/c/*_test.c))
PARTS = $(patsubst src/%.c,build/unit/obj/%.o,\
  $(wildcard src/core/buf.c src/core/platform*.c src/core/json*.c \
  src/http/inflate.c src/http/address.c src/http/body.c src/http/input*.c \
  src/http/no_proxy.c src/http/idle.c src/http/socket_posix.c \
  src/emulator/api/multipart.c))
# Lua modules of the specs' own.
SUPPORT = scripted_core process tracer

# The VM to test, where one was asked for by name.
ASKED = $(if $(filter command line,$(origin LUA)),$(LUA))

.PHONY: all build client command emulator help demo test lint luals format trace deps \
  types dist install install-client install-command install-emulator uninstall share \
  clean units support headers test-curl mutants FORCE
.SECONDARY:

all: build ## build the module for LUA (default lua5.4) and the emulator

build: client command emulator

command: $(OUT)/lipsync/terminal.so

# Without libcrypto's headers webhooks cannot be verified; all else can be done.
client: $(patsubst %,$(OUT)/lipsync/%.so,core http file $(if $(CRYPTO),hmac))
	$(if $(CRYPTO),@:,@echo "Left out: lipsync.webhook's verification" \
	  "(lipsync.hmac); it needs the headers of libcrypto (OpenSSL).")

help: ## list the targets
	@echo "make TARGET [LUA=lua5.4|luajit|lua5.3|lua5.2|lua5.1]"
	@LC_ALL=C sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile \
	  scripts/bench.mk scripts/check.mk scripts/hosts.mk scripts/windows.mk

demo: ## make, list and delete against the emulator, from nothing
	@scripts/deps demo $(LUA)
	@$(MAKE) -s --no-print-directory build
	@LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="$(OUT)/?.so;;" \
	  build/lipsync-emulator --port 0 -- $(LUA) examples/quickstart.lua

test: ## luacheck, unit tests and specs; LUA=… SPEC=… for a part
	@scripts/deps test $(ASKED)
	@MAKE="$(MAKE)" SPEC="$(SPEC)" scripts/test $(or $(ASKED),$(VMS))

test-curl: ## the specs on libcurl built from a clone; CURL=… VERSIONS=…
	@MAKE="$(MAKE)" SPEC="$(SPEC)" LUA="$(LUA)" \
	  scripts/test-curl "$(CURL)" $(VERSIONS)

mutants: ## small mutations that no spec notices; COUNT=… SEED=… FILES=… SPEC=…
	@MAKE="$(MAKE)" SPEC="$(SPEC)" scripts/mutants $(COUNT) $(SEED) $(FILES)

lint: ## the checks that run nothing
	@scripts/lint

trace: build ## files and functions that a call goes through; TRACE=-v
	@LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="$(OUT)/?.so;;" \
	  $(LUA) scripts/trace.lua $(TRACE)

types: ## write types/ anew, from the annotations and the emulator's parameters
	@$(LUA) scripts/types.lua $$(find lua -name '*.lua' | LC_ALL=C sort) \
	  > types/new
	@mv types/new types/lipsync.lua
	@$(LUA) scripts/types_emulator.lua > types/new
	@mv types/new types/lipsync/emulator.lua

luals: ## what LuaLS says of types/ and examples/; LUALS=path
	@scripts/luals $(LUALS)

format: ## clang-format on all C files
	git ls-files -z '*.c' '*.h' | xargs -0 $$(scripts/clang-format) -i

deps: ## install what is missing (apt; DEPS=no only looks)
	@scripts/deps test

PLACES = $(OUT) "$(DESTDIR)$(INST_LUADIR)" "$(DESTDIR)$(INST_LIBDIR)" \
  "$(DESTDIR)$(INST_BINDIR)"

install: build share ## into PREFIX (/usr/local), below DESTDIR
	@LUA="$(LUA)" RUN_LUADIR="$(INST_LUADIR)" RUN_LIBDIR="$(INST_LIBDIR)" \
	  scripts/install put all $(PLACES) "$(DESTDIR)$(INST_SHAREDIR)"

# Manual pages and completions of the shells, into build/share. They are made
# from the program's own description of its options.
share: build
	@rm -rf build/share
	@LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="$(OUT)/?.so;;" \
	  $(LUA) scripts/share.lua build/share

# What the rocks consist of.
install-client install-command install-emulator: install-%: %
	@scripts/install put $* $(PLACES)

uninstall: ## what install has put there
	@scripts/install remove all $(PLACES) "$(DESTDIR)$(INST_SHAREDIR)"

dist: ## the release of what is committed, in build/dist; URL=… of its place
	@scripts/dist $(URL)

clean: ## remove build/
	rm -rf build

$(OUT)/lipsync/core.so: $(CORE) $(OUT)/flags
	@mkdir -p $(@D)
	$(MODULE) -o $@ $(CORE) $(LIBS) $(LDFLAGS)

$(OUT)/lipsync/http.so: $(HTTP) $(filter-out %/core.o,$(CORE)) $(OUT)/flags
	@mkdir -p $(@D)
	$(MODULE) -o $@ $(filter %.o,$^) $(CURL_LIBS) -lz $(LIBS) $(LDFLAGS)

$(OUT)/lipsync/file.so: $(FILE) $(filter-out %/core.o,$(CORE)) $(OUT)/flags
	@mkdir -p $(@D)
	$(MODULE) -o $@ $(filter %.o,$^) $(LIBS) $(LDFLAGS)

$(OUT)/lipsync/hmac.so: $(HMAC) $(OUT)/flags
	@mkdir -p $(@D)
	$(MODULE) -o $@ $(HMAC) $(CRYPTO_LIBS) $(LDFLAGS)

$(OUT)/lipsync/terminal.so: $(TERMINAL) $(OUT)/flags
	@mkdir -p $(@D)
	$(MODULE) -o $@ $(TERMINAL) $(LIBS) $(LDFLAGS)

# Says how to get lua.h, because the compiler would only miss it.
headers:
	$(if $(lua_package)$(filter command line,$(origin LUA_CFLAGS)),@:,@echo \
	  "pkg-config does not know the headers of $(LUA): run \"make deps\", or" \
	  "make LUA_CFLAGS=-I..." >&2; exit 1)

$(HMAC): INCLUDES = -Isrc/core $(CRYPTO_CFLAGS)

$(OUT)/obj/%.o: src/%.c $(OUT)/flags | headers
	@mkdir -p $(@D)
	$(COMPILE) $(if $(findstring /emulator/,$@),,$(INCLUDES)) $(LUA_CFLAGS) \
	  $(CURL_CFLAGS) $(CFLAGS) -c -o $@ $<

# Without its libraries the emulator is left out; nothing else needs it.
emulator: $(if $(EMULATOR),\
  $(if $(BINDING),$(OUT)/lipsync/emulator.so) \
  $(if $(MAIN),build/lipsync-emulator))
	$(if $(EMULATOR),@:,@echo "Left out: the emulator (lipsync.emulator," \
	  "lipsync-emulator); it needs libmicrohttpd and sqlite3.")

$(OUT)/lipsync/emulator.so: $(BINDING) $(SERVER) $(OUT)/flags
	@mkdir -p $(@D)
	$(MODULE) -o $@ $(BINDING) $(SERVER) $(EMULATOR_LIBS) $(CURL_LIBS) -lz $(LIBS) \
	  $(LDFLAGS)

build/lipsync-emulator: $(MAIN) $(SERVER) build/emulator/flags
	$(CC) -pthread -o $@ $(MAIN) $(SERVER) $(EMULATOR_LIBS) $(CURL_LIBS) -lz \
	  $(LIBS) $(LDFLAGS)

build/emulator/%.o: src/emulator/%.c build/emulator/flags
	@mkdir -p $(@D)
	$(COMPILE) $(EMULATOR_CFLAGS) $(CURL_CFLAGS) $(CFLAGS) -c -o $@ $<

build/digest/%.o: src/digest/%.c build/emulator/flags
	@mkdir -p $(@D)
	$(COMPILE) $(CFLAGS) -c -o $@ $<

# What the tests need beside the project itself.
units: $(UNITS)

build/unit/%: build/unit/obj/%.o $(PARTS)
	$(CC) -pthread -o $@ $< $(PARTS) -lz $(LIBS) -lm $(LDFLAGS)

# Which tests the header's code with libcurl's comparisons.
build/unit/header_test: LIBS += $(CURL_LIBS)

build/unit/obj/%.o: spec/c/%.c build/unit/flags
	@mkdir -p $(@D)
	$(COMPILE) $(INCLUDES) $(CFLAGS) -c -o $@ $<

build/unit/obj/%.o: src/%.c build/unit/flags
	@mkdir -p $(@D)
	$(COMPILE) $(INCLUDES) $(CFLAGS) -c -o $@ $<

support: $(SUPPORT:%=$(OUT)/%.so) build/old_curl.so \
         build/greedy_curl.so build/interrupted_disk.so build/old_disk.so \
         build/pipe_curl.so build/slow_disk.so \
         build/private_lua build/scripted_server build/bench/sink

# Without a sanitizer, which would slow its start.
build/scripted_server: spec/support/scripted_server.c spec/support/scripted.h
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -o $@ $<

build/private_lua: spec/support/private_lua.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) -o $@ $< $(LIBS) $(LDFLAGS)

# What the specs preload.
build/greedy_curl.so build/pipe_curl.so: LIBS += -Wl,--no-as-needed $(CURL_LIBS) # for dlsym
build/greedy_curl.so build/interrupted_disk.so build/old_curl.so build/old_disk.so \
    build/pipe_curl.so \
    build/signals.so build/slow_dns.so build/slow_disk.so build/not_root.so: build/%.so: spec/support/%.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CURL_CFLAGS) $(CFLAGS) -shared -o $@ $< $(LIBS) $(LDFLAGS)

$(SUPPORT:%=$(OUT)/%.so): $(OUT)/%.so: $(OUT)/obj/support/%.o
	$(MODULE) -o $@ $< $(LDFLAGS)

$(SUPPORT:%=$(OUT)/obj/support/%.o): $(OUT)/obj/support/%.o: \
    spec/support/%.c $(OUT)/flags | headers
	@mkdir -p $(@D)
	$(COMPILE) $(INCLUDES) $(LUA_CFLAGS) $(CFLAGS) -c -o $@ $<

# A 'flags' file changes when the compiler or its flags do: everything in its
# folder is then built again.
build/%/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(FLAGS) $(CFLAGS) $(LDFLAGS)' | cmp -s - $@ || \
	  echo '$(CC) $(FLAGS) $(CFLAGS) $(LDFLAGS)' > $@

include scripts/check.mk
include scripts/bench.mk
include scripts/hosts.mk
include scripts/windows.mk

-include $(CLIENT:.o=.d) $(TERMINAL:.o=.d) $(HMAC:.o=.d) $(BINDING:.o=.d) $(SERVER:.o=.d) $(MAIN:.o=.d)
-include $(PARTS:.o=.d) $(UNITS:build/unit/%=build/unit/obj/%.d)
-include $(SUPPORT:%=$(OUT)/obj/support/%.d)
