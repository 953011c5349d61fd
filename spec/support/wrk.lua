-- SPDX-License-Identifier: MIT
--
-- The script for wrk in spec/promises/load_spec.lua: requests by the method in
-- WRK_METHOD, and at the end one line with the results.
-- luacheck: globals wrk done

wrk.method = os.getenv "WRK_METHOD" or "GET"

function done(summary)
  local e = summary.errors
  print(("requests %d, socket errors %d, refused %d"):format(summary.requests,
    e.connect + e.read + e.write + e.timeout, e.status))
end
