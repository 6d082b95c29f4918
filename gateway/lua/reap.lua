-- REAP  KEYS living gateways, dead ones  ARGV claim ms, time to live in ms
-- → a dead gateway that nobody else looks after for the time of the claim, or nil
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, gateway in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], gateway)
  redis.call('ZADD', KEYS[2], now, gateway)
end
local found = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 1)[1]
if found then
  redis.call('ZADD', KEYS[2], now + ARGV[1], found)
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
return found
