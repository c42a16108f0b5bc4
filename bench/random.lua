-- wrk: one of so many files, at random.
init = function(args)
	n = tonumber(args[1])
	requests = {}
	for i = 1, n do
		requests[i] = wrk.format("GET", "/random/" .. i .. ".html")
	end
end

request = function()
	return requests[math.random(n)]
end
