-- What is shipped keeps to the library that all Lua versions share.
std = "min"
max_line_length = 80
exclude_files = { "build", "types" }

files["spec"] = { std = "max+busted" }
files["examples/neovim"] = { globals = { "vim" } }
files["examples/love"] = { globals = { "love" } }
files["examples/obs"] = { read_globals = { "obslua" }, globals = {
  "script_description", "script_load", "script_properties", "script_unload",
  "script_update" } }
files["examples/haproxy"] = { globals = { "core" } }
files["examples/prosody"] = { globals = { "module" } }
files["examples/tarantool"] = { std = "luajit" }
files["examples/weechat"] = { globals = { "weechat", "generations_call",
  "generations_command" } }
files["examples/vlc"] = { read_globals = { "vlc" }, globals = {
  "activate", "close", "deactivate", "descriptor", "main" } }
files["*.rockspec"] = { std = "rockspec" }
