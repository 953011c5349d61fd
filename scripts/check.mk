# SPDX-License-Identifier: MIT
# What "make check" runs beyond the tests: included by the Makefile.

LUA_LIBS = $(call once,LUA_LIBS,$(shell \
  $(PKG_CONFIG) --libs $(lua_package) 2>/dev/null))

# What the linker diverts, see spec/torture/fault.c.
WRAPPED = malloc calloc realloc strdup free inflateInit2_ newlocale socket \
  epoll_create1 epoll_ctl open64
comma = ,
TORTURE = $(patsubst spec/torture/%.c,$(OUT)/obj/torture/%.o,\
  $(addprefix spec/torture/,torture.c fault.c modules.c responder.c))

.PHONY: check torture every-byte kill-nine large

check: ## torture, every-byte, large, fuzz, tsan, asan, collect; ONLY=…
	@scripts/deps check lua5.4
	@MAKE="$(MAKE)" ONLY="$(ONLY)" scripts/check

torture: ## fail every allocation of every call once (CALLS=…)
	@scripts/deps check $(LUA)
	@$(MAKE) -s --no-print-directory $(OUT)/torture
	@LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH=";;" $(OUT)/torture $(CALLS)

$(OUT)/torture: $(TORTURE) $(CLIENT) $(HMAC)
	$(CC) -pthread -o $@ $(TORTURE) $(CLIENT) $(HMAC) $(CRYPTO_LIBS) \
	  $(addprefix -Wl$(comma)--wrap=,$(WRAPPED)) $(LUA_LIBS) $(CURL_LIBS) -lz \
	  $(LIBS) -lm $(LDFLAGS)

$(OUT)/obj/torture/%.o: spec/torture/%.c $(OUT)/flags | headers
	@mkdir -p $(@D)
	$(COMPILE) $(INCLUDES) $(LUA_CFLAGS) $(CURL_CFLAGS) $(CFLAGS) -c -o $@ $<

-include $(TORTURE:.o=.d)

# Breaks responses after each EVERY-th byte.
EVERY = 1
every-byte: ## responses that break after every byte, not each 29th
	@scripts/deps check $(LUA)
	@$(MAKE) -s --no-print-directory build support
	@LUA_PATH="lua/?.lua;lua/?/init.lua;./?.lua;;" LUA_CPATH="$(OUT)/?.so;;" \
	  LIPSYNC_LUA=$(LUA) LIPSYNC_EVERY=$(EVERY) \
	  $(LUA) "$$(command -v busted)" spec/promises/every_byte_spec.lua \
	  spec/unit/compound/results_spec.lua </dev/null

kill-nine: ## kill a create at each of its system calls; two minutes
	@scripts/deps check $(LUA)
	@$(MAKE) -s --no-print-directory build support
	@LUA_PATH="lua/?.lua;lua/?/init.lua;./?.lua;;" LUA_CPATH="$(OUT)/?.so;;" \
	  LIPSYNC_LUA=$(LUA) LIPSYNC_EVERY=1 \
	  $(LUA) "$$(command -v busted)" spec/promises/killed_spec.lua </dev/null

large: ## upload 5 GiB, not 256 MiB; some ten seconds
	@scripts/deps check $(LUA)
	@$(MAKE) -s --no-print-directory build support
	@LUA_PATH="lua/?.lua;lua/?/init.lua;./?.lua;;" LUA_CPATH="$(OUT)/?.so;;" \
	  LIPSYNC_LUA=$(LUA) LIPSYNC_LARGE=5120 \
	  $(LUA) "$$(command -v busted)" spec/promises/large_spec.lua </dev/null

# ---- Fuzzing ----

SECONDS = 20
FUZZ = json write header http retry_after query control import multipart
FUZZ_CC = clang
FUZZ_FLAGS = -std=c99 -D_GNU_SOURCE -O1 -g -pthread $(INCLUDES) -Isrc/emulator \
  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined

.PHONY: fuzz

fuzz: ## what reads what others sent; SECONDS=20 FUZZ=json
	@scripts/deps check $(LUA)
	@$(MAKE) -s --no-print-directory $(FUZZ:%=build/fuzz/%)
	@scripts/fuzz $(SECONDS) $(FUZZ)

# The core without what knows Lua.
JSON = src/core/buf.c $(wildcard src/core/json*.c src/core/platform*.c)

build/fuzz/json: $(JSON)
build/fuzz/write: $(wildcard src/core/*.c)
build/fuzz/header: src/http/header.c
build/fuzz/http: $(JSON) \
  $(filter-out src/http/lua% src/http/failure.c,$(wildcard src/http/*.c))
build/fuzz/multipart: src/emulator/api/multipart.c
# With Lua in it. The modules that are read from lua/ are always for the
# interpreter whose API is used.
WITH_LUA = retry_after write
$(WITH_LUA:%=build/fuzz/%): LUA = lua5.4
# The emulator without libmicrohttpd, its program and its Lua module.
EMULATED = query control import
$(EMULATED:%=build/fuzz/%): $(wildcard \
  $(patsubst %,src/emulator/%/*.c,store service api) src/digest/*.c)
build/fuzz/control build/fuzz/import: $(JSON)

build/fuzz/%: spec/fuzz/%_fuzz.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) $(CURL_CFLAGS) \
	  $(if $(filter $(WITH_LUA),$*),$(LUA_CFLAGS)) -o $@ $^ $(CURL_LIBS) -lz \
	  $(if $(filter $(EMULATED),$*),$(EMULATOR_LIBS)) \
	  $(if $(filter $(WITH_LUA),$*),$(LUA_LIBS)) $(LIBS) -lm

# ---- Sanitizers ----

.PHONY: asan valgrind tsan threads collect

asan: ## the specs under address, undefined and leak sanitizers
	@scripts/deps check lua5.4
	@MAKE="$(MAKE)" scripts/sanitize asan $(SPEC)

valgrind: ## the specs under valgrind
	@scripts/deps check lua5.4
	@MAKE="$(MAKE)" scripts/sanitize valgrind $(SPEC)

collect: ## the specs with an aggressive collector
	@scripts/deps check lua5.4
	@MAKE="$(MAKE)" scripts/sanitize collect $(SPEC)

tsan: ## many threads, then the specs, under the thread sanitizer
	@scripts/deps check lua5.4
	@$(MAKE) -s --no-print-directory LUA=lua5.4 threads
	@MAKE="$(MAKE)" scripts/sanitize tsan $(SPEC)

# Many Lua states in many threads; the emulator is another process here.
threads:
	@$(MAKE) -s --no-print-directory build/threads build/lipsync-emulator
	@LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH=";;" \
	  TSAN_OPTIONS="halt_on_error=1:exitcode=66" \
	  build/lipsync-emulator --port 0 -- sh -c \
	  '$$(setarch -R true 2>/dev/null && echo setarch -R) \
	  build/threads "$$SYNC_BASE_URL"'

build/threads: spec/torture/threads.c \
    $(wildcard $(patsubst %,src/%/*.c,core http file digest))
	@mkdir -p $(@D)
	$(CC) -std=c99 -D_GNU_SOURCE -O1 -g -pthread -fsanitize=thread $(INCLUDES) \
	  $(LUA_CFLAGS) $(CURL_CFLAGS) -o $@ $^ $(LUA_LIBS) $(CURL_LIBS) -lz \
	  $(LIBS) -lm
