-- Files that nobody has asked for before.
local n = os.time() * 1000000

request = function()
	n = n + 1
	return wrk.format("GET", "/cold/" .. n)
end
