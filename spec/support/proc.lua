-- SPDX-License-Identifier: MIT
--
-- What Linux tells of a process.

local own = io.open "/proc/self/status"
if own then own:close() end

-- Whether it tells anything: without, what measures is pending.
local proc = { is_here = own ~= nil }

--- Resident memory of a process in KiB; "VmHWM": its peak.
---@param pid integer|"self"
---@param which string|nil  default "VmRSS"
---@return integer
function proc.memory(pid, which)
  local file = assert(io.open(("/proc/%s/status"):format(pid)))
  local text = file:read "*a"
  file:close()
  return tonumber(text:match((which or "VmRSS") .. ":%s*(%d+)"))
end

return proc
