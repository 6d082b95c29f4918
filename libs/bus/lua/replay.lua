-- Puts a dead letter back on its stream with its attempts forgotten; twice is once.
--   KEYS[1] dead letters, KEYS[2] the stream it came from; ARGV[1] letter id, then the entry's fields and values
--   → 1, or 0 when the letter is gone
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
return 1
