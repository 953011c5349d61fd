# SPDX-License-Identifier: MIT
# What "make check" runs beyond the tests: included by the Makefile.

LUA_LIBS = $(call once,LUA_LIBS,$(shell \
  $(PKG_CONFIG) --libs $(lua_package) 2>/dev/null))

# What the linker diverts, see spec/torture/fault.c.
WRAPPED = malloc calloc realloc strdup free inflateInit2_ newlocale socket \
  epoll_create1 epoll_ctl
comma = ,
TORTURE = $(patsubst spec/torture/%.c,$(OUT)/obj/torture/%.o,\
  $(addprefix spec/torture/,torture.c fault.c modules.c responder.c))

.PHONY: torture

torture: ## fail every allocation of every call once (CALLS=…)
	@scripts/deps test $(LUA)
	@$(MAKE) -s --no-print-directory $(OUT)/torture
	@LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH=";;" $(OUT)/torture $(CALLS)

$(OUT)/torture: $(TORTURE) $(CORE)
	$(CC) -pthread -o $@ $(TORTURE) $(CORE) \
	  $(addprefix -Wl$(comma)--wrap=,$(WRAPPED)) $(LUA_LIBS) $(CURL_LIBS) -lz \
	  $(LIBS) -lm $(LDFLAGS)

$(OUT)/obj/torture/%.o: spec/torture/%.c $(OUT)/flags | headers
	@mkdir -p $(@D)
	$(COMPILE) -Isrc $(LUA_CFLAGS) $(CURL_CFLAGS) $(CFLAGS) -c -o $@ $<

-include $(TORTURE:.o=.d)
