-- SETTLE  ARGV answer, epoch, cost, how long that is remembered and how long all is kept, in ms
-- → 1 charged, once however often it is said | 0 a newer attempt has reserved
local answer, epoch, cost = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local entry = entry_of(answer)
if entry.epoch > epoch then return 0 end
set('held', amount('held') - entry.held)
set('spent', amount('spent') - entry.charged + cost)
keep(answer, epoch, 0, cost, ARGV[4], ARGV[5])
return 1
