-- SPDX-License-Identifier: MIT
local retry = require "lipsync.error.retry"

local function decide(err, attempt, limits)
  limits = limits or {}
  return retry.decide(err, attempt or 1, {
    max_attempts = limits.max_attempts or 4,
    remaining = limits.remaining or 60,
    random = limits.random or 0.5, later = limits.later,
    patient = limits.patient,
  })
end

local function api(status, retry_after)
  return { kind = "api", statusCode = status, retryAfter = retry_after }
end

describe("retry.decide", function()
  it("retries 408, 429 and 5xx but 501 and 505", function()
    for _, status in ipairs { 408, 429, 500, 502, 503, 504, 506, 599 } do
      assert.is_number(decide(api(status)), status)
    end
    for _, status in ipairs { 400, 401, 403, 404, 409, 410, 422, 501, 505,
                              600 } do
      local delay, why = decide(api(status))
      assert.is_nil(delay)
      assert.equal("kind", why)
    end
  end)

  it("retries connection errors and timeouts only", function()
    assert.is_number(decide { kind = "connection" })
    assert.is_number(decide { kind = "timeout" })
    assert.is_number(decide { kind = "connection", statusCode = 201 })
    for _, kind in ipairs { "tls", "protocol", "limit", "invalid", "canceled",
                            "closed" } do
      assert.is_nil(decide { kind = kind })
      assert.is_nil(decide { kind = kind, statusCode = 503 })
    end
  end)

  it("retries no answer of the service without a status", function()
    assert.is_nil(decide { kind = "api" })
  end)

  it("retries a proxy's status as the service's", function()
    for status, is_retried in pairs { [403] = false, [407] = false,
        [404] = false, [429] = true, [502] = true, [504] = true } do
      assert.equal(is_retried, decide { kind = "connection",
        proxyStatus = status } ~= nil, status)
    end
  end)

  it("does not retry when the delay ends at the deadline", function()
    local _, why = decide({ kind = "timeout" }, 1,
      { remaining = 0.125, random = 0.5 })
    assert.equal("deadline", why)
    assert.equal(0.125, decide({ kind = "timeout" }, 1,
      { remaining = 0.126, random = 0.5 }))
  end)

  it("does not retry after the deadline", function()
    local delay, why = decide({ kind = "timeout" }, 1, { remaining = 0 })
    assert.is_nil(delay)
    assert.equal("deadline", why)
  end)

  it("stops after max_attempts", function()
    assert.is_number(decide({ kind = "connection" }, 3))
    local delay, why = decide({ kind = "connection" }, 4)
    assert.is_nil(delay)
    assert.equal("attempts", why)
    assert.is_nil(decide({ kind = "connection" }, 1, { max_attempts = 1 }))
  end)

  it("waits by its own rule, longer after 429", function()
    assert.equal(0.125, decide(api(503)))
    assert.equal(0.25, decide(api(503), 2))
    assert.equal(0.5, decide(api(429)))
    assert.equal(2.5, decide(api(429), 9, { max_attempts = 10 }))
  end)

  it("prefers the server's delay", function()
    assert.equal(30, decide(api(429, 30), 1, { random = 0 }))
    assert.equal(31.5, decide(api(503, 30)))
    assert.equal(0, decide(api(429, 0)))
  end)

  it("ends if the server asks for more than 120 s", function()
    assert.equal(120, decide(api(429, 120), 1,
      { remaining = math.huge, random = 0 }))
    local delay, why = decide(api(429, 121), 1, { remaining = math.huge })
    assert.is_nil(delay)
    assert.equal("wait", why)
  end)

  it("counts neither attempts nor long waits after \"not yet\"", function()
    local later = { later = true, remaining = 1000 }
    assert.equal(0.5, decide(api(409), 1, later))
    assert.equal(525, decide(api(409, 500), 99, later))
    assert.equal(0.25, decide(api(409, 0), 1, later))  -- never in a tight loop
    local delay, why = decide(api(409, 999), 1, later)
    assert.is_nil(delay)
    assert.equal("deadline", why)
    delay, why = decide(api(429, 0), 1, { later = false })
    assert.is_nil(delay)
    assert.equal("later", why)
  end)

  it("counts no attempts of a patient call, but long waits", function()
    local patient = { patient = true, remaining = math.huge }
    assert.equal(2.5, decide(api(429), 99, patient))
    assert.equal(0.25, decide(api(429, 0), 99, patient))
    local delay, why = decide(api(429, 121), 1, patient)
    assert.is_nil(delay)
    assert.equal("wait", why)
  end)

  it("tells a refusal of all from one of this request", function()
    assert.is_true(retry.is_for_all(api(429)))
    assert.is_false(retry.is_for_all(api(503)))
    assert.is_false(retry.is_for_all { kind = "protocol", statusCode = 429 })
    for code, all in pairs { rate_limit_exceeded = true, other = true,
        concurrency_limit_reached = false, voice_clone_busy = false } do
      assert.equal(all, retry.is_for_all { kind = "api", statusCode = 429,
        errorCode = code }, code)
    end
  end)

  it("ends if the delay exceeds the remaining time", function()
    local delay, why = decide(api(429, 30), 1, { remaining = 29 })
    assert.is_nil(delay)
    assert.equal("deadline", why)
    assert.is_nil(decide(api(503), 1, { remaining = 0.1 }))
  end)

  it("does not modify its arguments", function()
    local err, limits = api(429, 3), { max_attempts = 4, remaining = 60,
                                       random = 0 }
    retry.decide(err, 1, limits)
    assert.same(api(429, 3), err)
    assert.same({ max_attempts = 4, remaining = 60, random = 0 }, limits)
  end)
end)
