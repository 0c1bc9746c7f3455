"""Mixed traffic of a platform on two replicas of each service: `python -m benchmarks.load`.

platform  the run: start, stages, bars and report
cluster   one durable store and two replicas of each service
access    certificates, tokens, deadlines and channels of the clients
clients   client processes
traffic   calls sent on schedule, and the outcome of each
mix       which calls a platform makes, and their shares
sessions  annotators who know every animal
surveys   surveys from small to large, some much more popular than others
stages    capacity, latency against load, soak, restart
watch     memory and processor time of each process
figures   latencies, errors and the picture
ratio     cheap calls per second, for ratios between targets
"""
