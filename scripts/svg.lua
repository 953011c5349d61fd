-- SPDX-License-Identifier: MIT
--
-- svg.lua COLUMNS UNTIL: draws what a program has written to a terminal, which
-- comes on standard input, as an SVG: as it was when the text UNTIL had come.
-- It knows the sequences that lipsync writes: colours, and lines drawn anew.

local columns, last = tonumber(arg[1]), arg[2]

local text = io.read "*a":gsub("\r\n", "\n")
local at, stop = text:find(last, 1, true)
assert(at, text)
text = text:sub(1, text:find("\27%[K", stop) or #text)

-- Lines of cells { character, colour }.
local lines, row, column, style = { {} }, 1, 1, ""

local function put(character)
  lines[row][column] = { character, style }
  column = column + 1
end

local function escape(code, kind)
  if kind == "m" then
    style = code == "0" and "" or "c" .. code
  elseif kind == "K" then
    for n = #lines[row], column, -1 do lines[row][n] = nil end
  else
    error("unknown sequence " .. code .. kind)
  end
end

local i = 1
while i <= #text do
  local code, kind, after = text:match("^\27%[([%d;]*)(%a)()", i)
  local character = text:match("^[%z\1-\127\194-\244][\128-\191]*", i)
  if code then
    escape(code, kind)
    i = after
  else
    if character == "\n" then
      row, column = row + 1, 1
      lines[row] = {}
    elseif character == "\r" then
      column = 1
    elseif character ~= "\27" then
      put(character)
    end
    i = i + #character
  end
end

local width, height, margin = 8.4, 19, 16
local names = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }

local function character_of(cell)
  return cell and cell[1] or " "
end

-- Where the piece ends that begins at a cell: before another colour, or before
-- two blanks, so that columns stand where they are in any font.
local function end_of(cells, from)
  local to = from
  while cells[to + 1] and cells[to + 1][2] == cells[from][2]
    and not (character_of(cells[to + 1]) == " "
             and character_of(cells[to + 2]) == " ") do
    to = to + 1
  end
  return to
end

-- A line as text elements.
local function draw(cells, y)
  local out, from = {}, 1
  while cells[from] do
    local to, part = end_of(cells, from), {}
    for n = from, to do
      part[#part + 1] = names[cells[n][1]] or cells[n][1]
    end
    local said = table.concat(part)
    local blanks = #said:match "^ *"
    if blanks < #said then
      local class = cells[from][2]
      out[#out + 1] = ('<text x="%.1f" y="%d"%s>%s</text>'):format(
        margin + (from - 1 + blanks) * width, y,
        class ~= "" and (' class="%s"'):format(class) or "",
        said:match "^ *(.-) *$")
    end
    from = to + 1
  end
  return table.concat(out, "\n")
end

local wide = math.ceil(columns * width + 2 * margin)
local high = #lines * height + 2 * margin
print(('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
  .. 'viewBox="0 0 %d %d">'):format(wide, high, wide, high))
print [[<style>
text { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: 14px; fill: #d8dbe2 }
.c1 { font-weight: bold; fill: #ffffff } .c31 { fill: #ff7a6b }
.c32 { fill: #8fd18f } .c33 { fill: #e5c07b } .c34 { fill: #7fb2ff }
.c35 { fill: #d79be8 }
</style>]]
print(('<rect width="%d" height="%d" rx="8" fill="#16181d"/>'):format(wide,
  high))
for n, cells in ipairs(lines) do
  local drawn = draw(cells, margin + n * height - 5)
  if drawn ~= "" then print(drawn) end
end
print "</svg>"
