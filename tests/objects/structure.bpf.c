/* A TCP congestion control that does next to nothing: a structure of functions. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct sock;
struct rate_sample;
struct module;

/* The members are found by name: neither their order nor what is missing matters. */
struct tcp_congestion_ops {
	char name[16];
	unsigned int (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, unsigned int ack, unsigned int acked);
	unsigned int (*undo_cwnd)(struct sock *sk);
	void (*init)(struct sock *sk);
};

int started;

SEC("struct_ops/ssthresh") unsigned int ssthresh(__u64 *ctx)
{
	return 2;
}

SEC("struct_ops/undo_cwnd") unsigned int undo_cwnd(__u64 *ctx)
{
	return 2;
}

SEC("struct_ops/cong_avoid") void cong_avoid(__u64 *ctx)
{
}

SEC("struct_ops/init") void init(__u64 *ctx)
{
	__sync_fetch_and_add(&started, 1);
}

/* Not one of the structure's. */
SEC("struct_ops/unused") void unused(__u64 *ctx)
{
}

SEC(".struct_ops") struct tcp_congestion_ops nothing = {
	.init = (void *)init,
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "ebpf_nothing",
};

char LICENSE[] SEC("license") = "GPL";
