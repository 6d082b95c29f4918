-- RESERVE  ARGV answer, epoch, amount, budget, known to be spent, how long it is held and how long all is kept, in ms
-- → 1 reserved | 0 too little is left | -1 a newer attempt has reserved
local answer, epoch, wanted, budget = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
forget_old()
local entry = entry_of(answer)
if entry.epoch > epoch then return -1 end
-- Asked once more, because the reply was lost.
if entry.epoch == epoch then return entry.held == wanted and 1 or 0 end
-- An answer is paid once: what an attempt before this one holds or was charged is given back.
local held = amount('held') - entry.held
-- A Redis that forgot learns from what Postgres knew as the question was asked.
local spent = math.max(amount('spent') - entry.charged, tonumber(ARGV[5]))
local fits = spent + held + wanted <= budget
set('spent', spent)
set('held', fits and held + wanted or held)
keep(answer, epoch, fits and wanted or 0, 0, ARGV[6], ARGV[7])
return fits and 1 or 0
