rockspec_format = "3.0"
package = "lipsync"
version = "scm-1"
source = {
  url = "git+file://.",
}
description = {
  summary = "A streaming client for the sync.so lip-sync API",
  detailed = [[
Lists and deletes an organization's generations, as a stream and without
blocking the host: the same loop runs in a plain script, in nginx, in a game's
frame and in an editor.]],
  license = "MIT",
  labels = { "http", "client", "api", "video" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.1, < 5.5",
  "lua-cjson >= 2.1.0",
}
-- Only 'library': a 'header' is not found on multiarch systems.
external_dependencies = {
  CURL = { library = "curl" },
  ZLIB = { library = "z" },
}
build = {
  type = "builtin",
  modules = {
    ["lipsync.core"] = {
      sources = {
        "src/engine.c",
      },
      defines = { "_GNU_SOURCE" },
      libraries = { "curl", "z", "pthread", "dl" },
      incdirs = { "$(CURL_INCDIR)", "$(ZLIB_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)", "$(ZLIB_LIBDIR)" },
    },
  },
}
