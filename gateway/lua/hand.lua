-- HAND  KEYS living gateways, inbox of one  ARGV gateway, most entries, time to live in ms, connection, kind, frame
-- → 'taken' | 'dead' | 'full'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local until_ = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not until_ or tonumber(until_) < now then
  return 'dead'
end
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[2]) then
  return 'full'
end
redis.call('XADD', KEYS[2], '*', 'c', ARGV[4], 'k', ARGV[5], 'f', ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 'taken'
