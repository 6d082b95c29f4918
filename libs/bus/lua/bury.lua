-- A hop that also keeps the entry as a dead letter.
--   KEYS[3] dead letters; step arguments: oldest id to keep, then the dead letter's fields and values
if not finish_entry() then return {'gone'} end
local first = 3 + tonumber(ARGV[3]) + 2
redis.call('XADD', KEYS[3], 'MINID', '~', step_arg(1), '*', unpack(ARGV, first))
return {'ok'}
