-- Finishing an entry, as every script that ends a stage's work does it: acknowledge and delete the one entry, publish
-- the next, in one atomic step. What XACK returns decides: a second finisher changes nothing.
--   KEYS[1] the entry's stream, KEYS[2] the next event's stream
--   ARGV[1] group, ARGV[2] entry id, ARGV[3] number n of the next entry's fields and values, then these n
local function finish_entry()
  if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return false end
  redis.call('XDEL', KEYS[1], ARGV[2])
  local n = tonumber(ARGV[3])
  if n > 0 then redis.call('XADD', KEYS[2], '*', unpack(ARGV, 4, 3 + n)) end
  return true
end

-- The i-th argument of the step that shares the script with the hop.
local function step_arg(i)
  return ARGV[3 + tonumber(ARGV[3]) + i]
end
