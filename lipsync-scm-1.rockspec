rockspec_format = "3.0"
package = "lipsync"
version = "scm-1"
source = {
  url = "git+file://.",
}
description = {
  summary = "A streaming client for the sync.so lip-sync API",
  detailed = [[
Makes lip-synced videos: submits, waits, downloads, lists and deletes, pays
nothing twice, and does not block its host: the same code runs in a plain
script, in nginx, in a game's frame and in an editor.]],
  license = "MIT",
  labels = { "http", "client", "api", "video" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.1, < 5.5",
}
-- Only 'library': a 'header' is not found on multiarch systems.
external_dependencies = {
  CURL = { library = "curl" },
  ZLIB = { library = "z" },
}
build = {
  type = "make",
  build_target = "client",
  install_target = "install-client",
  build_variables = {
    OUT = "build/rock",
    ABI = "$(LUA_VERSION)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
    CURL_CFLAGS = "-I$(CURL_INCDIR) -I$(ZLIB_INCDIR)",
    CURL_LIBS = "-L$(CURL_LIBDIR) -L$(ZLIB_LIBDIR) -lcurl",
  },
  install_variables = {
    OUT = "build/rock",
    ABI = "$(LUA_VERSION)",
    INST_LUADIR = "$(LUADIR)",
    INST_LIBDIR = "$(LIBDIR)",
    INST_BINDIR = "$(BINDIR)",
  },
}
