-- Takes entries whose worker went silent and puts them back at the end of the stream with their attempts raised by one.
-- Entries without attempts left are returned, to be buried by whoever can tell the client. Forgets consumers that are
-- gone and hold nothing.
--   KEYS[1] stream
--   ARGV[1] group, ARGV[2] silence in ms, ARGV[3] attempts allowed, ARGV[4] most entries at once, ARGV[5] ms after
--   which an idle consumer is forgotten
--   → number moved, then the id of each exhausted entry and who held it
local result = {0}
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[2], '-', '+', ARGV[4])
for _, item in ipairs(pending) do
  local id, holder = item[1], item[2]
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  if not entry then
    redis.call('XACK', KEYS[1], ARGV[1], id)
  else
    local fields, attempts = entry[2], 0
    for i = 1, #fields, 2 do
      if fields[i] == 'attempts' then
        attempts = tonumber(fields[i + 1]) + 1
        fields[i + 1] = string.format('%d', attempts)
      end
    end
    if attempts >= tonumber(ARGV[3]) then
      result[#result + 1] = id
      result[#result + 1] = holder
    else
      redis.call('XACK', KEYS[1], ARGV[1], id)
      redis.call('XDEL', KEYS[1], id)
      redis.call('XADD', KEYS[1], '*', unpack(fields))
      result[1] = result[1] + 1
    end
  end
end
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local facts = {}
  for i = 1, #consumer, 2 do facts[consumer[i]] = consumer[i + 1] end
  if facts['pending'] == 0 and facts['idle'] > tonumber(ARGV[5]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], facts['name'])
  end
end
return result
