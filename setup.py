"""The one thing that pyproject.toml cannot say: an extension that may fail to build without failing the install."""

from setuptools import Extension, setup

SOURCES = ("module", "calls", "elements", "btf", "ringbuf")

setup(
    ext_modules=[
        Extension(
            "ebpf._twin",
            [f"ebpf/twin/{name}.c" for name in SOURCES],
            depends=["ebpf/twin/twin.h"],
            extra_compile_args=["-O2", "-fvisibility=hidden"],
            optional=True,  # without a compiler everything works through ctypes
        )
    ]
)
