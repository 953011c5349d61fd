# SPDX-License-Identifier: MIT
# What has to do with the programs that the client lives in: included by the
# Makefile.

.PHONY: test-hosts bench-hosts pictures static

test-hosts: ## the specs inside nginx, Neovim, mpv, VLC and others; HOSTS=all
	@scripts/deps hosts
	@MAKE="$(MAKE)" SPEC="$(SPEC)" HOSTS="$(HOSTS)" scripts/test-hosts $(VMS)

bench-hosts: ## what the client costs those programs, into bench/hosts.md
	@scripts/deps hosts
	@MAKE="$(MAKE)" bench/run-hosts

pictures: ## of the command, LÖVE, Neovim and mpv, into docs/pictures
	@scripts/deps pictures lua5.4 luajit lua5.2
	@$(MAKE) -s --no-print-directory LUA=lua5.4 build
	@LUA=lua5.4 scripts/picture-command
	@$(MAKE) -s --no-print-directory LUA=luajit client
	@$(MAKE) -s --no-print-directory LUA=lua5.2 client
	@scripts/pictures

# A program's own use of libcurl.
$(OUT)/own_curl.so: spec/support/own_curl.c $(OUT)/flags | headers
	@mkdir -p $(@D)
	$(COMPILE) $(INCLUDES) $(LUA_CFLAGS) $(CFLAGS) -shared -o $@ $< $(CURL_LIBS) \
	  $(LDFLAGS)

# ---- Embedding ----

# The Lua files as arrays of C, so that a program needs no other file. The
# command is none of them.
MODULES = $(filter-out lua/lipsync/cli/%,\
  $(wildcard lua/lipsync/*.lua lua/lipsync/*/*.lua))
STATIC = $(CLIENT) $(OUT)/obj/embed/embed.o $(OUT)/obj/embed/modules.o

static: $(OUT)/liblipsync.a $(OUT)/lipsync.h ## liblipsync.a with all inside

$(OUT)/liblipsync.a: $(STATIC)
	rm -f $@
	$(AR) rcs $@ $(STATIC)

$(OUT)/lipsync.h: src/embed/lipsync.h
	@mkdir -p $(@D)
	cp $< $@

$(OUT)/embed/modules.c: scripts/embed.lua $(MODULES)
	@mkdir -p $(@D)
	$(LUA) scripts/embed.lua $(MODULES) > $@.new
	mv $@.new $@

$(OUT)/obj/embed/modules.o: $(OUT)/embed/modules.c src/embed/modules.h \
    $(OUT)/flags | headers
	@mkdir -p $(@D)
	$(COMPILE) -Isrc/embed $(CFLAGS) -c -o $@ $<

$(OUT)/obj/embed/%.o: src/embed/%.c $(OUT)/flags | headers
	@mkdir -p $(@D)
	$(COMPILE) $(INCLUDES) $(LUA_CFLAGS) $(CFLAGS) -c -o $@ $<

# The example, in C and the same file as C++.
$(OUT)/embed/example: examples/embed/list.c $(OUT)/liblipsync.a $(OUT)/lipsync.h
	$(CC) $(FLAGS) -I$(OUT) $(LUA_CFLAGS) $(CFLAGS) -o $@ $< \
	  $(OUT)/liblipsync.a $(LUA_LIBS) $(CURL_LIBS) -lz -lm $(LIBS) $(LDFLAGS)

$(OUT)/embed/example++: examples/embed/list.c $(OUT)/liblipsync.a \
    $(OUT)/lipsync.h
	$(CXX) -x c++ -O2 -Wall -Wextra -I$(OUT) $(LUA_CFLAGS) -c \
	  -o $(OUT)/embed/example++.o $<
	$(CXX) -pthread -o $@ $(OUT)/embed/example++.o $(OUT)/liblipsync.a \
	  $(LUA_LIBS) $(CURL_LIBS) -lz -lm $(LIBS) $(LDFLAGS)

# What a spec runs its scripts in.
$(OUT)/embed/embedded: spec/support/embedded.c $(OUT)/liblipsync.a \
    $(OUT)/lipsync.h
	$(CC) $(FLAGS) -I$(OUT) $(LUA_CFLAGS) $(CFLAGS) -o $@ $< \
	  $(OUT)/liblipsync.a $(LUA_LIBS) $(CURL_LIBS) -lz -lm $(LIBS) $(LDFLAGS)

-include $(OUT)/obj/embed/embed.d $(OUT)/obj/embed/modules.d
