-- A hop together with a frame that opens a new epoch.
--   KEYS[3] log; step arguments: frame, channel, life of the log in ms
--   → ok | gone | final and the frame that made it so
local top = top_of(KEYS[3])
if is_final(top) then return {'final', top.frame} end
if not finish_entry() then return {'gone'} end
put(KEYS[3], step_arg(2), new_epoch(top) .. '-0', step_arg(1))
redis.call('PEXPIRE', KEYS[3], step_arg(3))
return {'ok'}
