-- Begins an attempt: every older one is refused from here on. Only the worker that holds the entry may.
--   KEYS[1] log, KEYS[2] the entry's stream
--   ARGV[1] group, ARGV[2] entry id, ARGV[3] consumer, ARGV[4] frame, ARGV[5] channel, ARGV[6] life of the log in ms
--   → ok and the epoch | gone | final, the frame that made it so, after a cancel what was shown
local top = top_of(KEYS[1])
if is_final(top) then return with_shown({'final', top.frame}, KEYS[1], top) end
if #redis.call('XPENDING', KEYS[2], ARGV[1], ARGV[2], ARGV[2], 1, ARGV[3]) == 0 then return {'gone'} end
local epoch = new_epoch(top)
put(KEYS[1], ARGV[5], epoch .. '-0', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return {'ok', epoch}
