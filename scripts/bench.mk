# SPDX-License-Identifier: MIT
# The benchmarks and what they measure with.

.PHONY: bench bench-media bench-command bench-plot measures

bench: ## times and memory beside those of others; QUICK=1: in short
	@scripts/deps bench $(ASKED)
	@MAKE="$(MAKE)" bench/run $(ASKED)

bench-media: ## creating and downloading beside curl and the SDK; QUICK=1
	@scripts/deps bench $(ASKED)
	@MAKE="$(MAKE)" bench/media $(ASKED)

bench-command: build ## the command lipsync beside the library, curl and jq; QUICK=1
	@LUA_PATH="lua/?.lua;lua/?/init.lua;./?.lua;;" LUA_CPATH="$(OUT)/?.so;;" \
	  build/lipsync-emulator --keys test-key=o --keys bench=o \
	  --generations $(if $(QUICK),1000,100000) -- $(LUA) bench/command.lua $(LUA) \
	  $(if $(QUICK),1,10)

bench-plot: ## time and memory over the size of a listing, as bench/plot.svg
	@scripts/deps bench $(ASKED)
	@MAKE="$(MAKE)" bench/plot $(ASKED)

measures: $(addprefix build/bench/,raw raw_create raw_delete raw_frames scan \
  scan_plain sink late.so slow_disk.so) \
  $(OUT)/bench_index.so $(OUT)/bench_clock.so

build/bench/%: bench/%.c build/bench/flags
	$(COMPILE) $(CURL_CFLAGS) $(CFLAGS) -o $@ $< $(CURL_LIBS) $(LDFLAGS)

build/bench/late.so build/bench/slow_disk.so: build/bench/%.so: bench/%.c \
    build/bench/flags
	$(COMPILE) -fvisibility=default $(CFLAGS) -shared -o $@ $< -ldl $(LDFLAGS)

# The scanner with its SIMD and without.
build/bench/scan build/bench/scan_plain: bench/scan.c build/bench/flags \
    src/core/buf.c src/core/platform_posix.c $(wildcard src/core/json*)
	$(CC) $(FLAGS) $(if $(findstring plain,$@),-DJSON_NO_SIMD) $(INCLUDES) $(CFLAGS) \
	  -o $@ $(filter %.c,$^) $(LDFLAGS)

$(OUT)/bench_%.so: bench/%.c $(OUT)/flags | headers
	$(COMPILE) $(INCLUDES) $(LUA_CFLAGS) $(CFLAGS) -shared -o $@ $< $(LDFLAGS)

-include $(wildcard build/bench/*.d)
