"""The multi-kernel matrix: every kernel of kernels.toml, booted, tested and reported."""
