/* Count the stacks that processors are found in. */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>

struct sample {
	__u32 pid;
	__s32 kernel, user; /* ids of stacks, or negative */
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 127 * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct sample);
	__type(value, __u64);
} samples SEC(".maps");

SEC("perf_event")
int on_tick(struct bpf_perf_event_data *ctx)
{
	struct sample sample = {};
	__u64 one = 1, *count;

	sample.pid = bpf_get_current_pid_tgid() >> 32;
	if (!sample.pid) /* idle */
		return 0;
	bpf_get_current_comm(sample.comm, sizeof(sample.comm));
	sample.kernel = bpf_get_stackid(ctx, &stacks, 0);
	sample.user = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	count = bpf_map_lookup_elem(&samples, &sample);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&samples, &sample, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
