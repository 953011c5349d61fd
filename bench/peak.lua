-- SPDX-License-Identifier: MIT
-- The most memory that the process had resident so far, in KiB; 0 where there
-- is no /proc.

return function()
  local file = io.open "/proc/self/status"
  if not file then return 0 end
  local text = file:read "*a"
  file:close()
  return tonumber(text:match "VmHWM:%s*(%d+)") or 0
end
