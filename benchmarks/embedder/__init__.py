"""Embedding served: speed beside the same work in process and beside other servers, overload and leaks.

serving     `python -m benchmarks.embedder`: crops per second and latency beside every rival
frames      `python -m benchmarks.embedder.frames`: whole frames with boxes, decoded once or for each box
soak        `python -m benchmarks.embedder.soak`: ten thousand good and bad files in one stream
overload    `python -m benchmarks.embedder.overload`: four times the calls that can be answered
in_process  the rivals without a server: same decoding, same session
loads       clients that keep a number of calls in flight
metering    median call and processor seconds of each case
peering     other servers of the same ONNX file: started, tuned and called
posting     an HTTP/1.1 client with little overhead
peers       what the other servers run, each in an environment of its own
"""
