-- What is shipped keeps to the library that all Lua versions share.
std = "min"
max_line_length = 80
exclude_files = { "build" }

files["spec"] = { std = "max+busted" }
files["examples/haproxy"] = { globals = { "core" } }
files["*.rockspec"] = { std = "rockspec" }
