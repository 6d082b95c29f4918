-- Takes entries whose worker went silent and puts them back at the end of the stream with their attempts and silences
-- raised by one. One that was silent before is blamed only if work on it had begun: its worker says so with a second
-- delivery. Entries without silences left are returned, to be buried by whoever can tell the client. Forgets consumers
-- that are gone and hold nothing.
--   KEYS[1] stream
--   ARGV[1] group, ARGV[2] silence in ms, ARGV[3] silences allowed, ARGV[4] most entries at once, ARGV[5] ms after
--   which an idle consumer is forgotten
--   → number moved, then the id of each exhausted entry and who held it
local function raise(fields, name, by)
  for i = 1, #fields, 2 do
    if fields[i] == name then
      local number = (tonumber(fields[i + 1]) or 0) + by
      fields[i + 1] = string.format('%d', number)
      return number
    end
  end
  fields[#fields + 1] = name
  fields[#fields + 1] = string.format('%d', by)
  return by
end

local result = {0}
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[2], '-', '+', ARGV[4])
for _, item in ipairs(pending) do
  local id, holder, deliveries = item[1], item[2], item[4]
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  if not entry then
    redis.call('XACK', KEYS[1], ARGV[1], id)
  else
    local fields = entry[2]
    local blame = (raise(fields, 'silences', 0) == 0 or deliveries > 1) and 1 or 0
    raise(fields, 'attempts', blame)
    if raise(fields, 'silences', blame) >= tonumber(ARGV[3]) then
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
