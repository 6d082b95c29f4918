-- RENEW  KEYS living gateways  ARGV gateway, lease ms, time to live in ms
-- → 1, or 0 when it was not among them: it is new, or was taken for dead
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return known and 1 or 0
