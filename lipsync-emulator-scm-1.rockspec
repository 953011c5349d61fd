rockspec_format = "3.0"
package = "lipsync-emulator"
version = "scm-1"
source = {
  url = "git+file://.",
}
description = {
  summary = "The sync.so generations API in a box, for tests without network",
  detailed = [[
An emulator of the service as a Lua module: it keeps the rules of the API for
keys, filters, paging and deletion, and fails on demand. The program of the
same name is built by "make".]],
  license = "MIT",
  labels = { "testing", "http", "server" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.1, < 5.5",
}
-- Only 'library': a 'header' is not found on multiarch systems.
external_dependencies = {
  MICROHTTPD = { library = "microhttpd" },
  SQLITE = { library = "sqlite3" },
  ZLIB = { library = "z" },
}
build = {
  type = "builtin",
  modules = {
    ["lipsync.emulator"] = {
      sources = {
        -- begin emulator
        "src/emulator/api.c",
        "src/emulator/arguments.c",
        "src/emulator/body.c",
        "src/emulator/catalog.c",
        "src/emulator/chance.c",
        "src/emulator/clock.c",
        "src/emulator/command.c",
        "src/emulator/control.c",
        "src/emulator/emulator.c",
        "src/emulator/exchange.c",
        "src/emulator/fault.c",
        "src/emulator/feed.c",
        "src/emulator/journal.c",
        "src/emulator/listen.c",
        "src/emulator/lua.c",
        "src/emulator/lua_options.c",
        "src/emulator/query.c",
        "src/emulator/query_string.c",
        "src/emulator/reply.c",
        "src/emulator/request.c",
        "src/emulator/routes.c",
        "src/emulator/sample.c",
        "src/emulator/server.c",
        "src/emulator/service.c",
        "src/emulator/store.c",
        "src/emulator/text.c",
        "src/emulator/value.c",
        -- end
      },
      defines = { "_GNU_SOURCE" },
      libraries = { "microhttpd", "sqlite3", "z", "pthread", "dl" },
      incdirs = { "$(MICROHTTPD_INCDIR)", "$(SQLITE_INCDIR)",
                  "$(ZLIB_INCDIR)" },
      libdirs = { "$(MICROHTTPD_LIBDIR)", "$(SQLITE_LIBDIR)",
                  "$(ZLIB_LIBDIR)" },
    },
  },
}
