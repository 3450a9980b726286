/* A section whose name says no program type. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("whatever") int answer(struct __sk_buff *ctx)
{
	return 42;
}

char LICENSE[] SEC("license") = "GPL";
