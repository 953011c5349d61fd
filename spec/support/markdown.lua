-- SPDX-License-Identifier: MIT
--
-- Reads the documents: their code blocks, links, headings and anchors; only the
-- Markdown that they use.

local lower = require "lipsync.base.text".lower

local markdown = {}

--- The whole text of a file.
---@param path string
---@return string
function markdown.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

--- The documents: those at the top and in the folders below it.
---@return string[] paths
function markdown.files()
  local found = {}
  local pipe = assert(io.popen "ls *.md */*.md")
  for path in pipe:lines() do found[#found + 1] = path end
  pipe:close()
  return found
end

--- The fenced blocks of a text, and the text without them.
---@param text string
---@return { language: string, note: string, code: string, line: integer }[]
---@return string rest
function markdown.blocks(text)
  local found, rest, open, number = {}, {}, nil, 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local language, note = line:match "^```(%S*)%s*(.*)$"
    if open and language == "" then
      open.code = table.concat(open, "\n")
      found[#found + 1], open = open, nil
    elseif open then
      open[#open + 1] = line
    elseif language then
      open = { language = language, note = note, line = number }
    else
      rest[#rest + 1] = line
    end
  end
  assert(not open, "a block of code has no end")
  return found, table.concat(rest, "\n")
end

-- Makes an anchor from a heading, like GitHub.
local function slug(heading)
  local text = lower((heading:gsub("%[([^%]]*)%]%b()", "%1")))
  text = text:gsub("[^%w%s_\128-\255-]", ""):gsub("…", ""):gsub("Ö", "ö")
  return (text:gsub("%s", "-"))
end

--- The anchors of a text's headings, as a set.
---@param text string
---@return table<string, true>
function markdown.anchors(text)
  local _, rest = markdown.blocks(text)
  local found = {}
  for heading in ("\n" .. rest):gmatch "\n#+ ([^\n]*)" do
    local anchor, n = slug(heading), 0
    local own = anchor
    while found[own] do
      n = n + 1
      own = anchor .. "-" .. n
    end
    found[own] = true
  end
  return found
end

--- The targets of a text's links and pictures.
---@param text string
---@return string[]
function markdown.links(text)
  local _, rest = markdown.blocks(text)
  local found = {}
  rest = rest:gsub("`[^`]*`", "")
  for target in rest:gmatch "%]%(([^)%s]+)%)" do found[#found + 1] = target end
  return found
end

return markdown
