/* Code that asks before it uses what older kernels lack: tests/ebpf/check. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

enum bpf_func_id___new { BPF_FUNC_get_func_ip___new = 173, BPF_FUNC_ktime_get_tai_ns___new = 208 };

struct task_struct___old {
	long state;
} __attribute__((preserve_access_index));

struct task_struct___new {
	unsigned int __state;
	int pid;
} __attribute__((preserve_access_index));

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool CONFIG_BPF_LSM __kconfig __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;

const volatile bool with_stack = false;
const volatile int depth = 3;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16);
	__uint(key_size, 4);
	__uint(value_size, 8 * 16);
} stacks SEC(".maps");

__u64 seen;

/* bpf_get_func_ip() came with 5.15: optional. bpf_get_current_task() is what runs without it. */
SEC("kprobe/do_unlinkat")
int by_enumerator(void *ctx)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id___new, BPF_FUNC_get_func_ip___new))
		seen = bpf_get_func_ip(ctx);
	else
		seen = bpf_get_current_task();
	return 0;
}

/* bpf_get_stackid() only when a variable says so. */
SEC("kprobe/do_unlinkat")
int by_variable(void *ctx)
{
	if (with_stack)
		seen = bpf_get_stackid(ctx, &stacks, 0);
	seen += depth;
	return 0;
}

/* A ring buffer since 5.8, by the release. */
SEC("kprobe/do_unlinkat")
int by_release(void *ctx)
{
	if (LINUX_KERNEL_VERSION >= KERNEL_VERSION(5, 8, 0))
		bpf_ringbuf_output(&events, &seen, sizeof(seen), 0);
	return 0;
}

/* By an option of the kernel's configuration. */
SEC("kprobe/do_unlinkat")
int by_option(void *ctx)
{
	if (CONFIG_BPF_LSM)
		seen = bpf_ktime_get_coarse_ns();
	return 0;
}

/* By a weak symbol: kfuncs since 6.2. */
SEC("tp_btf/sched_switch")
int by_symbol(void *ctx)
{
	if (bpf_rcu_read_lock && bpf_rcu_read_unlock) {
		bpf_rcu_read_lock();
		bpf_rcu_read_unlock();
	}
	return 0;
}

/* By a field; what neither branch can do without is a need. */
SEC("kprobe/do_unlinkat")
int by_field(void *ctx)
{
	struct task_struct___new *task = (void *)bpf_get_current_task();
	unsigned int state;

	if (bpf_core_field_exists(task->__state))
		state = BPF_CORE_READ(task, __state);
	else
		state = BPF_CORE_READ((struct task_struct___old *)task, state);
	seen = state + bpf_get_smp_processor_id();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
