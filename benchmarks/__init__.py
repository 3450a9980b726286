"""Side-by-side measurements: each figure is a ratio against a named peer, taken in one run, interleaved."""
