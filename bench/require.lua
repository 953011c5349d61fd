-- SPDX-License-Identifier: MIT
--
-- require MODULE: prints the processor's milliseconds that the first require
-- of a module costs.

local start = os.clock()
require(arg[1])
io.write(("ms %.3f\n"):format((os.clock() - start) * 1e3))
