-- wrk: one of so many files, at random; or all of them, one after the other.
init = function(args)
	n = tonumber(args[1])
	in_order = args[2] == "in_order"
	at = 0
	requests = {}
	for i = 1, n do
		requests[i] = wrk.format("GET", "/random/" .. i .. ".html")
	end
end

request = function()
	if not in_order then
		return requests[math.random(n)]
	end
	at = at % n + 1
	return requests[at]
end
