"""The same ONNX file behind other model servers; each script runs in an environment that has the server.

Beside it they need onnxruntime, numpy, pillow and simplejpeg.

model           decoding and session, shared by all of them
serve_bentoml   BentoML
serve_litserve  LitServe
serve_mosec     Mosec
serve_ray       Ray Serve
"""
