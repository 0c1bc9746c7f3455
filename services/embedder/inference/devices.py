"""Devices of a backbone: onnxruntime providers, and the memory that a device reads its input from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from services.embedder.images.decoding import ByteArray
from services.embedder.inference.cell_maps import with_output
from spotted.arrays import Float32Array
from spotted.errors import PreconditionError

INPUT = "pixels"
OUTPUT = "features"

# the first must be available; the others run the nodes that it cannot
_PROVIDERS = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider",),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider"),
}
# edge of the images that _BATCHES is for, pixels
_EDGE = 224
# images in a batch. On a CPU 1, 4 and 16 are equally fast, and small batches answer sooner; the number for
# GPUs is a guess that was not measured
_BATCHES = {"cpu": 4, "cuda": 128, "tensorrt": 128}
# log level of onnxruntime: errors, without its warnings about harmless graph details
_ERRORS_ONLY = 3


def max_batch(device: str, input_size: int) -> int:
    """Images of `input_size` x `input_size` pixels in a full batch: a budget of pixels."""
    return max(1, _BATCHES[device] * _EDGE**2 // input_size**2)


def open_session(
    path: Path, device: str, *, threads: int, input_size: int, further_output: str = ""
) -> onnxruntime.InferenceSession:
    """A session of an ONNX file on a device; threads: number of threads of one run on the CPU.

    further_output: a tensor of the graph that can be read as well; "" for none.

    Raises PreconditionError if the device is not available; no other device is used instead.
    """
    provider = _PROVIDERS[device][0]
    available = onnxruntime.get_available_providers()
    if provider not in available:
        raise PreconditionError(
            f"device {device!r} needs {provider}, but this onnxruntime has {', '.join(available)}; install "
            "the extra `gpu` instead of `cpu`, or set SPOTTED_DEVICE=cpu"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _ERRORS_ONLY
    # a spinning thread takes the core that the next image's decoder needs
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = [(name, _provider_options(name, path, device, input_size)) for name in _PROVIDERS[device]]
    model = with_output(path.read_bytes(), further_output) if further_output else str(path)
    session = onnxruntime.InferenceSession(model, options, providers=providers)
    # onnxruntime itself falls back to the CPU if the driver or a library is missing
    if provider not in session.get_providers():
        raise PreconditionError(
            f"device {device!r} cannot be used: its driver or libraries are missing or do not match this "
            "onnxruntime; install them, or set SPOTTED_DEVICE=cpu"
        )
    return session


def _provider_options(name: str, path: Path, device: str, input_size: int) -> dict[str, str]:
    if name == "CUDAExecutionProvider":
        # TF32 rounds to 10 bits of mantissa, so that vectors of two devices would differ in the third digit;
        # an exhaustive search would be repeated for every batch size
        return {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
    if name == "TensorrtExecutionProvider":
        shape = f"{input_size}x{input_size}x3"
        largest = f"{INPUT}:{max_batch(device, input_size)}x{shape}"
        return {
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": str(path.parent / "tensorrt"),
            "trt_profile_min_shapes": f"{INPUT}:1x{shape}",
            "trt_profile_opt_shapes": largest,
            "trt_profile_max_shapes": largest,
        }
    return {}


class Lane:
    """Runs a session, one batch at a time, from input memory of its own that the device reads directly.

    On a GPU the memory is page-locked, so that it is copied without an intermediate buffer.
    """

    def __init__(self, session: onnxruntime.InferenceSession, batch: int, input_size: int) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._owner, self._slab = _host_memory(session.get_providers()[0], (batch, input_size, input_size, 3))

    def run(self, images: Sequence[ByteArray]) -> Float32Array:
        """The features (n, dimension) of n images (size, size, 3), at most `batch` of them."""
        for slot, image in zip(self._slab, images, strict=False):
            slot[...] = image
        shape = [len(images), *self._slab.shape[1:]]
        self._binding.bind_input(INPUT, "cpu", 0, np.uint8, shape, self._slab.ctypes.data)
        self._binding.bind_output(OUTPUT, "cpu")
        self._session.run_with_iobinding(self._binding)
        features: Float32Array = self._binding.get_outputs()[0].numpy()
        return features


def _host_memory(provider: str, shape: tuple[int, ...]) -> tuple[object, ByteArray]:
    """Zeroed host memory that the device of a provider can read, preceded by the object that owns it."""
    for device in onnxruntime.get_ep_devices():
        if device.ep_name != provider:
            continue
        memory = device.memory_info(onnxruntime.OrtDeviceMemoryType.HOST_ACCESSIBLE)
        if memory is None:
            continue
        owner = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, np.uint8, memory_info=memory)
        view: ByteArray = owner.numpy()
        view[...] = 0
        return owner, view
    slab: ByteArray = np.zeros(shape, dtype=np.uint8)
    return slab, slab
