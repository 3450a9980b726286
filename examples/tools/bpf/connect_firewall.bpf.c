/* Processes of a cgroup may not connect to these addresses. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* IPv4 address in network byte order -> how often a connection to it was refused. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} blocked SEC(".maps");

SEC("cgroup/connect4")
int on_connect(struct bpf_sock_addr *ctx)
{
	__u32 address = ctx->user_ip4;
	__u64 *refused = bpf_map_lookup_elem(&blocked, &address);

	if (!refused)
		return 1;
	__sync_fetch_and_add(refused, 1);
	return 0; /* EPERM */
}

char LICENSE[] SEC("license") = "GPL";
