rockspec_format = "3.0"
package = "lipsync-emulator"
version = "scm-1"
source = {
  url = "git+file://.",
}
description = {
  summary = "The sync.so generations API in a box, for tests without network",
  detailed = [[
An emulator of the service as a Lua module and as a program: it keeps the rules
of the API for keys, jobs, uploads, paging and deletion, and fails on demand.]],
  license = "MIT",
  labels = { "testing", "http", "server" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.1, < 5.5",
  "lua-cjson >= 2.1.0",
}
-- Only 'library': a 'header' is not found on multiarch systems.
external_dependencies = {
  MICROHTTPD = { library = "microhttpd" },
  SQLITE = { library = "sqlite3" },
  CURL = { library = "curl" },
  ZLIB = { library = "z" },
}
build = {
  type = "make",
  build_target = "emulator",
  install_target = "install-emulator",
  build_variables = {
    EMULATOR = "yes",
    OUT = "build/rock",
    ABI = "$(LUA_VERSION)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
    EMULATOR_CFLAGS = "-I$(MICROHTTPD_INCDIR) -I$(SQLITE_INCDIR)"
      .. " -I$(ZLIB_INCDIR)",
    CURL_CFLAGS = "-I$(CURL_INCDIR)",
    CURL_LIBS = "-L$(CURL_LIBDIR) -lcurl",
    EMULATOR_LIBS = "-L$(MICROHTTPD_LIBDIR) -L$(SQLITE_LIBDIR)"
      .. " -L$(ZLIB_LIBDIR) -lmicrohttpd -lsqlite3",
  },
  install_variables = {
    EMULATOR = "yes",
    OUT = "build/rock",
    ABI = "$(LUA_VERSION)",
    INST_LUADIR = "$(LUADIR)",
    INST_LIBDIR = "$(LIBDIR)",
    INST_BINDIR = "$(BINDIR)",
  },
}
