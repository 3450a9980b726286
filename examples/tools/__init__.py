"""Five small tools, to be read and copied. Build their programs once (``make -C examples/tools``), then, as root::

    python -m examples.tools.exec_snoop
    python -m examples.tools.xdp_count eth0
    python -m examples.tools.connect_firewall --block 192.0.2.1 -- curl http://192.0.2.1/
    python -m examples.tools.profile_stacks --seconds 5
    python -m examples.tools.tcp_latency

The C sources are in ``bpf/``; what is built needs neither compiler nor headers where it runs, and runs on any kernel.
"""
