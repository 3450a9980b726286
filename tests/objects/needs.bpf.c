/* One of many things that objects ask for: tests/ebpf/check. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct timed {
	struct bpf_timer timer;
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timed);
} timers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, __u64);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} jumps SEC(".maps");

__u64 counter;

static __attribute__((noinline)) int sum(struct __sk_buff *skb, __u32 n)
{
	return bpf_skb_ecn_set_ce(skb) + n;
}

__attribute__((noinline)) int global_sum(struct __sk_buff *skb)
{
	return bpf_get_prandom_u32() & skb->len;
}

/* Functions, a global one among them, and a tail call: 5.10. */
SEC("tc")
int calls(struct __sk_buff *skb)
{
	int r = sum(skb, skb->tstamp) + global_sum(skb);

	bpf_tail_call(skb, &jumps, 1);
	return r & 1;
}

/* Direct access to the packet, a loop, atomics that return. */
SEC("xdp.frags")
int packet(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 n = 0;

	if (data + 64 > end)
		return XDP_DROP;
#pragma clang loop unroll(disable)
	for (__u64 i = 0; i < 64; i++)
		n += ((unsigned char *)data)[i & 63];
	__sync_fetch_and_add(&counter, n);
	if (__sync_val_compare_and_swap(&counter, 5, 6) == 5)
		return XDP_TX;
	return n > ctx->rx_queue_index ? XDP_PASS : XDP_DROP;
}

static int each(void *map, __u32 *key, struct timed *value, void *ctx)
{
	return 0;
}

SEC("?lsm.s/file_open")
int BPF_PROG(optional_lsm, void *file)
{
	bpf_for_each_map_elem(&timers, each, NULL, 0);
	return 0;
}

SEC("kprobe/do_unlinkat")
int old_read(struct pt_regs *ctx)
{
	long value = 0;

	bpf_probe_read(&value, sizeof(value), (char *)bpf_get_current_task() + 1184);
	counter = value;
	return 0;
}

SEC("kprobe.multi/tcp_*")
int many(struct pt_regs *ctx)
{
	return 0;
}

#ifndef LICENCE
#define LICENCE "GPL"
#endif
char LICENSE[] SEC("license") = LICENCE;
