"""Events from programs to user space and back: ring buffers, perf buffers, and how to wait for them.

A *source* reads records out of memory that it shares with the kernel (`ring`, `perf`); a `consumer.Consumer` over it
waits, iterates, calls back, and works with asyncio; `user_ring` goes the other way.
"""
