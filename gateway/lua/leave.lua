-- LEAVE  KEYS owner of a connection, connections of a gateway  ARGV connection, gateway
if redis.call('GET', KEYS[1]) == ARGV[2] then
  redis.call('DEL', KEYS[1])
end
redis.call('SREM', KEYS[2], ARGV[1])
