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
        "src/emulator/api/body.c",
        "src/emulator/api/catalog.c",
        "src/emulator/api/control.c",
        "src/emulator/api/generations.c",
        "src/emulator/api/operations.c",
        "src/emulator/api/query.c",
        "src/emulator/api/request.c",
        "src/emulator/api/resource.c",
        "src/emulator/api/response.c",
        "src/emulator/api/routes.c",
        "src/emulator/http/connections.c",
        "src/emulator/http/exchange.c",
        "src/emulator/http/host.c",
        "src/emulator/http/server.c",
        "src/emulator/lua/module.c",
        "src/emulator/service/fault.c",
        "src/emulator/service/parameters.c",
        "src/emulator/service/request_log.c",
        "src/emulator/service/schema.c",
        "src/emulator/service/service.c",
        "src/emulator/store/export.c",
        "src/emulator/store/import.c",
        "src/emulator/store/iso_time.c",
        "src/emulator/store/prng.c",
        "src/emulator/store/query.c",
        "src/emulator/store/sample.c",
        "src/emulator/store/store.c",
        "src/emulator/store/text.c",
        "src/emulator/store/value.c",
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
