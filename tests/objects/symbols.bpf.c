/* Kernel symbols: functions, variables by their types, addresses; each weak, and one that no kernel has. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct rq;

extern const struct rq runqueues __ksym __weak;
extern const void vfs_read __ksym __weak;
extern const void no_such_symbol __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
extern void no_such_kernel_function(void) __ksym __weak;

long address, nothing, per_cpu;

SEC("raw_tp") int addresses(void *ctx)
{
	address = (long)&vfs_read;
	nothing = (long)&no_such_symbol;
	return 0;
}

SEC("?raw_tp") int variables(void *ctx)
{
	per_cpu = bpf_per_cpu_ptr(&runqueues, 0) != 0;
	return 0;
}

SEC("?tc") int functions(struct __sk_buff *ctx)
{
	int taken = 1;

	if (bpf_rcu_read_lock && bpf_rcu_read_unlock) {
		bpf_rcu_read_lock();
		taken = 2;
		bpf_rcu_read_unlock();
	}
	if (no_such_kernel_function)
		no_such_kernel_function();
	return taken;
}

char LICENSE[] SEC("license") = "GPL";
