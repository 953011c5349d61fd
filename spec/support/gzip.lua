-- SPDX-License-Identifier: MIT

--- The bytes of `text` as gzip, by the program.
---@param text string
---@return string
return function(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local pipe = assert(io.popen("gzip -nc " .. path))
  local packed = pipe:read "*a"
  pipe:close()
  os.remove(path)
  return packed
end
