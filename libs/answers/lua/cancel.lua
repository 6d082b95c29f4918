-- Closes the log as cancelled, unless it is closed or ended already: exactly one of writer and user wins.
--   KEYS[1] log; ARGV[1] frame, ARGV[2] channel, ARGV[3] life of the log in ms
--   → cancelled | closed
local top = top_of(KEYS[1])
if top and (top.seq == CLOSE or top.seq == END) then return 'closed' end
put(KEYS[1], ARGV[2], (top and top.epoch or new_epoch()) .. '-' .. CLOSE, ARGV[1], 'cancelled')
redis.call('PEXPIRE', KEYS[1], ARGV[3], 'NX')
return 'cancelled'
