/* A little of everything that an object file may hold; read by the tests, loaded by some of them. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &first } };

int tail(struct __sk_buff *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = { .values = { [2] = (void *)&tail } };

struct pair {
	int number;
	long count;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct pair);
} pairs SEC(".maps");

const volatile int factor = 5;
int initialised = 7;
int zero;
static volatile long hidden_total;
int array[3] SEC(".data.own") = { 1, 2, 3 };

extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_BPF __kconfig __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
extern const int no_such_symbol_anywhere __ksym __weak;

static __attribute__((noinline)) int add(int number)
{
	hidden_total += number;
	return number * initialised + zero;
}

__attribute__((noinline)) int shared(int number)
{
	return add(number) + factor;
}

static long callback(__u32 index, void *context)
{
	return shared(index) < 0;
}

SEC("socket") int tail(struct __sk_buff *ctx)
{
	return shared(3);
}

SEC("socket") int entry(struct __sk_buff *ctx)
{
	__u32 key = 1;
	struct pair *found = bpf_map_lookup_elem(&pairs, &key);
	long sum = LINUX_KERNEL_VERSION + CONFIG_BPF + array[1];

	if (bpf_loop)
		bpf_loop(4, callback, 0, 0);
	if (found)
		sum += found->count;
	return sum + add(2);
}

SEC("socket") int jump(struct __sk_buff *ctx)
{
	bpf_tail_call(ctx, &jumps, 2);
	return (long)&no_such_symbol_anywhere;
}

SEC("?tc") int kernel_functions(struct __sk_buff *ctx)
{
	if (bpf_rcu_read_lock) {
		bpf_rcu_read_lock();
		bpf_rcu_read_unlock();
	}
	return 0;
}

SEC("?xdp") int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
