-- SPDX-License-Identifier: MIT
--
-- Facts about a process, from Linux.

local own = io.open "/proc/self/status"
if own then own:close() end

-- Whether /proc exists; tests that measure are pending without it.
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
