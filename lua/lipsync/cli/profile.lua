-- SPDX-License-Identifier: MIT
-- The key and the address of the service: from the environment, from a file
-- with profiles, or from a file that holds a key alone. The key is never an
-- option's value, because every process of a machine can read those.

local core = require "lipsync.core"
local misuse = require "lipsync.base.misuse"
local status = require "lipsync.cli.status"
local terminal = require "lipsync.terminal"
local texts = require "lipsync.base.text"

local profile = {}

-- The options of lipsync.new that a profile may set.
local known = { api_key = true, base_url = true, ca_file = true, proxy = true }

-- A longer file is none of these.
local longest = 1024 * 1024

local function environment(name)
  local value = core.getenv(name)
  return value ~= "" and value or nil
end

--- The path of the file with the profiles.
---@return string|nil
function profile.path()
  local folder = environment "XDG_CONFIG_HOME"
  if folder then return folder .. "/lipsync/profiles" end
  local home = environment "HOME"
  return home and home .. "/.config/lipsync/profiles"
end

-- A word for the shell, quoted only where it must be.
local function quote(word)
  if word:find "^[A-Za-z0-9_./-]+$" then return word end
  return "'" .. texts.replace(word, "'", "'\\''") .. "'"
end

-- Whether any of the last six bits is set.
local function is_shared(mode)
  return mode % 64 ~= 0
end

local function read_file(path)
  local file, problem = io.open(path, "rb")
  if not file then
    status.refuse(("%s cannot be read: %s."):format(path,
      (problem:gsub("^.*: ", ""))))
  end
  local text = file:read(longest)
  file:close()
  return text or ""
end

local function check_private(path)
  local mode, problem = terminal.permissions(path)
  if not mode then
    status.refuse(("%s cannot be read: %s."):format(path, problem))
  elseif is_shared(mode) then
    status.refuse(("%s holds keys, and others may read it. Run: chmod 600 %s")
      :format(path, quote(path)))
  end
end

-- The profiles of a text: "[name]", then lines "option = value". "#" and ";"
-- begin a comment.
local function parse(text, path)
  local all, current = {}, nil
  local number = 0
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    line = texts.trim(line)
    local name, value = line:match "^([A-Za-z0-9_]+)[ \t]*=[ \t]*(.*)$"
    local section = line:match "^%[[ \t]*([^%]]-)[ \t]*%]$"
    if section then
      current = {}
      all[section] = current
    elseif name and current and known[name] then
      current[name] = value
    elseif line ~= "" and not line:find "^[#;]" then
      status.refuse(("%s, line %d: expected [NAME], or one of %s and \"=\"")
        :format(path, number, table.concat(misuse.keys(known), ", ")))
    end
  end
  return all
end

-- The profile called `name`.
local function find(name)
  local path = profile.path()
  if not path then
    status.refuse "a profile is in $HOME/.config/lipsync, and HOME is not set."
  end
  check_private(path)
  local all = parse(read_file(path), path)
  if all[name] then return all[name] end
  local names = misuse.keys(all)
  status.refuse(('there is no profile "%s" in %s; it has %s.'):format(name,
    path, #names > 0 and table.concat(names, ", ") or "none"))
end

-- Text from standard input: what is typed is a line that is not shown, else as
-- much as `format` says.
local function read_input(prompt, format)
  if not terminal.is_terminal(0) then return io.stdin:read(format) end
  -- Before the prompt: what is typed earlier is dropped, and would be shown.
  local was = terminal.echo(0, false)
  io.stderr:write(prompt)
  local text = io.stdin:read "*l"
  terminal.echo(0, was)
  io.stderr:write "\n"
  return text
end

local function key_of(path)
  -- A line alone: ids may follow it.
  local text = path == "-" and read_input("API key: ", "*l")
    or path ~= "-" and read_file(path)
  local key = texts.trim(text or "")
  if key == "" then
    status.refuse(path == "-" and "standard input has no key."
      or ("%s is empty."):format(path))
  end
  return key
end

--- Secrets, as a text: from a file ("-" is standard input), else from a
--- variable of the environment.
---@param path string|nil
---@param variable string
---@return string|nil
function profile.secrets(path, variable)
  if not path then return environment(variable) end
  if path ~= "-" then return read_file(path) end
  return read_input("Webhook secret: ", longest) or ""
end

-- The options in a profile, and how to name each.
local function of_profile(name, service)
  local own, origins = {}, {}
  for option, value in pairs(find(name)) do
    own[option] = value
    origins[option] = ('%s of the profile "%s"'):format(option, name)
  end
  own.base_url = own.base_url or service
  return own, origins
end

--- The options for a client. With a profile nothing of it comes from
--- SYNC_API_KEY or SYNC_BASE_URL: a key must not reach another one's address.
---@param given table  `profile`, `key_file`, `base_url` of the command line
---@param service string  the address where none is given
---@return table options
---@return table origins  where each comes from, in words
function profile.options(given, service)
  local own, origins = {}, {}
  if given.profile then
    own, origins = of_profile(given.profile, service)
    if not own.api_key and not given.key_file then
      status.refuse(('the profile "%s" has no api_key.'):format(given.profile))
    end
  end
  local path = given.key_file
  if path then
    own.api_key = key_of(path)
    origins.api_key = path == "-" and "standard input" or path
  end
  if given.base_url then
    own.base_url, origins.base_url = given.base_url, "--base-url"
  end
  return own, origins
end

--- Whether there is a key.
---@param own table  what profile.options returned
---@return boolean
function profile.has_key(own)
  return own.api_key ~= nil or environment "SYNC_API_KEY" ~= nil
end

return profile
