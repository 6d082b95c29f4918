-- Hands back all that a stopping consumer holds, at once and with its attempts as they are, and forgets the consumer.
--   KEYS[1] stream; ARGV[1] group, ARGV[2] consumer  → number handed back
local released = 0
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000, ARGV[2])
for _, item in ipairs(pending) do
  local entry = redis.call('XRANGE', KEYS[1], item[1], item[1])[1]
  redis.call('XACK', KEYS[1], ARGV[1], item[1])
  if entry then
    redis.call('XDEL', KEYS[1], item[1])
    redis.call('XADD', KEYS[1], '*', unpack(entry[2]))
    released = released + 1
  end
end
-- Deleting a consumer loses what it holds, so only one that holds nothing goes.
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
end
return released
