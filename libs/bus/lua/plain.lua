-- A hop and nothing else.
if finish_entry() then return {'ok'} end
return {'gone'}
