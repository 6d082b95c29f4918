-- The answer is stored: the end frame and the hop, and the opened frame of the turn that is next, in one step.
--   KEYS[3] log, KEYS[4] log of the next turn
--   step arguments: frame, channel, status, life of an ended log in ms, then for the next turn: frame or '', channel,
--   life of its log in ms
--   → ok | gone
local top = top_of(KEYS[3])
local next_top = step_arg(5) ~= '' and top_of(KEYS[4])
if not finish_entry() then return {'gone'} end
if not (top and top.seq == END) then
  put(KEYS[3], step_arg(2), (top and top.epoch or new_epoch()) .. '-' .. END, step_arg(1), step_arg(3))
end
redis.call('PEXPIRE', KEYS[3], step_arg(4))
if step_arg(5) ~= '' and not is_final(next_top) then
  put(KEYS[4], step_arg(6), new_epoch(next_top) .. '-0', step_arg(5))
  redis.call('PEXPIRE', KEYS[4], step_arg(7))
end
return {'ok'}
