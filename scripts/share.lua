-- SPDX-License-Identifier: MIT
--
-- share.lua FOLDER: writes the manual pages and the completions of the shells
-- into FOLDER, from the descriptions of the commands and from what
-- lipsync-emulator says to --help.

local folder = arg[1]

if not pcall(require, "argparse") then
  print "Left out: manual pages and completions; they need argparse."
  return
end

local manual = require "lipsync.cli.manual"
local options = require "lipsync.cli.options"

local function write(path, text)
  path = folder .. "/" .. path
  assert(os.execute("mkdir -p '" .. path:match "^(.*)/" .. "'"))
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

local parser = options.parser(nil, true)
write("man/man1/lipsync.1", manual.lipsync())
local help = output_of "build/lipsync-emulator --help 2>/dev/null"
if help ~= "" then
  write("man/man1/lipsync-emulator.1", manual.emulator(help))
end
write("bash-completion/completions/lipsync", parser:get_bash_complete())
write("zsh/site-functions/_lipsync", parser:get_zsh_complete())
write("fish/vendor_completions.d/lipsync.fish", parser:get_fish_complete())
