-- A hop together with a frame that opens a new epoch.
--   KEYS[3] log; step arguments: frame, channel, life of the log in ms
--   → ok | gone | final, the frame that made it so, after a cancel what was shown
local top = top_of(KEYS[3])
if is_final(top) then return with_shown({'final', top.frame}, KEYS[3], top) end
if not finish_entry() then return {'gone'} end
put(KEYS[3], step_arg(2), new_epoch(top) .. '-0', step_arg(1))
redis.call('PEXPIRE', KEYS[3], step_arg(3))
return {'ok'}
