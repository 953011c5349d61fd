rockspec_format = "3.0"
package = "lipsync-cli"
version = "scm-1"
source = {
  url = "git+file://.",
}
description = {
  summary = "The command lipsync, for the sync.so lip-sync API",
  detailed = [[
Lists, makes, downloads and deletes generations from a shell: tables on a
terminal, JSON lines and CSV in a pipe.]],
  license = "MIT",
  labels = { "cli", "client", "api", "video" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.1, < 5.5",
  "argparse >= 0.7",
  "lipsync >= 0.1",
}
build = {
  type = "make",
  build_target = "command",
  install_target = "install-command",
  build_variables = {
    OUT = "build/rock",
    ABI = "$(LUA_VERSION)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
  },
  install_variables = {
    OUT = "build/rock",
    ABI = "$(LUA_VERSION)",
    INST_LUADIR = "$(LUADIR)",
    INST_LIBDIR = "$(LIBDIR)",
    INST_BINDIR = "$(BINDIR)",
  },
}
