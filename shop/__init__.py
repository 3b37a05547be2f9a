"""An order system on partitioned Redis streams: one order service, five consumers, real traffic.

It knows the console only by what it sends: of ours it imports `cascade_client` alone.
"""
