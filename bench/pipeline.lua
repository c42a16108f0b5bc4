-- wrk: 16 requests in each write.
init = function(args)
	local batch = {}
	for i = 1, 16 do
		batch[i] = wrk.format("GET")
	end
	requests = table.concat(batch)
end

request = function()
	return requests
end
