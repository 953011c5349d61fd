-- SPDX-License-Identifier: MIT
-- The manual page of the command, made from the descriptions of its commands.

local commands = require "lipsync.cli.commands"
local core = require "lipsync.core"
local status = require "lipsync.cli.status"

local manual = {}

-- Text for roff: no escape, no hyphen that becomes a dash, and no line that
-- begins with a request.
local function plain(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-")
  return (text:gsub("^([.'])", "\\&%1"):gsub("\n([.'])", "\n\\&%1"))
end

local function bold(text)
  return "\\fB" .. plain(text) .. "\\fR"
end

local function italic(text)
  return "\\fI" .. plain(text) .. "\\fR"
end

-- A sentence of a description, with its capital and its full stop.
local function sentence(text)
  local first = text:sub(1, 1)
  if first:find "[a-z]" then first = string.char(first:byte() - 32) end
  return plain(first .. text:sub(2) .. ".")
end

local Page = {}
Page.__index = Page

function Page:add(...)
  for _, line in ipairs { ... } do self[#self + 1] = line end
end

function Page:heading(text)
  self:add(".SH " .. text)
end

-- A term and what it means.
function Page:entry(term, text)
  self:add(".TP", term, text)
end

local function names_of(row)
  local names = {}
  for name in row[1]:gmatch "%S+" do names[#names + 1] = bold(name) end
  return table.concat(names, ", ")
end

function Page:options(rows)
  for _, row in ipairs(rows or {}) do
    local value = row.value and " " .. italic(row.value) or ""
    self:entry(names_of(row) .. value, sentence(row.help))
  end
end

local counts = { ["?"] = "[%s]", ["*"] = "[%s ...]", ["+"] = "%s ..." }

local function capitals(text)
  return (text:gsub("[a-z]", function(letter)
    return string.char(letter:byte() - 32)
  end))
end

local function arguments_of(command)
  local words = {}
  for i, row in ipairs(command.arguments or {}) do
    local word = italic(row.shown or capitals(row[1]))
    words[i] = (counts[row.count] or "%s"):format(word)
  end
  return #words > 0 and " " .. table.concat(words, " ") or ""
end

function Page:command(command)
  local options = command.options and #command.options > 0
    and " [" .. italic "option" .. " ...]" or ""
  self:add(".SS " .. bold(command.name) .. options .. arguments_of(command))
  self:add(sentence(command.summary), plain(command.text))
  self:options(command.options)
end

local function begin(name, summary)
  local page = setmetatable({}, Page)
  page:add(('.TH %s 1 "" "%s %s" "User Commands"'):format(
    plain(capitals(name)), "lipsync", core._VERSION))
  page:heading "NAME"
  page:add(plain(name) .. " \\- " .. plain(summary))
  return page
end

local environment = {
  { "SYNC_API_KEY", "The key, where neither --key-file nor --profile is "
    .. "given." },
  { "SYNC_BASE_URL", "The address, where neither --base-url nor --profile is "
    .. "given." },
  { "SYNC_WEBHOOK_SECRET", "What webhooks are signed with, where "
    .. "--secret-file is not given." },
  { "NO_COLOR", "If set, there are no colours." },
  { "SYNC_LOG", "1: a line for each request on standard error." },
  { "https_proxy, no_proxy", "As for curl." },
}

--- The page of `lipsync`.
---@return string
function manual.lipsync()
  local page = begin("lipsync",
    "list, make, download and delete generations of the sync. API")
  page:heading "SYNOPSIS"
  page:add(bold "lipsync" .. " [" .. italic "option" .. " ...] "
    .. italic "command" .. " [" .. italic "argument" .. " ...]")
  page:heading "DESCRIPTION"
  page:add(plain(commands.text), plain("On a terminal it writes tables as wide "
    .. "as that, in a pipe lines with tabs. Errors go to standard error, each "
    .. "as one sentence."))
  page:heading "OPTIONS"
  page:add(plain "They may stand before or after the command.")
  page:options(commands.options)
  page:heading "COMMANDS"
  for _, command in ipairs(commands.among()) do page:command(command) end
  page:heading "\"EXIT STATUS\""
  for _, row in ipairs(status.meanings) do
    page:entry(bold(tostring(row[1])), plain(row[2]))
  end
  page:heading "ENVIRONMENT"
  for _, row in ipairs(environment) do
    page:entry(bold(row[1]), plain(row[2]))
  end
  page:heading "FILES"
  page:entry(italic "~/.config/lipsync/profiles", plain("Or "
    .. "$XDG_CONFIG_HOME/lipsync/profiles: sections [NAME] with api_key, "
    .. "base_url, ca_file and proxy, a line for each. Only its owner may be "
    .. "able to read it."))
  page:heading "\"SEE ALSO\""
  page:add(bold "lipsync-emulator" .. "(1)")
  return table.concat(page, "\n") .. "\n"
end

-- The options in what a program says to --help: two spaces, the option, and
-- its meaning further right, maybe on several lines.
local function options_in(help)
  local rows = {}
  for line in help:gmatch "[^\n]+" do
    local name, rest = line:match "^  (%-[^ ].-)  +(.*)$"
    local more = line:match("^" .. (" "):rep(20) .. " *(.*)$")
    if name then
      rows[#rows + 1] = { name, rest }
    elseif more and #rows > 0 then
      rows[#rows][2] = rows[#rows][2] .. " " .. more
    end
  end
  return rows
end

--- The page of `lipsync-emulator`.
---@param help string  what it says to --help
---@return string
function manual.emulator(help)
  local page = begin("lipsync-emulator",
    "the sync. generations API on this machine, for tests")
  page:heading "SYNOPSIS"
  page:add(bold "lipsync-emulator" .. " [" .. italic "option" .. " ...] ["
    .. bold "--" .. " " .. italic "command" .. " [" .. italic "argument"
    .. " ...]]")
  page:heading "DESCRIPTION"
  local about = help:match "\n\n(.-)\n\n  %-" or ""
  page:add(plain(about))
  page:heading "OPTIONS"
  for _, row in ipairs(options_in(help)) do
    page:entry(bold(row[1]), sentence(row[2]))
  end
  page:heading "\"SEE ALSO\""
  page:add(bold "lipsync" .. "(1)")
  return table.concat(page, "\n") .. "\n"
end

return manual
