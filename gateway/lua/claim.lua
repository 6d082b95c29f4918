-- CLAIM  KEYS turns of one principal  ARGV turn, most, time to live in ms
-- → {'claimed'} | {'known'} when the turn has its place already | {'full', the time, turn, since, …}
local now = redis.call('TIME')[1]
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return {'known'}
end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  local full = {'full', now}
  for _, part in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')) do
    full[#full + 1] = part
  end
  return full
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'claimed'}
