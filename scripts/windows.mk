# SPDX-License-Identifier: MIT
# The modules for Windows on x86-64, built on Linux: included by the Makefile.
# Without lipsync.hmac, for which there is no libcrypto here, and without the
# command and the emulator, which are for systems with POSIX.

WINDOWS_CC = x86_64-w64-mingw32-gcc
WINDOWS_VMS = lua5.4 luajit
WINDOWS = build/windows
WINDOWS_DEPS = $(WINDOWS)/deps
WINDOWS_CURL = $(WINDOWS_DEPS)/curl
# isfinite of mingw takes its argument for a float where it is none.
WINDOWS_FLAGS = -std=c99 -O2 -g -D_WIN32_WINNT=0x0601 -DCURL_STATICLIB \
  $(WARNINGS) -Wno-float-conversion
# By their names, because -l finds a library that would have to be beside the
# module, where Windows does not look for it.
WINDOWS_LIBS = $(WINDOWS_CURL)/lib/libcurl.a -l:libz.a -lws2_32 -lcrypt32 \
  -lbcrypt -ladvapi32
WINDOWS_MODULES = $(foreach vm,$(WINDOWS_VMS),\
  $(patsubst %,$(WINDOWS)/$(vm)/lipsync/%.dll,core http file))
windows_objects = $(patsubst src/%.c,$(WINDOWS)/$(1)/obj/%.o,$(wildcard $(2)))
windows_core = $(call windows_objects,$(1),src/core/*.c)
windows_shared = $(filter-out %/core.o,$(windows_core))

.PHONY: windows windows-modules test-windows

windows: ## the modules for Windows, Lua 5.4 and LuaJIT, in build/windows
	@scripts/deps windows
	@scripts/windows deps $(WINDOWS_VMS)
	@$(MAKE) -s --no-print-directory windows-modules

windows-modules: $(WINDOWS_MODULES)

test-windows: windows ## specs under Wine, LUA=lua5.4 or luajit; SPEC=…
	@$(MAKE) -s --no-print-directory LUA=lua5.4 build support
	@$(MAKE) -s --no-print-directory $(WINDOWS)/$(LUA)/link.dll
	@scripts/windows run_specs $(LUA) $(SPEC)

# How specs under Wine reach Linux.
$(WINDOWS)/%/link.dll: spec/windows/link.c
	$(WINDOWS_CC) $(WINDOWS_FLAGS) $(INCLUDES) -I$(WINDOWS_DEPS)/$*/include \
	  -shared -static-libgcc -o $@ $< $(WINDOWS_DEPS)/$*/liblua.a -lws2_32

define windows_rules
$(WINDOWS)/$(1)/lipsync/core.dll: $(call windows_core,$(1))
$(WINDOWS)/$(1)/lipsync/http.dll: $(call windows_shared,$(1)) \
  $(call windows_objects,$(1),src/http/*.c src/digest/*.c)
$(WINDOWS)/$(1)/lipsync/file.dll: $(call windows_shared,$(1)) \
  $(call windows_objects,$(1),src/file/*.c)
$(WINDOWS)/$(1)/lipsync/http.dll: WINDOWS_LINKED = $$(WINDOWS_LIBS)

$(WINDOWS)/$(1)/lipsync/%.dll:
	@mkdir -p $$(@D)
	$(WINDOWS_CC) -shared -static-libgcc -s -Wl,--no-insert-timestamp -o $$@ $$^ \
	  $(WINDOWS_DEPS)/$(1)/liblua.a $$(WINDOWS_LINKED) -ladvapi32

$(WINDOWS)/$(1)/obj/%.o: src/%.c
	@mkdir -p $$(@D)
	$(WINDOWS_CC) $(WINDOWS_FLAGS) $(INCLUDES) -I$(WINDOWS_CURL)/include \
	  -I$(WINDOWS_DEPS)/$(1)/include -MMD -MP -c -o $$@ $$<

-include $$(patsubst %.o,%.d,$$(wildcard $(WINDOWS)/$(1)/obj/*/*.o))
endef
$(foreach vm,$(WINDOWS_VMS),$(eval $(call windows_rules,$(vm))))
