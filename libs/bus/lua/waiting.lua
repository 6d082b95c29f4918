-- How many entries of some streams no worker has taken. What is finished is deleted, so these are all there are but
-- those in somebody's hands.
--   KEYS the streams, which need not be there  → the number
local waiting = 0
for _, key in ipairs(KEYS) do
  local entries = redis.call('XLEN', key)
  if entries > 0 then
    local held = 0
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
      for i = 1, #group, 2 do
        if group[i] == 'pending' then held = held + group[i + 1] end
      end
    end
    waiting = waiting + math.max(0, entries - held)
  end
end
return waiting
