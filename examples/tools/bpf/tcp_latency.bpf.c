/* How long connecting by TCP takes: a histogram of microseconds, by powers of two. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, SLOTS = 32 };

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64); /* the socket */
	__type(value, __u64); /* since when */
} started SEC(".maps");

__u64 histogram[SLOTS];

static __u32 log2(__u64 value)
{
	__u32 slot = 0;

#pragma unroll
	for (int bits = 16; bits; bits /= 2)
		if (value >> bits) {
			value >>= bits;
			slot += bits;
		}
	return slot;
}

/* TP_PROTO(const struct sock *sk, const int oldstate, const int newstate) */
SEC("raw_tp/inet_sock_set_state")
int on_state(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 sock = ctx->args[0], now = bpf_ktime_get_ns(), *since;
	__u32 before = ctx->args[1], after = ctx->args[2], slot;

	if (after == TCP_SYN_SENT) {
		bpf_map_update_elem(&started, &sock, &now, BPF_ANY);
		return 0;
	}
	if (before != TCP_SYN_SENT)
		return 0;
	since = bpf_map_lookup_elem(&started, &sock);
	if (since && after == TCP_ESTABLISHED) {
		slot = log2((now - *since) / 1000);
		if (slot < SLOTS)
			__sync_fetch_and_add(&histogram[slot], 1);
	}
	bpf_map_delete_elem(&started, &sock);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
